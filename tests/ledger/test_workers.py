"""Two processes at once on one ledger."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.fault_table import FaultTable
from tests.ledger.ledger_workers import copies, one_page_in_two_languages, run_in_step


def test_of_two_copies_at_the_same_moment_one_is_the_original(ledger_url: str) -> None:
    outcomes = run_in_step(ledger_url, copies, 40)
    assert Counter(tuple(sorted(each)) for each in outcomes.values()) == {("added", "duplicate"): 40}


def test_one_page_in_two_languages_is_one_article(ledger_url: str) -> None:
    outcomes = run_in_step(ledger_url, one_page_in_two_languages, 40)
    assert Counter(tuple(sorted(each)) for each in outcomes.values()) == {("added", "replaced"): 40}


@pytest.mark.faults
def test_thousand_rounds_of_copies(ledger_url: str, fault_table: FaultTable) -> None:
    rounds = 1000
    outcomes = run_in_step(ledger_url, copies, rounds)
    counts = Counter(tuple(sorted(each)) for each in outcomes.values())
    both = counts[("added", "added")]
    neither = counts[("duplicate", "duplicate")]
    database = ledger_url.partition(":")[0]
    fault_table.add(f"two copies at one moment, {database}", events=2 * rounds, lost=neither, repeated=both)
    assert counts == {("added", "duplicate"): rounds}
