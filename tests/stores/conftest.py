from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres_helpers import new_database
from tests.stores.opensearch_node import running_node
from tests.stores.store_harness import (
    Harness,
    IcebergHarness,
    JsonLinesHarness,
    OpenSearchHarness,
    ParquetHarness,
    PostgresHarness,
    SqliteHarness,
)

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def store_opensearch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real node for the session; skips where there is none."""
    pytest.importorskip("opensearchpy")
    with running_node(tmp_path_factory.mktemp("opensearch")) as url:
        yield url


def make_harness(kind: str, folder: Path, request: pytest.FixtureRequest) -> Harness:
    if kind == "sqlite":
        return SqliteHarness(folder)
    if kind == "postgresql":
        return PostgresHarness(new_database(request.getfixturevalue("postgres")))
    if kind == "parquet":
        pytest.importorskip("duckdb")
        return ParquetHarness(folder)
    if kind == "iceberg":
        pytest.importorskip("pyiceberg")
        return IcebergHarness(folder)
    if kind == "opensearch":
        return OpenSearchHarness(request.getfixturevalue("store_opensearch"), f"test-{next(_numbers)}")
    return JsonLinesHarness(folder)


@pytest.fixture(params=["sqlite", "postgresql", "parquet", "jsonl", "iceberg", "opensearch"])
def harness(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Harness]:
    """Each kind of store in turn, empty."""
    made = make_harness(request.param, tmp_path, request)
    yield made
    made.close()
