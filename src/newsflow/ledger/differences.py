"""What differs between two ledgers that decided the same events: the live one, and one of a replay."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from newsflow.ledger.database import Database
from newsflow.ledger.ledger import Ledger
from newsflow.ledger.story_links import articles_of, leads_to, stories_of
from newsflow.ledger.tables import EVENT_COLUMNS, DecidedEvent, event_of, load_events
from newsflow.model import Article
from newsflow.model.codec import decode_article

PAGE = 500


class What(StrEnum):
    """In what an event or an article differs."""

    OUTCOME = "outcome"
    TEXT = "text"
    TAGS = "tags"
    DUPLICATE = "duplicate"
    STORY = "story"
    FEEDS = "feeds"
    ALERTS = "alerts"


@dataclass(frozen=True, slots=True)
class Difference:
    """`subject` is the id of an event for outcomes, else of an article. `before` is of the live ledger. `by_slice`: the
    live one knew articles of it from before the replay begins, or from behind its end, which explains it."""

    what: What
    subject: str
    before: str
    after: str
    by_slice: bool = False
    title: str = ""


@dataclass(frozen=True, slots=True)
class _Told:
    """The latest recorded version of an article, where it is told, and to whom."""

    article: Article
    feeds: frozenset[str]
    story: str
    alerts: frozenset[str]


def differences(live: Ledger, other: Ledger) -> Iterator[Difference]:
    """Every difference, of events in the order of their ids. What the live ledger never decided is passed over. Reads
    in pages; raises `LedgerError`."""
    partly, seen = _partly(live, other), set[str]()
    for both in _pairs(live, other):
        for event_id, (old, new) in both.items():
            if _outcome(old) != _outcome(new):
                by_slice = bool({old.article_id, new.article_id} & partly)
                yield Difference(What.OUTCOME, event_id, _outcome(old), _outcome(new), by_slice)
        ids = _articles_of(both)
        yield from _articles(live, other, sorted(ids - seen), partly)
        seen |= ids


def count_events(live: Ledger, other: Ledger) -> tuple[int, int]:
    """How many events the other ledger decided, and how many of these the live one did too."""
    decided = known = 0
    for page in _events(other):
        decided += len(page)
        known += len(live.transact(lambda db, page=page: load_events(db, list(page)), writes=False))  # type: ignore[misc]
    return decided, known


def _outcome(event: DecidedEvent) -> str:
    return f"{event.outcome} ({event.reason})" if event.reason else event.outcome


def _events(ledger: Ledger) -> Iterator[dict[str, DecidedEvent]]:
    last = ""
    sql = f"SELECT {EVENT_COLUMNS} FROM event WHERE event_id > ? ORDER BY event_id LIMIT ?"
    while rows := ledger.transact(lambda db, last=last: db.query(sql, [last, PAGE]), writes=False):  # type: ignore[misc]
        yield {row[0]: event_of(row) for row in rows}
        last = rows[-1][0]


Pairs = Mapping[str, tuple[DecidedEvent, DecidedEvent]]


def _pairs(live: Ledger, other: Ledger) -> Iterator[Pairs]:
    """What both decided, by event."""
    for page in _events(other):
        before = live.transact(lambda db, page=page: load_events(db, list(page)), writes=False)  # type: ignore[misc]
        yield {event_id: (before[event_id], event) for event_id, event in page.items() if event_id in before}


def _articles_of(both: Pairs) -> set[str]:
    return {each.article_id for pair in both.values() for each in pair if each.article_id}


class _Groups:
    """Articles that may have to do with one another."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def of(self, name: str) -> str:
        while (above := self._above.setdefault(name, name)) != name:
            self._above[name] = name = self._above[above]
        return name

    def join(self, left: str, right: str) -> None:
        self._above[self.of(left)] = self.of(right)


def _partly(live: Ledger, other: Ledger) -> set[str]:
    """Articles that have to do with some of which the live ledger has events that the other has not: by an event, as
    copies, or by a story, in either ledger."""
    groups, outside, ids = _Groups(), set[str](), set[str]()
    for both in _pairs(live, other):
        for old, new in both.values():
            if old.article_id and new.article_id:
                groups.join(old.article_id, new.article_id)
        found = _articles_of(both)
        related = {each for ledger in (live, other) for each in _related(ledger, sorted(found), groups)}
        outside |= _outside(live, other, sorted(found | related))
        ids |= found
    reached = {groups.of(each) for each in outside}
    return {each for each in ids if groups.of(each) in reached}


def _related(ledger: Ledger, ids: list[str], groups: _Groups) -> set[str]:
    """The originals of articles, and what is of their stories."""

    def look(db: Database) -> set[str]:
        originals = db.query("SELECT id, duplicate_of FROM article WHERE id {in_texts}", [db.list_of(ids)])
        for article_id, original in originals:
            if original is not None:
                groups.join(article_id, original)
        found = {original for _, original in originals if original is not None}
        stories = stories_of(db, ids)
        roots = leads_to(db, stories.values())
        stories = {article_id: roots.get(story, story) for article_id, story in stories.items()}
        members = articles_of(db, stories.values())
        for article_id, story in stories.items():
            for member in members.get(story, ()):
                groups.join(article_id, member.id)
                found.add(member.id)
        return found

    return ledger.transact(look, writes=False) if ids else set()


def _outside(live: Ledger, other: Ledger, ids: list[str]) -> set[str]:
    """Those of the articles of which the live ledger has events that the other has not."""
    sql = "SELECT article_id, event_id FROM event WHERE article_id {in_texts}"
    events = live.transact(lambda db: db.query(sql, [db.list_of(ids)]), writes=False)
    known = other.transact(lambda db: load_events(db, [row[1] for row in events]), writes=False)
    return {row[0] for row in events if row[1] not in known}


def _articles(live: Ledger, other: Ledger, ids: list[str], partly: set[str]) -> Iterator[Difference]:
    before, after = _told(live, ids), _told(other, ids)
    for article_id in ids:
        old, new = before.get(article_id), after.get(article_id)
        by_slice = article_id in partly
        if old is None or new is None:
            if old is not new:
                there = old or new
                assert there is not None
                words = ("published", "not published") if old else ("not published", "published")
                yield Difference(What.TEXT, article_id, *words, by_slice, there.article.title)
            continue
        for what, was, is_now in _compared(old, new):
            if was != is_now:
                yield Difference(what, article_id, was, is_now, by_slice, new.article.title)


def _compared(old: _Told, new: _Told) -> Iterator[tuple[What, str, str]]:
    if _text(old.article) != _text(new.article):
        changed = [name for name in _TEXT if getattr(old.article, name) != getattr(new.article, name)]
        yield What.TEXT, "", f"other {', '.join(changed)}"
    yield What.TAGS, _names(each.id for each in old.article.topics), _names(each.id for each in new.article.topics)
    yield What.DUPLICATE, old.article.duplicate_of or "", new.article.duplicate_of or ""
    yield What.STORY, old.story, new.story
    yield What.FEEDS, _names(old.feeds), _names(new.feeds)
    yield What.ALERTS, _names(old.alerts), _names(new.alerts)


_TEXT = ("title", "body", "language", "published", "authors", "agency", "url", "guid", "action")


def _text(article: Article) -> tuple[object, ...]:
    return tuple(getattr(article, name) for name in _TEXT)


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _told(ledger: Ledger, ids: list[str]) -> dict[str, _Told]:
    versions = {each.article_id: each for each in sorted(ledger.articles(ids=ids), key=lambda each: each.version)}
    articles = {article_id: decode_article(each.value) for article_id, each in versions.items()}

    def links(db: Database) -> tuple[dict[str, str], dict[str, set[str]]]:
        stories = sorted({each.story for each in articles.values() if each.story})
        alerts: dict[str, set[str]] = defaultdict(set)
        sql = "SELECT article_id, subscription, old FROM alert WHERE article_id {in_texts}"
        for article_id, subscription, old in db.query(sql, [db.list_of(ids)]):
            alerts[article_id].add(f"{subscription} (old)" if old else subscription)
        return leads_to(db, stories) if stories else {}, alerts

    stories, alerts = ledger.transact(links, writes=False)
    return {
        article_id: _Told(
            article,
            frozenset(versions[article_id].feeds),
            stories.get(article.story or "", article.story or ""),
            frozenset(alerts[article_id]),
        )
        for article_id, article in articles.items()
    }
