"""Where in an article a hit stands, and what it counts there.

A hit in the title or the dateline counts 3, one in the lead 2, one further down 1. With the usual threshold of 3 an
article is about a topic that stands in its title or dateline, or three times anywhere, or twice with one in the lead.
"""

from __future__ import annotations

import re
from typing import Literal

from newsflow.tagging.text import FoldedText

PlaceName = Literal["title", "dateline", "lead", "body"]

FACTORS: dict[PlaceName, float] = {"title": 3.0, "dateline": 3.0, "lead": 2.0, "body": 1.0}

LEAD_TOKENS = 60
"""The lead is this many tokens from the start of the body."""

ALERT_SCORE = 6.0
"""Alert grade: at least this score, with a hit in title or dateline."""

_DATELINE_CHARS = 90
_DATELINE = re.compile(
    r"""\s*(?:
        [^\W\d_][^\n.:!?؟;–—]{1,60}?\([^()\n]{2,30}\)\s*[-–—:]{1,2}\s           # DAMASCUS (Reuters) -
      | [^\W\d_][^\n:!?؟;–—]{1,60}?\s+[-–—]{1,2}\s                              # Beirut, March 3 -
      | [^\W\d_][^\n.:!?؟;–—]{1,30}?[,،]\s[^\n:!?؟;–—]{2,30}[-–—:/]             # МОСКВА, 5 мая/ТАСС/
      | [^\W\d_][^\n.!?؟;–—:]{1,30}?[-–—/(][^\n.!?؟;–—:]{2,30}:\s               # بيروت- وكالة:
    )""",
    re.VERBOSE,
)
_SENTENCE_END = re.compile(r"(?<=\w\w)[.!?؟…۔]+[\"»”')\]]*(?=\s|$)|[。！？]|\n")
_STOP = re.compile(r"[.!?؟…۔。！？\n]")
_MIN_SENTENCE_CHARS = 25


def dateline_end(body: str) -> int:
    """Code points of the dateline at the start of a body; 0 when there is none."""
    found = _DATELINE.match(body[: _DATELINE_CHARS + 1])
    return found.end() if found else 0


def first_sentence_end(body: str) -> int:
    """Code points of the first sentence or line of a body."""
    stripped = len(body) - len(body.lstrip())
    # Only where a stop stands: to search for the whole expression is to try it at every letter.
    stops = _STOP.finditer(body, stripped + _MIN_SENTENCE_CHARS)
    return next((found.end() for stop in stops if (found := _SENTENCE_END.match(body, stop.start()))), len(body))


class Places:
    """Bounds of the places of one article, as positions in its folded text."""

    __slots__ = ("headline_end", "lead_end", "text")

    def __init__(self, text: FoldedText) -> None:
        self.text = text
        body = text.body
        # Without a title, the first sentence says what an article is about.
        top = first_sentence_end(body) if text.title_end <= 1 else dateline_end(body)
        self.headline_end = text.position_in_body(top) if top else text.title_end
        self.lead_end = text.end_of_body_tokens(LEAD_TOKENS)

    def of(self, position: int) -> PlaceName:
        """The place of a position."""
        if position < self.text.title_end:
            return "title"
        if position < self.headline_end:
            return "title" if self.text.title_end <= 1 else "dateline"
        return "lead" if position < self.lead_end else "body"
