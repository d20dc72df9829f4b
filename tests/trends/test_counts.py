"""Counts in the ledger: every article once, by its newest version, whatever comes twice, late or out of order."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from random import Random

import orjson
import pytest

from newsflow.ledger import Ledger
from newsflow.ledger.story_links import lead_on
from newsflow.model import Article
from newsflow.model.schemas import violations
from newsflow.trends.bursts import BurstRule, BurstState, TrendSettings
from newsflow.trends.counting import Cell, CountChange, WindowRule, contribution_of
from newsflow.trends.counts import Trends
from newsflow.trends.records import TrendRecord
from tests.model.schema_laws import reference_violations
from tests.trends.trend_articles import START, article

HOUR = timedelta(hours=1)
RULE = WindowRule(size_s=3_600, period_s=900, lateness_s=6 * 3_600)
SETTINGS = TrendSettings(windows=RULE, bursts=BurstRule(warm_up_days=3))


@pytest.fixture
def trends(ledger: Ledger) -> Trends:
    return Trends(ledger, SETTINGS)


def take(trends: Trends, *articles: Article) -> list[CountChange]:
    counted = trends.count([contribution_of(each, RULE, SETTINGS.fresh) for each in articles])
    return list(counted.changes)


def close(trends: Trends, upto: datetime | None = None) -> list[TrendRecord]:
    """Close what is due and take its records, as a writer does."""
    written: list[TrendRecord] = []
    while True:
        while page := trends.outbox(limit=50):
            written += page
            trends.written(page)
        if trends.close_next(None if upto is None else int(upto.timestamp())) is None:
            return written


def end(at: datetime) -> int:
    return int(at.timestamp())


def counts(records: Iterable[TrendRecord]) -> dict[tuple[str, Cell], list[int]]:
    """The counts of each window and name, by revision; asserts that revisions are 1, 2, 3 … without a gap."""
    found: dict[tuple[str, Cell], list[int]] = defaultdict(list)
    for record in records:
        value = orjson.loads(record.value)
        if record.kind == "trend":
            series = found[value["window"]["end"], (value["dimension"], value["name"])]
            assert value["revision"] == len(series) + 1
            replaced = value.get("replaces")
            assert replaced == ({"revision": len(series), "articles": series[-1]} if series else None)
            series.append(value["articles"])
    return dict(found)


def recount(articles: Iterable[Article]) -> dict[tuple[int, Cell], int]:
    """The counts of all windows from the newest versions alone, by another way: no slices, no differences."""
    newest: dict[str, Article] = {}
    for each in articles:
        if each.id not in newest or newest[each.id].version < each.version:
            newest[each.id] = each
    sums: Counter[tuple[int, Cell]] = Counter()
    for each in newest.values():
        contribution = contribution_of(each, RULE, SETTINGS.fresh)
        seen = each.first_seen.timestamp()
        ends = [e for e in range(int(seen) // 900 * 900, int(seen) + 3_601, 900) if e - 3_600 <= seen < e]
        sums.update((at, cell) for at in ends for cell in contribution.cells)
    return dict(sums)


def published(trends: Trends) -> dict[tuple[int, Cell], int]:
    windows = trends.totals(0)
    return {(at, cell): n for at, cells in windows.items() for cell, n in cells.items() if n}


def test_an_article_counts_once_in_each_window_that_holds_it(trends: Trends) -> None:
    seen = START + timedelta(minutes=20)
    assert take(trends, article(1, seen, topics=("harbours", "storms"))) == [CountChange.COUNTED]
    assert close(trends, START + timedelta(minutes=29)) == []
    found = counts(close(trends, START + timedelta(hours=2)))
    ends = sorted({at for at, _ in found})
    assert ends == [f"2023-05-01T{at}:00Z" for at in ("00:30", "00:45", "01:00", "01:15")]
    names = {("all", "all"), ("language", "en"), ("source", "velmora-post"), ("topic", "harbours"), ("topic", "storms")}
    assert {cell for _, cell in found} == names
    assert all(series == [1] for series in found.values())


def test_a_version_is_taken_in_once_and_an_older_one_never(trends: Trends) -> None:
    first, second = article(1, START), article(1, START, version=2, topics=("storms",))
    assert take(trends, first, second, first, second) == [
        CountChange.COUNTED, CountChange.REPLACED, CountChange.REPEAT, CountChange.REPEAT,
    ]  # fmt: skip
    assert take(trends, first) == [CountChange.REPEAT]
    close(trends)
    assert published(trends) == recount([first, second])


def test_late_changes_are_corrections_that_say_what_they_replace(trends: Trends) -> None:
    one, two = article(1, START), article(2, START + timedelta(minutes=1), topics=("storms",))
    take(trends, one)
    written = close(trends)
    take(trends, two)
    assert trends.closed() is not None
    written += close(trends)
    take(trends, article(1, START, version=2, withdrawn=True))
    written += close(trends)
    found = counts(written)
    window = "2023-05-01T00:15:00Z"
    assert found[window, ("all", "all")] == [1, 2, 1]
    assert found[window, ("topic", "harbours")] == [1, 0]
    assert found[window, ("topic", "storms")] == [1]
    assert len({record.id for record in written}) == len(written)


def test_a_withdrawal_before_its_article_leaves_nothing(trends: Trends) -> None:
    assert take(trends, article(1, START, version=2, withdrawn=True)) == [CountChange.WITHDRAWN]
    assert take(trends, article(1, START)) == [CountChange.REPEAT]
    assert close(trends) == []
    assert take(trends, article(1, START, version=3)) == [CountChange.COUNTED]
    assert len(close(trends)) == 4 * 4


def test_a_change_that_is_undone_before_the_window_closes_is_no_news(trends: Trends) -> None:
    take(trends, article(1, START))
    take(trends, article(1, START, version=2, withdrawn=True))
    assert close(trends) == []


def test_what_comes_after_the_lateness_is_counted_as_too_late_and_left_out(trends: Trends) -> None:
    take(trends, article(1, START), article(2, START + 8 * HOUR))
    close(trends)
    before = published(trends)
    late = [article(1, START, version=2, withdrawn=True), article(3, START + 30 * timedelta(minutes=1))]
    assert take(trends, *late) == [CountChange.TOO_LATE, CountChange.TOO_LATE]
    assert close(trends) == []
    assert published(trends) == before
    in_time = article(4, START + 2.5 * HOUR)
    assert take(trends, in_time) == [CountChange.COUNTED]
    assert len(close(trends)) == 4 * 4


def test_old_news_count_nowhere_but_are_remembered(trends: Trends) -> None:
    archived = article(1, START, published=START - timedelta(days=30))
    assert take(trends, archived) == [CountChange.OLD]
    undated = article(2, START, published=(START - timedelta(hours=60)).replace(tzinfo=None))
    assert take(trends, undated) == [CountChange.COUNTED]  # of an unknown zone: perhaps only 46 hours
    assert take(trends, archived) == [CountChange.REPEAT]


@pytest.mark.parametrize("seed", range(8))
def test_sums_are_exact_in_any_order_with_repeats_and_closings_between(
    open_one: Callable[[], Ledger], seed: int
) -> None:
    random = Random(seed)
    versions = [each for number in range(60) for each in life_of(number, random)]
    # At least once and out of order: each may come again at any later time, also after newer versions of it.
    wire = versions + random.sample(versions, 40)
    random.shuffle(wire)
    trends, written = Trends(open_one(), SETTINGS), []
    while wire:
        size = random.randint(1, 25)
        batch, wire = wire[:size], wire[size:]
        take(trends, *batch)
        if random.random() < 0.5:
            written += close(trends, START + random.uniform(0, 4) * HOUR)
        if random.random() < 0.2:
            trends = Trends(open_one(), SETTINGS)  # a restart
    written += close(trends)
    assert published(trends) == recount(versions)
    last = {place: series[-1] for place, series in counts(written).items()}
    assert {place: n for place, n in last.items() if n} == {
        (datetime.fromtimestamp(at, START.tzinfo).strftime("%Y-%m-%dT%H:%M:%SZ"), cell): n
        for (at, cell), n in recount(versions).items()
    }


def test_sums_are_exact_when_workers_count_and_close_at_once(open_one: Callable[[], Ledger]) -> None:
    versions = [each for number in range(80) for each in life_of(number, Random(number))]
    workers = [Trends(open_one(), SETTINGS) for _ in range(3)]

    def work(number: int) -> None:
        random, mine = Random(number), versions[number::3] + versions[(number + 1) % 3 :: 3]
        random.shuffle(mine)
        for start in range(0, len(mine), 7):
            take(workers[number], *mine[start : start + 7])
            workers[number].close_next(end(START) + random.randint(0, 5 * 3_600))

    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(work, number) for number in range(3)]:
            done.result()
    while workers[0].close_next() is not None:
        pass
    assert published(workers[1]) == recount(versions)
    last = [series[-1] for series in counts(workers[2].outbox(limit=100_000)).values()]
    assert sorted(n for n in last if n) == sorted(recount(versions).values())


def life_of(number: int, random: Random) -> list[Article]:
    seen = START + random.uniform(0, 4) * HOUR
    source, language = random.choice(["post", "herald", "wire"]), random.choice(["en", "ar", "ru"])
    versions = []
    for version in range(1, random.randint(1, 4) + 1):
        topics = tuple(random.sample(["harbours", "storms", "trains"], random.randint(0, 3)))
        withdrawn = version > 1 and random.random() < 0.3
        versions.append(
            article(number, seen, version=version, topics=topics, source=source, language=language, withdrawn=withdrawn)
        )
    return versions


def test_records_wait_until_they_are_written_and_come_again_unchanged(open_one: Callable[[], Ledger]) -> None:
    trends = Trends(open_one(), SETTINGS)
    take(trends, article(1, START), article(2, START))
    assert trends.close_next() is not None
    first = trends.outbox()
    again = Trends(open_one(), SETTINGS)  # the process died before it wrote them
    assert again.outbox() == first
    assert len(first) == 4
    again.written(first[:2])
    assert again.outbox() == first[2:]


def test_a_batch_that_comes_again_says_what_is_still_due(trends: Trends) -> None:
    """The engine lost its timer with the first attempt, of which the ledger kept all."""
    batch = [contribution_of(article(1, START), RULE, SETTINGS.fresh)]
    assert trends.count(batch).due == {end(START)}
    again = trends.count(batch)
    assert again.changes == (CountChange.REPEAT,)
    assert again.due == {end(START)}
    close(trends)
    assert trends.count(batch).due == frozenset()


def test_what_a_slow_writer_says_it_wrote_is_not_taken_for_what_came_after(open_one: Callable[[], Ledger]) -> None:
    one, other = Trends(open_one(), SETTINGS), Trends(open_one(), SETTINGS)
    take(one, article(1, START))
    one.close_next()
    slow = other.outbox()
    one.written(one.outbox())
    one.close_next()
    waiting = one.outbox()
    other.written(slow)
    assert one.outbox() == waiting
    assert waiting


def test_two_grids_in_one_ledger_do_not_mix(ledger: Ledger) -> None:
    hours, days = Trends(ledger, SETTINGS), Trends(ledger, TrendSettings(windows=WindowRule(86_400, 3_600)))
    take(hours, article(1, START))
    assert days.outbox() == []
    assert days.close_next() is None
    days.count([contribution_of(article(1, START), WindowRule(86_400, 3_600), SETTINGS.fresh)])
    assert len(close(hours)) == 4 * 4
    assert len(close(days)) == 24 * 4


def crowd(day: int, hour: float, size: int, *, topic: str = "storms", story: str | None = None) -> list[Article]:
    """Articles of several sources within one hour."""
    seen = START + timedelta(days=day, hours=hour)
    return [
        article(
            f"{day}-{hour}-{topic}-{number}",
            seen + timedelta(seconds=number * 3_599 / max(size, 1)),
            topics=(topic,),
            source=f"source-{number % 4}",
            story=story,
        )
        for number in range(size)
    ]


def bursts(records: Iterable[TrendRecord]) -> list[tuple[str, str, int]]:
    values = [orjson.loads(record.value) for record in records if record.kind == "burst"]
    return [(value["name"], value["state"], value["revision"]) for value in values]


def usual_days(trends: Trends, days: int) -> None:
    for day in range(days):
        for hour in (8, 9, 10, 11, 12, 13):
            take(trends, *crowd(day, hour, 4))
    close(trends)


def test_a_burst_is_raised_once_within_its_first_hour_and_ends_once(trends: Trends) -> None:
    usual_days(trends, 5)
    take(trends, *crowd(5, 8, 4), *crowd(5, 9, 60))
    raised = close(trends, START + timedelta(days=5, hours=9, minutes=45))
    assert bursts(raised) == [("storms", "raised", 1)]
    take(trends, *crowd(5, 10, 70))
    assert bursts(close(trends, START + timedelta(days=5, hours=11))) == []
    take(trends, *crowd(5, 11, 4), *crowd(5, 12, 4), *crowd(5, 13, 4))
    assert bursts(close(trends)) == [("storms", "ended", 2)]
    (burst,) = [each for each in trends.bursts() if each.name == "storms"]
    assert (burst.state, burst.peak >= 70) == (BurstState.ENDED, True)
    value = orjson.loads(next(record.value for record in raised if record.kind == "burst"))
    assert value["sources"] == 4
    assert value["days"] == 5


def test_a_story_is_measured_by_the_largest_of_other_days(trends: Trends) -> None:
    for day in range(5):
        take(trends, *crowd(day, 9, 3, topic=f"t{day}", story=f"s{day}"), *crowd(day, 9, 20, topic=f"u{day}"))
    close(trends)
    take(trends, *crowd(5, 9, 40, topic="u5", story="the-bridge"))
    found = bursts(close(trends))
    assert ("the-bridge", "raised", 1) in found


def merge(ledger: Ledger, ended: str, kept: str) -> None:
    ledger.transact(lambda db: lead_on(db, [(ended, kept)]))


def known_days(trends: Trends) -> None:
    for day in range(5):
        for hour in (9, 10, 11, 12, 13):
            take(trends, *crowd(day, hour, 3, topic=f"t{day}", story=f"s{day}-{hour}"))
            take(trends, *crowd(day, hour, 20, topic=f"u{day}"))
    close(trends)


def test_a_story_is_counted_with_those_that_were_merged_into_it(trends: Trends, ledger: Ledger) -> None:
    known_days(trends)
    take(trends, *crowd(5, 9, 20, topic="u5", story="bridge"), *crowd(5, 9, 20, topic="v5", story="collapse"))
    merge(ledger, "collapse", "bridge")
    raised = [record for record in close(trends) if ("bridge", "raised", 1) in bursts([record])]
    assert [orjson.loads(each.value)["articles"] for each in raised] == [40]


def test_a_burst_goes_on_when_its_story_is_merged(trends: Trends, ledger: Ledger) -> None:
    """Nobody is told of the happening again under the other id, and the burst ends once."""
    known_days(trends)
    at = START + timedelta(days=5)
    take(trends, *crowd(5, 9, 40, topic="u5", story="collapse"))
    found = bursts(close(trends, at + timedelta(hours=10)))
    merge(ledger, "collapse", "bridge")
    take(trends, *crowd(5, 10, 40, topic="u5", story="bridge"))
    found += bursts(close(trends, at + timedelta(hours=11)))
    take(trends, *crowd(5, 11, 4, topic="w"), *crowd(5, 12, 4, topic="w"), *crowd(5, 13, 4, topic="w"))
    found += bursts(close(trends))
    mine = [each for each in found if each[0] in ("collapse", "bridge")]
    assert mine == [("collapse", "raised", 1), ("collapse", "ended", 2)]
    (burst,) = [each for each in trends.bursts() if each.name == "collapse"]
    assert burst.last_end is not None
    assert burst.last_end > (at + timedelta(hours=11)).timestamp()


def test_of_two_bursts_of_one_story_the_first_goes_on(trends: Trends, ledger: Ledger) -> None:
    known_days(trends)
    at = START + timedelta(days=5)
    take(trends, *crowd(5, 9, 40, topic="u5", story="collapse"))
    found = bursts(close(trends, at + timedelta(hours=10)))
    take(trends, *crowd(5, 10, 40, topic="u5", story="bridge"))
    found += bursts(close(trends, at + timedelta(hours=11)))
    merge(ledger, "collapse", "bridge")
    merged = bursts(close(trends, at + timedelta(hours=11, minutes=15)))
    assert [each for each in found if each[0] in ("collapse", "bridge")] == [
        ("collapse", "raised", 1), ("bridge", "raised", 1),
    ]  # fmt: skip
    assert [each for each in merged if each[0] in ("collapse", "bridge")] == [("bridge", "ended", 2)]
    assert next(each for each in trends.bursts() if each.name == "collapse").state is BurstState.RAISED


def test_one_source_alone_raises_nothing_and_few_days_raise_nothing(trends: Trends) -> None:
    usual_days(trends, 5)
    seen = START + timedelta(days=5, hours=9)
    take(trends, *(article(f"x{n}", seen, topics=("storms",)) for n in range(80)))
    assert bursts(close(trends)) == []


def test_nothing_is_raised_while_it_warms_up(trends: Trends) -> None:
    usual_days(trends, 2)
    take(trends, *crowd(2, 9, 80))
    assert bursts(close(trends)) == []


def test_a_burst_that_is_corrected_away_is_retracted(trends: Trends) -> None:
    usual_days(trends, 5)
    many = crowd(5, 9, 60)
    take(trends, *many)
    assert bursts(close(trends, START + timedelta(days=5, hours=10))) == [("storms", "raised", 1)]
    take(trends, *(article(each.id[1:], each.first_seen, version=2, withdrawn=True) for each in many[3:]))
    assert bursts(close(trends, START + timedelta(days=5, hours=10))) == [("storms", "retracted", 2)]


@pytest.mark.parametrize("hours_ago", [0, 1, 3, 5])
def test_a_backfill_beside_the_stream_corrects_counts_and_raises_no_burst(trends: Trends, hours_ago: int) -> None:
    """Also one of the hour that was closed last. The same articles in time raise one."""
    usual_days(trends, 5)
    now = START + timedelta(days=5, hours=14)
    live = [each for hour in range(8, 14) for each in crowd(5, hour, 2, topic="other")]
    take(trends, *live)
    assert bursts(close(trends, now)) == []
    backfill = crowd(5, 13 - hours_ago, 60)
    assert take(trends, *backfill) == [CountChange.COUNTED] * 60
    written = close(trends, now)
    assert bursts(written) == []
    assert trends.bursts() == []
    hour = end(now) - hours_ago * 3_600
    assert trends.totals(0)[hour]["topic", "storms"] == 60
    assert trends.totals(0)[hour]["all", "all"] == 62
    take(trends, *crowd(6, 13 - hours_ago, 100))
    assert ("storms", "raised", 1) in bursts(close(trends))


def test_late_articles_raise_a_burst_in_windows_that_are_still_open(trends: Trends) -> None:
    usual_days(trends, 5)
    take(trends, *crowd(5, 9, 2), *crowd(5, 10, 2, topic="other"))
    assert bursts(close(trends, START + timedelta(days=5, hours=10))) == []
    take(trends, *crowd(5, 9.01, 60))
    assert bursts(close(trends, START + timedelta(days=5, hours=10))) == []
    assert bursts(close(trends, START + timedelta(days=5, hours=10, minutes=15))) == [("storms", "raised", 1)]


def test_records_follow_their_schemas(trends: Trends) -> None:
    usual_days(trends, 5)
    take(trends, *crowd(5, 9, 60), *crowd(5, 12, 4))
    written = close(trends)
    take(trends, article("9", START + timedelta(days=5, hours=9)))
    written += close(trends)
    kinds = Counter(record.kind for record in written)
    assert kinds["burst"] == 2
    for record in written:
        value = orjson.loads(record.value)
        assert list(violations(record.kind, value)) == []
        assert list(reference_violations(record.kind, value)) == []
        assert value["id"] == record.series


def test_what_can_change_no_more_is_forgotten(trends: Trends, ledger: Ledger) -> None:
    take(trends, article(1, START))
    close(trends)
    take(trends, article(2, START + 30 * timedelta(days=1)))
    close(trends)
    tables = ("trend_article", "trend_count", "trend_window", "trend_outbox")
    rows = {table: ledger._db.query(f"SELECT COUNT(*) FROM {table}")[0][0] for table in tables}
    assert rows == {"trend_article": 1, "trend_count": 4, "trend_window": 16, "trend_outbox": 0}


def test_names_that_no_database_takes_are_counted(trends: Trends) -> None:
    assert take(trends, article(1, START, language="e\x00n", story="s\x00")) == [CountChange.COUNTED]
    assert ("language", "e\ufffdn") in {cell for _, cell in counts(close(trends))}
