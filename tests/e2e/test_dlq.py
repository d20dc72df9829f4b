"""500 dead letters of six reasons and two sinks are sent again, selectively, while the replay is killed twice."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from newsflow.cli.app import app
from newsflow.ingest.emit import dead_letter
from newsflow.kafka.producer import BatchWriter
from newsflow.ledger import open_ledger
from newsflow.model import Event, Outcome, Reason, Rejected
from newsflow.model.headers import header, own_headers
from newsflow.model.names import ARTICLE_TOPIC, DUPLICATE_TOPIC, dead_letter_topic, raw_key
from newsflow.stores.contract import StoreRow
from newsflow.testing import raw_event
from newsflow.tools.postgres import LocalPostgres
from tests.attacks import killed_at
from tests.broker_helpers import RunningBroker
from tests.e2e.job_process import JobProcess
from tests.postgres_helpers import new_database
from tests.stores.store_harness import JsonLinesHarness, PostgresHarness, row

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

REASONS = {
    "unknown-source": 250,
    "malformed-json": 60,
    "schema-violation": 60,
    "bad-url": 30,
    "no-text": 20,
    "unsupported-content-type": 30,
}
TO_EACH_SINK = 25
HOPELESS = sum(REASONS.values()) - REASONS["unknown-source"]
CONFIG = """
sources: {{paths: [sources.yaml], closed: true}}
stores: {{{names[0]}: '{archive}', {names[1]}: '{search}'}}
routes: {{paths: [routes.yaml]}}
"""


def raw_values(stem: str) -> Iterator[bytes]:
    for number in range(REASONS["unknown-source"]):
        content = " ".join(
            f"{word}{number * 7919 % 1009}x{word[::-1]}{number}" for word in ("quay", "tide", "mast", "reef", "cove")
        )
        yield orjson.dumps(
            raw_event(source=f"{stem}-new", title=f"Harbour {stem} notes {number}", content=f"Harbour: {content}.")
        )
    yield from (b'{"source": "known", "n": %d' % number for number in range(REASONS["malformed-json"]))
    odd: dict[str, dict[str, Any]] = {
        "schema-violation": {"fetched_at": "yesterday"},
        "bad-url": {"url": "ftp://quay.example/a"},
        "no-text": {"content": "", "title": None, "url": "https://quay.example/empty"},
        "unsupported-content-type": {"content_type": "application/pdf"},
    }
    for reason, changes in odd.items():
        for number in range(REASONS[reason]):
            event = raw_event(source="known", guid=f"{stem}-{reason}-{number}", title=f"Odd {number}")
            yield orjson.dumps({name: value for name, value in (event | changes).items() if value is not None})


class Scene:
    def __init__(self, broker: RunningBroker, folder: Path, ledger_url: str, postgres: LocalPostgres) -> None:
        self.broker, self.folder, self.stem = broker, folder, broker.name("dlq")
        self.topic = broker.create_topic(broker.name("raw"), partitions=2)
        broker.create_topic(dead_letter_topic(self.topic))
        self.sinks = [f"{self.stem}-archive", f"{self.stem}-search"]
        self.archive, self.search = JsonLinesHarness(folder / "archive"), PostgresHarness(new_database(postgres))
        (folder / "newsflow.yaml").write_text(
            CONFIG.format(names=self.sinks, archive=f"jsonl:///{self.archive.folder}", search=self.search.url)
        )
        (folder / "routes.yaml").write_text(f"version: 1\nroutes: [{{id: all, stores: [{', '.join(self.sinks)}]}}]\n")
        self.know("known")
        self.job = JobProcess(
            broker, self.topic, folder, ledger_url, self.topic, {"NEWSFLOW_CONFIG": str(folder / "newsflow.yaml")}
        )

    def know(self, *sources: str) -> None:
        profiles = "".join(f"  - {{id: {each}, name: {each}}}\n" for each in sources)
        (self.folder / "sources.yaml").write_text(f"sources:\n{profiles}")

    def publish(self) -> list[bytes]:
        values = [*raw_values(self.stem)]
        writer = BatchWriter(self.broker.settings)
        for number, value in enumerate(values):
            writer.send(self.topic, raw_key("quay", str(number)), value, [("traceparent", b"00-%d" % number)])
        writer.flush()
        writer.close()
        return values

    def refuse(self) -> dict[str, list[StoreRow]]:
        """Two sinks have refused articles: one has its disk back, the other goes on refusing what it cannot hold."""
        writer, rows = BatchWriter(self.broker.settings), {}
        for sink, title in zip(self.sinks, ("Harbour {}", "NUL \x00 within {}"), strict=True):
            rows[sink] = [row(f"{sink}-{n}", title=title.format(n)) for n in range(TO_EACH_SINK)]
            for number, each in enumerate(rows[sink]):
                event = Event(
                    ARTICLE_TOPIC, 0, 10_000_000 + number, 1_772_000_000_000, each.article.id.encode(), each.value
                )
                stage = f"Store {sink}"
                record = dead_letter(
                    event, Rejected(Reason.SINK_REJECTED, "no space left", stage), "deliver", qualifier=stage
                )
                writer.send(record.topic, record.key, record.value, record.headers)
        writer.flush()
        writer.close()
        return rows

    def ingest(self) -> None:
        self.job.start("--until-caught-up")
        assert self.job.wait(240) == 0, self.job.words()

    def dlq(self, *arguments: str) -> list[Any]:
        return [orjson.loads(line) for line in self.command(*arguments, "-o", "json").splitlines()]

    def command(self, *arguments: str) -> str:
        """`newsflow dlq` in this process: what it wrote on standard output."""
        done = CliRunner().invoke(app, ["dlq", *arguments], env=self.job._environ())
        assert done.exit_code == 0, done.exception or done.stderr
        return done.stdout

    def killed(self, place: str, at: int, *arguments: str) -> None:
        command = [sys.executable, killed_at.__file__, place, str(at), "dlq", *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=self.job._environ(), capture_output=True, timeout=120, check=False
        )
        assert done.returncode == -9, done.stderr

    def open_by(self, name: str, *filters: str) -> dict[str, int]:
        return {group[name]: group["letters"] for group in self.dlq("list", "--group-by", name, *filters)}


@pytest.mark.slow
@pytest.mark.parametrize("kind", [pytest.param("sqlite", marks=pytest.mark.faults), "postgresql"])
def test_selective_replay_killed_twice(
    kind: str, topics_broker: RunningBroker, postgres: LocalPostgres, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/ledger.sqlite3" if kind == "sqlite" else new_database(postgres)
    scene = Scene(topics_broker, tmp_path, url, postgres)
    values, rows, (archive, search) = scene.publish(), scene.refuse(), scene.sinks
    scene.ingest()
    raw = ("--stage", "Normalise")
    assert scene.open_by("reason", *raw) == REASONS
    assert {name: scene.open_by("sink")[name] for name in rows} == dict.fromkeys(rows, TO_EACH_SINK)
    others = {topic: topics_broker.read(topic) for topic in (ARTICLE_TOPIC, DUPLICATE_TOPIC)}

    # The profile is there now: what they would become is said first.
    scene.know("known", f"{scene.stem}-new")
    chosen = ("replay", "--reason", "unknown-source")
    foretold = Counter((each["was"], each["would_be"]) for each in scene.dlq(*chosen, "--dry-run"))
    assert foretold == {("unknown-source", "article"): REASONS["unknown-source"]}
    assert len(topics_broker.read(scene.topic)) == len(values)

    # 100 letters a transaction. Killed with the second one open, then right after the second one.
    scene.killed("before-sending-again-counts", 2, *chosen)
    assert scene.open_by("reason", *raw)["unknown-source"] == 150
    scene.killed("after-sending-again-counts", 1, *chosen)
    assert scene.open_by("reason", *raw)["unknown-source"] == 50
    assert scene.dlq(*chosen) == [{"replayed": 50, "refused_again": 0, "gone_from_Kafka": 0, "left": 0}]
    assert scene.dlq(*chosen)[0]["replayed"] == 0
    sent = [each for each in topics_broker.read(scene.topic) if header(each.headers, "newsflow.error.attempt")]
    assert Counter(each.value for each in sent) == Counter(values[: REASONS["unknown-source"]]), (
        "each once, to the byte"
    )
    assert all(header(each.headers, "traceparent") for each in sent)

    # The one sink gets what it refused, and no other gets anything.
    assert scene.dlq("replay", "--sink", archive)[0]["replayed"] == TO_EACH_SINK
    assert sorted(scene.archive.versions()) == sorted(each.key for each in rows[archive])
    for again in (1, 2, 3):
        refused = scene.dlq("replay", "--sink", search)[0]
        assert refused["replayed"] == refused["refused_again"] == (TO_EACH_SINK if again < 3 else 0)
    assert not scene.search.versions()
    assert {topic: topics_broker.read(topic) for topic in others} == others, "nothing else was sent again"

    # What nothing can help fails three times, and is sent no more.
    assert scene.dlq("replay", "--stage", "Normalise")[0]["replayed"] == HOPELESS
    scene.ingest()
    assert scene.dlq("replay", "--stage", "Normalise")[0]["replayed"] == HOPELESS
    scene.ingest()
    assert scene.dlq("replay", "--stage", "Normalise")[0]["replayed"] == 0
    assert scene.open_by("state", "--stage", "Normalise") == {"parked": HOPELESS}
    assert scene.open_by("state", "--sink", search) == {"parked": TO_EACH_SINK}
    with closing(open_ledger(url)) as ledger:
        assert ledger.outcomes() == {
            Outcome.ADDED: REASONS["unknown-source"],
            Outcome.DEAD_LETTERED: REASONS["unknown-source"] + 3 * HOPELESS,
        }

    # All of it is in Kafka: the index is made again from there.
    before = scene.dlq("list", "--state", "all", "--limit", "5000")
    scene.dlq("index", "--anew")
    assert scene.dlq("list", "--state", "all", "--limit", "5000") == before


def test_a_letter_is_shown_edited_set_aside_and_given_up(
    topics_broker: RunningBroker, postgres: LocalPostgres, tmp_path: Path
) -> None:
    scene = Scene(topics_broker, tmp_path, f"sqlite:///{tmp_path}/ledger.sqlite3", postgres)
    scene.publish()
    scene.ingest()
    [letter] = scene.dlq("list", "--reason", "bad-url", "--limit", "1")
    shown = scene.command("show", letter["id"][:16])
    for text in ("bad-url", "ftp://quay.example/a", f"{letter['topic']} {letter['partition']}:{letter['offset']}"):
        assert text in shown
    assert "today     bad-url:" in shown
    [whole] = scene.dlq("show", letter["id"])
    assert whole["record"]["value"]["url"] == "ftp://quay.example/a"
    assert whole["today"]["reason"] == "bad-url"

    editor = tmp_path / "editor.sh"
    editor.write_text('#!/bin/sh\nsed -i "s#ftp://quay.example/a#$TO#" "$1"\n')
    editor.chmod(0o755)

    def edit(to: str) -> subprocess.CompletedProcess[str]:
        environ = scene.job._environ() | {"EDITOR": str(editor), "TO": to}
        command = [sys.executable, "-m", "newsflow", "dlq", "replay", letter["id"], "--edit"]
        return subprocess.run(
            command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=120, check=False
        )

    refused = edit("not an address")
    assert refused.returncode == 2, refused.stderr
    assert "nothing was sent" in refused.stderr
    assert edit("https://quay.example/mended").returncode == 0
    scene.ingest()
    [event] = [each for each in topics_broker.read(scene.topic) if b"quay.example/mended" in (each.value or b"")]
    assert own_headers(event.headers) == event.headers
    with closing(open_ledger(scene.job.ledger_url)) as ledger:
        [decided] = ledger.events_at(event.topic, event.partition, event.offset)
    assert decided.outcome == "added"

    scene.command("park", "--reason", "no-text", "--why", "ask the publisher")
    scene.command("drop", "--reason", "malformed-json", "--why", "sent anew")
    assert scene.open_by("reason", "--state", "parked", "--stage", "Normalise") == {"no-text": REASONS["no-text"]}
    assert scene.open_by("reason", "--state", "dropped", "--stage", "Normalise") == {
        "malformed-json": REASONS["malformed-json"]
    }
    [parked] = scene.dlq("list", "--state", "parked", "--stage", "Normalise", "--limit", "1")
    assert parked["said"]["why"] == "ask the publisher"
    assert scene.dlq("replay", "--reason", "no-text")[0]["replayed"] == 0
    with pytest.raises(AssertionError, match="is parked; --force goes on"):
        scene.dlq("replay", parked["id"])
    assert scene.dlq("replay", parked["id"], "--force")[0]["replayed"] == 1
