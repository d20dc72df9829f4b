"""What was found out about sources while their articles were decided; which parameters of their URLs count since."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from newsflow.ledger.database import Database, from_micros, storable, to_micros

IDENTITY_CONFLICT = "identity-conflict"
"""Two articles had one name. `what` is the reason: `?name` for a parameter, which counts since; `guid`; `canonical
link`."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`addresses` are those of the first case, `at` its event time; `times` counts the cases."""

    source: str
    kind: str
    what: str
    addresses: tuple[str, str]
    at: datetime
    times: int = 1


def save_findings(db: Database, findings: Iterable[Finding]) -> None:
    """Keep findings. What was found of a source before is counted on."""
    rows = [
        (storable(each.source), each.kind, storable(each.what), *map(storable, each.addresses), to_micros(each.at),
         each.times)
        for each in findings
    ]  # fmt: skip
    columns = "source, kind, what, address, other_address, found_at, times"
    update = "ON CONFLICT (source, kind, what) DO UPDATE SET times = source_finding.times + excluded.times"
    db.insert("source_finding", columns, sorted(rows), update)


def load_findings(db: Database) -> list[Finding]:
    """All findings, by source."""
    sql = "SELECT source, kind, what, address, other_address, found_at, times FROM source_finding ORDER BY 1, 2, 3"
    return [
        Finding(source, kind, what, (address, other), from_micros(found_at), times)
        for source, kind, what, address, other, found_at, times in db.query(sql)
    ]


def load_counted(db: Database, sources: Iterable[str]) -> dict[str, frozenset[str]]:
    """The parameters that count, for each of these sources."""
    stored = {source: storable(source) for source in sources}
    sql = "SELECT source, what FROM source_finding WHERE kind = ? AND source {in_texts}"
    found: dict[str, set[str]] = defaultdict(set)
    for source, what in db.query(sql, [IDENTITY_CONFLICT, db.list_of(sorted(set(stored.values())))]) if stored else ():
        if what.startswith("?"):
            found[source].add(what[1:])
    return {source: frozenset(found.get(name, ())) for source, name in stored.items()}
