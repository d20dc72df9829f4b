"""What the ledger asks of a database: transactions, queries with `?`, locks by name; how it keeps instants and texts.

Queries are written once. Two macros differ by database: `{in_texts}` and `{in_numbers}` stand behind a column
and take one parameter made by `list_of`.
"""

from __future__ import annotations

import hashlib
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from newsflow import metrics
from newsflow.backoff import Backoff
from newsflow.errors import LedgerError
from newsflow.outages import outages

Row = tuple[Any, ...]
T = TypeVar("T")
_BACKOFF = Backoff(base_s=0.02, cap_s=2.0)


class RetryableError(Exception):
    """The transaction was undone and may succeed when it is run again."""


class _NoAnswerError(LedgerError):
    """Unlike one that refuses, it may answer later."""


class Database(ABC):
    """One connection. Not thread-safe: the ledger holds a lock around each transaction."""

    name: str
    """`sqlite` or `postgresql`."""

    def __init__(self, retry_for_s: float, place: str) -> None:
        """`place` is where it is, for people."""
        self.retry_for_s, self.place = retry_for_s, place

    @abstractmethod
    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """All rows that a statement gives."""

    @abstractmethod
    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run a statement; the number of rows it changed."""

    @abstractmethod
    def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement for each row."""

    def insert(self, table: str, columns: str, rows: Sequence[Sequence[Any]], conflict: str = "") -> None:
        """Insert rows; without `conflict` (an ON CONFLICT clause) it fails when one of them is there already."""
        marks = ", ".join("?" * (columns.count(",") + 1))
        self.execute_many(f"INSERT INTO {table} ({columns}) VALUES ({marks}) {conflict}", rows)

    @abstractmethod
    def list_of(self, values: Sequence[Any]) -> Any:
        """The parameter for `{in_texts}` or `{in_numbers}`."""

    @abstractmethod
    def lock(self, names: Iterable[str]) -> None:
        """Wait until no other transaction holds a lock of these names; held to the end of this one."""

    @abstractmethod
    def lock_rows(self, table: str, column: str, values: Sequence[str]) -> None:
        """Wait until no other transaction changes or has locked these rows; held to the end of this one."""

    @abstractmethod
    def has_table(self, table: str) -> bool:
        """Whether a table of this name exists."""

    @abstractmethod
    def attempt(self, work: Callable[[], T], *, writes: bool) -> T:
        """Run `work` in one transaction. RetryableError when it was undone for a passing cause."""

    @abstractmethod
    def close(self) -> None:
        """Give the connection back."""

    def run(self, work: Callable[[], T], *, writes: bool = True) -> T:
        """Run `work` in one transaction; again, with growing pauses, while the cause of its failure may pass.

        Raises LedgerError when it did not pass within `retry_for_s`; nothing of the work is kept then.
        """
        with metrics.timed("newsflow_ledger_seconds", access="write" if writes else "read"):
            return self.retry(lambda: self.attempt(work, writes=writes))

    def retry(self, attempt: Callable[[], T]) -> T:
        """Call `attempt` until it raises no RetryableError, within `retry_for_s`; then LedgerError."""
        with outages.asking(f"the ledger {self.place}", _NoAnswerError):
            return self._retry(attempt)

    def _retry(self, attempt: Callable[[], T]) -> T:
        started, failures = time.monotonic(), 0
        while True:
            try:
                return attempt()
            except RetryableError as error:
                outages.failed(f"the ledger {self.place}", error)
                metrics.count("newsflow_ledger_failures_total")
                failures += 1
                waited_s, pause_s = time.monotonic() - started, _BACKOFF.delay_s(failures)
                if waited_s + pause_s > self.retry_for_s:
                    message = f"the ledger ({self.name}) did not answer in {waited_s:.0f} s: {error}"
                    raise _NoAnswerError(message) from error.__cause__
                time.sleep(pause_s)


def lock_number(name: str) -> int:
    """A signed 64-bit number for a lock's name."""
    raw = hashlib.blake2b(f"newsflow\n{name}".encode(), digest_size=8).digest()
    return int.from_bytes(raw, "big", signed=True)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def to_micros(at: datetime) -> int:
    """Microseconds since 1970-01-01T00:00:00Z of an aware instant. ValueError for a naive one."""
    if at.tzinfo is None:
        raise ValueError(f"{at.isoformat()} has no zone; accepted: an aware datetime")
    return (at - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The instant of `to_micros`, in UTC."""
    return _EPOCH + timedelta(microseconds=micros)


def storable(text: str) -> str:
    """The text with NUL and lone surrogates replaced by U+FFFD: PostgreSQL takes neither."""
    return _UNSTORABLE.sub("\ufffd", text)


def storable_or_none(text: str | None) -> str | None:
    """`storable`, passing None on."""
    return None if text is None else storable(text)
