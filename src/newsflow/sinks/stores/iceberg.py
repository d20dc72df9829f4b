"""Articles in an Apache Iceberg table, by pyiceberg (an extra): every version a row, one commit a batch.

The current state is, for each id, the row with the highest version, unless its action is `withdraw`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa

from newsflow.errors import SinkError
from newsflow.sinks.stores.contract import Refused, Store, StoreRow, unique
from newsflow.sinks.stores.parquet import SCHEMA, conversion_error, to_table

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table

COMMIT_TRIES = 5
IDS_A_SCAN = 200
"""Ids asked for at once: a filter of thousands is slower than several of hundreds."""
T = TypeVar("T")


class IcebergStore(Store):
    """Article versions in `table` (`namespace.name`) of a catalogue, made when it is missing, partitioned by the
    day an article was first seen.

    `open_catalog` gives the catalogue, and is asked again after a failure. Iceberg knows no unique key: what is
    there is looked up before each commit, and a commit that another writer forestalled is made anew.
    """

    name = "iceberg"

    def __init__(self, open_catalog: Callable[[], Catalog], table: str = "newsflow.article_version") -> None:
        self._open_catalog, self._table_name = open_catalog, table
        self._catalog: Catalog | None = None
        self._table: Table | None = None

    def write(self, rows: Sequence[StoreRow]) -> list[Refused]:
        """See `Store.write`: one commit a batch, none when nothing is new."""
        from pyiceberg.exceptions import CommitFailedException

        if not rows:
            return []
        refused = _refused(rows)
        bad = {id(each.row) for each in refused}
        good = unique(row for row in rows if id(row) not in bad)
        for _ in range(COMMIT_TRIES):
            try:
                self._guarded(lambda: self._append(good))
                return refused
            except CommitFailedException:
                self._table = None
        raise SinkError(f"the Iceberg table {self._table_name}: {COMMIT_TRIES} commits were forestalled by others")

    def close(self) -> None:
        """See `Store.close`."""
        if self._catalog is not None:
            self._catalog.close()
        self._catalog = self._table = None

    def _append(self, rows: Sequence[StoreRow]) -> None:
        table = self._opened()
        table.refresh()
        held = _held(table, sorted({row.article.id for row in rows}))
        new = [row for row in rows if row.key not in held]
        if new:
            table.append(to_table(sorted(new, key=lambda row: row.key)))

    def _opened(self) -> Table:
        if self._table is None:
            from pyiceberg.transforms import DayTransform

            self._catalog = self._catalog or self._open_catalog()
            self._catalog.create_namespace_if_not_exists(self._table_name.rpartition(".")[0])
            if not self._catalog.table_exists(self._table_name):
                with (
                    self._catalog.create_table_transaction(self._table_name, SCHEMA) as made,
                    made.update_spec() as spec,
                ):
                    spec.add_field("first_seen", DayTransform(), "first_seen_day")
            self._table = self._catalog.load_table(self._table_name)
        return self._table

    def _guarded(self, work: Callable[[], T]) -> T:
        """Run `work`; whatever a catalogue or a file system raises means that the store is away."""
        from pyiceberg.exceptions import CommitFailedException

        try:
            return work()
        except CommitFailedException:
            raise
        except Exception as error:
            self._catalog = self._table = None
            words = (str(error).splitlines() or [""])[0]
            raise SinkError(f"the Iceberg table {self._table_name}: {type(error).__name__}: {words[:300]}") from error


def _held(table: Table, ids: Sequence[str]) -> set[tuple[str, int]]:
    from pyiceberg.expressions import In

    held: set[tuple[str, int]] = set()
    for start in range(0, len(ids), IDS_A_SCAN):
        chosen = In("id", ids[start : start + IDS_A_SCAN])  # type: ignore[call-arg, arg-type]
        found: pa.Table = table.scan(row_filter=chosen, selected_fields=("id", "version")).to_arrow()
        held |= set(zip(found["id"].to_pylist(), found["version"].to_pylist(), strict=True))
    return held


def _refused(rows: Sequence[StoreRow]) -> list[Refused]:
    if not conversion_error(rows):
        return []
    return [Refused(row, problem) for row in rows if (problem := conversion_error([row]))]
