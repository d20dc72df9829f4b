"""One table of language codes, and what each room that reads it answers."""

from __future__ import annotations

import pytest

from newsflow.alerts.render import direction
from newsflow.model.languages import CODES, COVERED_BY, RIGHT_TO_LEFT, SAME_LANGUAGE, base_language, primary_subtag
from newsflow.normalise.dates.names import LANGUAGES, known
from newsflow.normalise.language import LANGUAGES as DETECTED
from newsflow.normalise.language_words import word_costs
from newsflow.tagging.forms import forms_language
from newsflow.tagging.rule import LANGUAGES as SHIPPED
from newsflow.tagging.rule import languages_searched, rule_language

RULES = {
    "nb": "no", "nn": "no", "iw": "he", "in": "id", "tl": "fil", "arb": "ar", "arz": "ar", "ary": "ar", "apc": "ar",
    "prs": "fa", "pes": "fa", "ku": "ckb", "azj": "az", "cmn": "zh", "yue": "zh", "sh": "sr", "cnr": "sr",
    "ekk": "et", "zsm": "ms", "pnb": "ur",
}  # fmt: skip
DATES = {"no": "nb", "nn": "nb", "iw": "he", "in": "id", "arz": "ar", "ary": "ar", "sh": "sr"}


def test_a_code_has_one_meaning() -> None:
    assert not set(SAME_LANGUAGE) & set(COVERED_BY)
    assert not (set(SAME_LANGUAGE) | set(COVERED_BY)) & (set(SAME_LANGUAGE.values()) | set(COVERED_BY.values()))


def test_every_language_of_an_article_has_its_code() -> None:
    assert {*DETECTED, *SHIPPED, *RIGHT_TO_LEFT} <= CODES
    two_letters = {code for code in CODES if len(code) == 2}
    assert len(two_letters - {"in", "iw", "sh"}) == 183
    assert not CODES & {"em", "eng", "und"}


@pytest.mark.parametrize(
    ("tag", "subtag", "base"),
    [
        ("pt-BR", "pt", "pt"),
        ("pt_BR", "pt", "pt"),
        ("AR", "ar", "ar"),
        ("", "", "und"),
        ("e n", "e n", "und"),
        ("a-b", "a", "und"),
        ("abcdefghi", "abcdefghi", "und"),
    ],
)
def test_tags(tag: str, subtag: str, base: str) -> None:
    assert (primary_subtag(tag), base_language(tag)) == (subtag, base)


def test_rules_read_all_of_the_table() -> None:
    assert SAME_LANGUAGE | COVERED_BY == RULES
    for code, language in RULES.items():
        assert rule_language(f"{code.upper()}-XX") == language
    assert rule_language("") == "und"
    assert languages_searched("sh") == languages_searched("hr") == {"", "sr", "hr", "bs"}
    assert languages_searched("zsm") == languages_searched("in") == {"", "ms", "id"}


def test_dates_read_only_codes_of_the_same_language() -> None:
    for code in {*RULES, *DATES, *LANGUAGES}:
        expected = DATES.get(code) or (code if code in LANGUAGES else None)
        assert known(code) == known(f"{code}_XX") == expected
    assert known("") is known(None) is None


def test_word_lists_go_by_the_codes_of_their_files() -> None:
    croatian = word_costs(["njihov"], ("bs", "hr", "sr", "sh"))
    assert set(croatian) == {"bs", "hr", "sr", "sh"}
    assert len(set(croatian.values())) == 1
    norwegian = word_costs(["barnehage"], ("no", "nb", "nn"))
    assert set(norwegian) == {"no", "nb"}
    assert norwegian["no"] == norwegian["nb"]


def test_directions_and_forms() -> None:
    assert {direction(code) for code in RIGHT_TO_LEFT} == {direction("fa-AF"), direction("UR")} == {"rtl"}
    assert (direction("en"), direction("und")) == ("ltr", "auto")
    assert (forms_language("port", "ar-EG"), forms_language("ميناء", ""), forms_language("port", "")) == (
        "ar",
        "ar",
        "en",
    )
