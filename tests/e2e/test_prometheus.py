"""A real Prometheus scrapes real jobs in which something is broken: every query of every alarm and dashboard has data,
and what is broken shows."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest

from newsflow.kafka.producer import BatchWriter
from newsflow.processes import free_port
from newsflow.testing import raw_event
from tests.broker_helpers import RunningBroker
from tests.prometheus_helpers import Asked, prometheus, queries_of, rules
from tests.rule_helpers import FEW_RULES

pytestmark = pytest.mark.e2e
ROUTES = """
version: 1
routes: [{id: all, stores: [lines, away]}]
subscriptions: [{id: early, alert: {to: [gone]}}]
"""
WORDS = ["harbour", "quay", "council", "gate", "ferry", "road", "winter", "budget", "pupil", "bridge", "storm", "cargo"]
BROKEN = {"NewsflowJobDown", "NewsflowDeadLetters", "NewsflowSinkFails"}


@pytest.mark.slow
def test_every_query_answers_and_what_is_broken_shows(topics_broker: RunningBroker, tmp_path: Path) -> None:
    broker, ports = topics_broker, [free_port(), free_port(), free_port()]
    topic = broker.create_topic()
    broker.create_topic(f"{topic}.dlq")
    (tmp_path / "routes.yaml").write_text(ROUTES)
    (tmp_path / "sources.yaml").write_text("id: harbour-post\n")
    members = {
        "kafka": {"bootstrap_servers": broker.bootstrap_servers, "group": broker.name("watched"), "input_topic": topic},
        "ledger": {"url": "sqlite:///ledger.sqlite3", "prune_every_h": 0.005}, "topics": {"paths": [str(path) for path in FEW_RULES]}, "routes": {"paths": ["routes.yaml"]},
        "sources": {"paths": ["sources.yaml"]}, "stories": {"encoder": "none"}, "run": {"workers": 1},
        "stores": {"lines": "jsonl:///lines", "away": "postgresql://127.0.0.1:1/none?connect_timeout=1"},
        "alerts": {"destinations": {"gone": {"type": "webhook", "url": "http://127.0.0.1:9/", "allow_private": True}}},
    }  # fmt: skip
    (tmp_path / "newsflow.yaml").write_bytes(orjson.dumps(members))
    processes = []
    with prometheus(tmp_path, [f"127.0.0.1:{port}" for port in ports]) as ask:
        try:
            for job, port in zip(("ingest", "deliver"), ports, strict=False):
                processes.append(started(tmp_path, job, port))
            wait_until(tmp_path, ask, 'count(up{job="newsflow"} == 1) == 2')
            publish(broker, topic)
            wait_until(tmp_path, ask, "newsflow_outbox_alerts > 0")
            wait_until(tmp_path, ask, "increase(newsflow_sink_failures_total[10m]) > 0")
            missing = queries_of()
            deadline = time.monotonic() + 90
            while missing and time.monotonic() < deadline:
                publish(broker, topic)  # rates need what rises between two scrapes
                time.sleep(2)
                missing = [query for query in missing if not ask(query)]
            told = {str(each["metric"]): each["value"][1] for each in ask("newsflow_events_total > 0")}
            assert "\n".join(missing) == "", told
            raised = {name for name, rule in rules().items() if ask(rule["expr"])}
            assert raised == BROKEN
            [silent] = ask('up{job="newsflow"} == 0')
            assert silent["metric"]["instance"].endswith(f":{ports[2]}")
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(60)


def started(folder: Path, job: str, port: int) -> subprocess.Popen[bytes]:
    environ = os.environ | {"NEWSFLOW_METRICS__LISTEN": f"127.0.0.1:{port}"}
    environ = {name: text for name, text in environ.items() if not name.startswith("PROMETHEUS")}
    command = [sys.executable, "-m", "newsflow", "run", job, "--follow", "--config", "newsflow.yaml"]
    with (folder / f"{job}.log").open("ab") as log:
        return subprocess.Popen(command, cwd=folder, env=environ, stdout=log, stderr=log)


def publish(broker: RunningBroker, topic: str) -> None:
    writer = BatchWriter(broker.settings)
    for _ in range(20):
        text = " ".join(random.choices(WORDS, k=60))
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        value = raw_event(source="harbour-post", title=f"Notes {time.monotonic_ns()}", content=text, fetched_at=at)
        writer.send(topic, None, orjson.dumps(value))
    for _ in range(4):
        writer.send(topic, None, b"{")
    writer.flush()
    writer.close()


def wait_until(folder: Path, ask: Asked, query: str) -> None:
    deadline = time.monotonic() + 120
    while not ask(query):
        logs = "".join(path.read_text() for path in folder.glob("*.log"))[-4000:]
        assert "bad configuration" not in logs, logs
        assert time.monotonic() < deadline, f"{query} has no answer\n{logs}"
        time.sleep(1)
