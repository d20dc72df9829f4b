"""Explanations and differences for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from newsflow.cli.text import isolate, one_line
from newsflow.model import Article, Evidence
from newsflow.tagging.diff import Diff, Sample, a_day
from newsflow.tagging.explain import Explanation, Requirement

_CONTEXT_CHARS = 40
_ON, _OFF = "\x1b[1;32m", "\x1b[0m"
_MAX_LINES = 20

VERDICTS = {"topic": "is about it", "mention": "only mentions it", "none": "is not tagged with it"}


def explanation_text(explanation: Explanation, article: Article, *, colour: bool) -> Iterator[str]:
    """The lines of one explanation; `colour` marks hits by terminal colours, else by brackets."""
    score = f"score {explanation.score:g} of {explanation.threshold:g}"
    short = f", {explanation.missing:g} short" if explanation.missing else ""
    yield f"{explanation.rule} {explanation.version}: the article {VERDICTS[explanation.verdict]}; {score}{short}"
    yield from (f"  condition not met: {reason}" for reason in explanation.unmet)
    if explanation.requirement is not None:
        yield from _requirement(explanation.requirement, 1)
    if not explanation.counted:
        yield f"  nothing counted, of {explanation.terms_searched} terms searched in this language"
    for counted in explanation.counted[:_MAX_LINES]:
        shown = in_context(article, counted.evidence, colour)
        yield f"  +{counted.points:g} {counted.place}: {shown}  ({counted.evidence.term})"
    for excluded in explanation.excluded[:_MAX_LINES]:
        yield f"  not counted: {in_context(article, excluded.evidence, colour)}: {excluded.reason}"
    hidden = max(0, len(explanation.counted) - _MAX_LINES) + max(0, len(explanation.excluded) - _MAX_LINES)
    if hidden:
        yield f"  and {hidden} more; -o json shows all"


def _requirement(requirement: Requirement, depth: int) -> Iterator[str]:
    yield f"{'  ' * depth}{'holds' if requirement.holds else 'fails'}: {requirement.text}"
    for part in requirement.parts[:_MAX_LINES]:
        yield from _requirement(part, depth + 1)


def in_context(article: Article, evidence: Evidence, colour: bool) -> str:
    """A hit with the words around it, as one line that keeps its direction to itself."""
    text = article.title if evidence.field == "title" else article.body
    before = one_line(text[max(0, evidence.start - _CONTEXT_CHARS) : evidence.start])
    after = one_line(text[evidence.end : evidence.end + _CONTEXT_CHARS])
    hit = one_line(text[evidence.start : evidence.end])
    # The parts are cleaned one by one: the colours must survive what makes foreign text harmless.
    marked = f"{_ON}{hit}{_OFF}" if colour else f"[{hit}]"
    left = " " if text[evidence.start - 1 : evidence.start].isspace() else ""
    right = " " if text[evidence.end : evidence.end + 1].isspace() else ""
    return f"\u2068{before}{left}{marked}{right}{after}\u2069"


def diff_lines(found: Diff, samples: int) -> Iterator[str]:
    """The lines of a difference between rule sets."""
    span = f"{found.days:.1f} days" if found.days is not None else "too short a time for rates"
    yield f"{found.articles} articles, {span}; {len(found.changes)} topics changed"
    for change in found.changes.values():
        rate = a_day(change.after, found.days)
        alerts = a_day(change.alerts_after, found.days)
        yield f"{change.topic} (rule {change.status}): {change.before} → {change.after} articles" + (
            f", {rate:g} a day" if rate is not None else ""
        )
        yield f"  alert grade: {change.alerts_before} → {change.alerts_after}" + (
            f", {alerts:g} a day" if alerts is not None else ""
        )
        yield from _samples("gained", change.gained, samples)
        yield from _samples("lost", change.lost, samples)


def _samples(word: str, articles: Sequence[Sample], samples: int) -> Iterator[str]:
    if articles:
        yield f"  {word} {len(articles)}:"
    for sample in articles[:samples]:
        yield f"    {sample.id} {isolate(sample.title, 80)}"
