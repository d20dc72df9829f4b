"""One article against the tables: one pass of the automaton, then only the leaves that somebody asks for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from newsflow.model import Article
from newsflow.tagging.compile import Tables
from newsflow.tagging.leaves import LeafId
from newsflow.tagging.places import Places
from newsflow.tagging.text import FoldedText
from newsflow.tagging.vocabulary import Hit, Searched

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
        self.text = FoldedText(article.title, article.body)
        self._hits: dict[int, list[Hit]] = {}
        """By pattern."""
        self.seen: dict[LeafId, list[Found]] = {}
        """Leaves of which a form was found, by these entries; not yet verified."""
        self._look_up(tables.vocabulary.hits(self.text.folded), searched)
        self._spans: dict[LeafId, list[Span]] = {}
        self._places: Places | None = None

    def _look_up(self, hits: Iterable[Hit], searched: Searched) -> None:
        by_pattern, seen = self._hits, self.seen
        plain_leaves = self.tables.vocabulary.plain_leaves
        for hit in hits:
            pattern = hit[0]
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
    def places(self) -> Places:
        """Bounds of title, dateline and lead."""
        if self._places is None:
            self._places = Places(self.text)
        return self._places

    def candidates(self) -> list[int]:
        """Rules whose set tests pass, in order."""
        return self.tables.candidates.of(self.seen)

    def raw_spans(self, leaf: LeafId) -> list[Span]:
        """Every place where a form of the leaf stands, its conditions aside, in order."""
        return _distinct(span for found in self.seen.get(leaf, ()) for span in self._placed(found, cased=False))

    def cased_spans(self, leaf: LeafId) -> list[Span]:
        """Every place where the leaf stands with the capitals it wants, its other conditions aside, in order."""
        by = self.seen.get(leaf, ())
        if len(by) == 1:
            return self._placed(by[0])
        return _distinct(span for found in by for span in self._placed(found))

    def _placed(self, found: Found, cased: bool = True) -> list[Span]:
        """The hits of an entry, those with its capitals or all, in order."""
        pattern, leaf, skip, capitals = found
        hits = self._hits[pattern]
        text = self.text.cased
        for place in capitals if cased else ():
            hits = [hit for hit in hits if text[hit[1] + place].isupper()]
        if not hits or text[hits[0][2] - 1] == " ":
            return [Span(start, end, skip, leaf) for _, start, end in hits]
        # The pattern has an open end: up to that of the token.
        return [Span(start, text.index(" ", end) + 1, skip, leaf) for _, start, end in hits]

    def spans(self, leaf: LeafId) -> list[Span]:
        """Every hit of the leaf under all its conditions, in order."""
        known = self._spans.get(leaf)
        if known is None:
            known = self._spans[leaf] = self._verified(leaf) if leaf in self.seen else []
        return known

    def _verified(self, leaf: LeafId) -> list[Span]:
        spans = self.cased_spans(leaf)
        if not spans or not self.tables.bound[leaf]:
            return spans
        item = self.tables.leaves[leaf]
        if item.key.field is not None:
            spans = [span for span in spans if self.in_field(span, item.key.field)]
        if item.needs and not any(self.spans(need) for need in item.needs):
            return []
        if item.without and any(self.spans(other) for other in item.without):
            return []
        blocking = [other for other in item.unless if other in self.seen]
        return [span for span in spans if self.blocker(span, blocking) is None] if blocking else spans

    def blocker(self, span: Span, unless: Iterable[LeafId]) -> tuple[LeafId, Span] | None:
        """The longer phrase that a hit is part of, and so does not count."""
        for leaf in unless:
            for longer in self.spans(leaf):
                if longer.start < span.end - 1 and span.start < longer.end - 1:
                    return leaf, longer
        return None

    def in_field(self, span: Span, field: str) -> bool:
        """Whether a hit stands in the field a term asks for; the dateline is part of the lead."""
        place = self.places.of(span.start)
        if field == "body":
            return not self.text.in_title(span.start)
        return place == field or (field == "lead" and place == "dateline")


def _distinct(spans: Iterable[Span]) -> list[Span]:
    """In order, one of each place."""
    found = {(span.start, span.end): span for span in spans}
    return sorted(found.values())
