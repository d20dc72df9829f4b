from __future__ import annotations

import orjson
import pytest

from newsflow.tagging import RuleSet, shipped_rules_path
from newsflow.tagging.lint import run_examples
from tests.tagging.tagging_articles import make_article, slice_of
from tools.country_rules import countries, rows


def test_topics_come_first_and_a_passing_country_is_a_mention(shipped: RuleSet) -> None:
    article = make_article(
        "ما وراء الرحيل الروسي عن سوريا",
        "اتجهت العيون إلى الساحل، إذ أكد مسؤولون سوريون أن روسيا تنقل معداتها من سوريا.\n\n"
        + "كلام آخر طويل عن أحوال الناس والطقس والأسواق. " * 12
        + "وبعض القوات انتقلت إلى ليبيا.",
        "ar",
    )
    tags = shipped.tag(article)
    assert {topic.id for topic in tags.topics[:2]} == {"syria", "russia"}
    assert [(mention.id, mention.code, mention.count) for mention in tags.mentions] == [("libya", "LY", 1)]
    for topic in tags.topics:
        assert all(slice_of(article, item) == item.text for item in topic.evidence)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("وسوريا", "سوريا"),
        ("لسوريا", "سوريا"),
        ("فبالسوريين", "السوريين"),
        ("سُـوريّا", "سُـوريّا"),
        ("وللسوريين", "للسوريين"),
    ],
)
def test_arabic_forms_are_found_without_their_proclitic(shipped: RuleSet, text: str, expected: str) -> None:
    article = make_article(f"قال {text}، أمس", "", "ar")
    topic = next(topic for topic in shipped.tag(article).topics if topic.id == "syria")
    assert [item.text for item in topic.evidence] == [expected]


def test_every_example_passes(shipped: RuleSet) -> None:
    failed = [
        (result.rule.id, result.example.language, result.example.text, result.found)
        for result in run_examples(shipped)
        if not result.passed
    ]
    assert not failed


def test_hand_written_rules_have_examples_in_each_language(shipped: RuleSet) -> None:
    written = [rule for rule in shipped.rules if rule.examples]
    assert len([rule for rule in written if rule.scheme == "iso3166"]) >= 40
    assert len([rule for rule in written if rule.scheme == "medtop"]) == 10
    for rule in written:
        for language in ("ar", "en", "ru", "fr"):
            own = [example for example in rule.examples if example.language == language]
            assert sum(example.matches for example in own) >= 3, (rule.id, language)
            assert sum(not example.matches for example in own) >= 2, (rule.id, language)


def test_every_iso_country_has_a_rule(shipped: RuleSet) -> None:
    have = {rule.code for rule in shipped.rules if rule.scheme == "iso3166"}
    assert have == set(countries())
    assert len(have) == 250


@pytest.mark.property
def test_the_generated_files_are_those_the_generator_writes() -> None:
    generated, names = rows()
    root = shipped_rules_path()
    for rows_, path in ((generated, "countries/generated.jsonl"), (names, "cldr/names.jsonl")):
        assert (root / path).read_bytes() == b"".join(orjson.dumps(row) + b"\n" for row in rows_)


@pytest.mark.parametrize(
    ("language", "text", "code"),
    [
        ("tr", "Suriye'nin başkentinde", "SY"), ("de", "Die Lage in Syrien", "SY"), ("zh", "叙利亚局势", "SY"),
        ("ja", "シリアの首都", "SY"), ("ko", "시리아에서 회담", "SY"), ("he", "בסוריה ובלבנון", "LB"),
        ("fa", "ایران و سوریه", "SY"), ("uk", "в Україні та Сирії", "SY"), ("pl", "w Rosji i na Ukrainie", "RU"),
        ("th", "สถานการณ์ในซีเรีย", "SY"), ("hi", "सीरिया में", "SY"), ("el", "στη Συρία", "SY"),
        ("fi", "Venäjän hallitus", "RU"), ("es", "en Siria", "SY"), ("ar", "بالمانيا", "DE"), ("ar", "والعراق", "IQ"),
        ("ar", "للعراقيين", "IQ"), ("ru", "с Саудовской Аравией", "SA"), ("az", "Suriyada", "SY"),
    ],
)  # fmt: skip
def test_names_in_many_languages(shipped: RuleSet, language: str, text: str, code: str) -> None:
    assert code in {match.code for match in shipped.match(make_article(text, "", language))}


@pytest.mark.parametrize(
    ("language", "text", "code"),
    [
        ("en", "Papua New Guinea votes", "GN"), ("en", "South Sudan votes", "SD"), ("en", "New Mexico votes", "MX"),
        ("en", "the Democratic Republic of the Congo", "CG"), ("ru", "того не было", "TG"), ("en", "Nigeria", "NE"),
        ("ar", "طب العيون", "EH"), ("zh", "印度尼西亚", "IN"), ("zh", "几内亚比绍", "GN"), ("en", "Dominican Republic", "DM"),
        ("ja", "シリアル", "SY"), ("ar", "القدم اليمنى", "YE"), ("en", "Northern Ireland", "IE"), ("en", "turkey soup", "TR"),
        ("en", "Chad Kelly threw twice", "TD"), ("en", "Felix Trinidad won. Trinidad bowed", "TT"), ("en", "Andre Lima scored", "PE"),
        ("en", "Georgia votes, with Russia on its mind, said a paper in Atlanta", "GE"), ("en", "a Dominican friar", "DO"),
        ("en", "Panama City, Florida", "PA"), ("en", "the Lisbon Treaty", "PT"), ("en", "the Oslo accords", "NO"),
        ("en", "Kathy Ireland", "IE"), ("en", "Jools Holland", "NL"), ("en", "New Jersey votes", "JE"), ("en", "Guinea pigs", "GN"),
        ("en", "Jersey City", "JE"), ("en", "the Niger Delta", "NE"), ("en", "the Emir, Sheikh Sabah, spoke", "MY"),
    ],
)  # fmt: skip
def test_names_that_only_look_alike(shipped: RuleSet, language: str, text: str, code: str) -> None:
    assert code not in {match.code for match in shipped.match(make_article(text, "", language))}
