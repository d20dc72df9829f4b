"""publish, tail, kafka and dev as commands, on a real broker."""

from __future__ import annotations

import gzip
import json
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from newsflow.cli.app import app
from newsflow.cli.publish import event_key
from newsflow.errors import KafkaError, UsageError
from newsflow.ingest.emit import dead_letter
from newsflow.kafka.client import missing_topic
from newsflow.kafka.producer import BatchWriter
from newsflow.model import Event, Reason, Rejected
from newsflow.model.codec import encode_dead_letter
from newsflow.model.headers import header
from newsflow.tools.broker import LocalBroker
from tests.broker_helpers import RunningBroker

pytestmark = pytest.mark.e2e


def command(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def on(broker: RunningBroker, *words: str) -> Result:
    return command(*words, "-b", broker.bootstrap_servers)


def raw(number: int, **members: str) -> bytes:
    value = {"source": "ufuq-news", "url": f"https://ufuq.example/{number}", "title": "عنوان", **members}
    return json.dumps(value, ensure_ascii=False).encode()


LINES = [raw(1), b'{"broken": \xff\xfe', b"", raw(1, title="B"), b"[]", raw(2) + b"\r", b"\xef\xbb\xbf{}"]
SENT = [line.rstrip(b"\r") for line in LINES if line]


@pytest.mark.parametrize("packed", [False, True])
def test_every_line_is_published_as_it_is(broker: RunningBroker, tmp_path: Path, packed: bool) -> None:
    topic = broker.create_topic(partitions=1)
    file = tmp_path / ("events.jsonl.gz" if packed else "events.jsonl")
    content = b"\n".join(LINES)
    file.write_bytes(gzip.compress(content) if packed else content)
    result = on(broker, "publish", str(file), "--topic", topic)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"6 events published to {topic}\n"
    assert "3 of them without source and address" in result.stderr
    # Of one partition, so in the order of the file.
    events = broker.read(topic)
    assert [event.value for event in events] == SENT
    assert [event.key for event in events] == [event_key(line) for line in SENT]


def test_a_damaged_gzip_says_so_and_that_some_may_be_stored(broker: RunningBroker, tmp_path: Path) -> None:
    topic = broker.create_topic()
    file = tmp_path / "events.jsonl.gz"
    file.write_bytes(gzip.compress(b"\n".join([raw(number) for number in range(50_000)]))[:-2000])
    result = on(broker, "publish", str(file), "--topic", topic)
    assert isinstance(result.exception, UsageError)
    assert "cannot be read to its end" in str(result.exception)
    assert "some may be stored" in str(result.exception)


def test_a_line_larger_than_the_topic_takes_is_listed_and_the_rest_goes(broker: RunningBroker, tmp_path: Path) -> None:
    topic = broker.create_topic(configs={"max.message.bytes": "4096"})
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"\n".join([raw(1), raw(2, content="x" * 5000), raw(3)]))
    result = on(broker, "publish", str(file), "--topic", topic, "-o", "json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert (found["published"], [number for number, _ in found["too_large"]]) == (2, [2])
    assert "line 2 (" in result.stderr
    assert len(broker.read(topic)) == 2


def test_a_topic_that_is_not_there_and_a_file_that_is_not(broker: RunningBroker, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(raw(1))
    result = on(broker, "publish", str(file), "--topic", "nowhere")
    assert isinstance(result.exception, KafkaError)
    # What no file declares no command makes.
    assert "; `newsflow kafka topics` lists those that do" in str(result.exception)
    assert "`newsflow kafka apply` creates it" in str(missing_topic("news.article.raw.v1"))
    result = on(broker, "publish", str(tmp_path / "none"), "--topic", broker.create_topic())
    assert isinstance(result.exception, UsageError)


def test_a_file_that_is_not_of_json_lines_is_refused_before_anything_is_sent(
    broker: RunningBroker, tmp_path: Path
) -> None:
    topic = broker.create_topic()
    file = tmp_path / "notes.md"
    file.write_bytes(b"# Notes\n\n" + b"Some words.\n" * 3 + raw(1) + b"\n")
    result = on(broker, "publish", str(file), "--topic", topic)
    assert isinstance(result.exception, UsageError)
    for part in ("4 of 5 lines", "line 1 for one: '# Notes'", "Nothing was published", "--force"):
        assert part in str(result.exception)
    assert broker.read(topic) == []
    assert on(broker, "publish", str(file), "--topic", topic, "--force").exit_code == 0
    assert len(broker.read(topic)) == 5


ORIGINALS = [
    (b"ufuq-news/1", b'{ "source" : "ufuq-news",  "n": 1.0 }'),
    (b"ufuq-news/2", b"caf\xe9 {"),
    (None, b"null"),
    (b"k", None),
    (b"k2", b'{"cut'),
]


@pytest.mark.parametrize("on_files", [False, True])
def test_dead_letters_are_published_again_as_they_were(broker: RunningBroker, tmp_path: Path, on_files: bool) -> None:
    topic, dead, file = broker.create_topic(), broker.create_topic(), tmp_path / "letters.jsonl"
    rejected = Rejected(Reason.UNKNOWN_SOURCE, "no profile", "Normalise")
    own = (("ce_id", b"e-1"), ("traceparent", b"00-1"))
    events = [Event(topic, 0, at, 1, key, value, own) for at, (key, value) in enumerate(ORIGINALS)]
    if on_files:
        file.write_bytes(b"\n".join(encode_dead_letter(event, rejected) for event in events))
    else:
        with closing(BatchWriter(broker.settings)) as writer:
            for event in events:
                record = dead_letter(event, rejected, "ingest")
                writer.send(dead, record.key, record.value, record.headers)
            writer.flush()
        file.write_text(on(broker, "tail", dead, "-n", "100", "-o", "json").stdout, encoding="utf-8")
    other = broker.create_topic()
    refused = on(broker, "publish", str(file), "--topic", other)
    if not on_files:  # which have no topic
        assert f"letters.jsonl:1: a dead letter of {topic}" in str(refused.exception)
        assert f"accepted: --topic {topic}, or --force" in str(refused.exception)
        assert broker.read(other) == []
        assert on(broker, "publish", str(file), "--topic", other, "--force").exit_code == 0
        assert len(broker.read(other)) == len(ORIGINALS)
    assert on(broker, "publish", str(file), "--topic", topic).exit_code == 0
    found = broker.read(topic)
    assert [(event.key, event.value) for event in found] == ORIGINALS
    for event in found:
        kept = {} if on_files else {"newsflow.error.attempt": b"1", "newsflow.origin.timestamp": b"1"}
        assert dict(event.headers) == dict(own) | kept
        assert header(dead_letter(event, rejected, "ingest").headers, "newsflow.error.attempt") == "12"[not on_files]


@pytest.mark.parametrize(
    ("line", "key"),
    [
        (b'{"source": "a", "url": "u", "guid": "g"}', b"a/u"),
        (b'{"source": "a", "guid": "g"}', b"a/g"),
        ('{"source": "أ", "url": "ü"}'.encode(), "أ/ü".encode()),
        (b'{"source": "a"}', None),
        (b'{"url": "u"}', None),
        (b'{"source": 1, "url": "u"}', None),
        (b'{"source": "a", "url": ["u"]}', None),
        (b'{"source": "a", "url": "\\ud800"}', None),
        (b"[1]", None),
        (b"\xff", None),
        (b"", None),
    ],
)
def test_keys(line: bytes, key: bytes | None) -> None:
    assert event_key(line) == key


def test_tail_shows_what_was_published(broker: RunningBroker, tmp_path: Path) -> None:
    topic = broker.create_topic()
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"\n".join(LINES))
    on(broker, "publish", str(file), "--topic", topic)
    lines = on(broker, "tail", topic, "-n", "3").stdout.splitlines()
    assert len(lines) == 3
    assert "\u2068[]\u2069" in lines[0]
    found = [json.loads(line) for line in on(broker, "tail", topic, "-o", "json").stdout.splitlines()]
    assert [row["offset"] for row in found] == list(range(6))
    assert found[0]["value"]["title"] == "عنوان"
    assert "value_base64" in found[1]
    assert on(broker, "tail", topic, "-n", "0").stdout == ""


def test_apply_prints_a_diff_and_topics_lists_what_came_of_it(own_broker: LocalBroker) -> None:
    broker = RunningBroker(own_broker.status().bootstrap_servers)
    dry = on(broker, "kafka", "apply", "--dry-run")
    assert dry.exit_code == 0, dry.output
    assert "+ news.article.raw.v1: 4 partitions" in dry.stdout
    assert "+ news.topic.syria.v1:" in dry.stdout
    assert "to be made" in dry.stderr
    listed = on(broker, "kafka", "topics")
    assert listed.stdout == ""
    assert "declared and not there: news.alert.v1" in listed.stderr
    made = on(broker, "kafka", "apply", "-o", "json")
    changes = [json.loads(line) for line in made.stdout.splitlines()]
    assert {change["step"] for change in changes} == {"create"}
    assert len(changes) == len(dry.stdout.splitlines())
    assert on(broker, "kafka", "apply").stdout == ""
    rows = [json.loads(line) for line in on(broker, "kafka", "topics", "-o", "json").stdout.splitlines()]
    assert {row["topic"] for row in rows} == {change["topic"] for change in changes}
    assert "not declared" not in str(rows)
    some = on(broker, "kafka", "topics", "news.article.*", "news.alert.v1", "-o", "json")
    names = {json.loads(line)["topic"] for line in some.stdout.splitlines()}
    assert names == {
        "news.article.v1",
        "news.article.raw.v1",
        "news.article.raw.v1.dlq",
        "news.article.v1.dlq",
        "news.alert.v1",
    }


def test_a_pattern_that_no_topic_has_is_said(broker: RunningBroker) -> None:
    listed = on(broker, "kafka", "topics", "none.*")
    assert (listed.stdout, listed.stderr) == ("", "the broker has no topic none.*\n")


def test_a_declaration_that_is_wrong_changes_nothing(broker: RunningBroker, tmp_path: Path) -> None:
    file = tmp_path / "topics.yaml"
    file.write_text("version: 1\ntopics:\n  - name: news_topic\n")
    result = on(broker, "kafka", "apply", "--file", str(file))
    assert result.exit_code != 0
    assert str(file) in str(result.exception)


def test_dev_status_and_down_of_a_broker_that_runs(own_broker: LocalBroker) -> None:
    place = ("--directory", str(own_broker.directory))
    found = command("dev", "status", *place, "-o", "json")
    assert (found.exit_code, json.loads(found.stdout)["state"]) == (0, "up")
    again = command("dev", "up", *place, "--port", str(own_broker.port))
    assert again.stdout == f"127.0.0.1:{own_broker.port}\n"
    assert "already up" in again.stderr
    assert f"newsflow dev down --directory {own_broker.directory}" in again.stderr.replace("\n", "")
    assert "data is kept" in command("dev", "down", *place).stderr
    assert command("dev", "status", *place).exit_code == 1
    assert command("dev", "down", *place).exit_code == 0
