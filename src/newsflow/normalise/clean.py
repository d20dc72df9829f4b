"""Lines in, body out: what belongs to no article is taken away, with its reason."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from newsflow.normalise.dates import parse_date
from newsflow.normalise.dates.fold import fold
from newsflow.normalise.lines import is_byline, opens_list, why_dropped
from newsflow.normalise.values import Dropped

_WORD = re.compile(r"[^\W_]+")
_ENDS_SENTENCE = re.compile(r"[.!?؟。…\"”»'’)\]:]$")
_EDGE_LINES = 4


@dataclass
class Cleaned:
    """Lines that stay, and what was dropped; `credits` are dropped lines that may name an agency or an author."""

    lines: list[str] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)
    credits: list[str] = field(default_factory=list)


def clean_lines(lines: Sequence[str], titles: Sequence[str], drop_lines: Sequence[str] = ()) -> Cleaned:
    """Settled lines of a body without boilerplate. `titles` are readings of the title; `drop_lines` a profile's."""
    result = Cleaned()
    keys = {key for title in titles if (key := _key(title))}
    own = _matcher(drop_lines)
    in_list = 0
    for index, line in enumerate(lines):
        at_edge = index < _EDGE_LINES or index >= len(lines) - _EDGE_LINES
        why = "source-profile" if own and own.fullmatch(line) else _why(line, keys, at_edge=at_edge)
        if why is None and in_list > 0 and _is_teaser(line):
            why = "read-also"
        in_list = 3 if why == "read-also" and opens_list(line) else in_list - 1 if why == "read-also" else 0
        if why is None:
            result.lines.append(line)
        else:
            result.dropped.append(Dropped(line, why))
            if why in ("byline", "source-line", "caption"):
                result.credits.append(line)
    return result


def _why(line: str, title_keys: set[str], *, at_edge: bool) -> str | None:
    if (why := why_dropped(line)) is not None:
        return why
    if len(line) <= 400 and _key(line) in title_keys:
        return "title"
    if at_edge and is_byline(line):
        return "byline"
    if at_edge and len(line) <= 80 and any(char.isdigit() for char in line) and parse_date(line):
        return "date-line"
    return None


def _is_teaser(line: str) -> bool:
    """Whether a line after a `read also` heading is one of the headlines it lists, and not the text going on."""
    return len(line) <= 140 and not _ENDS_SENTENCE.search(line)


def _key(text: str) -> str:
    return "".join(_WORD.findall(fold(text))) if len(text) < 500 else ""


def _matcher(patterns: Sequence[str]) -> re.Pattern[str] | None:
    """One pattern for a profile's lines, in which `*` stands for any text."""
    if not patterns:
        return None
    return re.compile("|".join(".*".join(map(re.escape, pattern.split("*"))) for pattern in patterns), re.DOTALL)
