from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from newsflow.dedup.decide import KnownArticle
from newsflow.dedup.story import build_story, count_independent

START = datetime(2031, 5, 4, tzinfo=UTC)


def held(
    number: int, source: str, agency: str | None = None, *, withdrawn: bool = False, copy: bool = False
) -> KnownArticle:
    at = START + timedelta(minutes=number)
    return KnownArticle(
        str(number), source, None, None, agency, "en", 1, "", None, None, at, at, "s", "0" if copy else None,
        withdrawn, not copy, number,
    )  # fmt: skip


def told_again(number: int, source: str, agency: str) -> KnownArticle:
    article = held(number, source)
    article.retells = agency
    return article


@pytest.mark.parametrize(
    ("articles", "families", "voices"),
    [
        ([], {}, 0),
        ([held(0, "a"), held(1, "b")], {}, 2),
        ([held(0, "a"), held(1, "a")], {}, 1),
        ([held(0, "a"), held(1, "b")], {"a": "Tarsen Media", "b": "tarsen-media"}, 1),
        ([held(0, "a", "Norvik Wire"), held(1, "b", "NORVIK WIRE"), held(2, "c")], {}, 2),
        ([held(0, "norvik-wire"), held(1, "b", "Norvik Wire")], {}, 1),
        ([held(0, "a", "One"), held(1, "b", "One"), held(2, "b", "Two"), held(3, "c", "Two")], {}, 1),
        ([held(0, "a", "One"), held(1, "b", "Two")], {}, 2),
        ([held(0, "a", "One"), told_again(1, "b", "One"), held(2, "c")], {}, 2),
    ],
)
def test_independent_sources(articles: list[KnownArticle], families: dict[str, str], voices: int) -> None:
    assert count_independent(articles, families) == voices


def test_story() -> None:
    articles = [held(3, "c"), held(1, "a", withdrawn=True), held(2, "b"), held(4, "d", copy=True)]
    story = build_story("s", articles)
    assert (story.size, story.first_seen, story.representative.id) == (3, START + timedelta(minutes=1), "2")
    assert (story.sources, story.languages, story.independent_sources) == (("b", "c", "d"), ("en",), 3)


def test_story_whose_articles_are_all_withdrawn_is_shown_by_the_first() -> None:
    assert build_story("s", [held(2, "b", withdrawn=True), held(1, "a", withdrawn=True)]).representative.id == "1"


def test_story_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no articles"):
        build_story("s", [])
