"""A dead letter as it lies in Kafka: where it is, why it is one, how it is sent again; and what people did with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson

from newsflow.model.event import Event
from newsflow.model.framing import unframed
from newsflow.model.headers import ERROR_PREFIX, ORIGIN_PREFIX, attempt_of, header, instant_text, own_headers
from newsflow.model.names import ARTICLE_TOPIC, DEAD_LETTER_SUFFIX
from newsflow.model.url import canonicalise_url

PARKED_AT = 3
"""What has failed so often is replayed no more, unless it is named."""
ALERTS = "alerts"
"""The sink that lets the alert planner see articles; stores have the names of the configuration."""
STORE_STAGE, ALERTS_STAGE = "Store ", "Alerts"
"""The stages of delivery: a store's is followed by its name."""
SINK = "sink:"
"""Before the name of a sink, where the place of a letter that was sent again would be."""
UNKNOWN = "unknown"
"""In place of the reason, of a record that another program put among dead letters."""


class State(StrEnum):
    """What is to become of a dead letter."""

    OPEN = "open"
    """Nobody has done anything about it."""
    PARKED = "parked"
    """It has failed three times, or somebody set it aside: replayed only when it is named."""
    REPLAYED = "replayed"
    """It was sent again. If it failed again, there is another letter."""
    DROPPED = "dropped"
    """Somebody gave it up, and said why."""


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody did with a letter. `to`: the place at which it was published again, or with partition and offset 0
    `SINK` and the name of the sink that was given it."""

    state: State
    at: datetime
    by: str
    why: str = ""
    to: tuple[str, int, int] | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter. `topic`, `partition` and `offset` are where it lies, `origin` where the record was that failed;
    `written_ms` when it was written; `attempt` how often the record has failed. `address` is canonical, `article_id`
    that of what a sink refused; "" where they are not known."""

    id: str
    topic: str
    partition: int
    offset: int
    written_ms: int
    reason: str
    stage: str
    message: str
    source: str
    sink: str
    address: str
    article_id: str
    attempt: int
    origin: tuple[str, int, int]
    size_bytes: int
    said: Said | None = None

    @property
    def state(self) -> State:
        if self.said is not None:
            return self.said.state
        return State.PARKED if self.attempt >= PARKED_AT else State.OPEN


def letter_of(record: Event) -> Letter:
    """What a record of a dead-letter topic says of itself; never fails, whoever wrote it."""
    error, origin = (
        {name: header(record.headers, prefix + name) or "" for name in names}
        for prefix, names in (
            (ERROR_PREFIX, ("id", "reason", "stage", "message")),
            (ORIGIN_PREFIX, ("topic", "partition", "offset")),
        )
    )
    members = _members(record.value)
    topic = origin["topic"] or record.topic.removesuffix(DEAD_LETTER_SUFFIX)
    return Letter(
        id=error["id"] or record.event_id,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        written_ms=record.timestamp_ms,
        reason=error["reason"] or UNKNOWN,
        stage=error["stage"],
        message=error["message"],
        source=(_text(members, "source") or _of_key(record.key)[0])[:100],
        sink=_sink(error["stage"]) if topic == ARTICLE_TOPIC else "",
        address=canonical_address(_text(members, "url") or _of_key(record.key)[1]),
        article_id=_text(members, "id")[:100] if topic == ARTICLE_TOPIC else "",
        attempt=max(attempt_of(record.headers), 1),
        origin=(topic, _number(origin["partition"]), _number(origin["offset"])),
        size_bytes=len(record.value or b""),
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else -1


def _sink(stage: str) -> str:
    return ALERTS if stage == ALERTS_STAGE else stage.removeprefix(STORE_STAGE) if stage.startswith(STORE_STAGE) else ""


def _members(value: bytes | None) -> dict[str, Any]:
    try:
        found = orjson.loads(unframed(value or b""))
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _text(members: Mapping[str, Any], name: str) -> str:
    return found if isinstance(found := members.get(name), str) else ""


def _of_key(key: bytes | None) -> tuple[str, str]:
    """The source and the address, or publisher's id, that a raw event's key names."""
    source, slash, identity = (key or b"").decode("utf-8", "replace").partition("/")
    return (source, identity) if slash else ("", "")


def canonical_address(address: str) -> str:
    """The address in the form in which letters are found by it; "" for what is not one."""
    try:
        return canonicalise_url(address)[:2_000]
    except ValueError:
        return ""


def original_of(letter: Letter, record: Event) -> Event:
    """The record that a letter was, at its place. It says how often it has failed and when it was first written."""
    topic, partition, offset = letter.origin
    return replace(record, topic=topic, partition=partition, offset=offset, headers=own_headers(record.headers))


# What was said of a letter, as a value of its topic.


def encode_said(letter_id: str, said: Said) -> bytes:
    """The dead-letter-state.v1 bytes."""
    members: dict[str, Any] = {"id": letter_id, "state": said.state, "at": instant_text(said.at), "by": said.by}
    if said.why:
        members["why"] = said.why
    if said.to is not None:
        members["to"] = dict(zip(("topic", "partition", "offset"), said.to, strict=True))
    return orjson.dumps(members)


def decode_said(value: bytes | None) -> tuple[str, Said] | None:
    """The letter's id and what was said; None for what is no such value."""
    try:
        members = orjson.loads(value or b"")
        to: Mapping[str, Any] | None = members.get("to")
        place = None if to is None else (str(to["topic"]), int(to["partition"]), int(to["offset"]))
        at = datetime.fromisoformat(members["at"])
        return str(members["id"]), Said(State(members["state"]), at, members["by"], members.get("why", ""), place)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
