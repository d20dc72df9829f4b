"""What the stages work with: built once a process from the configuration, and shared by every bundle."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from newsflow.config.settings import Config
from newsflow.ledger import Ledger, open_ledger
from newsflow.model.raw import RawLimits
from newsflow.normalise import SourceProfile, load_profiles
from newsflow.routing import Routes, load_routes
from newsflow.sandbox import Normaliser, SandboxLimits
from newsflow.secrets import resolve
from newsflow.stores.registry import check_places
from newsflow.tagging import RuleSet, RuleSource, load_rules, shipped_rules_path
from newsflow.tagging.source import POINTER_NAME


class SharedRules:
    """The rules of a process: looks for changed files between batches, for whichever thread asks."""

    def __init__(self, source: RuleSource) -> None:
        self._source, self._lock = source, threading.Lock()

    def current(self) -> RuleSet:
        """The rules to tag the next batch with; raises `ConfigError` only when the first ones do not load."""
        with self._lock:
            return self._source.current()


@dataclass(frozen=True, slots=True)
class Runtime:
    """The built parts of a job."""

    job: str
    raw_limits: RawLimits
    record_bytes: int
    normaliser: Normaliser
    sources: Mapping[str, SourceProfile]
    closed_sources: bool
    ledger: Ledger
    rules: SharedRules
    routes: Routes

    def close(self) -> None:
        """Give back processes and connections."""
        self.normaliser.close()
        self.ledger.close()


def build_runtime(config: Config) -> Runtime:
    """Build all parts; raises `ConfigError` for a file that is wrong, `LedgerError` for a ledger out of reach."""
    rule_paths = [Path(path) for path in config.topic_paths] or [shipped_rules_path()]
    rules = SharedRules(RuleSource(rule_paths, Path(config.topics_applied) / POINTER_NAME))
    rules.current()
    return Runtime(
        job=config.job,
        raw_limits=RawLimits(max_bytes=config.limits.event_bytes),
        record_bytes=config.limits.record_bytes,
        normaliser=Normaliser(SandboxLimits(time_limit_s=config.limits.extract_s)),
        sources=load_sources(config.sources.paths),
        closed_sources=config.sources.closed,
        ledger=open_ledger(resolve(config.ledger.url), window_h=config.ledger.window_h),
        rules=rules,
        routes=load_routes([Path(path) for path in config.route_paths]),
    )


def load_sources(paths: tuple[str, ...]) -> dict[str, SourceProfile]:
    """Source profiles by id, from files and folders; a later path wins."""
    profiles: dict[str, SourceProfile] = {}
    for path in paths:
        profiles.update(load_profiles(Path(path)))
    return profiles


_tools: dict[Config, Runtime] = {}
_lock = threading.Lock()


def runtime_for(config: Config) -> Runtime:
    """The parts for `config`, built at the first call in this process. May block while they are built."""
    with _lock:
        if config not in _tools:
            _tools[config] = build_runtime(config)
        return _tools[config]


def close_runtimes() -> None:
    """Close whatever `tools_for` built in this process."""
    with _lock:
        for tools in _tools.values():
            tools.close()
        _tools.clear()


def check_files(config: Config) -> list[str]:
    """Load every file the configuration names; returns a line on each kind.

    Raises `ConfigError` for a wrong one, and for places that two of them would share.
    """
    sources = load_sources(config.sources.paths)
    rules = load_rules([Path(path) for path in config.topic_paths] or [shipped_rules_path()])
    routes = load_routes([Path(path) for path in config.route_paths])
    check_places(resolve(config.ledger.url), [(name, resolve(url)) for name, url in config.stores])
    return [
        f"sources: {len(sources)}",
        f"topics: {len(rules)}, version {rules.version}",
        f"routes: {len(routes.routes)}, subscriptions: {len(routes.subscriptions)}",
    ]
