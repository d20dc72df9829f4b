"""What the ledger does when an article is taken down: its text goes from every row, what was decided stays, and nothing
that comes of it later is news."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import orjson

from newsflow.alerts.state import StoryState
from newsflow.ledger.database import Database, from_micros, storable, to_micros
from newsflow.ledger.tables import load_versions
from newsflow.model import Article
from newsflow.model.codec import decode_article, encode_article

_LAST = datetime(9999, 1, 1, tzinfo=UTC)
"""The state that is held is of then: whatever is fetched is older."""

_VALUES = (("emission", "value"), ("unrecorded_article", "article"), ("article_version", "article"))


@dataclass(frozen=True, slots=True)
class Takedown:
    """That an article was taken down. `fetched_at` is the event time of its withdrawal, `blobs` name what held its
    versions and its pages; behind `archive/` stands the digest of a raw event of it in the archive."""

    article_id: str
    at: datetime
    by: str
    why: str
    fetched_at: datetime
    blobs: tuple[str, ...] = ()


def load_takedown(db: Database, article_id: str) -> Takedown | None:
    sql = "SELECT article_id, taken_at, by_whom, why, fetched_at, blobs FROM takedown WHERE article_id = ?"
    for name, at, by, why, fetched_at, blobs in db.query(sql, [article_id]):
        return Takedown(name, from_micros(at), by, why, from_micros(fetched_at), tuple(orjson.loads(blobs)))
    return None


def begin_takedown(db: Database, takedown: Takedown) -> Takedown:
    """Keep that an article is taken down, before anything is done; what was kept first holds."""
    row = (
        takedown.article_id, to_micros(takedown.at), storable(takedown.by), storable(takedown.why),
        to_micros(takedown.fetched_at), orjson.dumps(takedown.blobs).decode(),
    )  # fmt: skip
    columns = "article_id, taken_at, by_whom, why, fetched_at, blobs"
    db.insert("takedown", columns, [row], "ON CONFLICT (article_id) DO NOTHING")
    found = load_takedown(db, takedown.article_id)
    assert found is not None
    return found


def without_text(article: Article) -> Article:
    """The article as it may stay: that it was, where, and what it was about."""
    return replace(
        article,
        title="",
        body="",
        authors=(),
        word_count=0,
        published=replace(article.published, text=""),
        topics=tuple(replace(topic, evidence=()) for topic in article.topics),
        places=(),
        dateline=None,
        raw={},
    )


def erase_text(db: Database, article_id: str) -> int:
    """Take an article's text out of every row; how many versions had one."""
    if db.name == "sqlite":
        db.query("PRAGMA secure_delete = ON")  # else it stays in the file, in pages of nobody
    erased = 0
    for version in load_versions(db, [article_id]).values():
        article = decode_article(version.article)
        if (kept := without_text(article)) != article:
            erased += 1
            place = [encode_article(kept), article_id, version.version]
            for table, column in _VALUES:
                held = f"LENGTH({column}) > 0"
                db.execute(f"UPDATE {table} SET {column} = ? WHERE article_id = ? AND version = ? AND {held}", place)
    db.execute("DELETE FROM text_print WHERE article_id = ?", [article_id])
    db.execute("UPDATE story_log SET report = ? WHERE article_id = ?", [b"", article_id])
    _erase_from_alerts(db, article_id)
    return erased


def _erase_from_alerts(db: Database, article_id: str) -> None:
    """Titles and passages go from alerts, and from what subscriptions remember of stories."""
    said = orjson.dumps({"id": article_id})[1:-1]
    for alert_id, value in db.query("SELECT id, value FROM alert"):
        if said in bytes(value):
            kept = orjson.dumps(_alert_without(orjson.loads(bytes(value)), article_id))
            db.execute("UPDATE alert SET value = ? WHERE id = ?", [kept, alert_id])
    states = "SELECT subscription, story, state FROM alert_story WHERE state LIKE ?"
    for subscription, story, text in db.query(states, [f'%"{article_id}"%']):
        state = StoryState.from_json(text)
        member = state.members.get(article_id)
        if member is not None:
            state = replace(
                state,
                members={**state.members, article_id: replace(member, summary=None)},
                spans=tuple(span for span in state.spans if span.article != article_id),
            )
            update = "UPDATE alert_story SET state = ? WHERE subscription = ? AND story = ?"
            db.execute(update, [state.to_json(), subscription, story])


def _alert_without(members: dict[str, Any], article_id: str) -> dict[str, Any]:
    for article in members.get("articles", ()):
        if article.get("id") == article_id:
            article["title"] = ""
    why = members.get("why", {})
    if "spans" in why:
        why["spans"] = [span for span in why["spans"] if span.get("article") != article_id]
    return members


def close_door(db: Database, article_id: str) -> None:
    """Whatever comes of the article from now on is an older state of it."""
    update = "UPDATE article SET fetched_at = ?, publisher_version = NULL WHERE id = ?"
    db.execute(update, [to_micros(_LAST), article_id])


def alerts_that_list(db: Database, article_id: str) -> Sequence[str]:
    """The ids of alerts that were published with the article."""
    return [row[0] for row in db.query("SELECT id FROM alert WHERE article_id = ? ORDER BY id", [article_id])]
