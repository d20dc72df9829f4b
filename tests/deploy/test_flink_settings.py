"""Flink passes over settings it does not know, in silence: those of deploy/ are held to the names in Flink's own classes."""

from __future__ import annotations

import json
import shlex
import zipfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from newsflow.runners.flink import SAFE, WORKER
from tests.deploy.deploy_tools import DEPLOY


class ComposeLoader(yaml.SafeLoader):
    """Knows compose's `!override`, which replaces a list instead of adding to it."""


def _list(loader: yaml.SafeLoader, node: yaml.SequenceNode) -> list[Any]:
    made: list[Any] = loader.construct_sequence(node)
    return made


ComposeLoader.add_constructor("!override", _list)


def settings() -> dict[str, set[str]]:
    overlay = yaml.load((DEPLOY / "compose" / "compose.flink.yaml").read_text(encoding="utf-8"), ComposeLoader)
    found = {"compose": set(yaml.safe_load(overlay["x-flink"]["environment"]["FLINK_PROPERTIES"]))}
    for way, file in (("flink-session", "cluster.yaml"), ("flink-application", "application.yaml")):
        resource = yaml.safe_load((DEPLOY / "kubernetes" / way / file).read_text(encoding="utf-8"))
        found[way] = set(resource["spec"]["flinkConfiguration"])
    return found


@cache
def known() -> bytes:
    """The constants of Flink's option classes, in one; skips where Flink's jars are not installed."""
    spec = find_spec("pyflink")
    folders = [Path(each) / "lib" for each in (spec.submodule_search_locations or ())] if spec else []
    jars = [jar for folder in folders for jar in folder.glob("flink-dist-1.19.*.jar")]
    if not jars:
        pytest.skip("no Flink 1.19 here: it comes with the package apache-flink-libraries")
    with zipfile.ZipFile(jars[0]) as opened:
        names = [name for name in opened.namelist() if name.startswith("org/apache/flink/") and "Options" in name]
        return b"\0".join(opened.read(name) for name in names)


def is_known(key: str) -> bool:
    # A constant of a class file stands behind its length, in two bytes.
    return len(key).to_bytes(2, "big") + key.encode() in known()


@pytest.mark.parametrize("place", settings())
def test_flink_knows_every_setting(place: str) -> None:
    assert [key for key in sorted(settings()[place]) if not is_known(key)] == []


def test_a_name_of_another_release_is_told_from_ours() -> None:
    assert is_known("state.checkpoints.dir")
    assert not is_known("execution.checkpointing.dir")  # as it is called since 1.20


def test_all_ways_keep_what_a_cancelled_job_needs_to_go_on() -> None:
    for place, keys in settings().items():
        assert {"state.checkpoints.dir", "execution.checkpointing.externalized-checkpoint-retention"} <= keys, place
        assert "restart-strategy.type" in keys, place


def test_an_application_gets_the_options_that_newsflow_would_choose() -> None:
    text = (DEPLOY / "kubernetes" / "flink-application" / "application.yaml").read_text(encoding="utf-8")
    [_, command] = yaml.safe_load(text)["spec"]["job"]["args"]
    given = dict(word.removeprefix("--").partition("=")[::2] for word in shlex.split(command.partition(" -- ")[2]))
    assert {name: given.get(name) for name in SAFE} == SAFE
    assert json.loads(given["environment_config"]) == {"command": WORKER}
