"""Reads the articles of a store in SQL: the current state by topic, source, language and words, in the order of its
changes; versions; counts.

A number is given to each change in the order of commits, so whoever has read up to one misses nothing that comes late.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from newsflow.errors import ConfigError, LedgerError, SinkError
from newsflow.ledger.database import Row
from newsflow.ledger.opening import open_database
from newsflow.model.headers import instant_text
from newsflow.stores.sql import migrations_of
from newsflow.tagging.text import fold

POSTGRES_SCHEMA = "newsflow_store"
READABLE = ("sqlite", "postgresql", "postgres")
"""Schemes of the stores that can be read so."""
MOST_WORDS = 16

_CURRENT = (
    "JOIN article a ON a.id = c.article_id AND a.version = c.version "
    "JOIN article_version v ON v.id = a.id AND v.version = a.version"
)
_OF_TOPIC = "EXISTS (SELECT 1 FROM article_topic t WHERE t.article_id = a.id AND t.topic {in_texts})"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which articles: those that have one of `scope` (None: all), and all that is named besides. `words` are those of a
    person, of which each must stand in the article. `since` and `until` go by when it was first seen."""

    scope: frozenset[str] | None = None
    topic: str | None = None
    source: str | None = None
    language: str | None = None
    story: str | None = None
    words: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """The last change of an article: its number, when it was stored, and its article.v1 members as they stand now; of a
    withdrawn one only id, version and action."""

    number: int
    at: datetime
    members: dict[str, Any] = field(repr=False)

    @property
    def id(self) -> str:
        return str(self.members["id"])

    @property
    def withdrawn(self) -> bool:
        return bool(self.members["action"] == "withdraw")


class ArticleReader:
    """One read-only connection to the store at `url`. One thread at a time uses it."""

    def __init__(self, url: str, *, retry_for_s: float = 10.0) -> None:
        """Raises ConfigError for a store that is not in SQL, SinkError for one that is not there or not up to date."""
        if url.partition(":")[0] not in READABLE:
            raise ConfigError("articles are read from SQLite and PostgreSQL only")
        missing = "the store cannot be read: {}; `newsflow deliver` makes and fills it"
        try:
            self._db = open_database(url, retry_for_s=retry_for_s, create=False, read_only=True, schema=POSTGRES_SCHEMA)
        except LedgerError as error:
            raise SinkError(missing.format(error)) from error
        try:
            applied = {row[0] for row in self._query("SELECT number FROM store_migration")}
            if migrations_of(self._db.name).pending(applied):
                raise SinkError("the store is of an older release: `newsflow deliver` brings it to this one")
        except BaseException as error:
            self.close()
            if isinstance(error, LedgerError):
                raise SinkError(missing.format(error)) from error
            raise

    def _query(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        return self._db.run(lambda: self._db.query(sql, parameters), writes=False)

    def close(self) -> None:
        self._db.close()

    def newest(self, wanted: Wanted, limit: int, before: int | None = None) -> list[Change]:
        """Articles as they stand, the last changed first: those whose change has a number below `before`."""
        conditions, parameters = self._conditions(wanted)
        conditions.append("NOT a.withdrawn")
        if before is not None:
            conditions.append("c.no < ?")
            parameters.append(before)
        return self._changes(wanted.topic, conditions, parameters, "DESC", limit)

    def after(self, scope: frozenset[str] | None, topic: str | None, number: int, limit: int) -> list[Change]:
        """What changed since a number, in order, each article as it stands; withdrawn ones and those that have left the
        topics are among them, without their text."""
        topics = scope if topic is None else frozenset([topic]) if scope is None else scope & {topic}
        conditions, parameters = ["c.no > ?"], list[Any]([number])
        if topics is not None:
            conditions.append(
                "EXISTS (SELECT 1 FROM article_change_topic ct WHERE ct.no = c.no AND ct.topic {in_texts})"
            )
            parameters.append(self._db.list_of(sorted(topics)))
        found = self._changes(None, conditions, parameters, "ASC", limit)
        return found if topics is None else [_as_left(each, topics) for each in found]

    def last_number(self) -> int:
        """The number of the last change; 0 where there is none."""
        return int(self._query("SELECT COALESCE(MAX(no), 0) FROM article_change")[0][0])

    def changed_at(self, topic: str) -> datetime | None:
        """When the articles of a topic last changed, what has left it included; None where it never had any."""
        last = "SELECT MAX(no) FROM article_change_topic WHERE topic = ?"
        sql = f"SELECT changed_at FROM article_change WHERE no = ({last})"
        rows = self._query(sql, [topic])
        return _instant(rows[0][0]) if rows else None

    def _changes(
        self,
        topic: str | None,
        conditions: Sequence[str],
        parameters: Sequence[Any],
        order: str,
        limit: int,
        *,
        few: bool = False,
    ) -> list[Change]:
        """`few`: the conditions leave so few that they are sorted, rather than looked for among all in order."""
        # By its index: the changes of one topic stand together, in order.
        source, number = "article_change c", "c.no"
        if topic is not None:
            source, number = "article_change_topic ct JOIN article_change c ON c.no = ct.no", "ct.no"
            conditions, parameters = ["ct.topic = ?", *conditions], [topic, *parameters]
        sql = (
            f"SELECT {number}, c.changed_at, CAST(v.article AS TEXT) FROM {source} {_CURRENT} "
            f"WHERE {' AND '.join(conditions)} ORDER BY {'+' if few else ''}{number} {order} LIMIT ?"
        )
        rows = self._query(sql, [*parameters, limit])
        return [Change(number, _instant(at), _shown(orjson.loads(value))) for number, at, value in rows]

    def _conditions(self, wanted: Wanted) -> tuple[list[str], list[Any]]:
        conditions, parameters = list[str](), list[Any]()
        topics = [wanted.scope] if wanted.scope is not None else []
        topics += [frozenset([wanted.topic])] if wanted.topic is not None else []
        for each in topics:
            conditions.append(_OF_TOPIC)
            parameters.append(self._db.list_of(sorted(each)))
        for column, value in (("source", wanted.source), ("story", wanted.story)):
            if value is not None:
                conditions.append(f"a.{column} = ?")
                parameters.append(value)
        if wanted.language is not None:
            conditions.append("(a.language = ? OR a.language LIKE ?)")
            parameters += [wanted.language, f"{wanted.language}-%"]
        for sign, at in ((">=", wanted.since), ("<", wanted.until)):
            if at is not None:
                conditions.append(f"a.first_seen {sign} ?")
                parameters.append(instant_text(at))
        if wanted.words:
            conditions.append(self._search())
            parameters.append(self._words(wanted.words))
        return conditions, parameters

    def _search(self) -> str:
        if self._db.name == "postgresql":
            return "a.search @@ to_tsquery('simple', ?)"
        # The plus keeps SQLite from looking up each match in turn: it goes through the changes, the last one first.
        return "+a.no IN (SELECT rowid FROM article_search WHERE article_search MATCH ?)"

    def _words(self, words: str) -> str:
        """A query for all of these words; for what nothing has where no word is left."""
        folded = fold(words).split()[:MOST_WORDS] or ["\ufffd"]
        if self._db.name == "postgresql":
            return " & ".join("'" + word.replace("'", "").replace("\\", "") + "'" for word in folded)
        return " ".join('"' + word.replace('"', "") + '"' for word in folded)

    def article(self, article_id: str, scope: frozenset[str] | None = None) -> Change | None:
        """An article as it stands, by its id; None for one that is not there, is withdrawn or out of scope."""
        found = self.articles([article_id], scope)
        return found[0] if found else None

    def articles(self, ids: Iterable[str], scope: frozenset[str] | None = None) -> list[Change]:
        """Those of these articles that stand and are in scope, in the order of their changes."""
        wanted = sorted(set(ids))
        conditions, parameters = ["a.id {in_texts}"], [self._db.list_of(wanted)]
        more, values = self._conditions(Wanted(scope))
        found = self._changes(None, [*conditions, *more], [*parameters, *values], "ASC", len(wanted), few=True)
        return [each for each in found if not each.withdrawn]

    def lines(
        self, ids: Collection[str], scope: frozenset[str] | None = None
    ) -> dict[str, tuple[str, tuple[str, ...]]]:
        """Title and topics of those of these articles that stand and are in scope, by id."""
        listed = self._db.list_of(sorted(set(ids)))
        of_scope, scoped = self._conditions(Wanted(scope))
        where = " AND ".join(["a.id {in_texts}", "NOT a.withdrawn", *of_scope])
        titles = self._query(f"SELECT a.id, a.title FROM article a WHERE {where}", [listed, *scoped])
        topics: dict[str, list[str]] = {}
        sql = "SELECT article_id, topic FROM article_topic WHERE article_id {in_texts} ORDER BY score DESC, topic"
        for article_id, topic in self._query(sql, [listed]):
            if scope is None or topic in scope:
                topics.setdefault(article_id, []).append(topic)
        return {article_id: (title, tuple(topics.get(article_id, ()))) for article_id, title in titles}

    def versions(self, article_id: str) -> list[dict[str, Any]]:
        """All versions of an article, the first one first; none of one that is not there or withdrawn."""
        sql = (
            "SELECT CAST(v.article AS TEXT) FROM article a JOIN article_version v ON v.id = a.id "
            "WHERE a.id = ? AND NOT a.withdrawn ORDER BY v.version"
        )
        return [orjson.loads(row[0]) for row in self._query(sql, [article_id])]

    def topics(self, since: datetime) -> list[tuple[str, int, int]]:
        """Topics with the number of their articles, and of those first seen since a time, the liveliest first."""
        # CROSS, by which SQLite begins with the few articles of late, and not with all topics.
        recent = (
            "SELECT t.topic, COUNT(*) FROM article a CROSS JOIN article_topic t "
            "WHERE t.article_id = a.id AND a.first_seen >= ? GROUP BY t.topic"
        )
        late: dict[str, int] = dict(self._query(recent, [instant_text(since)]))
        totals = self._query("SELECT topic, COUNT(*) FROM article_topic GROUP BY topic")
        found = [(topic, int(number), int(late.get(topic, 0))) for topic, number in totals]
        return sorted(found, key=lambda each: (-each[2], -each[1], each[0]))

    def seen(self, topic: str, since: datetime) -> list[tuple[str, datetime]]:
        """Source and time of the articles of a topic that were first seen since a time."""
        sql = (
            "SELECT a.source, a.first_seen FROM article_topic t JOIN article a ON a.id = t.article_id "
            "WHERE t.topic = ? AND a.first_seen >= ? ORDER BY 2"
        )
        return [(source, _instant(at)) for source, at in self._query(sql, [topic, instant_text(since)])]


def _instant(at: datetime | str) -> datetime:
    """SQLite keeps instants as text."""
    return datetime.fromisoformat(at) if isinstance(at, str) else at


def _shown(members: dict[str, Any]) -> dict[str, Any]:
    return members if members["action"] != "withdraw" else {name: members[name] for name in ("id", "version", "action")}


def _as_left(change: Change, topics: frozenset[str]) -> Change:
    """A change as those see it who are told of some topics: an article that has none of them any more is gone."""
    if change.withdrawn or any(each["id"] in topics for each in change.members["topics"]):
        return change
    return Change(change.number, change.at, _shown(change.members | {"action": "withdraw"}))
