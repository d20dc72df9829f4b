"""Whether an article meets a condition, and if not, why; conditions in words."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime, time
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

from newsflow.alerts.values import DailyHours
from newsflow.model import Action, Article
from newsflow.routing.policies import DAYS
from newsflow.routing.values import Facts, FreeRules, Match

Question = tuple[bool, str]
"""Whether an article passes one part of a condition, and what to say when it does not."""


def facts(article: Article, earlier_topics: Iterable[str] = (), rules: FreeRules | None = None) -> Facts:
    """What conditions look at. `earlier_topics` count as full topics: a withdrawal has no text left to be tagged, and
    must reach all that the article reached."""
    topics = dict.fromkeys(earlier_topics, 1.0)
    topics.update((topic.id, max(topic.score, topics.get(topic.id, 0.0))) for topic in article.topics)
    return Facts(article, topics, rules)


def article_meets(match: Match, article: Article) -> bool:
    """Whether an article meets the condition by its own topics."""
    return meets(match, facts(article))


def meets(match: Match, seen: Facts) -> bool:
    return all(answer for answer, _ in _questions(match, seen))


def objections(match: Match, seen: Facts) -> tuple[str, ...]:
    """Each part of the condition that the article fails, as a sentence; empty when it meets all."""
    return tuple(objection for answer, objection in _questions(match, seen) if not answer)


def describe(match: Match) -> str:
    """The condition in words, always the same for the same condition."""
    parts = [
        "tagged" if match.tagged else "untagged" if match.tagged is False else "",
        _listed("topics all of", match.topics_all),
        _listed("topics any of", match.topics_any),
        _listed("topics none of", match.topics_none),
        f"score at least {match.min_score:g}" if match.min_score else "",
        _listed("language", match.languages),
        _listed("source", match.sources),
        _listed("source not", match.not_sources),
        f"story of {sizes}" if (sizes := _sizes(match)) else "",
        f"rule {match.rule.text}" if match.rule is not None else "",
        f"1 in {match.one_in}" if match.one_in > 1 else "",
        f"first seen {' or '.join(map(_hours_text, match.schedule))}" if match.schedule else "",
    ]
    return "; ".join(part for part in parts if part) or "every article"


def _questions(match: Match, seen: Facts) -> Iterator[Question]:
    """Cheap and selective ones first."""
    if match.topics_all or match.topics_any or match.topics_none or match.tagged is not None:
        yield from _topic_questions(match, seen)
    language, source = seen.article.language, seen.article.source
    if match.languages:
        yield _language_meets(match.languages, language), f"language {language}, not {', '.join(match.languages)}"
    if match.sources:
        yield _source_meets(match.sources, source), f"source {source}, not {', '.join(match.sources)}"
    if match.not_sources:
        yield not _source_meets(match.not_sources, source), f"source {source} is left out"
    if match.one_in > 1:
        yield in_sample(seen.article.id, match.one_in), f"not in the sample of 1 in {match.one_in}"
    if match.story_min or match.story_max:
        yield _story_question(match, seen.article)
    if match.schedule:
        at = seen.article.first_seen
        yield any(hours.ends(at) for hours in match.schedule), f"first seen {_seen_text(at, match.schedule)}"
    if match.rule is not None:
        yield seen.meets_rule(match.rule), f"the text does not meet the rule {match.rule.text}"


def _story_question(match: Match, article: Article) -> Question:
    """The size of the story so far. A withdrawal makes it smaller, and must still reach whom the article reached."""
    size = article.story_size or 1
    fits = match.story_min <= size and (not match.story_max or size <= match.story_max)
    number = f"{size} article{'' if size == 1 else 's'}"
    return fits or article.action is Action.WITHDRAW, f"story of {number} so far, not {_sizes(match)}"


def _sizes(match: Match) -> str:
    if match.story_max:
        return f"{max(match.story_min, 1)} to {match.story_max}"
    return f"{match.story_min} or more" if match.story_min else ""


def _seen_text(at: datetime, schedule: Iterable[DailyHours]) -> str:
    spans = list(schedule)
    local = at.astimezone(ZoneInfo(spans[0].zone))
    when = f"{DAYS[local.weekday()]} {local:%H:%M} {spans[0].zone}"
    return f"{when}, outside {' and '.join(map(_hours_text, spans))}"


def _hours_text(hours: DailyHours) -> str:
    days = ", ".join(DAYS[day] for day in sorted(hours.days))
    whole_day = hours.start == hours.end == time()
    span = "" if whole_day else f"{hours.start:%H:%M}-{hours.end:%H:%M}"
    return " ".join(part for part in (days, span, hours.zone) if part)


def _topic_questions(match: Match, seen: Facts) -> Iterator[Question]:
    strong = {topic for topic, score in seen.topics.items() if score >= match.min_score}
    has = f"has {', '.join(sorted(strong)) or 'no topic'}" + (f" at {match.min_score:g}" if match.min_score else "")
    if match.tagged is not None:
        yield bool(strong) == match.tagged, "no topic" if match.tagged else f"tagged: {has}"
    if match.topics_all:
        missing = sorted(match.topics_all - strong)
        yield not missing, f"{has}, lacks {', '.join(missing)}"
    if match.topics_any:
        yield not match.topics_any.isdisjoint(strong), f"{has}, none of {', '.join(sorted(match.topics_any))}"
    if match.topics_none:
        unwanted = sorted(match.topics_none & strong)
        yield not unwanted, f"has {', '.join(unwanted)}, which is left out"


def in_sample(article_id: str, one_in: int) -> bool:
    """Whether the article is the one of so many that a sample takes; the same on every run."""
    digest = hashlib.blake2b(article_id.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % one_in == 0


def _language_meets(wanted: Iterable[str], language: str) -> bool:
    found = language.lower()
    return any(found == each.lower() or found.startswith(each.lower() + "-") for each in wanted)


def _source_meets(wanted: Iterable[str], source: str) -> bool:
    return any(fnmatchcase(source, each) for each in wanted)


def _listed(label: str, names: Iterable[str]) -> str:
    listed = ", ".join(sorted(names))
    return f"{label} {listed}" if listed else ""
