"""`newsflow jobs`, against a scripted JobManager; tests/flink has the real one."""

from __future__ import annotations

import orjson
import pytest
from typer.testing import CliRunner

from newsflow.cli.app import app
from tests.runners.test_flink_rest import RAISED_BY_A_WORKER, JobManager, manager

__all__ = ["manager"]


@pytest.fixture
def listed(manager: JobManager) -> JobManager:
    """Two jobs: one as it should be, one that is begun again and again."""
    manager.jobs(("aaaa1111", "ingest", "RUNNING"), ("bbbb2222", "trends", "RESTARTING"))
    done = {"id": 7, "external_path": "file:/chk-7", "state_size": 1234, "latest_ack_timestamp": 1_700_000_000_000}
    manager.answers["GET /jobs/aaaa1111/checkpoints"] = {"latest": {"completed": done}}
    manager.answers["GET /jobs/bbbb2222/checkpoints"] = {"latest": None}
    manager.answers["GET /jobs/aaaa1111/exceptions"] = {"exceptionHistory": {"entries": []}}
    manager.failed("bbbb2222", RAISED_BY_A_WORKER)
    return manager


def test_a_list_says_why_a_job_was_begun_again(listed: JobManager) -> None:
    result = CliRunner().invoke(app, ["jobs", "list", "--flink-master", listed.master])
    assert result.stdout.splitlines() == [
        "bbbb2222  RESTARTING trends  0/2 tasks  no checkpoint",
        "    2023-11-14 22:13:20 UTC: newsflow.errors.LedgerError: away [while running 'Deduplicate/DecideBatch']",
        "aaaa1111  RUNNING    ingest  2/2 tasks  checkpoint 7, 1,234 bytes",
    ]


def test_a_list_for_programs(listed: JobManager) -> None:
    result = CliRunner().invoke(app, ["jobs", "list", "--flink-master", listed.master, "-o", "json"])
    trends, ingest = map(orjson.loads, result.stdout.splitlines())
    assert ingest["failure"] is None
    assert ingest["checkpoint"] == {"number": 7, "path": "file:/chk-7", "bytes": 1234}
    assert trends["checkpoint"] is None
    assert trends["failure"]["at"] == "2023-11-14T22:13:20+00:00"
    assert trends["failure"]["cause"].startswith("newsflow.errors.LedgerError")
