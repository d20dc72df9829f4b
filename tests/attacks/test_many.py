"""Very many at once: large pages, hostile ones, alerts. What grows with them is told apart from what stays."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import orjson
import psutil
import pytest

from newsflow.alerts.delivery import AlertDelivery
from newsflow.alerts.outbox import Outbox
from newsflow.alerts.planner import AlertPlanner
from newsflow.config.settings import Destination
from newsflow.kafka.producer import BatchWriter
from newsflow.ledger import open_ledger
from newsflow.ledger.sqlite import _CACHE_KIB
from newsflow.model.names import dead_letter_topic
from newsflow.routing import Match, Routes, Subscription
from newsflow.testing import raw_event
from newsflow.tools.receiver import Receiver, read_received
from tests.alerts.planner_helpers import MONDAY_NOON, reported
from tests.attack_counts import often
from tests.broker_helpers import RunningBroker
from tests.e2e.job_process import JobProcess
from tests.normalise.hostile_pages import PAGES
from tests.normalise.test_growth import LEAD, PIECES

MIB = 1 << 20
WORKER_MIB = 450
"""What the sandbox allows a worker."""

pytestmark = [pytest.mark.attacks, pytest.mark.timeout(7_200)]
Figure = Callable[[str, object], None]


@dataclass
class Held:
    """What a job's own process holds of what could leak."""

    memory_mib: float
    ledger_mib: float
    descriptors: int
    threads: int

    @classmethod
    def of(cls, job: JobProcess) -> Held:
        process = process_of(job)
        files = job.folder.glob("ledger.sqlite3*")
        ledger_mib = sum(file.stat().st_size for file in files) / MIB
        return cls(process.memory_info().rss / MIB, ledger_mib, process.num_fds(), process.num_threads())


@pytest.fixture
def job(topics_broker: RunningBroker, tmp_path: Path) -> Iterator[JobProcess]:
    topic = topics_broker.create_topic(topics_broker.name("raw"), partitions=2)
    topics_broker.create_topic(dead_letter_topic(topic))
    made = JobProcess(topics_broker, topic, tmp_path, f"sqlite:///{tmp_path}/ledger.sqlite3", topic)
    made.start("--follow")
    yield made
    if made.process is not None and made.process.poll() is None:
        made.kill()


def test_large_pages_leave_nothing_behind(job: JobProcess, record_property: Figure) -> None:
    pages, share = often(2_000, 100_000), 250
    held = []
    for first in range(0, pages, share):
        publish_pages(job, range(first, first + share))
        wait_for_events(job, first + share, pages)
        held.append(Held.of(job))
    # By half of it everything that is opened once is open.
    before, after = held[len(held) // 2 - 1], held[-1]
    record_property("figure", f"{pages:,} pages, {before.memory_mib:.0f} MiB before, {after.memory_mib:.0f} after")
    # SQLite keeps the pages of the ledger's file that it has read, up to a limit.
    assert after.memory_mib - before.memory_mib < min(after.ledger_mib - before.ledger_mib, _CACHE_KIB / 1024) + 50
    assert after.descriptors <= before.descriptors + 2
    assert after.threads <= before.threads + 2


def test_memory_is_bounded_on_the_hostile_set(job: JobProcess, record_property: Figure) -> None:
    texts = [LEAD + piece * (8_000_000 // len(piece.encode())) for piece in PIECES[:: often(6, 1)]]
    contents = [(make(), "text/html") for make in PAGES.values()] + [(text, "text/plain") for text in texts]
    events = [
        orjson.dumps(raw_event(url=f"https://p.example/{number}", content=content, content_type=kind))
        for number, (content, kind) in enumerate(contents)
        if is_unicode(content)
    ]
    values = [value for value in events if len(value) < 15 * MIB]
    assert len(values) > 50
    with closing(BatchWriter(job.broker.settings)) as writer:
        for value in values:
            writer.send(job.topic, b"k", value)
        writer.flush()
    peak_mib, workers_mib = 0.0, 0.0
    process = process_of(job)
    deadline = time.monotonic() + 3_000
    while events_of(job) < len(values):
        assert process.is_running(), job.words()
        assert time.monotonic() < deadline, job.words()
        peak_mib = max(peak_mib, peak_of(process))
        workers_mib = max([workers_mib, *map(peak_of, process.children())])
        time.sleep(0.2)
    record_property("figure", f"{len(values)} events, job {peak_mib:.0f} MiB, largest worker {workers_mib:.0f} MiB")
    assert peak_mib < 1024
    assert workers_mib < WORKER_MIB


def test_thousands_of_alerts_in_a_minute_arrive_once_and_in_order(tmp_path: Path, record_property: Figure) -> None:
    count = often(2_000, 10_000)
    subscription = Subscription("syria", Match(topics_any=frozenset({"sy"})), alert_to=("hook",))
    with (
        closing(open_ledger(f"sqlite:///{tmp_path}/ledger.sqlite3")) as ledger,
        Receiver(tmp_path / "received.jsonl") as receiver,
    ):
        planner = AlertPlanner(Routes(subscriptions=(subscription,)), ledger)
        articles = [reported(f"a{number}", story=f"s{number}") for number in range(count)]
        raised = sum(planner.take(articles[at : at + 500], MONDAY_NOON) for at in range(0, count, 500))
        assert raised == count
        outbox, began_s = Outbox(ledger), time.monotonic()
        hook = Destination("webhook", receiver.url, allow_private=True)
        with AlertDelivery(lambda: outbox, [("hook", hook)], last_drain_s=1_200):
            pass  # the last drain sends all of it
        minutes = (time.monotonic() - began_s) / 60
    received = read_received(tmp_path / "received.jsonl")
    record_property("figure", f"{count:,} alerts, {count / minutes:,.0f} a minute")
    assert [entry["alert"]["story"] for entry in received] == [f"s{number}" for number in range(count)]
    assert not any(entry["repeat"] for entry in received)


def is_unicode(text: str) -> bool:
    """Whether it has no lone surrogate, which JSON cannot carry."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def publish_pages(job: JobProcess, numbers: range) -> None:
    """Pages of 60 KB, each with words of its own."""
    with closing(BatchWriter(job.broker.settings)) as writer:
        for number in numbers:
            paragraphs = "".join(f"<p>{LEAD}{number}-{each} {LEAD}</p>" for each in range(280))
            page = f"<html><title>Harbour road {number}</title><body><article>{paragraphs}</article></body></html>"
            event = raw_event(url=f"https://p.example/{number}", content=page, content_type="text/html")
            writer.send(job.topic, str(number).encode(), orjson.dumps(event))
        writer.flush()


def wait_for_events(job: JobProcess, count: int, pages: int) -> None:
    job.wait_for(lambda: events_of(job) >= count, timeout_s=300 + pages / 5)


def events_of(job: JobProcess) -> int:
    with closing(open_ledger(job.ledger_url)) as ledger:
        return sum(ledger.outcomes().values())


def process_of(job: JobProcess) -> psutil.Process:
    assert job.process is not None
    return psutil.Process(job.process.pid)


def peak_of(process: psutil.Process) -> float:
    """The most memory it ever held, in MiB; 0 when it has ended."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0.0)
