from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from newsflow.dev.postgres import LocalPostgres, find_programs
from newsflow.errors import MissingToolError
from newsflow.ledger import Ledger, open_ledger
from tests.ledger.ledger_helpers import ManualClock, Wire

_numbers = itertools.count(1)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture(scope="session")
def postgres() -> Iterator[LocalPostgres]:
    """A real server for the whole session; skips where there is none."""
    pytest.importorskip("psycopg")
    try:
        find_programs()
    except MissingToolError as error:
        pytest.skip(str(error))
    with LocalPostgres(settings="fsync=off\n") as server:
        yield server


def create_database(server: LocalPostgres) -> str:
    """The URL of a new, empty database."""
    import psycopg

    name = f"ledger_{next(_numbers)}"
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.url.rsplit("/", 1)[0] + f"/{name}"


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new ledger, on each database in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.sqlite3"
    return create_database(request.getfixturevalue("postgres"))


@pytest.fixture
def open_one(ledger_url: str, clock: ManualClock) -> Iterator[Callable[[], Ledger]]:
    """Opens the ledger, again at each call; all are closed at the end."""
    opened: list[Ledger] = []

    def open_again() -> Ledger:
        opened.append(open_ledger(ledger_url, clock=clock))
        return opened[-1]

    yield open_again
    for each in opened:
        each.close()


@pytest.fixture
def ledger(open_one: Callable[[], Ledger]) -> Ledger:
    return open_one()
