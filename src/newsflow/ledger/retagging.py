"""New versions of stored articles under other topic rules: kept first, published after, as any decision is.

A version is made only of an article that stands still: living, at the version that was tagged anew, and that
version recorded long enough ago that whoever recorded it has published it, or will repeat it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from newsflow.dedup.decide import KnownArticle
from newsflow.ledger import records, tables
from newsflow.ledger.database import Database, RetryableError, Row, from_micros
from newsflow.ledger.tables import Detail, Version, encode_detail
from newsflow.model import PublishedVersion, Retag, Retagging, retagging_event

_COLUMNS = "r.article_id, r.version, r.rules, r.decided_at, e.value, e.feeds"
_JOINED = "retagging r JOIN emission e ON e.article_id = r.article_id AND e.version = r.version"


@dataclass(frozen=True, slots=True)
class PublishedRetaggings:
    """What one call of `publish_pending` did. A superseded one needs no publishing: the version after it went to
    every feed that this one would have gone to."""

    published: int = 0
    superseded: int = 0

    @property
    def total(self) -> int:
        """Those that are pending no more."""
        return self.published + self.superseded


def keep_retaggings(db: Database, retags: Sequence[Retag], now_micros: int, settled_micros: int) -> list[bool]:
    """Make the next version of each article, where it stands still; whether it was made, in order.

    False: it was edited, withdrawn or held back meanwhile, or its version was recorded after `settled_micros`.
    """
    held = _lock(db, [retag.article.id for retag in retags])
    recorded = _recorded_at(db, held)
    kept = [_stands_still(retag, held, recorded, settled_micros) for retag in retags]
    made = list({retag.article.id: retag for retag, keep in zip(retags, kept, strict=True) if keep}.values())
    stored = records.store_records(db, [_record(retag) for retag in made], now_micros)
    tables.save_articles(db, [replace(held[retag.article.id], version=retag.article.version) for retag in made])
    tables.insert_versions(db, [_version(each, now_micros) for each in stored])
    rows = [(retag.article.id, retag.article.version, retag.rules, now_micros) for retag in made]
    sql = "INSERT INTO retagging (article_id, version, rules, decided_at, state) VALUES (?, ?, ?, ?, 'pending')"
    db.execute_many(sql, rows)
    return kept


def _lock(db: Database, ids: Sequence[str]) -> dict[str, KnownArticle]:
    """What is held of the articles, with no decision about them beside this transaction, and no record."""
    languages = {held.language for held in tables.load_articles(db, set(ids)).values()}
    db.lock(f"language {language}" for language in sorted(languages))
    db.lock_rows("article", "id", sorted(set(ids)))
    held = tables.load_articles(db, set(ids))
    if {each.language for each in held.values()} - languages:
        raise RetryableError("an article changed its language")
    return held


def _recorded_at(db: Database, held: Mapping[str, KnownArticle]) -> dict[tuple[str, int], int]:
    sql = "SELECT article_id, version, recorded_at FROM emission WHERE article_id {in_texts}"
    return {(row[0], row[1]): row[2] for row in db.query(sql, [db.list_of(sorted(held))])}


def _stands_still(
    retag: Retag, held: Mapping[str, KnownArticle], recorded: Mapping[tuple[str, int], int], settled_micros: int
) -> bool:
    current = held.get(retag.article.id)
    if current is None or not current.living or not current.accepted:
        return False
    at = recorded.get((current.id, current.version))
    return current.version == retag.article.version - 1 and at is not None and at <= settled_micros


def _record(retag: Retag) -> PublishedVersion:
    article = retag.article
    event = retagging_event(article.id, article.version, retag.rules)
    return PublishedVersion(event.event_id, article.id, article.version, retag.value, retag.feeds)


def _version(stored: PublishedVersion, now_micros: int) -> Version:
    detail = encode_detail(Detail(feeds=stored.feeds))
    place = stored.article_id, stored.version, stored.event_id
    return Version(*place, from_micros(now_micros), b"", detail)


def publish_pending(db: Database, limit: int, publish: Callable[[Sequence[Retagging]], None]) -> PublishedRetaggings:
    """Hand up to `limit` pending ones to `publish`, the oldest first, and mark them when it returns.

    Nobody can record another version of these articles meanwhile: an edit is published after, never before. Where
    `publish` raises, all of them stay pending; it may be called again with the same ones.
    """
    db.lock(["retagging"])
    sql = f"SELECT {_COLUMNS} FROM {_JOINED} WHERE r.state = 'pending' ORDER BY 4, 1, 2 LIMIT ?"
    pending = [_retagging_of(row) for row in db.query(sql, [limit])]
    ids = sorted({each.article_id for each in pending})
    db.lock_rows("article", "id", ids)
    newest = _newest(db, ids)
    current = [each for each in pending if newest[each.article_id] == each.version]
    past = [each for each in pending if newest[each.article_id] != each.version]
    if current:
        publish(current)
    _mark(db, current, "published")
    _mark(db, past, "superseded")
    return PublishedRetaggings(len(current), len(past))


def _newest(db: Database, ids: Sequence[str]) -> dict[str, int]:
    """The last recorded version of each article."""
    sql = "SELECT article_id, MAX(version) FROM emission WHERE article_id {in_texts} GROUP BY article_id"
    return {row[0]: int(row[1]) for row in db.query(sql, [db.list_of(ids)])}


def _mark(db: Database, retaggings: Iterable[Retagging], state: str) -> None:
    sql = "UPDATE retagging SET state = ? WHERE article_id = ? AND version = ?"
    db.execute_many(sql, [(state, each.article_id, each.version) for each in retaggings])


def retaggings_after(db: Database, places: Mapping[str, int]) -> dict[str, Retagging]:
    """The last version of each article, where rules made it and it comes after the version in `places`."""
    sql = (
        f"SELECT {_COLUMNS} FROM {_JOINED} WHERE r.article_id {{in_texts}} AND NOT EXISTS "
        "(SELECT 1 FROM emission n WHERE n.article_id = r.article_id AND n.version > r.version)"
    )
    found = [_retagging_of(row) for row in db.query(sql, [db.list_of(sorted(places))])]
    return {each.article_id: each for each in found if each.version > places[each.article_id]}


def count_pending(db: Database) -> int:
    """Versions that are made and not published."""
    return int(db.query("SELECT COUNT(*) FROM retagging WHERE state = 'pending'")[0][0])


def _retagging_of(row: Row) -> Retagging:
    article_id, version, rules, decided_at, value, feeds = row
    return Retagging(article_id, version, rules, from_micros(decided_at), bytes(value), records.listed_names(feeds))
