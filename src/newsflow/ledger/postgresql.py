"""The ledger in PostgreSQL 14 or newer, for several machines. Needs psycopg 3 (the extra `postgres`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, cast

from newsflow.errors import LedgerError
from newsflow.ledger.database import Database, RetryableError, Row, T, lock_number
from newsflow.secrets import masked as mask_url

try:
    import psycopg
    from psycopg import errors
except ImportError as error:
    message = "a ledger in PostgreSQL needs psycopg; accepted: pip install 'newsflow[postgres]'"
    raise LedgerError(message) from error

MIN_SERVER = 140_000
_PASSING = (errors.UniqueViolation, errors.DeadlockDetected, errors.SerializationFailure, errors.LockNotAvailable)
_HOPELESS = re.compile(r"authentication failed|role \".*\" does not exist|database \".*\" does not exist|pg_hba")
# A worker that hangs within a transaction holds a language's lock: the server ends it, and another goes on.
_OPTIONS = "-c idle_in_transaction_session_timeout=60s -c timezone=UTC"


class PostgresDatabase(Database):
    """`url` as libpq takes it. Connects at once, and again whenever the connection was lost. `read_only`: the server
    refuses what would change anything. `schema`: whose tables are meant. `apart`: before the names of its locks, which
    are then not those of the same names in other schemas."""

    name = "postgresql"

    def __init__(
        self,
        url: str,
        retry_for_s: float = 60.0,
        *,
        read_only: bool = False,
        schema: str | None = None,
        apart: str = "",
    ) -> None:
        super().__init__(retry_for_s, mask_url(url))
        self._url, self._options, self._apart = url, _OPTIONS, apart
        if read_only:
            self._options += " -c default_transaction_read_only=on"
        if schema is not None:
            self._options += f" -c search_path={schema}"
        self._connection: psycopg.Connection[Row] | None = None
        self.retry(self._connect)

    def _connect(self) -> psycopg.Connection[Row]:
        if self._connection is not None and not self._connection.closed:
            return self._connection
        try:
            connection = psycopg.connect(
                self._url,
                autocommit=True,
                connect_timeout=round(max(2, min(10, self.retry_for_s))),
                application_name="newsflow-ledger",
                options=self._options,
            )
        except psycopg.OperationalError as error:
            if _HOPELESS.search(str(error)):
                raise LedgerError(f"the ledger's server refuses: {error}") from error
            raise RetryableError(str(error)) from error
        except psycopg.ProgrammingError as error:
            raise LedgerError(f"the ledger's URL is not one that PostgreSQL takes: {error}") from error
        if connection.info.server_version < MIN_SERVER:
            version = connection.info.server_version // 10_000
            connection.close()
            raise LedgerError(f"the ledger's server is PostgreSQL {version}; accepted: 14 or newer")
        self._connection = connection
        return connection

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        return self._execute(sql, parameters).fetchall()

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        return self._execute(sql, parameters).rowcount

    def _execute(self, sql: str, parameters: Sequence[Any]) -> psycopg.Cursor[Row]:
        assert self._connection is not None
        return self._connection.execute(_dialect(sql), parameters or None, binary=True)

    def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        assert self._connection is not None
        if rows:
            with self._connection.cursor() as cursor:
                cursor.executemany(_dialect(sql), rows)

    def list_of(self, values: Sequence[Any]) -> list[Any]:
        return list(values)

    def lock(self, names: Iterable[str]) -> None:
        """Advisory locks, taken in one order by all."""
        numbers = sorted(lock_number(self._apart + name) for name in names)
        self._execute("SELECT pg_advisory_xact_lock(number) FROM unnest(?::bigint[]) AS number", [numbers])

    def lock_rows(self, table: str, column: str, values: Sequence[str]) -> None:
        """Row locks, taken in one order by all."""
        sql = f"SELECT 1 FROM {table} WHERE {column} {{in_texts}} ORDER BY {column} FOR UPDATE"
        self._execute(sql, [list(values)])

    def has_table(self, table: str) -> bool:
        return self.query("SELECT to_regclass(?) IS NOT NULL", [table])[0][0] is True

    def attempt(self, work: Callable[[], T], *, writes: bool) -> T:  # noqa: ARG002
        """Reading is a transaction like any other.

        When the connection breaks while committing, it is not known whether the transaction was kept: every work
        of the ledger may safely be run again.
        """
        with self._errors(), self._connect().transaction():
            return work()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except _PASSING as error:
            raise RetryableError(_one_line(error)) from error
        except (psycopg.OperationalError, psycopg.InterfaceError, errors.ReadOnlySqlTransaction) as error:
            # Read-only: a standby that has taken the place of its primary and is not promoted yet, or never will be.
            # A new connection finds the one that writes.
            self.close()
            raise RetryableError(_one_line(error)) from error
        except psycopg.Error as error:
            raise LedgerError(f"the ledger's server refuses: {_one_line(error)}") from error

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


@lru_cache(maxsize=256)
def _dialect(sql: str) -> Any:
    sql = sql.replace("{in_texts}", "= ANY(?::text[])").replace("{in_numbers}", "= ANY(?::bigint[])")
    return cast(Any, sql.replace("?", "%s"))
