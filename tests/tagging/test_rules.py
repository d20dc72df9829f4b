from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from newsflow.errors import ConfigError
from newsflow.tagging import RuleSet, load_rules
from tests.tagging.tagging_articles import make_article


def rules_of(tmp_path: Path, text: str) -> RuleSet:
    file = tmp_path / "rule.yaml"
    file.write_text(text, encoding="utf-8")
    return load_rules([file])


def matched(rules: RuleSet, body: str, language: str = "en", **more: str) -> list[str]:
    return sorted(topic.id for topic in rules.tag(make_article(more.pop("title", ""), body, language, **more)).topics)


@pytest.mark.parametrize(
    ("rule", "text", "expected"),
    [
        ("any: [harbour, pier]", "The pier is shut", True),
        ("any: [harbour, pier]", "The piers are shut", False),
        ("any: [pier~]", "The piers are shut", True),
        ("any: [harbo*]", "Harbouring doubts", True),
        ("any: [harbour]\nall: [strike]", "A strike at the harbour", True),
        ("any: [harbour]\nall: [strike]", "The harbour is open", False),
        ("any: [harbour]\nnone: [pearl]", "Pearl harbour", False),
        ("all: [{any: [port, harbour]}, {none: [wine]}]", "port wine", False),
        ("all: [{any: [port, harbour]}, {none: [wine]}]", "port gate", True),
        ("near: [strike, dock]\nwithin: 2", "a strike at the dock", True),
        ("near: [strike, dock]\nwithin: 1", "a strike at the dock", False),
        ("near: [strike, dock]\nwithin: 2", "the dock was on strike", True),
        ("near: [strike, dock]\nwithin: 2\nordered: true", "the dock was on strike", False),
        ("near: [strike, {any: [dock, quay]}, rain]\nwithin: 3", "rain, strike and quay", True),
        ("near: [strike, {any: [{term: [dock, quay]}, pier]}]\nwithin: 2", "a strike at the quay", True),
        ("near: [strike, {any: [{term: [dock, quay]}, pier]}]\nwithin: 2", "a strike at the pier", True),
        ("near: [strike, {any: [{term: [dock, quay]}, pier]}]\nwithin: 1", "a strike at the dock", False),
        ("near: [strike, dock]\nwithin: 2", "strike " * 30 + "x x x dock", False),
        ("near: [strike, dock]\nwithin: 3", "strike " * 30 + "x x x dock", True),
        ("near: [strike, dock]\nwithin: 1", "dock x x " * 30 + "strike", False),
        ("any: [{none: [wine]}, port]", "port wine", True),
        ("any: [{none: [wine]}, port]", "a harbour", False),
        ("all: [port, ship, crane]", "a crane and a ship in port", True),
        ("all: [port, ship, crane]", "a crane and a ship", False),
        ("any: [grain deal]", "The grain  deal, signed", True),
        ("any: [grain deal]", "The grain. A deal", False),
        ("any: [سوريا]", "عن وسوريا", True),
        ("any: [Togo]", "того не было", False),
        ("any: [US]", "tell us", False),
        ("any: [US]", "a US ship", True),
        ("any: [{term: US, case: any}]", "tell us", True),
        ("any: [{term: Sudan, unless: [South Sudan]}]", "South Sudan", False),
        ("any: [{term: Sudan, unless: [South Sudan]}]", "South Sudan and Sudan", True),
        ("any: [{term: jaguar, needs: [zoo, jungle]}]", "a jaguar parked", False),
        ("any: [{term: jaguar, needs: [zoo, jungle]}]", "a jaguar in the zoo", True),
        ("any: [{term: jaguar, without: [car]}]", "a jaguar car", False),
        ("any: [叙利亚]", "今日叙利亚局势", True),
        ("any: [シリア]", "シリアル食品", False),
        ("any: [ซีเรีย]", "ประเทศซีเรียวันนี้", True),
    ],
)
def test_expressions(tmp_path: Path, rule: str, text: str, expected: bool) -> None:
    assert bool(matched(rules_of(tmp_path, f"id: r\n{rule}\n"), text)) is expected


def test_near_stays_within_one_field(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, "id: r\nnear: [strike, dock]\nwithin: 50\n")
    assert not matched(rules, "the dock is open", title="A strike")
    assert matched(rules, "the dock is open in the strike", title="A strike")


@pytest.mark.parametrize(
    ("field", "title", "body", "expected"),
    [
        ("title", "harbour", "x", True),
        ("title", "x", "harbour", False),
        ("body", "harbour", "x", False),
        ("lead", "x", "harbour", True),
        ("lead", "x", "word " * 70 + "harbour", False),
        ("body", "x", "word " * 70 + "harbour", True),
    ],
)
def test_fields(tmp_path: Path, field: str, title: str, body: str, expected: bool) -> None:
    rules = rules_of(tmp_path, f"id: r\nany: [{{term: harbour, field: {field}}}]\n")
    assert bool(matched(rules, body, title=title)) is expected


def test_conditions(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, "id: r\nany: [harbour]\nsources: [dock-news]\nlanguages: [en]\nsections: [Trade]\n")
    raw: dict[str, Any] = {"raw": {"section": "trade"}}
    assert rules.match(make_article("harbour", source="dock-news", language="en-GB", **raw))
    assert not rules.match(make_article("harbour", source="dock-news", language="fr", **raw))
    assert not rules.match(make_article("harbour", source="other", language="en", **raw))
    assert not rules.match(make_article("harbour", source="dock-news", language="en"))


@pytest.mark.parametrize(
    ("title", "body", "about"),
    [
        ("Veld opens", "x", True),
        ("x", "MARN, March 3 (Reuters) - Veld opens. " + "w " * 80, False),
        ("x", "VELD CITY, Veld (Courier) - It opens. " + "w " * 80, True),
        ("x", "Veld opens and Veld closes. " + "w " * 80, True),
        ("x", "Veld opens. " + "w " * 80 + "Veld", True),
        ("x", "w " * 80 + "Veld then Veld", False),
        ("x", "w " * 80 + "Veld then Veld and Veld", True),
        ("", "A day in Veld for all of us. " + "w " * 80, True),
        ("", "A day at home for all of us. " + "w " * 80 + "Veld", False),
    ],
)
def test_what_an_article_is_about(tmp_path: Path, title: str, body: str, about: bool) -> None:
    rules = rules_of(tmp_path, "id: veld\nterms: [Veld]\nmentions: true\n")
    tags = rules.tag(make_article(title, body))
    assert bool(tags.topics) is about
    assert (bool(tags.mentions) is not about and "MARN" not in body) or "MARN" in body


@pytest.mark.parametrize(
    ("title", "body", "score"),
    [
        ("Veld opens", "x", 3.0),
        ("x", "VELD CITY (Courier) - It opens.", 3.0),
        ("x", "Veld opens", 2.0),
        ("x", "w " * 80 + "Veld opens", 1.0),
        ("Veld opens", "In Veld, " + "w " * 80 + "Veld", 6.0),
    ],
)
def test_what_a_hit_counts_by_its_place(tmp_path: Path, title: str, body: str, score: float) -> None:
    rules = rules_of(tmp_path, "id: veld\nterms: [Veld]\nmentions: true\n")
    [topic] = rules.match(make_article(title, body))
    assert topic.score == score


def test_references_and_overrides(tmp_path: Path) -> None:
    folder = tmp_path / "places"
    folder.mkdir()
    (folder / "veld.yaml").write_text("id: veld\ncode: VL\nterms: {en: [Veld]}\n", encoding="utf-8")
    (folder / "trade.yaml").write_text(
        "id: veld-trade\nall:\n  - !ref places/VL\n  - any: [wheat]\n---\nid: veld-two\nterms: !ref veld\n",
        encoding="utf-8",
    )
    rules = load_rules([folder])
    assert matched(rules, "Veld sells wheat") == ["veld", "veld-trade", "veld-two"]
    (folder / "zz.yaml").write_text("id: veld\noverride: true\nterms: [Other]\n", encoding="utf-8")
    assert matched(load_rules([folder]), "Veld sells wheat") == []


def test_a_rule_may_build_on_a_shipped_one(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, "id: grain\nall: [!ref countries/UA, {any: [wheat, пшеница~]}]\n")
    assert matched(rules, "Украина продаёт пшеницу", "ru") == ["grain"]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("id: r\nterms: [a]\ncolour: red\n", 3, "unknown key 'colour'; accepted:"),
        ("id: Bad_Id\nterms: [a]\n", 1, "accepted: a to z"),
        ("id: r\nterms: [a]\nscheme: iso3166\ncode: Syria\n", 4, "accepted: two capitals, as SY"),
        ("id: r\nterms:\n  en:\n    - harbour\n    - '!!'\n", 5, "holds no letter"),
        ("id: r\nterms:\n  en: [{term: a, wieght: 2}]\n", 3, "accepted: bare, case"),
        ("id: r\nterms: {en: [{term: a, weight: many}]}\n", 2, "give a number from 0"),
        (
            "id: r\nterms: {english: [a]}\n",
            2,
            "no article has the language 'english'; accepted: BCP 47 tags such as en",
        ),
        ("id: r\nterms: {eng: [a]}\n", 2, "as en, ar, zh-Hant; did you mean 'en'?"),
        ("id: r\nterms: {em: [a]}\n", 2, "no article has the language 'em'"),
        ("id: r\nterms: {eng-GB: [a]}\n", 2, "no article has the language 'eng-GB'"),
        ("id: r\nany: [{term: a, language: englsh}]\n", 2, "did you mean 'en'?"),
        ("id: r\nlanguages: [ar, rus]\nany: [a]\n", 2, "no article has the language 'rus'"),
        ("id: r\nlanguages: ['*']\nany: [a]\n", 2, "without `languages`"),
        ("id: r\nany: [a]\nexamples: {ara: {match: [a]}}\n", 3, "did you mean 'ar'?"),
        ("id: r\nany: []\n", 2, "empty list"),
        ("id: r\n", 1, "nothing here can match"),
        ("id: r\nnone: [a]\n", 1, "nothing here can match"),
        ("id: r\nnear: [a]\n", 2, "two or more"),
        ("id: r\nwithin: 3\nany: [a]\n", 1, "go with `near`"),
        ("id: r\nany: [a*b]\n", 2, "word's end only"),
        ("id: r\nterms: !ref nowhere\n", 2, "no such rule"),
        ("id: r\nany: [a]\nid: s\n", 3, "twice"),
        ("id: r\nany: [*a]\n", 2, "aliases (*a) are not accepted"),
        ("id: r\nany: [a\n", 3, "not valid YAML"),
        ("id: r\nname: A: b\n", 2, "look at the indentation, and for a text that needs quotes"),
        ("id: r\nany: [a]\nname: A\n", 3, "; did you mean 'names'?"),
        ("id: r\nterms: {en: [{trem: a}]}\n", 2, "; did you mean 'term'?"),
        ("id: r\nany: [{trem: a}]\n", 2, "; did you mean 'term'?"),
        ("id: r\nx: &a [b]\nany: *a\n", 3, "aliases"),
        ("- a\n", 1, "a rule is a mapping"),
        ("id: r\nterms: {en: [{term: a, field: foot}]}\n", 2, "one of title, lead, body"),
        ("id: r\nany: [a]\nexamples: {en: {yes: [a]}}\n", 3, "unknown key 'yes'; accepted: match, not"),
    ],
)
def test_errors_say_where_and_what_is_accepted(tmp_path: Path, text: str, line: int, words: str) -> None:
    with pytest.raises(ConfigError, match=r"rule\.yaml") as caught:
        rules_of(tmp_path, text)
    assert caught.value.line == line
    assert words in str(caught.value)
    assert caught.value.file.endswith("rule.yaml")
    assert caught.value.what == "rule"


def test_two_rules_of_one_id_name_both_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text("id: r\nany: [x]\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"b\.yaml.*taken by .*a\.yaml:1"):
        load_rules([tmp_path])


def test_a_circle_of_references_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("id: a\nterms: !ref b\n---\nid: b\nterms: !ref a\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="a circle of references: a → b → a"):
        load_rules([tmp_path])


def test_json_lines_hold_the_same_language(tmp_path: Path) -> None:
    file = tmp_path / "saved.jsonl"
    file.write_text(
        '{"id": "s1", "any": ["harbour"], "none": ["pearl"]}\n\n{"id": "s2", "near": ["a", "b"]}\n', encoding="utf-8"
    )
    assert matched(load_rules([file]), "the harbour, a b") == ["s1", "s2"]
    file.write_text('{"id": "s1", "any": ["harbour"]}\n{"id": "s2"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"saved\.jsonl:2: not valid JSON"):
        load_rules([file])


def test_missing_and_foreign_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such rule file"):
        load_rules([tmp_path / "none.yaml"])
    (tmp_path / "rules.txt").write_text("x", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"accepted: \.yaml"):
        load_rules([tmp_path / "rules.txt"])
    (tmp_path / "bad.yaml").write_bytes(b"id: \xff\xfe")
    with pytest.raises(ConfigError, match="not UTF-8 at byte 4"):
        load_rules([tmp_path / "bad.yaml"])


def test_the_version_is_a_hash_of_the_meaning(tmp_path: Path) -> None:
    base = "id: r\nterms: [harbour]\n"
    version = rules_of(tmp_path, base).version
    assert rules_of(tmp_path, "# remark\nterms: [harbour]\nid: r\nnames: Harbour\n").version == version
    assert rules_of(tmp_path, base + "examples: {en: {match: [harbour]}}\n").version == version
    assert rules_of(tmp_path, base + "threshold: 4\n").version != version
    assert rules_of(tmp_path, "id: r\nterms: [harbours]\n").version != version


@pytest.mark.parametrize("code", ["en", "zh-Hant", "ckb", "fil", "und", "*", "nb", "iw", "cy"])
def test_languages_that_articles_have_are_accepted(tmp_path: Path, code: str) -> None:
    rules_of(tmp_path, f"id: r\nterms: {{'{code}': [a]}}\nexamples: {{'{code}': {{match: [a]}}}}\n")


def test_a_term_of_a_written_standard_counts_in_its_language(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, "id: r\nterms: {nb: [Veld]}\n")
    assert matched(rules, "Veld " * 9, "no") == matched(rules, "Veld " * 9, "nb") == ["r"]


def test_languages_of_terms(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, "id: iceland\nterms: {de: [Island], ar: [آيسلندا]}\n")
    assert matched(rules, "Neues aus Island", "de-AT") == ["iceland"]
    assert matched(rules, "News from Long Island", "en") == []
    assert matched(rules, "آيسلندا", "und") == ["iceland"]
