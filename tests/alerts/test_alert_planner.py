"""The planner over the ledger: what the tables remember, and a day of three stories across quiet hours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, time, timedelta

import orjson
import pytest

from newsflow.alerts.delivery import Drainer
from newsflow.alerts.outbox import Outbox
from newsflow.alerts.planner import AlertPlanner
from newsflow.alerts.senders.base import SENT, Attempt, retry
from newsflow.alerts.values import Policy, QuietHours, Severity
from newsflow.ledger import Ledger, open_ledger
from newsflow.model import Action, Article, PendingAlert
from newsflow.routing import Match, Routes, Subscription
from newsflow.testing import Clock
from tests.alerts.planner_helpers import MONDAY_NOON, at, gone, reported


@pytest.fixture
def clock() -> Clock:
    return Clock(MONDAY_NOON)


@pytest.fixture
def ledger(clock: Clock) -> Iterator[Ledger]:
    opened = open_ledger("sqlite://", clock=clock)
    yield opened
    opened.close()


def _planner(ledger: Ledger, *subscriptions: Subscription) -> AlertPlanner:
    return AlertPlanner(Routes(subscriptions=subscriptions), ledger)


def _raised(ledger: Ledger) -> list[tuple[str, str, str]]:
    values = [orjson.loads(each.value) for each in Outbox(ledger).alerts()]
    return sorted((value["subscription"], value["step"], value["story"]) for value in values)


SYRIA = Subscription("syria", Match(topics_any=frozenset({"sy"})), alert_to=("hook",))


def test_articles_again_raise_nothing_again(ledger: Ledger, clock: Clock) -> None:
    planner = _planner(ledger, SYRIA)
    articles = [reported("a"), reported("b", "two"), reported("c", story="s2"), gone(reported("c", story="s2"))]
    assert planner.take(articles, clock()) == 3
    assert _planner(ledger, SYRIA).take(articles, clock()) == 0
    assert _raised(ledger) == [("syria", "first", "s1"), ("syria", "first", "s2"), ("syria", "withdrawn", "s2")]


def test_what_is_old_is_kept_for_the_record_and_its_story_goes_on_as_untold(ledger: Ledger, clock: Clock) -> None:
    planner = _planner(ledger, SYRIA)
    assert planner.take([reported("a")], clock(), old={0}) == 1
    assert planner.take([reported("b", "two")], clock(), old={0}) == 0, "one for the story"
    assert planner.tick(clock()) == 0
    assert Outbox(ledger).lease() == []
    [alert] = Outbox(ledger).alerts(state="old")
    # The end of what was never told is not told either.
    assert planner.take([gone(reported("a"))], clock(), old={0}) == 0
    assert planner.take([reported("c", "three")], clock()) == 1, "news takes its place"
    [sent] = Outbox(ledger).lease()
    assert (sent.id, len(orjson.loads(sent.value)["articles"])) == (alert.id, 3)
    assert Outbox(ledger).alerts(state="old") == []


def test_the_end_of_a_story_that_was_told_is_told_however_old(ledger: Ledger, clock: Clock) -> None:
    planner = _planner(ledger, SYRIA)
    assert planner.take([reported("a")], clock()) == 1
    assert planner.take([gone(reported("a"))], clock(), old={0}) == 1
    assert [each.deliveries[0].state for each in Outbox(ledger).alerts()] == ["pending", "pending"]


def test_a_batch_that_fails_is_not_taken_in(ledger: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    planner = _planner(ledger, SYRIA)
    with monkeypatch.context() as patch:
        patch.setattr("newsflow.alerts.planner.encode_alert", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            planner.take([reported("a")], clock())
    assert planner.take([reported("a")], clock()) == 1


def test_who_heard_of_an_article_hears_of_its_end_though_it_matches_no_more(ledger: Ledger, clock: Clock) -> None:
    planner = _planner(ledger, SYRIA)
    planner.take([reported("a")], clock())
    end = replace(gone(reported("a")), topics=())
    assert planner.take([end], clock()) == 1
    assert planner.take([replace(end, id="z", story="s9")], clock()) == 0, "whoever did not hear of it does not"


def test_subscriptions_hear_what_they_asked_for(ledger: Ledger, clock: Clock) -> None:
    lebanon = replace(SYRIA, id="lebanon", match=Match(topics_any=frozenset({"lb"})), severity=Severity.CRITICAL)
    silent = replace(SYRIA, id="silent", alert_to=())
    planner = _planner(ledger, SYRIA, lebanon, silent)
    assert planner.take([reported("a"), reported("b", story="s2", countries=("SY", "LB"))], clock()) == 3
    assert _raised(ledger) == [
        ("lebanon", "first", "s2"),
        ("syria", "first", "s1"),
        ("syria", "first", "s2"),
    ]


def test_what_waits_is_let_out_by_whoever_ticks_first(ledger: Ledger, clock: Clock) -> None:
    night = replace(SYRIA, policy=Policy(quiet=QuietHours("UTC", time(11), time(14))))
    assert _planner(ledger, night).take([reported("a"), reported("b", story="s2")], clock()) == 0
    clock.now = at(1)
    assert _planner(ledger, night).tick(clock()) == 0
    clock.now = at(2)
    assert _planner(ledger, night).tick(clock()) == 1
    assert _planner(ledger, night).tick(clock()) == 0
    assert _steps(ledger) == [("syria", "digest", 2)]


def _steps(ledger: Ledger) -> list[tuple[str, str, int]]:
    values = [orjson.loads(each.value) for each in Outbox(ledger).alerts()]
    return [(value["subscription"], value["step"], len(value["articles"])) for value in values]


def test_a_mute_holds_and_its_end_lets_out(ledger: Ledger, clock: Clock) -> None:
    planner = _planner(ledger, SYRIA)
    planner.mute("syria", at(5))
    assert planner.take([reported("a"), reported("b", story="s2")], clock()) == 0
    clock.now = at(1)
    planner.mute("syria", None)
    assert planner.tick(clock()) == 1
    assert _steps(ledger) == [("syria", "digest", 2)]


def test_a_subscription_that_is_gone_keeps_what_waits(ledger: Ledger, clock: Clock) -> None:
    planner = _planner(ledger, SYRIA)
    planner.mute("syria", at(1))
    planner.take([reported("a")], clock())
    clock.now = at(2)
    assert _planner(ledger).tick(clock()) == 0
    assert planner.tick(clock()) == 1


def test_stories_are_forgotten_in_the_end_but_not_told_twice(ledger: Ledger, clock: Clock) -> None:
    planner = _planner(ledger, SYRIA)
    planner.take([reported("a")], clock())
    clock.now = at(24 * 31)
    planner.tick(clock())
    assert planner.take([reported("a")], clock()) == 0, "its id is still taken"


OUTLETS = [f"outlet-{number}" for number in range(12)]
TITLES = {"s1": "مرفأ النورس يعيد فتح أبوابه", "s2": "Port strike enters second week", "s3": "Наводнение в долине"}
COUNTRIES = {"s1": ("SY", "RU"), "s2": ("SY",), "s3": ("RU",)}


def _day() -> list[tuple[datetime, Article]]:
    """60 articles of three stories from 12 outlets between 18:00 and 08:00, an edit and two withdrawals among them.

    Eight of the outlets print one agency's copy.
    """
    events = []
    for number in range(60):
        story = ("s1", "s2", "s3")[number % 3]
        outlet = OUTLETS[(number // 3) % 12]
        agency = "Northwire" if OUTLETS.index(outlet) < 8 else None
        name = f"{story}-{number // 3:02}"
        countries = COUNTRIES[story] + (("LB",) if name == "s1-17" else ())
        article = reported(name, outlet, story, agency=agency, countries=countries, title=TITLES[story])
        events.append((at(6) + timedelta(minutes=14 * number), article))
    edit = replace(events[0][1], version=2, action=Action.REPLACE, title=TITLES["s1"] + " (محدث)")
    events.append((at(7), edit))
    events += [(at(20, 30), gone(article)) for _, article in events if article.id == "s2-08"]
    events += [(at(21), gone(article)) for _, article in events if article.story == "s3" and article.version == 1]
    return sorted(events, key=lambda pair: pair[0])


SUBSCRIBERS = (
    Subscription("all-first", alert_to=("hook",)),
    Subscription("three-sources", Match(topics_any=frozenset({"ru"})), alert_to=("hook",), policy=Policy(sources=3)),
    Subscription(
        "sleeper",
        alert_to=("hook", "mail"),
        policy=Policy(
            quiet=QuietHours("Asia/Dubai", time(23), time(7)), update_sources=2, new_country=True,
            cool_down=timedelta(hours=1),
        ),
    ),
)  # fmt: skip
EXPECTED = {
    "all-first": [
        ("Mon 18:00", "first", "s1"),
        ("Mon 18:14", "first", "s2"),
        ("Mon 18:28", "first", "s3"),
        ("Tue 08:30", "update", "s2"),
        ("Tue 09:00", "update", "s3"),
        ("Tue 09:00", "withdrawn", "s3"),
    ],
    "three-sources": [
        ("Tue 00:18", "first", "s1"),
        ("Tue 00:46", "first", "s3"),
        ("Tue 09:00", "update", "s3"),
        ("Tue 09:00", "withdrawn", "s3"),
    ],
    "sleeper": [
        ("Mon 18:00", "first", "s1"),
        ("Mon 18:14", "first", "s2"),
        ("Mon 18:28", "first", "s3"),
        ("Tue 03:00", "digest", None),
        ("Tue 05:54", "update", "s1"),
        ("Tue 08:30", "update", "s2"),
        ("Tue 09:00", "update", "s3"),
        ("Tue 09:00", "withdrawn", "s3"),
    ],
}


class Flaky:
    """A destination that fails every third time and remembers what it took."""

    def __init__(self, name: str) -> None:
        self.name, self.tries, self.got = name, 0, list[PendingAlert]()

    def send(self, alert: PendingAlert) -> Attempt:
        self.tries += 1
        if self.tries % 3 == 0:
            return retry("busy")
        self.got.append(alert)
        return SENT


def test_a_day_of_three_stories_across_quiet_hours(ledger: Ledger, clock: Clock) -> None:
    hook, mail = Flaky("hook"), Flaky("mail")
    drainers = [Drainer(each, clock=clock) for each in (hook, mail)]
    for now, article in _day():
        while clock.now < now:
            clock.now = min(now, clock.now + timedelta(minutes=1))
            _planner(ledger, *SUBSCRIBERS).tick(clock())
            for drainer in drainers:
                drainer.drain(Outbox(ledger))
        planner = _planner(ledger, *SUBSCRIBERS)  # a restart before each article
        planner.take([article], clock())
        planner.take([article], clock())
    while dues := [due for each in drainers if (due := each.drain(Outbox(ledger)).next_due)]:
        clock.now = max(min(dues), clock.now)
    values = [(alert.subscription, orjson.loads(alert.value)) for alert in hook.got]
    found = {
        subscriber.id: [
            (f"{datetime.fromisoformat(value['at']):%a %H:%M}", value["step"], value.get("story"))
            for name, value in values
            if name == subscriber.id
        ]
        for subscriber in SUBSCRIBERS
    }
    for name, rows in found.items():
        for row in rows:
            print(f"{name:14} {row[0]}  {row[1]:10} {row[2] or 'several stories'}")
    assert found == EXPECTED
    assert [alert.id for alert in mail.got] == [alert.id for alert in hook.got if alert.subscription == "sleeper"]
    assert len({alert.id for alert in hook.got}) == len(hook.got)
