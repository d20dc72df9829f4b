"""The outbox: order, retries, circuits; nothing lost while destinations come and go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsflow.alerts.delivery import Circuit, Drained, Drainer
from newsflow.alerts.outbox import Backlog, Outbox, PendingDelivery
from newsflow.alerts.senders.base import SENT, Attempt, DeliveryResult, refused, retry
from newsflow.backoff import Backoff
from newsflow.model import PendingAlert
from newsflow.testing import Clock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Entry:
    delivery: PendingDelivery
    due_at: datetime = NOON


@dataclass
class MemoryOutbox(Outbox):
    """What an outbox promises, in a list in the order of raising."""

    clock: Callable[[], datetime] = lambda: NOON
    entries: list[Entry] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)
    leases: int = 0

    def add(self, *names: str, destination: str = "hook") -> None:
        """Names like `desk-1`: subscription and number."""
        for name in names:
            self.entries.append(
                Entry(
                    PendingDelivery(name, name.partition("-")[0], destination, b'"' + name.encode() + b'"', 0),
                    self.clock(),
                )
            )

    def lease(
        self, limit: int = 100, *, lease_s: float = 60.0, destination: str | None = None
    ) -> list[PendingDelivery]:
        blocked: set[tuple[str, str]] = set()
        taken: list[PendingDelivery] = []
        for at, entry in enumerate(self.entries):
            line = (entry.delivery.destination, entry.delivery.subscription)
            if entry.due_at > self.clock():
                blocked.add(line)
            elif line not in blocked and destination in (None, line[0]) and len(taken) < limit:
                taken.append(entry.delivery)
                self.entries[at] = replace(entry, due_at=self.clock() + timedelta(seconds=lease_s))
        self.leases += 1
        return taken

    def release(self, deliveries: Sequence[tuple[str, str]]) -> None:
        for place in deliveries:
            self._change(place, due_at=self.clock())

    def backlog(self) -> list[Backlog]:
        found = {}
        for name in {entry.delivery.destination for entry in self.entries}:
            mine = [entry for entry in self.entries if entry.delivery.destination == name]
            heads: dict[str, Entry] = {}
            for entry in mine:
                heads.setdefault(entry.delivery.subscription, entry)
            found[name] = Backlog(name, len(mine), NOON, min(head.due_at for head in heads.values()))
        return list(found.values())

    def mark_sent(self, alert_id: str, destination: str, at: datetime, but: str | None = None) -> None:
        del self.entries[self._index((alert_id, destination))]

    def mark_failed(self, alert_id: str, destination: str, error: str, retry_at: datetime | None) -> None:
        self.errors[alert_id] = error
        at = self._index((alert_id, destination))
        if retry_at is None:
            del self.entries[at]
        else:
            entry = self.entries[at]
            tried = replace(entry.delivery, attempts=entry.delivery.attempts + 1)
            self.entries[at] = replace(entry, delivery=tried, due_at=retry_at)

    def ids(self) -> list[str]:
        return [entry.delivery.id for entry in self.entries]

    def _index(self, place: tuple[str, str]) -> int:
        places = [(entry.delivery.id, entry.delivery.destination) for entry in self.entries]
        return places.index(place)

    def _change(self, place: tuple[str, str], due_at: datetime) -> None:
        at = self._index(place)
        self.entries[at] = replace(self.entries[at], due_at=due_at)


@dataclass
class Double:
    """A sender that answers as it is told, and remembers."""

    answer: Callable[[PendingAlert], Attempt] = lambda _: SENT
    name: str = "hook"
    tried: list[str] = field(default_factory=list)
    got: list[str] = field(default_factory=list)

    def send(self, alert: PendingAlert) -> Attempt:
        self.tried.append(alert.id)
        attempt = self.answer(alert)
        if attempt.result is DeliveryResult.SENT:
            self.got.append(alert.id)
        return attempt


@dataclass
class SleepingClock(Clock):
    """Moves by what is slept."""

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.move(seconds=seconds)


def _drainer(sender: Double, clock: SleepingClock | None = None) -> Drainer:
    return Drainer(sender, clock=clock or SleepingClock(NOON), share=lambda: 1.0)


def test_alerts_go_in_the_order_they_were_raised() -> None:
    outbox, sender = MemoryOutbox(), Double()
    outbox.add("a-1", "b-1", "a-2", "a-3", "b-2")
    assert _drainer(sender).drain(outbox) == Drained(sent=5)
    assert sender.got == ["a-1", "b-1", "a-2", "a-3", "b-2"]
    assert outbox.entries == []


def test_a_failed_alert_holds_its_subscription_and_no_other() -> None:
    outbox, sender = MemoryOutbox(), Double(lambda alert: retry("busy") if alert.id == "a-1" else SENT)
    outbox.add("a-1", "a-2", "b-1")
    done = _drainer(sender).drain(outbox)
    assert sender.tried == ["a-1", "b-1"]
    assert (done.sent, done.retried, done.waiting, done.next_due) == (1, 1, 2, NOON + timedelta(seconds=1))
    assert outbox.errors == {"a-1": "busy"}


def test_a_refused_alert_is_set_aside_and_the_next_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    outbox, sender = MemoryOutbox(), Double(lambda alert: refused("too odd") if alert.id == "a-1" else SENT)
    outbox.add("a-1", "a-2")
    assert _drainer(sender).drain(outbox) == Drained(sent=1, refused=1)
    assert sender.got == ["a-2"]
    assert "set aside" in caplog.text


def test_waits_double_and_honour_retry_after() -> None:
    clock = SleepingClock(NOON)
    outbox = MemoryOutbox(clock)
    outbox.add("a-1")
    answers = iter([retry("1"), retry("2"), retry("3", retry_after_s=60), SENT])
    drainer = _drainer(Double(lambda _: next(answers)), clock=clock)
    waits = []
    while (done := drainer.drain(outbox)).next_due is not None:
        waits.append((done.next_due - clock.now).total_seconds())
        leases = outbox.leases
        assert drainer.drain(outbox).waiting == 1
        assert outbox.leases == leases, "nothing is tried, nor written, before it is due"
        clock.now = done.next_due
    assert waits == [1, 2, 60]


def test_a_pause_that_was_asked_for_holds_all_of_that_destination() -> None:
    outbox, sender = MemoryOutbox(), Double(lambda _: retry("slow down", retry_after_s=30))
    outbox.add("a-1", "b-1", "c-1")
    done = _drainer(sender).drain(outbox)
    assert sender.tried == ["a-1"]
    assert (done.retried, done.waiting, done.next_due) == (1, 3, NOON + timedelta(seconds=30))


def test_a_dead_destination_is_left_alone_then_tried_with_one_alert_then_drained_in_order() -> None:
    clock, sender = SleepingClock(NOON), Double(lambda _: retry("dead"))
    outbox = MemoryOutbox(clock)
    outbox.add(*(f"s{at}-1" for at in range(20)), *(f"s{at}-2" for at in range(20)))
    drainer = _drainer(sender, clock=clock)
    drainer.drain(outbox)
    assert len(sender.tried) == 5, "the circuit opened"
    for _ in range(4):
        clock.now = max(drainer.circuit.open_until, clock.now)
        before = len(sender.tried)
        drainer.drain(outbox)
        assert len(sender.tried) <= before + 1, "a probe, not a flood"
    sender.answer = lambda _: SENT
    while (done := drainer.drain(outbox)).next_due is not None:
        clock.now = max(done.next_due, clock.now)
    assert outbox.entries == []
    assert len(sender.got) == len(set(sender.got)) == 40
    for at in range(20):
        assert sender.got.index(f"s{at}-1") < sender.got.index(f"s{at}-2")


def test_a_dead_destination_holds_no_other_even_when_it_fills_the_outbox() -> None:
    outbox, dead, alive = MemoryOutbox(), Double(lambda _: retry("dead")), Double(name="mail")
    outbox.add(*(f"a-{at}" for at in range(500)))
    outbox.add("a-x", destination="mail")
    assert _drainer(dead).drain(outbox, limit=50).sent == 0
    assert _drainer(alive).drain(outbox, limit=50).sent == 1
    assert alive.got == ["a-x"]


@pytest.mark.allow_errors
def test_a_sender_with_a_mistake_of_its_own_loses_nothing() -> None:
    def broken(_: PendingAlert) -> Attempt:
        raise KeyError("oops")

    outbox = MemoryOutbox()
    outbox.add("a-1")
    assert _drainer(Double(broken)).drain(outbox).retried == 1
    assert outbox.errors["a-1"].startswith("the sender failed: KeyError")


def test_each_answer_is_written_down_before_the_outbox_can_break() -> None:
    class Breaking(MemoryOutbox):
        def mark_sent(self, alert_id: str, destination: str, at: datetime, but: str | None = None) -> None:
            super().mark_sent(alert_id, destination, at)
            if alert_id == "a-2":
                raise OSError("disk full")

    outbox = Breaking()
    outbox.add("a-1", "a-2", "a-3")
    with pytest.raises(OSError, match="disk full"):
        _drainer(Double()).drain(outbox)
    assert "a-1" not in outbox.ids()


def test_drain_goes_on_until_nothing_waits() -> None:
    clock = SleepingClock(NOON)
    outbox = MemoryOutbox(clock)
    answers = iter([retry("1"), retry("2"), SENT, SENT, SENT])
    outbox.add("a-1", "a-2", "b-1")
    sender = Double(lambda _: next(answers))
    done = _drainer(sender, clock=clock).drain_all(outbox, deadline_s=60, sleep=clock.sleep)
    assert (done.sent, done.retried, done.waiting, done.next_due) == (3, 2, 0, None)


def test_drain_ends_when_its_time_is_up() -> None:
    clock = SleepingClock(NOON)
    outbox = MemoryOutbox(clock)
    outbox.add("a-1", "a-2")
    drainer = _drainer(Double(lambda _: retry("dead")), clock=clock)
    done = drainer.drain_all(outbox, deadline_s=60, sleep=clock.sleep)
    assert done.sent == 0
    assert done.waiting == 2
    assert clock.now < NOON + timedelta(seconds=61)


def test_once_it_is_over_no_further_alert_is_begun() -> None:
    outbox, sender = MemoryOutbox(), Double()
    outbox.add("a-1", "a-2", "a-3")
    done = _drainer(sender).drain(outbox, over=lambda: len(sender.tried) >= 2)
    assert (done.sent, done.waiting, done.next_due) == (2, 1, NOON)


def test_what_a_dead_drainer_held_is_tried_again_after_its_lease() -> None:
    clock = SleepingClock(NOON)
    outbox, sender = MemoryOutbox(clock), Double()
    outbox.add("a-1", "a-2")
    outbox.lease(1, lease_s=60)
    drainer = _drainer(sender, clock=clock)
    assert drainer.drain(outbox).next_due == NOON + timedelta(seconds=60)
    assert sender.tried == []
    clock.sleep(60)
    assert drainer.drain(outbox).sent == 2
    assert sender.got == ["a-1", "a-2"]


def test_a_pass_ends_well_before_its_lease() -> None:
    clock = SleepingClock(NOON)
    outbox = MemoryOutbox(clock)

    def slow(_: PendingAlert) -> Attempt:
        clock.sleep(20)
        return SENT

    outbox.add("a-1", "a-2", "a-3")
    done = _drainer(Double(slow), clock=clock).drain(outbox)
    assert (done.sent, done.waiting) == (2, 1)


def test_backoff_grows_to_its_cap_and_is_spread() -> None:
    backoff = Backoff(base_s=1, cap_s=300)
    assert [backoff.delay_s(at, 1.0) for at in (1, 2, 3, 9, 10, 10_000)] == [1, 2, 4, 256, 300, 300]
    assert backoff.delay_s(3, 0.0) == 2


def test_a_circuit_opens_at_its_threshold_and_closes_on_success() -> None:
    circuit = Circuit(threshold=2)
    circuit.failed(NOON, 1.0)
    assert not circuit.is_open(NOON)
    circuit.failed(NOON, 1.0)
    assert circuit.is_open(NOON)
    assert not circuit.is_open(NOON + timedelta(seconds=1))
    circuit.succeeded()
    assert not circuit.is_open(NOON)


@pytest.mark.property
@given(
    names=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 50)), unique=True, max_size=30),
    answers=st.lists(st.sampled_from([SENT, SENT, retry("x"), retry("y", 5.0), refused("z")]), max_size=200),
)
def test_whatever_a_destination_answers_each_alert_arrives_once_in_order_or_is_set_aside(
    names: list[tuple[str, int]], answers: list[Attempt]
) -> None:
    clock = SleepingClock(NOON)
    outbox = MemoryOutbox(clock)
    alerts = [f"{letter}-{number}" for letter, number in names]
    outbox.add(*alerts)
    script = iter(answers)
    sender = Double(lambda _: next(script, SENT))
    drainer = _drainer(sender, clock=clock)
    while (done := drainer.drain(outbox, limit=7)).next_due is not None or done.sent + done.refused:
        clock.now = max(done.next_due or clock.now, clock.now)
    assert outbox.entries == []
    aside = {alert for alert in outbox.errors if alert not in sender.got}
    assert sorted([*sender.got, *aside]) == sorted(alerts)
    for letter in "abc":
        mine = [alert for alert in alerts if alert.startswith(letter) and alert not in aside]
        assert [alert for alert in sender.got if alert.startswith(letter)] == mine
