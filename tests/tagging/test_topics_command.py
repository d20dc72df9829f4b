from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from newsflow.cli.articles import duration
from newsflow.cli.topics import app
from newsflow.errors import UsageError
from newsflow.model.codec import encode_article
from tests.tagging.tagging_articles import make_article

RULES = """\
id: veld
terms: {en: [Veld]}
examples: {en: {match: [Veld opens], not: [the sea]}}
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    file = tmp_path / "veld.yaml"
    file.write_text(RULES, encoding="utf-8")
    return file


def run(*arguments: str | Path, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, (result.output, result.exception)
    return result.stdout


def test_test_runs_examples(rules: Path) -> None:
    assert run("test", rules) == ""
    rules.write_text(RULES.replace("the sea", "Veld"), encoding="utf-8")
    line = json.loads(run("test", rules, "-o", "json", code=1))
    assert (line["rule"], line["wanted"], line["found"], line["line"]) == ("veld", "nothing", "topic", 3)
    assert f"{rules}:3: en: topic, wanted nothing of veld: Veld" in run("test", rules, code=1)


def test_lint(rules: Path) -> None:
    assert "missing-language: no terms for ar" in run("lint", rules)
    run("lint", rules, "--strict", code=1)


def test_explain_in_both_forms(rules: Path, tmp_path: Path) -> None:
    file = tmp_path / "article.json"
    file.write_bytes(encode_article(make_article("Veld opens", id="a1", url="https://invented.example/1")))
    assert "[Veld]" in run("explain", file, "--rules", rules)
    assert json.loads(run("explain", file, "--rules", rules, "--topic", "veld", "-o", "json"))["verdict"] == "topic"
    text = tmp_path / "plain.txt"
    text.write_text("The sea\n\nno land", encoding="utf-8")
    assert "3 short" in run("explain", text, "--rules", rules, "--topic", "veld", "--language", "en")


def test_an_unknown_topic_is_a_usage_error(rules: Path, tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("x", encoding="utf-8")
    result = CliRunner().invoke(app, ["explain", str(tmp_path / "t.txt"), "--rules", str(rules), "--topic", "weld"])
    assert isinstance(result.exception, UsageError)
    assert "did you mean veld" in str(result.exception)


def test_diff_on_a_file(rules: Path, tmp_path: Path) -> None:
    newer = tmp_path / "newer.yaml"
    newer.write_text(RULES.replace("[Veld]", "[Marn]"), encoding="utf-8")
    articles = tmp_path / "articles.jsonl"
    lines = [
        encode_article(make_article(title, id=title, url="https://invented.example/x"))
        for title in ("Veld", "Marn", "x")
    ]
    articles.write_bytes(b"\n".join(lines))
    found = json.loads(run("diff", rules, newer, "--on", articles, "-o", "json"))
    assert (found["topics"][0]["gained"], found["topics"][0]["lost"]) == (["Marn"], ["Veld"])
    assert "gained 1" in run("diff", rules, newer, "--on", articles)


def test_apply_refuses_failing_examples(rules: Path, tmp_path: Path) -> None:
    folder = tmp_path / "state"
    version = run("apply", rules, "--folder", folder).strip()
    assert json.loads((folder / "applied.json").read_text())["version"] == version
    rules.write_text(RULES.replace("the sea", "Veld"), encoding="utf-8")
    run("apply", rules, "--folder", folder, code=1)
    run("apply", rules, "--folder", folder, "--force")


@pytest.mark.parametrize(("text", "hours"), [("90m", 1.5), ("36h", 36), ("7d", 168)])
def test_duration(text: str, hours: float) -> None:
    assert duration(text).total_seconds() == hours * 3600


def test_a_wrong_duration() -> None:
    with pytest.raises(UsageError, match="as 36h or 7d"):
        duration("week")
