"""One article against the tables: one pass of the automaton, then only the leaves that somebody asks for.

What a hit counts goes by its part of the article (`FACTORS`). With the usual threshold of 3 an article is about a topic
that stands in its title or dateline, or three times anywhere, or twice with one in the lead.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Literal, NamedTuple

from newsflow.model import Article
from newsflow.tagging.compile import Tables
from newsflow.tagging.forms import OPEN, exact_spellings, forms_language
from newsflow.tagging.patterns import LeafId, PatternHit, Searched, new_tuple
from newsflow.tagging.text import FoldedText, unfolded

TextPart = Literal["title", "dateline", "lead", "body"]

_PARTS: tuple[TextPart, ...] = ("title", "dateline", "lead", "body")
_PARTS_WITHOUT_TITLE: tuple[TextPart, ...] = ("title", "title", "lead", "body")

FACTORS: dict[TextPart, float] = {"title": 3.0, "dateline": 3.0, "lead": 2.0, "body": 1.0}
"""What a hit counts for, by the part it stands in; times the weight of its term. `make docs` writes it into the
reference."""

_FACTORS_IN_ORDER = tuple(FACTORS[part] for part in _PARTS)

MAX_CHARS = 1_000_000
"""Code points of title and of body that are looked at. A longer text is no news; it would take seconds, and a thousand
bytes of memory for each of its hits."""

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
_SENTENCE_START = re.compile(r"(?:\A|[.!?؟…:;·|\n]|[-–—]\s)[\s\"'«»„“”‘’(\[]*\Z")
_NEAR_CHARS = 40
"""Letters this far from a word tell whether all of a text is in capitals."""


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


def rounded(points: float) -> float:
    """Rounded so that equal sums are equal. Sixteenths are as they are, and rounding takes longer than to see that."""
    return points if (points * 16).is_integer() else round(points, 4)


class PartBounds:
    """Where the parts of one article end, as positions in its folded text."""

    __slots__ = ("_ends", "_parts")

    def __init__(self, text: FoldedText) -> None:
        body, title_end = text.body, text.title_end
        # Without a title, the first sentence says what an article is about.
        top = first_sentence_end(body) if title_end <= 1 else dateline_end(body)
        headline_end = text.position_in_body(top) if top else title_end
        self._ends = title_end, headline_end, max(headline_end, text.end_of_body_tokens(LEAD_TOKENS))
        self._parts = _PARTS if title_end > 1 else _PARTS_WITHOUT_TITLE

    def points(self, hits: Iterable[PatternHit]) -> float:
        """What hits of a weight of 1 count."""
        ends = self._ends
        points = 0.0
        for _, start, _ in hits:
            points += _FACTORS_IN_ORDER[bisect_right(ends, start)]
        return points

    def of(self, position: int) -> TextPart:
        return self._parts[bisect_right(self._ends, position)]


Found = tuple[int, LeafId, int, tuple[int, ...]]
"""An `Entry`, or an equal value: pattern, leaf, skip, capitals."""


class Span(NamedTuple):
    """A hit of a leaf: positions in the folded text, from the space before its first token to after the one behind
    its last."""

    start: int
    end: int
    skip: int
    leaf: LeafId


class Scan:
    """What one article holds of all terms. Leaves are verified and placed only when asked for."""

    def __init__(self, tables: Tables, searched: Searched, article: Article) -> None:
        self.tables, self.article = tables, article
        self.text = FoldedText(article.title[:MAX_CHARS], article.body[:MAX_CHARS])
        self._hits: dict[int, list[PatternHit]] = {}
        """By pattern."""
        self.seen: dict[LeafId, list[Found]] = {}
        """Leaves of which a form was found, by these entries; not yet verified."""
        self.name_hits: list[PatternHit] = []
        """Where patterns of names of places stand."""
        self._look_up(tables.vocabulary.hits(self.text.folded), searched)
        self._spans: dict[LeafId, list[Span]] = {}
        self._longest: dict[LeafId, int] = {}
        self._parts: PartBounds | None = None

    def _look_up(self, hits: Iterable[PatternHit], searched: Searched) -> None:
        by_pattern, seen, names = self._hits, self.seen, self.name_hits
        plain_leaves, terms = self.tables.vocabulary.plain_leaves, self.tables.vocabulary.terms
        for hit in hits:
            pattern = hit[0]
            if pattern >= terms:
                names.append(hit)
                continue
            if pattern in by_pattern:
                by_pattern[pattern].append(hit)
                continue
            by_pattern[pattern] = [hit]
            plain = plain_leaves[pattern]
            for found in ((pattern, plain, 0, ()),) if plain >= 0 else searched[pattern]:
                leaf = found[1]
                if leaf in seen:
                    seen[leaf].append(found)
                else:
                    seen[leaf] = [found]

    @property
    def parts(self) -> PartBounds:
        """Bounds of title, dateline and lead."""
        if self._parts is None:
            self._parts = PartBounds(self.text)
        return self._parts

    def candidates(self) -> dict[int, list[LeafId]]:
        """Rules whose set tests pass, in no order; those of terms alone with their leaves that are seen."""
        return self.tables.candidates.with_leaves(self.seen)

    def most_points(self, leaves: Iterable[LeafId], weights: Mapping[LeafId, float]) -> float:
        """What leaves would count for with these weights, were all their forms hits: no less than they do."""
        hits, seen, points_of = self._hits, self.seen, self.parts.points
        points = 0.0
        for leaf in leaves:
            for found in seen[leaf]:
                points += weights[leaf] * points_of(hits[found[0]])
        return rounded(points)

    def raw_spans(self, leaf: LeafId) -> list[Span]:
        """Every place where a form of the leaf stands, its conditions aside, in order."""
        return _distinct([self._placed((*found[:3], ())) for found in self.seen.get(leaf, ())])

    def cased_spans(self, leaf: LeafId) -> list[Span]:
        """Every place where the leaf stands with the capitals it wants, its other conditions aside, in order."""
        return _distinct([self._placed(found) for found in self.seen.get(leaf, ())])

    def stretches(self, leaves: Iterable[LeafId]) -> list[tuple[int, int]]:
        """Where forms of leaves that are seen stand, their conditions aside: from the space before to behind the last
        letter."""
        text, seen, hits = self.text.folded, self.seen, self._hits
        return [
            (first, stop - (text[stop - 1] == " "))
            for leaf in leaves
            for found in seen[leaf]
            for _, first, stop in hits[found[0]]
        ]

    def _placed(self, found: Found) -> list[Span]:
        """The hits of an entry that have its capitals, in order."""
        pattern, leaf, skip, capitals = found
        hits = self._hits[pattern]
        text = self.text.cased
        if len(hits) == 1:  # as most are
            [(_, start, end)] = hits
            for offset in capitals:
                if not text[start + offset].isupper():
                    return []
            return [new_tuple(Span, (start, end if text[end - 1] == " " else text.index(" ", end) + 1, skip, leaf))]
        for offset in capitals:
            hits = [hit for hit in hits if text[hit[1] + offset].isupper()]
        if not hits or text[hits[0][2] - 1] == " ":
            return [new_tuple(Span, (start, end, skip, leaf)) for _, start, end in hits]
        # The pattern has an open end: up to that of the token.
        return [new_tuple(Span, (start, text.index(" ", end) + 1, skip, leaf)) for _, start, end in hits]

    def spans(self, leaf: LeafId) -> list[Span]:
        """Every hit of the leaf under all its conditions, in order."""
        known = self._spans.get(leaf)
        if known is None:
            by = self.seen.get(leaf, ())
            known = self._placed(by[0]) if len(by) == 1 else self.cased_spans(leaf)
            if known and self.tables.bound[leaf]:
                known = self._verified(leaf, known)
            self._spans[leaf] = known
        return known

    def _verified(self, leaf: LeafId, spans: list[Span]) -> list[Span]:
        """Those of the places of a leaf at which its conditions hold."""
        item = self.tables.leaves[leaf]
        # First what is soonest told: most words that need another stand without it.
        if item.needs and not any(self.spans(need) for need in item.needs if need in self.seen):
            return []
        if item.without and any(self.spans(other) for other in item.without if other in self.seen):
            return []
        if item.key.exact:
            spans = [span for span in spans if self.is_exact(span)]
        if item.key.case == "certain" and not any(map(self.is_certain, spans)):
            return []
        if item.key.field is not None:
            spans = [span for span in spans if self.in_field(span, item.key.field)]
        if self.seen.keys().isdisjoint(item.unless):
            return spans
        blocking = [other for other in item.unless if other in self.seen]
        return [span for span in spans if self.blocker(span, blocking) is None]

    def blocker(self, span: Span, unless: Iterable[LeafId]) -> tuple[LeafId, Span] | None:
        """The longer phrase that a hit is part of, and so does not count."""
        for leaf in unless:
            for longer in self._around(leaf, span):
                if span.start < longer.end - 1:
                    return leaf, longer
        return None

    def _around(self, leaf: LeafId, span: Span) -> list[Span]:
        """The hits of a leaf that begin before a span ends, without those too far in front to reach it."""
        spans = self.spans(leaf)
        longest = self._longest.get(leaf)
        if longest is None:
            longest = self._longest[leaf] = max((each.end - each.start for each in spans), default=0)
        first = bisect_left(spans, span.start - longest, key=span_start)
        return spans[first : bisect_left(spans, span.end - 1, first, key=span_start)]

    def is_exact(self, span: Span) -> bool:
        """Whether a hit is spelt as its term, letter by letter; what stands before it, as an article, aside."""
        key = self.tables.leaves[span.leaf].key
        field, start, end = self.text.original_span(span.start, span.end, span.skip)
        return _is_spelt(self.text.field(field)[start:end], key.text, key.language)

    def is_certain(self, span: Span) -> bool:
        """Whether the capitals of a hit tell: it stands neither amid capitals nor, with a first one only, at the start
        of a sentence."""
        text = self.text.cased
        before, after = text[max(0, span.start - _NEAR_CHARS) : span.start], text[span.end : span.end + _NEAR_CHARS]
        if before == before.upper() and after == after.upper():
            return False
        if (rest := text[span.start + 2 : span.end]) != rest.lower():
            return True
        field, start, _ = self.text.original_span(span.start, span.end, span.skip)
        original = self.text.field(field)
        return _SENTENCE_START.search(original, max(0, start - _NEAR_CHARS), start) is None

    def in_field(self, span: Span, field: str) -> bool:
        """Whether a hit stands in the field a term asks for; the dateline is part of the lead."""
        part = self.parts.of(span.start)
        if field == "body":
            return not self.text.in_title(span.start)
        return part == field or (field == "lead" and part == "dateline")


@lru_cache(maxsize=16_384)
def _is_spelt(found: str, term: str, language: str) -> bool:
    """Whether a text has a spelling of an exact term at its end, or anywhere where the term's end is open."""
    spellings = exact_spellings(term, forms_language(term, language))
    if found.casefold() in spellings:
        return True
    found = unfolded(found)
    return any(map(found.__contains__ if term.endswith(OPEN) else found.endswith, spellings))


def span_start(span: Span) -> int:
    return span.start


def _distinct(given: list[list[Span]]) -> list[Span]:
    """In order, one of each pair of start and end."""
    if len(given) == 1:
        return given[0]
    return sorted({span[:2]: span for spans in given for span in spans}.values())
