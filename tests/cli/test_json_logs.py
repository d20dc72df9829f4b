"""Logs as JSON: one object a line, with the event it is about, and no secret."""

from __future__ import annotations

import logging

import orjson

from newsflow.cli.options import log_json
from newsflow.ingest.item import each
from newsflow.model import Event, Rejected
from newsflow.shown import keep_secret


def test_a_record_is_one_object_that_names_its_event() -> None:
    keep_secret("hunter2-of-the-quay")
    event, lines = Event("raw", 0, 7, 0, None, b"{}"), list[str]()
    logger, ear = logging.getLogger("newsflow.ingest.item"), logging.Handler()
    ear.setFormatter(log_json())
    ear.emit = lambda record: lines.append(ear.format(record))  # type: ignore[method-assign]
    logger.addHandler(ear)

    def fail(_: Event) -> str:
        raise ValueError("hunter2-of-the-quay\nis \x1b[31mwrong")

    def failed(_: Event, rejected: Rejected) -> str:
        return rejected.reason

    try:
        assert each([event], "Quay", fail, failed) == ["transform-error"]
    finally:
        logger.removeHandler(ear)
    [line] = lines
    said = orjson.loads(line)
    assert said["event_id"] == event.event_id
    assert (said["level"], said["logger"]) == ("warning", "newsflow.ingest.item")
    assert said["message"] == "Quay: a ValueError became a dead letter"
    assert "ValueError" in said["error"]
    assert "hunter2" not in line
    assert "\x1b" not in line
    assert said["time"].endswith("Z")
