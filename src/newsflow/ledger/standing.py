"""What the ledger says of the work of the last minutes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from newsflow.ledger.database import Database, from_micros, to_micros

MOST_AGES = 20_000


@dataclass(frozen=True, slots=True)
class Lately:
    """Events decided since a time, by outcome; dead letters of them by reason; seconds from event time to decision of
    the latest, sorted; when the last of all was decided."""

    outcomes: dict[str, int]
    reasons: dict[str, int]
    ages_s: Sequence[float]
    last_at: datetime | None


def load_lately(db: Database, since: datetime) -> Lately:
    start = to_micros(since)
    counted = db.query(
        "SELECT outcome, COALESCE(reason, ''), COUNT(*) FROM event WHERE decided_at >= ? GROUP BY 1, 2", [start]
    )
    outcomes: dict[str, int] = {}
    for outcome, _, number in counted:
        outcomes[outcome] = outcomes.get(outcome, 0) + int(number)
    ages = db.query(
        "SELECT decided_at - event_at FROM event WHERE decided_at >= ? AND event_at IS NOT NULL "
        "ORDER BY decided_at DESC LIMIT ?",
        [start, MOST_AGES],
    )
    last = db.query("SELECT MAX(decided_at) FROM event")[0][0]
    return Lately(
        outcomes,
        {reason: int(number) for _, reason, number in counted if reason},
        sorted(row[0] / 1_000_000 for row in ages),
        None if last is None else from_micros(last),
    )
