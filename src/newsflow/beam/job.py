"""What a page of `pipelines/` is given: the configuration, where events come from, where emissions go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from newsflow.config.settings import Config

SourceKind = Literal["available", "endless", "lines"]
SinkKind = Literal["kafka", "files"]


@dataclass(frozen=True, slots=True)
class Job:
    """One job to be run. Frozen and small: it is pickled into every DoFn.

    `source`: `available` (bounded runs of what the topic holds, the local runner), `endless` (an unbounded
    source, any streaming runner) or `lines` (a file). `input_path` and `output_path` are for files.
    """

    config: Config
    source: SourceKind = "available"
    sink: SinkKind = "kafka"
    input_path: str = ""
    output_path: str = ""
