"""What a subscriber got, and how soon, from what the ledger recorded."""

from __future__ import annotations

from datetime import timedelta

from newsflow.alerts.account import Delays, account_of
from newsflow.alerts.outbox import Outbox
from newsflow.alerts.state import SubscriberState, WithheldAlert
from newsflow.ledger import Ledger
from newsflow.model import Candidate, PendingAlert, PublishedVersion
from newsflow.model.codec import encode_article
from newsflow.testing import Clock
from tests.ledger.ledger_helpers import HARBOUR, Wire

LATE = timedelta(minutes=15)


def record(ledger: Ledger, candidate: Candidate, feeds: tuple[str, ...], *alerts: PendingAlert) -> None:
    [decision] = ledger.decide([candidate])
    assert decision.article is not None
    article = decision.article
    version = PublishedVersion(
        candidate.event.event_id, article.id, article.version, encode_article(article), feeds, alerts
    )
    ledger.record([version])


def told(name: str, *, old: bool = False) -> PendingAlert:
    return PendingAlert(name, "desk", b"{}", ("hook", "mail"), old)


def test_what_was_published_delivered_suppressed_withheld_and_late(ledger: Ledger, wire: Wire, clock: Clock) -> None:
    own = "subscriber.desk"
    start = clock()
    clock.move(seconds=60)
    record(ledger, wire.publish(), ("syria", own), told("first"), told("stale", old=True))
    clock.move(seconds=3600)
    changed = wire.publish(body=HARBOUR.replace("310", "320"), fetched=1)
    record(ledger, changed, (own,), told("second"))
    record(
        ledger,
        wire.publish("https://other.example/1", "Another feed's."),
        ("syria", "subscriber.desk-2"),
    )
    ledger.decide([wire.publish("https://copy.example/1", HARBOUR.replace("310", "320"), source="copycat", fetched=2)])
    outbox = Outbox(ledger)
    outbox.mark_sent("first", "hook", clock())
    outbox.mark_sent("second", "hook", clock() + timedelta(seconds=2))
    outbox.mark_failed("second", "mail", "no such box", None)
    waits = SubscriberState(withheld={"s1": WithheldAlert("quiet", clock() + LATE)})
    sql = "INSERT INTO alert_subscriber (subscription, next_tick_at, state) VALUES (?, NULL, ?)"
    ledger.transact(lambda db: db.execute(sql, ["desk", waits.to_json()]))

    made = ledger.transact(lambda db: account_of(db, "desk", start, clock(), LATE), writes=False)

    assert (made.published, made.articles, made.copies) == ({"add": 1, "replace": 1}, 1, 1)
    assert made.alerts == 3
    assert made.deliveries == {
        ("hook", "sent"): 2, ("mail", "pending"): 1, ("mail", "failed"): 1, ("hook", "old"): 1, ("mail", "old"): 1
    }  # fmt: skip
    assert made.in_state("old") == 2
    assert made.withheld == {"quiet": 1}
    assert list(made.feed_delays.seconds) == [60, 3600]
    assert made.feed_delays.late == 1
    assert list(made.alert_delays.seconds) == [2, 3600]
    assert (made.alert_delays.late, made.alert_delays.at(0.5)) == (1, 2)

    before = ledger.transact(lambda db: account_of(db, "desk", start - LATE, start, LATE), writes=False)
    assert (before.published, before.copies, before.alerts, before.alert_delays.at(0.5)) == ({}, 0, 0, None)


def test_delays_are_nearest_ranks() -> None:
    made = Delays.of([1_000_000 * each for each in range(100, 0, -1)], timedelta(seconds=90))
    assert [made.at(share) for share in (0.5, 0.9, 0.99, 1)] == [50, 90, 99, 100]
    assert made.late == 10
    assert Delays.of([-5], LATE).at(0.5) == 0, "no clock makes it earlier than at once"
