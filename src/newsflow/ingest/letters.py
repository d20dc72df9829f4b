"""Dead letters after the fact: the index is read on from Kafka, and letters are sent again, set aside or given up.

What is done with a letter is a record in a topic of its own, written in one Kafka transaction with what is published
again. So a replay that is killed has sent a letter and said so, or neither; and the index follows from the topics
alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from newsflow.config.settings import Config
from newsflow.ingest.deliver import sink_names
from newsflow.ingest.emit import dead_letter
from newsflow.ingest.item import OutputRecord
from newsflow.ingest.runtime import Runtime
from newsflow.ingest.steps import normalise
from newsflow.kafka.admin import TopicTail, topic_names
from newsflow.kafka.client import missing_topic
from newsflow.kafka.producer import Record
from newsflow.kafka.settings import KafkaSettings
from newsflow.kafka.transaction import Transactions
from newsflow.ledger import Ledger
from newsflow.ledger.database import Database
from newsflow.ledger.letters import Place, forget_before, forget_index, load_read, save_letters, save_read, save_said
from newsflow.model import Article, Event, Rejected
from newsflow.model.headers import attempt_of
from newsflow.model.letter import SINK, Letter, Said, State, decode_said, encode_said, letter_of, original_of
from newsflow.model.names import ARTICLE_TOPIC, LETTER_STATE_TOPIC, dead_letter_topic

PAGE = 500
AT_ONCE, AT_ONCE_BYTES = 100, 16 << 20
"""Letters, and bytes, of one transaction."""
PATIENCE_S = 20.0
"""A sink that is unavailable is waited for so long."""


# The index.


def letter_topics(config: Config) -> list[str]:
    """The topics in which dead letters lie."""
    return [dead_letter_topic(topic) for topic in (config.kafka.input_topic, ARTICLE_TOPIC)]


def read_on(config: Config, ledger: Ledger, *, anew: bool = False, connect_timeout_s: float = 10.0) -> int:
    """Bring the index up to date, or with `anew` make it again from the beginning. May be killed: what was read stays.

    Returns how many letters Kafka has no longer. Raises `KafkaError`, `LedgerError`.
    """
    if anew:
        ledger.transact(forget_index)
    settings = replace(KafkaSettings.of(config.kafka), connect_timeout_s=connect_timeout_s)
    read, gone = ledger.transact(load_read, writes=False), 0
    there = topic_names(settings)
    for topic in (*letter_topics(config), LETTER_STATE_TOPIC):
        if topic not in there:
            continue
        with TopicTail(settings, topic) as tail:
            end = tail.end()
            if any(read.get((topic, partition), 0) > at for partition, at in end.items()):
                return read_on(config, ledger, anew=True)  # The topic was made anew.
            gone += _read_topic(ledger, topic, tail, read, end)
    return gone


def _read_topic(ledger: Ledger, topic: str, tail: TopicTail, read: dict[Place, int], end: dict[int, int]) -> int:
    """Take in what is new of a topic, a page a transaction; how many letters have left it."""
    first = tail.first()
    start = {partition: max(read.get((topic, partition), 0), at) for partition, at in first.items()}
    letters: list[Letter] = []
    said: list[tuple[str, Said]] = []
    places: dict[Place, int] = {}

    def save(db: Database) -> None:
        save_letters(db, letters)
        save_said(db, said)
        save_read(db, places)

    for record in tail.between(start, end):
        places[topic, record.partition] = record.offset + 1
        if topic != LETTER_STATE_TOPIC:
            letters.append(letter_of(record))
        elif (word := decode_said(record.value)) is not None:
            said.append(word)
        if len(letters) + len(said) >= PAGE:
            ledger.transact(save)
            letters.clear()
            said.clear()
    places |= {(topic, partition): at for partition, at in end.items()}
    ledger.transact(save)
    return ledger.transact(lambda db: forget_before(db, {(topic, partition): at for partition, at in first.items()}))


def read_originals(config: Config, letters: Iterable[Letter]) -> Iterator[tuple[Letter, Event]]:
    """Each letter with the record that it was, where it still lies where the index has it."""
    settings = KafkaSettings.of(config.kafka)
    by_topic = defaultdict[str, dict[tuple[int, int], Letter]](dict)
    for letter in letters:
        by_topic[letter.topic][letter.partition, letter.offset] = letter
    for topic, wanted in by_topic.items():
        offsets = defaultdict[int, list[int]](list)
        for partition, offset in wanted:
            offsets[partition].append(offset)
        with TopicTail(settings, topic) as tail:
            start = {partition: min(found) for partition, found in offsets.items()}
            for record in tail.between(start, {partition: max(found) + 1 for partition, found in offsets.items()}):
                found = wanted.get((record.partition, record.offset))
                if found is not None and letter_of(record).id == found.id:
                    yield found, original_of(found, record)


# What a letter would become today.


def read_today(events: Sequence[Event], runtime: Runtime) -> list[Article | Rejected]:
    """What today's code and profiles make of raw events, each on its own: nothing is decided."""
    return [item.result for item in normalise(events, runtime)]


# Sent again, set aside, given up.


class Replayer:
    """Sends letters again, to where they came from or to the one sink that refused them. One at a time: whoever begins
    shuts out the one before. Close it."""

    def __init__(self, runtime: Runtime, by: str) -> None:
        """`by` says who does it. Raises `KafkaError`."""
        self._runtime, self._by, self._config = runtime, by, runtime.config
        settings = KafkaSettings.of(self._config.kafka)
        if LETTER_STATE_TOPIC not in topic_names(settings):
            raise missing_topic(LETTER_STATE_TOPIC, settings.bootstrap_servers)
        self._transactions = Transactions(settings, f"{self._config.kafka.group}.dlq")
        self.close = self._transactions.close
        self.counts: Counter[str] = Counter()
        """`replayed`, `refused again`, `gone from Kafka`."""

    def say(self, letters: Sequence[Letter], state: State, why: str) -> None:
        """Set letters aside, or give them up."""
        for start in range(0, len(letters), PAGE):
            chunk = letters[start : start + PAGE]
            said = Said(state, self._runtime.clock(), self._by, why)
            self._transactions.write([_word(each, said) for each in chunk])

    def replay(self, letters: Sequence[Letter], why: str = "", value: bytes | None = None) -> None:
        """Send letters again, exact to the byte; or `value` in place of the one letter's. Raises `SinkError` where a
        sink is unavailable; what was sent until then is sent."""
        self.counts["gone from Kafka"] += len(letters)
        for sink, same in groupby(sorted(letters, key=lambda each: each.sink), key=lambda each: each.sink):
            for batch in in_batches(read_originals(self._config, same)):
                self.counts["gone from Kafka"] -= len(batch)
                chosen = [letter for letter, _ in batch]
                events = [event if value is None else replace(event, value=value) for _, event in batch]
                (self._give_to if sink else self._publish)(chosen, events, why)
        self.counts = +self.counts

    def _publish(self, letters: Sequence[Letter], events: Sequence[Event], why: str) -> None:
        def said(places: Sequence[tuple[str, int, int]]) -> list[Record]:
            pairs = zip(letters, places, strict=True)
            return [
                _word(each, Said(State.REPLAYED, self._runtime.clock(), self._by, why, place)) for each, place in pairs
            ]

        self._transactions.write([*map(_record, events)], said)
        self.counts["replayed"] += len(letters)

    def _give_to(self, letters: Sequence[Letter], events: Sequence[Event], why: str) -> None:
        """The one sink that refused them gets them. It knows what it has; so this may be done again after a kill."""
        name, job = letters[0].sink, f"{self._config.job}.deliver"
        refused = self._runtime.sink(name).take(events, PATIENCE_S)
        again = [
            dead_letter(event, rejected, job, qualifier=f"{rejected.stage}/{attempt_of(event.headers) + 1}")
            for event, rejected in refused
        ]
        said = Said(State.REPLAYED, self._runtime.clock(), self._by, why, (SINK + name, 0, 0))
        self._transactions.write([*map(_record, again), *(_word(letter, said) for letter in letters)])
        self.counts["replayed"] += len(letters)
        self.counts["refused again"] += len(again)


def why_not(letter: Letter, config: Config) -> str:
    """Why a letter cannot be sent again; "" where it can."""
    if letter.origin[0] != ARTICLE_TOPIC:
        return ""
    if not letter.sink:
        return f"{letter.stage or 'what failed'} reads {ARTICLE_TOPIC} itself, and takes no single record"
    known = letter.sink in sink_names(config)
    return "" if known else f"the configuration does not name the sink {letter.sink}"


def _record(of: Event | OutputRecord) -> Record:
    return Record(of.topic, of.key, of.value, tuple((name, content or b"") for name, content in of.headers))


def _word(letter: Letter, said: Said) -> Record:
    return Record(LETTER_STATE_TOPIC, letter.id.encode(), encode_said(letter.id, said))


def in_batches(found: Iterator[tuple[Letter, Event]]) -> Iterator[list[tuple[Letter, Event]]]:
    """Letters with their records, so many at once as one transaction takes."""
    batch: list[tuple[Letter, Event]] = []
    size = 0
    for letter, event in found:
        batch.append((letter, event))
        size += letter.size_bytes
        if len(batch) == AT_ONCE or size > AT_ONCE_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
