"""Each theme in fifteen languages, on sentences of our own words: half are about it, half only sound like it."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks.quality.themes import LANGUAGES, sentences, tally
from newsflow.tagging import RuleSet


def test_fifteen_languages_have_forty_sentences_a_theme_half_of_them_traps(shipped: RuleSet) -> None:
    assert " ".join(LANGUAGES) == "ar de en es fa fr he id it pl pt ru tr uk zh"
    themes = {rule.id for rule in shipped.rules if rule.scheme == "medtop"}
    for language in LANGUAGES:
        texts = {(sentence.section, sentence.about, sentence.text) for sentence in sentences(language)}
        counts = Counter((theme, about) for theme, about, _ in texts)
        assert counts.keys() == {(theme, about) for theme in themes for about in (True, False)}
        assert min(counts.values()) >= 20, language


@pytest.mark.parametrize("language", LANGUAGES)
def test_themes_are_found_where_they_are_and_nowhere_else(shipped: RuleSet, language: str) -> None:
    found = tally(shipped, language)
    assert found.precision >= 0.9, found.misses
    assert found.recall >= 0.9, found.misses


def test_themes_have_names_and_terms_in_all_of_them(shipped: RuleSet) -> None:
    for rule in shipped.rules:
        if rule.scheme == "medtop":
            assert {language for language, _ in rule.names} == set(LANGUAGES), rule.id
            assert {term.language for term in rule.terms} == set(LANGUAGES), rule.id
