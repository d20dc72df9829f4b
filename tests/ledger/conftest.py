from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from newsflow.ledger import Ledger, open_ledger
from tests.ledger.ledger_helpers import ManualClock, Wire


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def ledger(tmp_path: Path, clock: ManualClock) -> Iterator[Ledger]:
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.sqlite3", clock=clock)
    yield ledger
    ledger.close()
