from __future__ import annotations

import pytest

from newsflow.ingest.runtime import SharedRules
from newsflow.tagging import RuleSource
from tests.ledger.conftest import clock, ledger, ledger_url, open_one, wire

__all__ = ["clock", "ledger", "ledger_url", "open_one", "wire"]


@pytest.fixture(scope="session")
def shipped_rules() -> SharedRules:
    """They take seconds to load: once for all tests of a worker."""
    return SharedRules(RuleSource())
