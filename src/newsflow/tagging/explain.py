"""Why an article has a tag, or has not: what counted, what was left out and for which reason, how far it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from newsflow.model import Article, Evidence
from newsflow.tagging.compile import CompiledRule, Node, leaves_of
from newsflow.tagging.match import ScoredHit, hits_if_true, holds, score_of, scored_hits, section_of
from newsflow.tagging.patterns import LeafId, Searched
from newsflow.tagging.rule import languages_searched, rule_language
from newsflow.tagging.ruleset import RuleSet, evidence_of
from newsflow.tagging.scan import FACTORS, Scan, Span, TextPart

RuleVerdict = Literal["topic", "mention", "none"]


@dataclass(frozen=True, slots=True)
class Counted:
    """A hit that counts: `points` is weight times what that part of the article counts."""

    evidence: Evidence
    place: TextPart
    points: float


@dataclass(frozen=True, slots=True)
class Excluded:
    """A place where a term stands and does not count, and why."""

    evidence: Evidence
    reason: str


@dataclass(frozen=True, slots=True)
class Requirement:
    """One part of a rule's `any`, `all`, `none` or `near`, and whether it is true of the article."""

    text: str
    holds: bool
    parts: tuple[Requirement, ...] = ()

    def blockers(self) -> list[str]:
        """What stands in the article although the rule says `none`, where that makes this false."""
        if self.holds:
            return []
        return [name for part in self.parts for name in (part._found() if self.is_none else part.blockers())]

    @property
    def is_none(self) -> bool:
        return bool(self.parts) and self.text == "none"

    def _found(self) -> list[str]:
        if not self.holds:
            return []
        return [name for part in self.parts for name in part._found()] if self.parts else [self.text]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What one rule makes of one article."""

    rule: str
    version: str
    verdict: RuleVerdict
    score: float
    threshold: float
    counted: tuple[Counted, ...]
    excluded: tuple[Excluded, ...]
    unmet: tuple[str, ...]
    """Conditions on source, language or section that do not hold."""
    requirement: Requirement | None
    terms_searched: int
    """Terms of the rule that count in an article of this language."""

    @property
    def missing(self) -> float:
        """Points short of the threshold; 0 for a topic."""
        return round(max(0.0, self.threshold - self.score), 4)

    @property
    def blocked_by(self) -> tuple[str, ...]:
        """Terms under `none` that keep the rule from being true."""
        return tuple(dict.fromkeys(self.requirement.blockers())) if self.requirement is not None else ()

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"missing": self.missing, "blocked_by": list(self.blocked_by)}


def explain(rules: RuleSet, article: Article, rule_id: str) -> Explanation:
    """Explain one rule on one article. Raises KeyError when no rule has that id."""
    item = rules.rule(rule_id)
    if item is None:
        raise KeyError(rule_id)
    scan = rules.scan(article)
    required = hits_if_true(item.require, scan) if item.require is not None else []
    hits = scored_hits(item, scan, required or ())
    unmet = tuple(_unmet(item, article))
    met = not unmet and required is not None
    score = score_of(hits)
    about = score >= item.rule.threshold
    if met and item.rule.places:
        judged = next((each for each in rules.judge(article)[0] if each.item is item), None)
        if judged is not None:
            hits, score, about = judged.hits, judged.score, judged.about
    verdict: RuleVerdict = "none"
    if met and hits:
        verdict = "topic" if about else "mention" if item.rule.mentions else "none"
    searched = languages_searched(article.language)
    leaves = _leaves(item)
    requirement = _requirement(item.require, scan) if item.require is not None else None
    return Explanation(
        rule=item.rule.id,
        version=item.version,
        verdict=verdict,
        score=score,
        threshold=item.rule.threshold,
        counted=tuple(_counted(hit, scan) for hit in hits),
        excluded=tuple(_excluded(item, leaves, hits, scan, article, requirement)),
        unmet=unmet,
        requirement=requirement,
        terms_searched=sum(scan.tables.leaves[leaf].language in searched for leaf in leaves),
    )


def _leaves(item: CompiledRule) -> list[LeafId]:
    required = leaves_of(item.require) if item.require is not None else []
    return list(dict.fromkeys([*item.weights, *required]))


def _counted(hit: ScoredHit, scan: Scan) -> Counted:
    return Counted(evidence_of(hit, scan), hit.part, round(hit.weight * FACTORS[hit.part], 4))


def _unmet(item: CompiledRule, article: Article) -> Iterator[str]:
    rule = item.rule
    if item.languages and rule_language(article.language) not in item.languages:
        yield f"language is {article.language}; the rule wants {', '.join(rule.languages)}"
    if rule.sources and article.source not in rule.sources:
        yield f"source is {article.source}; the rule wants {', '.join(rule.sources)}"
    if rule.sections and section_of(article) not in rule.sections:
        yield f"section is {section_of(article) or 'not known'}; the rule wants {', '.join(rule.sections)}"


def _excluded(
    item: CompiledRule,
    leaves: list[LeafId],
    hits: list[ScoredHit],
    scan: Scan,
    article: Article,
    requirement: Requirement | None,
) -> Iterator[Excluded]:
    counted = {(hit.span.start, hit.span.end) for hit in hits}
    vocabulary = scan.tables.vocabulary
    wide = Scan(scan.tables, Searched(vocabulary, vocabulary.languages), article)
    seen: set[tuple[int, int]] = set()
    # A term of another language is the reason only where no term of this one stands.
    searched = languages_searched(article.language)
    foreign = {leaf for leaf in leaves if scan.tables.leaves[leaf].language not in searched}
    for leaf in sorted(leaves, key=foreign.__contains__):
        for span in wide.raw_spans(leaf):
            place = (span.start, span.end)
            if place not in counted and place not in seen:
                seen.add(place)
                evidence = evidence_of(ScoredHit(span, 0.0, scan.parts.of(span.start)), wide)
                reason = _reason(leaf, span, scan, article) or _unused(item, leaf, span, hits, scan, requirement)
                yield Excluded(evidence, reason)


def _reason(leaf: LeafId, span: Span, scan: Scan, article: Article) -> str | None:
    """Why a place is no hit of a term; None where it is one."""
    item = scan.tables.leaves[leaf]
    names = scan.tables.leaves
    if item.language not in languages_searched(article.language):
        return f"the term is for {item.key.language}, the article is in {article.language or 'und'}"
    if span not in scan.cased_spans(leaf):
        return "not written with the capitals of the term"
    if item.key.exact and not scan.is_exact(span):
        return "not spelt as the term, letter by letter"
    if item.key.case == "certain" and not any(map(scan.is_certain, scan.cased_spans(leaf))):
        return "its capital may be that of a sentence or heading, and no other place makes it certain"
    if item.key.field is not None and not scan.in_field(span, item.key.field):
        return f"the term counts in the {item.key.field} only"
    if item.needs and not any(scan.spans(need) for need in item.needs):
        return "none of what it needs stands in the article: " + ", ".join(names[need].key.text for need in item.needs)
    for other in item.without:
        if scan.spans(other):
            return f"the article holds {names[other].key.text}"
    blocked = scan.blocker(span, item.unless)
    if blocked is not None:
        return f"part of {names[blocked[0]].key.text}"
    return None


def _unused(
    item: CompiledRule, leaf: LeafId, span: Span, hits: list[ScoredHit], scan: Scan, requirement: Requirement | None
) -> str:
    """Why a hit does not count for the rule."""
    if any(hit.span.start < span.end and span.start < hit.span.end for hit in hits):
        return "stands inside a longer term that counts"
    parts = list(_parts(item.require)) if item.require is not None else []
    nears = [node for node in parts if node.kind == "near" and leaf in leaves_of(node)]
    if nears and not any(holds(node, scan) for node in nears):
        return f"no hit of the other terms of near within {max(node.within for node in nears)} words"
    if requirement is not None and not requirement.holds:
        blockers = requirement.blockers()
        return (
            f"blocked by: {', '.join(blockers)} (none)"
            if blockers
            else "other terms that the rule asks for are missing"
        )
    return "outside the distance"


def _parts(node: Node) -> Iterator[Node]:
    yield node
    for part in node.of:
        yield from _parts(part)


def _requirement(node: Node, scan: Scan) -> Requirement:
    true = holds(node, scan)
    if node.kind == "term":
        return Requirement(scan.tables.leaves[node.leaf].key.text, true)
    text = node.kind if node.kind != "near" else f"near, within {node.within}" + (", in order" if node.ordered else "")
    return Requirement(text, true, tuple(_requirement(part, scan) for part in node.of))
