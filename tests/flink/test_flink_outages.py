"""What the faults of test_flink_faults.py leave out: a cluster that forgets its jobs, a ledger that is away for long."""

from __future__ import annotations

from contextlib import closing

import pytest

from newsflow.ledger import open_ledger
from tests.e2e.after_faults import check_all
from tests.flink.stack import Events, FlinkRun, wait_until

AWAY_S = 150.0

pytestmark = [pytest.mark.flink, pytest.mark.timeout(1800)]


def test_a_job_whose_job_manager_was_lost_goes_on_from_the_last_checkpoint(run: FlinkRun) -> None:
    run.create_topics()
    events, flink = Events(run), run.stack.flink
    job = run.start()
    events.publish(300)
    events.wait()
    run.wait_until_written()  # offsets are committed with checkpoints: there is one now
    assert flink.job_manager is not None
    flink.job_manager.kill()
    flink.job_manager.wait()
    events.publish(200)
    flink.start_job_manager()
    flink.wait_for_slots(len(flink.task_managers))
    assert run.name not in run.newsflow("jobs", "list", "--all")

    kept = [path.parent for path in (flink.checkpoints / job).glob("chk-*/_metadata")]
    run.restore(max(kept, key=lambda path: int(path.name.removeprefix("chk-"))).as_uri())
    events.wait()
    check(run, events)


def test_a_ledger_that_is_away_for_longer_than_calls_wait_only_delays(run: FlinkRun) -> None:
    run.create_topics()
    events = Events(run)
    run.start()
    events.publish(300)
    events.wait()
    run.stack.postgres.stop()
    try:
        events.publish(300)
        # Calls give up then, bundles fail, and Flink starts the job again, as often as it takes.
        wait_until(lambda: "the ledger (postgresql) did not answer" in run.why(), AWAY_S, run.why)
    finally:
        run.stack.postgres.start()
    events.wait()
    check(run, events)


def check(run: FlinkRun, events: Events) -> None:
    run.stop()
    with closing(open_ledger(run.ledger_url)) as ledger:
        assert sum(ledger.outcomes().values()) == events.count
        check_all(run.stack.broker, ledger, run.topic)
