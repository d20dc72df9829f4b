"""`newsflow topics apply` and the feeds that a broker has."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from newsflow.cli.topics import app
from newsflow.kafka.admin import topic_names, topic_states
from newsflow.model.names import topic_feed
from newsflow.model.topics import declared_topics
from tests.broker_helpers import RunningBroker


def command(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_missing_feeds_are_named_and_made_on_request(
    broker: RunningBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, missing = broker.name("there"), broker.name("missing")
    broker.create_topic(topic_feed(there))
    for name, text in {"base": f"id: {there}\nany: [pier]\n", "new": f"id: {missing}\nany: [wheat]\n"}.items():
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("NEWSFLOW_TOPICS__PATHS", f"[{tmp_path}/base.yaml]")
    monkeypatch.setenv("NEWSFLOW_TOPICS__APPLIED", str(tmp_path / "applied"))
    monkeypatch.setenv("NEWSFLOW_KAFKA__BOOTSTRAP_SERVERS", broker.bootstrap_servers)
    refused = command("apply", tmp_path / "new.yaml")
    assert refused.exit_code == 1, refused.output
    assert f"feeds that the broker lacks: {topic_feed(missing)}; a job" in " ".join(refused.stderr.split())
    assert topic_feed(there) not in refused.stderr
    assert not (tmp_path / "applied").exists()
    looked = command("apply", tmp_path / "new.yaml", "--create-feeds", "--dry-run")
    assert looked.exit_code == 0, looked.output
    assert topic_feed(missing) not in topic_names(broker.settings)
    made = command("apply", tmp_path / "new.yaml", "--create-feeds")
    assert made.exit_code == 0, made.output
    assert f"+ {topic_feed(missing)}: " in made.stderr
    [state] = [each for each in topic_states(broker.settings) if each.name == topic_feed(missing)]
    [spec] = [each for each in declared_topics([missing]) if each.name == topic_feed(missing)]
    assert {name: state.config[name] for name in spec.config} == spec.config
    assert "lacks" not in command("apply", tmp_path / "new.yaml").stderr


def test_rules_are_applied_without_their_feeds_by_force(
    broker: RunningBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = broker.name("missing")
    (tmp_path / "new.yaml").write_text(f"id: {missing}\nany: [wheat]\n", encoding="utf-8")
    monkeypatch.setenv("NEWSFLOW_TOPICS__APPLIED", str(tmp_path / "applied"))
    arguments = ("--replace", "--force", "-b", broker.bootstrap_servers)
    forced = command("apply", tmp_path / "new.yaml", *arguments)
    assert forced.exit_code == 0, forced.output
    assert f"feeds that the broker lacks: {topic_feed(missing)}" in forced.stderr
    assert topic_feed(missing) not in topic_names(broker.settings)
