"""A dead letter as people see it: in a line, whole, as what it would become today; and in their editor."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from newsflow.cli.output import data, isolate, one_line
from newsflow.cli.publish import refused
from newsflow.cli.tail import instant
from newsflow.errors import UsageError
from newsflow.ingest.letters import read_originals, read_today, why_not
from newsflow.model import Rejected
from newsflow.model.letter import SINK, encode_said
from newsflow.model.raw import RawLimits
from newsflow.shown import json_text
from newsflow.stores.contract import StoreRow

if TYPE_CHECKING:
    from newsflow.config.settings import Config
    from newsflow.ingest.runtime import Runtime
    from newsflow.model import Article, Event
    from newsflow.model.letter import Letter


def original(config: Config, letter: Letter) -> Event:
    """The record that a letter was. Raises `UsageError` where the letter is gone."""
    found = next(read_originals(config, [letter]), None)
    if found is None:
        raise UsageError(f"letter {letter.id} is not at {where(letter)}; `newsflow dlq index --anew` looks again")
    return found[1]


def line(letter: Letter) -> str:
    """A letter in one line."""
    what = f"{one_line(letter.reason)} ({one_line(letter.stage)})"
    times = f"  failed {letter.attempt} times" if letter.attempt > 1 else ""
    source = one_line(letter.source) or "-"
    head = f"{one_line(letter.id)[:12]}  {instant(letter.written_ms)}  {letter.state:<8}  {what}  {source}"
    return f"{head}{times}  {isolate(letter.message, 100)}"


def members(letter: Letter) -> dict[str, Any]:
    """What the index has of a letter, as JSON."""
    names = ("id", "topic", "partition", "offset", "state", "reason", "stage", "message", "source", "sink", "attempt")
    found: dict[str, Any] = {name: getattr(letter, name) for name in names}
    found |= {"written_at": instant(letter.written_ms), "size_bytes": letter.size_bytes}
    found["origin"] = dict(zip(("topic", "partition", "offset"), letter.origin, strict=True))
    if letter.said is not None:
        found["said"] = orjson.loads(encode_said(letter.id, letter.said))
    return found


def where(letter: Letter) -> str:
    return f"{letter.topic} {letter.partition}:{letter.offset}"


def print_letter(letter: Letter, was: Event) -> None:
    """Print a letter, and the record that it was."""
    topic, partition, offset = letter.origin
    rows = {
        "letter": letter.id,
        "lies at": f"{where(letter)}, since {instant(letter.written_ms)}",
        "was at": f"{one_line(topic)} {partition}:{offset}",
        "failed in": one_line(letter.stage) + (f", {letter.attempt} times" if letter.attempt > 1 else ""),
        "reason": one_line(letter.reason),
        "message": isolate(letter.message),
        "state": _state(letter),
        "why": isolate(letter.said.why) if letter.said is not None and letter.said.why else "",
        "key": "-" if was.key is None else isolate(was.key.decode("utf-8", "replace")),
    }
    for name, text in rows.items():
        if text:
            data(f"{name:<9} {text}")
    for name, content in was.headers:
        data(f"header    {one_line(name)}: {isolate((content or b'').decode('utf-8', 'replace'))}")
    data(f"value     {'null' if was.value is None else f'{len(was.value):,} bytes'}")
    for text in _decoded(was.value or b"").splitlines():
        data(f"  {text}")


def _state(letter: Letter) -> str:
    said = letter.said
    if said is None:
        return letter.state
    to = ""
    if said.to is not None:
        topic, partition, offset = said.to
        to = f", to {one_line(topic)}" + ("" if topic.startswith(SINK) else f" {partition}:{offset}")
    return f"{said.state}, {said.at:%Y-%m-%dT%H:%M:%SZ}, by {one_line(said.by)}{to}"


def _decoded(value: bytes) -> str:
    """JSON with a member a line; other bytes as Python writes them."""
    try:
        return json_text(orjson.dumps(orjson.loads(value), option=orjson.OPT_INDENT_2).decode())
    except orjson.JSONDecodeError:
        return repr(value)[2:-1]


@dataclass(frozen=True)
class Today:
    """What a letter would become: the word it is counted by, and for whoever reads."""

    word: str
    text: str
    members: dict[str, Any]


def today(runtime: Runtime, pairs: Sequence[tuple[Letter, Event]]) -> list[Today]:
    """What letters would become if they were sent again now."""
    config = runtime.config
    raw = [event for letter, event in pairs if not letter.sink and not why_not(letter, config)]
    read = iter(read_today(raw, runtime) if raw else ())
    found: list[Today] = []
    for letter, _ in pairs:
        if why := why_not(letter, config):
            found.append(Today("cannot be sent", f"cannot be sent again: {one_line(why)}", {"cannot": why}))
        elif letter.sink:
            word = f"given to {one_line(letter.sink)}"
            found.append(Today(word, f"{word} again, and to no other", {"sink": letter.sink}))
        else:
            found.append(_became(next(read)))
    return found


def _became(result: Article | Rejected) -> Today:
    if isinstance(result, Rejected):
        members = {"reason": result.reason, "message": result.message, "stage": result.stage}
        return Today(result.reason, f"{result.reason}: {isolate(result.message)}", members)
    found = {"title": result.title, "language": result.language, "words": result.word_count}
    text = f"an article: {isolate(result.title)} ({result.language}, {result.word_count} words)"
    return Today("article", text, found)


def edited(config: Config, letter: Letter) -> bytes:
    """What the person at the terminal makes of the letter's value, checked. Raises `UsageError`."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not editor:
        raise UsageError("neither VISUAL nor EDITOR is set: they name the program to edit with")
    event = original(config, letter)
    before = event.value or b""
    with suppress(orjson.JSONDecodeError):
        before = orjson.dumps(orjson.loads(before), option=orjson.OPT_INDENT_2) + b"\n"
    file = Path(tempfile.mkdtemp(prefix="newsflow-")) / f"{letter.id[:12]}.json"
    file.write_bytes(before)
    subprocess.run([*shlex.split(editor), str(file)], check=True)
    after = file.read_bytes()
    if after == before:
        raise UsageError("nothing was changed, so nothing was sent")
    if problem := _problem(after, letter, event, config):
        raise UsageError(f"{one_line(problem)}; nothing was sent. What you wrote is in {file}")
    file.unlink()
    file.parent.rmdir()
    return orjson.dumps(orjson.loads(after))


def _problem(value: bytes, letter: Letter, event: Event, config: Config) -> str:
    """What is wrong with an edited value by its schema; "" where nothing is."""
    if letter.sink:
        try:
            StoreRow.read(value)
        except ValueError as error:
            return f"not an article.v1: {error}"
        return ""
    found = refused(replace(event, value=value), RawLimits(max_bytes=config.limits.event_bytes), None)
    return f"{found.reason}: {found.message}" if found is not None else ""
