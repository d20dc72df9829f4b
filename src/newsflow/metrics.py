"""What a job tells of itself to Prometheus: every metric is declared here, and the reference is written from it.

Each label takes a closed set of values: a value beyond it counts as `other`, so no address, id or text of others ever
becomes one. All processes of a job on one machine write to one folder, and the first of them serves what all wrote.
Nothing is imported, counted or measured where nobody has called `start`. Imports nothing of newsflow that does.
"""

from __future__ import annotations

import atexit
import contextlib
import itertools
import logging
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from newsflow.errors import ConfigError
from newsflow.health.judge import Kind
from newsflow.model import Outcome, Reason

log = logging.getLogger(__name__)

OTHER = "other"
CONFIGURED = "as configured"
"""In place of values: the names that the configuration gives, made known by `allow`."""
_SECONDS = (0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0)
_AGES = (1, 5, 15, 60, 300, 900, 3_600, 21_600, 86_400)
_FOLDER, _OWNER = "PROMETHEUS_MULTIPROC_DIR", "NEWSFLOW_METRICS_OWNER"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: `counter`, `gauge` or `histogram`, with the values that each label may have."""

    name: str
    kind: str
    help: str
    labels: Mapping[str, tuple[str, ...] | str]
    buckets: tuple[float, ...] = ()


STAGES = ("normalise", "deduplicate", "tag", "route", "record")
WORDS = (
    "outside-body", "share-bar", "read-also", "promotion", "footer", "caption", "source-line", "byline", "no-words",
    "date-line", "title", "repeated", "code", "feed-note", "source-profile", "not-in-json-ld", "joined", "beyond-limit",
    "unaccounted", *Reason,
)  # fmt: skip
WITH_REASON = (Outcome.DEAD_LETTERED, "dropped")
METRICS = {
    each.name: each
    for each in (
        Metric(
            "newsflow_events_total",
            "counter",
            "Events by what became of them; `reason` is that of dead letters.",
            {"outcome": (*Outcome, "delivered"), "reason": ("", *Reason)},
        ),
        Metric(
            "newsflow_words_total",
            "counter",
            "Words that came in, were kept, and were dropped, and why.",
            {"what": ("in", "kept", "dropped"), "reason": ("", *WORDS)},
        ),
        Metric(
            "newsflow_input_total",
            "counter",
            "What was found of the input beside its records: `lost` ones, a topic that was `made-anew`.",
            {"what": ("lost", "deleted", "made-anew", "truncated", "partitions-added", "fetched-in-the-future")},
        ),
        Metric(
            "newsflow_age_seconds",
            "histogram",
            "How old an article is when its feeds have it: since it was fetched, and since the job read it.",
            {"since": ("fetched", "read")},
            _AGES,
        ),
        Metric("newsflow_batch_events", "histogram", "Events in a batch.", {}, (1, 5, 20, 50, 100, 200, 500)),
        Metric(
            "newsflow_stage_seconds", "histogram", "Time that a stage takes for a batch.", {"stage": STAGES}, _SECONDS
        ),
        Metric(
            "newsflow_ledger_seconds",
            "histogram",
            "Time that the ledger takes for a transaction, waiting for locks and its database included.",
            {"access": ("read", "write")},
            _SECONDS,
        ),
        Metric("newsflow_ledger_failures_total", "counter", "Transactions that had to be run again.", {}),
        Metric(
            "newsflow_lag_records",
            "gauge",
            "Records that a group has still to read, of each partition; after the last run.",
            {"group": CONFIGURED, "partition": tuple(map(str, range(256)))},
        ),
        Metric(
            "newsflow_sink_articles_total",
            "counter",
            "Articles that a sink took, or refused for good.",
            {"sink": CONFIGURED, "result": ("taken", "refused")},
        ),
        Metric(
            "newsflow_sink_failures_total",
            "counter",
            "Batches that a sink could not take just then.",
            {"sink": CONFIGURED},
        ),
        Metric(
            "newsflow_deliveries_total",
            "counter",
            "Tries to send an alert, by what the destination answered.",
            {"destination": CONFIGURED, "result": ("sent", "retry", "refused")},
        ),
        Metric("newsflow_outbox_alerts", "gauge", "Alerts that wait for a destination.", {"destination": CONFIGURED}),
        Metric(
            "newsflow_outbox_age_seconds",
            "gauge",
            "How long the first alert that waits for a destination has waited.",
            {"destination": CONFIGURED},
        ),
        Metric(
            "newsflow_dead_letter_timestamp_seconds",
            "gauge",
            "When the last dead letter of a reason was written, in seconds since 1970.",
            {"reason": tuple(Reason)},
        ),
        Metric(
            "newsflow_source_events_total",
            "counter",
            "Events of a source that has a profile, by what became of them; those that cannot be read have no source.",
            {"source": CONFIGURED, "outcome": tuple(Outcome)},
        ),
        Metric(
            "newsflow_source_finding",
            "gauge",
            "1 while a source that has a profile is not as usual in this, else 0; since it was last judged.",
            {"source": CONFIGURED, "kind": tuple(Kind)},
        ),
        Metric("newsflow_sources_ailing", "gauge", "Sources that are not as usual in this.", {"kind": tuple(Kind)}),
        Metric(
            "newsflow_source_timestamp_seconds",
            "gauge",
            "When the last article of a source that has a profile was decided, in seconds since 1970: its silence.",
            {"source": CONFIGURED},
        ),
    )
}

_allowed: dict[str, frozenset[str]] = {}
_made: dict[str, Any] = {}
_registry: Any = None
_lock = threading.Lock()
_at_scrape: list[Callable[[], object]] = []


def allow(label: str, names: Collection[str]) -> None:
    """Make known the values that a label takes by the configuration; others count as `other`."""
    _allowed[label] = frozenset(names)


def names(label: str) -> frozenset[str]:
    """The values that `allow` made known."""
    return _allowed.get(label, frozenset())


def is_on() -> bool:
    """Whether anything is counted."""
    return _registry is not None


def count(name: str, amount: float = 1, **labels: str) -> None:
    """Add to a counter."""
    if _registry is not None and amount:
        _of(name, labels).inc(amount)


def observe(name: str, value: float, **labels: str) -> None:
    """Take a value into a histogram."""
    if _registry is not None:
        _of(name, labels).observe(value)


def show(name: str, value: float, **labels: str) -> None:
    """Set a gauge."""
    if _registry is not None:
        _of(name, labels).set(value)


@contextlib.contextmanager
def timed(name: str, **labels: str) -> Iterator[None]:
    """Take the time of the block into a histogram."""
    if _registry is None:
        yield
        return
    began = time.monotonic()
    try:
        yield
    finally:
        observe(name, time.monotonic() - began, **labels)


def count_all(counters: Mapping[str, int]) -> None:
    """Take in the counters of a batch (`outcome.added`, `reason.no-text`, `words.kept.SOURCE` …)."""
    if _registry is None:
        return
    for name, number in counters.items():
        kind, _, rest = name.partition(".")
        if kind == "outcome" and rest != Outcome.DEAD_LETTERED:
            count("newsflow_events_total", number, outcome=rest, reason="")
        elif kind == "reason":
            count("newsflow_events_total", number, outcome=Outcome.DEAD_LETTERED, reason=rest)
            show("newsflow_dead_letter_timestamp_seconds", time.time(), reason=rest)
        elif kind == "words":
            what, _, source = rest.partition(".")
            reason = source.partition(".")[0] if what == "dropped" else ""
            count("newsflow_words_total", number, what=what, reason=reason)
        elif kind == "input":
            count("newsflow_input_total", number, what=rest)


def at_scrape(look: Callable[[], object]) -> None:
    """Have `look` called before each answer, to set gauges of what is not counted as it happens."""
    _at_scrape.append(look)


def _of(name: str, labels: Mapping[str, str]) -> Any:
    """The metric with these labels."""
    metric = METRICS[name]
    made = _made.get(name)
    if made is None:
        with _lock:
            made = _made.setdefault(name, _made.get(name) or _make(metric))
    if not metric.labels:
        return made
    return made.labels(*(_closed(label, values, labels[label]) for label, values in metric.labels.items()))


def _closed(label: str, values: tuple[str, ...] | str, value: str) -> str:
    allowed = _allowed.get(label, frozenset()) if isinstance(values, str) else values
    return value if value in allowed else OTHER


def _make(metric: Metric) -> Any:
    import prometheus_client

    more: dict[str, Any] = {"labelnames": tuple(metric.labels), "registry": prometheus_client.CollectorRegistry()}
    if metric.kind == "counter":
        return prometheus_client.Counter(metric.name, metric.help, **more)
    if metric.kind == "gauge":
        return prometheus_client.Gauge(metric.name, metric.help, multiprocess_mode="mostrecent", **more)
    return prometheus_client.Histogram(metric.name, metric.help, buckets=metric.buckets, **more)


# Serving.


def start(listen: str | None) -> int | None:
    """Begin to count, and answer at `HOST:PORT`, or at the first free port of `HOST:PORT-PORT`, unless a process that
    started this one does; the port. Called again it changes nothing. Raises `ConfigError` where no port is free."""
    global _registry
    with _lock:
        if listen is None or _registry is not None:
            return None
        folder, owner = os.environ.get(_FOLDER, ""), os.environ.get(_OWNER)
        serves = not (folder and owner and os.path.isdir(folder))  # noqa: PTH112 a path that the library wants as text
        if serves:
            folder = tempfile.mkdtemp(prefix="newsflow-metrics-")
            # Read by the library when it is imported, and by processes that this one starts.
            os.environ |= {_FOLDER: folder, _OWNER: str(os.getpid())}
        from prometheus_client import CollectorRegistry, values
        from prometheus_client.multiprocess import MultiProcessCollector

        values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call] # of an import before this
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        try:
            port = _serve(registry, listen) if serves else None
        except ConfigError:
            _give_up(folder)
            raise
        _registry = registry
    if serves:
        atexit.register(_give_up, folder, os.getpid())
        for metric in METRICS.values():
            if metric.kind != "gauge":
                _begin_at_zero(metric)
    return port


def _begin_at_zero(metric: Metric) -> None:
    """Show what counts before anything is counted: Prometheus sees no rise in what begins with its first event."""
    known = [_allowed.get(name, ()) if isinstance(each, str) else each for name, each in metric.labels.items()]
    for values in itertools.product(*known):
        labels = dict(zip(metric.labels, values, strict=True))
        if "reason" not in labels or bool(labels["reason"]) == (values[0] in WITH_REASON):
            _of(metric.name, labels)


def _give_up(folder: str, pid: int | None = None) -> None:
    if pid in (None, os.getpid()):
        os.environ.pop(_FOLDER, None)
        os.environ.pop(_OWNER, None)
        shutil.rmtree(folder, ignore_errors=True)


def _serve(registry: Any, listen: str) -> int:
    from wsgiref.simple_server import WSGIRequestHandler, make_server

    from prometheus_client import make_wsgi_app

    class Quiet(WSGIRequestHandler):
        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
            log.debug(format, *arguments)

    answer = make_wsgi_app(registry)

    def app(environ: Any, respond: Any) -> Any:
        for look in _at_scrape:
            try:
                look()
            except Exception as error:
                log.warning("a metric cannot be read now: %s", error)
        return answer(environ, respond)

    host, ports = ports_of(listen)
    for port in ports:
        try:
            server = make_server(host, port, app, handler_class=Quiet)
        except OSError as error:
            refused = error
            continue
        threading.Thread(target=server.serve_forever, name="newsflow-metrics", daemon=True).start()
        log.info("metrics at http://%s:%d/metrics", host, server.server_port)
        return server.server_port
    raise ConfigError(f"{listen} cannot be listened at: {refused.strerror or refused}", path="metrics.listen")


def ports_of(listen: str) -> tuple[str, Iterable[int]]:
    """Host and ports of `127.0.0.1:9464`, `0.0.0.0:9464-9472` or `[::1]:9464`."""
    host, _, ports = listen.rpartition(":")
    first, _, last = ports.partition("-")
    return host.strip("[]"), range(int(first), int(last or first) + 1)
