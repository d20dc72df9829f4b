"""The stream from the beginning, with one worker process and with four that are killed: the same stories."""

from __future__ import annotations

import random
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from newsflow.ledger import open_ledger
from newsflow.ledger.story_links import stories_of
from newsflow.model.names import dead_letter_topic
from tests.broker_helpers import RunningBroker
from tests.e2e.job_process import JobProcess
from tests.ingest.story_streams import stories_stream
from tests.postgres_helpers import new_database

pytestmark = [pytest.mark.e2e, pytest.mark.faults, pytest.mark.timeout(900)]

EVENTS, PARTITIONS, KILLS = 400, 4, 10
ENVIRON = {
    "NEWSFLOW_LIMITS__BATCH_RECORDS": "20",
    "NEWSFLOW_LIMITS__RUN_RECORDS": "40",
    "NEWSFLOW_STORIES__ENCODER": "use",
}


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_one_worker_and_four_that_are_killed(
    database: str, topics_broker: RunningBroker, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    topic = topics_broker.create_topic(topics_broker.name("raw"), PARTITIONS, {"retention.ms": "-1"})
    topics_broker.create_topic(dead_letter_topic(topic))
    with closing(KafkaProducer(bootstrap_servers=topics_broker.bootstrap_servers)) as producer:
        for partition, events in enumerate(stories_stream(EVENTS, partitions=PARTITIONS)):
            for event in events:
                producer.send(topic, event.value, partition=partition, timestamp_ms=event.timestamp_ms)
        producer.flush()
    alone = JobProcess(topics_broker, topic, tmp_path, f"sqlite:///{tmp_path}/alone.sqlite3", f"{topic}.1", ENVIRON)
    alone.start("--until-caught-up")
    assert alone.wait(300) == 0, alone.words()

    url = f"sqlite:///{tmp_path}/ledger.sqlite3"
    if database == "postgresql":
        url = new_database(request.getfixturevalue("postgres"))
    open_ledger(url).close()
    workers = [_worker(topics_broker, topic, tmp_path / str(number), url) for number in range(PARTITIONS)]
    for number, worker in enumerate(workers):
        worker.start("--until-caught-up", "--partitions", str(number))
    draw, killed = random.Random(7), 0
    while any(worker.process is not None and worker.process.poll() is None for worker in workers):
        time.sleep(draw.uniform(0.5, 1.5))
        number = draw.randrange(PARTITIONS)
        worker = workers[number]
        if killed < KILLS:
            worker.kill()  # one that is done reads again what it had not committed
            worker.start("--until-caught-up", "--partitions", str(number))
            killed += 1
    assert killed == KILLS
    assert all(worker.wait(300) == 0 for worker in workers), "\n".join(worker.words()[-2000:] for worker in workers)
    last = _worker(topics_broker, topic, tmp_path / "last", url)
    last.start("--until-caught-up")
    assert last.wait(300) == 0, last.words()

    expected, found = _made(alone.ledger_url), _made(url)
    assert found == expected
    assert max(Counter(expected["stories"].values()).values()) >= 5
    assert any(kind == "merge" for kind, *_ in expected["log"])


def _worker(broker: RunningBroker, topic: str, folder: Path, url: str) -> JobProcess:
    folder.mkdir()
    return JobProcess(broker, topic, folder, url, f"{topic}.4", ENVIRON)


def _made(url: str) -> dict[str, Any]:
    """The story that each article is in, and the log of what was settled, byte for byte. Which of two copies is held
    back, and so gets a version more when the other one goes, depends on which came first."""
    sql = "SELECT kind, article_id, version, story, event_at, first_day, language, report FROM story_log"
    with closing(open_ledger(url)) as ledger:
        rows = ledger.transact(
            lambda db: db.query(f"{sql} WHERE kind IN ('join', 'merge') ORDER BY log_no"), writes=False
        )
        ids = {row[1] for row in rows}
        stories = ledger.transact(lambda db: stories_of(db, ids), writes=False)
        due = ledger.transact(lambda db: db.query("SELECT COUNT(*) FROM story_due")[0][0], writes=False)
    assert due == 0
    return {"stories": stories, "log": [(*row[:-1], bytes(row[-1])) for row in rows]}
