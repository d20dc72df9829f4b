"""Lines of the outbox: each subscription hears from each destination in order, whoever sends."""

from __future__ import annotations

from datetime import timedelta

from newsflow.alerts.outbox import Outbox
from newsflow.ledger import Ledger
from newsflow.model import PendingAlert, PublishedVersion
from newsflow.testing import Clock
from tests.ledger.ledger_helpers import START, Wire


def _raise(ledger: Ledger, wire: Wire, *alerts: PendingAlert) -> None:
    """One batch of articles, one alert each."""
    candidates = [wire.publish(f"https://tarsen.example/{alert.id}", body=f"Body {alert.id}.") for alert in alerts]
    records = []
    for candidate, decision, alert in zip(candidates, ledger.decide(candidates), alerts, strict=True):
        assert decision.article is not None
        records.append(PublishedVersion(candidate.event.event_id, decision.article.id, 1, b"{}", (), (alert,)))
    ledger.record(records)


def _alert(name: str, *destinations: str) -> PendingAlert:
    return PendingAlert(name, name.partition("-")[0], b"{}", destinations or ("hook",))


def test_a_batch_keeps_the_order_it_was_raised_in(ledger: Ledger, wire: Wire) -> None:
    names = ["a-9", "a-1", "b-5", "a-7"]
    _raise(ledger, wire, *map(_alert, names))
    assert [each.id for each in Outbox(ledger).lease()] == names


def test_behind_a_delivery_that_waits_its_line_waits_and_no_other(ledger: Ledger, wire: Wire, clock: Clock) -> None:
    _raise(ledger, wire, _alert("a-1", "hook", "mail"), _alert("a-2", "hook", "mail"), _alert("b-1"))
    assert [each.id for each in Outbox(ledger).lease(1, destination="hook", lease_s=60)] == ["a-1"]
    assert [each.id for each in Outbox(ledger).lease(destination="hook")] == ["b-1"]
    assert [each.id for each in Outbox(ledger).lease(destination="mail")] == ["a-1", "a-2"]
    Outbox(ledger).mark_failed("a-1", "hook", "busy", clock() + timedelta(seconds=90))
    clock.move(seconds=61)
    assert [each.id for each in Outbox(ledger).lease(destination="hook")] == ["b-1"]
    clock.move(seconds=30)
    assert [(each.id, each.attempts) for each in Outbox(ledger).lease(destination="hook")] == [("a-1", 1), ("a-2", 0)]


def test_what_is_given_back_is_due_at_once(ledger: Ledger, wire: Wire) -> None:
    _raise(ledger, wire, _alert("a-1"), _alert("a-2"))
    leased = Outbox(ledger).lease()
    assert Outbox(ledger).lease() == []
    Outbox(ledger).release([(each.id, each.destination) for each in leased])
    assert Outbox(ledger).lease() == leased


def test_a_refused_delivery_does_not_hold_its_line(ledger: Ledger, wire: Wire) -> None:
    _raise(ledger, wire, _alert("a-1"), _alert("a-2"))
    Outbox(ledger).lease(1)
    Outbox(ledger).mark_failed("a-1", "hook", "too odd", None)
    assert [each.id for each in Outbox(ledger).lease()] == ["a-2"]


def test_the_backlog_tells_what_waits_and_when_the_head_of_a_line_is_due(
    ledger: Ledger, wire: Wire, clock: Clock
) -> None:
    assert Outbox(ledger).backlog() == []
    _raise(ledger, wire, _alert("a-1", "hook", "mail"), _alert("a-2", "hook"))
    Outbox(ledger).lease(1, destination="hook")
    Outbox(ledger).mark_failed("a-1", "hook", "busy", clock() + timedelta(seconds=5))
    waits = {each.destination: (each.deliveries, each.next_due) for each in Outbox(ledger).backlog()}
    assert waits == {"hook": (2, START + timedelta(seconds=5)), "mail": (1, START)}
    Outbox(ledger).mark_sent("a-1", "mail", clock())
    assert [each.destination for each in Outbox(ledger).backlog()] == ["hook"]
