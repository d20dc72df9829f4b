"""Pages that already lost their tags: headline, logo, caption, title, date line, body, footer as lines."""

from __future__ import annotations

from newsflow.normalise.dates import parse_date
from newsflow.normalise.settle import settle_line, settle_text
from newsflow.normalise.title import split_title
from newsflow.normalise.values import Dropped, Extracted

LONG_WORDS = 12


def clean_text(text: str) -> Extracted:
    """Title, date and body of a page whose tags were stripped: the densest block of long lines is the body."""
    lines = [line for raw in settle_text(text).split("\n") if (line := settle_line(raw))]
    start, end = _densest(lines)
    date_at, published = next(
        ((index, date) for index, line in enumerate(lines[: start + 1]) if (date := parse_date(line))), (start, None)
    )
    if published is not None and date_at >= start:
        start = date_at + 1
    title_at = next((index for index in range(min(date_at, start) - 1, -1, -1) if len(lines[index].split()) > 2), None)
    title, marks = split_title(lines[title_at]) if title_at is not None else ("", ())
    kept = {title_at, date_at if published else None, *range(start, end)}
    dropped = tuple(Dropped(line, "outside-body") for index, line in enumerate(lines) if index not in kept)
    return Extracted(
        title=title,
        body="\n".join(lines[start:end]),
        published=published,
        dates=(published,) if published else (),
        marks=marks,
        dropped=dropped,
    )


def _densest(lines: list[str]) -> tuple[int, int]:
    """The run of lines with the greatest sum of (words - LONG_WORDS)."""
    best, best_span, total, start = 0, (0, len(lines)), 0, 0
    for index, line in enumerate(lines):
        if total <= 0:
            total, start = 0, index
        total += len(line.split()) - LONG_WORDS
        if total > best:
            best, best_span = total, (start, index + 1)
    return best_span
