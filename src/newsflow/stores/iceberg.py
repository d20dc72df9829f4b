"""Articles in an Apache Iceberg table, by pyiceberg (an extra): every version a row, one commit a batch.

The current state is, for each id, the row with the highest version, unless its action is `withdraw`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from typing import TypeVar

import pyarrow.parquet as pq
from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.expressions import And, GreaterThanOrEqual, LessThan
from pyiceberg.table import Table
from pyiceberg.transforms import DayTransform

from newsflow.errors import ConfigError, SinkError
from newsflow.stores.contract import Refused, Store, StoreRow, first_line, separate_refused, unique
from newsflow.stores.folder import HeldKeys, Key
from newsflow.stores.parquet import SCHEMA, conversion_error, keys_in, to_table

COMMIT_TRIES = 5
NO_RETRIES = "commit.retry.num-retries"
T = TypeVar("T")


class IcebergStore(Store):
    """Article versions in `table` (`namespace.name`) of a catalogue, made when it is missing, partitioned by the
    day an article was first seen.

    `open_catalog` gives the catalogue, and is asked again after a failure. Iceberg knows no unique key: what the
    days of a batch hold is looked up before each commit, and a commit that another's has overtaken is made again.
    A file's keys are read once; while nobody else commits, no file is.
    """

    name = "iceberg"

    def __init__(self, open_catalog: Callable[[], Catalog], table: str = "newsflow.article_version") -> None:
        self._open_catalog, self._table_name = open_catalog, table
        self._catalog: Catalog | None = None
        self._table: Table | None = None
        self._held = HeldKeys(self._read_keys)
        self._planned: dict[str, set[str]] = {}
        """Files of each day, as of the snapshot last seen."""
        self._seen: int | None = None

    @classmethod
    def from_url(cls, url: str) -> IcebergStore:
        """The catalogue is one that pyiceberg's own configuration names."""
        catalog, _, table = url.partition("://")[2].partition("/")
        if not catalog or "." not in table:
            raise ConfigError("accepted: iceberg://CATALOG/NAMESPACE.TABLE")
        return cls(lambda: load_catalog(catalog), table)

    def write(self, rows: Sequence[StoreRow]) -> list[Refused]:
        """See `Store.write`: one commit a batch, none when nothing is new."""
        if not rows:
            return []
        refused: list[Refused] = []
        if conversion_error(rows):
            rows, refused = separate_refused(rows, lambda row: conversion_error([row]))
        good = unique(rows)
        for _ in range(COMMIT_TRIES):
            try:
                self._guarded(lambda: self._append(good))
                return refused
            except CommitFailedException:
                self._table = self._seen = None
        raise SinkError(f"the Iceberg table {self._table_name}: {COMMIT_TRIES} commits were overtaken by others")

    def check(self) -> str:
        there = self._guarded(lambda: self._cataloged().table_exists(self._table_name))
        return "the table is there" if there else "not made yet"

    def close(self) -> None:
        if self._catalog is not None:
            self._catalog.close()
        self._catalog = self._table = self._seen = None

    def _append(self, rows: Sequence[StoreRow]) -> None:
        # Not asked for news first: a commit onto an older snapshot is refused, and then all is looked up again.
        table = self._opened()
        if table.metadata.current_snapshot_id != self._seen:
            self._planned.clear()
        by_day: dict[str, list[StoreRow]] = {}
        for row in rows:
            by_day.setdefault(row.day, []).append(row)
        new = {day: self._new(table, day, members) for day, members in by_day.items()}
        if not any(new.values()):
            return
        # Tried again by the library itself, a commit would not look what the other writer has put there meanwhile.
        table.metadata.properties[NO_RETRIES] = "0"
        table.append(to_table([row for members in new.values() for row in members]))
        self._seen = table.metadata.current_snapshot_id
        for day, members in new.items():
            ours = f"of snapshot {self._seen}"
            self._held.add(day, ours, (row.key for row in members))
            self._planned[day].add(ours)

    def _new(self, table: Table, day: str, rows: Sequence[StoreRow]) -> list[StoreRow]:
        """Those of one day's rows that the table does not have, sorted by key."""
        if day not in self._planned or day not in self._held:
            self._planned[day] = _files_of(table, day)
        return self._held.missing(day, self._planned[day], rows)

    def _read_keys(self, path: str) -> Iterable[Key]:
        with self._opened().io.new_input(path).open() as file:
            return keys_in(pq.read_table(file, columns=["id", "version"]))

    def _cataloged(self) -> Catalog:
        if self._catalog is None:
            self._catalog = self._open_catalog()
        return self._catalog

    def _opened(self) -> Table:
        if self._table is None:
            catalog = self._cataloged()
            catalog.create_namespace_if_not_exists(self._table_name.rpartition(".")[0])
            if not catalog.table_exists(self._table_name):
                with catalog.create_table_transaction(self._table_name, SCHEMA) as made, made.update_spec() as spec:
                    spec.add_field("first_seen", DayTransform(), "first_seen_day")
            self._table = catalog.load_table(self._table_name)
        return self._table

    def _guarded(self, work: Callable[[], T]) -> T:
        """Run `work`; whatever a catalogue or a file system raises means that the store is unavailable."""
        try:
            return work()
        except CommitFailedException:
            raise
        except Exception as error:
            self._catalog = self._table = self._seen = None
            self._planned.clear()
            message = f"{type(error).__name__}: {first_line(error)}"
            raise SinkError(f"the Iceberg table {self._table_name}: {message}") from error


def _files_of(table: Table, day: str) -> set[str]:
    """The files that may hold rows of a day."""
    after = (date.fromisoformat(day) + timedelta(days=1)).isoformat()
    within = And(
        GreaterThanOrEqual("first_seen", f"{day}T00:00:00+00:00"),  # type: ignore[call-arg, arg-type]
        LessThan("first_seen", f"{after}T00:00:00+00:00"),  # type: ignore[call-arg, arg-type]
    )
    return {task.file.file_path for task in table.scan(row_filter=within).plan_files()}
