"""`newsflow status`: how the work stands, and what of it does not answer."""

from __future__ import annotations

import json
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from newsflow.cli.app import app
from newsflow.cli.status import shown
from newsflow.kafka.producer import BatchWriter
from newsflow.testing import raw_event
from tests.broker_helpers import RunningBroker
from tests.rule_helpers import FEW_RULES

RUNNER = CliRunner()


def configured(folder: Path, **members: object) -> str:
    told = {"ledger": {"url": f"sqlite:///{folder}/ledger.sqlite3"}, "stories": {"encoder": "none"}} | members
    (folder / "newsflow.yaml").write_bytes(orjson.dumps(told))
    return str(folder / "newsflow.yaml")


def run(*words: str) -> tuple[int, str]:
    done = RUNNER.invoke(app, list(words))
    return done.exit_code, done.stdout


def test_all_of_it_on_a_real_broker(
    topics_broker: RunningBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    topic, group = topics_broker.create_topic(), topics_broker.name("stands")
    topics_broker.create_topic(f"{topic}.dlq")
    path = configured(
        tmp_path, kafka={"bootstrap_servers": topics_broker.bootstrap_servers, "group": group, "input_topic": topic},
        topics={"paths": [str(each) for each in FEW_RULES]}, stores={"lines": "jsonl:///lines"},
        alerts={"destinations": {"hook": {"type": "webhook", "url": "http://127.0.0.1:9/", "allow_private": True}}},
    )  # fmt: skip
    writer = BatchWriter(topics_broker.settings)
    for value in (orjson.dumps(raw_event(title="A ferry")), b"{", orjson.dumps(raw_event(title="A ferry"))):
        writer.send(topic, None, value)
    writer.flush()
    assert run("run", "ingest", "--until-caught-up", "--quiet", "-c", path)[0] == 0
    writer.send(topic, None, b"{")
    writer.flush()
    writer.close()

    before = (tmp_path / "ledger.sqlite3").read_bytes()
    code, said = run("status", "-o", "json", "-c", path)
    frame = json.loads(said)
    assert (code, frame["unavailable"]) == (0, {})
    assert frame["outcomes"] == frame["totals"] == {"added": 1, "repeat": 1, "dead-lettered": 1}
    assert frame["dead_letters"] == {"malformed-json": 1}
    assert frame["events_per_s"] == 0.01
    lags = {each["group"]: each["lag"] for each in frame["groups"]}
    assert lags[group] == 1
    assert f"{group}.deliver.lines" in lags
    assert frame["last_error"]["place"] == f"{topic} 0:1"
    assert frame["destinations"] == [{"destination": "hook", "waiting": 0, "oldest_s": 0, "error": None}]
    code, said = run("status", "-c", path)
    assert code == 0
    for part in ("added 1", "malformed-json", f"  lag              1  {group}", "hook, 0 s"):
        assert part in said
    assert (tmp_path / "ledger.sqlite3").read_bytes() == before, "nothing is written"


def test_what_does_not_answer_is_named_and_the_rest_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = configured(
        tmp_path, kafka={"bootstrap_servers": "127.0.0.1:1"}, metrics={"listen": "127.0.0.1:1"},
    )  # fmt: skip
    code, said = run("status", "-o", "json", "-c", path)
    frame = json.loads(said)
    assert code == 0
    assert set(frame["unavailable"]) == {"ledger", "kafka", "metrics"}
    assert run("ledger", "init", "-c", path)[0] == 0
    frame = json.loads(run("status", "-o", "json", "-c", path)[1])
    assert set(frame["unavailable"]) == {"kafka", "metrics"}
    assert frame["totals"] == {}
    assert any("nothing was decided" in line for line in shown(frame))


def test_watching_goes_on_until_it_is_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = configured(tmp_path, kafka={"bootstrap_servers": "127.0.0.1:1"})
    monkeypatch.setattr("newsflow.cli.status._groups", lambda _: [])
    assert run("ledger", "init", "-c", path)[0] == 0
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("newsflow.cli.status.pause", sleep)
    code, said = run("status", "--watch", "--every", "2", "-o", "json", "-c", path)
    assert (code, slept, len(said.splitlines())) == (0, [2.0, 2.0, 2.0], 3)
