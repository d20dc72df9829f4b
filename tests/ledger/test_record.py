from __future__ import annotations

from dataclasses import replace

from newsflow.alerts.outbox import Outbox
from newsflow.ledger import Ledger
from newsflow.model import Candidate, Decision, PendingAlert, PublishedVersion
from newsflow.model.codec import encode_article
from newsflow.testing import Clock
from tests.ledger.ledger_helpers import HARBOUR, START, Wire


def record_of(
    candidate: Candidate, decision: Decision, *feeds: str, alerts: tuple[PendingAlert, ...] = ()
) -> PublishedVersion:
    article = decision.article
    assert article is not None
    return PublishedVersion(
        candidate.event.event_id, article.id, article.version, encode_article(article), feeds, alerts
    )


def test_first_record_wins(ledger: Ledger, wire: Wire, clock: Clock) -> None:
    candidate = wire.publish()
    [decision] = ledger.decide([candidate])
    first = record_of(candidate, decision, "syria")
    assert ledger.record([first]) == [first]
    clock.move(hours=1)
    changed = replace(first, value=b"other rules", feeds=("russia",))
    assert ledger.record([changed]) == [first]
    latest = ledger.latest_article(first.article_id)
    assert latest is not None
    assert (latest.value, latest.feeds, latest.recorded_at) == (first.value, ("syria",), START)


def test_later_version_goes_wherever_an_earlier_one_went(ledger: Ledger, wire: Wire) -> None:
    first, edit, end = wire.publish(), wire.publish(body=HARBOUR + " New words."), wire.withdraw()
    decisions = ledger.decide([first, edit, end])
    events = [first, edit, end]
    feeds = [("syria",), ("russia",), ()]
    stored = ledger.record([record_of(c, d, *f) for c, d, f in zip(events, decisions, feeds, strict=True)])
    assert [each.feeds for each in stored] == [("syria",), ("russia", "syria"), ("syria", "russia")]


def test_version_recorded_after_a_later_one_goes_nowhere(ledger: Ledger, wire: Wire) -> None:
    first, end = wire.publish(), wire.withdraw()
    one, two = ledger.decide([first, end])
    assert ledger.record([record_of(end, two)])[0].feeds == ()
    alert = PendingAlert("a" * 32, "desk", b"{}", ("hook",))
    late = ledger.record([record_of(first, one, "syria", alerts=(alert,))])
    assert (late[0].feeds, late[0].alerts) == ((), ())
    assert Outbox(ledger).lease() == []


def test_alert_is_raised_once_and_delivered_until_marked(ledger: Ledger, wire: Wire, clock: Clock) -> None:
    one, two = wire.publish(), wire.publish("https://tarsen.example/x", body="Short and other words entirely.")
    decisions = ledger.decide([one, two])
    alert = PendingAlert("a" * 32, "desk", b'{"n":1}', ("hook", "mail"))
    taken = replace(alert, value=b'{"n":2}')
    stored = ledger.record(
        [record_of(one, decisions[0], alerts=(alert,)), record_of(two, decisions[1], alerts=(taken,))]
    )
    assert [each.alerts for each in stored] == [(alert,), ()]
    due = Outbox(ledger).lease(limit=10)
    assert sorted((each.id, each.destination, each.value) for each in due) == [
        ("a" * 32, "hook", b'{"n":1}'),
        ("a" * 32, "mail", b'{"n":1}'),
    ]
    assert Outbox(ledger).lease() == [], "leased to the first asker"
    Outbox(ledger).mark_sent("a" * 32, "hook", clock())
    Outbox(ledger).mark_failed("a" * 32, "mail", "refused", clock.now.replace(hour=10))
    assert Outbox(ledger).lease() == []
    clock.move(hours=2)
    [again] = Outbox(ledger).lease()
    assert (again.destination, again.attempts) == ("mail", 1)
    Outbox(ledger).mark_failed("a" * 32, "mail", "refused for good", None)
    clock.move(hours=2)
    assert Outbox(ledger).lease() == []


def test_articles_pages_through_all_versions(ledger: Ledger, wire: Wire, clock: Clock) -> None:
    events = [
        wire.publish(f"https://velmora-post.example/{n}", body=f"Note number {n} of the day.") for n in range(1203)
    ]
    decisions = ledger.decide(events)
    records = [record_of(c, d) for c, d in zip(events, decisions, strict=True)]
    ledger.record(records[:700])
    clock.move(minutes=1)
    ledger.record(records[700:])
    assert sorted(each.value for each in ledger.articles()) == sorted(each.value for each in records)
    assert len(list(ledger.articles(since=clock()))) == 503
    ids = [each.article_id for each in records[:3]]
    assert sorted(each.article_id for each in ledger.articles(ids=ids)) == sorted(ids)
