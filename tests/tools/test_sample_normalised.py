"""The sample's pages lose what stands around their articles, and nothing of the articles' own titles."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from newsflow.model import Article, RawArticle
from newsflow.model.raw import parse_raw
from newsflow.normalise import load_profiles, normalise
from newsflow.tools.sample.build import SampleEvent, event_entries, sample_events, sources_path
from tests.sample_expectations import expectations, furniture_of

NOW = datetime(2025, 6, 1, tzinfo=UTC)
EXPECTED = expectations()
ENTRIES = {entry["name"]: entry for entry in event_entries()}
PROFILES = load_profiles(sources_path())
PAGES = [event for event in sample_events() if EXPECTED[event.name].text is not None]


def test_furniture_is_what_its_name_says() -> None:
    assert "جميع الحقوق محفوظة © 2025 ضفاف ميديا - Difaf Media" in furniture_of(ENTRIES["syria-base-leaving"])
    assert "أسعار الطماطم تتراجع في الأسواق المحلية" in furniture_of(ENTRIES["syria-wheat-silos"])
    assert all(len(furniture_of(entry)) >= 2 for entry in ENTRIES.values())


@pytest.mark.parametrize("event", PAGES, ids=lambda event: event.name)
def test_an_article_holds_nothing_of_the_page_around_it(event: SampleEvent) -> None:
    name = event.name
    raw = parse_raw(event.value, event.headers)
    assert isinstance(raw, RawArticle)
    article = normalise(raw, PROFILES[raw.source], NOW)
    assert isinstance(article, Article), article
    lines = [article.title, *article.body.split("\n")]
    kept = [
        junk
        for junk in furniture_of(ENTRIES[name])
        # Two words, as the name of a section, can stand within a sentence.
        if junk in lines or (len(junk.split()) > 2 and any(junk in line for line in lines))
    ]
    assert kept == []
    assert article.title in EXPECTED[name].titles
    assert "logo" not in article.body
