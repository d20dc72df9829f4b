"""The outbox: order, retries, circuits; nothing lost while destinations come and go."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsflow.model import PendingAlert
from newsflow.sinks.circuit import Backoff, Circuit
from newsflow.sinks.outbox import Drained, Drainer
from newsflow.sinks.sending import SENT, Attempt, Fate, refused, retry

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Entry:
    alert: PendingAlert
    destination: str
    attempts: int = 0
    due_at: datetime = NOON


@dataclass
class MemoryOutbox:
    """What the ledger promises, in a list."""

    entries: list[Entry] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)

    def add(self, *names: str, destination: str = "hook") -> None:
        """Names like `desk-1`: subscription and number."""
        for name in names:
            alert = PendingAlert(name, name.partition("-")[0], name.encode(), (destination,))
            self.entries.append(Entry(alert, destination))

    def pending_alerts(self, limit: int, destination: str | None = None) -> Sequence[Entry]:
        return [entry for entry in self.entries if destination in (None, entry.destination)][:limit]

    def mark_alert_sent(self, alert_id: str, destination: str) -> None:
        self.entries.remove(self._entry(alert_id, destination))

    def mark_alert_failed(self, alert_id: str, destination: str, error: str, retry_at: datetime | None) -> None:
        entry = self._entry(alert_id, destination)
        self.errors[alert_id] = error
        if retry_at is None:
            self.entries.remove(entry)
        else:
            at = self.entries.index(entry)
            self.entries[at] = replace(entry, attempts=entry.attempts + 1, due_at=retry_at)

    def _entry(self, alert_id: str, destination: str) -> Entry:
        return next(each for each in self.entries if (each.alert.id, each.destination) == (alert_id, destination))


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
        if attempt.fate is Fate.SENT:
            self.got.append(alert.id)
        return attempt


@dataclass
class Clock:
    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.now += timedelta(seconds=seconds)


def _drainer(*senders: Double, clock: Clock | None = None) -> Drainer:
    return Drainer(senders, clock=clock or Clock(), share=lambda: 1.0)


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
    assert (done.sent, done.retried, done.waiting, done.next_due) == (1, 1, 1, NOON + timedelta(seconds=1))
    assert outbox.errors == {"a-1": "busy"}


def test_a_refused_alert_is_set_aside_and_the_next_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    outbox, sender = MemoryOutbox(), Double(lambda alert: refused("too odd") if alert.id == "a-1" else SENT)
    outbox.add("a-1", "a-2")
    assert _drainer(sender).drain(outbox) == Drained(sent=1, refused=1)
    assert sender.got == ["a-2"]
    assert "set aside" in caplog.text


def test_waits_double_and_honour_retry_after() -> None:
    clock, outbox = Clock(), MemoryOutbox()
    outbox.add("a-1")
    answers = iter([retry("1"), retry("2"), retry("3", retry_after_s=60), SENT])
    drainer = _drainer(Double(lambda _: next(answers)), clock=clock)
    waits = []
    while (done := drainer.drain(outbox)).next_due is not None:
        waits.append((done.next_due - clock.now).total_seconds())
        assert drainer.drain(outbox).waiting == 1, "nothing is tried before it is due"
        clock.now = done.next_due
    assert waits == [1, 2, 60]


def test_a_pause_that_was_asked_for_holds_all_of_that_destination() -> None:
    outbox, sender = MemoryOutbox(), Double(lambda _: retry("slow down", retry_after_s=30))
    outbox.add("a-1", "b-1", "c-1")
    done = _drainer(sender).drain(outbox)
    assert sender.tried == ["a-1"]
    assert (done.retried, done.waiting, done.next_due) == (1, 2, NOON + timedelta(seconds=30))


def test_a_dead_destination_is_left_alone_then_tried_with_one_alert_then_drained_in_order() -> None:
    clock, outbox, sender = Clock(), MemoryOutbox(), Double(lambda _: retry("dead"))
    outbox.add(*(f"s{at}-1" for at in range(20)), *(f"s{at}-2" for at in range(20)))
    drainer = _drainer(sender, clock=clock)
    drainer.drain(outbox)
    assert len(sender.tried) == 5, "the circuit opened"
    for _ in range(4):
        clock.now = max(drainer.circuits["hook"].open_until, clock.now)
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
    assert _drainer(dead, alive).drain(outbox, limit=50).sent == 1
    assert alive.got == ["a-x"]


def test_a_slow_destination_holds_no_other() -> None:
    released = threading.Event()

    def slow(_: PendingAlert) -> Attempt:
        assert released.wait(30), "the other destination was never served"
        return SENT

    def quick(_: PendingAlert) -> Attempt:
        released.set()
        return SENT

    outbox = MemoryOutbox()
    outbox.add("a-1")
    outbox.add("a-1", destination="mail")
    assert _drainer(Double(slow), Double(quick, name="mail")).drain(outbox).sent == 2


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
        def mark_alert_sent(self, alert_id: str, destination: str) -> None:
            super().mark_alert_sent(alert_id, destination)
            if alert_id == "a-2":
                raise OSError("disk full")

    outbox = Breaking()
    outbox.add("a-1", "a-2", "a-3")
    with pytest.raises(OSError, match="disk full"):
        _drainer(Double()).drain(outbox)
    assert "a-1" not in [entry.alert.id for entry in outbox.entries]


def test_drain_goes_on_until_nothing_waits() -> None:
    clock, outbox = Clock(), MemoryOutbox()
    answers = iter([retry("1"), retry("2"), SENT, SENT, SENT])
    outbox.add("a-1", "a-2", "b-1")
    sender = Double(lambda _: next(answers))
    done = _drainer(sender, clock=clock).drain_all(outbox, deadline_s=60, sleep=clock.sleep)
    assert (done.sent, done.retried, done.waiting, done.next_due) == (3, 2, 0, None)


def test_drain_ends_when_its_time_is_up() -> None:
    clock, outbox = Clock(), MemoryOutbox()
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
    assert (done.sent, len(outbox.entries)) == (2, 1)


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
    clock, outbox = Clock(), MemoryOutbox()
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
