"""One job on Flink while everything under it is killed in turn, and events keep coming.

NEWSFLOW_FLINK_EVENTS and NEWSFLOW_FLINK_RATE set how many and how fast (20,000 at 200/s).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import closing

import pytest

from benchmarks.corpus import raw_events
from newsflow.kafka.client import make_consumer
from newsflow.ledger import open_ledger
from newsflow.model.names import ARTICLE_TOPIC
from newsflow.runners.flink import JobServer
from tests.e2e.after_faults import ACCEPTED, check_all
from tests.e2e.publisher import Publisher, with_dead_letters
from tests.fault_table import FaultTable
from tests.flink.stack import FlinkRun

EVENTS = int(os.environ.get("NEWSFLOW_FLINK_EVENTS", "20000"))
RATE = float(os.environ.get("NEWSFLOW_FLINK_RATE", "200"))

pytestmark = [pytest.mark.flink, pytest.mark.timeout(3600)]


class Torment:
    """Breaks one thing after another, each while its share of the events is being published."""

    def __init__(self, run: FlinkRun, table: FaultTable, job_server: JobServer) -> None:
        self.run, self._table, self._job_server = run, table, job_server
        self._faults: list[tuple[str, Callable[[], None]]] = [
            ("worker killed", self.kill_worker),
            ("TaskManager killed", self.kill_task_manager),
            ("job server killed", self.kill_job_server),
            ("broker killed", self.kill_broker),
            ("database restarted", self.restart_database),
            ("stopped with savepoint, restored", self.stop_and_restore),
            ("cancelled, cold start from group offsets", self.cold_start),
        ]
        share = EVENTS // len(self._faults)
        events = with_dead_letters(list(raw_events(share * len(self._faults), seed=8, size_chars=900)))
        self._shares = [events[start : start + share] for start in range(0, len(events), share)]
        self.published = 0

    def all(self) -> None:
        for (name, strike), events in zip(self._faults, self._shares, strict=True):
            self._one(name, strike, events)

    def _one(self, name: str, strike: Callable[[], None], events: list[tuple[bytes, bytes]]) -> None:
        """One fault amid its share of the events. It is recovered from when all that was published by the time it
        struck has its outcome; what an operator has to do for that counts in."""
        repeats = self._repeats()
        publisher = Publisher(self.run.stack.broker.settings, self.run.topic, events, len(events) / RATE)
        publisher.start()
        self.run.wait_until_decided(self.published + len(events) // 10)
        began, struck_at = time.monotonic(), self.published + publisher.sent
        strike()
        self.run.wait_until_decided(struck_at)
        recovery_s = time.monotonic() - began
        publisher.join()
        self.published += len(events)
        self.run.wait_until_decided(self.published)
        lost = self.published - self.run.decided()
        self._table.add(
            f"Flink: {name}", events=len(events), lost=lost, repeated=self._repeats() - repeats, recovery_s=recovery_s
        )

    def _repeats(self) -> int:
        """Records in the article topic beyond one for each accepted version, once all is written."""
        self.run.wait_until_written()
        with closing(open_ledger(self.run.ledger_url)) as ledger:
            outcomes = ledger.outcomes()
        accepted = sum(outcomes.get(outcome, 0) for outcome in ACCEPTED)
        return self._written() - accepted

    def _written(self) -> int:
        from kafka import TopicPartition

        with closing(make_consumer(self.run.stack.broker.settings)) as consumer:
            tps = [TopicPartition(ARTICLE_TOPIC, number) for number in consumer.partitions_for_topic(ARTICLE_TOPIC)]
            ends: dict[TopicPartition, int] = consumer.end_offsets(tps)
        return sum(ends.values()) - self._before

    _before = 0

    def begin(self) -> None:
        """Count from here what is written: other tests write to the article topic too."""
        self._before = self._written()

    def kill_worker(self) -> None:
        self.run.stack.workers()[0].kill()

    def kill_task_manager(self) -> None:
        flink = self.run.stack.flink
        victim = flink.task_managers.pop(0)
        victim.kill()
        victim.wait()
        flink.add_task_manager()  # as whatever supervises them does

    def kill_job_server(self) -> None:
        assert self._job_server.process is not None
        self._job_server.process.kill()

    def kill_broker(self) -> None:
        self.run.stack.kafka.kill()
        time.sleep(2)
        self.run.stack.kafka.up()

    def restart_database(self) -> None:
        self.run.stack.postgres.stop()
        time.sleep(2)
        self.run.stack.postgres.start()

    def stop_and_restore(self) -> None:
        self.run.restore(self.run.stop())

    def cold_start(self) -> None:
        self.run.cancel()
        self.run.start()


def test_nothing_is_lost_whatever_is_killed(run: FlinkRun, fault_table: FaultTable) -> None:
    run.create_topics()
    with JobServer(run.stack.cluster.master) as server:
        run.start("--", f"--job_endpoint={server.endpoint}")
        torment = Torment(run, fault_table, server)
        torment.begin()
        torment.all()
    run.stop()
    with closing(open_ledger(run.ledger_url)) as ledger:
        assert sum(ledger.outcomes().values()) == torment.published
        check_all(run.stack.broker, ledger, run.topic)
