"""What a decision says beyond its article, as the JSON text that is stored with a version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from newsflow.ledger.times import storable
from newsflow.model import ArticleRef, Change, DuplicateLink


@dataclass(frozen=True, slots=True)
class Detail:
    """`promoted` is (article id, version) of the copy that took a withdrawn original's place."""

    feeds: tuple[str, ...] = ()
    duplicate: DuplicateLink | None = None
    change: Change | None = None
    promoted: tuple[str, int] | None = None


def encode_detail(detail: Detail) -> str:
    """JSON text; members that say nothing are left out."""
    return storable(orjson.dumps({name: value for name, value in _members(detail).items() if value}).decode())


def decode_detail(text: str) -> Detail:
    """The inverse of `encode_detail`."""
    members = orjson.loads(text)
    change, promoted = members.get("change"), members.get("promoted")
    return Detail(
        feeds=tuple(members.get("feeds", ())),
        duplicate=_link(members.get("duplicate")),
        change=Change(**change) if change else None,
        promoted=(promoted[0], promoted[1]) if promoted else None,
    )


def _members(detail: Detail) -> dict[str, Any]:
    return {
        "feeds": detail.feeds,
        "duplicate": detail.duplicate,
        "change": detail.change,
        "promoted": detail.promoted,
    }


def _link(members: dict[str, Any] | None) -> DuplicateLink | None:
    if not members:
        return None
    copy, original = ArticleRef(**members.pop("copy")), ArticleRef(**members.pop("original"))
    return DuplicateLink(copy, original, **members)
