"""What a cluster may do to its readers and writers: refuse a topic, throttle, delete, cut off, hand the group on."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import ACL, ACLOperation, ACLPermissionType, ResourcePattern, ResourceType

from benchmarks.corpus import raw_events
from newsflow.errors import MissingToolError
from newsflow.kafka.admin import apply_topics
from newsflow.kafka.client import make_admin, make_consumer
from newsflow.kafka.lineage import LOOK_S
from newsflow.kafka.producer import BatchWriter
from newsflow.kafka.reader import AvailableReader, RunLimits
from newsflow.kafka.split import SplitReader
from newsflow.model.names import dead_letter_topic
from newsflow.model.topics import declared_topics
from newsflow.processes import free_port
from newsflow.tools.broker import LocalBroker
from tests.attack_counts import often
from tests.broker_helpers import RunningBroker
from tests.conftest import LIBS
from tests.e2e.after_faults import check_all_of
from tests.e2e.job_process import JobProcess
from tests.rule_helpers import FEW_RULES

pytestmark = [pytest.mark.e2e, pytest.mark.attacks, pytest.mark.allow_errors, pytest.mark.timeout(600)]

EVERYBODY = "User:ANONYMOUS"


@pytest.fixture
def governed(tmp_path: Path) -> Iterator[LocalBroker]:
    """A broker that obeys access lists and quotas. Its own listener is a superuser's."""
    properties = {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "true",
    }
    local = LocalBroker(tmp_path / "kafka", free_port(), libs=LIBS, properties=properties)
    try:
        local.up()
    except MissingToolError as error:
        pytest.skip(str(error))
    yield local
    local.kill()


def job_on(broker: RunningBroker, folder: Path, **environ: str) -> JobProcess:
    apply_topics(broker.settings, declared_topics([path.stem for path in FEW_RULES]))
    topic = broker.create_topic(broker.name("raw"), partitions=2)
    broker.create_topic(dead_letter_topic(topic))
    return JobProcess(broker, topic, folder, f"sqlite:///{folder}/ledger.sqlite3", topic, environ)


def publish(job: JobProcess, count: int, seed: int = 0) -> None:
    with closing(BatchWriter(job.broker.settings)) as writer:
        for key, value in raw_events(count, seed=seed):
            writer.send(job.topic, key, value)
        writer.flush()


def stop(job: JobProcess) -> None:
    assert job.process is not None
    job.process.send_signal(signal.SIGTERM)
    assert job.wait(90) == 0, job.words()


def acl(topic: str, operation: Any, permission: Any) -> ACL:
    return ACL(EVERYBODY, "*", operation, permission, ResourcePattern(ResourceType.TOPIC, topic))


@pytest.mark.parametrize("operation", ["read its input", "write one of its feeds", "write its dead letters"])
def test_a_job_is_denied_one_topic(
    governed: LocalBroker, tmp_path: Path, operation: str, record_property: Callable[[str, object], None]
) -> None:
    """It says which and ends; nothing is committed that was not written. With the right back, it makes all up for."""
    broker = RunningBroker(governed.status().bootstrap_servers)
    job = job_on(broker, tmp_path, NEWSFLOW_LIMITS__ATTEMPTS="2")
    denied = {
        "read its input": acl(job.topic, ACLOperation.READ, ACLPermissionType.DENY),
        "write one of its feeds": acl("news.topic.syria.v1", ACLOperation.WRITE, ACLPermissionType.DENY),
        "write its dead letters": acl(dead_letter_topic(job.topic), ACLOperation.WRITE, ACLPermissionType.DENY),
    }[operation]
    publish(job, 120)
    with closing(BatchWriter(broker.settings)) as writer:
        writer.send(job.topic, b"k", b"not JSON")
        writer.flush()
    with closing(make_admin(broker.settings)) as admin:
        admin.create_acls([denied])
        job.start("--until-caught-up")
        assert job.wait(240) == 1, job.words()
        assert denied.resource_pattern.resource_name in job.words(), job.words()
        assert "uthoriz" in job.words() or "not allowed" in job.words()
        admin.delete_acls([denied])
    job.start("--until-caught-up")
    assert job.wait(240) == 0, job.words()
    repeated = check_all_of(job)
    record_property("figure", f"121 events, 0 lost, {repeated} repeated")


def test_a_job_is_throttled(
    governed: LocalBroker, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Quotas of some kilobytes a second: it is slow, not stuck, and takes it for no outage that counts."""
    broker = RunningBroker(governed.status().bootstrap_servers)
    job = job_on(broker, tmp_path, NEWSFLOW_LIMITS__ATTEMPTS="1")
    publish(job, 200)
    with closing(make_admin(broker.settings)) as admin:
        set_quota(admin, {"producer_byte_rate": 60_000.0, "consumer_byte_rate": 60_000.0})
        began = time.monotonic()
        job.start("--follow", "--heartbeat", str(tmp_path / "heartbeat"))
        job.wait_for(lambda: job.decided() == 200, timeout_s=300)
        throttled_s = time.monotonic() - began
        stop(job)
    assert check_all_of(job) == 0
    record_property("figure", f"200 events in {throttled_s:.0f} s, 0 lost, 0 repeated")


def set_quota(admin: Any, quotas: Mapping[str, float]) -> None:
    from kafka.protocol.admin import AlterClientQuotasRequest

    entry = AlterClientQuotasRequest.EntryData
    request = AlterClientQuotasRequest(
        entries=[
            entry(
                entity=[entry.EntityData(entity_type="client-id", entity_name=None)],
                ops=[entry.OpData(key=key, value=value, remove=False) for key, value in quotas.items()],
            )
        ],
        validate_only=False,
    )
    response = admin._manager.run(admin._manager.send, request, admin._manager.least_loaded_node())
    assert [each.error_code for each in response.entries] == [0], response


class Turns:
    """Both readers by the same name: all there is now."""

    def __init__(self, kind: str, broker: RunningBroker, topic: str) -> None:
        consumer = make_consumer(
            broker.settings, group=topic, fetch_max_wait_ms=50, metadata_max_age_ms=500, auto_offset_reset="none"
        )
        self.counts: Counter[str] = Counter()
        self._bounded = AvailableReader(consumer, topic, RunLimits(batch_records=10, records=10), counts=self.counts)
        self._endless = SplitReader(consumer, topic, 0, 1) if kind == "endless" else None
        self._until: Any = None
        self._merges = kind == "merged"
        self._positions: Any = {}
        self._marks: Any = {}
        self.close = consumer.close

    def read(self, most: int = 10) -> list[bytes]:
        if self._endless is not None:
            reading = self._endless.read(self._positions, most, self._marks)
            self._positions, self._marks = reading.positions, reading.marks
            self.counts.update(reading.found)
            return [event.value or b"" for event in reading.events]
        if self._merges and (self._until is None or self._bounded.plan(self._until).empty):
            self._until = self._bounded.end_offsets()
        self._bounded.plan(self._until)
        found = [event.value or b"" for batch in self._bounded.batches() for event in batch]
        self._bounded.finish()
        return found

    def until(self, wanted: bytes, timeout_s: float = 60) -> list[bytes]:
        found: list[bytes] = []
        deadline = time.monotonic() + timeout_s
        while wanted not in found:
            assert time.monotonic() < deadline, found[-5:]
            try:
                found += self.read()
            except Exception:
                time.sleep(0.2)
        return found


def write_each(broker: RunningBroker, topic: str, values: list[bytes]) -> None:
    """One batch a record: deletion and truncation may then come between any two."""
    with closing(BatchWriter(broker.settings)) as writer:
        for value in values:
            writer.send(topic, None, value)
            writer.flush()


@pytest.mark.parametrize("kind", ["bounded", "merged", "endless"])
def test_retention_overtakes_the_reader(
    broker: RunningBroker, kind: str, caplog: pytest.LogCaptureFixture, record_property: Callable[[str, object], None]
) -> None:
    """While it reads: what is in its hand may be more than what the broker still has, and nothing is counted wrong."""
    topic = broker.create_topic()
    rounds = often(5, 50)
    with closing(Turns(kind, broker, topic)) as turns:
        seen: list[bytes] = []
        for number in range(rounds):
            write_each(broker, topic, [b"%d-%d" % (number, n) for n in range(30)])
            seen += turns.read()
            with closing(make_admin(broker.settings)) as admin:
                admin.delete_records({TopicPartition(topic, 0): number * 31 + 30})
            write_each(broker, topic, [b"%d-last" % number])
            seen += turns.until(b"%d-last" % number)
    lost = 31 * rounds - len(set(seen))
    assert len(seen) == len(set(seen))
    assert turns.counts["input.lost"] == lost
    assert (lost > 0) == ("were deleted before they were read" in caplog.text)
    record_property("figure", f"{rounds} rounds, {31 * rounds} records, {lost} deleted unread, all counted")


@pytest.mark.parametrize("grown", [False, True], ids=["offset beyond the end", "grown past the offset"])
@pytest.mark.parametrize("kind", ["bounded", "merged", "endless"])
def test_brokers_cut_off_what_was_read(
    own_broker: LocalBroker, kind: str, grown: bool, record_property: Callable[[str, object], None]
) -> None:
    """As an unclean election does: the new leader has less of the log, under a new epoch, and takes other records."""
    broker = RunningBroker(own_broker.status().bootstrap_servers)
    topic = broker.create_topic()
    with closing(Turns(kind, broker, topic)) as turns:
        write_each(broker, topic, [b"%d" % n for n in range(60)])
        turns.until(b"59")
        time.sleep(LOOK_S + 0.1)
        turns.read()
        cut_off(own_broker, topic, keep=0.5)
        others = [b"other %d" % n for n in range(60 if grown else 5)]
        write_each(broker, topic, others)
        found = turns.until(others[-1])
        missed = [value for value in others if value not in found]
    record_property("figure", f"{len(others)} records of the new leader, {len(missed)} missed; {dict(turns.counts)}")
    assert missed == []
    assert turns.counts["input.truncated"] >= 1
    assert "input.made-anew" not in turns.counts


def cut_off(local: LocalBroker, topic: str, keep: float) -> None:
    local.kill()
    [file] = (local.directory).glob(f"**/{topic}-0/00000000000000000000.log")
    size = file.stat().st_size
    os.truncate(file, round(size * keep))  # recovery drops the batch that is cut through
    local.up()


@pytest.mark.parametrize("grows", ["bounded", "endless"])
def test_partitions_are_added_while_it_reads(broker: RunningBroker, grows: str) -> None:
    topic = broker.create_topic(partitions=1)
    with closing(Turns(grows, broker, topic)) as turns:
        write_each(broker, topic, [b"first"])
        turns.until(b"first")
        with closing(make_admin(broker.settings)) as admin:
            admin.create_partitions({topic: 4})
            admin.wait_for_topics([topic], timeout_ms=60_000)
        with closing(BatchWriter(broker.settings)) as writer:
            for number in range(40):
                writer.send(topic, b"%d" % number, b"later %d" % number)
            writer.flush()
        found: list[bytes] = []
        deadline = time.monotonic() + 60
        while len(set(found)) < 40:
            assert time.monotonic() < deadline, found
            found += turns.read()
    assert turns.counts["input.partitions-added"] == 3


def test_another_member_takes_the_group(
    broker: RunningBroker, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Somebody's consumer joins the job's group, and Kafka takes offsets of its members alone: the job goes on."""
    job = job_on(broker, tmp_path, NEWSFLOW_LIMITS__ATTEMPTS="2")
    publish(job, 50)
    job.start("--follow")
    job.wait_for(lambda: job.decided() == 50)
    member = KafkaConsumer(
        job.topic, bootstrap_servers=broker.bootstrap_servers, group_id=job.group, enable_auto_commit=False
    )
    over = threading.Event()
    polling = threading.Thread(target=lambda: [member.poll(timeout_ms=200) for _ in iter(over.is_set, True)])
    polling.start()
    try:
        job.wait_for(lambda: bool(member.assignment()))
        publish(job, 50, seed=1)
        job.wait_for(lambda: job.decided() == 100)
        job.wait_for(lambda: f"group {job.group}" in job.words() and "another program" in job.words())
        publish(job, 50, seed=2)
        job.wait_for(lambda: job.decided() == 150)
    finally:
        over.set()
        polling.join()
        member.close()
    publish(job, 10, seed=3)
    job.wait_for(lambda: job.decided() == 160)
    job.wait_for(lambda: job.committed() == 160)
    stop(job)
    repeated = check_all_of(job)
    record_property("figure", f"160 events, 0 lost, {repeated} repeated")


def test_the_broker_is_away_longer_than_any_limit(
    own_broker: LocalBroker, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """`limits.attempts` ends a job for what repeating cannot mend, and not for a partner that restarts."""
    away_s = often(40, 600)
    broker = RunningBroker(own_broker.status().bootstrap_servers)
    job = job_on(broker, tmp_path, NEWSFLOW_LIMITS__ATTEMPTS="1")
    publish(job, 20)
    job.start("--follow", "--heartbeat", str(tmp_path / "heartbeat"))
    job.wait_for(lambda: job.decided() == 20)
    job.wait_for((tmp_path / "heartbeat").exists)  # since its first turn
    own_broker.kill()
    oldest = 0.0
    for _ in range(away_s):
        time.sleep(1)
        assert job.process is not None
        assert job.process.poll() is None, job.words()
        oldest = max(oldest, time.time() - (tmp_path / "heartbeat").stat().st_mtime)
    own_broker.up()
    publish(job, 20, seed=1)
    job.wait_for(lambda: job.decided() == 40, timeout_s=180)
    said = job.words().count("is unavailable since")
    stop(job)
    record_property("figure", f"{away_s} s away, said {said} times, heartbeat at most {oldest:.0f} s old, 0 lost")
    assert 1 <= said <= away_s // 60 + 2
    assert "answers again" in job.words()
