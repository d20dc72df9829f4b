"""What is asked of the worker process, and the bytes of its answer.

Requests are pickled: parent to child is within one trust. Answers are JSON: a child that a page took over
must not be able to run code in the parent.
"""

from __future__ import annotations

import pickle
from dataclasses import asdict
from datetime import datetime
from typing import Any

import orjson

from newsflow.model import PublicationDate
from newsflow.normalise import Dropped, Extracted, clean_text, extract_html

Request = tuple[str, str, str | None]
"""(`html` or `text`, the content, its URL)."""


class TaskError(Exception):
    """The work raised; `error_class` is the qualified name of what it raised."""

    def __init__(self, error_class: str, message: str) -> None:
        super().__init__(message)
        self.error_class = error_class


def encode_request(kind: str, content: str, url: str | None) -> bytes:
    """The bytes of a request."""
    return pickle.dumps((kind, content, url), protocol=5)


def answer(request: Request) -> bytes:
    """Do what is asked. Whatever is raised becomes the answer."""
    kind, content, url = request
    try:
        page = extract_html(content, url) if kind == "html" else clean_text(content)
        reply: dict[str, Any] = {"page": asdict(page)}
        return orjson.dumps(reply)
    except Exception as error:  # whatever the parser raises, the parent gets told
        kind_of_error = type(error)
        reply = {"error": f"{kind_of_error.__module__}.{kind_of_error.__qualname__}", "message": str(error)[:500]}
        return orjson.dumps(reply)


def decode_answer(data: bytes) -> Extracted:
    """The page of an answer. Raises TaskError when the work raised, ValueError on what is no answer."""
    reply = orjson.loads(data)
    if not isinstance(reply, dict):
        raise ValueError("an answer that is no object")
    if "error" in reply:
        raise TaskError(str(reply["error"]), str(reply.get("message", "")))
    return _page(reply["page"])


def _page(value: dict[str, Any]) -> Extracted:
    return Extracted(
        title=value["title"],
        body=value["body"],
        published=_date(value["published"]) if value["published"] else None,
        dates=tuple(_date(date) for date in value["dates"]),
        authors=tuple(value["authors"]),
        canonical_url=value["canonical_url"],
        language_hint=value["language_hint"],
        agency=value["agency"],
        marks=tuple(value["marks"]),
        dropped=tuple(Dropped(item["text"], item["why"]) for item in value["dropped"]),
    )


def _date(value: dict[str, Any]) -> PublicationDate:
    return PublicationDate(datetime.fromisoformat(value["at"]), value["zone"], value["evidence"], value["text"])
