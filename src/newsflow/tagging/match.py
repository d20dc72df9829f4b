"""One article against the tables: one pass of the automaton, then only the rules whose terms were seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from newsflow.model import Article
from newsflow.tagging.compile import Clause, CompiledRule, Entry, LeafId, Node, Tables
from newsflow.tagging.languages import base_language, languages_searched
from newsflow.tagging.places import FACTORS, PlaceName, Places
from newsflow.tagging.text import FoldedText


class Span(NamedTuple):
    """A hit: positions in the folded text, from the space before its first token to after the one behind its last."""

    start: int
    end: int
    skip: int


class Hit(NamedTuple):
    """A hit that counts for a rule."""

    span: Span
    leaf: LeafId
    weight: float
    place: PlaceName


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


Placed = tuple[Span, LeafId]


def hits_if_true(node: Node, scan: Scan) -> list[Placed] | None:
    """The hits that make a compiled expression true of an article; None when it is false. `none` is true by no hit."""
    if node.kind == "term":
        return [(span, node.leaf) for span in scan.spans(node.leaf)] or None
    if node.leaves:
        return plain_hits(node.leaves, scan) or None
    if node.kind == "any":
        found = [hit for part in node.of for hit in hits_if_true(part, scan) or ()]
        # An `any` may hold by a `none` among its parts.
        return found if found or any(part.kind != "term" and holds(part, scan) for part in node.of) else None
    if node.kind == "none":
        return None if any(holds(part, scan) for part in node.of) else []
    if node.kind == "near":
        return near_hits(node, scan) or None
    gathered: list[Placed] = []
    for part in node.of:
        hits = hits_if_true(part, scan)
        if hits is None:
            return None
        gathered += hits
    return gathered


def plain_hits(leaves: Clause, scan: Scan) -> list[Placed]:
    """All hits of some leaves."""
    return [(span, leaf) for leaf in leaves if leaf in scan.seen for span in scan.spans(leaf)]


def holds(node: Node, scan: Scan) -> bool:
    """Whether a compiled expression is true of an article."""
    return hits_if_true(node, scan) is not None


def leaves_of(node: Node) -> list[LeafId]:
    """Leaves that can make a node true."""
    if node.kind == "none":
        return []
    return [node.leaf] if node.kind == "term" else [leaf for part in node.of for leaf in leaves_of(part)]


def near_hits(node: Node, scan: Scan) -> list[Placed]:
    """The hits of a `near` that stand close enough; empty when none do."""
    operands = []
    for part in node.of:
        placed = plain_hits(part.leaves or frozenset(leaves_of(part)), scan)
        placed.sort()
        if not placed:
            return []
        operands.append(placed)
    kept: dict[Placed, None] = {}
    for anchor in operands[0]:
        kept.update(dict.fromkeys(_complete([anchor], operands[1:], node, scan.text) or ()))
    return list(kept)


def _complete(window: list[Placed], rest: Sequence[list[Placed]], node: Node, text: FoldedText) -> list[Placed] | None:
    """The window with the nearest hits of the other operands within the limit; None when there are none."""
    if not rest:
        return window
    anchor = window[0][0].start
    nearest = rest[0] if len(rest[0]) == 1 else sorted(rest[0], key=lambda item: abs(item[0].start - anchor))
    for placed in nearest:
        if node.ordered and placed[0].start < window[-1][0].end - 1:
            continue
        if _gaps([*window, placed], text) <= node.within:
            full = _complete([*window, placed], rest[1:], node, text)
            if full:
                return full
    return None


def _gaps(window: Sequence[Placed], text: FoldedText) -> float:
    """Tokens between the hits of a window, in sum; infinite when they overlap or stand in two fields."""
    spans = sorted(span for span, _ in window)
    if text.in_title(spans[0].start) != text.in_title(spans[-1].start):
        return float("inf")
    total = 0
    for left, right in pairwise(spans):
        if right.start < left.end - 1:
            return float("inf")
        total += text.folded.count(" ", left.end - 1, right.start)
    return total


def scored_hits(rule: CompiledRule, scan: Scan, required: Iterable[Placed] = ()) -> list[Hit]:
    """The hits that count for a rule, in order, none inside another. `required` are those of its requirement."""
    weights = rule.weights
    hits = [(span, leaf, weights[leaf]) for leaf in weights.keys() & scan.seen.keys() for span in scan.spans(leaf)]
    hits += [(span, leaf, 1.0) for span, leaf in required if leaf not in weights]
    if len(hits) > 1:
        hits.sort(key=_by_place)
    found: list[Hit] = []
    end = -1
    for span, leaf, weight in hits:
        if span.start >= end:
            found.append(Hit(span, leaf, weight, scan.places.of(span.start)))
            end = span.end - 1
    return found


def _by_place(hit: tuple[Span, LeafId, float]) -> tuple[int, int, float, LeafId]:
    span, leaf, weight = hit
    return span.start, -span.end, -weight, leaf


def judged_hits(rule: CompiledRule, article: Article, scan: Scan) -> list[Hit]:
    """The hits that count for a rule whose conditions and requirement hold; empty when they do not."""
    if not conditions_hold(rule, article):
        return []
    required = hits_if_true(rule.require, scan) if rule.require is not None else []
    return [] if required is None else scored_hits(rule, scan, required)


def score_of(hits: Iterable[Hit]) -> float:
    """The sum of weight times place, rounded so that equal sums are equal."""
    return round(sum(hit.weight * FACTORS[hit.place] for hit in hits), 4)


def conditions_hold(rule: CompiledRule, article: Article) -> bool:
    """Whether a rule's source, language and section conditions are true of an article."""
    if not rule.conditional:
        return True
    if rule.languages and base_language(article.language) not in rule.languages:
        return False
    if rule.rule.sources and article.source not in rule.rule.sources:
        return False
    return not rule.rule.sections or section_of(article) in rule.rule.sections


def section_of(article: Article) -> str:
    """The publisher's section, lower case; empty when it named none."""
    section = article.raw.get("section")
    return section.casefold() if isinstance(section, str) else ""
