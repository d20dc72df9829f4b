"""The rows that deciding reads and writes, and the queries that do it; a decision's details as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import orjson

from newsflow.dedup.decide import KnownArticle
from newsflow.dedup.fingerprint import PRINT_VERSION, Fingerprint, fingerprint
from newsflow.ledger.database import Database, Row, from_micros, storable, storable_or_none, to_micros
from newsflow.model import Article, ArticleRef, DuplicateLink, Event, Reason, Rejected, TextChange
from newsflow.model.codec import decode_article

REMADE_AT_ONCE = 200
ARTICLE_COLUMNS = (
    "id, source, url, guid, agency, language, version, content_hash, publisher_version, fetched_at, first_seen, "
    "seen_at, story, duplicate_of, withdrawn, accepted, text_no, names, raw_digest"
)


@dataclass(frozen=True, slots=True)
class DecidedEvent:
    """What became of one event. `reason` only for a dead letter; `article_id` None where there is no article,
    `event_at` None where release 0.1 decided, or nobody knows."""

    event_id: str
    topic: str
    partition: int
    offset: int
    outcome: str
    reason: str | None
    article_id: str | None
    version: int | None
    decided_at: datetime
    event_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TextPrint:
    """The text of one article version among the texts of its language. Texts are compared by `event_at`, and forgotten
    by `seen_at`, when it was written."""

    language: str
    text_no: int
    article_id: str
    version: int
    seen_at: datetime
    event_at: datetime
    print: Fingerprint


@dataclass(frozen=True, slots=True)
class Version:
    """One article version: `article` is its bytes, as recorded once it is; `detail` is a `Detail` as text."""

    article_id: str
    version: int
    event_id: str
    decided_at: datetime
    article: bytes
    detail: str


DEAD_COLUMNS = "event_id, topic, partition_no, offset_no, reason, message, stage, error_class, decided_at"
EVENT_COLUMNS = "event_id, topic, partition_no, offset_no, outcome, reason, article_id, version, decided_at, event_at"


def event_of(row: Row) -> DecidedEvent:
    """A row of `EVENT_COLUMNS`."""
    event_id, topic, partition, offset, outcome, reason, article_id, version, *times = row
    decided_at, event_at = (None if each is None else from_micros(each) for each in times)
    assert decided_at is not None
    return DecidedEvent(event_id, topic, partition, offset, outcome, reason, article_id, version, decided_at, event_at)


def load_events(db: Database, event_ids: Sequence[str]) -> dict[str, DecidedEvent]:
    """Those of the events that were decided before."""
    sql = f"SELECT {EVENT_COLUMNS} FROM event WHERE event_id {{in_texts}}"
    return {row[0]: event_of(row) for row in db.query(sql, [db.list_of(event_ids)])}


def load_last_maker(db: Database, article_id: str) -> DecidedEvent | None:
    """The event that brought an article's last text; None where it is forgotten."""
    columns = ", ".join(f"e.{name}" for name in EVENT_COLUMNS.split(", "))
    sql = (
        f"SELECT {columns} FROM article_version v "
        # A copy that was promoted has a version made by the event of its original.
        "JOIN event e ON e.event_id = v.event_id AND e.article_id = v.article_id "
        "WHERE v.article_id = ? ORDER BY v.version DESC LIMIT 1"
    )
    rows = db.query(sql, [article_id])
    return event_of(rows[0]) if rows else None


def insert_events(db: Database, events: Sequence[DecidedEvent]) -> None:
    """Keep what became of events. Fails when one of them is there already."""
    rows = [
        (e.event_id, storable(e.topic), e.partition, e.offset, e.outcome, e.reason, e.article_id, e.version,
         to_micros(e.decided_at), None if e.event_at is None else to_micros(e.event_at))
        for e in events
    ]  # fmt: skip
    db.insert("event", EVENT_COLUMNS, rows)


def load_articles(db: Database, ids: Iterable[str]) -> dict[str, KnownArticle]:
    wanted = sorted(ids)
    if not wanted:
        return {}
    rows = db.query(f"SELECT {ARTICLE_COLUMNS} FROM article WHERE id {{in_texts}}", [db.list_of(wanted)])
    return {row[0]: known_article_of(row) for row in rows}


def load_copies(db: Database, original: str) -> dict[str, KnownArticle]:
    """The articles that are held back for `original`."""
    rows = db.query(f"SELECT {ARTICLE_COLUMNS} FROM article WHERE duplicate_of = ?", [original])
    return {row[0]: known_article_of(row) for row in rows}


def load_story(db: Database, story_id: str) -> list[KnownArticle]:
    select = f"SELECT {ARTICLE_COLUMNS} FROM article WHERE"
    rows = db.query(f"{select} story = ? AND story <> id UNION ALL {select} id = ? AND story = id", [story_id] * 2)
    return sorted(map(known_article_of, rows), key=lambda each: (each.text_no, each.id))


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


def known_article_of(row: Row) -> KnownArticle:
    """A row of `ARTICLE_COLUMNS`."""
    article_id, source, url, guid, agency, language, version, content_hash, publisher_version = row[:9]
    fetched_at, first_seen, seen_at, story, duplicate_of, withdrawn, accepted, text_no, names, raw_digest = row[9:]
    return KnownArticle(
        article_id, source, url, guid, agency, language, version, content_hash, publisher_version,
        None if fetched_at is None else from_micros(fetched_at), from_micros(first_seen), from_micros(seen_at),
        story, duplicate_of, bool(withdrawn), bool(accepted), text_no, tuple(orjson.loads(names)), raw_digest,
    )  # fmt: skip


def save_articles(db: Database, articles: Iterable[KnownArticle]) -> None:
    """Insert or update what is known of articles."""
    updates = ", ".join(f"{name} = excluded.{name}" for name in ARTICLE_COLUMNS.split(", ")[1:])
    rows = [_article_row(known) for known in articles]
    db.insert("article", ARTICLE_COLUMNS, rows, f"ON CONFLICT (id) DO UPDATE SET {updates}")


def _article_row(known: KnownArticle) -> tuple[object, ...]:
    return (
        known.id, storable(known.source), storable_or_none(known.url), storable_or_none(known.guid),
        storable_or_none(known.agency), storable(known.language), known.version, known.content_hash,
        storable_or_none(known.publisher_version), None if known.fetched_at is None else to_micros(known.fetched_at),
        to_micros(known.first_seen), to_micros(known.seen_at), known.story, known.duplicate_of, int(known.withdrawn),
        int(known.accepted), known.text_no, orjson.dumps(known.names).decode(), known.raw_digest,
    )  # fmt: skip


def load_identities(db: Database, names: Sequence[str]) -> dict[str, str]:
    """Article ids by identity name, for those names that are known."""
    if not names:
        return {}
    rows = db.query("SELECT name, article_id FROM identity WHERE name {in_texts}", [db.list_of(names)])
    return dict(rows)


def insert_identities(db: Database, identities: Iterable[tuple[str, str]]) -> None:
    """Keep (name, article id). Fails when another transaction gave a name away meanwhile."""
    db.insert("identity", "name, article_id", list(identities))


def insert_versions(db: Database, versions: Iterable[Version]) -> None:
    """Keep article versions as decided. Their bytes are kept apart, until they are recorded with their tags; a version
    that is recorded already comes without."""
    versions = list(versions)
    rows = [(v.article_id, v.version, v.event_id, to_micros(v.decided_at), b"", v.detail) for v in versions]
    db.insert("article_version", "article_id, version, event_id, decided_at, article, detail", rows)
    values = [(v.article_id, v.version, v.article) for v in versions if v.article]
    db.insert("unrecorded_article", "article_id, version, article", values)


def load_versions(db: Database, ids: Iterable[str]) -> dict[tuple[str, int], Version]:
    """All versions of these articles, by (article id, version)."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    sql = "SELECT article_id, version, event_id, decided_at, value, detail FROM version_value"
    rows = db.query(f"{sql} WHERE article_id {{in_texts}}", [db.list_of(wanted)])
    return {
        (row[0], row[1]): Version(row[0], row[1], row[2], from_micros(row[3]), bytes(row[4]), row[5]) for row in rows
    }


def insert_prints(db: Database, prints: Iterable[TextPrint]) -> None:
    """Keep texts to find look-alikes by."""
    rows = [
        (p.language, p.text_no, p.article_id, p.version, to_micros(p.seen_at), to_micros(p.event_at), PRINT_VERSION,
         *_print_columns(p.print))
        for p in prints
    ]  # fmt: skip
    columns = f"language, text_no, article_id, version, seen_at, event_at, print_version, {_PRINT_COLUMNS}"
    db.insert("text_print", columns, rows)


_PRINT_COLUMNS = "text_hash, token_count, shingles, numbers, keys"


def _print_columns(made: Fingerprint) -> tuple[object, ...]:
    arrays = (each.astype("<u4").tobytes() for each in (made.shingles, made.numbers, made.keys))
    return made.text_hash, made.token_count, *arrays


def load_prints(db: Database, language: str, text_nos: Iterable[int]) -> dict[int, TextPrint]:
    """The texts of one language with these numbers, those pruned left out."""
    sql = (
        f"SELECT text_no, article_id, version, seen_at, event_at, {_PRINT_COLUMNS} "
        "FROM text_print WHERE language = ? AND text_no {in_numbers}"
    )
    rows = db.query(sql, [language, db.list_of(sorted(text_nos))])
    return {row[0]: _text_of(language, row) for row in rows}


def _text_of(language: str, row: Row) -> TextPrint:
    text_no, article_id, version, seen_at, event_at, *made = row
    times = from_micros(seen_at), from_micros(event_at)
    return TextPrint(language, text_no, article_id, version, *times, _print_of(made))


def _print_of(row: Sequence[Any]) -> Fingerprint:
    """A row of `_PRINT_COLUMNS`."""
    text_hash, token_count, *arrays = row
    return Fingerprint(bytes(text_hash), token_count, *(np.frombuffer(part, "<u4") for part in arrays))


def remake_prints(db: Database) -> int:
    """Make some of the fingerprints of another release's rules anew, from the stored texts; a text that is forgotten is
    compared no more. Returns how many that were: call it until there are none."""
    sql = "SELECT language, text_no, article_id, version FROM text_print WHERE print_version <> ? LIMIT ?"
    found = db.query(sql, [PRINT_VERSION, REMADE_AT_ONCE])
    versions = load_versions(db, {row[2] for row in found})
    names = (*_PRINT_COLUMNS.split(", "), "print_version")
    update = f"UPDATE text_print SET {', '.join(f'{name} = ?' for name in names)} WHERE language = ? AND text_no = ?"
    for language, text_no, *place in found:
        version = versions.get((place[0], place[1]))
        if version is None or not version.article:
            db.execute("DELETE FROM text_print WHERE language = ? AND text_no = ?", [language, text_no])
            continue
        article = decode_article(version.article)
        made = fingerprint(article.title, article.body)
        db.execute(update, [*_print_columns(made), PRINT_VERSION, language, text_no])
    return len(found)


def save_last_numbers(db: Database, numbers: dict[str, int]) -> None:
    """Keep the number of each language's last text."""
    update = "ON CONFLICT (language) DO UPDATE SET last_text_no = excluded.last_text_no"
    db.insert("language", "language, last_text_no", sorted(numbers.items()), update)


def insert_dead_letters(db: Database, dead: Iterable[tuple[Event | DecidedEvent, Rejected]], decided_at: int) -> None:
    """Keep why events were dead-lettered. `decided_at` in microseconds."""
    rows = [
        (event.event_id, storable(event.topic), event.partition, event.offset, rejected.reason.value,
         storable(rejected.message), storable(rejected.stage), storable(rejected.error_class), decided_at)
        for event, rejected in dead
    ]  # fmt: skip
    db.insert("dead_letter", DEAD_COLUMNS, rows)


def load_rejections(db: Database, event_ids: Sequence[str]) -> dict[str, Rejected]:
    """Why these events were dead-lettered, by event id."""
    if not event_ids:
        return {}
    sql = "SELECT event_id, reason, message, stage, error_class FROM dead_letter WHERE event_id {in_texts}"
    rows = db.query(sql, [db.list_of(event_ids)])
    return {row[0]: Rejected(Reason(row[1]), *row[2:]) for row in rows}


def load_version(db: Database, article_id: str, version: int) -> Article | None:
    """An article version as it was recorded, with its topics, else as it was decided."""
    rows = db.query("SELECT value FROM version_value WHERE article_id = ? AND version = ?", [article_id, version])
    return decode_article(bytes(rows[0][0])) if rows else None


def load_texts(db: Database, places: Iterable[tuple[str, int]]) -> dict[tuple[str, int], tuple[str, str]]:
    """Title and body of article versions, by (article id, version); those forgotten are left out."""
    wanted = set(places)
    if not wanted:
        return {}
    sql = "SELECT article_id, version, value FROM version_value WHERE article_id {in_texts}"
    rows = db.query(sql, [db.list_of(sorted({place[0] for place in wanted}))])
    found = {(row[0], row[1]): orjson.loads(bytes(row[2])) for row in rows if (row[0], row[1]) in wanted and row[2]}
    return {place: (members["title"], members["body"]) for place, members in found.items()}


# What a decision says beyond its article, as the JSON text that is stored with a version.


@dataclass(frozen=True, slots=True)
class Detail:
    """`promoted` is (article id, version) of the copy that took a withdrawn original's place."""

    feeds: tuple[str, ...] = ()
    duplicate: DuplicateLink | None = None
    change: TextChange | None = None
    promoted: tuple[str, int] | None = None


def encode_detail(detail: Detail) -> str:
    """JSON text; members that say nothing are left out."""
    members = {name: value for name in Detail.__slots__ if (value := getattr(detail, name))}
    return storable(orjson.dumps(members).decode())


def decode_detail(text: str) -> Detail:
    """The inverse of `encode_detail`."""
    members = orjson.loads(text)
    change, promoted = members.get("change"), members.get("promoted")
    return Detail(
        feeds=tuple(members.get("feeds", ())),
        duplicate=_link(members.get("duplicate")),
        change=TextChange(**change) if change else None,
        promoted=(promoted[0], promoted[1]) if promoted else None,
    )


def _link(members: dict[str, Any] | None) -> DuplicateLink | None:
    if not members:
        return None
    copy, original = ArticleRef(**members.pop("copy")), ArticleRef(**members.pop("original"))
    return DuplicateLink(copy, original, **members)
