"""Names on the wire."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsflow.model import names


def test_topics() -> None:
    assert names.topic_feed("united-states") == "news.topic.united-states.v1"
    assert names.dead_letter_topic(names.RAW_TOPIC) == "news.article.raw.v1.dlq"
    assert names.feed_of("news.topic.united-states.v1") == "united-states"


@pytest.mark.parametrize(
    "name", ["news.topic.syria.v2", "news.topic.v1", "news.article.v1", "news.topic.a.b.v1", "", "x\n"]
)
def test_other_topics_are_no_feeds(name: str) -> None:
    assert names.feed_of(name) is None


@pytest.mark.parametrize(
    "topic_id", ["", "Syria", "united_states", "a--b", "-a", "a-", "سوريا", "a\n", "a.b", "x" * 240]
)
def test_topic_ids_that_are_none(topic_id: str) -> None:
    with pytest.raises(ValueError, match="accepted"):
        names.topic_feed(topic_id)


@given(st.from_regex(names.TOPIC_ID, fullmatch=True).filter(lambda topic_id: len(topic_id) < 200))
def test_a_feed_names_its_topic(topic_id: str) -> None:
    assert names.feed_of(names.topic_feed(topic_id)) == topic_id


def test_keys() -> None:
    assert names.raw_key("erem", "https://a/ب") == "erem/https://a/ب".encode()
    assert names.raw_key("a", "\ud800") == b"a/?"
    assert names.article_key("3f") == b"3f"


def test_cloudevents_names() -> None:
    assert names.ce_type("raw-article") == "newsflow.raw-article.v1"
    assert names.ce_source("ingest") == "/newsflow/ingest"
    assert names.schema_id("article") == "urn:newsflow:schema:article:v1"


def test_emission_ids_stay_as_they_are() -> None:
    """They are in topics for good: another value here makes a reader take old records for new ones."""
    assert names.emission_id("e1", "article") == "a5cef60008c6e135cc739c99b7c242b4"
    assert names.emission_id("e1", "alert", "syria") == "0c44fb31a90991903e57aaccbcf68acb"


@given(
    st.lists(
        st.tuples(st.text(max_size=4), st.text(max_size=4), st.text(max_size=4)), min_size=2, max_size=2, unique=True
    )
)
def test_emission_ids_differ(triples: list[tuple[str, str, str]]) -> None:
    first, second = (names.emission_id(*triple) for triple in triples)
    assert first != second
    assert len(first) == 32
