"""One article against the tables: one pass of the automaton, then only the rules whose terms were seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from newsflow.model import Article
from newsflow.tagging.compile import CompiledRule, Entry, LeafId, Node, Tables
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


class LanguageView(dict[int, tuple[Entry, ...]]):
    """Entries by pattern number, of the languages that are searched; fills itself as patterns are met."""

    def __init__(self, tables: Tables, language: str) -> None:
        super().__init__()
        self._tables, self._searched = tables, languages_searched(language)

    def __missing__(self, pattern: int) -> tuple[Entry, ...]:
        leaves = self._tables.leaves
        found = tuple(
            entry
            for entry in self._tables.entries[pattern]
            if leaves[entry.leaf].key.language.partition("-")[0] in self._searched
        )
        self[pattern] = found
        return found


class Scan:
    """What one article holds of all terms. Leaves are verified and placed only when asked for."""

    def __init__(self, tables: Tables, view: Mapping[int, tuple[Entry, ...]], article: Article) -> None:
        self.tables, self.article = tables, article
        self.text = FoldedText(article.title, article.body)
        self._hits: list[tuple[int, int, int]] = (
            tables.automaton.find_matches_as_indexes(self.text.folded, overlapping=True) if tables.automaton else []
        )
        self.seen: dict[LeafId, list[tuple[int, Entry]]] = {}
        """Leaves by the patterns that were found; not yet verified."""
        for pattern in {hit[0] for hit in self._hits}:
            for entry in view[pattern]:
                self.seen.setdefault(entry.leaf, []).append((pattern, entry))
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
        triggers, rules, seen = self.tables.triggers, self.tables.rules, self.seen.keys()
        found: set[int] = set()
        for leaf in seen:
            found.update(triggers.get(leaf, ()))
        return sorted(
            index
            for index in found
            if not any(clause.isdisjoint(seen) for clause in rules[index].others)
            and rules[index].absent.isdisjoint(seen)
        )

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
        cased, found = self.text.cased, {}
        for pattern, entry in self.seen.get(leaf, ()):
            for start, end in self._pattern_hits(pattern):
                if all(cased[start + place].isupper() for place in entry.capitals):
                    stop = end if cased[end - 1] == " " else cased.index(" ", end) + 1
                    found[start, stop] = Span(start, stop, entry.skip)
        return sorted(found.values())

    def spans(self, leaf: LeafId) -> list[Span]:
        """Every hit of the leaf under all its conditions, in order."""
        known = self._spans.get(leaf)
        if known is None:
            known = self._spans[leaf] = self._verified(leaf) if leaf in self.seen else []
        return known

    def _verified(self, leaf: LeafId) -> list[Span]:
        item = self.tables.leaves[leaf]
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


def holds(node: Node, scan: Scan) -> bool:
    """Whether a compiled expression is true of an article."""
    if node.kind == "term":
        return bool(scan.spans(node.leaf))
    if node.kind == "any":
        return any(holds(part, scan) for part in node.of)
    if node.kind == "all":
        return all(holds(part, scan) for part in node.of)
    if node.kind == "none":
        return not any(holds(part, scan) for part in node.of)
    return bool(near_hits(node, scan))


def leaves_of(node: Node) -> list[LeafId]:
    """Leaves that can make a node true."""
    if node.kind == "none":
        return []
    return [node.leaf] if node.kind == "term" else [leaf for part in node.of for leaf in leaves_of(part)]


def near_hits(node: Node, scan: Scan) -> list[tuple[LeafId, Span]]:
    """The hits of a `near` that stand close enough; empty when none do."""
    operands = [sorted((span, leaf) for leaf in leaves_of(part) for span in scan.spans(leaf)) for part in node.of]
    if not all(operands):
        return []
    kept: dict[tuple[LeafId, Span], None] = {}
    for window in _windows(operands, node, scan.text):
        kept.update(dict.fromkeys((leaf, span) for span, leaf in window))
    return list(kept)


_Placed = tuple[Span, LeafId]


def _windows(operands: Sequence[list[_Placed]], node: Node, text: FoldedText) -> Iterable[list[_Placed]]:
    """For each hit of the first operand, the nearest that completes the rest within the limit."""
    for anchor in operands[0]:
        window = _complete([anchor], operands[1:], node, text)
        if window:
            yield window


def _complete(
    window: list[_Placed], rest: Sequence[list[_Placed]], node: Node, text: FoldedText
) -> list[_Placed] | None:
    if not rest:
        return window
    for placed in sorted(rest[0], key=lambda item: abs(item[0].start - window[0][0].start)):
        if node.ordered and placed[0].start < window[-1][0].end - 1:
            continue
        if _gaps([*window, placed], text) <= node.within:
            full = _complete([*window, placed], rest[1:], node, text)
            if full:
                return full
    return None


def _gaps(window: Sequence[_Placed], text: FoldedText) -> float:
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


def scored_hits(rule: CompiledRule, scan: Scan) -> list[Hit]:
    """The hits that count for a rule, in order, none inside another."""
    hits = [(span, leaf, weight) for leaf, weight in rule.weights.items() for span in scan.spans(leaf)]
    if rule.require is not None:
        hits += [(span, leaf, 1.0) for leaf, span in _required_hits(rule.require, scan) if leaf not in rule.weights]
    found: list[Hit] = []
    for span, leaf, weight in sorted(hits, key=lambda hit: (hit[0].start, -hit[0].end, -hit[2], hit[1])):
        if not found or span.start >= found[-1].span.end - 1:
            found.append(Hit(span, leaf, weight, scan.places.of(span.start)))
    return found


def _required_hits(node: Node, scan: Scan) -> list[tuple[LeafId, Span]]:
    if node.kind == "near":
        return near_hits(node, scan)
    if node.kind == "none":
        return []
    if node.kind == "term":
        return [(node.leaf, span) for span in scan.spans(node.leaf)]
    return [hit for part in node.of for hit in _required_hits(part, scan)]


def score_of(hits: Iterable[Hit]) -> float:
    """The sum of weight times place, rounded so that equal sums are equal."""
    return round(sum(hit.weight * FACTORS[hit.place] for hit in hits), 4)


def conditions_hold(rule: CompiledRule, article: Article) -> bool:
    """Whether a rule's source, language and section conditions are true of an article."""
    if rule.languages and base_language(article.language) not in rule.languages:
        return False
    if rule.rule.sources and article.source not in rule.rule.sources:
        return False
    return not rule.rule.sections or section_of(article) in rule.rule.sections


def section_of(article: Article) -> str:
    """The publisher's section, lower case; empty when it named none."""
    section = article.raw.get("section")
    return section.casefold() if isinstance(section, str) else ""
