"""Stored articles under other topic rules: proposed as new versions, kept in the ledger, published as any edit is.

A version is made only of an article that stands still: neither withdrawn nor held back, at the version that was
tagged anew, and that version recorded long enough ago that whoever recorded it has published it, or will repeat it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from newsflow.dedup.decide import KnownArticle
from newsflow.errors import TimeLimitError
from newsflow.ingest.item import Item
from newsflow.ledger import Ledger, StoredVersion, story_links
from newsflow.ledger.database import Database, RetryableError, Row, from_micros, to_micros
from newsflow.ledger.records import listed_names, store_records
from newsflow.ledger.tables import Detail, Version, encode_detail, insert_versions, load_articles, save_articles
from newsflow.model import Action, Article, Decision, Event, Outcome, PublishedVersion
from newsflow.model.codec import decode_article, encode_article
from newsflow.model.names import RETAGGING, article_key
from newsflow.routing import Routes
from newsflow.tagging import RuleSet

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Retagged:
    """An article's next version, and the ids of topics that differ from the version before.

    `gained` and `lost` are what it is about now and was not, or was and is not; `other_rule` what it is about as
    before, by a rule of another meaning; `mentions` what it began or ceased to only mention.
    """

    article: Article
    gained: frozenset[str] = frozenset()
    lost: frozenset[str] = frozenset()
    other_rule: frozenset[str] = frozenset()
    mentions: frozenset[str] = frozenset()

    @property
    def changed(self) -> frozenset[str]:
        return self.gained | self.lost | self.other_rule | self.mentions


def retag_article(rules: RuleSet, article: Article) -> Retagged | None:
    """The article with the tags of `rules`, as its next version; None when it would be tagged as it is.

    Scores, counts, evidence and places alone make no new version: they follow from the text and the rule's version.
    """
    tags = rules.tag(article)
    before = {topic.id: topic.rule_version for topic in article.topics}
    after = {topic.id: topic.rule_version for topic in tags.topics}
    mentions = {mention.id for mention in article.mentions} ^ {mention.id for mention in tags.mentions}
    if before == after and not mentions:
        return None
    version = article.version + 1
    return Retagged(
        tags.on(replace(article, version=version, action=Action.REPLACE)),
        gained=frozenset(after.keys() - before.keys()),
        lost=frozenset(before.keys() - after.keys()),
        other_rule=frozenset(topic for topic in before.keys() & after.keys() if before[topic] != after[topic]),
        mentions=frozenset(mentions - before.keys() - after.keys()),
    )


@dataclass(frozen=True, slots=True)
class Proposal:
    """What would become of one stored version: `value` is the new one's article.v1 bytes, `routed` the feeds that its
    new tags lead to, `feeds` those and the feeds of earlier versions, `rules` the version of the rule set."""

    retagged: Retagged
    value: bytes
    routed: tuple[str, ...]
    feeds: tuple[str, ...]
    rules: str

    @property
    def article(self) -> Article:
        return self.retagged.article


def propose(stored: StoredVersion, rules: RuleSet, routes: Routes, now: datetime) -> Proposal | None:
    """The next version of a stored article under these rules; None when its tags stay.

    It is routed as an edit is. It raises no alert: what it says is as old as it was. Raises `ValueError` for a
    value that was written by another codec.
    """
    try:
        retagged = retag_article(rules, decode_article(stored.value))
    except TimeLimitError as error:
        log.warning("article %s keeps its tags: %s", stored.article_id, error)
        return None
    if retagged is None:
        return None
    article = retagged.article
    routed = routes.route(article, Decision(Outcome.REPLACED, now, article)).feeds
    feeds = routes.open_feeds([*routed, *stored.feeds])
    return Proposal(retagged, encode_article(article), routed, feeds, rules.version)


@dataclass(frozen=True, slots=True)
class Retagging:
    """A version that the ledger keeps. `feeds` also has those that had an earlier version of the article."""

    article_id: str
    version: int
    rules: str
    decided_at: datetime
    value: bytes
    feeds: tuple[str, ...]

    @property
    def event(self) -> Event:
        """What stands in the place of a raw event: its id follows from article, version and rules alone."""
        return Event(RETAGGING, 0, self.version, 0, article_key(self.article_id), self.rules.encode())


def item_of(retagging: Retagging, routes: Routes) -> Item:
    """A kept version as an item to be written. It has no outcome of its own: no raw event made it."""
    feeds = routes.open_feeds(retagging.feeds)
    article = decode_article(retagging.value)
    decision = Decision(Outcome.REPLACED, retagging.decided_at, article, feeds, at=article.first_seen)
    event = retagging.event
    published = PublishedVersion(event.event_id, article.id, article.version, retagging.value, feeds)
    return Item(event, article, decision=decision, published=published, promoted=True)


def followed(items: Sequence[Item], ledger: Ledger, routes: Routes) -> list[Item]:
    """The items, each behind its last version of an article followed by the version that rules made after it.

    A run that is repeated after a crash writes an old version once more; readers keep what came last.
    """
    last: dict[str, tuple[int, int]] = {}
    for index, item in enumerate(items):
        if item.published is not None:
            last[item.published.article_id] = index, item.published.version
    later = retaggings_after(ledger, {article_id: version for article_id, (_, version) in last.items()})
    behind = {last[article_id][0]: item_of(retagging, routes) for article_id, retagging in later.items()}
    return [each for index, item in enumerate(items) for each in (item, behind.get(index)) if each is not None]


@dataclass(frozen=True, slots=True)
class PublishedRetaggings:
    """What one call of `publish_retaggings` did. A superseded one needs no publishing: the version after it went to
    every feed that this one would have gone to."""

    published: int = 0
    superseded: int = 0

    @property
    def total(self) -> int:
        return self.published + self.superseded


def keep_retaggings(ledger: Ledger, proposals: Sequence[Proposal], settled_for: timedelta = timedelta(0)) -> list[bool]:
    """Make and record the next version of each article, to be published by `publish_retaggings`; whether it was
    made, in order. Left as they are: articles that were edited, withdrawn or held back meanwhile, and those whose
    version was recorded within `settled_for`, since it may be on its way still."""
    now = ledger.now()
    if not proposals:
        return []
    return ledger.transact(lambda db: _keep(db, proposals, now, to_micros(now - settled_for)))


def _keep(db: Database, proposals: Sequence[Proposal], now: datetime, recorded_until: int) -> list[bool]:
    held = _lock(db, [each.article.id for each in proposals])
    sql = "SELECT article_id, version FROM emission WHERE article_id {in_texts} AND recorded_at <= ?"
    recorded = {(row[0], row[1]) for row in db.query(sql, [db.list_of(sorted(held)), recorded_until])}
    kept = [_stands_still(held.get(each.article.id), each, recorded) for each in proposals]
    made = list({each.article.id: each for each, keep in zip(proposals, kept, strict=True) if keep}.values())
    now_micros = to_micros(now)
    stored = store_records(db, [_record(each, now) for each in made], now_micros)
    save_articles(db, [replace(held[each.article.id], version=each.article.version) for each in made])
    insert_versions(db, [_version(each, now) for each in stored])
    rows = [(each.article.id, each.article.version, each.rules, now_micros) for each in made]
    sql = "INSERT INTO retagging (article_id, version, rules, decided_at, state) VALUES (?, ?, ?, ?, 'pending')"
    db.execute_many(sql, rows)
    story_links.touch(db, [], list(story_links.stories_of(db, (each.article.id for each in made)).values()))
    return kept


def _lock(db: Database, ids: Sequence[str]) -> dict[str, KnownArticle]:
    """What is held of the articles, with no decision about them beside this transaction, and no record."""
    languages = {held.language for held in load_articles(db, set(ids)).values()}
    db.lock(f"language {language}" for language in sorted(languages))
    db.lock_rows("article", "id", sorted(set(ids)))
    held = load_articles(db, set(ids))
    if {each.language for each in held.values()} - languages:
        raise RetryableError("an article changed its language")
    return held


def _stands_still(held: KnownArticle | None, proposal: Proposal, recorded: Set[tuple[str, int]]) -> bool:
    if held is None or not held.living or not held.accepted:
        return False
    return held.version == proposal.article.version - 1 and (held.id, held.version) in recorded


def _record(proposal: Proposal, now: datetime) -> PublishedVersion:
    article = proposal.article
    kept = Retagging(article.id, article.version, proposal.rules, now, proposal.value, proposal.routed)
    return PublishedVersion(kept.event.event_id, kept.article_id, kept.version, kept.value, kept.feeds)


def _version(stored: PublishedVersion, now: datetime) -> Version:
    detail = encode_detail(Detail(feeds=stored.feeds))
    return Version(stored.article_id, stored.version, stored.event_id, now, b"", detail)


_SELECT = (
    "SELECT r.article_id, r.version, r.rules, r.decided_at, e.value, e.feeds "
    "FROM retagging r JOIN emission e ON e.article_id = r.article_id AND e.version = r.version"
)


def publish_retaggings(
    ledger: Ledger, publish: Callable[[Sequence[Retagging]], None], limit: int = 100
) -> PublishedRetaggings:
    """Hand up to `limit` pending versions to `publish`, the oldest first, and mark them when it returns.

    Nobody can record another version of these articles meanwhile, so be quick: an edit is published after, never
    before. What `publish` raises is raised, and all of them stay pending; it may be called again with the same ones.
    """

    def work(db: Database) -> PublishedRetaggings:
        db.lock(["retagging"])
        pending = _retaggings(db.query(f"{_SELECT} WHERE r.state = 'pending' ORDER BY 4, 1, 2 LIMIT ?", [limit]))
        ids = sorted({each.article_id for each in pending})
        db.lock_rows("article", "id", ids)
        sql = "SELECT article_id, MAX(version) FROM emission WHERE article_id {in_texts} GROUP BY article_id"
        newest: dict[str, int] = dict(db.query(sql, [db.list_of(ids)]))
        current = [each for each in pending if newest[each.article_id] == each.version]
        past = [each for each in pending if newest[each.article_id] != each.version]
        if current:
            publish(current)
        sql = "UPDATE retagging SET state = ? WHERE article_id = ? AND version = ?"
        db.execute_many(sql, [("published", each.article_id, each.version) for each in current])
        db.execute_many(sql, [("superseded", each.article_id, each.version) for each in past])
        return PublishedRetaggings(len(current), len(past))

    return ledger.transact(work)


def pending_retaggings(ledger: Ledger) -> int:
    """Number of versions that were made and nobody published yet."""
    sql = "SELECT COUNT(*) FROM retagging WHERE state = 'pending'"
    return ledger.transact(lambda db: int(db.query(sql)[0][0]), writes=False)


def retaggings_after(ledger: Ledger, versions: Mapping[str, int]) -> dict[str, Retagging]:
    """By article id, the last version where rules made it after the one given: whoever publishes that one (again)
    publishes this one behind it."""
    sql = (
        f"{_SELECT} WHERE r.article_id {{in_texts}} AND NOT EXISTS "
        "(SELECT 1 FROM emission n WHERE n.article_id = r.article_id AND n.version > r.version)"
    )
    if not versions:
        return {}
    rows = ledger.transact(lambda db: db.query(sql, [db.list_of(sorted(versions))]), writes=False)
    return {each.article_id: each for each in _retaggings(rows) if each.version > versions[each.article_id]}


def _retaggings(rows: Iterable[Row]) -> list[Retagging]:
    return [
        Retagging(article_id, version, rules, from_micros(decided_at), bytes(value), listed_names(feeds))
        for article_id, version, rules, decided_at, value, feeds in rows
    ]
