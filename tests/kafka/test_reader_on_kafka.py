"""The bounded reader on a real broker: partitions are merged by time, however little a run may take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from random import Random

import pytest

from newsflow.kafka.client import make_consumer, make_producer
from newsflow.kafka.reader import AvailableReader, RunLimits
from tests.broker_helpers import RunningBroker

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
Place = tuple[int, int, int]
"""Time, partition, offset."""
BASE_MS = 1_700_000_000_000


@pytest.fixture
def topic(broker: RunningBroker) -> str:
    # Without end: these records are years old.
    return broker.create_topic(broker.name("merged"), 3, {"retention.ms": "-1"})


def write(broker: RunningBroker, topic: str, times: dict[int, list[int]]) -> list[Place]:
    """Write records with these times to the partitions; behind the last one an aborted transaction. Returns the merge."""
    for partition, log in times.items():
        with closing(make_producer(broker.settings, linger_ms=0)) as producer:
            for number, at in enumerate(log):
                producer.send(topic, value=b"x" * 200, partition=partition, timestamp_ms=BASE_MS + at)
                if number % 37 == 0:
                    producer.flush(30)  # batches of many sizes
            producer.flush(30)
    with closing(make_producer(broker.settings, transactional_id=topic)) as producer:
        producer.init_transactions()
        producer.begin_transaction()
        producer.send(topic, value=b"aborted", partition=max(times)).get(30)
        producer.abort_transaction()
    return list(merge({p: [(BASE_MS + at, p, o) for o, at in enumerate(log)] for p, log in times.items()}))


def merge(left: dict[int, list[Place]]) -> Iterator[Place]:
    while heads := [log[0] for log in left.values() if log]:
        yield left[min(heads)[1]].pop(0)


@pytest.mark.parametrize(
    "limits",
    [
        RunLimits(batch_records=5, records=12),
        RunLimits(batch_records=7, records=40, size_bytes=3_000),
        RunLimits(batch_records=50, records=10**6, duration_s=60),
    ],
    ids=["few", "few-bytes", "all"],
)
def test_runs_of_a_few_records_hand_out_the_merge(broker: RunningBroker, topic: str, limits: RunLimits) -> None:
    random = Random(5)
    # The second lies behind the others for long, and is not in order; the third has much at one time.
    times = {
        0: sorted(random.randint(0, 90_000) for _ in range(300)),
        1: [random.randint(60_000, 120_000) for _ in range(300)],
        2: sorted(random.choice([10_000, 50_000, 95_000]) for _ in range(200)),
    }
    expected = write(broker, topic, times)
    consumer = make_consumer(broker.settings, group=broker.name("reader"), fetch_max_wait_ms=100)
    found: list[Place] = []
    with closing(AvailableReader(consumer, topic, limits)) as reader:
        until = reader.end_offsets()
        assert until == {0: 300, 1: 300, 2: 202}
        with closing(make_producer(broker.settings)) as producer:
            producer.send(topic, value=b"later", partition=0, timestamp_ms=BASE_MS).get(30)
        runs = 0
        while not reader.plan(until).empty:
            runs += 1
            handed = []
            for batch in reader.batches():
                handed += [(event.timestamp_ms, event.partition, event.offset) for event in batch]
                if runs % 4 == 1:
                    reader.stop()  # the run ends after this batch
            reader._stop.clear()
            if runs % 5 == 2:
                continue  # it failed: the next run reads it again
            reader.finish()
            found += handed
        assert reader.finished == until
    assert found == expected
