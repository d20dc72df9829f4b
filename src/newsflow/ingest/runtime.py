"""What a process works with: each costly part is built once, from the configuration, and shared by all that runs."""

from __future__ import annotations

import atexit
import gc
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

from newsflow.alerts.planner import AlertPlanner
from newsflow.alerts.senders.registry import make_senders
from newsflow.blobs import BlobStore
from newsflow.config.settings import Config
from newsflow.cores import cores
from newsflow.errors import ConfigError, raise_all
from newsflow.ingest.claims import ClaimCheck, Claimed, check_blobs, open_blobs
from newsflow.ingest.deliver import AlertSink, PatientSink, StoreSink
from newsflow.ingest.labels import Labels
from newsflow.ingest.telling import Manner, Teller
from newsflow.kafka.producer import Producer
from newsflow.kafka.reader import TopicPosition
from newsflow.kafka.settings import KafkaSettings
from newsflow.kafka.split import SplitReaders
from newsflow.ledger import Clock, Ledger, open_ledger, system_clock
from newsflow.ledger.stories import ReadUpTo
from newsflow.model import Event
from newsflow.model.letter import ALERTS
from newsflow.model.raw import RawLimits
from newsflow.normalise import SourceProfile
from newsflow.normalise.profiles import load_sources
from newsflow.routing import Routes, load_routes
from newsflow.sandbox import Normaliser, SandboxLimits
from newsflow.secrets import resolve
from newsflow.stores.registry import check_places, open_store
from newsflow.tagging import RuleSet, RuleSource, read_rules, shipped_rules_path
from newsflow.tagging.applied import InForce, in_force, version_of
from newsflow.tagging.ruleset import POINTER_NAME
from newsflow.trends.counts import Trends

T = TypeVar("T")
LEDGER_PATIENCE_S, ALERT_LEDGER_PATIENCE_S = 60.0, 5.0


class part(Generic[T]):  # noqa: N801  (used as a decorator)
    """A part of a `Runtime`: built at its first use, by one thread, and a plain attribute from then on. A build that
    fails is tried again at the next use."""

    def __init__(self, build: Callable[[Any], T]) -> None:
        self._build, self._name = build, build.__name__

    def __get__(self, runtime: Runtime, owner: type[Runtime]) -> T:
        with runtime.locks[self._name]:
            parts = vars(runtime)
            if self._name not in parts:
                parts[self._name] = self._build(runtime)
            built: T = parts[self._name]
            return built


class SharedRules:
    """The rules of a process: looks for changed files between batches, for whichever thread asks."""

    def __init__(self, source: RuleSource) -> None:
        self._source, self._lock = source, threading.Lock()

    def current(self) -> RuleSet:
        """The rules to tag the next batch with; raises `ConfigError` only when the first ones do not load."""
        with self._lock:
            return self._source.current()


class Runtime:
    """The parts of one configuration. The first use of one may block while it is built, and raises `ConfigError` for a
    file that is wrong, `LedgerError` for a ledger out of reach. Any thread may use them; one that is being built holds
    up no other."""

    def __init__(self, config: Config, clock: Clock = system_clock, **given: Any) -> None:
        """`given` are parts by name, used instead of those that would be built."""
        self.config, self.job, self.clock = config, config.job, clock
        vars(self).update(given)
        self.raw_limits = RawLimits(max_bytes=config.limits.event_bytes)
        limits = config.limits
        self.claim_check = ClaimCheck(lambda: self.blobs, limits.record_bytes)
        self.claimed_events = Claimed(lambda: self.blobs, limits.event_bytes)
        self.claimed = Claimed(lambda: self.blobs, limits.expand_bytes)
        self.labels = Labels()
        self.closed_sources = config.sources.closed
        self.locks = {name: threading.RLock() for name, value in vars(Runtime).items() if isinstance(value, part)}
        self.beat: Callable[[], object] = lambda: None
        """Called as a long batch moves: the job is not stuck."""
        self.latest: Callable[[], datetime | None] = clock
        """No event was fetched after this: the clock, for a job that follows. A run over what is there already gives
        None or, of a file, when that was written, so that it decides as it would at any other time."""
        self._to_close = ExitStack()
        self._sinks: dict[str, PatientSink] = {}
        self._sinks_lock = threading.Lock()
        self._lent: dict[str | TopicPosition, Any] = {}

    @part
    def ledger(self) -> Ledger:
        ledger = self._open_ledger(self.config.limits.start_s)
        ledger.wait(LEDGER_PATIENCE_S)
        return ledger

    def _open_ledger(self, retry_for_s: float) -> Ledger:
        url, window_h = resolve(self.config.ledger.url), self.config.ledger.window_h
        return self._to_close.enter_context(
            closing(open_ledger(url, window_h=window_h, clock=self.clock, retry_for_s=retry_for_s))
        )

    @part
    def blobs(self) -> BlobStore:
        """Where values are that do not fit a record."""
        return open_blobs(self.config)

    @part
    def normaliser(self) -> Normaliser:
        limits = SandboxLimits(time_limit_s=self.config.limits.extract_s, workers=self.config.workers or cores())
        return self._to_close.enter_context(closing(Normaliser(limits)))

    @part
    def teller(self) -> Teller:
        meaning = self.config.stories.encoder != "none"
        return Teller(self.normaliser.workers, Manner(self.config.limits.extract_s, meaning))

    @part
    def sources(self) -> dict[str, SourceProfile]:
        return load_sources(self.config.sources.paths)

    @part
    def families(self) -> dict[str, str]:
        """The publisher behind a source, where it is known."""
        return {name: profile.family for name, profile in self.sources.items() if profile.family}

    @part
    def rules(self) -> SharedRules:
        rules = SharedRules(RuleSource(_rule_paths(self.config), Path(self.config.topics_applied) / POINTER_NAME))
        rules.current()
        return rules

    @part
    def routes(self) -> Routes:
        return _load_routes(self.config)

    @part
    def trends(self) -> Trends:
        return Trends(self.ledger, self.config.trends)

    @part
    def alert_ledger(self) -> Ledger:
        """Where alerts are planned, with the outbox. It waits briefly for the database: the caller tries again, and can
        be told to stop in between."""
        return self._open_ledger(ALERT_LEDGER_PATIENCE_S)

    @part
    def planner(self) -> AlertPlanner:
        """Plans alerts of subscriptions with a policy; the job that publishes an article tells the others."""
        asking = tuple(each for each in self.routes.subscriptions if not each.told_at_once)
        return AlertPlanner(Routes(subscriptions=asking), self.alert_ledger)

    @part
    def producer(self) -> Producer:
        return self._to_close.enter_context(closing(Producer(KafkaSettings.of(self.config.kafka))))

    @part
    def split_readers(self) -> SplitReaders:
        kafka = replace(KafkaSettings.of(self.config.kafka), expand_bytes=self.config.limits.expand_bytes)
        return self._to_close.enter_context(closing(SplitReaders(kafka, self.config.trends.windows.grace_s)))

    def sink(self, name: str) -> PatientSink:
        """A sink of delivery. Raises `ConfigError` for files that are wrong; a store or a ledger that is unavailable is
        not an error yet."""
        with self._sinks_lock:
            if name not in self._sinks:
                routes = self.routes
                made = (
                    AlertSink(lambda: self.planner, read=self.claimed, fresh=self.config.alerts_fresh)
                    if name == ALERTS
                    else self._store_sink(name, routes)
                )
                self._sinks[name] = PatientSink(made)
            return self._sinks[name]

    def _store_sink(self, name: str, routes: Routes) -> StoreSink:
        store = self._to_close.enter_context(closing(open_store(resolve(dict(self.config.stores)[name]))))
        return StoreSink(name, store, lambda article: name in routes.stores_of(article), self.claimed)

    def prepare(self) -> Runtime:
        """Build now what the main job needs, so that what is wrong shows before anything starts."""
        for name in ("rules", "sources", "routes", "normaliser", "ledger"):
            getattr(self, name)
        self.rules.current().prepare()
        # All of it stays: the garbage collector need not look through it again and again.
        gc.freeze()
        return self

    def lend(self, name: str | TopicPosition, value: Any) -> None:
        """Let steps that run in this process find a reader or an output of the local runner by its name. It outlives
        the runs; who lends it closes it."""
        self._lent[name] = value

    def lent(self, name: str | TopicPosition) -> Any:
        """What was lent under `name`; raises `RuntimeError` in a process that has none."""
        try:
            return self._lent[name]
        except KeyError:
            raise RuntimeError(
                f"nobody has lent {name} to this process: bounded runs work on the in-process runner alone; "
                "for other runners use the endless source"
            ) from None

    def reading(self, events: Sequence[Event]) -> list[ReadUpTo]:
        """How far the readers of raw events are, which have just given these; of files, what they gave."""
        position = TopicPosition(self.config.kafka.input_topic, self.config.kafka.group)
        known: dict[str, tuple[frozenset[int], dict[int, tuple[int, int]]]] = {}
        if (reader := self._lent.get(position)) is not None:
            known[position.topic] = reader.next_places()
        elif "split_readers" in vars(self):
            passed = frozenset(event.partition for event in events if event.topic == position.topic)
            known[position.topic] = self.split_readers.next_places(position, passed)
        topics = sorted({event.topic for event in events} | known.keys())
        return [
            ReadUpTo(topic, [event for event in events if event.topic == topic], *known.get(topic, ()))
            for topic in topics
        ]

    def close(self) -> None:
        """Give back processes and connections, the last made first. Nothing of it may be used afterwards."""
        self._to_close.close()


def _rule_paths(config: Config) -> list[Path]:
    return [Path(path) for path in config.topic_paths] or [shipped_rules_path()]


def _load_routes(config: Config, topics: Collection[str] | None = None) -> Routes:
    """Where stores or destinations are configured at all, routes name no other; not every job need know them."""
    stores, destinations = ([name for name, _ in each] or None for each in (config.stores, config.destinations))
    paths = [Path(path) for path in config.route_paths]
    return load_routes(paths, topics=topics, destinations=destinations, stores=stores)


def check_files(config: Config) -> list[str]:
    """Load every file the configuration names, and the rules that were applied; returns a line on each kind.

    Raises `ConfigError` with all that is wrong, with stores and ledgers that would share a file or a table too.
    """
    wrong: list[ConfigError] = []
    found = list(filter(None, (_checked(check, config, wrong) for check in _CHECKS)))
    raise_all(wrong)
    return found


def _checked(check: Callable[[Config], str], config: Config, wrong: list[ConfigError]) -> str:
    try:
        return check(config)
    except ConfigError as error:
        wrong.append(error)
        return ""


def _check_rules(config: Config) -> str:
    """The configured or shipped rules; they count where none were applied."""
    rules = read_rules(_rule_paths(config))  # not compiled: nothing is tagged
    return f"topics: {len(rules)}, version {version_of(rules)}, {'configured' if config.topic_paths else 'shipped'}"


def _check_applied(config: Config) -> str:
    applied = _rules_in_force(config)
    if not applied.pointer.paths:
        return ""
    found = applied.rules()
    version, was = version_of(found), applied.pointer.version
    in_place = f"applied topics: {len(found)}, version {version}, in force instead of these"
    return in_place + (f"; they were applied as {was}" if was != version else "")


def _check_routes(config: Config) -> str:
    try:
        topics = {rule.id for rule in _rules_in_force(config).rules()}
    except ConfigError:  # said by the checks of rules
        topics = None
    routes = _load_routes(config, topics)
    return f"routes: {len(routes.routes)}, subscriptions: {len(routes.subscriptions)}"


def _check_places(config: Config) -> str:
    check_places(resolve(config.ledger.url), [(name, resolve(url)) for name, url in config.stores])
    return ""


def _check_destinations(config: Config) -> str:
    """As the jobs that send alerts do, and all that is wrong. Connects to nothing."""
    wrong: list[ConfigError] = []
    for each in config.destinations:
        _checked(lambda _, each=each: str(make_senders([each])), config, wrong)  # type: ignore[misc]
    raise_all(wrong)
    return ""


def _check_kafka(config: Config) -> str:
    KafkaSettings.of(config.kafka).to_client_kwargs()
    return ""


_CHECKS: tuple[Callable[[Config], str], ...] = (
    lambda config: f"sources: {len(load_sources(config.sources.paths))}",
    _check_rules,
    _check_applied,
    _check_routes,
    _check_places,
    _check_destinations,
    _check_kafka,
    check_blobs,
)


def unpublished_topics(config: Config) -> list[str]:
    """Ids of the rules in force whose articles no route publishes: nobody gets their feeds. Raises `ConfigError`."""
    ids = {rule.id for rule in _rules_in_force(config).rules()}
    return sorted(ids - _load_routes(config).published(ids))


def unconfigured(config: Config) -> list[str]:
    """A line on the stores, and one on the destinations, that routes name while none are configured: nobody writes or
    sends there. Raises `ConfigError`."""
    routes, shipped = _load_routes(config), load_routes().routes
    stores = {name for each in routes.routes if each not in shipped for name in each.stores}
    destinations = {name for each in routes.subscriptions for name in each.alert_to}
    named = (("stores", config.stores, stores), ("destinations", config.destinations, destinations))
    return [
        f"routes name {what}, and none are configured: {', '.join(sorted(names))}"
        for what, configured, names in named
        if names and not configured
    ]


def _rules_in_force(config: Config) -> InForce:
    return in_force(Path(config.topics_applied), config.topic_paths)


# Beam pickles the steps of a pipeline, and runners make many instances of one. A step carries only the configuration,
# by which it finds what its process has built.

_runtimes: dict[Config, Runtime] = {}
_lock = threading.Lock()


def runtime_for(config: Config, **given: Any) -> Runtime:
    """The process's parts for `config`; `given` as for `Runtime`, where it is not there yet."""
    with _lock:
        if config not in _runtimes:
            _runtimes[config] = Runtime(config, **given)
        return _runtimes[config]


def close_runtimes() -> None:
    """Close whatever this process has built; the next `runtime_for` starts anew."""
    with _lock:
        runtimes = list(_runtimes.values())
        _runtimes.clear()
    for runtime in runtimes:
        runtime.close()


atexit.register(close_runtimes)


@contextmanager
def opened(config: Config, **given: Any) -> Iterator[Runtime]:
    """The process's parts for as long as the context lasts; `given` as for `Runtime`. Raises `ConfigError` for a blob
    store that other processes may not reach."""
    check_blobs(config)
    try:
        yield runtime_for(config, **given)
    finally:
        close_runtimes()
