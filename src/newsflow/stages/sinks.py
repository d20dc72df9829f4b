"""The sinks of a delivery: built once a process from the configuration, and shared by every bundle."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from newsflow.config.settings import Config
from newsflow.errors import ConfigError, UsageError
from newsflow.ledger import Ledger, open_ledger
from newsflow.model import Article
from newsflow.routing import Routes, load_routes
from newsflow.secrets import resolve
from newsflow.sinks.deliver import AlertSink, PatientSink, StoreSink
from newsflow.sinks.desks import AlertDesks
from newsflow.sinks.stores import open_store, takes_several_writers

ALERTS = "alerts"
"""The sink that lets the alert desks see articles; stores have the names of the configuration."""
LEDGER_PATIENCE_S = 5.0
"""How long one call waits for the ledger; whoever calls tries again, and can be told to stop in between."""


def sink_names(config: Config) -> tuple[str, ...]:
    """Every sink there is: the configured stores, and the alert desks. Raises `ConfigError` for a taken name."""
    stores = tuple(name for name, _ in config.stores)
    if ALERTS in stores:
        raise ConfigError(f"the name {ALERTS!r} is that of the alert desks; give the store another", path="stores")
    return (*stores, ALERTS)


def chosen_sinks(config: Config, text: str | None) -> tuple[str, ...]:
    """The sinks that `text` names, with commas between, each once; all of them for None. Raises `UsageError`."""
    known = sink_names(config)
    if text is None:
        return known
    chosen = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    unknown = [name for name in chosen if name not in known]
    if unknown or not chosen:
        raise UsageError(f"there is no sink {', '.join(map(repr, unknown)) or text!r}; there are: {', '.join(known)}")
    return chosen


def sink_on_flink(config: Config, text: str | None) -> str:
    """The one store that a job on Flink delivers to. Raises `UsageError` for more or less than one, the alert desks,
    and stores that are files."""
    chosen = chosen_sinks(config, text)
    able = [name for name, url in config.stores if _may_be_shared(url)]
    if len(chosen) == 1 and chosen[0] in able:
        return chosen[0]
    if len(chosen) > 1:
        why = "each sink is a job of its own there, so that none that is away holds another's checkpoints"
    elif chosen[0] == ALERTS:
        why = "alerts are sent by one process: run `newsflow run deliver --follow --sinks alerts` beside it"
    else:
        why = f"{chosen[0]} is files of one machine; `newsflow run deliver --follow --sinks {chosen[0]}` writes them"
    accepted = ", ".join(f"--sinks {name}" for name in able) or "none of those configured"
    raise UsageError(f"{', '.join(chosen)} on Flink: {why}; accepted: {accepted}")


def _may_be_shared(url: str) -> bool:
    try:
        return takes_several_writers(resolve(url))
    except ConfigError:
        return True  # A secret that only the workers have; theirs to find.


class LateDesks:
    """The alert desks and the ledger they remember in, opened when they are first needed: a ledger that is away at
    the start holds no store. Safe to share between threads; every method may raise `LedgerError`."""

    def __init__(self, config: Config, routes: Routes) -> None:
        # Those without a policy are told by the job that publishes the article.
        self._asking = tuple(each for each in routes.subscriptions if not each.told_at_once)
        self._settings, self._lock = config.ledger, threading.Lock()
        self._opened: tuple[Ledger, AlertDesks] | None = None

    def ledger(self) -> Ledger:
        """The ledger, with the outbox. May block for `LEDGER_PATIENCE_S`."""
        return self._open()[0]

    def desks(self) -> AlertDesks:
        """The desks. May block as `ledger` does."""
        return self._open()[1]

    def close(self) -> None:
        """Close the ledger if it was opened."""
        with self._lock:
            if self._opened is not None:
                self._opened[0].close()
                self._opened = None

    def _open(self) -> tuple[Ledger, AlertDesks]:
        with self._lock:
            if self._opened is None:
                url, window_h = resolve(self._settings.url), self._settings.window_h
                ledger = open_ledger(url, window_h=window_h, retry_for_s=LEDGER_PATIENCE_S)
                self._opened = ledger, AlertDesks(Routes(subscriptions=self._asking), ledger)
            return self._opened


class _Sinks:
    """What one configuration needs, each part made when it is first asked for."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._routes: Routes | None = None
        self._desks: LateDesks | None = None
        self._sinks: dict[str, PatientSink] = {}
        self._closing: list[Callable[[], object]] = []

    def sink(self, name: str) -> PatientSink:
        if name not in self._sinks:
            self._sinks[name] = PatientSink(AlertSink(self.desks().desks) if name == ALERTS else self._store(name))
        return self._sinks[name]

    def desks(self) -> LateDesks:
        if self._desks is None:
            self._desks = LateDesks(self._config, self.routes())
            self._closing.append(self._desks.close)
        return self._desks

    def routes(self) -> Routes:
        if self._routes is None:
            self._routes = load_routes([Path(path) for path in self._config.route_paths])
        return self._routes

    def close(self) -> None:
        for close in reversed(self._closing):
            close()

    def _store(self, name: str) -> StoreSink:
        store, routes = open_store(resolve(dict(self._config.stores)[name])), self.routes()
        self._closing.append(store.close)

        def wants(article: Article) -> bool:
            return name in routes.stores_of(article)

        return StoreSink(name, store, wants)


_all: dict[Config, _Sinks] = {}
_lock = threading.Lock()


def sink_for(config: Config, name: str) -> PatientSink:
    """The sink called `name`, made at the first call in this process. Raises `ConfigError` for files that are wrong;
    a store or a ledger that is away is no error yet."""
    with _lock:
        return _of(config).sink(name)


def desks_for(config: Config) -> LateDesks:
    """The alert desks, and the ledger they remember in."""
    with _lock:
        return _of(config).desks()


def close_sinks() -> None:
    """Close whatever was made in this process."""
    with _lock:
        for sinks in _all.values():
            sinks.close()
        _all.clear()


def _of(config: Config) -> _Sinks:
    if config not in _all:
        _all[config] = _Sinks(config)
    return _all[config]
