"""An article is taken down: withdrawn for its readers, and its text removed from wherever newsflow keeps it.

Each step may be done again: a takedown that is killed, or is asked for once more, does the whole of it, and says what
is left and where.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import orjson

from newsflow.archive.archive import PREFIX, Archive
from newsflow.archive.pages import pages_of
from newsflow.config.settings import Config
from newsflow.dedup.decide import KnownArticle
from newsflow.dedup.identity import address_of, url_name
from newsflow.errors import SinkError, UsageError
from newsflow.ingest.claims import open_blobs
from newsflow.ingest.emit import output_records
from newsflow.ingest.item import OutputRecord
from newsflow.ingest.runtime import Runtime
from newsflow.ingest.steps import process
from newsflow.ingest.stories import tell_stories
from newsflow.ledger import Ledger
from newsflow.ledger.database import Database
from newsflow.ledger.letters import Wanted, find_letters
from newsflow.ledger.reading import events_of, versions_of
from newsflow.ledger.tables import load_copies, load_versions
from newsflow.ledger.takedown import (
    Takedown,
    alerts_that_list,
    begin_takedown,
    close_door,
    erase_text,
    load_takedown,
)
from newsflow.model import Event, Outcome
from newsflow.model.claim import Blob
from newsflow.model.codec import decode_article
from newsflow.model.headers import instant_text
from newsflow.model.letter import canonical_address
from newsflow.model.names import ALERT_TOPIC, ARTICLE_TOPIC, TAKING_DOWN, article_key, feed_topic
from newsflow.model.topics import declared_templates, is_feed
from newsflow.secrets import resolve
from newsflow.stores.registry import open_store

Write = Callable[[Sequence[OutputRecord]], object]


@dataclass
class Forgotten:
    """What was done, and what is left: where, and until when. `removed`: versions by store, blobs, texts of the
    ledger."""

    takedown: Takedown
    removed: dict[str, int] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)


def planned(ledger: Ledger, config: Config, known: KnownArticle) -> list[str]:
    """What a takedown would do, in lines."""
    versions = ledger.transact(lambda db: load_versions(db, [known.id]), writes=False)
    feeds = _feeds(ledger, known.id)
    lines = [f"ledger: the text of {len(versions)} versions would be removed, that they were would stay"]
    if not known.withdrawn:
        lines.append(f"readers: it would be withdrawn, in {', '.join([ARTICLE_TOPIC, *feeds])}")
    lines.append(f"{ARTICLE_TOPIC}: a tombstone would follow")
    lines += [f"store {name}: its versions would be removed" for name, _ in config.stores]
    kept = _came_as(ledger, config, _names(ledger, known))
    lines += [f"archive: {len(kept)} raw events, or pages that they name, would be removed"] if kept else []
    return lines + [f"left: {text}" for text in left(ledger, config, known)]


def forget(
    runtime: Runtime, known: KnownArticle, by: str, why: str, write: Write, behind: Callable[[str], int]
) -> Forgotten:
    """Take an article down. `write` returns when records are stored; `behind` says how many records the reader of a
    store has still to read. Raises `LedgerError`, `KafkaError`, `SinkError`;
    what was done until then is done."""
    ledger, config = runtime.ledger, runtime.config
    takedown = _begin(runtime, known, by, why)
    done = Forgotten(takedown)
    done.removed["texts in the ledger"] = ledger.transact(lambda db: erase_text(db, known.id))
    records = _withdrawal(runtime, known, takedown)
    withdrawn = bool(records)
    # Behind the withdrawal, so that who reads on sees it first.
    records.append(OutputRecord("article", ARTICLE_TOPIC, article_key(known.id), None, (), ""))
    alerts = ledger.transact(lambda db: alerts_that_list(db, known.id), writes=False)
    records += [OutputRecord("alert", ALERT_TOPIC, each.encode(), None, (), "") for each in alerts]
    write(records)
    tell_stories([known.id], runtime, write)
    ledger.transact(lambda db: close_door(db, known.id))
    versions = ledger.transact(lambda db: load_versions(db, [known.id]), writes=False)
    # The withdrawal itself has no text, where it is ours.
    before = max((version for _, version in versions), default=0) + (not withdrawn)
    for name, url in config.stores:
        try:
            with open_store(resolve(url)) as store:
                done.removed[f"versions in store {name}"] = store.forget(known.id, before)
        except SinkError as error:
            done.left.append(f"store {name}: {error}")
        if unread := behind(name):
            done.left.append(f"store {name}: its reader is {unread} records behind, and may still write it: ask again")
    done.removed["blobs"], done.removed["raw events in the archive"] = _remove_raw(ledger, config, known, takedown)
    done.left += left(ledger, config, known)
    return done


def _begin(runtime: Runtime, known: KnownArticle, by: str, why: str) -> Takedown:
    """Keep who takes it down and why; what was kept before holds. Raises `UsageError` without a reason."""
    ledger, now = runtime.ledger, runtime.clock()
    before = ledger.transact(lambda db: load_takedown(db, known.id), writes=False)
    if before is not None:
        return before
    if not why.strip():
        raise UsageError("say why, as in --why 'asked for by its author'")
    versions = ledger.transact(lambda db: load_versions(db, [known.id]), writes=False)
    limit = runtime.config.limits.record_bytes
    names = _names(ledger, known)
    blobs = {Blob.of(each.article).dataref for each in versions.values() if len(each.article) > limit}
    blobs |= _came_as(ledger, runtime.config, names)
    fetched_at = max(now, (known.fetched_at or now) + timedelta(seconds=1))
    takedown = Takedown(known.id, now, by, why, fetched_at, tuple(sorted(blobs)))

    return ledger.transact(lambda db: begin_takedown(db, takedown))


def _withdrawal(runtime: Runtime, known: KnownArticle, takedown: Takedown) -> list[OutputRecord]:
    """What tells readers that the article is gone: decided as if its publisher had withdrawn it, and the same again
    when it is asked for again."""
    raw = {
        "source": known.source,
        "url": known.url,
        "guid": known.guid,
        "fetched_at": instant_text(takedown.fetched_at),
        "content_type": "text/plain",
        "action": "withdraw",
    }
    value = orjson.dumps({name: text for name, text in raw.items() if text is not None})
    at = int(takedown.at.timestamp())
    event = Event(TAKING_DOWN, 0, at, at * 1000, known.id.encode(), value)
    if known.withdrawn and runtime.ledger.event(event.event_id) is None:
        return []
    items = process([event], runtime)
    article = items[0].article
    if items[0].decision is None or items[0].decision.outcome is not Outcome.WITHDRAWN or article is None:
        return []
    if article.id != known.id:
        raise UsageError(f"the names of {known.id} lead to {article.id}; let its publisher withdraw it first")
    return output_records(items, runtime.job)


def _names(ledger: Ledger, known: KnownArticle) -> list[str]:
    """The names of an article, and those of the addresses that its versions were found at; of these it is known only
    until their text is erased."""
    versions = ledger.transact(lambda db: load_versions(db, [known.id]), writes=False)
    addresses = {address_of(decode_article(each.article)) for each in versions.values()}
    return sorted({*known.names, *(url_name(each) for each in addresses if each)})


def _came_as(ledger: Ledger, config: Config, names: Sequence[str]) -> set[str]:
    """What holds an article of these names as it came, besides Kafka: pages in the blob store, and `archive/DIGEST` for
    each raw event in the archive."""
    pages = ledger.transact(lambda db: pages_of(db, names), writes=False)
    return {*pages, *(PREFIX + digest for digest in _archive(config, ledger).named(names))}


def _remove_raw(ledger: Ledger, config: Config, known: KnownArticle, takedown: Takedown) -> tuple[int, int]:
    """Remove what `takedown` names, and what came of the article since; how many blobs, and events of the archive."""
    held = {*takedown.blobs, *_came_as(ledger, config, _names(ledger, known))}
    blobs = [blob for name in sorted(held) if (blob := Blob.named(name)) is not None]
    for blob in blobs:
        open_blobs(config).remove(blob)
    digests = sorted(name.removeprefix(PREFIX) for name in held if name.startswith(PREFIX))
    return len(blobs), _archive(config, ledger).forget(digests)


def _archive(config: Config, ledger: Ledger) -> Archive:
    return Archive(lambda: open_blobs(config), ledger)


def _feeds(ledger: Ledger, article_id: str) -> list[str]:
    versions = ledger.transact(lambda db: versions_of(db, [article_id]), writes=False)
    return sorted({feed_topic(feed) for each in versions for feed in each.feeds})


def left(ledger: Ledger, config: Config, known: KnownArticle) -> list[str]:
    """What newsflow cannot remove, where it is, and until when: records age in Kafka; copies are others' articles."""
    return [*ledger.transact(lambda db: [*_left(db, config, known, ledger.now())], writes=False)]


def _left(db: Database, config: Config, known: KnownArticle, now: datetime) -> Iterator[str]:
    kept = {each.name: _retention(each.config) for each in declared_templates()}
    feed = next(_retention(each.config) for each in declared_templates() if is_feed(each))
    raw = kept.get(config.kafka.input_topic, timedelta(days=7))
    for event in events_of(db, known.id):
        until = event.decided_at + raw
        if event.topic == config.kafka.input_topic and until > now:
            yield f"{event.topic} {event.partition}:{event.offset}, until {until:%Y-%m-%d}"
    sent = {feed_topic(name): each.recorded_at for each in versions_of(db, [known.id]) for name in each.feeds}
    for topic, at in sorted(sent.items()):
        if at + feed > now:
            yield f"{topic}, until {at + feed:%Y-%m-%d}"
    letters = find_letters(db, Wanted(article_id=known.id))
    if known.url and (address := canonical_address(known.url)):
        letters += find_letters(db, Wanted(address=address))
    for letter in letters:
        yield f"{letter.topic} {letter.partition}:{letter.offset}, for 30 days since it was written"
    for copy in load_copies(db, known.id).values():
        yield f"article {copy.id} of {copy.source} has the same text, or nearly: it is taken down by its own id"


def _retention(settings: Mapping[str, str]) -> timedelta:
    ms = int(settings["retention.ms"])
    return timedelta.max if ms < 0 else timedelta(milliseconds=ms)
