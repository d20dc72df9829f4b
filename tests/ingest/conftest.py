from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from newsflow.ingest.runtime import SharedRules
from newsflow.tagging import RuleSet, RuleSource
from tests.ledger.conftest import clock, ledger, ledger_url, open_one, wire

__all__ = ["clock", "ledger", "ledger_url", "open_one", "wire"]


@pytest.fixture(scope="session")
def shipped_rules(shipped: RuleSet) -> SharedRules:
    """For a runtime that is not to load them itself."""
    return SharedRules(cast(RuleSource, SimpleNamespace(current=lambda: shipped)))
