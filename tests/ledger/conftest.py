from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from newsflow.ledger import Ledger, open_ledger
from newsflow.testing import Clock
from tests.ledger.ledger_helpers import START, Wire
from tests.postgres_helpers import new_database


@pytest.fixture
def clock() -> Clock:
    return Clock(START)


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new ledger, on each database in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.sqlite3"
    return new_database(request.getfixturevalue("postgres"))


@pytest.fixture
def open_one(ledger_url: str, clock: Clock) -> Iterator[Callable[[], Ledger]]:
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
