"""What is asked of the worker process, and the bytes of its answer.

Requests are pickled: parent to child is within one trust. Answers are JSON: a child that a page took over
must not be able to run code in the parent.
"""

from __future__ import annotations

import pickle
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

import orjson

from newsflow.model import PublicationDate, RawArticle
from newsflow.normalise.article import extract_page, media_type
from newsflow.normalise.html import lines_outside
from newsflow.normalise.profile import SourceProfile
from newsflow.normalise.values import Dropped, Extracted

Request = tuple[RawArticle, SourceProfile | None, bool]
"""(The raw article, its source, whether what was dropped is wanted)."""


class TaskError(Exception):
    """The work raised; `error_class` is the qualified name of what it raised."""

    def __init__(self, error_class: str, message: str) -> None:
        super().__init__(message)
        self.error_class = error_class


def encode_request(raw: RawArticle, source: SourceProfile | None, *, with_dropped: bool = False) -> bytes:
    """The bytes of a request."""
    return pickle.dumps((replace(raw, extra={}), source, with_dropped), protocol=5)


def answer(request: Request) -> bytes:
    """Do what is asked. Whatever is raised becomes the answer."""
    raw, source, with_dropped = request
    try:
        page = extract_page(raw, source)
        dropped = page.dropped if with_dropped else ()
        if with_dropped and media_type(raw) == "text/html":
            dropped += lines_outside(raw.content, page)
        return orjson.dumps({"page": asdict(replace(page, dropped=dropped))})
    except Exception as error:  # whatever the parser raises, the parent gets told
        kind = type(error)
        reply = {"error": f"{kind.__module__}.{kind.__qualname__}", "message": _printable(str(error)[:500])}
        return orjson.dumps(reply)


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


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
