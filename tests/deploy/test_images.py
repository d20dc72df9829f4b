"""The Dockerfiles: linted, and built from what is there. Whether they build is for a machine with an engine."""

from __future__ import annotations

import re
import shutil
import sys
import tomllib
from pathlib import Path

import pytest

from tests.deploy.deploy_tools import DEPLOY, ROOT, run

FILES = [DEPLOY / "compose" / "Dockerfile", DEPLOY / "flink" / "Dockerfile"]


def _copied(file: Path) -> set[str]:
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line.startswith("COPY ")]
    return {source for line in lines if "--from" not in line for source in line.split()[1:-1]}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_hadolint_finds_nothing(file: Path) -> None:
    beside = Path(sys.executable).parent / "hadolint"
    found = str(beside) if beside.exists() else shutil.which("hadolint")
    assert found is not None, "hadolint comes with the extra dev"
    assert run(found, "--failure-threshold", "info", file) == ""


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_an_image_is_built_from_what_is_there(file: Path) -> None:
    copied = _copied(file)
    assert all((ROOT / source).exists() for source in copied)
    # Whatever the wheel takes in from outside src must be in the build.
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    included = pyproject.partition("force-include]")[2].partition("\n[")[0]
    assert set(re.findall(r'^"([^"]+)" =', included, re.MULTILINE)) <= copied
    let_in = (file.parent / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert {f"!{source}" for source in copied} <= set(let_in)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_the_last_stage_is_not_root_and_says_so_by_number(file: Path) -> None:
    last = file.read_text(encoding="utf-8").rpartition("\nFROM ")[2]
    (user,) = re.findall(r"^USER (\d+):(\d+)$", last, re.MULTILINE)
    assert int(user[0]) >= 9999
    assert f"--uid {user[0]}" in last


def test_the_job_server_is_of_the_beam_and_the_flink_we_test_with() -> None:
    text = FILES[1].read_text(encoding="utf-8")
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    beam = re.search(r"^apache-beam==(.+)$", constraints, re.MULTILINE)
    assert beam is not None
    assert f"ARG BEAM={beam[1]}\n" in text
    flink = re.search(r"^ARG FLINK=flink:(\d+\.\d+)\.", text, re.MULTILINE)
    assert flink is not None
    assert f"beam-runners-flink-{flink[1]}-job-server:" in text
    assert f"flinkVersion: v{flink[1].replace('.', '_')}\n" in (
        DEPLOY / "kubernetes" / "flink-session" / "cluster.yaml"
    ).read_text(encoding="utf-8")


def test_the_images_packages_are_those_we_test_with_and_have_their_digests() -> None:
    text = (DEPLOY / "requirements.txt").read_text(encoding="utf-8")
    entries = re.findall(
        r"^([a-zA-Z0-9._-]+)==(\S+) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", text, re.MULTILINE
    )
    locked = {name: version for name, version, _ in entries}
    assert len(locked) == text.count("==")
    constraints = dict(re.findall(r"^([^#=\s]+)==(\S+)$", (ROOT / "constraints.txt").read_text("utf-8"), re.MULTILINE))
    assert {name: constraints.get(name) for name in locked} == locked
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = ("postgres", "chat", "opensearch", "iceberg", "serve")
    wanted = [*project["dependencies"], *(each for extra in extras for each in project["optional-dependencies"][extra])]
    names = {re.sub(r"[-_.]+", "-", re.split(r"[\[<>=,; ]", each)[0]).lower() for each in wanted}
    assert names - {re.sub(r"[-_.]+", "-", name).lower() for name in locked} == set()
