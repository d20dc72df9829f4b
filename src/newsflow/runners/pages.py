"""Find a page of `pipelines/` by its name, or a user's own by its path."""

from __future__ import annotations

import importlib.util
import math
import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions, StandardOptions

from newsflow.errors import UsageError
from newsflow.resources import pipelines_dir
from newsflow.runners.job import Job
from newsflow.runners.local import Build


def job_names() -> list[str]:
    """The jobs that ship with newsflow."""
    return sorted(path.stem for path in pipelines_dir().glob("[a-z]*.py"))


@dataclass(frozen=True, slots=True)
class Page:
    """A page of `pipelines/`. `per_sink`: it is laid once for each sink, and each has its own place in the log.
    `idle_run_s`: so often the local loop runs it also when nothing came, for what waits in it for time to pass."""

    build: Build
    per_sink: bool = False
    idle_run_s: float = math.inf


def load_job(name: str) -> Page:
    """The page of a shipped job (`ingest`) or of a file (`./jobs/mine.py`): its `build(pipeline, job)`.

    Raises `UsageError` when there is none. The file is executed.
    """
    path = Path(name) if name.endswith(".py") else pipelines_dir() / f"{name}.py"
    if not path.is_file():
        raise UsageError(f"there is no job {name!r}; shipped: {', '.join(job_names())}; or give the path of a .py file")
    spec = importlib.util.spec_from_file_location(f"newsflow_job_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    build = getattr(module, "build", None)
    if not callable(build):
        raise UsageError(f"{path} is no job: it has no function build(pipeline, job)")
    return Page(build, bool(getattr(module, "PER_SINK", False)), float(getattr(module, "IDLE_RUN_S", math.inf)))


# Beam runners that the user names. None is ever chosen by fallback.


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
    why = BOUNDED_ONLY.get(runner.rsplit(".", 1)[-1].lower())
    if why:
        raise UsageError(f"--runner {runner} is refused: {why}. Use PrismRunner or FlinkRunner, or the local runner")
    return runner


def run_on(build: Build, job: Job, beam_args: Sequence[str]) -> None:
    """Build and run a job, until it ends or a signal cancels it. Blocks."""
    runner = check_runner(beam_args)
    if runner.rsplit(".", 1)[-1].lower() in ONE_WATERMARK:
        job = replace(job, one_split=True)
    options = PipelineOptions(list(beam_args), streaming=True)
    portable = options.view_as(PortableOptions)
    if not any(argument.startswith("--job_server_timeout") for argument in beam_args):
        # It also ends the stream of a job's states, and with it a healthy job: after 300 s unless told otherwise.
        portable.job_server_timeout = YEAR_S
    pipeline = beam.Pipeline(options=options)
    build(pipeline, job)
    result = pipeline.run()

    def cancel(_: int, __: FrameType | None) -> None:
        result.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, cancel)
    result.wait_until_finish()
