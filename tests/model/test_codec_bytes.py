"""The bytes of every article of the bundled sample are those that release 0.1 wrote, and one member more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import orjson
import pytest

from newsflow.model import Action, Article, Origin, RawArticle
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
        tagged = replace(article, id=f"{number:032x}", topics=tags.topics, mentions=tags.mentions, story_size=number)
        yield replace(tagged, story="5" * 32, origin=Origin("raw", 0, number, "e"), action=Action.REPLACE, version=2)
        yield replace(tagged, duplicate_of="d" * 32, url=None, guid="g", agency="A", authors=("B", "C"))


def test_bytes_are_those_of_the_first_release(articles: list[Article]) -> None:
    assert len(articles) > 100
    assert any(article.topics and article.mentions for article in articles)
    as_known_then = [replace(each, published=replace(each.published, precision=None)) for each in articles]
    assert [encode_article(each) for each in as_known_then] == [encode_as_first_released(each) for each in articles]


def test_only_the_precision_of_dates_was_added(articles: list[Article]) -> None:
    added = set()
    for each in articles:
        members = orjson.loads(encode_article(each))
        added.add(members["published"].pop("precision", None))
        assert orjson.dumps(members) == encode_as_first_released(each)
        assert decode_article(encode_article(each)) == each
    assert {"minute", "second"} <= added


def test_the_bytes_of_the_first_release_are_read_as_the_same_articles(articles: list[Article]) -> None:
    values = [encode_as_first_released(each) for each in articles]
    assert [encode_article(decode_article(value)) for value in values] == values
