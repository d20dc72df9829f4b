"""The same page on another engine: Beam's Prism, with the endless source. Skipped where Go cannot build it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
import uuid
from pathlib import Path

import psutil
import pytest

from benchmarks.corpus import raw_events
from newsflow.kafka.producer import BatchWriter
from newsflow.ledger import open_ledger
from newsflow.model import Event, Outcome
from newsflow.model.codec import encode_article
from newsflow.model.names import ARTICLE_TOPIC, dead_letter_topic
from newsflow.tools.programs import exclusive
from tests.alerts.planner_helpers import reported
from tests.broker_helpers import RunningBroker
from tests.e2e.after_faults import ACCEPTED, check_all, mine
from tests.e2e.job_process import JobProcess, check_repeats
from tests.e2e.test_dead_sink import kept, log, newsflow, write_settings
from tests.e2e.test_dead_sink import wait_until as wait_until_kept

VERSION = "v2.77.0"
PLACE = Path(__file__).resolve().parents[2] / ".newsflow" / "prism"


@pytest.fixture(scope="session")
def prism() -> Path:
    """The Prism binary: NEWSFLOW_PRISM, else one that Go builds once a checkout (some minutes)."""
    given = os.environ.get("NEWSFLOW_PRISM")
    if given:
        return Path(given)
    binary = PLACE / "prism"
    PLACE.mkdir(parents=True, exist_ok=True)
    with exclusive(PLACE / "lock"):
        if not binary.is_file():
            _build(binary)
    return binary


def _build(binary: Path) -> None:
    if shutil.which("go") is None:
        pytest.skip("no Go to build Prism with; name a binary with NEWSFLOW_PRISM")
    package = f"github.com/apache/beam/sdks/v2/go/cmd/prism@{VERSION}"
    environ = {**os.environ, "GOBIN": str(binary.parent)}
    built = subprocess.run(["go", "install", package], env=environ, capture_output=True, text=True, check=False)
    if not binary.is_file():
        pytest.skip(f"Go could not build {package}: {built.stderr[-300:]}")


@pytest.mark.e2e
@pytest.mark.prism
@pytest.mark.timeout(900)
def test_ingest_streams_on_prism(topics_broker: RunningBroker, prism: Path, tmp_path: Path) -> None:
    topic = topics_broker.create_topic(topics_broker.name("raw"), partitions=2)
    url = f"sqlite:///{tmp_path}/ledger.sqlite3"
    job = JobProcess(topics_broker, topic, tmp_path, url, topic)
    publish(topics_broker, topic, 300, seed=1)
    job.start("--follow", "--", "--runner=PrismRunner", f"--prism_location={prism}", "--environment_type=LOOPBACK")
    try:
        wait_for_events(url, 300, job)
        publish(topics_broker, topic, 200, seed=2)  # while it runs: the source is endless
        wait_for_events(url, 500, job)
        ledger = open_ledger(url)
        outcomes = ledger.outcomes()
        ledger.close()
        accepted = outcomes[Outcome.ADDED] + outcomes.get(Outcome.REPLACED, 0)
        wait_until(lambda: len(written(topics_broker, topic)) >= accepted, job)
        assert len(check_repeats(written(topics_broker, topic))) == accepted
        assert sum(outcomes.values()) == 500
    finally:
        end(job)


@pytest.mark.e2e
@pytest.mark.prism
@pytest.mark.timeout(900)
def test_killed_on_prism_it_goes_on_at_the_groups_offsets(
    topics_broker: RunningBroker, prism: Path, tmp_path: Path
) -> None:
    topic = topics_broker.create_topic(topics_broker.name("raw"), partitions=2)
    topics_broker.create_topic(dead_letter_topic(topic))
    url = f"sqlite:///{tmp_path}/ledger.sqlite3"
    job = JobProcess(topics_broker, topic, tmp_path, url, topic)
    arguments = ("--runner", "prism", "--follow", "--", f"--prism_location={prism}", "--environment_type=LOOPBACK")
    publish(topics_broker, topic, 200, seed=3)
    job.start(*arguments)
    wait_for_events(url, 100, job)
    assert job.process is not None
    kill_all(job.process)
    publish(topics_broker, topic, 200, seed=4)
    job.start(*arguments)
    try:
        wait_for_events(url, 400, job)
        ledger = open_ledger(url)
        try:
            accepted = sum(ledger.outcomes().get(outcome, 0) for outcome in ACCEPTED)
            wait_until(lambda: len(check_repeats(written(topics_broker, topic))) >= accepted, job)
            assert sum(ledger.outcomes().values()) == 400
            check_all(topics_broker, ledger, topic)
        finally:
            ledger.close()
    finally:
        end(job)


def end(job: JobProcess) -> None:
    """SIGTERM; Prism may be slow to let go."""
    assert job.process is not None
    job.process.send_signal(signal.SIGTERM)
    try:
        job.wait(30)
    except subprocess.TimeoutExpired:
        kill_all(job.process)


def kill_all(process: subprocess.Popen[bytes]) -> None:
    """Kill the command alone: the Prism it has started ends with it."""
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    assert psutil.wait_procs(children, 15)[1] == []


@pytest.mark.e2e
@pytest.mark.prism
@pytest.mark.timeout(900)
def test_deliver_streams_on_prism(broker: RunningBroker, prism: Path, tmp_path: Path) -> None:
    """One job with a branch for each sink; one of them is away the whole time, and holds no other."""
    group, story = f"test-{uuid.uuid4().hex}", uuid.uuid4().hex
    (tmp_path / "routes.yaml").write_text("version: 1\nroutes: [{id: all, stores: [archive, second, away]}]\n")
    write_settings(tmp_path, broker, group, "postgresql://127.0.0.1:1/none?connect_timeout=1")
    with (tmp_path / "newsflow.yaml").open("a") as file:
        file.write(f"  second: 'sqlite:///{tmp_path}/second.sqlite3'\n")
    assert newsflow(tmp_path, "kafka", "apply").wait(120) == 0
    runner = ("--", "--runner=PrismRunner", f"--prism_location={prism}", "--environment_type=LOOPBACK")
    process = newsflow(tmp_path, "run", "deliver", "--follow", *runner)
    try:
        writer = BatchWriter(broker.settings)
        for at in range(30):
            article = reported(f"{story}-{at}", f"outlet-{at}", story)
            writer.send(ARTICLE_TOPIC, article.id.encode(), encode_article(article))
        writer.flush()
        wait_until_kept(lambda: "away is unavailable, next try in" in log(tmp_path), process)
        for store in ("archive", "second"):
            wait_until_kept(lambda store=store: kept(tmp_path / f"{store}.sqlite3", story) == 30, process)  # type: ignore[misc]
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            kill_all(process)


def written(broker: RunningBroker, topic: str) -> list[Event]:
    return mine(broker.read(ARTICLE_TOPIC), topic)


def publish(broker: RunningBroker, topic: str, count: int, seed: int) -> None:
    writer = BatchWriter(broker.settings)
    for number, (key, value) in enumerate(raw_events(count, seed=seed, size_chars=600)):
        writer.send(topic, key, value.replace(b"/news/", b"/news/%d-" % seed), (("n", b"%d" % number),))
    writer.flush()


def wait_for_events(url: str, count: int, job: JobProcess) -> None:
    def reached() -> bool:
        if not Path(url.removeprefix("sqlite:///")).exists():
            return False
        ledger = open_ledger(url)
        try:
            return sum(ledger.outcomes().values()) >= count
        finally:
            ledger.close()

    wait_until(reached, job)


def wait_until(reached: object, job: JobProcess, timeout_s: float = 180) -> None:
    assert callable(reached)
    deadline = time.monotonic() + timeout_s
    while not reached():
        assert job.process is not None
        assert job.process.poll() is None, job.words()[-3000:]
        assert time.monotonic() < deadline, job.words()[-3000:]
        time.sleep(0.5)
