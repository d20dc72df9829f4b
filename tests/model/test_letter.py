"""What a record among dead letters says of itself, and what was said of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from newsflow.ingest.emit import dead_letter
from newsflow.model import Event, Reason, Rejected
from newsflow.model.headers import attempt_of
from newsflow.model.letter import ALERTS, SINK, Said, State, decode_said, encode_said, letter_of, original_of
from newsflow.model.names import ARTICLE_TOPIC, RAW_TOPIC
from newsflow.model.schemas import violations

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
RAW = Event(
    RAW_TOPIC, 2, 17, 1_772_000_000_000, b"quay-times/1", b'{"source":"quay-times"}', (("traceparent", b"00-1"),)
)


def as_letter(event: Event, rejected: Rejected, offset: int = 0, qualifier: str = "") -> Event:
    """The record that a job writes for it, at a place of its topic."""
    made = dead_letter(event, rejected, "ingest", decided_at=NOON, qualifier=qualifier)
    return Event(made.topic, 0, offset, 1_772_000_100_000, made.key, made.value, made.headers)


def rejected(reason: Reason = Reason.NO_TEXT, stage: str = "Normalise") -> Rejected:
    return Rejected(reason, "nothing reads as an article", stage)


def test_a_letter_names_cause_and_origin_and_gives_the_record_back() -> None:
    record = as_letter(RAW, rejected(), offset=5)
    letter = letter_of(record)
    assert (letter.reason, letter.stage, letter.source, letter.sink, letter.attempt) == (
        *("no-text", "Normalise", "quay-times", ""), 1,
    )  # fmt: skip
    assert letter.origin == (RAW_TOPIC, 2, 17)
    assert (letter.topic, letter.partition, letter.offset) == (f"{RAW_TOPIC}.dlq", 0, 5)
    again = original_of(letter, record)
    assert (again.topic, again.partition, again.offset, again.key, again.value) == (
        RAW_TOPIC,
        2,
        17,
        RAW.key,
        RAW.value,
    )
    assert [name for name, _ in again.headers] == ["traceparent", "newsflow.error.attempt", "newsflow.origin.timestamp"]


def test_each_failure_is_counted_and_the_third_parks() -> None:
    event, states = RAW, []
    for offset in range(3):
        record = as_letter(replace(event, offset=100 + offset), rejected(), offset)
        letter = letter_of(record)
        states.append((letter.attempt, letter.state))
        event = original_of(letter, record)
    assert states == [(1, State.OPEN), (2, State.OPEN), (3, State.PARKED)]
    assert attempt_of(event.headers) == 3


@pytest.mark.parametrize(
    ("stage", "sink"), [("Store archive", "archive"), ("Alerts", ALERTS), ("CountArticles", ""), ("Store ", "")]
)
def test_the_sink_that_refused_it_is_known(stage: str, sink: str) -> None:
    article = replace(RAW, topic=ARTICLE_TOPIC, value=b'{"source":"quay-times","id":"a"}')
    assert letter_of(as_letter(article, rejected(Reason.SINK_REJECTED, stage))).sink == sink
    assert letter_of(as_letter(RAW, rejected(stage=stage))).sink == ""


@pytest.mark.parametrize(
    "value", [None, b"", b"\xff\x00", b"[1]", b'{"source":7}', b'{"source":"' + b"x" * 500 + b'"}', b"{" * 100_000]
)
@pytest.mark.parametrize("key", [None, b"", b"\xff/\xff", b"no slash"])
def test_whatever_lies_there_is_a_letter(value: bytes | None, key: bytes | None) -> None:
    """Of another program, or broken: it has an id, a reason, and a place to go back to."""
    odd = (("newsflow.error.attempt", b"-4"), ("newsflow.origin.offset", b"9" * 40), ("x", None))
    letter = letter_of(Event("quay.dlq", 0, 3, 0, key, value, odd))
    assert (len(letter.id), letter.reason, letter.origin, letter.attempt) == (32, "unknown", ("quay", -1, -1), 1)
    assert len(letter.source) <= 100


@pytest.mark.parametrize(
    "said",
    [
        Said(State.REPLAYED, NOON, "mara@desk", "selectors", (RAW_TOPIC, 1, 9)),
        Said(State.REPLAYED, NOON, "mara@desk", to=(f"{SINK}archive", 0, 0)),
        Said(State.DROPPED, NOON, "", "gone"),
    ],
)
def test_what_was_said_is_a_valid_value_and_is_read_back(said: Said) -> None:
    value = encode_said("0" * 32, said)
    assert not [*violations("dead-letter-state", orjson.loads(value))]
    assert decode_said(value) == ("0" * 32, said)


@pytest.mark.parametrize(
    "value", [None, b"", b"[]", b"{}", b'{"id":"a","state":"burnt","at":"2026-03-01T12:00:00Z","by":""}', b"1"]
)
def test_what_is_no_word_on_a_letter_is_passed_over(value: Any) -> None:
    assert decode_said(value) is None
