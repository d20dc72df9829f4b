"""What an event is decided by is its own time: when it was fetched, and not when it happens to be processed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from newsflow.alerts.outbox import Outbox
from newsflow.config.load import load_config
from newsflow.ingest.emit import output_records
from newsflow.ingest.item import OutputRecord, outcomes_of
from newsflow.ingest.runtime import Runtime, SharedRules
from newsflow.ingest.steps import process
from newsflow.model import Event
from newsflow.model.headers import fetched_before_written, header, record_time
from newsflow.testing import Clock, raw_event
from tests.mixed_events import mixed_events

FETCHED = datetime(2025, 1, 10, 8, tzinfo=UTC)
CLOCK = datetime(2025, 11, 2, tzinfo=UTC)
SYRIA = "Syria opened a port in Latakia on Friday, the ministry in Damascus said, and ships came the same day. " * 3
ROUTES = """
version: 1
routes: [{id: topic-feeds, match: {tagged: true}, feeds: topics}]
subscriptions:
  - {id: desk, match: {topics: {any: [syria, russia, lebanon]}}, feed: true, alert: {to: [hook]}}
  - {id: all, feed: true, copies: true}
debug: {match: {sample: 1 in 2}}
"""
MakeRuntime = Callable[..., Runtime]


@pytest.fixture
def make_runtime(shipped_rules: SharedRules, tmp_path: Path) -> Iterator[MakeRuntime]:
    made: list[Runtime] = []
    (tmp_path / "routes.yaml").write_text(ROUTES, encoding="utf-8")

    def make(clock: datetime = CLOCK, follow: bool = False, **flags: object) -> Runtime:
        dotted = {name.replace("__", "."): value for name, value in flags.items()}
        own = {
            "ledger.url": f"sqlite:///{tmp_path}/{len(made)}.sqlite3",
            "routes.paths": [str(tmp_path / "routes.yaml")],
        }
        config = load_config(environ={}, flags={**own, **dotted}).config
        made.append(Runtime(config, rules=shipped_rules, clock=Clock(clock)))
        if not follow:
            made[-1].latest = lambda: None
        return made[-1]

    yield make
    for runtime in made:
        runtime.close()


def event(offset: int, written: datetime | None = FETCHED, **members: Any) -> Event:
    value = raw_event(**{"fetched_at": FETCHED.isoformat(), "title": "A port opens", "content": SYRIA} | members)
    return Event(
        "raw", 0, offset, 0 if written is None else round(written.timestamp() * 1_000), b"k", orjson.dumps(value)
    )


def article_of(written: Sequence[OutputRecord]) -> dict[str, Any]:
    [article] = [orjson.loads(each.value or b"") for each in written if each.kind == "article"]
    assert isinstance(article, dict)
    return article


@pytest.mark.parametrize(
    ("written", "fetched", "first_seen"),
    [
        (FETCHED + timedelta(hours=3), FETCHED, FETCHED),
        (FETCHED, FETCHED + timedelta(days=400), FETCHED),
        (None, FETCHED + timedelta(days=4), FETCHED + timedelta(days=4)),
        (datetime(1999, 12, 31, tzinfo=UTC), FETCHED, FETCHED),
    ],
    ids=["fetched before", "fetched in the future", "unknown", "without a clock"],
)
def test_first_seen_is_when_it_was_fetched_and_never_after_its_record(
    make_runtime: MakeRuntime, written: datetime | None, fetched: datetime, first_seen: datetime
) -> None:
    items = process([event(1, written, fetched_at=fetched.isoformat())], make_runtime())
    records = output_records(items, "test")
    article = article_of(records)
    assert datetime.fromisoformat(article["first_seen"]) == first_seen
    assert datetime.fromisoformat(article["published"]["at"]) == first_seen  # it has no date of its own
    assert outcomes_of(items)["input.fetched-in-the-future"] == (fetched > first_seen)
    for each in records:
        assert datetime.fromisoformat(header(each.headers, "ce_time") or "") == first_seen
        assert datetime.fromisoformat(header(each.headers, "newsflow-decided-at") or "") == CLOCK


def test_the_clock_bounds_what_is_followed_and_a_file_what_is_in_it(make_runtime: MakeRuntime) -> None:
    ahead = event(1, None, fetched_at=(CLOCK + timedelta(days=1)).isoformat())
    following = article_of(output_records(process([ahead], make_runtime(follow=True)), "test"))
    assert datetime.fromisoformat(following["first_seen"]) == CLOCK
    of_a_file = make_runtime()
    of_a_file.latest = lambda: FETCHED
    from_file = article_of(output_records(process([ahead], of_a_file), "test"))
    assert datetime.fromisoformat(from_file["first_seen"]) == FETCHED


def test_a_state_that_claims_to_come_from_the_future_does_not_make_all_later_ones_stale(
    make_runtime: MakeRuntime,
) -> None:
    later = FETCHED + timedelta(hours=1)
    items = process(
        [
            event(1, FETCHED, fetched_at="2199-01-01T00:00:00Z"),
            event(2, later, fetched_at=later.isoformat(), content=SYRIA + " A second ship came."),
        ],
        make_runtime(),
    )
    assert [str(each.decision and each.decision.outcome) for each in items] == ["added", "replaced"]


def test_a_retry_at_another_time_says_the_same(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(follow=True)
    ahead = event(1, None, fetched_at=(CLOCK + timedelta(days=90)).isoformat())
    first = output_records(process([ahead], runtime), "test")
    assert isinstance(runtime.clock, Clock)
    runtime.clock.move(days=1)
    assert output_records(process([ahead], runtime), "test") == first


def test_an_edit_that_failed_is_no_repeat_when_it_is_sent_again(
    make_runtime: MakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime, later = make_runtime(), FETCHED + timedelta(hours=1)
    edit = {"fetched_at": later.isoformat(), "content": SYRIA + " A second ship came."}
    process([event(1)], runtime)
    with monkeypatch.context() as broken:
        broken.setattr("newsflow.ingest.steps.encode_article", lambda _: 1 // 0)
        process([event(2, later, **edit)], runtime)
    [again] = process([event(3, later, **edit)], runtime)
    assert again.decision is not None
    assert again.decision.outcome == "replaced"


# Alerts are for news.


def old(offset: int, **members: Any) -> Event:
    return event(offset, FETCHED + timedelta(hours=25), **members)


def alerts_of(runtime: Runtime) -> list[tuple[str, str]]:
    found = Outbox(runtime.ledger).alerts()
    return sorted((orjson.loads(each.value)["step"], each.deliveries[0].state) for each in found)


def kinds(written: Sequence[OutputRecord]) -> Counter[str]:
    return Counter(each.kind for each in written)


def test_an_alert_of_what_was_fetched_long_before_it_was_written_is_kept_and_not_sent(
    make_runtime: MakeRuntime,
) -> None:
    runtime = make_runtime()
    written = output_records(process([old(1)], runtime), "test")
    assert (kinds(written)["article"], kinds(written)["alert"]) == (1, 0)
    assert alerts_of(runtime) == [("first", "old")]
    assert Outbox(runtime.ledger).lease() == []
    # The same again says the same: nothing is published by a retry either.
    assert output_records(process([old(1)], runtime), "test") == written
    [kept] = Outbox(runtime.ledger).alerts(state="old")
    assert Outbox(runtime.ledger).resend(kept.id) == 1
    assert [each.id for each in Outbox(runtime.ledger).lease()] == [kept.id]


@pytest.mark.parametrize(
    ("written", "flags"),
    [(FETCHED + timedelta(hours=24), {}), (FETCHED + timedelta(days=9), {"alerts__fresh_h": 0}), (None, {})],
    ids=["a day", "switched off", "on files"],
)
def test_what_is_fresh_is_told_however_late_it_is_processed(
    make_runtime: MakeRuntime, written: datetime | None, flags: dict[str, Any]
) -> None:
    runtime = make_runtime(**flags)
    assert kinds(output_records(process([event(1, written)], runtime), "test"))["alert"] == 1
    assert alerts_of(runtime) == [("first", "pending")]


def test_a_dead_letter_that_is_replayed_is_as_old_as_it_was(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime()
    stamp = str(round(FETCHED.timestamp() * 1_000)).encode()
    replayed = replace(
        event(1, FETCHED + timedelta(days=30)),
        headers=(("newsflow.error.attempt", b"1"), ("newsflow.origin.timestamp", stamp)),
    )
    assert record_time(replayed) == FETCHED
    assert kinds(output_records(process([replayed], runtime), "test"))["alert"] == 1


@pytest.mark.parametrize("together", [True, False], ids=["one batch", "two batches"])
def test_news_takes_the_place_of_an_alert_that_was_old(make_runtime: MakeRuntime, together: bool) -> None:
    runtime = make_runtime()
    fresh = FETCHED + timedelta(hours=26)
    # The same but for its numbers: another report of the story, and no duplicate.
    report = SYRIA + "In the first days ships {} {} {} and {} unloaded wheat there, and a train took it to Homs."
    copy = event(
        2,
        fresh,
        url="https://other.example/port",
        source="other",
        fetched_at=fresh.isoformat(),
        content=report.format(11, 12, 13, 14),
    )
    before = old(1, content=report.format(1, 2, 3, 4))
    batches = [[before, copy]] if together else [[before], [copy]]
    written = [each for batch in batches for each in output_records(process(batch, runtime), "test")]
    articles = [orjson.loads(each.value or b"") for each in written if each.kind == "article"]
    assert len({each["story"] for each in articles}) == 1
    assert len(articles) == 2
    [alert] = [orjson.loads(each.value or b"") for each in written if each.kind == "alert"]
    assert alert["articles"][0]["source"] == "other"
    assert alerts_of(runtime) == [("first", "pending")]


@pytest.mark.parametrize("told", [True, False])
def test_the_withdrawal_of_what_was_told_is_told_however_old(make_runtime: MakeRuntime, told: bool) -> None:
    runtime = make_runtime()
    first = event(1) if told else old(1)
    late = FETCHED + timedelta(hours=1)
    gone = raw_event(
        url=None, title="A port opens", fetched_at=late.isoformat(), action="withdraw", content=None, content_type=None
    )
    gone |= {"url": orjson.loads(first.value or b"")["url"]}
    gone.pop("title")
    withdrawn = Event("raw", 0, 2, round((FETCHED + timedelta(days=9)).timestamp() * 1_000), b"k", orjson.dumps(gone))
    process([first], runtime)
    written = output_records(process([withdrawn], runtime), "test")
    assert kinds(written)["alert"] == told
    state = "pending" if told else "old"
    assert alerts_of(runtime) == [("first", state), ("withdrawn", state)]


def test_the_headers_say_how_old_an_article_is(make_runtime: MakeRuntime) -> None:
    [article, *_] = output_records(process([old(1)], make_runtime()), "test")
    said = Event("news.article.v1", 0, 0, 0, None, article.value, article.headers)
    assert fetched_before_written(said) == timedelta(hours=25)
    unknown = Event("news.article.v1", 0, 0, 0, None, None, (("newsflow-record-time", b"soon"), ("ce_time", b"2025")))
    assert fetched_before_written(unknown) == timedelta()


# The same again.


@pytest.mark.slow
def test_runs_a_day_apart_and_cut_elsewhere_say_the_same(make_runtime: MakeRuntime) -> None:
    events = [
        Event("raw", number % 3, number, round(at.timestamp() * 1_000), None, value)
        for number, (value, at) in enumerate(mixed_events(400))
    ]

    def run(clock: datetime, size: int) -> tuple[list[tuple[Any, ...]], Counter[str]]:
        runtime, counts, written = make_runtime(clock), Counter[str](), []
        for start in range(0, len(events), size):
            items = process(events[start : start + size], runtime)
            counts += outcomes_of(items)
            written += output_records(items, "test")
        return [_but_for_when_it_was_decided(each) for each in written], counts

    first, counts = run(CLOCK, 500)
    for clock, size in ((CLOCK + timedelta(days=1), 1), (CLOCK + timedelta(days=2), 7)):
        again, _ = run(clock, size)
        assert again == first
    outcomes = {name.removeprefix("outcome.") for name in counts if name.startswith("outcome.")}
    assert outcomes == {"added", "replaced", "withdrawn", "repeat", "stale", "duplicate", "dead-lettered"}
    assert counts["input.fetched-in-the-future"] > 5
    assert {"article", "feed", "alert", "duplicate", "debug", "dead-letter"} == {each[0] for each in first}


def _but_for_when_it_was_decided(record: OutputRecord) -> tuple[Any, ...]:
    headers = {
        name: value for name, value in record.headers if name not in ("newsflow-decided-at", "newsflow.error.time")
    }
    return record.kind, record.topic, record.key, record.value, headers, record.event_id
