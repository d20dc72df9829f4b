"""One article against the tables: one pass of the automaton, then only the leaves that somebody asks for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from newsflow.model import Article
from newsflow.tagging.compile import Tables
from newsflow.tagging.languages import languages_searched
from newsflow.tagging.leaves import Entry, LeafId
from newsflow.tagging.places import Places
from newsflow.tagging.text import FoldedText


class Span(NamedTuple):
    """A hit: positions in the folded text, from the space before its first token to after the one behind its last."""

    start: int
    end: int
    skip: int


Placed = tuple[Span, LeafId]

Seen = tuple[LeafId, tuple[int, Entry]]
"""A leaf, and the pattern that one of its forms was seen by."""


class LanguageView(dict[int, tuple[Seen, ...]]):
    """Entries by pattern number, of the languages that are searched; fills itself as patterns are met."""

    def __init__(self, tables: Tables, language: str) -> None:
        super().__init__()
        self._tables, self._searched = tables, languages_searched(language)

    def __missing__(self, pattern: int) -> tuple[Seen, ...]:
        leaves = self._tables.leaves
        found = tuple(
            (entry.leaf, (pattern, entry))
            for entry in self._tables.entries[pattern]
            if leaves[entry.leaf].key.language.partition("-")[0] in self._searched
        )
        self[pattern] = found
        return found


class Scan:
    """What one article holds of all terms. Leaves are verified and placed only when asked for."""

    def __init__(self, tables: Tables, view: Mapping[int, tuple[Seen, ...]], article: Article) -> None:
        self.tables, self.article = tables, article
        self.text = FoldedText(article.title, article.body)
        self._by_pattern: defaultdict[int, list[tuple[int, int, int]]] = defaultdict(list)
        """Hits of the automaton (pattern, start, end), in order."""
        if tables.automaton:
            for hit in tables.automaton.find_matches_as_indexes(self.text.folded, overlapping=True):
                self._by_pattern[hit[0]].append(hit)
        self.seen: dict[LeafId, list[tuple[int, Entry]]] = {}
        """Leaves by the patterns that were found; not yet verified."""
        seen = self.seen
        for pattern in self._by_pattern:
            for leaf, by in view[pattern]:
                if leaf in seen:
                    seen[leaf].append(by)
                else:
                    seen[leaf] = [by]
        self._placed: dict[LeafId, list[Placed]] = {}
        self._places: Places | None = None

    @property
    def places(self) -> Places:
        """Bounds of title, dateline and lead."""
        if self._places is None:
            self._places = Places(self.text)
        return self._places

    def candidates(self) -> list[int]:
        """Rules whose set tests pass, in order."""
        return self.tables.candidates.of(set(self.seen))

    def raw_spans(self, leaf: LeafId) -> list[Span]:
        """Every place where a form of the leaf stands, its conditions aside, in order."""
        found: dict[tuple[int, int], Span] = {}
        for pattern, entry in self.seen.get(leaf, ()):
            for _, start, end in self._by_pattern[pattern]:
                stop = self._stop(end)
                found.setdefault((start, stop), Span(start, stop, entry.skip))
        return sorted(found.values())

    def _stop(self, end: int) -> int:
        """The end of a hit, after the token's end where the pattern's is open."""
        text = self.text.folded
        return end if text[end - 1] == " " else text.index(" ", end) + 1

    def cased_spans(self, leaf: LeafId) -> list[Span]:
        """Every place where the leaf stands with the capitals it wants, its other conditions aside, in order."""
        cased = self.text.cased
        found: dict[tuple[int, int], Span] = {}
        for pattern, (_, skip, capitals) in self.seen.get(leaf, ()):
            for _, start, end in self._by_pattern[pattern]:
                for place in capitals:
                    if not cased[start + place].isupper():
                        break
                else:
                    stop = self._stop(end)
                    found[start, stop] = Span(start, stop, skip)
        return sorted(found.values()) if len(found) > 1 else list(found.values())

    def placed(self, leaf: LeafId) -> list[Placed]:
        """Every hit of the leaf under all its conditions, in order, beside the leaf."""
        known = self._placed.get(leaf)
        if known is None:
            known = self._placed[leaf] = [(span, leaf) for span in self._verified(leaf)] if leaf in self.seen else []
        return known

    def spans(self, leaf: LeafId) -> list[Span]:
        """Every hit of the leaf under all its conditions, in order."""
        return [span for span, _ in self.placed(leaf)]

    def _verified(self, leaf: LeafId) -> list[Span]:
        spans = self.cased_spans(leaf)
        item = self.tables.leaves[leaf]
        if not spans or item.simple:
            return spans
        if item.key.field is not None:
            spans = [span for span in spans if self.in_field(span, item.key.field)]
        if item.needs and not any(self.placed(need) for need in item.needs):
            return []
        if any(self.placed(other) for other in item.without):
            return []
        return [span for span in spans if self.blocker(span, item.unless) is None] if item.unless else spans

    def blocker(self, span: Span, unless: Iterable[LeafId]) -> tuple[LeafId, Span] | None:
        """The longer phrase that a hit is part of, and so does not count."""
        for leaf in unless:
            for longer, _ in self.placed(leaf):
                if longer.start < span.end - 1 and span.start < longer.end - 1:
                    return leaf, longer
        return None

    def in_field(self, span: Span, field: str) -> bool:
        """Whether a hit stands in the field a term asks for; the dateline is part of the lead."""
        place = self.places.of(span.start)
        if field == "body":
            return not self.text.in_title(span.start)
        return place == field or (field == "lead" and place == "dateline")
