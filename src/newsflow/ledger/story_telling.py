"""What is published of stories: each that changed, as it stands, and again until it is known to be written.

A record follows from the ledger alone, so that a retry publishes the same bytes, and one that says what was said last
is not published at all.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from newsflow.dedup.decide import KnownArticle
from newsflow.dedup.story import Story, build_story
from newsflow.ledger import story_links, tables
from newsflow.ledger.database import Database, from_micros
from newsflow.model import Article
from newsflow.model.codec import decode_article, encode_story
from newsflow.model.story import MergedStory, Representative, StoryRecord

LOCK = "stories told"
AT_ONCE = 200
_CACHED = 100_000


@dataclass(frozen=True, slots=True)
class ToldStory:
    """A story.v1 value. `at`: event time of what it tells, in UTC."""

    id: str
    value: bytes
    at: datetime

    @property
    def digest(self) -> bytes:
        return hashlib.blake2b(self.value, digest_size=16).digest()


PublishStories = Callable[[Sequence[ToldStory]], object]


def tell_stories(
    db: Database, article_ids: Iterable[str], publish: PublishStories, families: Mapping[str, str], facts: FactsCache
) -> int:
    """Hand what is new of stories to `publish`, and note that it was told when that returns; returns how many. Those
    that changed, and those of these articles, whose topics may be known only now. One at a time over all processes, so
    that of one story nothing older is written after. `families`: publisher by source."""
    db.lock([LOCK])
    sql = "SELECT id, merged_into, changed, told_digest FROM story WHERE"
    rows = db.query(f"{sql} changed <> told ORDER BY id LIMIT ?", [AT_ONCE])
    mine = sorted(set(story_links.stories_of(db, article_ids).values()) - {row[0] for row in rows})
    rows += db.query(f"{sql} id {{in_texts}}", [db.list_of(mine)]) if mine else []
    told = {each.id: each for each in describe(db, [(row[0], row[1]) for row in rows], families, facts)}
    new = [told[row[0]] for row in rows if row[0] in told and told[row[0]].digest != bytes(row[3])]
    if new:
        publish(sorted(new, key=lambda each: each.id))
    update = "UPDATE story SET told = ?, told_digest = ? WHERE id = ?"
    db.execute_many(
        update, [(row[2], told[row[0]].digest if row[0] in told else bytes(row[3]), row[0]) for row in rows]
    )
    return len(new)


def stories_about(
    db: Database, article_ids: Iterable[str], families: Mapping[str, str], facts: FactsCache
) -> list[ToldStory]:
    """The stories of several articles that these are in, and the ids that lead on to them."""
    mine = db.list_of(sorted(set(story_links.stories_of(db, article_ids).values())))
    sql = "SELECT id, merged_into FROM story WHERE id {in_texts} OR leads_to {in_texts} ORDER BY id"
    rows = db.query(sql, [mine, mine])
    return sorted(describe(db, [(row[0], row[1]) for row in rows], families, facts), key=lambda each: each.id)


def describe(
    db: Database, stories: Iterable[tuple[str, str | None]], families: Mapping[str, str], facts: FactsCache
) -> Iterator[ToldStory]:
    """Stories, each with the one that it was merged into if it was, as story.v1 says them; without those of which all
    is forgotten."""
    stories = list(stories)
    merged = [(story_id, merged_into) for story_id, merged_into in stories if merged_into is not None]
    first = tables.load_articles(db, {story_id for story_id, _ in merged})
    for story_id, merged_into in merged:
        at = first[story_id].first_seen if story_id in first else from_micros(0)
        yield ToldStory(story_id, encode_story(MergedStory(story_id, merged_into)), at)
    standing = story_links.articles_of(db, [story_id for story_id, merged_into in stories if merged_into is None])
    facts.load(db, (article for articles in standing.values() for article in articles))
    for story_id, articles in standing.items():
        if articles:
            record = _record(db, build_story(story_id, articles, families), facts)
            yield ToldStory(story_id, encode_story(record), record.last_seen)


def _record(db: Database, story: Story, facts: FactsCache) -> StoryRecord:
    living = [article for article in story.articles if not article.withdrawn]
    about = [facts.of(article) for article in living]
    return StoryRecord(
        id=story.id,
        representative=_representative(db, story),
        size=story.size,
        sources=story.sources,
        independent_sources=story.independent_sources,
        languages=tuple(sorted({article.language for article in living})),
        countries=tuple(sorted({code for _, countries in about for code in countries})),
        topics=tuple(sorted({topic for topics, _ in about for topic in topics})),
        first_seen=story.first_seen,
        last_seen=max(article.first_seen for article in story.articles),
    )


def _representative(db: Database, story: Story) -> Representative:
    shown = story.representative
    article = tables.load_version(db, shown.id, shown.version)
    why = "first" if shown is story.articles[0] else "first-that-stands"
    return Representative(
        shown.id,
        shown.version,
        shown.source,
        shown.url,
        "" if article is None else article.title,
        shown.language if article is None else article.language,
        why if shown.living else "none-stands",
    )


Facts = tuple[tuple[str, ...], tuple[str, ...]]
"""Ids of the topics that an article version is about, and codes of the countries."""


class FactsCache:
    """What stories say of article versions, which never changes once they are recorded."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, int], Facts] = OrderedDict()

    def load(self, db: Database, articles: Iterable[KnownArticle]) -> None:
        wanted = {(each.id, each.version) for each in articles if not each.withdrawn} - self._known.keys()
        if not wanted:
            return
        ids = db.list_of(sorted({article_id for article_id, _ in wanted}))
        sql = "SELECT article_id, version, value FROM emission WHERE article_id {in_texts}"
        for article_id, version, value in db.query(sql, [ids]):
            if (article_id, version) in wanted:
                self._known[article_id, version] = _facts(decode_article(bytes(value)))
        while len(self._known) > _CACHED:
            self._known.popitem(last=False)

    def of(self, article: KnownArticle) -> Facts:
        return self._known.get((article.id, article.version), ((), ()))


def _facts(article: Article) -> Facts:
    topics = tuple(topic.id for topic in article.topics)
    return topics, tuple(topic.code for topic in article.topics if topic.scheme == "iso3166")
