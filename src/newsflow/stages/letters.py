"""The dead letter of an article that a sink refused. It repeats word for word when the job does."""

from __future__ import annotations

from datetime import UTC, datetime

from newsflow.model import Event, Headers, Rejected
from newsflow.model.cloudevents import dead_letter_headers, header
from newsflow.model.names import dead_letter_topic


def letter_of(event: Event, rejected: Rejected, job: str) -> tuple[str, Headers]:
    """The topic and the headers of a dead letter; key and value stay the event's.

    Two sinks may refuse one article: the sink, which the stage names, is part of the letter's id. Its time is
    that of the article, since nothing remembers when a sink first refused it.
    """
    headers = dead_letter_headers(event, rejected, job=job, time=_time_of(event), qualifier=rejected.stage)
    return dead_letter_topic(event.topic), headers


def _time_of(event: Event) -> datetime:
    """When the article was decided (`ce_time`), else the record's own time; 1970 where neither can be read."""
    try:
        decided = datetime.fromisoformat(header(event.headers, "ce_time") or "")
        if decided.tzinfo is not None:
            return decided.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    try:
        return datetime.fromtimestamp(event.timestamp_ms / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)
