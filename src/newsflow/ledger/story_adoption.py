"""Takes over the stories of an earlier release, which knew those of near-copies alone: they go on under their ids."""

from __future__ import annotations

import re
from collections import Counter

from newsflow.dedup.decide import KnownArticle
from newsflow.ledger import story_links, tables
from newsflow.ledger.database import Database, to_micros
from newsflow.ledger.story_rows import JOIN, WITHDRAW, LogRow, insert_log, pack_member
from newsflow.model import Article
from newsflow.model.languages import base_language
from newsflow.stories import Report, Stories, read_signals

_COUNTRY = re.compile("[A-Z]{2}")


def countries_of(article: Article) -> list[str]:
    """Codes of the countries that an article is about or mentions."""
    codes = [topic.code for topic in article.topics if topic.scheme == "iso3166"]
    return sorted({*codes, *(each.code for each in article.mentions if _COUNTRY.fullmatch(each.code))})


def adopt_stories(db: Database) -> int:
    """Settle the articles whose texts are still compared as they were decided, by event time; how many. Without
    meanings: no encoder has seen them. New reports join their stories, so that nobody is told of these again."""
    ids = [row[0] for row in db.query("SELECT DISTINCT article_id FROM text_print")]
    known = sorted(tables.load_articles(db, ids).values(), key=lambda each: (each.first_seen, each.id))
    stories, rows, sizes = Stories(), list[LogRow](), Counter[str]()
    for each in known:
        article = tables.load_version(db, each.id, each.version) if each.story else None
        if article is None:
            continue
        rows.append(_row(len(rows) + 1, JOIN, each, _report(stories, each, article)))
        sizes[each.story] += 1
        if each.withdrawn:
            rows.append(_row(len(rows) + 1, WITHDRAW, each, b""))
    insert_log(db, rows)
    latest = {each.story: to_micros(each.first_seen) for each in known}
    story_links.touch(db, [(story, latest[story]) for story, size in sorted(sizes.items()) if size > 1], [])
    # After a way back: what was told under an id that led on to another is told of that.
    told = "SELECT id, story FROM article WHERE story <> id AND id IN (SELECT story FROM alert_story) ORDER BY id"
    story_links.lead_on(db, ((row[0], row[1]) for row in db.query(told)))
    return len(rows)


def _report(stories: Stories, known: KnownArticle, article: Article) -> bytes:
    language = base_language(article.language)
    signals = read_signals(language, article.title, article.body, countries_of(article))
    report = Report(known.id, to_micros(known.first_seen), language, signals)
    return pack_member(stories.adopt(report, known.story), None)


def _row(number: int, kind: str, known: KnownArticle, report: bytes) -> LogRow:
    """Of no version: what its versions say of the story was said."""
    at, written = to_micros(known.first_seen), to_micros(known.seen_at)
    return LogRow(number, kind, known.id, 0, known.story, known.story, 0, at, written, 0, known.language, report)
