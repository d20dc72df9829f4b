"""Where the files are that ship beside the code: schemas, jobs, the local broker's files, evaluations.

In a checkout they are at its top level; in a wheel they are inside the package, under `_shipped`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

SHIPPED = "shipped"
"""Wherever a file or folder of rules may stand: those of the installed release. In a file of routes: its routes."""

_PACKAGE = Path(__file__).resolve().parent


def schemas_dir() -> Path:
    """Return the directory of `<name>/v1.schema.json` and `kafka-topics.yaml`."""
    return _shipped("schemas")


def pipelines_dir() -> Path:
    return _shipped("pipelines")


def deploy_dir() -> Path:
    """Return the directory of deployment files; a wheel carries `deploy/kafka` alone."""
    return _shipped("deploy")


def benchmarks_dir() -> Path:
    """Return the directory of the benchmarks; a wheel carries `benchmarks/quality` alone."""
    return _shipped("benchmarks")


@cache
def _shipped(name: str) -> Path:
    places = (_PACKAGE / "_shipped" / name, _PACKAGE.parent.parent / name)
    for place in places:
        if place.is_dir():
            return place
    raise FileNotFoundError(f"the installation of newsflow is incomplete: no {name}/ in {places[0]} nor {places[1]}")
