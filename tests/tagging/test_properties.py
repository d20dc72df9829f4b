from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsflow.tagging import RuleSet
from newsflow.tagging.forms import expand, inflect
from newsflow.tagging.load import shipped_catalogue
from newsflow.tagging.rule import LANGUAGES, AllOf, AnyOf, Near, Rule, Term
from newsflow.tagging.text import fold
from tests.tagging.tagging_articles import make_article, slice_of
from tests.tagging.test_text import ANY_TEXT

WORDS = ["harbour", "Pier", "grain deal", "سوريا", "لبناني~", "叙利亚", "Сирия~", "İzmir", "port*", "ซีเรีย", "שלום"]
TERMS = st.builds(
    Term, st.sampled_from(WORDS), st.sampled_from(["", "ar", "ru", "en"]), case=st.sampled_from(["smart", "any"])
)
PIECES = st.lists(
    st.one_of(st.sampled_from([*WORDS, "وسوريا", "Сирией", "portal", "لُبنانيّة", " ", ". ", "\n"]), ANY_TEXT),
    max_size=12,
)
TEXTS = st.builds(" ".join, PIECES)


def expression() -> st.SearchStrategy[AnyOf | AllOf | Near | Term]:
    many = st.lists(TERMS, min_size=2, max_size=3).map(tuple)
    return st.one_of(TERMS, st.builds(AnyOf, many), st.builds(AllOf, many), st.builds(Near, many, st.integers(0, 5)))


RULES = st.lists(
    st.builds(
        lambda terms, require, threshold: (tuple(terms), require, threshold),
        st.lists(TERMS, max_size=3),
        st.none() | expression(),
        st.sampled_from([0.0, 1.0, 3.0]),
    ).filter(lambda parts: bool(parts[0]) or parts[1] is not None),
    min_size=1,
    max_size=4,
).map(
    lambda found: [Rule(f"r{i}", terms=t, require=r, threshold=h, mentions=True) for i, (t, r, h) in enumerate(found)]
)


@pytest.mark.property
@given(RULES, TEXTS, TEXTS, st.sampled_from(["ar", "ru", "en", "und", "zh"]))
def test_spans_always_slice_to_the_matched_text(rules: list[Rule], title: str, body: str, language: str) -> None:
    article = make_article(title, body, language)
    for match in RuleSet(rules).match(article):
        for item in match.evidence:
            assert slice_of(article, item) == item.text
            assert item.text
            forms = {
                form.pattern for tag in (language, "ar", "ru", "en", "ko", "he") for form in expand(item.term, tag)
            }
            found = fold(item.text)
            assert any(found.startswith(form) or found.strip() in form for form in forms)


@pytest.mark.property
@given(RULES, RULES, TEXTS, TEXTS)
def test_adding_a_rule_never_changes_what_another_finds(
    one: list[Rule], more: list[Rule], title: str, body: str
) -> None:
    article = make_article(title, body, "ar")
    added = [Rule(f"x{rule.id}", terms=rule.terms, require=rule.require, threshold=rule.threshold) for rule in more]
    alone = RuleSet(one).match(article)
    together = [match for match in RuleSet([*added, *one]).match(article) if not match.id.startswith("x")]
    assert together == alone


@pytest.mark.property
@settings(max_examples=60)
@given(TEXTS, TEXTS, st.sampled_from(["ar", "ru", "en", "und", "ko", "he"]))
def test_the_shipped_rules_take_any_text(shipped: RuleSet, title: str, body: str, language: str) -> None:
    article = make_article(title, body, language)
    tags = shipped.tag(article)
    assert tags == shipped.tag(article)
    for topic in tags.topics:
        assert all(slice_of(article, item) == item.text for item in topic.evidence)


def generated_names() -> list[tuple[str, Term]]:
    rules = shipped_catalogue().rules()
    return [(rule.id, term) for rule in rules if rule.scheme == "iso3166" for term in rule.terms]


@pytest.mark.property
def test_every_country_name_matches_itself_in_a_sentence(shipped: RuleSet) -> None:
    missed = []
    for rule_id, term in generated_names():
        if term.needs or term.without or term.language not in LANGUAGES:
            continue
        written = term.text.replace("~", "").replace("*", "")
        tags = shipped.match(make_article(f"xx {written} yy", "", term.language))
        if rule_id not in {match.id for match in tags}:
            missed.append((rule_id, term.language, term.text))
    assert not missed


@pytest.mark.property
def test_no_country_name_is_found_inside_another_word(shipped: RuleSet) -> None:
    """Scripts without word breaks and open endings aside, letters on either side make it another word."""
    wrong = []
    for rule_id, term in generated_names():
        written = term.text.replace("~", "")
        unbroken = term.language in ("zh", "ja", "th", "lo", "km", "my")
        if unbroken or written.endswith("*") or " " in fold(written).strip():
            continue
        article = make_article(f"qx{written}qx", "", term.language)
        if rule_id in {match.id for match in shipped.match(article)}:
            wrong.append((rule_id, term.language, term.text))
    assert not wrong


@pytest.mark.parametrize(
    ("word", "language", "form"),
    [
        ("Сирия", "ru", "Сирией"), ("российский", "ru", "российскими"), ("Израиль", "ru", "Израилем"),
        ("Украина", "ru", "Украиной"), ("Сирія", "uk", "Сирією"), ("Україна", "uk", "Україною"),
        ("Syria", "pl", "Syria"), ("Rosja", "pl", "Rosją"), ("Rusko", "cs", "Ruskem"), ("سوري", "ar", "سوريين"),
        ("israélien", "fr", "israéliennes"), ("turc", "fr", "turques"), ("Syrian", "en", "Syrians"),
        ("시리아", "ko", "시리아에서"),
    ],
)  # fmt: skip
def test_inflection(word: str, language: str, form: str) -> None:
    assert form in inflect(word, language)
