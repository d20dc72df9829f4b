"""One article against the tables: one pass of the automaton, then only the leaves that somebody asks for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from newsflow.model import Article
from newsflow.tagging.compile import Tables
from newsflow.tagging.leaves import Entry, LeafId
from newsflow.tagging.places import Places
from newsflow.tagging.text import FoldedText
from newsflow.tagging.vocabulary import Hit, Searched


class Span(NamedTuple):
    """A hit of a leaf: positions in the folded text, from the space before its first token to after the one behind its last."""

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
        self.seen: dict[LeafId, list[Entry]] = {}
        """Leaves of which a form was found, by these entries; not yet verified."""
        self._look_up(tables.vocabulary.hits(self.text.folded), searched)
        self._spans: dict[LeafId, list[Span]] = {}
        self._places: Places | None = None

    def _look_up(self, hits: Iterable[Hit], searched: Searched) -> None:
        by_pattern, seen = self._hits, self.seen
        for hit in hits:
            pattern = hit[0]
            if pattern in by_pattern:
                by_pattern[pattern].append(hit)
                continue
            by_pattern[pattern] = [hit]
            for entry in searched[pattern]:
                leaf = entry[1]
                if leaf in seen:
                    seen[leaf].append(entry)
                else:
                    seen[leaf] = [entry]

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
        found: dict[tuple[int, int], Span] = {}
        for entry in self.seen.get(leaf, ()):
            for _, start, end in self._hits[entry.pattern]:
                stop = self._stop(end)
                found.setdefault((start, stop), Span(start, stop, entry.skip, leaf))
        return sorted(found.values())

    def _stop(self, end: int) -> int:
        """The end of a hit, after the token's end where the pattern's is open."""
        text = self.text.folded
        return end if text[end - 1] == " " else text.index(" ", end) + 1

    def cased_spans(self, leaf: LeafId) -> list[Span]:
        """Every place where the leaf stands with the capitals it wants, its other conditions aside, in order."""
        cased = self.text.cased
        found: dict[tuple[int, int], Span] = {}
        for pattern, _, skip, capitals in self.seen.get(leaf, ()):
            for _, start, end in self._hits[pattern]:
                for place in capitals:
                    if not cased[start + place].isupper():
                        break
                else:
                    stop = end if cased[end - 1] == " " else self._stop(end)
                    found[start, stop] = Span(start, stop, skip, leaf)
        return sorted(found.values()) if len(found) > 1 else list(found.values())

    def spans(self, leaf: LeafId) -> list[Span]:
        """Every hit of the leaf under all its conditions, in order."""
        known = self._spans.get(leaf)
        if known is None:
            known = self._spans[leaf] = self._verified(leaf) if leaf in self.seen else []
        return known

    def _plain_spans(self, leaf: LeafId) -> list[Span] | None:
        """The spans of a leaf that asks for nothing, seen by one closed pattern: its hits as they are."""
        entries = self.seen[leaf]
        if len(entries) > 1:
            return None
        pattern, _, skip, _ = entries[0]
        hits = self._hits[pattern]
        if self.text.folded[hits[0][2] - 1] != " ":
            return None
        return [Span(start, end, skip, leaf) for _, start, end in hits]

    def _verified(self, leaf: LeafId) -> list[Span]:
        item = self.tables.leaves[leaf]
        if item.simple and (plain := self._plain_spans(leaf)) is not None:
            return plain
        spans = self.cased_spans(leaf)
        if not spans or item.simple:
            return spans
        if item.key.field is not None:
            spans = [span for span in spans if self.in_field(span, item.key.field)]
        if item.needs and not any(self.spans(need) for need in item.needs):
            return []
        if any(self.spans(other) for other in item.without):
            return []
        return [span for span in spans if self.blocker(span, item.unless) is None] if item.unless else spans

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
