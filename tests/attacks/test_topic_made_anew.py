"""A topic is deleted and made anew on a real broker, at any moment: nothing of the new one is missed."""

from __future__ import annotations

import random
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from kafka import TopicPartition

from benchmarks.corpus import raw_events
from newsflow.errors import KafkaError
from newsflow.kafka.admin import apply_topics
from newsflow.kafka.client import Consumer, make_admin, make_consumer
from newsflow.kafka.lineage import Mark
from newsflow.kafka.producer import BatchWriter
from newsflow.kafka.reader import AvailableReader, Offsets, RunLimits
from newsflow.kafka.split import SplitReader
from newsflow.model.names import dead_letter_topic
from newsflow.model.topics import declared_topics
from newsflow.outages import outages
from tests.attack_counts import often
from tests.broker_helpers import RunningBroker
from tests.e2e.job_process import JobProcess, decided
from tests.rule_helpers import FEW_RULES

ROUNDS = often(25, 500)
JOB_ROUNDS = often(6, 40)
PARTITIONS = 2

pytestmark = [pytest.mark.e2e, pytest.mark.allow_errors]


class BoundedReading:
    """The local runner's reader, in turns; the group keeps its offsets."""

    def __init__(self, broker: RunningBroker, topic: str) -> None:
        consumer = make_consumer(broker.settings, group=topic, fetch_max_wait_ms=50, auto_offset_reset="none")
        self.counts: Counter[str] = Counter()
        self._reader = AvailableReader(consumer, topic, RunLimits(), counts=self.counts)
        self.close = self._reader.close

    def turn(self) -> list[bytes]:
        self._reader.plan()
        found = [event.value or b"" for batch in self._reader.batches() for event in batch]
        self._reader.finish()
        return found


class MergedReading(BoundedReading):
    """The same with bounds, and with runs so small that something is always fetched ahead."""

    def __init__(self, broker: RunningBroker, topic: str) -> None:
        super().__init__(broker, topic)
        self._reader._limits = RunLimits(batch_records=3, records=4)
        self._until: Offsets | None = None

    def turn(self) -> list[bytes]:
        if self._until is None or self._reader.plan(self._until).empty:
            self._until = self._reader.end_offsets()
            self._reader.plan(self._until)
        found = [event.value or b"" for batch in self._reader.batches() for event in batch]
        self._reader.finish()
        return found


class EndlessReading:
    """The reader of streaming runners; positions and marks are kept as a savepoint would, by topic."""

    kept: dict[str, tuple[Offsets, Any]] = {}  # noqa: RUF012

    def __init__(self, broker: RunningBroker, topic: str) -> None:
        quick = {"metadata_max_age_ms": 1000, "fetch_max_wait_ms": 50}
        consumer = make_consumer(broker.settings, group=topic, auto_offset_reset="none", **quick)
        self.counts: Counter[str] = Counter()
        self._topic, self._reader = topic, SplitReader(consumer, topic, 0, 1)
        self.close = self._reader.close

    def turn(self) -> list[bytes]:
        positions, marks = self.kept.get(self._topic, ({}, {}))
        reading = self._reader.read(positions, 500, marks)
        self.kept[self._topic] = reading.positions, reading.marks
        self._reader.finished(reading.positions, reading.marks)
        self.counts.update(reading.found)
        return [event.value or b"" for event in reading.events]


class Running:
    """A reader that reads in a thread: let run, paused, or ended and begun anew."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self.seen: Counter[bytes] = Counter()
        self.counts: Counter[str] = Counter()
        self._go, self._over = threading.Event(), False
        self._in_turn = threading.Lock()
        self._reader = make()
        self._go.set()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._over:
            self._go.wait(1)
            with self._in_turn:
                if not self._go.is_set() or self._over:
                    continue
                try:
                    found = self._reader.turn()
                except Exception:  # a topic that is missing, leaders that are not known yet: a job tries again
                    found = []
                self.seen.update(found)
            time.sleep(0.005)

    @contextmanager
    def out_of_the_way(self, how: str) -> Iterator[None]:
        if how == "running":
            yield
            return
        self._go.clear()
        with self._in_turn:
            if how == "stopped":
                self.counts.update(self._reader.counts)
                self._reader.close()
            yield
            if how == "stopped":
                self._reader = self._make()
        self._go.set()

    def close(self) -> None:
        self._over = True
        self._thread.join()
        self.counts.update(self._reader.counts)
        self._reader.close()


def make_topic(broker: RunningBroker, topic: str) -> None:
    """As an operator does who does not wait: the broker may still be deleting the old one."""
    deadline = time.monotonic() + 60
    with closing(make_admin(broker.settings)) as admin:
        while True:
            answer = admin.create_topics(
                {topic: {"num_partitions": PARTITIONS, "replication_factor": 1}}, raise_errors=False
            )
            if answer["topics"][0]["error_code"] == 0:
                admin.wait_for_topics([topic], timeout_ms=60_000)
                return
            assert time.monotonic() < deadline, answer
            time.sleep(0.05)


def delete_topic(broker: RunningBroker, topic: str) -> None:
    with closing(make_admin(broker.settings)) as admin:
        admin.delete_topics([topic])


def write(broker: RunningBroker, topic: str, values: list[bytes]) -> None:
    with closing(BatchWriter(broker.settings)) as writer:
        for number, value in enumerate(values):
            writer.send(topic, b"%d" % number, value)
        writer.flush()


def wait_for(reached: Callable[[], bool], words: Callable[[], object] = lambda: "", timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not reached():
        assert time.monotonic() < deadline, words()
        time.sleep(0.02)


@pytest.mark.attacks
@pytest.mark.timeout(5400)
@pytest.mark.parametrize("kind", [BoundedReading, MergedReading, EndlessReading])
def test_a_topic_is_made_anew_at_random_moments(
    broker: RunningBroker, kind: Any, record_property: Callable[[str, object], None]
) -> None:
    topic = broker.name("anew")
    make_topic(broker, topic)
    chance, moments = random.Random(15), Counter[str]()
    reader = Running(lambda: kind(broker, topic))
    missed: list[bytes] = []
    left: list[bytes] = []
    try:
        for number in range(ROUNDS):
            values = [b"%d-%d" % (number, n) for n in range(chance.randint(1, 120))]
            how = chance.choice(["running", "paused", "stopped"])
            moments[how] += 1
            with reader.out_of_the_way(how):
                if number:
                    time.sleep(chance.random() * 0.3)
                    delete_topic(broker, topic)
                    make_topic(broker, topic)
                write(broker, topic, values)
            wait_for(partial(all_seen, values, reader), lambda: "the reader does not get on")
            missed += missing(values, reader)
            # Some more, which may or may not be read before the topic goes.
            left += (tail := [b"%d-tail-%d" % (number, n) for n in range(chance.randint(0, 30))])
            write(broker, topic, tail)
    finally:
        reader.close()
    gone = len(missing(left, reader))
    figure = f"{ROUNDS} rounds ({', '.join(f'{n} {how}' for how, n in sorted(moments.items()))}), {len(missed)} lost"
    record_property("figure", f"{figure}, {gone} unread when their topic was deleted; {dict(reader.counts)}")
    assert missed == []
    assert reader.counts["input.made-anew"] >= 1


def all_seen(values: list[bytes], reader: Running) -> bool:
    return not missing(values, reader)


def missing(values: list[bytes], reader: Running) -> list[bytes]:
    return [value for value in values if not reader.seen[value]]


@pytest.mark.attacks
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", [BoundedReading, MergedReading, EndlessReading])
def test_brokers_without_topic_ids_do_not_hide_it(
    broker: RunningBroker, kind: Any, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    """By the digest of the last record; the broker here is made to give no ids, as before Kafka 2.8."""

    ask = Consumer.topic_id

    def none(self: Consumer, topic: str, timeout_ms: float) -> str | None:
        return None if ask(self, topic, timeout_ms) is None else ""

    monkeypatch.setattr(Consumer, "topic_id", none)
    monkeypatch.setattr("newsflow.kafka.lineage.LOOK_AT_RECORD_S", 0.5)
    topic = broker.name("anew")
    make_topic(broker, topic)
    reader = Running(lambda: kind(broker, topic))
    try:
        for number, how in enumerate(["running", "paused", "stopped", "paused"]):
            values = [b"%d-%d" % (number, n) for n in range(60 + number)]
            with reader.out_of_the_way(how):
                if number:
                    delete_topic(broker, topic)
                    make_topic(broker, topic)
                write(broker, topic, values)
            wait_for(partial(all_seen, values, reader), lambda: "the reader does not get on")
            time.sleep(1.2)  # until the last record was looked at
    finally:
        reader.close()
    record_property("figure", f"4 rounds, 0 lost; {dict(reader.counts)}")


@pytest.mark.attacks
@pytest.mark.timeout(1800)
def test_a_job_goes_on_when_its_topic_is_made_anew(
    broker: RunningBroker, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """The whole job: running, paused by SIGSTOP, stopped. Each event of each topic has its outcome."""
    apply_topics(broker.settings, declared_topics([path.stem for path in FEW_RULES]))
    topic = broker.name("anew")
    make_topic(broker, topic)
    broker.create_topic(dead_letter_topic(topic))
    url = f"sqlite:///{tmp_path}/ledger.sqlite3"
    job = JobProcess(broker, topic, tmp_path, url, topic)
    job.start("--follow")
    events = 0
    for number in range(JOB_ROUNDS):
        how = ["running", "paused", "stopped"][number % 3]
        assert job.process is not None
        if how == "paused":
            job.process.send_signal(signal.SIGSTOP)
        elif how == "stopped":
            job.process.send_signal(signal.SIGTERM)
            assert job.wait(60) == 0, job.words()
        if number:
            delete_topic(broker, topic)
            make_topic(broker, topic)
        # As many as before: neither the end nor the offsets show it.
        with closing(BatchWriter(broker.settings)) as writer:
            for key, value in raw_events(100, seed=number):
                writer.send(topic, key, value)
            writer.flush()
        events += 100
        job.process.send_signal(signal.SIGCONT) if how == "paused" else None
        job.start("--follow") if how == "stopped" else None
        job.wait_for(partial(has_decided, url, events))
    assert job.process is not None
    job.process.send_signal(signal.SIGTERM)
    assert job.wait(60) == 0, job.words()
    assert decided(url) == events
    said = len(re.findall(r"was deleted and made anew", job.words()))
    record_property("figure", f"{JOB_ROUNDS} rounds, {events} events, 0 lost; said {said} times")
    assert said >= PARTITIONS * (JOB_ROUNDS // 3)


def has_decided(url: str, events: int) -> bool:
    return decided(url) >= events


def test_the_group_keeps_the_topics_id_and_a_topic_that_is_missing_has_none(broker: RunningBroker) -> None:
    topic = broker.create_topic()
    write(broker, topic, [b"one"])
    with closing(BoundedReading(broker, topic)) as reading:
        assert reading.turn() == [b"one"]
    with closing(make_consumer(broker.settings, group=topic)) as consumer:
        kept = consumer.committed(TopicPartition(topic, 0), metadata=True)
        topic_id = consumer.topic_id(topic, timeout_ms=5000)
        assert (kept.offset, Mark.of(kept.metadata).topic_id, kept.leader_epoch) == (1, topic_id, 0)
        assert consumer.topic_id(broker.name("missing"), timeout_ms=5000) is None


@pytest.mark.attacks
def test_a_topic_that_is_deleted_for_good_is_waited_for_and_said(broker: RunningBroker) -> None:
    topic = broker.create_topic()
    write(broker, topic, [b"one"])
    with closing(BoundedReading(broker, topic)) as reading:
        assert reading.turn() == [b"one"]
        delete_topic(broker, topic)
        with pytest.raises(KafkaError, match=f"topic {topic} does not exist"):
            turn_until_it_fails(reading)
        assert outages.any(), "a job that follows waits for it"
        make_topic(broker, topic)
        write(broker, topic, [b"two"])
        wait_for(lambda: b"two" in turn_or_nothing(reading))
        assert not outages.any()


def turn_until_it_fails(reading: BoundedReading) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            reading.turn()
        except KafkaError as error:
            if "no answer for topic" not in str(error):  # as long as the client has not heard of it
                raise
        time.sleep(0.1)


def turn_or_nothing(reading: BoundedReading) -> list[bytes]:
    try:
        return reading.turn()
    except Exception:
        return []
