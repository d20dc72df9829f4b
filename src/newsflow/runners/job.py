"""A job to be run, and its definition: a module of `pipelines/`, or a user's own, with `build(pipeline, job)`."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import apache_beam as beam

from newsflow.config.settings import Config
from newsflow.errors import UsageError, not_there
from newsflow.kafka.reader import TopicPosition
from newsflow.model.names import ARTICLE_TOPIC
from newsflow.resources import pipelines_dir

SourceKind = Literal["available", "endless", "lines"]
SinkKind = Literal["kafka", "files"]


@dataclass(frozen=True, slots=True)
class Job:
    """One job to be run. Frozen and small: it is pickled into every DoFn.

    `source`: `available` (bounded runs of what the topic holds, the local runner), `endless` (an unbounded source, any
    streaming runner) or `lines` (the file `input_path`). `sinks`: those that a job built once for each sink delivers
    to. `one_split`: an endless source is read as one, for runners that do not keep the watermarks of several apart.
    `patience_s`: how long a bundle waits for a sink that is unavailable before it fails, on runners that hold
    checkpoints for a bundle and start a failed one again.
    """

    config: Config
    source: SourceKind = "available"
    sink: SinkKind = "kafka"
    input_path: str = ""
    sinks: tuple[str, ...] = ()
    one_split: bool = False
    patience_s: float = math.inf

    @property
    def raw(self) -> TopicPosition:
        """Where raw events are read."""
        return TopicPosition(self.config.kafka.input_topic, self.config.kafka.group)

    def published(self, sink: str) -> TopicPosition:
        """Where published articles are read for one sink, at its own pace."""
        return TopicPosition(ARTICLE_TOPIC, f"{self.config.kafka.group}.deliver.{sink}")


Build = Callable[[beam.Pipeline, Job], None]


@dataclass(frozen=True, slots=True)
class JobDefinition:
    """How a job is built. `per_sink`: once for each sink, which then has its own position in the log. `idle_run_s`: how
    often the local loop runs it although nothing came, for steps that wait for time to pass. `decides_all`: the ledger
    knows every event that it read."""

    build: Build
    per_sink: bool = False
    idle_run_s: float = math.inf
    decides_all: bool = False


def job_names() -> list[str]:
    """The jobs that ship with newsflow."""
    return sorted(path.stem for path in pipelines_dir().glob("[a-z]*.py"))


def load_job(name: str) -> JobDefinition:
    """The definition of a shipped job (`ingest`), or of a file (`./jobs/mine.py`), which is executed.

    Raises `UsageError` when there is none.
    """
    path = Path(name) if name.endswith(".py") else pipelines_dir() / f"{name}.py"
    if not path.is_file():
        raise UsageError(f"{not_there('job', name, job_names())}; or give the path of a .py file")
    spec = importlib.util.spec_from_file_location(f"newsflow_job_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    build = getattr(module, "build", None)
    if not callable(build):
        raise UsageError(f"{path} is not a job: it has no function build(pipeline, job)")
    return JobDefinition(
        build,
        getattr(module, "PER_SINK", False),
        getattr(module, "IDLE_RUN_S", math.inf),
        getattr(module, "DECIDES_ALL", False),
    )
