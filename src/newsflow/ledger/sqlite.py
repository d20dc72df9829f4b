"""The ledger in one SQLite file, for one machine: several processes may share it, one writes at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from newsflow.errors import LedgerError, in_words
from newsflow.ledger.database import Database, RetryableError, Row, T

_CACHE_KIB = 128 * 1024
_CHECKPOINT_PAGES = 8192
_BUSY_S = 5.0


class SqliteDatabase(Database):
    """`path` is a file (made with its folders when missing) or `:memory:`. `read_only`: nothing of it is changed."""

    name = "sqlite"

    def __init__(self, path: str, retry_for_s: float = 60.0, *, read_only: bool = False) -> None:
        super().__init__(retry_for_s, path)
        self.path = path
        place = f"{Path(path).absolute().as_uri()}?mode=ro" if read_only else path
        try:
            if path != ":memory:" and not read_only:
                Path(path).parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                place, min(_BUSY_S, retry_for_s), isolation_level=None, check_same_thread=False, uri=read_only
            )
            if not read_only:
                self.retry(self._configure)
        except (OSError, sqlite3.Error) as error:
            raise LedgerError(f"cannot open the ledger file {path}: {in_words(error)}") from error

    def _configure(self) -> None:
        # FULL: a decision is on disk before anything of it is published, so even a power cut takes none back.
        for setting in (
            "journal_mode = WAL",
            "synchronous = FULL",
            f"cache_size = -{_CACHE_KIB}",
            f"wal_autocheckpoint = {_CHECKPOINT_PAGES}",
            "temp_store = MEMORY",
        ):
            with self._errors():
                self._connection.execute(f"PRAGMA {setting}")

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        return self._connection.execute(_dialect(sql), parameters).fetchall()

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        return self._connection.execute(_dialect(sql), parameters).rowcount

    def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        self._connection.executemany(_dialect(sql), rows)

    def list_of(self, values: Sequence[Any]) -> str:
        """A JSON array: a list of any length is then one parameter."""
        return orjson.dumps(values).decode()

    def lock(self, names: Iterable[str]) -> None:
        """Nothing to do: a writing transaction is the only one."""

    def lock_rows(self, table: str, column: str, values: Sequence[str]) -> None:
        """Nothing to do: a writing transaction is the only one."""

    def has_table(self, table: str) -> bool:
        return bool(self.query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", [table]))

    def attempt(self, work: Callable[[], T], *, writes: bool) -> T:
        with self._errors():
            return self._within("BEGIN IMMEDIATE" if writes else "BEGIN", work)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
            if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise RetryableError(str(error)) from error
            raise LedgerError(f"the ledger file {self.path} cannot be used: {error}") from error

    def _within(self, begin: str, work: Callable[[], T]) -> T:
        self._connection.execute(begin)
        try:
            result = work()
            self._connection.execute("COMMIT")
            return result
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def close(self) -> None:
        self._connection.close()


@lru_cache(maxsize=256)
def _dialect(sql: str) -> str:
    listed = "IN (SELECT value FROM json_each(?))"
    return sql.replace("{in_texts}", listed).replace("{in_numbers}", listed)
