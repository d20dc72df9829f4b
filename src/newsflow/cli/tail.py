"""`newsflow tail`: what a topic holds, readable."""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from newsflow.cli.options import (
    BootstrapOption,
    ConfigOption,
    FollowOption,
    Output,
    OutputOption,
    VerboseOption,
    set_up_logging,
    settings,
)
from newsflow.cli.output import cut_to_columns, emit, isolate, one_line, tell
from newsflow.model.framing import unframed
from newsflow.model.headers import ERROR_PREFIX, ORIGIN_PREFIX, header

if TYPE_CHECKING:
    from newsflow.ingest.claims import Claimed
    from newsflow.model import Event

TITLE_CHARS = 100
PREVIEW_CHARS = 80


def tail(
    topic: Annotated[str, typer.Argument(help="A Kafka topic, as news.article.v1 or news.article.raw.v1.dlq.")],
    count: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last records to show.")] = 10,
    follow: FollowOption = False,
    config: ConfigOption = None,
    bootstrap_servers: BootstrapOption = None,
    output: OutputOption = Output.TEXT,
    verbose: VerboseOption = 0,
) -> None:
    """Show the last records of a topic, one a line; dead letters with their reason.

    What the blob store holds for a record is shown as if the record held it.
    """
    set_up_logging(verbose)
    from newsflow.ingest.claims import reader_of
    from newsflow.kafka.admin import TopicTail
    from newsflow.kafka.settings import KafkaSettings

    loaded = settings(config, bootstrap_servers)
    read = reader_of(loaded.config)
    try:
        with TopicTail(KafkaSettings.of(loaded.config.kafka), topic) as records:
            for event in records.last(count):
                _show(event, output, read)
            if follow:
                for event in records.arriving():
                    _show(event, output, read)
    except KeyboardInterrupt:
        tell("stopped")


def _show(event: Event, output: Output, read: Claimed) -> None:
    whole, told = resolved(event, read)
    note = "".join(f"  {name} {isolate(str(told[name]))}" for name in ("dataref", "missing") if name in told)
    emit(output, as_object(whole) | told, fitted(as_line(whole) + note))
    sys.stdout.flush()


def resolved(event: Event, read: Claimed) -> tuple[Event, dict[str, Any]]:
    """The record with the value that it stands for, and what is to be said of that: its `dataref` and `claim`, or why
    it is `missing`. The record as it is where it holds its value itself."""
    from newsflow.errors import SinkError
    from newsflow.model import Rejected
    from newsflow.model.claim import DATAREF_HEADER

    try:
        value = read.value(event, "tail")
    except SinkError as error:
        return event, {"missing": str(error)}
    if isinstance(value, Rejected):
        return event, {"missing": f"{value.reason}: {value.message}"}
    if value == event.value:
        return event, {}
    claim = orjson.loads(event.value) if event.value else None
    dataref = claim["dataref"] if claim else header(event.headers, DATAREF_HEADER)
    return replace(event, value=value), {"dataref": dataref, "claim": claim}


def fitted(line: str) -> str:
    """The line, cut to the width of the terminal where there is one. Pipes and files get it whole."""
    if not sys.stdout.isatty():
        return line
    import shutil

    return cut_to_columns(line, shutil.get_terminal_size().columns)


def as_line(event: Event) -> str:
    """One line that says what a record is, whatever its bytes are."""
    return f"{instant(event.timestamp_ms)}  {event.partition}:{event.offset:<6} {_describe(event)}"


def as_object(event: Event) -> dict[str, Any]:
    """A JSON object that holds the whole record; the value as `value_base64` where it is not JSON, and of a dead
    letter, whose very bytes are to be published again, where the JSON value does not give them."""
    found: dict[str, Any] = {
        "topic": event.topic,
        "partition": event.partition,
        "offset": event.offset,
        "timestamp": instant(event.timestamp_ms),
        "key": None if event.key is None else event.key.decode("utf-8", "replace"),
        "headers": {
            _encodable(name): None if value is None else value.decode("utf-8", "replace")
            for name, value in event.headers
        },
    }
    reason = header(event.headers, ERROR_PREFIX + "reason")
    if reason is not None:
        found |= {"reason": reason, "message": header(event.headers, ERROR_PREFIX + "message")}
    return found | _value(event.value, exact=reason is not None)


def instant(timestamp_ms: int) -> str:
    """Milliseconds since 1970 as RFC 3339 in UTC; a dash when unknown or beyond the calendar."""
    try:
        at = datetime.fromtimestamp(timestamp_ms / 1000, UTC) if timestamp_ms > 0 else None
    except (OverflowError, ValueError, OSError):
        at = None
    return "-".ljust(20) if at is None else at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _value(value: bytes | None, exact: bool = False) -> dict[str, Any]:
    if value is None:
        return {"value": None}
    in_bytes = {"value_base64": base64.b64encode(value).decode("ascii")}
    try:
        parsed = orjson.loads(unframed(value))
        # A null of JSON would be taken for no value at all.
        same = parsed is not None and orjson.dumps(parsed) == value
        return {"value": parsed} | (in_bytes if exact and not same else {})
    except orjson.JSONDecodeError:
        return in_bytes


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def _describe(event: Event) -> str:
    if header(event.headers, ERROR_PREFIX + "reason") is not None:
        return _dead_letter(event)
    if event.value is None:
        return f"deleted: {_key(event)}"
    members = _value(event.value).get("value")
    describe = _kind(members) if isinstance(members, Mapping) else None
    if describe is None:
        return f"{_key(event)} {_preview(event.value)}"
    try:
        return describe(members)
    except (AttributeError, KeyError, TypeError, ValueError, IndexError):
        # It only looks like one of ours.
        return f"{_key(event)} {_preview(event.value)}"


def _kind(members: Mapping[str, Any]) -> Callable[[Any], str] | None:
    if "content_hash" in members:
        return _article
    if "copy" in members and "original" in members:
        return _duplicate
    if "subscription" in members:
        return _alert
    if "dimension" in members and "window" in members:
        return _burst if "expected" in members else _trend
    return _raw if "fetched_at" in members else None


def _dead_letter(event: Event) -> str:
    error = {name: header(event.headers, ERROR_PREFIX + name) or "" for name in ("reason", "stage", "message")}
    origin = [header(event.headers, ORIGIN_PREFIX + name) or "?" for name in ("topic", "partition", "offset")]
    place = f"{one_line(origin[0])} {one_line(origin[1])}:{one_line(origin[2])}"
    size = "no value" if event.value is None else f"{len(event.value):,} bytes: {_preview(event.value)}"
    return f"{one_line(error['reason'])} ({one_line(error['stage'])}, {place}): {isolate(error['message'])}  {size}"


def _article(members: Mapping[str, Any]) -> str:
    published = members.get("published") or {}
    topics = ", ".join(one_line(str(topic["id"])) for topic in members.get("topics", ()))
    parts = (
        f"{one_line(str(members['action']))} v{members['version']}",
        one_line(str(members["language"])),
        one_line(str(members["source"])),
        isolate(str(members.get("title") or "(no title)"), TITLE_CHARS),
        f"published {one_line(str(published.get('at', 'unknown')))}",
        f"[{topics}]",
    )
    return "  ".join(parts)


def _raw(members: Mapping[str, Any]) -> str:
    what = members.get("title") or members.get("url") or members.get("guid") or "(no title, no address)"
    action = "withdraw" if members.get("action") == "withdraw" else members.get("content_type", "?")
    size = len(members.get("content") or "")
    return (
        f"{one_line(str(action))}  {one_line(str(members['source']))}  "
        f"{isolate(str(what), TITLE_CHARS)}  {size:,} characters"
    )


def _duplicate(members: Mapping[str, Any]) -> str:
    copy, original = (
        f"{one_line(str(side['source']))} {isolate(str(side.get('url') or side.get('guid')), TITLE_CHARS)}"
        for side in (members["copy"], members["original"])
    )
    return f"{one_line(str(members['method']))} ({members.get('jaccard', '?')})  {copy}  says what {original} said"


def _alert(members: Mapping[str, Any]) -> str:
    titles = "; ".join(isolate(str(article.get("title")), TITLE_CHARS) for article in members.get("articles", ()))
    step, severity = one_line(str(members["step"])), one_line(str(members.get("severity", "")))
    return f"{step}  {severity}  {one_line(str(members['subscription']))}  {titles}"


def _trend(members: Mapping[str, Any]) -> str:
    replaced = members.get("replaces")
    before = "" if replaced is None else f", corrected from {replaced['articles']}"
    return f"{_window(members)}  {_counted(members)}: {members['articles']} articles{before}"


def _burst(members: Mapping[str, Any]) -> str:
    seen = f"{members['articles']} articles, {members['expected']} expected, {members['sources']} sources"
    return f"{_window(members)}  burst {one_line(str(members['state']))}  {_counted(members)}: {seen}"


def _window(members: Mapping[str, Any]) -> str:
    return f"{one_line(str(members['window']['start']))} to {one_line(str(members['window']['end']))}"


def _counted(members: Mapping[str, Any]) -> str:
    return f"{one_line(str(members['dimension']))} {isolate(str(members['name']), TITLE_CHARS)}"


def _key(event: Event) -> str:
    return "(no key)" if event.key is None else isolate(event.key.decode("utf-8", "replace"), PREVIEW_CHARS)


def _preview(value: bytes) -> str:
    return isolate(value[: PREVIEW_CHARS * 4].decode("utf-8", "replace"), PREVIEW_CHARS)
