"""Texts of one small piece over and over, up to 8 MB: each becomes an article or a dead letter in time, and the article
beside it in the batch is published.

The worker process that reads long texts is stopped at `limits.extract_s` of its processor time; what this process does
is measured by its own, which other programs do not lengthen.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from newsflow.config.load import load_config
from newsflow.ingest.item import Item
from newsflow.ingest.runtime import Runtime, SharedRules
from newsflow.ingest.steps import process
from newsflow.model import Event, Outcome, Reason
from newsflow.testing import raw_event
from tests.attack_counts import often
from tests.ingest.conftest import shipped_rules
from tests.normalise.test_growth import LEAD, PIECES

__all__ = ["shipped_rules"]

NOW = datetime(2025, 6, 1, tzinfo=UTC)
ANSWERS = {Reason.TIME_LIMIT, Reason.NO_TEXT, Reason.BAD_ENCODING, Reason.SINK_REJECTED}
# One sign that stands for eighteen; words of rules; marks on marks; words that are looked up one by one.
WORST = ["ﷺ ", "سوريا ", "Niger ", "\u0651", "a\u0301", "и ", "中", "a "]


@pytest.fixture
def runtime(shipped_rules: SharedRules, tmp_path: Path) -> Iterator[Runtime]:
    # JSON writes some signs with six bytes.
    flags = {"ledger.url": f"sqlite:///{tmp_path}/ledger.sqlite3", "limits.event_bytes": 64 << 20}
    made = Runtime(load_config(environ={}, flags=flags).config, rules=shipped_rules)
    yield made
    made.close()


@pytest.mark.attacks
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("size_bytes", [100_000, 1_000_000, 8_000_000])
def test_text_bombs_end_in_time(size_bytes: int, runtime: Runtime, record_property: object) -> None:
    few = [*WORST, *PIECES[:: often(8, 1) if size_bytes > 1_000_000 else often(2, 1)]]
    limit_s, longest_s, dead = runtime.config.limits.extract_s + 1, 0.0, 0
    for number, piece in enumerate(dict.fromkeys(few)):
        bomb = LEAD + piece * (size_bytes // len(piece.encode())) + " x"
        began_s = time.process_time()
        items = process([event(2 * number, bomb), event(2 * number + 1, f"{LEAD} {number} ")], runtime)
        longest_s = max(longest_s, time.process_time() - began_s)
        assert longest_s < limit_s, piece
        first, neighbour = items
        dead += first.rejected is not None
        assert first.rejected is None or first.rejected.reason in ANSWERS, (piece, first.rejected)
        assert outcome(neighbour) is Outcome.ADDED, piece
    assert callable(record_property)
    record_property("figure", f"longest {longest_s:.1f} s of {limit_s:g}, {dead} dead letters")


def outcome(item: Item) -> Outcome | None:
    return None if item.rejected or item.decision is None else item.decision.outcome


def event(offset: int, content: str) -> Event:
    """Each is another article; the number in its title keeps short ones from being taken for duplicates."""
    value = raw_event(title=f"Harbour road {offset}", url=f"https://p.example/{offset}", content=content)
    return Event("raw", 0, offset, 1, b"k", orjson.dumps(value))
