"""Workers that a pool starts, instead of the TaskManagers."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from newsflow.processes import free_port
from tests.flink.stack import Events, FlinkRun

pytestmark = [pytest.mark.flink, pytest.mark.timeout(900)]


def test_a_job_runs_in_workers_of_a_pool(run: FlinkRun) -> None:
    run.create_topics()
    port = free_port()
    program = Path(sys.executable).with_name("newsflow-worker")
    pool = subprocess.Popen([program, "--pool", str(port)], stdin=subprocess.DEVNULL)
    try:
        run.start("--", "--environment_type=EXTERNAL", f"--environment_config=localhost:{port}")
        events = Events(run)
        events.publish(300)
        events.wait()
        assert run.stack.workers() == [], "no TaskManager has started one"
        run.stop()
    finally:
        pool.send_signal(signal.SIGTERM)
        assert pool.wait(60) == 0
