"""Flink's REST interface, as far as newsflow needs it. Works against session and application clusters alike."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import urllib3

from newsflow.errors import FlinkError, UsageError, in_words
from newsflow.secrets import secrets_of
from newsflow.shown import keep_secret

Method = Literal["GET", "POST", "PATCH"]
ENDED = frozenset({"FINISHED", "CANCELED", "FAILED", "SUSPENDED"})
"""States that a job does not leave."""
_TIMEOUT_S = 20.0
_POLL_S = 0.3
_PYTHON = "Traceback (most recent call last):"


def flink_name(config_job: str, definition: str) -> str:
    """What a job is called on Flink, which tells jobs apart by ids alone: as configured, followed by the name of its
    definition where that is not the main one."""
    named = definition in ("ingest", config_job) or config_job.endswith(f".{definition}")
    return config_job if named else f"{config_job}.{definition}"


def stamped(name: str) -> str:
    """A name that no other start of a job has: `ingest-20261126T104500Z-1f3a`."""
    return f"{name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:4]}"


def same_job(stamped_name: str, name: str) -> bool:
    """Tell whether `stamped` made this name from `name`."""
    return re.fullmatch(re.escape(name) + r"-\d{8}T\d{6}Z-[0-9a-f]{4}", stamped_name) is not None


@dataclass(frozen=True, slots=True)
class FlinkJob:
    """One job of a cluster. `state` as Flink says it: RUNNING, RESTARTING, FINISHED, CANCELED, FAILED, …"""

    id: str
    name: str
    state: str
    started: datetime
    duration_s: float
    tasks: int
    tasks_running: int

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def working(self) -> bool:
        return self.state == "RUNNING" and self.tasks == self.tasks_running > 0


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A completed checkpoint of a job."""

    number: int
    path: str
    size_bytes: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job was last restarted, or ended."""

    at: datetime
    cause: str


class FlinkCluster:
    """The cluster whose JobManager answers at `master`, HOST:PORT or a URL. Every call may block for seconds.

    Raises `FlinkError` when it does not answer, refuses, or does not know the job.
    """

    def __init__(self, master: str) -> None:
        text = master.strip().rstrip("/")
        if not text or text.startswith("["):
            raise UsageError(f"--flink-master {master!r}: accepted are HOST:PORT or a URL of a JobManager's REST port")
        self.url = text if "://" in text else f"http://{text}"
        keep_secret(*secrets_of(self.url))
        self.master = self.url.partition("://")[2]
        self._http = urllib3.PoolManager(retries=urllib3.Retry(2, backoff_factor=0.5), timeout=_TIMEOUT_S)

    def overview(self) -> dict[str, Any]:
        """`flink-version`, `slots-total`, `slots-available`, `taskmanagers` …"""
        return self._call("GET", "/overview")

    def jobs(self) -> list[FlinkJob]:
        """All jobs the cluster remembers, the latest first."""
        found = [_job(entry) for entry in self._call("GET", "/jobs/overview")["jobs"]]
        return sorted(found, key=lambda job: job.started, reverse=True)

    def job(self, which: str) -> FlinkJob:
        """The job with this id, this start of an id, or this name, its stamp (`-20261126T104500Z-1f3a`) or not. Of
        several with one name, the one that has not ended; raises `FlinkError` when none or more than one is meant."""
        jobs = self.jobs()
        found = [job for job in jobs if job.id == which or (len(which) >= 4 and job.id.startswith(which))]
        named = [job for job in jobs if job.name == which or same_job(job.name, which)]
        found = found or [job for job in named if not job.ended] or named[:1]
        if len(found) != 1:
            known = ", ".join(f"{job.name} ({job.id[:8]}, {job.state})" for job in jobs[:10]) or "none"
            many = "no job" if not found else f"{len(found)} jobs"
            raise FlinkError(f"{many} {which!r} at {self.master}; there are: {known}")
        return found[0]

    def last_checkpoint(self, job_id: str) -> Checkpoint | None:
        """The last completed checkpoint; None before the first."""
        latest = (self._call("GET", f"/jobs/{job_id}/checkpoints").get("latest") or {}).get("completed")
        if not latest:
            return None
        at = datetime.fromtimestamp(latest["latest_ack_timestamp"] / 1000, UTC)
        return Checkpoint(latest["id"], latest.get("external_path") or "", latest["state_size"], at)

    def last_failure(self, job_id: str) -> str:
        """What last made the job restart or fail, in one line; empty when nothing did."""
        found = self.failure(job_id)
        return "" if found is None else found.cause

    def failure(self, job_id: str) -> Failure | None:
        """What last made the job restart or fail, and when; None when nothing did."""
        history = self._call("GET", f"/jobs/{job_id}/exceptions").get("exceptionHistory", {}).get("entries", [])
        if not history:
            return None
        at = datetime.fromtimestamp(history[0]["timestamp"] / 1000, UTC)
        return Failure(at, _cause(history[0]["stacktrace"]))

    def stop(self, job_id: str, directory: str | None = None, timeout_s: float = 600) -> str:
        """Stop with a savepoint; returns its path when it is written and the job has ended. The job runs on when that
        fails."""
        body = {"drain": False} | ({} if directory is None else {"targetDirectory": directory})
        trigger = self._call("POST", f"/jobs/{job_id}/stop", body)["request-id"]
        deadline = time.monotonic() + timeout_s
        while (answer := self._call("GET", f"/jobs/{job_id}/savepoints/{trigger}"))["status"]["id"] != "COMPLETED":
            if time.monotonic() > deadline:
                raise FlinkError(f"no savepoint of {job_id} after {timeout_s:g} s; the job runs on")
            time.sleep(_POLL_S)
        operation = answer["operation"]
        if "location" not in operation:
            cause = _cause(operation.get("failure-cause", {}).get("stack-trace", "")) or "Flink does not say why"
            raise FlinkError(f"no savepoint of {job_id}: {cause}; the job runs on")
        self.wait_until_ended(job_id, timeout_s)
        return str(operation["location"])

    def cancel(self, job_id: str, timeout_s: float = 120) -> None:
        """Cancel, and wait until it has ended. Its last checkpoint is kept."""
        self._call("PATCH", f"/jobs/{job_id}?mode=cancel")
        self.wait_until_ended(job_id, timeout_s)

    def wait_until_ended(self, job_id: str, timeout_s: float) -> FlinkJob:
        """The job as it ended; raises `FlinkError` when it has not after `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        while not (job := self.job(job_id)).ended:
            if time.monotonic() > deadline:
                raise FlinkError(f"job {job_id} is still {job.state} after {timeout_s:g} s; `newsflow jobs list`")
            time.sleep(_POLL_S)
        return job

    def _call(self, method: Method, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        try:
            answer = self._http.request(method, self.url + path, json=body)
        except urllib3.exceptions.HTTPError as error:
            raise FlinkError(f"no Flink at {self.master}: {_reason(error)}") from error
        if answer.status >= 400:
            raise FlinkError(f"Flink at {self.master} refuses {method} {path} ({answer.status}): {_said(answer)}")
        try:
            found = answer.json() if answer.data else {}
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise FlinkError(f"{self.master} answers, but not as Flink does: {answer.data[:80]!r}")
        return found


def _job(entry: Mapping[str, Any]) -> FlinkJob:
    tasks = entry.get("tasks", {})
    return FlinkJob(
        id=entry["jid"],
        name=entry["name"],
        state=entry["state"],
        started=datetime.fromtimestamp(entry["start-time"] / 1000, UTC),
        duration_s=entry["duration"] / 1000,
        tasks=tasks.get("total", 0),
        tasks_running=tasks.get("running", 0),
    )


def _said(answer: Any) -> str:
    try:
        return _cause("\n".join(answer.json()["errors"]))
    except (ValueError, KeyError, TypeError):
        return str(answer.data[:200])


def _cause(trace: str) -> str:
    """The innermost cause of a Java stack trace in one line: that is where the reason stands. Where a Python worker
    raised it, the line with that exception."""
    python = trace.rpartition("Caused by: ")[2].rpartition(_PYTHON)
    if python[1]:
        raised = [line for line in python[2].splitlines() if line.strip() and not line[0].isspace()]
        return raised[0][:500] if raised else ""
    lines = [line.strip() for line in trace.splitlines() if line.strip() and not line.lstrip().startswith("at ")]
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    return (causes[-1] if causes else lines[0] if lines else "")[:500]


def _reason(error: Exception) -> str:
    return in_words(getattr(error, "reason", None) or error).rpartition(": ")[2]
