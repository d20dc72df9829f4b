from __future__ import annotations

from pathlib import Path

import pytest

from newsflow.tagging import RuleSet, load_rules
from newsflow.tagging.explain import explain
from newsflow.tagging.lint import lint
from newsflow.tagging.scan import FACTORS, TextPart
from tests.tagging.tagging_articles import make_article, slice_of

PARTS: tuple[TextPart, ...] = ("title", "lead", "body")
RULE = """\
id: veld
scheme: iso3166
languages: [en]
none: [Marnish]
terms:
  en:
    - {term: Veld, unless: [South Veld]}
    - {term: capital, needs: [throne]}
    - {term: crown, field: title}
    - {term: coast, without: [ivory]}
    - VELD
"""


@pytest.fixture
def rules(tmp_path: Path) -> RuleSet:
    (tmp_path / "veld.yaml").write_text(RULE, encoding="utf-8")
    return load_rules([tmp_path])


def test_a_tag_says_what_counted(rules: RuleSet) -> None:
    article = make_article("Veld opens", "In Veld, " + "w " * 80 + "Veld")
    found = explain(rules, article, "veld")
    assert found.verdict == "topic"
    assert [(item.place, item.points) for item in found.counted] == [(part, FACTORS[part]) for part in PARTS]
    assert found.score == sum(FACTORS[part] for part in PARTS)
    assert found.missing == 0
    assert all(slice_of(article, item.evidence) == item.evidence.text for item in found.counted)
    assert found.version == rules.tag(article).topics[0].rule_version


def test_a_missing_tag_says_what_was_left_out_and_how_far_it_is(rules: RuleSet) -> None:
    body = "w " * 80 + "Veld. South Veld, veld, the capital, a crown, the coast of ivory."
    found = explain(rules, make_article("Nothing", body), "veld")
    assert (found.verdict, found.score, found.missing) == ("mention", 1.0, 2.0)
    reasons = {item.evidence.text: item.reason for item in found.excluded}
    assert reasons["Veld"] == "part of South Veld"
    assert "capitals" in reasons["veld"]
    assert reasons["capital"].endswith("throne")
    assert reasons["crown"] == "the term counts in the title only"
    assert reasons["coast"] == "the article holds ivory"


def test_conditions_and_requirements_are_named(rules: RuleSet) -> None:
    found = explain(rules, make_article("Veld", "", "fr"), "veld")
    assert found.verdict == "none"
    assert any("language is fr" in reason for reason in found.unmet)
    assert any("the term is for en" in item.reason for item in found.excluded)
    blocked = explain(rules, make_article("Veld and Marnish"), "veld")
    assert blocked.verdict == "none"
    assert blocked.requirement is not None
    assert not blocked.requirement.holds
    assert blocked.as_json()["requirement"]["parts"][0] == {"text": "Marnish", "holds": True, "parts": ()}


STRIKES = """\
id: strikes
near: [{term: [strike, hunger strike]}, {any: [port, harbour]}]
within: 3
none: [hunger strike]
"""


@pytest.mark.parametrize(
    ("text", "reasons", "blocked_by"),
    [
        (
            "hunger strike at the port",
            {
                "hunger strike": "blocked by: hunger strike (none)",
                "strike": "blocked by: hunger strike (none)",
                "port": "blocked by: hunger strike (none)",
            },
            ["hunger strike"],
        ),
        (
            "a strike in a town that has no harbour and no port",
            dict.fromkeys(("strike", "harbour", "port"), "no hit of the other terms of near within 3 words"),
            [],
        ),
        (
            "a strike in the port and then, long after this, in a town, no harbour",
            {"harbour": "outside the distance"},
            [],
        ),
    ],
)
def test_why_a_hit_of_a_requirement_does_not_count(
    tmp_path: Path, text: str, reasons: dict[str, str], blocked_by: list[str]
) -> None:
    (tmp_path / "r.yaml").write_text(STRIKES, encoding="utf-8")
    found = explain(load_rules([tmp_path]), make_article("", text), "strikes")
    assert {item.evidence.text: item.reason for item in found.excluded} == reasons
    assert found.as_json()["blocked_by"] == blocked_by


def test_what_stands_inside_a_counted_term_or_lacks_company_says_so(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text("id: r\nany: [hunger strike, strike]\n---\nid: s\nall: [a b, c d]\n", "utf-8")
    rules = load_rules([tmp_path])
    [inside] = explain(rules, make_article("", "hunger strike"), "r").excluded
    assert (inside.evidence.text, inside.reason) == ("strike", "stands inside a longer term that counts")
    [alone] = explain(rules, make_article("", "a b"), "s").excluded
    assert alone.reason == "other terms that the rule asks for are missing"


def test_an_unknown_rule(rules: RuleSet) -> None:
    with pytest.raises(KeyError):
        explain(rules, make_article("x"), "nowhere")


def test_lint_points_at_what_an_editor_should_see(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "id: a\nterms:\n  en: [pier, pier, {term: dead, weight: 0}, xy]\n---\nid: b\nterms: {en: [pier]}\n",
        encoding="utf-8",
    )
    found = lint(load_rules([tmp_path]))
    kinds = {(item.rule, item.kind) for item in found}
    assert {("a", "repeated-term"), ("a", "dead-term"), ("a", "short-term"), ("a", "shared-term"), ("b", "shared-term"),
            ("a", "few-examples"), ("b", "few-examples")} <= kinds  # fmt: skip
    assert all(item.file.endswith("a.yaml") for item in found)
    assert next(item.line for item in found if item.rule == "b") == 5


def test_the_shipped_rules_need_no_attention(shipped: RuleSet) -> None:
    for languages in ((), ("ar", "en", "ru", "fr")):
        found = [item for item in lint(shipped, languages) if not item.file.endswith(".jsonl")]
        assert [item for item in found if item.kind != "shared-term"] == []


def test_lint_points_at_terms_that_are_written_as_something_else(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "id: a\nterms:\n"
        "  en: ['dr[oa]ught', '^floods?$', 'drought|dry', 'flood(s)', 'fires?', جفاف, COVID-19, C++, AT&T, 'US$', dry~]\n"
        "  ar: ['جفاف، شح المياه', drought, NATO, {term: ماء, needs: [water]}]\n"
        "  'no': [tørke~, tørr*]\n  sr: [suša~, суша~]\n"
        "none: [tort, {term: засуха, language: fr}]\n",
        encoding="utf-8",
    )
    kinds = {"pattern", "several-terms", "other-script", "no-forms"}
    found = [(item.kind, item.message) for item in lint(load_rules([tmp_path])) if item.kind in kinds]
    assert [(kind, message.partition(" ")[0]) for kind, message in found] == [
        *(("pattern", text) for text in ("dr[oa]ught", "^floods?$", "drought|dry", "flood(s)", "fires?")),
        ("other-script", "جفاف"),
        ("several-terms", "جفاف،"),
        ("other-script", "drought"),
        ("other-script", "water"),
        ("no-forms", "tørke~"),
        ("other-script", "засуха"),
    ]


def test_lint_points_at_very_common_words(tmp_path: Path) -> None:
    common = "{en: [the, harbour, US, {term: and, needs: [pier]}], ar: [في, ميناء], zh: [的], '*': [of]}"
    (tmp_path / "a.yaml").write_text(f"id: a\nterms: {common}\n", encoding="utf-8")
    found = [item.message for item in lint(load_rules([tmp_path])) if item.kind == "common-word"]
    assert [message.partition(" ")[0] for message in found] == ["the", "في", "of"]


def test_lint_asks_a_rule_for_its_own_languages(tmp_path: Path) -> None:
    texts = "{match: [pier a, pier b, pier c], not: [d, e]}"
    file = tmp_path / "a.yaml"
    file.write_text(f"id: a\nterms: {{en: [pier], nb: [brygge]}}\nexamples: {{en: {texts}, no: {texts}}}\n", "utf-8")
    assert lint(load_rules([tmp_path])) == []
    file.write_text(f"id: a\nterms: {{en: [pier], ar: [رصيف]}}\nexamples: {{en: {texts}, fr: {texts}}}\n", "utf-8")
    found = [(item.kind, item.message) for item in lint(load_rules([tmp_path]))]
    assert found[0] == ("missing-language", "no terms for fr")
    assert found[1][0] == "few-examples"
    assert found[1][1].startswith("0 examples that match and 0 that must not in ar")
    assert len(found) == 2
    file.write_text("id: a\nany: [pier]\n", "utf-8")
    assert [item.kind for item in lint(load_rules([tmp_path]))] == ["few-examples"]


def test_lint_of_a_rule_that_refers_to_one_of_all_languages(tmp_path: Path) -> None:
    texts = "{match: [Syria trade a, Syria trade b, Syria trade c], not: [d, e]}"
    rule = f"id: a\nall: [!ref countries/SY, {{term: trade, language: en}}]\nexamples: {{en: {texts}}}\n"
    (tmp_path / "a.yaml").write_text(rule, encoding="utf-8")
    assert lint(load_rules([tmp_path])) == []
