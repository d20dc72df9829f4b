"""One article against the tables: one pass of the automaton, then only the rules whose terms were seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from newsflow.model import Article
from newsflow.tagging.compile import Entry, LeafId, Tables
from newsflow.tagging.languages import languages_searched
from newsflow.tagging.places import Places
from newsflow.tagging.text import FoldedText


class Span(NamedTuple):
    """A hit: positions in the folded text, from the space before its first token to after the one behind its last."""

    start: int
    end: int
    skip: int


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
        self._hits: list[tuple[int, int, int]] = (
            tables.automaton.find_matches_as_indexes(self.text.folded, overlapping=True) if tables.automaton else []
        )
        self.seen: dict[LeafId, list[tuple[int, Entry]]] = {}
        """Leaves by the patterns that were found; not yet verified."""
        seen = self.seen
        for pattern in {hit[0] for hit in self._hits}:
            for leaf, by in view[pattern]:
                if leaf in seen:
                    seen[leaf].append(by)
                else:
                    seen[leaf] = [by]
        self._by_pattern: dict[int, list[tuple[int, int]]] | None = None
        self._spans: dict[LeafId, list[Span]] = {}
        self._places: Places | None = None

    @property
    def places(self) -> Places:
        """Bounds of title, dateline and lead."""
        if self._places is None:
            self._places = Places(self.text)
        return self._places

    def candidates(self) -> list[int]:
        """Rules whose trigger was seen and whose set tests pass, in order."""
        tables = self.tables
        # A set: against the keys of a dict `isdisjoint` would look at every leaf that was seen.
        seen = set(self.seen)
        triggered: set[int] = set()
        for leaf in tables.triggers.keys() & seen:
            triggered.update(tables.triggers[leaf])
        for leaf in tables.pairs.keys() & seen:
            seconds = tables.pairs[leaf]
            for second in seconds.keys() & seen:
                triggered.update(seconds[second])
        checks = tables.checks
        found = []
        for index in triggered:
            others, absent = checks[index]
            for clause in others:
                if clause.isdisjoint(seen):
                    break
            else:
                if absent.isdisjoint(seen):
                    found.append(index)
        found.sort()
        return found

    def _hits_end_words(self, pattern: int) -> bool:
        """Whether a pattern ends with a space: not that of a term with an open end."""
        return self.text.folded[self._pattern_hits(pattern)[0][1] - 1] == " "

    def _pattern_hits(self, pattern: int) -> list[tuple[int, int]]:
        if self._by_pattern is None:
            self._by_pattern = {}
            for number, start, end in self._hits:
                self._by_pattern.setdefault(number, []).append((start, end))
        return self._by_pattern[pattern]

    def raw_spans(self, leaf: LeafId) -> list[Span]:
        """Every place where a form of the leaf stands, its conditions aside, in order."""
        text = self.text.folded
        found: dict[tuple[int, int], Span] = {}
        for pattern, entry in self.seen.get(leaf, ()):
            for start, end in self._pattern_hits(pattern):
                stop = end if text[end - 1] == " " else text.index(" ", end) + 1
                found.setdefault((start, stop), Span(start, stop, entry.skip))
        return sorted(found.values())

    def cased_spans(self, leaf: LeafId) -> list[Span]:
        """Every place where the leaf stands with the capitals it wants, its other conditions aside, in order."""
        cased = self.text.cased
        found: dict[tuple[int, int], Span] = {}
        for pattern, (_, skip, capitals) in self.seen.get(leaf, ()):
            for start, end in self._pattern_hits(pattern):
                for place in capitals:
                    if not cased[start + place].isupper():
                        break
                else:
                    stop = end if cased[end - 1] == " " else cased.index(" ", end) + 1
                    found[start, stop] = Span(start, stop, skip)
        return sorted(found.values()) if len(found) > 1 else list(found.values())

    def spans(self, leaf: LeafId) -> list[Span]:
        """Every hit of the leaf under all its conditions, in order."""
        known = self._spans.get(leaf)
        if known is None:
            known = self._spans[leaf] = self._verified(leaf) if leaf in self.seen else []
        return known

    def _verified(self, leaf: LeafId) -> list[Span]:
        item = self.tables.leaves[leaf]
        by = self.seen[leaf]
        if item.simple and len(by) == 1 and self._hits_end_words(by[0][0]):
            skip = by[0][1].skip
            return [Span(start, end, skip) for start, end in self._pattern_hits(by[0][0])]
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
