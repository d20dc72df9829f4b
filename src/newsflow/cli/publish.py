"""`newsflow publish`: raw events from a file to Kafka, each line as it is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator
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
    from newsflow.config.settings import Config
    from newsflow.kafka.producer import BatchWriter
    from newsflow.kafka.settings import KafkaSettings
    from newsflow.model import Event, Rejected
    from newsflow.model.raw import RawLimits

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
    of JSON lines or holds a dead letter of another topic, `KafkaError` for a topic that does not exist or records that
    were not stored; the message says how many were.
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
            if not force:
                _refuse_another_topic(f"{file}:{number + 1}", line, topic)
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


def _refuse_another_topic(where: str, line: bytes, topic: str) -> None:
    """Raise `UsageError` for a dead letter, as `newsflow tail` prints it, of a record that was in another topic."""
    from newsflow.ingest.files import origin_topic

    origin = origin_topic(line)
    if origin not in (None, topic):
        raise UsageError(
            f"{where}: a dead letter of {origin}, which {topic} has no use for; accepted: --topic {origin}, or --force"
        )


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

    from newsflow.kafka.client import make_admin, missing_topic, translated
    from newsflow.kafka.settings import MAX_RECORD_BYTES

    with closing(make_admin(settings)) as admin, translated(f"looking up topic {topic}"):
        if topic not in admin.list_topics():
            raise missing_topic(topic, settings.bootstrap_servers)
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

    A dead letter goes back to the topic it came from; another one is refused without --force.

    With --check nothing is published and no broker is asked: each line that is not valid is said, with the reason its
    dead letter would have. Pages are not read, nor what a line names in a blob store.
    """
    set_up_logging(verbose, quiet)
    from newsflow.kafka.settings import KafkaSettings

    loaded = settings(config, bootstrap_servers).config
    if check:
        _check(file, loaded, output)
        return
    kafka = loaded.kafka
    with _progress(quiet) as show:
        done = publish_file(KafkaSettings.of(kafka), file, topic or kafka.input_topic, show, force=force)
    _report(done, output)


def refused(event: Event, limits: RawLimits, sources: Collection[str] | None) -> Rejected | None:
    """What the job would say against an event before it reads its page. `sources`: the ones that it knows, where they
    are closed."""
    from newsflow.model import Rejected
    from newsflow.model.claim import read_claim
    from newsflow.model.raw import parse_raw
    from newsflow.normalise.article import url_of
    from newsflow.normalise.profiles import registered

    if read_claim(event.value) is not None:
        return None
    found = parse_raw(event.value, event.headers, limits)
    if not isinstance(found, Rejected) and sources is not None:
        found = registered(found, sources)
    url = found if isinstance(found, Rejected) else url_of(found)
    return url if isinstance(url, Rejected) else None


def _check(file: Path, config: Config, output: Output) -> None:
    """Say of each line that is not a raw event what it would be a dead letter for."""
    from newsflow.ingest.files import read_events
    from newsflow.model import Reason, Rejected
    from newsflow.model.raw import RawLimits, too_large
    from newsflow.normalise.profiles import load_sources

    count, wrong, most_bytes = 0, 0, config.limits.event_bytes
    sources = load_sources(config.sources.paths) if config.sources.closed else None

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
        found = refused(event, RawLimits(max_bytes=most_bytes), sources)
        if found is not None:
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
