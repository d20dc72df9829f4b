"""Declared topics as resources of Strimzi: what its operator would create is what `kafka apply` would."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from newsflow.cli.app import app
from newsflow.cli.kafka import render_topics, topic_resource
from newsflow.errors import UsageError
from newsflow.kafka.admin import diff_topics
from newsflow.kafka.client import make_admin
from newsflow.model.names import MAX_TOPIC_LENGTH
from newsflow.model.topics import TopicSpec, declared_topics
from tests.broker_helpers import RunningBroker

COMMITTED = Path(__file__).resolve().parents[2] / "deploy" / "kubernetes" / "topics" / "kafka-topics.yaml"
RESOURCE_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
"""RFC 1123, as Kubernetes checks it; 253 characters at most."""


def spec(name: str = "news.x.v1", partitions: int = 1, **config: str) -> TopicSpec:
    return TopicSpec(
        name, "d", partitions, "k", "article", "p", {key.replace("_", "."): v for key, v in config.items()}
    )


def render(*words: str) -> list[dict[str, Any]]:
    done = CliRunner().invoke(app, ["kafka", "render", "--cluster", "newsflow", *words])
    assert done.exit_code == 0, done.output
    return list(yaml.safe_load_all(done.stdout))


def as_kafka_has_it(resource: Mapping[str, Any]) -> dict[str, str]:
    """The operator passes numbers and truth values on as their text."""
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in resource["spec"]["config"].items()
    }


def test_the_committed_file_is_what_the_declarations_render(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # where no rules were applied that are not shipped
    done = CliRunner().invoke(app, ["kafka", "render", "--format", "strimzi", "--cluster", "newsflow"])
    assert done.exit_code == 0, done.output
    assert COMMITTED.read_text(encoding="utf-8") == done.stdout, "run `make docs`"


def test_every_declared_topic_is_there_once_with_its_partitions_and_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    resources = {resource["metadata"]["name"]: resource for resource in render()}
    feeds = [name.split(".")[2] for name in resources if name.startswith("news.topic.")]
    declared = {each.name: each for each in declared_topics(feeds)}
    assert len(feeds) > 200
    assert list(resources) == list(declared)
    for name, each in declared.items():
        assert resources[name]["spec"]["partitions"] == each.partitions
        assert as_kafka_has_it(resources[name]) == dict(each.config)
        assert RESOURCE_NAME.fullmatch(name)
        assert len(name) <= MAX_TOPIC_LENGTH <= 253


def test_copies_are_the_brokers_to_choose_unless_told() -> None:
    assert "replicas" not in topic_resource(spec(), "newsflow")["spec"]
    assert {resource["spec"]["replicas"] for resource in render("--replicas", "3")} == {3}


@pytest.mark.parametrize("cluster", ["", "New", "a_b", "-a", "a-", "a.b", "x" * 64, "a\nb"])
def test_a_cluster_that_no_label_can_name_is_refused(cluster: str) -> None:
    done = CliRunner().invoke(app, ["kafka", "render", "--cluster", cluster])
    assert isinstance(done.exception, UsageError)
    assert "accepted" in str(done.exception)


def test_another_declaration(tmp_path: Path) -> None:
    file = tmp_path / "topics.yaml"
    topic = "{name: news.x.v1, description: d, partitions: 7, cleanup: delete, retention_h: 2, key: k, schema: article"
    file.write_text(f"version: 1\ntopics:\n  - {topic}, producer: p}}\n", encoding="utf-8")
    (resource,) = render("--file", str(file))
    assert resource["spec"] == {"partitions": 7, "config": {"cleanup.policy": "delete", "retention.ms": 7_200_000}}


@pytest.mark.property
@given(
    st.one_of(st.text(), st.integers().map(str), st.sampled_from(["on", "1e3", "0x1f", "012", "-0", "1_0", "~", "٣"]))
)
def test_a_setting_comes_back_as_it_was_written(value: str) -> None:
    (document,) = yaml.safe_load_all(render_topics([spec(some_setting=value)], "newsflow"))
    assert as_kafka_has_it(document) == {"some.setting": value}


@pytest.mark.e2e
def test_apply_finds_nothing_to_do_after_the_operator(broker: RunningBroker) -> None:
    declared = [spec(broker.name(), 3, cleanup_policy="compact", retention_ms="-1"), spec(broker.name(), 1)]
    declared += [
        TopicSpec(broker.name(), each.description, each.partitions, each.key, each.schema, each.producer, each.config)
        for each in declared_topics(["syria"])
    ]
    wanted = {}
    for document in yaml.safe_load_all(render_topics(declared, "newsflow")):
        wanted[document["metadata"]["name"]] = {
            "num_partitions": document["spec"]["partitions"],
            "replication_factor": -1,
            "configs": as_kafka_has_it(document),
        }
    with closing(make_admin(broker.settings)) as admin:
        admin.create_topics(wanted)
        admin.wait_for_topics(list(wanted), timeout_ms=30_000)
    assert diff_topics(broker.settings, declared) == []
