"""Simulated sources: what is planted is found within two intervals, and quiet weeks find nothing."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache

import pytest

from newsflow.health.hours import WEEK_H, Hour, Hours
from newsflow.health.judge import INTERVAL_H, Kind, judge

DAY = 24
START = 480_000 - 480_000 % WEEK_H
"""An hour at which a week of the epoch begins: a Thursday, 0:00."""
Weeks = dict[str, dict[int, Hour]]


def poisson(chance: random.Random, mean: float) -> int:
    if mean > 50:
        return max(0, round(chance.gauss(mean, math.sqrt(mean))))
    limit, number, product = math.exp(-mean), 0, chance.random()
    while product > limit:
        number, product = number + 1, product * chance.random()
    return number


def rate(hour: int, a_day: float) -> float:
    """Busy by day, quiet by night, and half of it at weekends."""
    share = (0.2, 0.3, 1.6, 1.9)[hour % DAY // 6]
    weekend = hour // DAY % 7 in (2, 3)
    return a_day / DAY * share * (0.45 if weekend else 1.0)


def made(chance: random.Random, articles: int, **change: float) -> Hour:
    """Articles as an orderly source has them: some without a date, a few dead, one in ten in another language."""
    change = {"undated": 0.05, "dead": 0.02, "kept": 0.6, "chars": 2_400, "other": 0.1} | change
    dead = sum(chance.random() < change["dead"] for _ in range(articles))
    living = articles - dead
    words = [chance.lognormvariate(6, 0.5) for _ in range(articles)]
    other = sum(chance.random() < change["other"] for _ in range(living))
    return Hour(
        events=articles + poisson(chance, articles * 0.5), articles=living, dead=dead,
        undated=sum(chance.random() < change["undated"] for _ in range(living)),
        words_in=round(sum(words)), words_kept=round(sum(words[:living]) * change["kept"]),
        chars=round(sum(chance.lognormvariate(math.log(change["chars"]), 0.6) for _ in range(living))),
        languages={name: number for name, number in (("en", living - other), ("ru", other)) if number},
    )  # fmt: skip


def weeks(
    seed: int, sources: Mapping[str, float], number: float, quiet: Callable[[int], float] = lambda _: 1.0
) -> Weeks:
    """Weeks of sources, each with so many articles a day."""
    chance = random.Random(seed)
    hours = range(START, START + round(number * WEEK_H))
    found = {
        name: {hour: made(chance, poisson(chance, rate(hour, a_day) * quiet(hour))) for hour in hours}
        for name, a_day in sources.items()
    }
    return {name: {hour: each for hour, each in told.items() if not each.empty} for name, told in found.items()}


def judged(sources: Mapping[str, Hours], first: int, last: int) -> dict[int, dict[str, set[Kind]]]:
    """What is found at the end of each interval, by what was known then; findings stay open as they do in the ledger."""
    open_since: dict[tuple[str, Kind], int] = {}
    told = {}
    for now in range(first, last + 1, INTERVAL_H):
        known = {name: {hour: each for hour, each in hours.items() if hour < now} for name, hours in sources.items()}
        found = judge({name: hours for name, hours in known.items() if hours}, now, open_since)
        open_since = {(name, each.kind): each.since for name, all_of in found.items() for each in all_of}
        told[now] = {name: {each.kind for each in all_of} for name, all_of in found.items()}
    return told


MANY = {"small-post": 12.0, "harbour-post": 60.0, "capital-wire": 150.0, "night-mail": 60.0, "huge-wire": 700.0}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "sources", [MANY, {"harbour-post": 60.0}, {"capital-wire": 150.0}], ids=["many", "one", "wire"]
)
def test_four_quiet_weeks_with_a_holiday_report_none(seed: int, sources: Mapping[str, float]) -> None:
    holiday = (START + 5 * WEEK_H + 4 * DAY) // DAY

    def quiet(hour: int) -> float:
        """One day of rest in the middle of a working week, and a quiet one after it."""
        return {0: 0.3, 1: 0.5}.get(hour // DAY - holiday, 0.8)

    told = judged(weeks(seed, sources, 8, quiet), START + 4 * WEEK_H, START + 8 * WEEK_H)
    assert {now: found for now, found in told.items() if found} == {}


def test_new_sources_say_nothing() -> None:
    sources = weeks(1, MANY, 3)
    late = {hour: each for hour, each in sources["capital-wire"].items() if hour >= START + 2 * WEEK_H}
    late = {
        hour: replace(each, undated=each.articles) for hour, each in late.items() if hour < START + 2 * WEEK_H + DAY
    }
    told = judged({**sources, "capital-wire": late}, START + 2 * WEEK_H, START + 3 * WEEK_H)
    assert all("capital-wire" not in found for found in told.values())


Change = Callable[[random.Random, int, Hour], Hour]


@cache
def five_weeks() -> Weeks:
    return weeks(7, MANY | {"capital-wire": 200.0}, 6)


PLANTED: dict[str, tuple[Change, Kind]] = {
    "silence": (lambda *_: Hour(), Kind.SILENT),
    "silence of articles": (
        lambda _, __, each: replace(Hour(), events=each.events, dead=each.events),
        Kind.DEAD_LETTERS,
    ),
    "a sixth of the volume": (lambda chance, _, each: made(chance, round(each.articles / 6)), Kind.FEWER),
    "six times the volume": (lambda chance, _, each: made(chance, each.articles * 6), Kind.MORE),
    "another language": (lambda chance, _, each: made(chance, each.articles, other=0.8), Kind.LANGUAGE),
    "no dates": (lambda chance, _, each: made(chance, each.articles, undated=0.9), Kind.UNDATED),
    "bodies of a line": (lambda chance, _, each: made(chance, each.articles, chars=150), Kind.LENGTH),
    "few words kept": (lambda chance, _, each: made(chance, each.articles, kept=0.05), Kind.WORDS_KEPT),
    "dead letters": (lambda chance, _, each: made(chance, each.articles, dead=0.7), Kind.DEAD_LETTERS),
    "one name for all": (lambda _, __, each: replace(each, conflicts=each.articles), Kind.CONFLICTS),
}


@pytest.mark.parametrize("hour_of_day", [6, 13, 21])
@pytest.mark.parametrize("alone", [False, True], ids=["among others", "alone"])
@pytest.mark.parametrize("fault", PLANTED)
def test_what_is_planted_is_found_within_two_intervals(fault: str, alone: bool, hour_of_day: int) -> None:
    change, kind = PLANTED[fault]
    sources = dict(five_weeks())
    begin = START + 5 * WEEK_H + 5 * DAY + hour_of_day
    chance = random.Random(hour_of_day)
    before = sources["capital-wire"]
    sources["capital-wire"] = {h: each if h < begin else change(chance, h, each) for h, each in before.items()}
    if alone:
        sources = {"capital-wire": sources["capital-wire"]}
    told = judged(sources, begin - DAY - begin % INTERVAL_H, begin + DAY + INTERVAL_H)
    at_night = hour_of_day == 21  # hardly anything is published then: intervals count from six in the morning
    intervals = [now for now in told if now >= (begin + 9 if at_night else begin) + INTERVAL_H]
    assert any(kind in told[now].get("capital-wire", ()) for now in intervals[:2]), [told[now] for now in intervals[:4]]
    assert all(not found for now, found in told.items() if now <= begin)
    assert all(set(found) <= {"capital-wire"} for found in told.values()), "the others are well"


def test_a_finding_ends_when_the_source_is_as_it_was() -> None:
    sources = weeks(7, MANY, 8)
    begin, end = START + 5 * WEEK_H + 5 * DAY, START + 6 * WEEK_H
    chance = random.Random(3)
    hours = sources["capital-wire"]
    sources["capital-wire"] = {
        h: made(chance, e.articles, undated=0.95) if begin <= h < end else e for h, e in hours.items()
    }
    told = judged(sources, begin, end + 3 * DAY)
    kinds = [found.get("capital-wire", set()) for found in told.values()]
    assert kinds[3:9] == [{Kind.UNDATED}] * 6
    assert kinds[-1] == set()


@pytest.mark.slow
def test_what_goes_on_for_two_weeks_is_usual() -> None:
    sources = weeks(7, MANY, 9)
    begin, chance = START + 5 * WEEK_H, random.Random(3)
    hours = sources["capital-wire"]
    sources["capital-wire"] = {h: made(chance, e.articles, chars=300) if begin <= h else e for h, e in hours.items()}
    told = judged(sources, begin, begin + 3 * WEEK_H + 5 * DAY)
    kinds = [found.get("capital-wire", set()) for found in told.values()]
    assert kinds[8 : 13 * 4] == [{Kind.LENGTH}] * (13 * 4 - 8)
    assert kinds[15 * 4 :] == [set()] * len(kinds[15 * 4 :])
