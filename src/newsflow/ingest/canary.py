"""An article of our own through the whole line, beside the live one: a raw topic, a ledger and a feed that no job,
subscription, store or destination sees. It shows that this configuration, on this broker and this database, gets an
article from one end to the other; whether the live jobs run is what their groups say."""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

from newsflow.config.settings import Config
from newsflow.errors import KafkaError, NewsflowError
from newsflow.ingest.deliver import StoreSink
from newsflow.ingest.emit import output_records
from newsflow.ingest.item import Item
from newsflow.ingest.replay import Namespace
from newsflow.ingest.runtime import Runtime
from newsflow.ingest.steps import process
from newsflow.kafka.admin import TopicTail, apply_topics
from newsflow.kafka.producer import BatchWriter, Record
from newsflow.kafka.settings import KafkaSettings
from newsflow.model import Event
from newsflow.model.names import raw_key
from newsflow.model.topics import TopicSpec
from newsflow.routing import Routes
from newsflow.secrets import resolve
from newsflow.stores.registry import open_store

SOURCE = "newsflow-canary"
RAW_TOPIC, FEED_TOPIC = "news.canary.raw.v1", "news.canary.v1"
NAMESPACE = "doctor--canary"
"""Two hyphens: no replay can have this name."""
KEPT = timedelta(days=1)
_CONFIG = {"cleanup.policy": "delete", "retention.ms": "3600000"}
TOPICS = (
    # The broker's own time of each record: it shows how far its clock is from ours.
    TopicSpec(
        *(RAW_TOPIC, "Canaries as they come in.", 1, "source/identity", "raw-article", "newsflow doctor --canary"),
        config=_CONFIG | {"message.timestamp.type": "LogAppendTime"},
    ),
    TopicSpec(
        *(FEED_TOPIC, "Canaries as they go out.", 1, "article id", "article", "newsflow doctor --canary"),
        config=_CONFIG,
    ),
)


class Canary:
    """One article on its way. `stages` are to be called in order, each once; each may block, returns what was seen and
    raises `NewsflowError`. Close it, or use it as a context."""

    def __init__(self, config: Config) -> None:
        self.token = secrets.token_hex(8)
        self.url = f"https://canary.newsflow.example/{self.token}"
        self.broker_apart = timedelta(0)
        """How far the broker's clock is from ours, at least; known after the first stage."""
        self._config = replace(
            config,
            kafka=replace(config.kafka, input_topic=RAW_TOPIC, group=f"{config.kafka.group}.canary"),
            sources=replace(config.sources, closed=False),
            route_paths=(),
            stores=(),
            destinations=(),
            workers=1,
        )
        self._kafka = KafkaSettings.of(self._config.kafka)
        self._events: list[Event] = []
        self._stack = ExitStack()

    def __enter__(self) -> Canary:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def leave(self) -> None:
        """Close nothing: a stage hangs, and holds what would be waited for."""
        self._stack.pop_all()

    def stages(self) -> Iterator[tuple[str, Callable[[], str]]]:
        yield "raw topic", self._arrive
        yield "decided", self._decide
        yield "delivered", self._deliver

    def _arrive(self) -> str:
        apply_topics(self._kafka, TOPICS)
        value = orjson.dumps(_raw(self.token, self.url, datetime.now(UTC)))
        before_s = time.time()
        [event] = self._through(RAW_TOPIC, [Record(RAW_TOPIC, raw_key(SOURCE, self.url), value)])
        written_s = event.timestamp_ms / 1000
        self.broker_apart = timedelta(seconds=max(before_s - written_s, written_s - time.time(), 0))
        self._events = [event]
        return f"written to {RAW_TOPIC} and read from it"

    def _decide(self) -> str:
        """Every stage of the main job, with a ledger of its own, and what it publishes in a feed of its own."""
        namespace = Namespace(NAMESPACE, resolve(self._config.ledger.url))
        ledger = self._stack.enter_context(closing(namespace.open(self._config.ledger.window_h)))
        runtime = self._stack.enter_context(closing(Runtime(self._config, ledger=ledger, routes=Routes())))
        items = process(self._events, runtime)
        records = [each for each in output_records(items, self._config.job) if each.kind == "article"]
        if not records:
            raise NewsflowError(f"the article was not accepted: {_became(items)}")
        out = [Record(FEED_TOPIC, each.key, each.value, _present(each.headers)) for each in records]
        self._events = self._through(FEED_TOPIC, out)
        ledger.prune(KEPT)
        return f"added, and published to {FEED_TOPIC}"

    def _deliver(self) -> str:
        """As a store's reader takes it, into a store that goes at once."""
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="newsflow-canary-"))
            store = stack.enter_context(closing(open_store(f"jsonl:///{Path(folder) / 'store'}")))
            if dead := StoreSink("canary", store).take(self._events):
                raise NewsflowError(f"the store refused the article: {dead[0][1].message}")
            held = store.check()
        return f"read from {FEED_TOPIC} into a store: {held}"

    def _through(self, topic: str, records: list[Record]) -> list[Event]:
        """Write records, and read them back as a reader of committed records does."""
        with TopicTail(self._kafka, topic) as tail:
            start = tail.end()
            with closing(BatchWriter(self._kafka)) as writer:
                writer.write(records)
            values = [record.value for record in records]
            found = [event for event in tail.between(start, tail.end()) if event.value in values]
        if len(found) != len(records):
            raise KafkaError(f"{len(records)} records were stored in {topic}, and {len(found)} read from it")
        return found


def _raw(token: str, url: str, now: datetime) -> dict[str, str]:
    """A page that is no copy of an earlier one: most of its words are its own."""
    words = " ".join(secrets.token_hex(3) for _ in range(120))
    text = f"The canary {token} was let out to see whether the air is good. It says: {words}."
    content = (
        f"<html lang=en><head><title>Canary {token}</title></head><body><article><p>{text}</p></article></body></html>"
    )
    at = now.isoformat(timespec="seconds")
    return {"source": SOURCE, "url": url, "fetched_at": at, "content_type": "text/html", "content": content}


def _became(items: list[Item]) -> str:
    item = items[0]
    if item.rejected is not None:
        return f"{item.rejected.reason.value}, {item.rejected.message}"
    return item.decision.outcome.value if item.decision else "nothing"


def _present(headers: tuple[tuple[str, bytes | None], ...]) -> tuple[tuple[str, bytes], ...]:
    return tuple((name, content or b"") for name, content in headers)
