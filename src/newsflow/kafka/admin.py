"""Makes a broker's topics as declared, and asks about topics. Creates and alters; never deletes, never shrinks."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import for_code
from kafka.structs import OffsetAndMetadata

from newsflow.errors import KafkaError
from newsflow.kafka.client import make_admin, make_consumer, partitions_of, translated
from newsflow.kafka.reader import to_event
from newsflow.kafka.settings import KafkaSettings
from newsflow.model import Event
from newsflow.model.topics import TopicSpec

_ALREADY_EXISTS = 36
_BROKER_DEFAULT = -1
_LOOK_AGAIN_S = 0.1


class TopicAction(StrEnum):
    """One kind of difference between a declared topic and the broker's."""

    CREATE = "create"
    PARTITIONS = "partitions"
    CONFIG = "config"
    KEPT = "kept"
    """It differs and stays: partitions cannot shrink, and a setting made by hand is not ours to undo."""


@dataclass(frozen=True, slots=True)
class TopicChange:
    """What is to be done about one topic. `name` is the setting's, or `partitions` for their number."""

    action: TopicAction
    topic: str
    name: str = ""
    before: str | None = None
    after: str = ""
    spec: TopicSpec | None = None

    def __str__(self) -> str:
        if self.action is TopicAction.CREATE and self.spec is not None:
            settings = ", ".join(f"{key}={value}" for key, value in sorted(self.spec.config.items()))
            return f"+ {self.topic}: {self.spec.partitions} partitions, {settings}"
        if self.action is TopicAction.KEPT:
            return f"! {self.topic}: {self.name} is {self.before}, declared {self.after}; it stays as it is"
        return f"~ {self.topic}: {self.name} {self.before} → {self.after}"


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic as the broker has it. `config` holds every setting, `own` those set on the topic itself."""

    name: str
    partitions: int
    config: Mapping[str, str]
    own: frozenset[str] = field(default_factory=frozenset)


def diff_topics(settings: KafkaSettings, specs: Iterable[TopicSpec]) -> list[TopicChange]:
    """Return what `apply_topics` would do, changing nothing; creations are checked by the broker.

    Raises `KafkaError` when the broker cannot be reached or would refuse a change.
    """
    specs = tuple(specs)
    with closing(make_admin(settings)) as admin, translated("comparing topics"):
        changes = _differences(admin, specs)
        _carry_out(admin, changes, validate_only=True)
        return changes


def apply_topics(settings: KafkaSettings, specs: Iterable[TopicSpec]) -> list[TopicChange]:
    """Create and alter topics until they are as declared; return what was done. Calling it again changes nothing.

    Raises `KafkaError` when the broker cannot be reached or refuses a change; what was done before stays done.
    """
    specs = tuple(specs)
    with closing(make_admin(settings)) as admin, translated("applying topics"):
        changes = _differences(admin, specs)
        _carry_out(admin, changes, validate_only=False)
        created = [change.topic for change in changes if change.action is TopicAction.CREATE]
        if created:
            admin.wait_for_topics(created, timeout_ms=120_000)
        _wait_until_seen(admin, specs)
        return changes


def _wait_until_seen(admin: Any, specs: Sequence[TopicSpec], timeout_s: float = 30.0) -> None:
    """The controller has taken a change before every broker answers with it: ask until they do.

    Raises `KafkaError` with what still differs when time is up.
    """
    deadline = time.monotonic() + timeout_s
    while left := [change for change in _differences(admin, specs) if change.action is not TopicAction.KEPT]:
        if time.monotonic() >= deadline:
            raise KafkaError(f"the broker took the changes and still differs: {'; '.join(map(str, left))}")
        time.sleep(_LOOK_AGAIN_S)


def topic_states(settings: KafkaSettings) -> list[TopicState]:
    """Return all topics of the broker except its internal ones, by name."""
    with closing(make_admin(settings)) as admin, translated("listing topics"):
        return sorted(_states(admin).values(), key=lambda state: state.name)


def named_topics(settings: KafkaSettings, names: Iterable[str]) -> dict[str, TopicState]:
    """Return those of these topics that exist, by name. Raises `KafkaError` when the broker cannot be reached."""
    with closing(make_admin(settings)) as admin, translated("describing topics"):
        return _states(admin, names)


def topic_names(settings: KafkaSettings) -> frozenset[str]:
    """Return the names of all topics of the broker. Raises `KafkaError` when it cannot be reached."""
    with closing(make_admin(settings)) as admin, translated("listing topics"):
        return frozenset(admin.list_topics())


def record_counts(settings: KafkaSettings, topics: Sequence[str]) -> dict[str, int]:
    """Return how far apart each topic's first and end offsets lie: its records, and gaps and markers with them."""
    with closing(make_consumer(settings)) as consumer, translated("counting records"):
        partitions = [partition for topic in topics for partition in partitions_of(consumer, topic)]
        if not partitions:
            return {}
        first, end = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
        counts = dict.fromkeys(topics, 0)
        for partition in partitions:
            counts[partition.topic] += end[partition] - first[partition]
        return counts


def commit_ends(settings: KafkaSettings, topic: str, group: str) -> None:
    """Let a consumer group begin where a topic ends now: it skips what is there."""
    with closing(make_consumer(settings, group=group)) as consumer, translated(f"moving {group} to the end of {topic}"):
        partitions = partitions_of(consumer, topic)
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        consumer.commit({partition: OffsetAndMetadata(end, "", -1) for partition, end in ends.items()})


def _states(admin: Any, wanted: Iterable[str] | None = None) -> dict[str, TopicState]:
    """The topics that exist, of those wanted or of all: on a shared cluster the others are not ours to ask about."""
    names = set(admin.list_topics())
    if wanted is not None:
        names &= set(wanted)
    described = [topic for topic in (admin.describe_topics(sorted(names)) if names else ()) if not topic["is_internal"]]
    if not described:
        return {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, topic["name"]) for topic in described]
    found = admin.describe_configs(resources, config_filter="all")
    return {topic["name"]: _state(topic, found["topic"][topic["name"]]) for topic in described}


def _state(topic: Mapping[str, Any], configs: Mapping[str, Mapping[str, Any]]) -> TopicState:
    own = frozenset(name for name, entry in configs.items() if entry["config_source"] == "DYNAMIC_TOPIC_CONFIG")
    values = {name: "" if entry["value"] is None else entry["value"] for name, entry in configs.items()}
    return TopicState(topic["name"], len(topic["partitions"]), values, own)


def _differences(admin: Any, specs: Sequence[TopicSpec]) -> list[TopicChange]:
    return _diff(_states(admin, [spec.name for spec in specs]), specs)


def _diff(states: Mapping[str, TopicState], specs: Iterable[TopicSpec]) -> list[TopicChange]:
    return [change for spec in specs for change in _changes(states.get(spec.name), spec)]


def _changes(state: TopicState | None, spec: TopicSpec) -> Iterator[TopicChange]:
    if state is None:
        yield TopicChange(TopicAction.CREATE, spec.name, spec=spec)
        return
    if state.partitions != spec.partitions:
        action = TopicAction.PARTITIONS if state.partitions < spec.partitions else TopicAction.KEPT
        yield TopicChange(action, spec.name, "partitions", str(state.partitions), str(spec.partitions), spec)
    for name, wanted in sorted(spec.config.items()):
        if state.config.get(name) != wanted:
            yield TopicChange(TopicAction.CONFIG, spec.name, name, state.config.get(name), wanted, spec)
    for name in sorted(state.own - set(spec.config)):
        yield TopicChange(TopicAction.KEPT, spec.name, name, state.config[name], "nothing", spec)


def _carry_out(admin: Any, changes: Sequence[TopicChange], *, validate_only: bool) -> None:
    _create(admin, [change for change in changes if change.action is TopicAction.CREATE], validate_only)
    grown = {change.topic: int(change.after) for change in changes if change.action is TopicAction.PARTITIONS}
    if grown:
        admin.create_partitions(grown, validate_only=validate_only)
    configs: dict[str, dict[str, str]] = {}
    for change in changes:
        if change.action is TopicAction.CONFIG:
            configs.setdefault(change.topic, {})[change.name] = change.after
    _alter(admin, configs, validate_only)


_AT_ONCE = 50
"""Topics a request: the controller works on one request alone, and takes its own broker for dead after seconds."""


def _create(admin: Any, changes: Sequence[TopicChange], validate_only: bool) -> None:
    for start in range(0, len(changes), _AT_ONCE):
        wanted = {
            change.topic: {
                "num_partitions": change.spec.partitions,
                "replication_factor": _BROKER_DEFAULT,
                "configs": dict(change.spec.config),
            }
            for change in changes[start : start + _AT_ONCE]
            if change.spec is not None
        }
        answer = admin.create_topics(wanted, validate_only=validate_only, raise_errors=False)
        # Someone else may have created one meanwhile: the second look tells whether it is as declared.
        refused = [topic for topic in answer["topics"] if topic["error_code"] not in (0, _ALREADY_EXISTS)]
        if refused:
            raise KafkaError("; ".join(_refusal(topic) for topic in refused))


def _refusal(topic: Mapping[str, Any]) -> str:
    why = topic.get("error_message") or for_code(topic["error_code"]).__name__
    return f"topic {topic['name']} cannot be created: {why}"


def _alter(admin: Any, configs: Mapping[str, Mapping[str, str]], validate_only: bool) -> None:
    if not configs:
        return
    resources = [ConfigResource(ConfigResourceType.TOPIC, topic, dict(entries)) for topic, entries in configs.items()]
    # Unknown names are the broker's to refuse: it says which, and the client's own check does not say of what.
    answer = admin.alter_configs(resources, validate_only=validate_only, raise_on_unknown=False)
    refused = {topic: result for topic, result in answer["topic"].items() if result != "OK"}
    if refused:
        raise KafkaError("; ".join(f"topic {topic} cannot be altered: {why}" for topic, why in refused.items()))


# Looks into topics and consumer groups without joining a group: last records, those that come, and how far a group is
# behind.


_WIDEN = 8
_SILENCE_S = 30.0


class TopicTail:
    """The end of one topic. Nothing is committed and no group is joined. Close it, or use it as a context."""

    def __init__(self, settings: KafkaSettings, topic: str) -> None:
        """Raises `KafkaError` when the broker or the topic is not there."""
        self._topic = topic
        self._consumer = make_consumer(settings, fetch_max_wait_ms=200)
        try:
            with translated(f"looking up topic {topic}"):
                self._partitions = partitions_of(self._consumer, topic)
            if not self._partitions:
                raise KafkaError(
                    f"topic {topic} does not exist at {settings.bootstrap_servers}; "
                    "`newsflow kafka topics` lists those that do"
                )
        except BaseException:
            self._consumer.close()
            raise
        self._consumer.assign(self._partitions)

    def __enter__(self) -> TopicTail:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._consumer.close()

    def last(self, count: int) -> list[Event]:
        """Return the last `count` records by their timestamps, oldest first; fewer when there are fewer.

        `arriving` goes on where this ends. Blocks while reading; raises `KafkaError` when the broker falls silent.
        """
        with translated(f"reading {self._topic}"):
            first = self._consumer.beginning_offsets(self._partitions)
            end = self._consumer.end_offsets(self._partitions)
            span = max(count, 1)
            while True:
                start = {tp: max(first[tp], end[tp] - span) for tp in self._partitions}
                events = list(self._stream(start, end)) if count else []
                # Compaction and transaction markers leave offsets without a record: look further back.
                if len(events) >= count or start == first:
                    break
                span *= _WIDEN
        for tp in self._partitions:
            self._consumer.seek(tp, end[tp])
        events.sort(key=lambda event: (event.timestamp_ms, event.partition, event.offset))
        return events[len(events) - min(count, len(events)) :]

    def arriving(self) -> Iterator[Event]:
        """Yield records as they come, for ever. Call `last` first."""
        while True:
            with translated(f"reading {self._topic}"):
                polled = self._consumer.poll(timeout_ms=500)
            for records in polled.values():
                yield from map(to_event, records)

    def first(self) -> dict[int, int]:
        """The offset of the first record that is left, by partition."""
        with translated(f"asking for the beginning of {self._topic}"):
            return {tp.partition: at for tp, at in self._consumer.beginning_offsets(self._partitions).items()}

    def end(self) -> dict[int, int]:
        """The offset behind the last record, by partition."""
        with translated(f"asking for the end of {self._topic}"):
            return {tp.partition: at for tp, at in self._consumer.end_offsets(self._partitions).items()}

    def between(self, start: Mapping[int, int], end: Mapping[int, int]) -> Iterator[Event]:
        """Yield the records from `start` to before `end`, of each partition in order. Blocks while reading; raises
        `KafkaError` when the broker falls silent."""
        wanted = [tp for tp in self._partitions if start.get(tp.partition, 0) < end.get(tp.partition, 0)]
        self._consumer.assign(wanted)
        with translated(f"reading {self._topic}"):
            yield from self._stream(
                {tp: start.get(tp.partition, 0) for tp in wanted}, {tp: end[tp.partition] for tp in wanted}
            )

    def _stream(self, start: Mapping[Any, int], end: Mapping[Any, int]) -> Iterator[Event]:
        for tp, offset in start.items():
            self._consumer.seek(tp, offset)
        heard = time.monotonic()
        while any(self._consumer.position(tp) < end[tp] for tp in start):
            polled = self._consumer.poll(timeout_ms=200)
            if polled:
                heard = time.monotonic()
            elif time.monotonic() - heard > _SILENCE_S:
                raise KafkaError(f"{self._topic}: nothing came for {_SILENCE_S:g} s before its end was reached")
            for tp, records in polled.items():
                yield from (to_event(record) for record in records if record.offset < end[tp])


@dataclass(frozen=True, slots=True)
class GroupLag:
    """`records` that the group has still to read, of all partitions. `began`: whether it ever committed."""

    group: str
    topic: str
    records: int
    began: bool


def group_lag(settings: KafkaSettings, group: str, topic: str) -> GroupLag:
    """Return the lag of a group on a topic; one that does not exist has none. Blocks.

    Raises `KafkaError` when the broker cannot be reached.
    """
    with closing(make_consumer(settings, group=group)) as consumer, translated(f"asking for the lag of {group}"):
        partitions = partitions_of(consumer, topic)
        if not partitions:
            return GroupLag(group, topic, 0, False)
        first, end = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
        committed = {tp: consumer.committed(tp) for tp in partitions}
    began = any(offset is not None for offset in committed.values())
    behind = sum(max(0, end[tp] - max(committed[tp] or 0, first[tp])) for tp in partitions)
    return GroupLag(group, topic, behind, began)


@dataclass(frozen=True, slots=True)
class Unread:
    """`removed` records went before their group had read them; the oldest that is left was written at `written_ms`, of
    the Unix epoch: None where nothing waits."""

    removed: int
    written_ms: int | None


def oldest_unread(settings: KafkaSettings, group: str, topic: str) -> Unread:
    """Return what waits longest for a group on a topic, where it has ever committed. Blocks.

    Raises `KafkaError` when the broker cannot be reached.
    """
    with closing(make_consumer(settings, group=group)) as consumer, translated(f"asking what {group} has not read"):
        partitions = partitions_of(consumer, topic)
        first, end = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
        committed = {tp: at for tp in partitions if (at := consumer.committed(tp)) is not None}
    if not committed:
        return Unread(0, None)
    start = {tp: max(committed.get(tp, 0), first[tp]) for tp in partitions}
    waiting = {tp.partition: at for tp, at in start.items() if at < end[tp]}
    written: list[int] = []
    with closing(TopicTail(settings, topic)) as tail:
        for partition, at in waiting.items():
            written += [event.timestamp_ms for event in tail.between({partition: at}, {partition: at + 1})]
    removed = sum(max(0, first[tp] - at) for tp, at in committed.items())
    return Unread(removed, min(written, default=None))
