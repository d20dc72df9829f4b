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
            ("a", "missing-language"), ("b", "few-examples")} <= kinds  # fmt: skip
    assert all(item.file.endswith("a.yaml") for item in found)
    assert next(item.line for item in found if item.rule == "b") == 5


def test_the_shipped_rules_need_no_attention(shipped: RuleSet) -> None:
    found = [item for item in lint(shipped) if not item.file.endswith(".jsonl")]
    assert [item for item in found if item.kind != "shared-term"] == []
