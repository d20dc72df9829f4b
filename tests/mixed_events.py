"""Raw events of every kind, in a reproducible mix: news and copies of it, edits, withdrawals, repeats, late and older
states, dates that are missing or in the future, and what is no article at all. Texts are made up of invented words."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from newsflow.model.headers import instant_text

START = datetime(2025, 3, 3, 6, tzinfo=UTC)
_PLACES = ["Syria", "Russia", "Lebanon", "Iran", "France", "the islands", "Damascus and Moscow"]
_ARABIC = ["سوريا", "روسيا", "لبنان", "إيران", "فرنسا", "الجزر", "دمشق وموسكو"]


def _text(draw: random.Random, arabic: bool) -> list[str]:
    words = ["ميناء", "اتفاق", "عمال", "قمح", "سفن", "وزير", "جسر"] if arabic else ["port", "grain", "treaty", "bridge"]
    made = [f"{draw.choice(words)} {draw.choice('abcdefgh')}{draw.randrange(10**6)}" for _ in range(45)]
    return [f"{draw.choice(_ARABIC if arabic else _PLACES)} {' '.join(made[at : at + 9])}." for at in range(0, 45, 9)]


def mixed_events(
    count: int, seed: int = 1, minutes: float = 10, *, sessions: bool = True
) -> Iterator[tuple[bytes, datetime]]:
    """Values of raw events, each with the time its record is written; `minutes` lie between two of them. With `sessions`
    some articles of a source share a name but for what looks like a session."""
    draw = random.Random(seed)
    texts: list[tuple[list[str], bool]] = []
    known: list[dict[str, Any]] = []
    for number in range(count):
        at = START + timedelta(minutes=minutes * number)
        kind = draw.choice(
            [
                "new",
                "new",
                "new",
                "copy",
                "copy",
                "edit",
                "edit",
                "repeat",
                "withdraw",
                "stale",
                "future",
                "undated",
                "rubbish",
            ]
        )
        if kind == "rubbish":
            yield draw.choice([b"{", b"[]", b'{"source": "x"}', b"\xff\xfe", b'{"source":"a","url":"not one"}']), at
            continue
        if kind in ("new", "future", "undated") or not known:
            texts.append((_text(draw, draw.random() < 0.5), draw.random() < 0.2))
            event = _event(draw, number, texts[-1][0], at, dated=kind != "undated", sessions=sessions)
            known.append(event)
        elif kind == "copy":
            lines = list(draw.choice(texts[-30:])[0])
            lines[-1] += f" {draw.randrange(10)} ships."
            event = _event(draw, number, lines, at, sessions=sessions)
            known.append(event)
        else:
            event = known[draw.randrange(max(0, len(known) - 40), len(known))]
            changed = {"edit": {"content": event.get("content", "") + f"\n\nUpdate {number}."}, "repeat": {}}
            changed |= {"stale": {"fetched_at": instant_text(at - timedelta(days=2, minutes=7))}}
            event = event | {"fetched_at": instant_text(at)} | changed.get(kind, {})
            if kind == "withdraw":
                event = {name: event[name] for name in ("source", "url", "fetched_at")} | {"action": "withdraw"}
        if kind == "future":
            event = event | {"fetched_at": "2099-01-01T00:00:00Z"}
        yield orjson.dumps(event), at


def _event(
    draw: random.Random, number: int, lines: list[str], at: datetime, *, dated: bool = True, sessions: bool
) -> dict[str, Any]:
    fetched = at - timedelta(seconds=draw.randrange(3_600))
    published = {"published": instant_text(fetched - timedelta(hours=1))} if dated else {}
    source = f"outlet-{draw.randrange(12)}"
    # Some articles of a source differ in a parameter alone, that has the shape of a session.
    page = f"read.php?sid={number:08x}0a1b2c3d4e5f6a7b8c9d0e1f" if sessions and number % 17 == 0 else str(number)
    return {
        "source": source,
        "url": f"https://{source}.example/{page}",
        "fetched_at": instant_text(fetched),
        "title": lines[0][:60],
        "content_type": "text/plain",
        "content": "\n\n".join(lines),
        **published,
    }
