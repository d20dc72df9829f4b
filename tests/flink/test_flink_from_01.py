"""A job of 0.1 on Flink goes up to this release from 0.1's own savepoint, and back from the same one."""

from __future__ import annotations

import time
from contextlib import closing

import pytest

from newsflow.ledger import open_ledger
from newsflow.ledger.opening import open_database
from newsflow.tools.flink import SLOTS, LocalFlink
from tests.e2e.after_faults import TIMES, check_all
from tests.flink.stack import Events, FlinkRun, wait_until
from tests.upgrade.releases import Release, this_release, version_01

pytestmark = [pytest.mark.flink, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def v01(tmp_path_factory: pytest.TempPathFactory) -> Release:
    release = version_01(tmp_path_factory.mktemp("v01"))
    # Where the script newsflow-worker of this environment looks for what it starts.
    runners = release.home / "src" / "newsflow" / "runners"
    runners.mkdir()
    (runners / "__init__.py").touch()
    (runners / "worker.py").write_text("from newsflow.beam.worker import main\n")
    return release


def install(run: FlinkRun, release: Release) -> None:
    """On the TaskManagers, which are started anew, and where the commands are typed."""
    flink: LocalFlink = run.stack.flink
    count = len(flink.task_managers)
    for process in flink.task_managers:
        process.kill()
        process.wait()
    flink.task_managers.clear()
    time.sleep(10)  # The JobManager counts their slots until it misses them.
    run.environ = {"PYTHONPATH": str(release.home / "src")}
    run.settings = {"blobs": None} if release.name == "0.1" else {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", run.environ["PYTHONPATH"])
        for _ in range(count):
            flink.add_task_manager()
    flink.wait_for_slots(count * SLOTS)


def decided(run: FlinkRun) -> int:
    """Without opening the ledger as this release does, which would migrate it."""
    with closing(open_database(run.ledger_url)) as db:

        def count() -> int:
            return int(db.query("SELECT COUNT(*) FROM event")[0][0]) if db.has_table("event") else 0

        return db.run(count, writes=False)


def wait(run: FlinkRun, events: Events) -> None:
    wait_until(lambda: decided(run) >= events.count, 300, lambda: f"{decided(run)} of {events.count}; {run.why()}")


def test_a_savepoint_of_01_leads_up_and_back(run: FlinkRun, v01: Release) -> None:
    run.create_topics()
    run.newsflow("ledger", "migrate", "--back-to", "5")
    events = Events(run)
    try:
        install(run, v01)
        run.start("--parallelism", "2")
        events.publish(300)
        wait(run, events)
        savepoint = run.stop()

        events.publish(200)
        install(run, this_release())
        run.newsflow("ledger", "migrate")
        run.restore(savepoint)
        wait(run, events)
        run.cancel()

        run.newsflow("ledger", "migrate", "--back-to", "5")
        install(run, v01)
        events.publish(100)
        run.restore(savepoint)
        wait(run, events)
        run.stop()
    finally:
        run.end()
        install(run, this_release())
    with closing(open_ledger(run.ledger_url)) as ledger:
        assert sum(ledger.outcomes().values()) == events.count
        check_all(run.stack.broker, ledger, run.topic, but=TIMES)
