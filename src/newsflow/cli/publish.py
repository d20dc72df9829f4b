"""`newsflow publish`: raw events from a file to Kafka, each line as it is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsflow.cli.articles import file_argument
from newsflow.cli.options import (
    BootstrapOption,
    CheckOption,
    ConfigOption,
    ForceOption,
    Output,
    OutputOption,
    QuietOption,
    VerboseOption,
    set_up_logging,
    settings,
)
from newsflow.cli.output import EXIT_FAILED, console, emit, one_line, tell
from newsflow.errors import KafkaError, UsageError

if TYPE_CHECKING:
    from newsflow.kafka.producer import BatchWriter
    from newsflow.kafka.settings import KafkaSettings
    from newsflow.model import Event

_TELL_EVERY = 500
_LOOK_AT, _LOOK_AT_BYTES = 100, 8 << 20
_ROOM_BYTES = 1024
"""Left of a topic's limit for what surrounds a value: the key, and the batch."""


@dataclass
class Published:
    """What became of a file's lines. `too_large` lists line numbers (from 1) with sizes in bytes."""

    topic: str
    limit: int
    count: int = 0
    keyless: int = 0
    too_large: list[tuple[int, int]] = field(default_factory=list)

    def leave_out(self, offset: int, pieces: Iterator[bytes]) -> bytes:
        """A line that no topic takes: its size alone is read."""
        self.too_large.append((offset + 1, sum(map(len, pieces))))
        return b""


def publish_file(
    settings: KafkaSettings,
    file: Path,
    topic: str,
    show: Callable[[int], object] = lambda _: None,
    *,
    force: bool = False,
) -> Published:
    """Send every line of `file` that is not blank to `topic` and return when all are stored.

    A line that is not JSON is sent as it is: it will be a dead letter that says why. A line larger than the topic
    accepts is left out and listed. Raises `UsageError` for a file that cannot be read or, without `force`, is not one
    of JSON lines, `KafkaError` for a topic that does not exist or records that were not stored; the message says how
    many were.
    """
    from newsflow.ingest.files import event_of, read_lines
    from newsflow.kafka.producer import BatchWriter
    from newsflow.kafka.settings import MAX_RECORD_BYTES

    done = Published(topic, MAX_RECORD_BYTES)
    lines = read_lines(file, done.leave_out, done.limit)
    lines = lines if force else _of_json(file, lines)
    done.limit = _limit_bytes(settings, topic)
    writer = BatchWriter(settings)
    try:
        for number, line in lines:
            _publish(writer, done, number + 1, event_of(file.name, number, line))
            if (done.count + 1) % _TELL_EVERY == 0:
                show(done.count)
        writer.flush()
    except (KafkaError, UsageError) as error:
        if not done.count:
            raise
        kind = UsageError if isinstance(error, UsageError) else KafkaError
        raise kind(f"{error}. Of {done.count} events sent from {file} some may be stored") from error
    finally:
        writer.close()
    return done


def _of_json(file: Path, lines: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """The same lines. Raises `UsageError` where most of the first are not JSON: then another file was meant."""
    first: list[tuple[int, bytes]] = []
    left_bytes = _LOOK_AT_BYTES
    for number, line in lines:
        first.append((number, line))
        left_bytes -= len(line)
        if len(first) == _LOOK_AT or left_bytes <= 0:
            break
    other = [(number, line) for number, line in first if not _is_object(line)]
    if 2 * len(other) > len(first):
        number, line = other[0]
        raise UsageError(
            f"{file}: {len(other)} of {len(first)} lines looked at are not JSON objects, line {number + 1} for one: "
            f"{one_line(line.decode('utf-8', 'replace'), 60)!r}. Nothing was published. Accepted: one raw event a "
            "line; --force publishes what it is, and such lines will be dead letters"
        )
    return chain(first, lines)


def _is_object(line: bytes) -> bool:
    import orjson

    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False


def event_key(line: bytes) -> bytes | None:
    """Return the key of a raw event, `source/identity`; None for a line that names neither."""
    import orjson

    from newsflow.model.names import raw_key

    try:
        members = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(members, dict):
        return None
    source, identity = members.get("source"), members.get("url") or members.get("guid")
    if not isinstance(source, str) or not isinstance(identity, str):
        return None
    return raw_key(source, identity)


def _publish(writer: BatchWriter, done: Published, number: int, event: Event) -> None:
    key = event_key(event.value or b"") if event.key is None else event.key
    size = len(event.value or b"") + len(key or b"")
    if size > done.limit:
        done.too_large.append((number, size))
        return
    writer.send(done.topic, key, event.value, event.headers)
    done.count += 1
    done.keyless += key is None


def _limit_bytes(settings: KafkaSettings, topic: str) -> int:
    """The largest value the topic accepts for sure, however badly it compresses."""
    from kafka.admin import ConfigResource, ConfigResourceType

    from newsflow.kafka.client import make_admin, translated
    from newsflow.kafka.settings import MAX_RECORD_BYTES

    with closing(make_admin(settings)) as admin, translated(f"looking up topic {topic}"):
        if topic not in admin.list_topics():
            raise KafkaError(
                f"topic {topic} does not exist at {settings.bootstrap_servers}; `newsflow kafka apply` creates it"
            )
        found = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)], config_filter="all")
    # Who may not see the topic's settings is told none of them; the broker then refuses what is too large.
    entry = found["topic"][topic].get("max.message.bytes")
    limit = MAX_RECORD_BYTES if entry is None else min(int(entry["value"]), MAX_RECORD_BYTES)
    return limit - _ROOM_BYTES


def publish(
    file: Annotated[Path, file_argument("Raw events, one JSON object a line (.jsonl, .jsonl.gz)")],
    topic: Annotated[str | None, typer.Option(help="Kafka topic; the configured input topic by default.")] = None,
    check: CheckOption = False,
    force: ForceOption = False,
    config: ConfigOption = None,
    bootstrap_servers: BootstrapOption = None,
    output: OutputOption = Output.TEXT,
    verbose: VerboseOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Publish raw events, keyed by source and address. A line that is not a raw event is published too, untouched.

    Dead letters are published again as they were: key, value to the byte and headers. They come as `newsflow tail -o
    json` prints them, or from the dead-letters.jsonl of a run on files.

    A file whose lines are mostly not JSON is refused; with --force it is published, and they will be dead letters.

    With --check nothing is published and no broker is asked: each line that is not valid is said, with the reason its
    dead letter would have.
    """
    set_up_logging(verbose, quiet)
    from newsflow.kafka.settings import KafkaSettings

    loaded = settings(config, bootstrap_servers).config
    if check:
        _check(file, loaded.limits.event_bytes, output)
        return
    kafka = loaded.kafka
    with _progress(quiet) as show:
        done = publish_file(KafkaSettings.of(kafka), file, topic or kafka.input_topic, show, force=force)
    _report(done, output)


def _check(file: Path, most_bytes: int, output: Output) -> None:
    """Say of each line that is not a raw event what it would be a dead letter for."""
    from newsflow.ingest.files import read_events
    from newsflow.model import Reason, Rejected
    from newsflow.model.raw import RawLimits, parse_raw, too_large

    count, wrong = 0, 0

    def refuse(offset: int, found: Rejected) -> None:
        nonlocal wrong
        wrong += 1
        members = {"line": offset + 1, "reason": found.reason, "message": found.message}
        emit(output, members, f"{file}:{offset + 1}: {found.reason}: {one_line(found.message)}")

    def refuse_long(offset: int, pieces: Iterator[bytes]) -> bytes:
        nonlocal count
        count += 1
        refuse(offset, Rejected(Reason.TOO_LARGE, too_large(sum(map(len, pieces)), most_bytes), ""))
        return b""

    for event in read_events(file, refuse_long, most_bytes):
        count += 1
        found = parse_raw(event.value, event.headers, RawLimits(max_bytes=most_bytes))
        if isinstance(found, Rejected):
            refuse(event.offset, found)
    tell(f"{count} events, {wrong} of them not valid; nothing was published")
    if wrong:
        sys.exit(EXIT_FAILED)


def _report(done: Published, output: Output) -> None:
    members = {"topic": done.topic, "published": done.count, "keyless": done.keyless, "too_large": done.too_large}
    emit(output, members, f"{done.count} events published to {done.topic}")
    if done.keyless:
        tell(f"{done.keyless} of them without source and address, so without a key")
    if done.too_large:
        shown = ", ".join(f"{number} ({size:,} bytes)" for number, size in done.too_large[:10])
        tell(f"not published, larger than {done.topic} accepts ({done.limit:,} bytes): line {shown}")
        sys.exit(EXIT_FAILED)


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[int], object]]:
    """What shows a running count: on a terminal, nothing elsewhere."""
    if quiet or not console.is_terminal:
        yield lambda _: None
        return
    with console.status("publishing …") as status:
        yield lambda count: status.update(f"publishing … {count:,} events")
