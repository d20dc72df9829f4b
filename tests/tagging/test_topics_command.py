from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from newsflow.cli import main
from newsflow.cli.articles import duration
from newsflow.cli.topics import app
from newsflow.errors import ConfigError, KafkaError, UsageError
from newsflow.model.codec import encode_article
from newsflow.tagging import shipped_rules_path
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


@pytest.fixture(autouse=True)
def no_broker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Rules of their own in force, and a broker that does not answer."""
    configured = tmp_path / "configured.yaml"
    configured.write_text("id: marn\nany: [Marn]\n---\nid: pier\nany: [pier]\n", encoding="utf-8")
    monkeypatch.setenv("NEWSFLOW_TOPICS__PATHS", f"[{configured}]")
    monkeypatch.setenv("NEWSFLOW_TOPICS__APPLIED", str(tmp_path / "applied"))
    monkeypatch.setenv("NEWSFLOW_KAFKA__BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setattr("newsflow.cli.apply.PATIENCE_S", 0.1)


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


def test_a_failed_test_says_how_to_ask_why(rules: Path) -> None:
    rules.write_text(RULES.replace("the sea", "Veld and the 'sea'"), encoding="utf-8")
    line = told("test", rules, code=1)
    command = line.partition("ask why: ")[2]
    assert command.endswith(f"| newsflow topics explain - --rules {rules} --topic veld --language en")
    arguments = shlex.split(command.partition("| newsflow topics ")[2])
    text = shlex.split(command.partition(" | ")[0])[2]
    assert text == "Veld and the 'sea'"
    explained = CliRunner().invoke(app, arguments, input=text)
    assert explained.stdout.startswith("veld ")
    assert "the article is about it; score 3 of 3" in explained.stdout


def test_an_error_in_a_rule_is_told_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "r.yaml").write_text("id: r\nterms: {eng: [a]}\n", encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["newsflow", "topics", "test", str(tmp_path / "r.yaml")])
    with pytest.raises(SystemExit, match="3"):
        main()
    assert "newsflow: bad rule: " in capsys.readouterr().err


def test_lint(rules: Path) -> None:
    assert "few-examples: 1 examples that match and 1 that must not in en" in run("lint", rules)
    run("lint", rules, "--strict", code=1)


def test_lint_compares_with_the_rules_in_force(rules: Path, tmp_path: Path) -> None:
    (tmp_path / "configured.yaml").write_text("id: marn\nterms: {en: [Veld, 3]}\n", encoding="utf-8")
    told = run("lint", rules)
    assert f"{rules}:1: veld: shared-term: en: Veld is found by marn too" in told
    assert "marn:" not in told
    rules.write_text(RULES.replace("veld", "marn"), encoding="utf-8")
    assert "shared-term" not in run("lint", rules)


def test_explain_in_both_forms(rules: Path, tmp_path: Path) -> None:
    file = tmp_path / "article.json"
    file.write_bytes(encode_article(make_article("Veld opens", id="a1", url="https://invented.example/1")))
    assert "[Veld]" in run("explain", file, "--rules", rules)
    assert json.loads(run("explain", file, "--rules", rules, "--topic", "veld", "-o", "json"))["verdict"] == "topic"
    text = tmp_path / "plain.txt"
    text.write_text("The sea\n\nno land", encoding="utf-8")
    assert "3 short" in run("explain", text, "--rules", rules, "--topic", "veld", "--language", "en")


def test_explain_names_what_blocks(rules: Path, tmp_path: Path) -> None:
    rules.write_text("id: veld\nany: [strike]\nnone: [hunger strike, {any: [pearl, corn]}]\n", encoding="utf-8")
    text = tmp_path / "plain.txt"
    text.write_text("a hunger strike, corn", encoding="utf-8")
    told = run("explain", text, "--rules", rules, "--topic", "veld")
    assert "\n    blocked by: hunger strike, corn (none)\n" in told
    assert "fails: none" not in told
    assert "holds: hunger strike" not in told
    text.write_text("a strike", encoding="utf-8")
    told = run("explain", text, "--rules", rules, "--topic", "veld")
    assert "holds: none\n" in told
    assert "fails" not in told


def test_an_unknown_topic_is_a_usage_error(rules: Path, tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("x", encoding="utf-8")
    result = CliRunner().invoke(app, ["explain", str(tmp_path / "t.txt"), "--rules", str(rules), "--topic", "weld"])
    assert isinstance(result.exception, UsageError)
    assert "did you mean veld" in str(result.exception)


@pytest.mark.parametrize("command", ["test", "lint", "apply", "apply --replace"])
@pytest.mark.parametrize("text", ["", "# a remark\n", None])
def test_what_holds_no_rule_is_refused(command: str, text: str | None, rules: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.yaml"
    empty.mkdir() if text is None else empty.write_text(text, encoding="utf-8")
    result = CliRunner().invoke(app, [*command.split(), str(rules), str(empty)])
    assert isinstance(result.exception, ConfigError)
    accepted = "; accepted: files ending in .yaml, .yml, .jsonl" if text is None else ""
    assert str(result.exception) == f"{empty}: holds no rule{accepted}"
    assert not (tmp_path / "applied").exists()


def test_abstract_rules_are_rules_but_cannot_be_all(rules: Path, tmp_path: Path) -> None:
    abstract = tmp_path / "abstract.yaml"
    abstract.write_text("id: base\nabstract: true\nany: [x]\n", encoding="utf-8")
    run("test", rules, abstract)
    run("apply", abstract)
    result = CliRunner().invoke(app, ["apply", "--replace", str(abstract)])
    assert isinstance(result.exception, ConfigError)
    assert "every rule is abstract" in str(result.exception)


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


def told(*arguments: str | Path, code: int = 0) -> str:
    """What a command says to people, as one line."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, (result.output, result.exception)
    return " ".join(result.stderr.split())


def test_apply_says_what_comes_and_what_goes(rules: Path) -> None:
    said = told("apply", rules)
    assert "no rules are applied: jobs run the configured rules (topics.paths)" in said
    assert "they are copied: later changes of those files count once they are applied too" in said
    assert "added: veld " in said
    assert "removed" not in said
    assert "whether the broker has the feeds of these rules could not be looked at: no Kafka at 127.0.0.1:1" in said
    assert "no rule changes" in told("apply", rules)
    said = told("apply", "--replace", "--dry-run", rules)
    assert "removed: marn, pier " in said
    assert "this was a dry run" in said
    assert "replace" not in run("history")
    said = told("apply", "--replace", rules)
    assert "removed: marn, pier " in said
    assert "no rules are applied" not in said


def test_failing_examples_of_rules_that_stay_do_not_matter(rules: Path, tmp_path: Path) -> None:
    rules.write_text(RULES.replace("the sea", "Veld"), encoding="utf-8")
    assert "1 examples fail (newsflow topics test) nothing was applied; --force applies anyway" in told(
        "apply", rules, code=1
    )
    assert run("history") == ""
    run("apply", rules, "--force")
    (tmp_path / "more.yaml").write_text("id: oats\nany: [oats]\n", encoding="utf-8")
    run("apply", tmp_path / "more.yaml")


def test_a_shipped_rule_that_is_replaced_is_named_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    syria = shipped_rules_path() / "countries" / "syria.yaml"
    monkeypatch.setenv("NEWSFLOW_TOPICS__PATHS", f"[{syria}, {tmp_path}/configured.yaml]")
    (tmp_path / "own.yaml").write_text("id: syria\nany: [x]\n---\nid: pier\nany: [x]\n", encoding="utf-8")
    said = told("apply", tmp_path / "own.yaml")
    assert " replaced: pier replaced (shipped): syria " in said
    (tmp_path / "own.yaml").write_text("id: syria\nany: [z]\n---\nid: pier\nany: [x]\n", encoding="utf-8")
    assert "replaced: syria " in told("apply", tmp_path / "own.yaml")


def test_history_and_rollback(rules: Path, tmp_path: Path) -> None:
    assert "jobs run the configured rules (topics.paths)" in told("history")
    version = run("apply", rules).strip()
    (tmp_path / "more.yaml").write_text("id: oats\nany: [oats]\n---\nid: pier\nany: [jetty]\n", encoding="utf-8")
    run("apply", tmp_path / "more.yaml")
    assert run("rollback", "--dry-run").strip() == version
    assert run("rollback").strip() == version
    last, second, first = map(json.loads, run("history", "-o", "json").splitlines())
    assert (last["version"], last["action"], last["in_force"]) == (version, "rollback", True)
    assert (second["added"], second["replaced"]) == (["oats"], ["pier"])
    assert (last["removed"], last["replaced"]) == (["oats"], ["pier"])
    assert (first["version"], first["given"], first["in_force"]) == (version, [str(rules)], False)
    assert "@" in first["by"]
    lines = run("history").splitlines()
    assert lines[0].startswith(f"* {version}  20")
    assert lines[1:3] == ["    replaced: pier", "    removed: oats"]
    assert "removed: veld" in told("rollback", "configured")
    result = CliRunner().invoke(app, ["rollback", "ffff"])
    assert isinstance(result.exception, UsageError)


def test_apply_without_a_configuration_says_who_looks_there(
    rules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = f"without a configuration file (--config), only jobs started in {tmp_path} look there"
    assert said not in told("apply", rules)  # the folder is a whole path, by NEWSFLOW_TOPICS__APPLIED
    monkeypatch.delenv("NEWSFLOW_TOPICS__APPLIED")
    monkeypatch.chdir(tmp_path)
    assert f"applied under .newsflow/topics; `newsflow topics rollback` undoes it {said}" in told("apply", rules)
    assert said not in told("apply", rules, "--dry-run")
    (tmp_path / "newsflow.yaml").write_text("{}", encoding="utf-8")
    assert said not in told("apply", rules, "--config", tmp_path / "newsflow.yaml")
    monkeypatch.setenv("NEWSFLOW_CONFIG", str(tmp_path / "newsflow.yaml"))
    assert said not in told("apply", rules)


def test_a_copy_of_the_first_release_is_pointed_out(rules: Path, tmp_path: Path) -> None:
    (tmp_path / "applied" / "0123456789ab").mkdir(parents=True)
    (tmp_path / "applied" / "0123456789ab" / "r.yaml").write_text("id: oats\nany: [oats]\n", encoding="utf-8")
    pointer = '{"version": "0123456789ab", "paths": ["0123456789ab"]}'
    (tmp_path / "applied" / "applied.json").write_text(pointer, encoding="utf-8")
    assert "by newsflow 0.1, which kept no record" in run("history")
    said = told("apply", rules)
    assert "release 0.1 applied what is in force" in said
    assert "added: veld " in said
    assert "release 0.1" not in told("apply", rules)
    assert run("history").count("0123456789ab") == 1


def test_who_has_no_name_may_apply(rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_name() -> str:
        raise OSError("no name for this number")

    monkeypatch.setattr("getpass.getuser", no_name)
    run("apply", rules)
    assert json.loads(run("history", "-o", "json"))["by"].startswith("unknown@")


def test_feeds_that_nobody_gets_are_named(rules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "routes.yaml").write_text("version: 1\nroutes:\n  - {id: a, feeds: [marn]}\n", encoding="utf-8")
    monkeypatch.setenv("NEWSFLOW_ROUTES__PATHS", f"[{tmp_path}/routes.yaml]")
    assert "no route publishes what is about these new topics, so nobody gets their feeds: veld" in told("apply", rules)


def test_an_id_that_can_have_no_feed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "odd.yaml").write_text("id: a--b\nany: [x]\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["apply", str(tmp_path / "odd.yaml")])
    assert isinstance(result.exception, ConfigError)
    assert "'a--b' is not a topic id" in str(result.exception)


def test_feeds_cannot_be_made_without_a_broker(rules: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["apply", "--create-feeds", str(rules)])
    assert isinstance(result.exception, KafkaError)
    assert not (tmp_path / "applied").exists()


def test_diff_compares_with_what_apply_would_make(rules: Path, tmp_path: Path) -> None:
    articles = tmp_path / "articles.jsonl"
    titles = ("Veld opens", "Marn sails")
    articles.write_bytes(b"\n".join(encode_article(make_article(title, id=title)) for title in titles))
    (tmp_path / "quiet.yaml").write_text(RULES + "---\nid: pier\nany: [jetty]\n", encoding="utf-8")
    text = run("diff", "in-force", tmp_path / "quiet.yaml", "--on", articles)
    assert "veld (rule added): 0 → 1 articles" in text
    assert "rules changed, and none of these articles changes: pier\n" in text
    assert "marn" not in text
    assert "alert grade" not in text.partition("pier")[2]
    text = run("diff", "in-force", rules, "--replace", "--on", articles)
    assert "marn (rule removed): 1 → 0 articles" in text
    assert "rules removed, and none of these articles changes: pier\n" in text


@pytest.mark.parametrize(("text", "hours"), [("0s", 0), ("90s", 0.025), ("90m", 1.5), ("36h", 36), ("7d", 168)])
def test_duration(text: str, hours: float) -> None:
    assert duration(text).total_seconds() == hours * 3600


def test_a_wrong_duration() -> None:
    with pytest.raises(UsageError, match="as 36h or 7d"):
        duration("week")
