"""What is shown, read from ledger and store through connections that cannot write. Who may see one topic is told
nothing of another: a story has only the articles that the reader may see, and so have its counts."""

from __future__ import annotations

import queue
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from newsflow.alerts.outbox import Backlog, LoggedAlert, Outbox
from newsflow.dedup.decide import KnownArticle
from newsflow.dedup.story import Story, build_story
from newsflow.errors import LedgerError
from newsflow.ledger import DeadLetter, DecidedEvent, Ledger, reading, story_links, tables
from newsflow.ledger.database import Database, from_micros, to_micros
from newsflow.ledger.findings import Finding, load_findings
from newsflow.ledger.letters import Wanted, find_letters
from newsflow.ledger.opening import open_database, pending_migrations
from newsflow.model import DuplicateLink
from newsflow.model.letter import Letter
from newsflow.stores.reading import ArticleReader
from newsflow.web.access import Reader

Place = tuple[int, str]
"""Where something stands in a list of the newest first: when it came, in microseconds, and its id."""
GROWTH = timedelta(hours=6)
"""A story has grown by what came so long before the newest report of all."""
STORIES_LOOKED_AT = 200
_CACHED_STORIES = 5_000


@dataclass(frozen=True, slots=True)
class SeenArticle:
    """An article of a story that a reader may see; of a copy that was held back, title and topics of its original."""

    known: KnownArticle
    title: str
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SeenStory:
    """A story as one reader may see it. `grown`: its articles of the last hours."""

    story: Story
    articles: tuple[SeenArticle, ...]
    grown: int

    @property
    def title(self) -> str:
        shown = self.story.representative.id
        return next((each.title for each in self.articles if each.known.id == shown), self.articles[0].title)

    @property
    def topics(self) -> tuple[str, ...]:
        """Topics of its articles, the most frequent first."""
        counts: dict[str, int] = {}
        for topic in (topic for each in self.articles for topic in each.topics):
            counts[topic] = counts.get(topic, 0) + 1
        return tuple(sorted(counts, key=lambda topic: (-counts[topic], topic)))

    @property
    def last_seen(self) -> datetime:
        return self.story.articles[-1].first_seen


@dataclass(frozen=True, slots=True)
class SeenDuplicate:
    """A report that was held back, and for which article. `link` is None where the decision is forgotten."""

    copy: KnownArticle
    original: str
    link: DuplicateLink | None

    @property
    def place(self) -> Place:
        return _place_of(self.copy)


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """One source: its articles, how many of them came of late, and when the last one was first seen."""

    source: str
    articles: int
    recent: int
    last_at: datetime


class Desk:
    """One pair of connections. One thread at a time uses it; see `Library`."""

    def __init__(self, ledger: Ledger, articles: ArticleReader, library: Library) -> None:
        self.ledger, self.articles, self._library = ledger, articles, library

    def close(self) -> None:
        self.articles.close()
        self.ledger.close()

    def now(self) -> datetime:
        return self.ledger.now()

    def _ask(self, work: Any) -> Any:
        return self.ledger.transact(work, writes=False)

    # Stories

    def stories(self, reader: Reader, topic: str | None = None, language: str | None = None) -> list[SeenStory]:
        """The stories with the latest reports, those of most independent sources first."""
        sql = "SELECT id, changed FROM story WHERE leads_to IS NULL ORDER BY last_at DESC LIMIT ?"
        rows = self._ask(lambda db: db.query(sql, [STORIES_LOOKED_AT]))
        members = self._library.members_of(self, dict(rows))
        seen = self._as_seen(members, reader)
        found = [
            each
            for each in seen
            if each.story.size > 1
            and (topic is None or topic in each.topics)
            and (language is None or language in each.story.languages)
        ]
        return sorted(
            found, key=lambda each: (-each.story.independent_sources, -each.grown, -each.story.size, each.story.id)
        )

    def story(self, reader: Reader, identifier: str) -> SeenStory | None:
        """A story by its id, that of one that leads on to it or that of an article; None where the reader sees none."""
        found = self.ledger.story(identifier, self._library.families)
        seen = self._as_seen({found.id: found.articles}, reader) if found is not None else []
        return seen[0] if seen else None

    def _as_seen(self, stories: Mapping[str, tuple[KnownArticle, ...]], reader: Reader) -> list[SeenStory]:
        ids = {
            name for members in stories.values() for each in members for name in (each.id, each.duplicate_of) if name
        }
        lines = self.articles.lines(ids, reader.scope)
        latest = max((each.first_seen for members in stories.values() for each in members), default=self.now())
        found = []
        for story_id, members in stories.items():
            living = ((each, each.duplicate_of or each.id) for each in members if not each.withdrawn)
            visible = [SeenArticle(each, *lines[shown]) for each, shown in living if shown in lines]
            if visible:
                story = build_story(story_id, [each.known for each in visible], self._library.families)
                grown = sum(each.known.first_seen > latest - GROWTH for each in visible)
                by_time = tuple(sorted(visible, key=lambda each: (each.known.first_seen, each.known.id)))
                found.append(SeenStory(story, by_time, grown))
        return found

    # Duplicates

    def duplicates(
        self, reader: Reader, limit: int, *, original: str | None = None, before: Place | None = None
    ) -> list[SeenDuplicate]:
        """Reports that were held back, the newest first; those of one article, or before a place (time, id)."""
        where, parameters = ["duplicate_of IS NOT NULL", "withdrawn = 0"], list[Any]()
        if original is not None:
            where.append("duplicate_of = ?")
            parameters.append(original)
        found: list[SeenDuplicate] = []
        while len(found) < limit:
            page = self._held_back(where, parameters, before)
            standing = self.articles.lines({each.duplicate_of for each in page if each.duplicate_of}, reader.scope)
            seen = [each for each in page if each.duplicate_of in standing]
            links = self._links(seen)
            found += [SeenDuplicate(each, str(each.duplicate_of), links.get(each.id)) for each in seen]
            if len(page) < reading.PAGE:
                break
            before = _place_of(page[-1])
        return found[:limit]

    def _held_back(self, where: list[str], parameters: list[Any], before: Place | None) -> list[KnownArticle]:
        at = [] if before is None else [before[0], before[0], before[1]]
        conditions = [*where, *(["(first_seen < ? OR first_seen = ? AND id < ?)"] if before else [])]
        sql = (
            f"SELECT {tables.ARTICLE_COLUMNS} FROM article WHERE {' AND '.join(conditions)} "
            "ORDER BY first_seen DESC, id DESC LIMIT ?"
        )
        rows = self._ask(lambda db: db.query(sql, [*parameters, *at, reading.PAGE]))
        return [tables.known_article_of(row) for row in rows]

    def _links(self, copies: list[KnownArticle]) -> dict[str, DuplicateLink]:
        def look(db: Database) -> dict[str, DuplicateLink]:
            sql = "SELECT article_id, detail FROM article_version WHERE article_id {in_texts} ORDER BY version"
            rows = db.query(sql, [db.list_of([each.id for each in copies])]) if copies else []
            details = ((row[0], tables.decode_detail(row[1]).duplicate) for row in rows)
            return {article_id: link for article_id, link in details if link is not None}

        found: dict[str, DuplicateLink] = self._ask(look)
        return found

    # For those who see everything

    def alerts(self, limit: int, *, before: Place | None = None) -> list[LoggedAlert]:
        """Alerts, the newest first; before a place (time, id)."""
        return Outbox(self.ledger).alerts(limit, before=before)

    def alert(self, alert_id: str) -> LoggedAlert | None:
        found = Outbox(self.ledger).find(alert_id, 1)
        return found[0] if found and found[0].id == alert_id else None

    def dead_letters(self, limit: int) -> list[DeadLetter]:
        """Those that the ledger knows, the newest first. Their bytes are in the dead-letter topic."""
        found: list[DeadLetter] = self._ask(lambda db: reading.newest_dead_letters(db, limit))
        return found

    def letters(self, limit: int) -> list[Letter]:
        """The letters of the index as it was last read on, the newest first, with what was done with them."""
        found: list[Letter] = self._ask(lambda db: find_letters(db, Wanted(), limit))
        return found

    def places(self) -> list[tuple[str, int, int, datetime]]:
        """How far each partition was taken in: topic, partition, next offset, and when that was noted."""
        sql = "SELECT topic, partition_no, next_offset, heard_at FROM story_place ORDER BY 1, 2"
        return [(row[0], row[1], row[2], from_micros(row[3])) for row in self._ask(lambda db: db.query(sql))]

    def sources(self, since: datetime) -> list[SourceHealth]:
        """Sources, those that have been silent for longest first."""
        sql = (
            "SELECT source, COUNT(*), SUM(CASE WHEN first_seen >= ? THEN 1 ELSE 0 END), MAX(first_seen) FROM article "
            "GROUP BY source ORDER BY 4, 1"
        )
        rows = self._ask(lambda db: db.query(sql, [to_micros(since)]))
        return [SourceHealth(row[0], int(row[1]), int(row[2]), from_micros(row[3])) for row in rows]

    def backlog(self) -> list[Backlog]:
        return Outbox(self.ledger).backlog()

    def rows(self) -> dict[str, int]:
        found: dict[str, int] = self._ask(reading.count_rows)
        return found

    def maker(self, article_id: str) -> DecidedEvent | None:
        """The event that brought an article's last text."""
        found: DecidedEvent | None = self._ask(lambda db: tables.load_last_maker(db, article_id))
        return found

    def findings(self) -> list[Finding]:
        found: list[Finding] = self._ask(load_findings)
        return found

    def counts(self, topic: str, hours: int) -> list[tuple[datetime, int]]:
        """The published counts of a topic's windows that follow on one another, the last ones, by their ends."""
        sql = "SELECT layout, MAX(closed) FROM trend_clock GROUP BY layout ORDER BY 2 DESC LIMIT 1"
        clock = self._ask(lambda db: db.query(sql))
        if not clock:
            return []
        layout, closed = clock[0]
        size = int(layout.partition("/")[0])
        ends = [closed - size * back for back in reversed(range(max(1, hours * 3600 // size)))]
        sql = (
            "SELECT window_end, articles FROM trend_window WHERE layout = ? AND dimension = 'topic' AND name = ? "
            "AND window_end {in_numbers}"
        )
        counts = dict(self._ask(lambda db: db.query(sql, [layout, topic, db.list_of(ends)])))
        return [(from_micros(end * 1_000_000), int(counts.get(end, 0))) for end in ends]

    def bursts(self, topic: str) -> list[tuple[datetime, datetime | None]]:
        """When bursts of a topic were raised, and when they ended; None for one that goes on."""
        sql = "SELECT raised_end, last_end FROM trend_burst WHERE dimension = 'topic' AND name = ? ORDER BY 1 DESC"
        rows = self._ask(lambda db: db.query(sql, [topic]))
        return [(from_micros(row[0] * 1_000_000), row[1] and from_micros(row[1] * 1_000_000)) for row in rows]


class Library:
    """A few pairs of read-only connections, and what is remembered between requests. Safe to share between threads."""

    def __init__(
        self, ledger_url: str, store_url: str, families: Mapping[str, str] | None = None, desks: int = 4
    ) -> None:
        """Raises LedgerError or SinkError for what is not there or not up to date."""
        self.families = dict(families or {})
        self._members: OrderedDict[tuple[str, int], tuple[KnownArticle, ...]] = OrderedDict()
        self._desks: queue.LifoQueue[Desk] = queue.LifoQueue()
        for _ in range(desks):
            self._desks.put(self._make(ledger_url, store_url))
        self._count = desks

    def _make(self, ledger_url: str, store_url: str) -> Desk:
        db = open_database(ledger_url, retry_for_s=5, create=False, read_only=True)
        try:
            if db.run(lambda: pending_migrations(db), writes=False):
                raise LedgerError("the ledger is not up to date: run `newsflow ledger migrate`")
            return Desk(Ledger(db), ArticleReader(store_url, retry_for_s=5), self)
        except BaseException:
            db.close()
            raise

    @contextmanager
    def desk(self) -> Iterator[Desk]:
        """A pair of connections, which nobody else uses within the block. Blocks until one is free."""
        taken = self._desks.get()
        try:
            yield taken
        finally:
            self._desks.put(taken)

    def members_of(self, desk: Desk, changed: Mapping[str, int]) -> dict[str, tuple[KnownArticle, ...]]:
        """The articles of stories, given how often each has changed: what did not is not read again."""
        missing = [story for story, times in changed.items() if (story, times) not in self._members]
        if missing:
            found = desk.ledger.transact(lambda db: story_links.articles_of(db, missing), writes=False)
            for story, articles in found.items():
                self._members[story, changed[story]] = tuple(articles)
        members = {story: self._members.get((story, times), ()) for story, times in changed.items()}
        while len(self._members) > _CACHED_STORIES:
            self._members.popitem(last=False)
        return members

    def close(self) -> None:
        for _ in range(self._count):
            self._desks.get().close()


def _place_of(known: KnownArticle) -> Place:
    return to_micros(known.first_seen), known.id


def place_of_alert(alert: LoggedAlert) -> Place:
    return to_micros(alert.created_at), alert.id


def alert_members(alert: LoggedAlert) -> dict[str, Any]:
    """The members of an alert's alert.v1 value."""
    members: dict[str, Any] = orjson.loads(alert.value)
    return members
