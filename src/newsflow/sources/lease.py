"""The right to poll: one process has it for one ledger. Two would ask a host by turns, each as if it were alone.

It is taken over from one that has ended on this machine, or was not heard of for `LEASE_S`: a killed one is followed
without a hand. Whoever lost it learns so in the transaction in which it would have asked.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from newsflow.errors import NewsflowError
from newsflow.ledger import Ledger
from newsflow.ledger.database import Database

LEASE_S, RENEW_S, _LOOK_S = 90.0, 15.0, 5.0
_NAME, _SECOND = "poll", 1_000_000


class PollingElsewhereError(NewsflowError):
    """Another process polls for this ledger."""


def _this_process() -> str:
    return f"process {os.getpid()} on {socket.gethostname()}"


def _new_token() -> str:
    """Names one poller, and the process that it is."""
    return f"{_machine()} {os.getpid()} {uuid.uuid4().hex}"


def _machine() -> str:
    """Where a process number means one process: this boot, and this container. Empty where Linux does not tell."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _has_ended(token: str) -> bool:
    """Whether a poller is known to have ended: its process was of this machine, and is not there any more."""
    machine, pid, _ = token.rsplit(" ", 2)
    if not machine or machine != _machine():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False


@dataclass(frozen=True, slots=True)
class Held:
    """Who has it, as it was last heard of, and until when (microseconds since 1970)."""

    token: str
    holder: str
    until: int


@dataclass
class Lease:
    """Of one process. Instants are microseconds since 1970. Methods that ask the ledger raise `LedgerError`."""

    ledger: Ledger
    holder: str = field(default_factory=_this_process)
    token: str = field(default_factory=_new_token)
    _renewed_at: int = 0

    def take(self, now: Callable[[], int], wait: Callable[[float], object], say: Callable[[str], object]) -> None:
        """Have the lease when it returns. While another has it, `wait` is called with seconds: until that one is heard
        of again, and then `PollingElsewhereError` is raised; or until its lease has ended."""
        first = self._try(now())
        if first is None:
            return
        say(f"{first.holder} polled for this ledger until lately; waiting to see whether it still does")
        while (found := self._try(now())) is not None:
            if (found.token, found.until) != (first.token, first.until):
                raise PollingElsewhereError(
                    f"{found.holder} polls for this ledger; stop it first, or give this one a list and a ledger of its "
                    "own (--feeds, --ledger)"
                )
            wait(min(_LOOK_S, max((found.until - now()) / _SECOND, 0.001)))

    def _try(self, now: int) -> Held | None:
        def work(db: Database) -> Held | None:
            db.lock(["poll"])
            for token, holder, until in db.query(
                "SELECT token, holder, until_at FROM poll_lease WHERE name = ?", [_NAME]
            ):
                if token != self.token and until > now and not _has_ended(token):
                    return Held(token, holder, until)
            row = (_NAME, self.token, self.holder, now + int(LEASE_S * _SECOND))
            told = ", ".join(f"{each} = excluded.{each}" for each in ("token", "holder", "until_at"))
            db.insert("poll_lease", "name, token, holder, until_at", [row], f"ON CONFLICT (name) DO UPDATE SET {told}")
            return None

        found = self.ledger.transact(work)
        self._renewed_at = now if found is None else self._renewed_at
        return found

    def renew(self, now: int) -> None:
        """Keep it, where that is due. Raises `PollingElsewhereError`."""
        if now - self._renewed_at >= RENEW_S * _SECOND:
            self.ledger.transact(lambda db: self.hold(db, now))
            self._renewed_at = now

    def hold(self, db: Database, now: int) -> None:
        """Within a transaction: have the lease for longer, or raise `PollingElsewhereError`, and nothing of it is
        kept."""
        until = now + int(LEASE_S * _SECOND)
        if not db.execute(
            "UPDATE poll_lease SET until_at = ? WHERE name = ? AND token = ?", [until, _NAME, self.token]
        ):
            raise PollingElsewhereError(
                f"another process polls for this ledger since this one was not heard of for {LEASE_S:.0f} s"
            )

    def give_back(self) -> None:
        """The next one need not wait."""
        sql = "DELETE FROM poll_lease WHERE name = ? AND token = ?"
        self.ledger.transact(lambda db: db.execute(sql, [_NAME, self.token]))
