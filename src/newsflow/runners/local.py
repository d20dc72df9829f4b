"""The local runner: bounded runs of one prepared pipeline, back to back, offsets committed after each.

Beam's FnApiRunner, named explicitly, in this process. A run takes what the topic holds now; when all of it is done and
written, its offsets are committed. A run that fails is tried again from the same offsets.
"""

from __future__ import annotations

import logging
import math
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
from apache_beam.transforms.environments import EmbeddedPythonEnvironment

from newsflow.errors import ConfigError, NewsflowError
from newsflow.ingest.measures import show_lag
from newsflow.ingest.runtime import runtime_for
from newsflow.kafka.reader import Run, TopicPosition
from newsflow.model import Event
from newsflow.outages import outages
from newsflow.runners.ahead import ReadAhead
from newsflow.runners.batches import counters
from newsflow.runners.job import Build, Job

log = logging.getLogger(__name__)

LONGEST_PAUSE_S = 30.0
IDLE_S = 0.02


class Reader(Protocol):
    """What a loop reads through; `newsflow.kafka.reader.AvailableReader` is one."""

    @property
    def finished(self) -> Mapping[int, int]: ...
    def batches(self) -> Iterator[list[Event]]: ...
    def plan(self, until: Mapping[int, int] | None = None) -> Run: ...
    def end_offsets(self) -> Mapping[int, int]: ...
    def finish(self) -> int: ...
    def stop(self) -> None: ...


class JobStoppedError(NewsflowError):
    """A job gave up: it failed too often, or everything it read became a dead letter."""


class PreparedPipeline:
    """A pipeline built and translated once, run any number of times in this process."""

    def __init__(self, build: Build, job: Job, options: PipelineOptions) -> None:
        pipeline = beam.Pipeline(runner=FnApiRunner(), options=options)
        try:
            build(pipeline, job)
            self._proto = pipeline.to_runner_api(default_environment=EmbeddedPythonEnvironment.default())
        finally:
            # Made with the pipeline, and removed by its `run`, which nobody calls here.
            shutil.rmtree(pipeline.local_tempdir, ignore_errors=True)
        self._options = options

    def run(self) -> Counter[str]:
        """Run it to its end; returns its counters. Raises what a stage raised."""
        result: Any = FnApiRunner().run_via_runner_api(self._proto, self._options)
        state = result.wait_until_finish()
        if str(state) != "DONE":
            raise JobStoppedError(f"a run ended as {state}")
        return Counter(counters(result))


class LocalLoop:
    """Runs a prepared pipeline over and over, until it is caught up or told to stop.

    `reader` reads at `position`: raw events unless another is given. `idle_s`: how long to wait when there was nothing
    to read. `idle_run_s`: how often to run although there was nothing. `beat` is called at each turn, `report` after
    each run: with how many records it read, its counters, and how many of those there at its start are still unread.
    """

    def __init__(
        self,
        pipeline: PreparedPipeline,
        reader: Reader,
        job: Job,
        report: Callable[[int, Counter[str], int], object],
        *,
        position: TopicPosition | None = None,
        idle_s: float = IDLE_S,
        idle_run_s: float = math.inf,
        beat: Callable[[], object] = lambda: None,
    ) -> None:
        self._pipeline, self._reader, self._limits, self._report = pipeline, reader, job.config.limits, report
        self._idle_s, self._idle_run_s, self._beat = idle_s, idle_run_s, beat
        self._stop = threading.Event()
        self._failures = self._waits = 0
        self._bad_in_a_row = 0
        self._for_ever = False
        self._runtime = runtime_for(job.config)
        self._ahead = ReadAhead(reader)
        self._group = (position or job.raw).group
        self._runtime.lend(position or job.raw, self._ahead)
        self._runtime.beat = beat

    def stop(self) -> None:
        """Finish the batch in hand, commit it, and return. May be called from any thread or signal handler."""
        self._stop.set()
        self._reader.stop()

    def until_caught_up(self) -> None:
        """Read to the end offsets seen now, then return."""
        self._runtime.latest = lambda: None
        until = self._try(self._reader.end_offsets)
        while not self._stop.is_set() and self._turn(until):
            pass

    def follow(self) -> None:
        """Read on until told to stop, however long the broker or the ledger is unavailable."""
        self._for_ever = True
        ran_at = time.monotonic()
        while not self._stop.is_set():
            if self._turn(None, even_empty=time.monotonic() - ran_at > self._idle_run_s):
                ran_at = time.monotonic()
            else:
                self._stop.wait(self._idle_s)

    def _turn(self, until: Mapping[int, int] | None, *, even_empty: bool = False) -> bool:
        """One run; False when there was nothing to read."""
        moved = bool(self._try(lambda: self._run_once(until, even_empty)))
        self._beat()
        return moved

    def _run_once(self, until: Mapping[int, int] | None, even_empty: bool) -> bool:
        run = self._reader.plan(until)
        show_lag(self._group, {partition: end - start for partition, (start, end) in run.spans.items()})
        if run.empty and not even_empty:
            return False
        try:
            found = self._pipeline.run()
        finally:
            self._ahead.settle()
        records = self._reader.finish()
        left = {p: max(end - self._reader.finished.get(p, end), 0) for p, (_, end) in run.spans.items()}
        show_lag(self._group, left)
        self._report(records, found, sum(left.values()))
        self._watch_dead_letters(found)
        return True

    def _try(self, action: Callable[[], Any]) -> Any:
        """`action`, again after a pause when it fails, within the limit of attempts."""
        while True:
            try:
                result = action()
            except (ConfigError, JobStoppedError):
                raise
            except Exception as error:
                if self._stop.is_set():
                    log.warning("told to stop; what was in hand is read again at the next start: %s", last_line(error))
                    return None
                self._failed(error)
            else:
                self._failures = self._waits = 0
                return result

    def _failed(self, error: Exception) -> None:
        waits = self._for_ever and outages.any()
        self._waits, self._failures = self._waits + waits, self._failures + (not waits)
        if self._failures >= self._limits.attempts:
            raise JobStoppedError(
                f"stopped after {self._failures} failed attempts (limits.attempts); nothing of the last run was "
                f"committed, so it is read again at the next start. Last failure: {last_line(error)}"
            ) from error
        attempt = self._failures + self._waits
        pause_s = min(0.25 * 2 ** min(attempt, 10), LONGEST_PAUSE_S)
        # An outage is said once a minute, by `outages`.
        level = logging.INFO if waits else logging.WARNING
        log.log(level, "attempt %d failed, next in %.1f s: %s", attempt, pause_s, last_line(error))
        self._stop.wait(pause_s)

    def _watch_dead_letters(self, found: Counter[str]) -> None:
        dead = found["outcome.dead-lettered"]
        good = sum(count for name, count in found.items() if name.startswith("outcome.")) - dead
        self._bad_in_a_row = 0 if good else self._bad_in_a_row + dead
        limit = self._limits.dead_letters_in_a_row
        if limit and self._bad_in_a_row >= limit:
            reasons = ", ".join(f"{name[7:]} {n}" for name, n in found.items() if name.startswith("reason."))
            raise JobStoppedError(
                f"stopped: the last {self._bad_in_a_row} events were all dead-lettered ({reasons}; "
                "limits.dead_letters_in_a_row). They are in the dead-letter topic; find the cause, then start again"
            )


def last_line(error: Exception) -> str:
    """What an error ends in, up to 500 characters: Beam wraps a worker's whole traceback into the message."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:500]
