"""What a page of `pipelines/` is given: the configuration, where events come from, where emissions go."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from newsflow.config.settings import Config
from newsflow.model.names import ARTICLE_TOPIC

SourceKind = Literal["available", "endless", "lines"]
SinkKind = Literal["kafka", "files"]


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the log: a topic, and the consumer group that remembers how far it was read."""

    topic: str
    group: str


@dataclass(frozen=True, slots=True)
class Job:
    """One job to be run. Frozen and small: it is pickled into every DoFn.

    `source`: `available` (bounded runs of what the topic holds, the local runner), `endless` (an unbounded
    source, any streaming runner) or `lines` (a file). `input_path` and `output_path` are for files; `sinks`, for
    a page that is laid once for each sink, are the names of those. `one_split`: an endless source is read as one,
    for runners that do not keep the watermarks of several apart. `patience_s`: for how long a bundle waits for a sink
    that is away before it fails, on runners that hold checkpoints for a bundle and begin a failed one again.
    """

    config: Config
    source: SourceKind = "available"
    sink: SinkKind = "kafka"
    input_path: str = ""
    output_path: str = ""
    sinks: tuple[str, ...] = ()
    one_split: bool = False
    patience_s: float = math.inf

    @property
    def raw(self) -> Place:
        """Where raw events are read."""
        return Place(self.config.kafka.input_topic, self.config.kafka.group)

    def published(self, sink: str) -> Place:
        """Where published articles are read for one sink, at its own pace."""
        return Place(ARTICLE_TOPIC, f"{self.config.kafka.group}.deliver.{sink}")


# Live objects that a DoFn of the local runner finds by name: readers and writers that outlive a bounded run.
#
# The local runner executes in the launching process, and sets every DoFn up anew at each run; what is costly or
# has a position (a consumer, an open output) stays here meanwhile.


_objects: dict[str, Any] = {}


def put(name: str, value: Any) -> None:
    """Make `value` known as `name`."""
    _objects[name] = value


def get(name: str) -> Any:
    """The object called `name`; raises `RuntimeError` in a process that has none."""
    try:
        return _objects[name]
    except KeyError:
        raise RuntimeError(
            f"{name} is not in this process: bounded runs work on the in-process runner alone; "
            "for other runners use the endless source (--source endless)"
        ) from None


def drop(name: str) -> None:
    """Forget the object called `name`."""
    _objects.pop(name, None)
