"""Beam runners that the user names. None is ever chosen by fallback."""

from __future__ import annotations

import logging
import signal
from collections.abc import Sequence
from dataclasses import replace
from types import FrameType

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions, StandardOptions

from newsflow.errors import UsageError
from newsflow.leftovers import end_within
from newsflow.runners.job import Build, Job

log = logging.getLogger(__name__)

YEAR_S = 365 * 24 * 3600
BOUNDED_ONLY = {
    "directrunner": "DirectRunner silently becomes one of three runners, of which only one streams, and on the "
    "endless source the others never emit",
    "fnapirunner": "FnApiRunner runs bounded pipelines only; the local runner uses it that way: leave --runner out",
    "bundlebaseddirectrunner": "BundleBasedDirectRunner cannot read an unbounded source",
    "interactiverunner": "InteractiveRunner is for notebooks",
}
ONE_WATERMARK = ("prismrunner",)
"""Takes the watermark that a bundle of the source reports for that of the whole source, not the least of all splits
(Prism 2.77): one split that is ahead would make all others late."""


def check_runner(beam_args: Sequence[str]) -> str:
    """The runner that `beam_args` name; raises `UsageError` for one that would lose or never emit data."""
    runner = PipelineOptions(list(beam_args)).view_as(StandardOptions).runner or ""
    why = BOUNDED_ONLY.get(_short_name(runner))
    if why:
        raise UsageError(f"--runner {runner} is refused: {why}. Use PrismRunner or FlinkRunner, or the local runner")
    return runner


def run_on(build: Build, job: Job, beam_args: Sequence[str]) -> None:
    """Build and run a job, until it ends or a signal cancels it. Blocks, unless `--no_wait_until_finish` is said."""
    if _short_name(check_runner(beam_args)) in ONE_WATERMARK:
        job = replace(job, one_split=True)
    options = PipelineOptions(list(beam_args), streaming=True)
    if not any(argument.startswith("--job_server_timeout") for argument in beam_args):
        # It also ends the stream of a job's states, and with it a healthy job: after 300 s unless told otherwise.
        options.view_as(PortableOptions).job_server_timeout = YEAR_S
    pipeline = beam.Pipeline(options=options)
    build(pipeline, job)
    result = pipeline.run()
    if options.view_as(StandardOptions).no_wait_until_finish:
        return

    def cancel(_: int, __: FrameType | None) -> None:
        shutdown_s = job.config.limits.shutdown_s
        end_within(shutdown_s, lambda: log.error("not ended %g s after the signal (limits.shutdown_s)", shutdown_s))
        result.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, cancel)
    result.wait_until_finish()


def _short_name(runner: str) -> str:
    return runner.rpartition(".")[2].lower()
