"""Common words and names of countries through all shipped rules: a fixed tenth here, all of them nightly."""

from __future__ import annotations

import pytest

from benchmarks.quality.names import names_of
from benchmarks.quality.sweeps import Sweep, of_names, of_terms, of_words
from benchmarks.quality.words import LISTS, granted, sweep, words_of
from newsflow.tagging import RuleSet


def clean(result: Sweep, least: int) -> None:
    assert result.wrong == ()
    assert result.tried > least


@pytest.mark.property
def test_a_tenth_of_the_common_words_is_tagged_by_what_is_granted_alone(shipped: RuleSet) -> None:
    clean(of_words(shipped, 10), 600_000)


@pytest.mark.property
def test_a_tenth_of_the_names_is_found_in_the_forms_of_their_language(shipped: RuleSet) -> None:
    clean(of_names(shipped, 10), 3_000)


@pytest.mark.property
def test_a_tenth_of_the_terms_is_found_in_every_form_and_names_one_country(shipped: RuleSet) -> None:
    clean(of_terms(shipped, 10), 10_000)


@pytest.mark.sweeps
@pytest.mark.timeout(1800)
def test_common_words_are_tagged_by_what_is_granted_alone(shipped: RuleSet) -> None:
    clean(of_words(shipped), 6_000_000)


@pytest.mark.sweeps
@pytest.mark.timeout(1800)
def test_names_are_found_in_the_forms_of_their_language(shipped: RuleSet) -> None:
    clean(of_names(shipped), 30_000)


@pytest.mark.sweeps
@pytest.mark.timeout(1800)
def test_terms_are_found_in_every_form_and_name_one_country(shipped: RuleSet) -> None:
    clean(of_terms(shipped), 100_000)


@pytest.mark.sweeps
@pytest.mark.timeout(1800)
def test_every_word_that_is_granted_is_tagged(shipped: RuleSet) -> None:
    wanted = {(language, topic, word) for (language, topic), words in granted().items() for word in words}
    found = {(each.language, each.topic, each.word) for code in LISTS for each in sweep(shipped, code, words_of(code))}
    assert wanted - found == set()


def test_hong_kong_and_macao_are_named_as_they_are_called() -> None:
    for language, names in {"sv": {"Hongkong", "Macao"}, "vi": {"Hồng Kông", "Ma Cao"}, "it": {"Hong Kong"}}.items():
        assert names <= names_of(language).keys()
