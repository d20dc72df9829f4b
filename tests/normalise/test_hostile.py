"""Every hostile page ends in an outcome, within limits of time and memory."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import psutil
import pytest

from newsflow.model import Article, RawArticle, Reason, Rejected
from newsflow.sandbox import Normaliser, SandboxLimits
from tests.normalise.hostile_pages import PAGES

NOW = datetime(2025, 3, 1, tzinfo=UTC)
OUTCOMES = {Reason.NO_TEXT, Reason.BAD_ENCODING, Reason.TIME_LIMIT, Reason.TRANSFORM_ERROR}
MAX_MEMORY_BYTES = 500 * 1024 * 1024
# Pages whose article is to be found in spite of all.
KEPT = {
    "nested-div-100k": "The harbour council",
    "siblings-300k": "The harbour council",
    "links-50k": "The harbour council",
    "ten-megabytes-of-script": "The harbour council",
    "ten-megabytes-in-one-attribute": "The harbour council",
    "ten-megabytes-in-a-comment": "The harbour council",
    "endless-title": "The harbour council",
    "unclosed-comment": "The harbour council",
    "nulls": "The harbour council",
    "bidi-overrides": "The harbour council",
    "wrong-charset-named": "The harbour council",
    "xml-declaration": "The harbour council",
    "mojibake-arabic": "أعلن مجلس ميناء",
    "mojibake-twice": "أعلن مجلس ميناء",
    "json-ld-nested-100k": "The harbour council",
    "json-ld-wrong-types": "The harbour council",
}


@pytest.fixture(scope="module")
def normaliser() -> Iterator[Normaliser]:
    with Normaliser(SandboxLimits(workers=1, time_limit_s=6)) as running:
        yield running


def test_there_are_forty() -> None:
    assert len(PAGES) >= 40


TIMED_OUT = ("attributes-100k", "entities-million")
"""What takes its whole time, twice."""


@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=pytest.mark.slow) if each in TIMED_OUT else each for each in PAGES]
)
def test_a_hostile_page_ends_in_an_outcome(normaliser: Normaliser, name: str) -> None:
    content = PAGES[name]()
    raw = RawArticle("merrow-post", NOW, "text/html", content, url=f"https://merrow.example/{name}")
    (result,) = normaliser.normalise_many([(raw, None, NOW)])
    if isinstance(result, Rejected):
        assert result.reason in OUTCOMES
        assert result.message
        assert name not in KEPT
    else:
        _check_article(result, KEPT.get(name, ""))
    for child in psutil.Process().children():
        assert child.memory_info().rss < MAX_MEMORY_BYTES


def _check_article(article: Article, expected: str) -> None:
    text = article.title + article.body
    assert text.encode("utf-8")
    assert not set(text) & set("\x00\u202e\u2066\ufeff\u200b")
    assert "<script" not in text
    assert "root:" not in text
    assert expected in article.body
    assert article.published.at <= NOW
    assert article.first_seen == NOW
