"""The rows that deciding reads and writes, and the queries that do it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import orjson

from newsflow.dedup.decide import Held
from newsflow.dedup.fingerprint import Fingerprint
from newsflow.ledger.database import Database, Row, from_micros, storable, storable_or_none, to_micros
from newsflow.model import Article, ArticleRef, Change, DuplicateLink, Event, Reason, Rejected
from newsflow.model.codec import decode_article

ARTICLE_COLUMNS = (
    "id, source, url, guid, agency, language, version, content_hash, publisher_version, fetched_at, first_seen, "
    "seen_at, story, duplicate_of, withdrawn, accepted, text_no, names"
)


@dataclass(frozen=True, slots=True)
class DecidedEvent:
    """What became of one event. `reason` only for a dead letter; `article_id` None where there is no article."""

    event_id: str
    topic: str
    partition: int
    offset: int
    outcome: str
    reason: str | None
    article_id: str | None
    version: int | None
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class TextPrint:
    """The text of one article version among the texts of its language."""

    language: str
    text_no: int
    article_id: str
    version: int
    seen_at: datetime
    print: Fingerprint


@dataclass(frozen=True, slots=True)
class Version:
    """One article version as decided. `article` is its bytes before tagging, `detail` as in `detail.py`."""

    article_id: str
    version: int
    event_id: str
    decided_at: datetime
    article: bytes
    detail: str


DEAD_COLUMNS = "event_id, topic, partition_no, offset_no, reason, message, stage, error_class, decided_at"
EVENT_COLUMNS = "event_id, topic, partition_no, offset_no, outcome, reason, article_id, version, decided_at"


def event_of(row: Row) -> DecidedEvent:
    """A row of `EVENT_COLUMNS`."""
    event_id, topic, partition, offset, outcome, reason, article_id, version, decided_at = row
    at = from_micros(decided_at)
    return DecidedEvent(event_id, topic, partition, offset, outcome, reason, article_id, version, at)


def load_events(db: Database, event_ids: Sequence[str]) -> dict[str, DecidedEvent]:
    """Those of the events that were decided before."""
    sql = f"SELECT {EVENT_COLUMNS} FROM event WHERE event_id {{in_texts}}"
    return {row[0]: event_of(row) for row in db.query(sql, [db.list_of(event_ids)])}


def insert_events(db: Database, events: Sequence[DecidedEvent]) -> None:
    """Keep what became of events. Fails when one of them is there already."""
    rows = [
        (e.event_id, storable(e.topic), e.partition, e.offset, e.outcome, e.reason, e.article_id, e.version,
         to_micros(e.decided_at))
        for e in events
    ]  # fmt: skip
    db.execute_many(f"INSERT INTO event ({EVENT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def load_articles(db: Database, ids: Iterable[str]) -> dict[str, Held]:
    """What is held of these articles."""
    wanted = sorted(ids)
    if not wanted:
        return {}
    rows = db.query(f"SELECT {ARTICLE_COLUMNS} FROM article WHERE id {{in_texts}}", [db.list_of(wanted)])
    return {row[0]: held_of(row) for row in rows}


def load_copies(db: Database, original: str) -> dict[str, Held]:
    """The articles that are held back for `original`."""
    return {
        row[0]: held_of(row)
        for row in db.query(f"SELECT {ARTICLE_COLUMNS} FROM article WHERE duplicate_of = ?", [original])
    }


def load_story(db: Database, story_id: str) -> list[Held]:
    """The articles of a story."""
    select = f"SELECT {ARTICLE_COLUMNS} FROM article WHERE"
    rows = db.query(f"{select} story = ? AND story <> id UNION ALL {select} id = ? AND story = id", [story_id] * 2)
    return [held_of(row) for row in rows]


def count_living(db: Database, story_id: str, but: Iterable[str]) -> int:
    """The articles of a story that are not withdrawn, without those of these ids."""
    count = "SELECT COUNT(*) FROM article WHERE withdrawn = 0 AND"
    sql = f"SELECT ({count} story = ? AND story <> id) + ({count} id = ? AND story = id)"
    ((found,),) = db.query(sql, [story_id] * 2)
    excluded = sorted(but)
    if excluded:
        ((less,),) = db.query(f"{count} story = ? AND id {{in_texts}}", [story_id, db.list_of(excluded)])
        found -= less
    return int(found)


def held_of(row: Row) -> Held:
    """A row of `ARTICLE_COLUMNS`."""
    article_id, source, url, guid, agency, language, version, content_hash, publisher_version = row[:9]
    fetched_at, first_seen, seen_at, story, duplicate_of, withdrawn, accepted, text_no, names = row[9:]
    return Held(
        article_id, source, url, guid, agency, language, version, content_hash, publisher_version,
        None if fetched_at is None else from_micros(fetched_at), from_micros(first_seen), from_micros(seen_at),
        story, duplicate_of, bool(withdrawn), bool(accepted), text_no, tuple(orjson.loads(names)),
    )  # fmt: skip


def save_articles(db: Database, articles: Iterable[Held]) -> None:
    """Insert or update what is held of articles."""
    columns = ARTICLE_COLUMNS.split(", ")
    updates = ", ".join(f"{name} = excluded.{name}" for name in columns[1:])
    sql = (
        f"INSERT INTO article ({ARTICLE_COLUMNS}) VALUES ({', '.join('?' * len(columns))}) "
        f"ON CONFLICT (id) DO UPDATE SET {updates}"
    )
    db.execute_many(sql, [_article_row(held) for held in articles])


def _article_row(held: Held) -> tuple[object, ...]:
    return (
        held.id, storable(held.source), storable_or_none(held.url), storable_or_none(held.guid),
        storable_or_none(held.agency), storable(held.language), held.version, held.content_hash,
        storable_or_none(held.publisher_version), None if held.fetched_at is None else to_micros(held.fetched_at),
        to_micros(held.first_seen), to_micros(held.seen_at), held.story, held.duplicate_of, int(held.withdrawn),
        int(held.accepted), held.text_no, orjson.dumps(held.names).decode(),
    )  # fmt: skip


def load_identities(db: Database, names: Sequence[str]) -> dict[str, str]:
    """Article ids by identity name, for those names that are known."""
    if not names:
        return {}
    rows = db.query("SELECT name, article_id FROM identity WHERE name {in_texts}", [db.list_of(names)])
    return dict(rows)


def insert_identities(db: Database, identities: Iterable[tuple[str, str]]) -> None:
    """Keep (name, article id). Fails when another transaction gave a name away meanwhile."""
    db.execute_many("INSERT INTO identity (name, article_id) VALUES (?, ?)", list(identities))


def insert_versions(db: Database, versions: Iterable[Version]) -> None:
    """Keep article versions."""
    rows = [(v.article_id, v.version, v.event_id, to_micros(v.decided_at), v.article, v.detail) for v in versions]
    sql = "INSERT INTO article_version (article_id, version, event_id, decided_at, article, detail)"
    db.execute_many(f"{sql} VALUES (?, ?, ?, ?, ?, ?)", rows)


def load_versions(db: Database, ids: Iterable[str]) -> dict[tuple[str, int], Version]:
    """All versions of these articles, by (article id, version)."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    sql = "SELECT article_id, version, event_id, decided_at, article, detail FROM article_version"
    rows = db.query(f"{sql} WHERE article_id {{in_texts}}", [db.list_of(wanted)])
    return {
        (row[0], row[1]): Version(row[0], row[1], row[2], from_micros(row[3]), bytes(row[4]), row[5]) for row in rows
    }


def insert_prints(db: Database, prints: Iterable[TextPrint]) -> None:
    """Keep texts to find look-alikes by."""
    rows = [
        (p.language, p.text_no, p.article_id, p.version, to_micros(p.seen_at), p.print.text_hash,
         p.print.token_count, p.print.shingles.astype("<u4").tobytes(), p.print.numbers.astype("<u4").tobytes(),
         p.print.keys.astype("<u4").tobytes())
        for p in prints
    ]  # fmt: skip
    sql = (
        "INSERT INTO text_print (language, text_no, article_id, version, seen_at, text_hash, token_count, shingles, "
        "numbers, keys) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    )
    db.execute_many(sql, rows)


def load_prints(db: Database, language: str, text_nos: Iterable[int]) -> dict[int, TextPrint]:
    """The texts of one language with these numbers, those pruned left out."""
    sql = (
        "SELECT text_no, article_id, version, seen_at, text_hash, token_count, shingles, numbers, keys "
        "FROM text_print WHERE language = ? AND text_no {in_numbers}"
    )
    rows = db.query(sql, [language, db.list_of(sorted(text_nos))])
    return {row[0]: TextPrint(language, row[0], row[1], row[2], from_micros(row[3]), _print_of(row)) for row in rows}


def _print_of(row: Row) -> Fingerprint:
    shingles, numbers, keys = (np.frombuffer(part, "<u4") for part in row[6:9])
    return Fingerprint(bytes(row[4]), row[5], shingles, numbers, keys)


def save_last_numbers(db: Database, numbers: dict[str, int]) -> None:
    """Keep the number of each language's last text."""
    sql = (
        "INSERT INTO language (language, last_text_no) VALUES (?, ?) "
        "ON CONFLICT (language) DO UPDATE SET last_text_no = excluded.last_text_no"
    )
    db.execute_many(sql, sorted(numbers.items()))


def insert_dead_letters(db: Database, dead: Iterable[tuple[Event, Rejected]], decided_at: int) -> None:
    """Keep why events were dead-lettered. `decided_at` in microseconds."""
    rows = [
        (event.event_id, storable(event.topic), event.partition, event.offset, rejected.reason.value,
         storable(rejected.message), storable(rejected.stage), storable(rejected.error_class), decided_at)
        for event, rejected in dead
    ]  # fmt: skip
    db.execute_many(f"INSERT INTO dead_letter ({DEAD_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def load_rejections(db: Database, event_ids: Sequence[str]) -> dict[str, Rejected]:
    """Why these events were dead-lettered, by event id."""
    if not event_ids:
        return {}
    sql = "SELECT event_id, reason, message, stage, error_class FROM dead_letter WHERE event_id {in_texts}"
    rows = db.query(sql, [db.list_of(event_ids)])
    return {row[0]: Rejected(Reason(row[1]), row[2], row[3], row[4]) for row in rows}


def load_version(db: Database, article_id: str, version: int) -> Article | None:
    """An article version as it was published, with its topics, else as it was decided."""
    place = [article_id, version]
    emitted = db.query("SELECT value FROM emission WHERE article_id = ? AND version = ?", place)
    if emitted:
        try:
            return decode_article(bytes(emitted[0][0]))
        except ValueError:  # Written by another codec: the version as it was decided says all but the topics.
            pass
    decided = db.query("SELECT article FROM article_version WHERE article_id = ? AND version = ?", place)
    return decode_article(bytes(decided[0][0])) if decided else None


def load_current(db: Database, article_id: str) -> Article | None:
    """The last version of an article."""
    held = load_articles(db, [article_id]).get(article_id)
    return None if held is None else load_version(db, article_id, held.version)


# What a decision says beyond its article, as the JSON text that is stored with a version.


@dataclass(frozen=True, slots=True)
class Detail:
    """`promoted` is (article id, version) of the copy that took a withdrawn original's place."""

    feeds: tuple[str, ...] = ()
    duplicate: DuplicateLink | None = None
    change: Change | None = None
    promoted: tuple[str, int] | None = None


def encode_detail(detail: Detail) -> str:
    """JSON text; members that say nothing are left out."""
    return storable(orjson.dumps({name: value for name, value in _members(detail).items() if value}).decode())


def decode_detail(text: str) -> Detail:
    """The inverse of `encode_detail`."""
    members = orjson.loads(text)
    change, promoted = members.get("change"), members.get("promoted")
    return Detail(
        feeds=tuple(members.get("feeds", ())),
        duplicate=_link(members.get("duplicate")),
        change=Change(**change) if change else None,
        promoted=(promoted[0], promoted[1]) if promoted else None,
    )


def _members(detail: Detail) -> dict[str, Any]:
    return {
        "feeds": detail.feeds,
        "duplicate": detail.duplicate,
        "change": detail.change,
        "promoted": detail.promoted,
    }


def _link(members: dict[str, Any] | None) -> DuplicateLink | None:
    if not members:
        return None
    copy, original = ArticleRef(**members.pop("copy")), ArticleRef(**members.pop("original"))
    return DuplicateLink(copy, original, **members)
