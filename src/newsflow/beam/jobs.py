"""Find a page of `pipelines/` by its name, or a user's own by its path."""

from __future__ import annotations

import importlib.util
import math
from dataclasses import dataclass
from pathlib import Path

from newsflow.beam.local import Build
from newsflow.errors import UsageError
from newsflow.resources import pipelines_dir


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
