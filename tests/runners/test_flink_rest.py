"""The REST client against a scripted JobManager: which job is meant, what is said when something is wrong."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest

from newsflow.errors import FlinkError, UsageError
from newsflow.runners import flink as on_flink
from newsflow.runners import flink_rest as rest
from newsflow.runners.flink_rest import Failure, FlinkCluster, flink_name, same_job, stamped

RAISED_BY_A_WORKER = """\
org.apache.flink.runtime.taskmanager.AsynchronousException: Caught exception while processing timer.
\tat org.apache.flink.Task.run(Task.java:566)
Caused by: java.lang.RuntimeException: Error received from SDK harness for instruction 1: Traceback (most recent call last):
  File "newsflow/ledger/database.py", line 90, in run
    raise LedgerError(message)
newsflow.errors.LedgerError: away

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "apache_beam/runners/common.py", line 1512, in process
    work()
    ^^^^^^
newsflow.errors.LedgerError: away [while running 'Deduplicate/DecideBatch']

\tat org.apache.beam.Client.onNext(Client.java:180)
\t... 14 more
"""
"""As Flink keeps it, shortened."""


class JobManager:
    """Answers of a JobManager, by method and path; a list is answered one by one, its last for ever."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.asked: list[tuple[str, Any]] = []
        manager = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                asked = f"{self.command} {self.path}"
                manager.asked.append((asked, orjson.loads(body) if body else None))
                status, value = manager.take(asked)
                sent = value if isinstance(value, bytes) else orjson.dumps(value)
                self.send_response(status)
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            do_GET = do_POST = do_PATCH = answer  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.master = f"127.0.0.1:{self.server.server_port}"

    def take(self, asked: str) -> tuple[int, Any]:
        value = self.answers.get(asked, (404, {"errors": ["Not found."]}))
        if isinstance(value, list):
            value = value.pop(0) if len(value) > 1 else value[0]
        return value if isinstance(value, tuple) else (200, value)

    def failed(self, job_id: str, trace: str) -> None:
        entry = {"timestamp": 1_700_000_000_000, "stacktrace": trace}
        self.answers[f"GET /jobs/{job_id}/exceptions"] = {"exceptionHistory": {"entries": [entry]}}

    def jobs(self, *jobs: tuple[str, str, str]) -> None:
        self.answers["GET /jobs/overview"] = {
            "jobs": [
                {"jid": id_, "name": name, "state": state, "start-time": 1_000 * n, "duration": 5_000}
                | {"tasks": {"total": 2, "running": 2 * (state == "RUNNING")}}
                for n, (id_, name, state) in enumerate(jobs)
            ]
        }


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[JobManager]:
    monkeypatch.setattr(rest, "_POLL_S", 0.01)
    made = JobManager()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def test_jobs_are_found_by_id_start_of_id_or_name(manager: JobManager) -> None:
    manager.jobs(
        ("aaaa1111", "ingest-20261126T104500Z-1f3a", "FINISHED"),
        ("bbbb2222", "ingest-20261126T114500Z-2f3a", "RUNNING"),
        ("cccc3333", "trends-20261126T114500Z-3f3a", "RUNNING"),
    )
    cluster = FlinkCluster(manager.master)
    assert [job.id for job in cluster.jobs()] == ["cccc3333", "bbbb2222", "aaaa1111"]
    for which in ("bbbb2222", "bbbb", "ingest", "ingest-20261126T114500Z-2f3a"):
        assert cluster.job(which).id == "bbbb2222"
    assert cluster.job("aaaa").ended
    with pytest.raises(FlinkError, match=r"no job 'else' .* trends-.* \(cccc3333, RUNNING\)"):
        cluster.job("else")


def test_two_of_one_name_are_not_guessed_between(manager: JobManager) -> None:
    manager.jobs(
        ("aaaa1111", "ingest-20261126T104500Z-1f3a", "RUNNING"),
        ("bbbb2222", "ingest-20261126T114500Z-2f3a", "RUNNING"),
        ("cccc3333", "ingest-eu-20261126T114500Z-3f3a", "RUNNING"),
    )
    with pytest.raises(FlinkError, match="2 jobs"):
        FlinkCluster(manager.master).job("ingest")
    assert FlinkCluster(manager.master).job("ingest-eu").id == "cccc3333"


def test_stop_returns_the_savepoint_when_the_job_has_ended(manager: JobManager) -> None:
    manager.answers |= {
        "POST /jobs/aaaa1111/stop": (202, {"request-id": "r"}),
        "GET /jobs/aaaa1111/savepoints/r": [
            {"status": {"id": "IN_PROGRESS"}},
            {"status": {"id": "COMPLETED"}, "operation": {"location": "file:/sp/1"}},
        ],
    }
    manager.jobs(("aaaa1111", "ingest", "FINISHED"))
    assert FlinkCluster(manager.master).stop("aaaa1111", "file:///sp") == "file:/sp/1"
    assert manager.asked[0] == ("POST /jobs/aaaa1111/stop", {"drain": False, "targetDirectory": "file:///sp"})


def test_a_savepoint_that_fails_says_why_and_that_the_job_runs_on(manager: JobManager) -> None:
    trace = "java.util.concurrent.CompletionException: x\n\tat a.b(C.java)\nCaused by: java.io.IOException: disk full\n"
    manager.answers |= {
        "POST /jobs/a/stop": (202, {"request-id": "r"}),
        "GET /jobs/a/savepoints/r": {
            "status": {"id": "COMPLETED"},
            "operation": {"failure-cause": {"stack-trace": trace}},
        },
    }
    with pytest.raises(FlinkError, match=r"IOException: disk full; the job runs on"):
        FlinkCluster(manager.master).stop("a")


def test_a_savepoint_that_does_not_come_is_given_up(manager: JobManager) -> None:
    manager.answers |= {
        "POST /jobs/a/stop": (202, {"request-id": "r"}),
        "GET /jobs/a/savepoints/r": {"status": {"id": "IN_PROGRESS"}},
    }
    with pytest.raises(FlinkError, match=r"no savepoint of a after 0\.05 s; the job runs on"):
        FlinkCluster(manager.master).stop("a", timeout_s=0.05)


def test_cancel_waits_for_the_end(manager: JobManager) -> None:
    manager.answers["PATCH /jobs/aaaa1111?mode=cancel"] = (202, {})
    manager.jobs(("aaaa1111", "ingest", "CANCELED"))
    FlinkCluster(manager.master).cancel("aaaa1111")
    manager.jobs(("aaaa1111", "ingest", "CANCELLING"))
    with pytest.raises(FlinkError, match="still CANCELLING"):
        FlinkCluster(manager.master).cancel("aaaa1111", timeout_s=0.05)


def test_checkpoints_and_failures_are_read(manager: JobManager) -> None:
    cluster = FlinkCluster(manager.master)
    manager.answers["GET /jobs/a/checkpoints"] = {"latest": {"completed": None}}
    assert cluster.last_checkpoint("a") is None
    done = {"id": 7, "external_path": "file:/chk-7", "state_size": 1234, "latest_ack_timestamp": 1_700_000_000_000}
    manager.answers["GET /jobs/a/checkpoints"] = {"latest": {"completed": done}}
    found = cluster.last_checkpoint("a")
    assert found is not None
    assert (found.number, found.path, found.size_bytes) == (7, "file:/chk-7", 1234)
    manager.failed("a", "X: outer\n\tat y\nCaused by: Z: inner\n\tat w\n")
    assert cluster.failure("a") == Failure(datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC), "Z: inner")
    manager.failed("a", RAISED_BY_A_WORKER)
    assert cluster.last_failure("a") == "newsflow.errors.LedgerError: away [while running 'Deduplicate/DecideBatch']"


def test_refusals_and_strangers_are_named(manager: JobManager) -> None:
    cluster = FlinkCluster(manager.master)
    with pytest.raises(FlinkError, match=r"refuses GET /jobs/a/checkpoints \(404\): Not found"):
        cluster.last_checkpoint("a")
    manager.answers["GET /overview"] = b"<html>"
    with pytest.raises(FlinkError, match="not as Flink does"):
        cluster.overview()
    manager.answers["GET /overview"] = [[1]]
    with pytest.raises(FlinkError, match="not as Flink does"):
        cluster.overview()


def test_where_nothing_listens_that_is_said() -> None:
    from newsflow.processes import free_port

    with pytest.raises(FlinkError, match=r"no Flink at 127\.0\.0\.1:\d+: .*refused"):
        FlinkCluster(f"127.0.0.1:{free_port()}").overview()


@pytest.mark.parametrize("master", ["", "[local]", "[auto]"])
def test_magic_masters_are_refused(master: str) -> None:
    with pytest.raises(UsageError, match="HOST:PORT"):
        FlinkCluster(master)


def test_names_tell_starts_of_one_job_from_others() -> None:
    assert flink_name("eu", "ingest") == "eu"
    assert flink_name("eu", "trends") == "eu.trends"
    assert flink_name("trends", "trends") == "trends"
    assert flink_name("eu.trends", "trends") == "eu.trends"
    for name in ("ingest", "my.job-2"):
        assert same_job(stamped(name), name)
    assert not same_job(stamped("ingest-eu"), "ingest")
    assert not same_job(stamped("ingest.trends"), "ingest")
    assert not same_job("ingest", "ingest")


def test_a_task_manager_that_comes_a_little_later_is_waited_for(
    manager: JobManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = FlinkCluster(manager.master)
    monkeypatch.setattr(on_flink, "_POLL_S", 0.01)
    manager.jobs()
    none, two = {"slots-total": 0, "slots-available": 0}, {"slots-total": 2, "slots-available": 1}
    manager.answers["GET /overview"] = [none, none, two]
    assert on_flink._check_cluster(cluster, "ingest") == 1
    monkeypatch.setattr(on_flink, "TASK_MANAGERS_S", 0.0)
    manager.answers["GET /overview"] = none
    with pytest.raises(FlinkError, match="has no TaskManager"):
        on_flink._check_cluster(cluster, "ingest")
