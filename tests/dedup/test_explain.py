from __future__ import annotations

from dataclasses import replace

from newsflow.dedup.explain import explain, shared_passages
from newsflow.dedup.similarity import Relation
from newsflow.model import Article
from tests.ledger.ledger_helpers import ARABIC, HARBOUR, RIVER, Wire


def article(body: str, language: str = "en", url: str = "https://a.example/") -> Article:
    made = Wire().publish(url, body, language=language).result
    assert isinstance(made, Article)
    return made


def test_shared_passages_are_as_the_first_writes_them() -> None:
    left = "Before it: " + HARBOUR[:120] + " and so it goes on."
    passages = shared_passages(left, "Another start. " + HARBOUR[:120].upper() + " End of it.")
    assert [left[each.start : each.end] for each in passages] == [each.text for each in passages]
    assert passages[0].text.startswith("The harbour authority")


def test_shared_passages_in_arabic_ignore_marks() -> None:
    marked = ARABIC.replace("بلدية", "بَلَدِيَّة").replace("أعلنت", "اعلنت")
    [passage] = shared_passages(marked, ARABIC)
    assert passage.text == marked


def test_texts_that_share_nothing_have_no_passages() -> None:
    assert shared_passages(HARBOUR, RIVER) == []
    assert shared_passages("", HARBOUR) == []


def test_explanation_names_the_reason() -> None:
    other = "https://b.example/"
    cases = {
        "the matching texts are equal": (article(HARBOUR), article(HARBOUR, url=other)),
        "one is enough": (article(HARBOUR), article(HARBOUR + " " + RIVER, url=other)),
        "but only": (article(HARBOUR), article(HARBOUR.replace("40", "41").replace("310", "320"), url=other)),
        "not alike: Jaccard": (article(HARBOUR), article(RIVER, url=other)),
        "not compared": (article(HARBOUR), article(ARABIC, "ar", other)),
        "less than 20": (article("Soon more."), article("Soon more of it.", url=other)),
        "one article": (article(HARBOUR), article(RIVER)),
    }
    for words, (left, right) in cases.items():
        assert words in explain(left, right).verdict
    assert explain(*cases["one is enough"]).relation is Relation.DUPLICATE
    assert explain(*cases["but only"]).relation is Relation.RELATED


def test_explanation_of_headlines_without_a_text() -> None:
    left, right = article(""), replace(article("", url="https://b.example/"), source="b")
    assert "not alike: an equal headline without a text counts" in explain(left, right).verdict
    assert explain(left, right).relation is Relation.NONE
    assert explain(left, replace(right, source=left.source)).relation is Relation.DUPLICATE


def test_explanation_lists_numbers() -> None:
    found = explain(article("In 12 towns, 40 houses."), article("In 12 towns, 41 houses.", url="https://b.example/"))
    assert (found.numbers_shared, found.numbers_left, found.numbers_right) == (("12",), ("40",), ("41",))


def test_region_of_a_language_does_not_matter() -> None:
    left, right = article(HARBOUR, "en-GB"), article(HARBOUR, "en", "https://b.example/")
    assert explain(left, right).relation is Relation.DUPLICATE
    assert explain(replace(left, language="fr"), right).relation is Relation.NONE
