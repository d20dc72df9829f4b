"""Two workers share a topic's partitions; under load each is replaced by the next, as a rolling upgrade does: nothing is
lost, and nothing is written twice."""

from __future__ import annotations

import signal
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.corpus import raw_events
from newsflow.ledger import open_ledger
from newsflow.model.names import dead_letter_topic
from newsflow.tools.postgres import LocalPostgres
from tests.broker_helpers import RunningBroker
from tests.e2e.after_faults import check_all
from tests.e2e.job_process import JobProcess, decided
from tests.e2e.publisher import Publisher, with_dead_letters
from tests.fault_table import FaultTable
from tests.postgres_helpers import new_database

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(900)]
EVENTS, PUBLISH_S = 1_500, 60.0
SHARES = ("0,1", "2,3")
SMALL_BATCHES = {"NEWSFLOW_LIMITS__BATCH_RECORDS": "25", "NEWSFLOW_LIMITS__RUN_RECORDS": "100"}


@dataclass
class Share:
    """A worker of some partitions, and those that come after it."""

    job: JobProcess
    partitions: str

    @property
    def heartbeat(self) -> Path:
        return self.job.folder / f"beat-{self.partitions[0]}"

    def start(self) -> None:
        """Until its loop has turned, as a start-up probe waits."""
        self.heartbeat.unlink(missing_ok=True)
        self.job.start("--follow", "--partitions", self.partitions, "--heartbeat", str(self.heartbeat))
        self.job.wait_for(self.heartbeat.exists)

    def replace(self) -> None:
        """The old one drains and ends before the new one starts."""
        assert self.job.process is not None
        self.job.process.send_signal(signal.SIGTERM)
        assert self.job.wait(120) == 0, self.job.words()
        self.start()


def test_each_worker_is_replaced_under_load(
    topics_broker: RunningBroker, tmp_path: Path, postgres: LocalPostgres, fault_table: FaultTable
) -> None:
    broker, url = topics_broker, new_database(postgres)
    topic = broker.create_topic(broker.name("raw"), partitions=4)
    broker.create_topic(dead_letter_topic(topic))
    publisher = Publisher(
        broker.settings, topic, with_dead_letters(list(raw_events(EVENTS, seed=9, size_chars=900))), PUBLISH_S
    )
    shares = []
    for partitions in SHARES:
        folder = tmp_path / f"share-{partitions[0]}"
        folder.mkdir()
        job = JobProcess(broker, topic, folder, url, group=topic, environ=SMALL_BATCHES)
        shares.append(Share(job, partitions))
        shares[-1].start()
    publisher.start()
    replaced = 0
    for share in (*shares, *shares):
        before = decided(url)
        share.job.wait_for(lambda before=before: decided(url) > before)  # type: ignore[misc]
        share.replace()
        replaced += publisher.is_alive()
    assert replaced >= 2, "each was replaced while events flowed"
    publisher.hurry()
    publisher.join()
    shares[0].job.wait_for(lambda: shares[0].job.committed() >= EVENTS and decided(url) >= EVENTS)
    for share in shares:
        assert share.job.process is not None
        share.job.process.send_signal(signal.SIGTERM)
    assert [share.job.wait(120) for share in shares] == [0, 0]
    with closing(open_ledger(url)) as ledger:
        repeated = check_all(broker, ledger, topic)
        assert sum(ledger.outcomes().values()) == EVENTS
    assert repeated == 0, "what is drained is not done again"
    fault_table.add(f"two workers replaced {replaced} times under load", events=EVENTS, lost=0, repeated=repeated)
