"""The bytes of every article of the bundled sample are those that release 0.1 wrote, and what was added since."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import orjson
import pytest

from newsflow.model import Action, Article, Evidence, Origin, RawArticle
from newsflow.model.codec import decode_article, encode_article
from newsflow.model.raw import parse_raw
from newsflow.normalise import load_profiles, normalise
from newsflow.tagging import load_rules, shipped_rules_path
from newsflow.tools.sample.build import sample_events, sources_path
from tests.model.reference_codec import encode_as_first_released

NOW = datetime(2025, 6, 1, 12, 30, 0, 50, tzinfo=UTC)


@pytest.fixture(scope="module")
def articles() -> list[Article]:
    return list(_sample_articles())


def _sample_articles() -> Iterator[Article]:
    profiles, rules = load_profiles(sources_path()), load_rules([shipped_rules_path()])
    for number, event in enumerate(sample_events()):
        raw = parse_raw(event.value, event.headers)
        article = normalise(raw, profiles.get(raw.source), NOW) if isinstance(raw, RawArticle) else None
        if not isinstance(article, Article):
            continue
        yield article
        tags = rules.tag(article)
        tagged = replace(tags.on(article), id=f"{number:032x}", story_size=number)
        yield replace(tagged, story="5" * 32, origin=Origin("raw", 0, number, "e"), action=Action.REPLACE, version=2)
        yield replace(tagged, duplicate_of="d" * 32, url=None, guid="g", agency="A", authors=("B", "C"))


def test_bytes_are_those_of_the_first_release(articles: list[Article]) -> None:
    assert len(articles) > 100
    assert any(article.topics and article.mentions for article in articles)
    as_known_then = [_as_known_then(each) for each in articles]
    assert [encode_article(each) for each in as_known_then] == [encode_as_first_released(each) for each in articles]


def _as_known_then(article: Article) -> Article:
    published = replace(article.published, precision=None)
    topics = tuple(
        replace(
            topic, evidence=tuple(Evidence(*map(partial(getattr, each), Evidence.__slots__)) for each in topic.evidence)
        )
        for topic in article.topics
    )
    return replace(article, published=published, topics=topics, places=(), dateline=None)


def test_only_precision_places_and_kinds_of_evidence_were_added(articles: list[Article]) -> None:
    added = set()
    for each in articles:
        members = orjson.loads(encode_article(each))
        added.add(members["published"].pop("precision", None))
        added |= {name for name in ("places", "dateline") if members.pop(name, None)}
        added |= {evidence.pop("kind", None) for topic in members["topics"] for evidence in topic["evidence"]}
        assert orjson.dumps(members) == encode_as_first_released(each)
        assert decode_article(encode_article(each)) == each
    assert {"minute", "second", "places", "dateline", "city"} <= added


def test_the_bytes_of_the_first_release_are_read_as_the_same_articles(articles: list[Article]) -> None:
    values = [encode_as_first_released(each) for each in articles]
    assert [encode_article(decode_article(value)) for value in values] == values
