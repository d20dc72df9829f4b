"""Bytes of what is emitted: as the schemas say, always the same, and back again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsflow.model import (
    Action,
    Article,
    ArticleRef,
    DuplicateLink,
    Event,
    Evidence,
    Mention,
    NamedPlace,
    Origin,
    PlaceEvidence,
    PlaceSpan,
    PublicationDate,
    Reason,
    Rejected,
    TopicMatch,
)
from newsflow.model.codec import decode_article, encode_article, encode_dead_letter, encode_duplicate
from newsflow.model.schemas import violations

ARTICLE = Article(
    id="a1",
    version=2,
    action=Action.REPLACE,
    source="difaf-media",
    url="https://www.difaf-media.example/1",
    title="الروس في سوريا",
    body="غادرت القوات.\n\nولم تعلن وجهتها.",
    language="ar",
    published=PublicationDate(datetime(2025, 2, 18, 15, 40, tzinfo=UTC), "source", "text", "18 فبراير 2025"),
    first_seen=datetime(2025, 2, 18, 16, 5, 12, 4100, tzinfo=UTC),
    word_count=5,
    content_hash="5f",
    topics=(TopicMatch("syria", "iso3166", "SY", 3.5, "1", (Evidence("سوريا", "title", 9, 14, "سوريا", 2.0),)),),
    mentions=(Mention("libya", "LY", 1),),
    origin=Origin("news.article.raw.v1", 2, 41, "e1"),
    raw={"b": 1, "a": [None, {"x": "y"}]},
)

_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
_ids = st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,4})?", fullmatch=True)
_optional = st.none() | _texts.filter(bool)
_zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_naive = st.datetimes(datetime(1900, 1, 2), datetime(2200, 1, 1))  # noqa: DTZ001
_instants = st.datetimes(datetime(1900, 1, 2), datetime(2200, 1, 1), timezones=_zones)  # noqa: DTZ001
_floats = st.floats(0, 1e6)
_counts = st.integers(0, 10**9)
_published = st.builds(
    PublicationDate, _instants, st.sampled_from(["explicit", "source"]), st.sampled_from(["json-ld", "text"]), _texts
) | st.builds(PublicationDate, _naive, st.just("unknown"), st.sampled_from(["meta", "feed"]), _texts)
_evidence = st.builds(Evidence, _texts, st.sampled_from(["title", "body"]), _counts, _counts, _texts, _floats)
_evidence |= st.builds(
    PlaceEvidence, _texts, st.sampled_from(["title", "body"]), _counts, _counts, _texts, _floats, _ids
)
_place = st.builds(
    NamedPlace, _texts, _texts, st.sampled_from(["city", "subdivision"]), _ids, st.none() | _ids,
    st.none() | st.floats(-90, 90), st.none() | st.floats(-180, 180),
    st.lists(st.builds(PlaceSpan, st.sampled_from(["title", "body"]), _counts, _counts), min_size=1, max_size=2).map(tuple),
)  # fmt: skip
_articles = st.builds(
    Article,
    source=_ids,
    title=_texts,
    body=_texts,
    language=st.sampled_from(["ar", "und", "zh-Hant"]),
    published=_published,
    first_seen=_instants,
    id=_ids,
    version=st.integers(1, 2**53),
    action=st.sampled_from(Action),
    url=st.none() | st.just("https://a.example/"),
    guid=_ids,
    authors=st.lists(_texts, max_size=2).map(tuple),
    agency=_optional,
    word_count=_counts,
    content_hash=_ids,
    story=st.none() | _ids,
    topics=st.lists(
        st.builds(TopicMatch, _ids, _ids, _ids, _floats, _ids, st.lists(_evidence, max_size=2).map(tuple)), max_size=2
    ).map(tuple),
    mentions=st.lists(st.builds(Mention, _ids, _ids, st.integers(1, 9)), max_size=2).map(tuple),
    places=st.lists(_place, max_size=2).map(tuple),
    dateline=st.none() | _place,
    duplicate_of=st.none() | _ids,
    origin=st.none() | st.builds(Origin, _ids, _counts, _counts, _ids),
    raw=st.dictionaries(_texts, st.none() | st.booleans() | _floats | _texts, max_size=3),
)


@pytest.mark.property
@given(_articles)
@settings(max_examples=200, deadline=None)
def test_articles_come_back_equal_and_their_bytes_do_not_change(article: Article) -> None:
    value = encode_article(article)
    decoded = decode_article(value)
    assert decoded == article
    assert encode_article(decoded) == value
    assert list(violations("article", orjson.loads(value))) == []


def test_members_stand_in_a_fixed_order_and_none_is_left_out() -> None:
    members = orjson.loads(encode_article(ARTICLE))
    assert list(members) == [
        "id",
        "version",
        "action",
        "source",
        "url",
        "title",
        "body",
        "language",
        "published",
        "first_seen",
        "word_count",
        "content_hash",
        "topics",
        "mentions",
        "origin",
        "raw",
    ]
    assert list(members["raw"]) == ["b", "a"]
    assert members["raw"]["a"] == [None, {"x": "y"}]


def test_instants_are_utc_with_z_whatever_zone_they_came_in() -> None:
    local = ARTICLE.first_seen.astimezone(timezone(timedelta(hours=4)))
    assert encode_article(replace(ARTICLE, first_seen=local)) == encode_article(ARTICLE)
    assert orjson.loads(encode_article(ARTICLE))["first_seen"] == "2025-02-18T16:05:12.004100Z"


def test_a_date_of_unknown_zone_has_no_offset() -> None:
    local = PublicationDate(datetime(2025, 2, 18), "unknown", "text", "18 فبراير")  # noqa: DTZ001
    value = encode_article(replace(ARTICLE, published=local))
    assert orjson.loads(value)["published"]["at"] == "2025-02-18T00:00:00"
    assert decode_article(value).published == local


def test_an_instant_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has no zone"):
        encode_article(replace(ARTICLE, first_seen=datetime(2025, 2, 18)))  # noqa: DTZ001


def test_text_without_utf8_form_is_refused() -> None:
    with pytest.raises(TypeError):
        encode_article(replace(ARTICLE, title="\ud800"))


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b'"a"',
        encode_article(ARTICLE)[:-1],
        encode_article(ARTICLE).replace(b"replace", b"swap"),
        encode_article(ARTICLE).replace(b"2025-02-18T16:05:12.004100Z", b"0001-01-01T00:00:00+14:00"),
    ],
)
def test_other_bytes_are_no_article(value: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_article(value)


@pytest.mark.parametrize(
    "path", [("first_seen",), ("published", "at"), ("topics", 0, "evidence", 0, "term"), ("origin", "offset")]
)
def test_an_article_with_a_member_missing_is_none(path: tuple[Any, ...]) -> None:
    members = orjson.loads(encode_article(ARTICLE))
    around = members
    for step in path[:-1]:
        around = around[step]
    del around[path[-1]]
    with pytest.raises(ValueError, match=f"not an article.v1 value: KeyError: '{path[-1]}'"):
        decode_article(orjson.dumps(members))


def test_duplicates_follow_their_schema() -> None:
    link = DuplicateLink(
        ArticleRef("b", "x", None, "g"), ArticleRef("a", "y", "https://a", None), "near", 0.8, 1.0, 1.0
    )
    members = orjson.loads(encode_duplicate(link, "s-1"))
    assert list(violations("duplicate", members)) == []
    assert members["copy"] == {"id": "b", "source": "x", "guid": "g"}
    assert members["story"] == "s-1"
    assert "story" not in orjson.loads(encode_duplicate(link))


_headers = st.lists(
    st.tuples(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), st.none() | st.binary(max_size=9)),
    max_size=3,
)


@pytest.mark.property
@given(st.none() | st.binary(), st.none() | st.binary(), _headers.map(tuple), st.sampled_from(Reason))
@settings(deadline=None)
def test_dead_letters_on_files_lose_nothing(
    key: bytes | None, value: bytes | None, headers: Any, reason: Reason
) -> None:
    event = Event("in.jsonl", 0, 7, 0, key, value, headers)
    members = orjson.loads(encode_dead_letter(event, Rejected(reason, "why", "Normalise")))
    assert list(violations("dead-letter", members)) == []
    assert _bytes(members.get("key_base64")) == key
    assert _bytes(members.get("value_base64")) == value
    assert [(each["name"], _bytes(each.get("value_base64"))) for each in members["headers"]] == list(headers)
    assert members["origin"]["event_id"] == event.event_id


def _bytes(text: str | None) -> bytes | None:
    import base64

    return None if text is None else base64.b64decode(text, validate=True)
