"""Counts of sources by hours of event time, written with the decisions that they count: each event counts once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from newsflow.health.hours import COUNTS, Hour
from newsflow.ledger.database import Database, storable
from newsflow.ledger.findings import Finding
from newsflow.model import Article, Candidate, Decision, Outcome
from newsflow.model.languages import base_language

HOUR_S = 3600
KEPT_H = 60 * 24
_NEW = (Outcome.ADDED, Outcome.DUPLICATE)
_SUMS = ", ".join(f"{name} = source_hour.{name} + excluded.{name}" for name in COUNTS)
_ADD = f"ON CONFLICT (source, hour) DO UPDATE SET {_SUMS}"


def hour_of(at: datetime) -> int:
    """Whole hours since 1970."""
    return int(at.timestamp() // HOUR_S)


def count_decided(
    db: Database,
    decided: Iterable[tuple[Candidate, Decision]],
    conflicts: Iterable[Finding],
    now: datetime,
) -> None:
    """Count events that were decided just now. Those of nobody knows which source, malformed ones, are not counted."""
    hours: dict[tuple[str, int], Hour] = defaultdict(Hour)
    for candidate, decision in decided:
        if candidate.source:
            hours[storable(candidate.source), hour_of(candidate.fetched_at or now)] += _counted(candidate, decision)
    for each in conflicts:
        hours[storable(each.source), hour_of(each.at)] += Hour(conflicts=each.times)
    rows = [(*place, *(getattr(hours[place], name) for name in COUNTS)) for place in sorted(hours)]
    db.insert("source_hour", f"source, hour, {', '.join(COUNTS)}", rows, _ADD)
    languages = [(*place, *each) for place in sorted(hours) for each in sorted(hours[place].languages.items())]
    more = "ON CONFLICT (source, hour, language) DO UPDATE SET articles = source_language.articles + excluded.articles"
    db.insert("source_language", "source, hour, language, articles", languages, more)


def _counted(candidate: Candidate, decision: Decision) -> Hour:
    article = candidate.result
    if decision.outcome is Outcome.DEAD_LETTERED or not isinstance(article, Article):
        return Hour(events=1, dead=1, words_in=candidate.words_in)
    if decision.outcome not in _NEW:
        return Hour(events=1)
    return Hour(
        events=1,
        articles=1,
        undated=int(article.published.evidence == "first-seen"),
        words_in=candidate.words_in,
        words_kept=candidate.words_kept,
        chars=len(article.body),
        languages={storable(base_language(article.language)): 1},
    )


def last_hour(db: Database) -> int | None:
    """The latest hour in which anything came."""
    found = db.query("SELECT MAX(hour) FROM source_hour")[0][0]
    return None if found is None else int(found)


def load_hours(db: Database, since: int) -> dict[str, dict[int, Hour]]:
    """All counts from an hour on, by source."""
    languages: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    for source, hour, language, articles in db.query(
        "SELECT source, hour, language, articles FROM source_language WHERE hour >= ?", [since]
    ):
        languages[source, hour][language] = articles
    found: dict[str, dict[int, Hour]] = defaultdict(dict)
    for source, hour, *counts in db.query(
        f"SELECT source, hour, {', '.join(COUNTS)} FROM source_hour WHERE hour >= ?", [since]
    ):
        counted = dict(zip(COUNTS, counts, strict=True))
        found[source][hour] = Hour(**counted, languages=languages.get((source, hour), {}))
    return dict(found)


def forget_hours(db: Database, before: int) -> None:
    """Delete the counts of earlier hours."""
    for table in ("source_hour", "source_language"):
        db.execute(f"DELETE FROM {table} WHERE hour < ?", [before])


def load_published(db: Database) -> dict[str, bytes]:
    """What was last published of each source of which anything was."""
    return {source: bytes(value) for source, value in db.query("SELECT source, value FROM source_health")}


def save_published(db: Database, values: Mapping[str, bytes]) -> None:
    """Keep what was published."""
    rows = sorted(values.items())
    update = "ON CONFLICT (source) DO UPDATE SET value = excluded.value"
    db.insert("source_health", "source, value", rows, update)
