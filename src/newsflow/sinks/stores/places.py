"""Which stores and ledgers may not live in one place, told before anything is opened."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from newsflow.errors import ConfigError

_ON_FILES = ("sqlite", "parquet", "jsonl")


def check_places(ledger_url: str, stores: Iterable[tuple[str, str]]) -> None:
    """Refuse two owners of one file or folder; `stores` are names and URLs, references resolved.

    The same store under two names is fine, and so are a ledger and a store in one PostgreSQL database: each has
    tables of its own there. Raises `ConfigError` naming the store.
    """
    taken: dict[Path, tuple[str, str]] = {}
    for owner, url in [("ledger", ledger_url), *((f"stores.{name}", url) for name, url in stores)]:
        place = _place(url)
        if place is None:
            continue
        kind = "a ledger" if owner == "ledger" else f"a {url.partition(':')[0]} store"
        first, first_kind = taken.setdefault(place, (owner, kind))
        if kind != first_kind:
            raise ConfigError(
                f"{place} is the place of {first} already, which is {first_kind}; {kind} needs one of its own",
                path=owner,
            )


def _place(url: str) -> Path | None:
    """The file or folder a URL names; None for what is elsewhere."""
    scheme, _, rest = url.partition("://")
    if scheme not in _ON_FILES or not rest.startswith("/") or rest == "/":
        return None
    return Path(rest.removeprefix("/")).resolve()
