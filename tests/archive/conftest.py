from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from newsflow.blobs import BlobStore
from newsflow.ledger import Ledger, open_ledger
from newsflow.testing import Clock
from tests.postgres_helpers import new_database
from tests.s3_double import S3Double


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2026, 11, 29, 23, 30, tzinfo=UTC))


@pytest.fixture(params=["sqlite and a folder", "postgresql and S3"])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The URLs of a ledger and of a blob store, each kind of them once."""
    if request.param.startswith("sqlite"):
        yield f"sqlite:///{tmp_path}/ledger.sqlite3", f"folder:///{tmp_path}/blobs"
        return
    with S3Double() as s3:
        yield new_database(request.getfixturevalue("postgres")), s3.url("news/blobs")


@pytest.fixture
def ledger(places: tuple[str, str], clock: Clock) -> Iterator[Ledger]:
    opened = open_ledger(places[0], clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def store(places: tuple[str, str]) -> BlobStore:
    return BlobStore(places[1])
