"""All commands are alike: what prints takes -o, what reads a file takes -, one option has one meaning."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import typer
from rich.cells import cell_len
from typer.testing import CliRunner

from newsflow.cli.app import app
from newsflow.model.claim import Blob, encode_claim
from newsflow.model.codec import encode_article
from newsflow.testing import raw_event
from tests.routing.routing_helpers import article, topic
from tests.rule_helpers import AS_LIST

TWO_MEANINGS = {
    "--topic": {"publish"},  # a Kafka topic there, a tagging topic elsewhere
    "--rules": {"kafka apply"},  # beside the rules in force there, instead of them elsewhere
    "-n": {"tail"},  # --lines, as of tail(1); --limit elsewhere
}
"""Options of 0.1.0 that scripts use, with the commands where they mean something else."""
ALIKE = ("config", "bootstrap_servers", "ledger", "output", "verbose", "quiet")


def commands() -> dict[str, Any]:
    """Every command by its words."""
    return dict(_walk(typer.main.get_command(app), ()))


def _walk(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        yield " ".join(words), command
        return
    for name, inner in command.commands.items():
        yield from _walk(inner, (*words, name))


def options(name: str) -> dict[str, tuple[Any, ...]]:
    """The options of a command by each of their names."""
    found = [each for each in COMMANDS[name].params if each.param_type_name == "option"]
    return {word: (tuple(each.opts), each.help, each.metavar) for each in found for word in each.opts}


COMMANDS = commands()


def test_the_tree_is_all_there() -> None:
    assert {"run", "tail", "kafka topics", "topics explain", "schemas print"} < set(COMMANDS)
    assert len(COMMANDS) > 40


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_prints_as_json_too(name: str) -> None:
    assert {"--output-format", "-o"} <= set(options(name)), "a command that prints lacks -o"


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_what_reads_a_ledger_or_asks_a_broker_takes_a_configuration(name: str) -> None:
    found = options(name)
    if {"--ledger", "--bootstrap-servers"} & set(found):
        assert {"--config", "-c"} <= set(found)
    assert not {"--ledger-url", "--broker-url", "--bootstrap", "--format-output", "--json"} & set(found)


def test_an_option_means_the_same_wherever_it_is() -> None:
    seen: dict[str, tuple[str, tuple[Any, ...]]] = {}
    for name in sorted(COMMANDS):
        for word, meaning in options(name).items():
            if name not in TWO_MEANINGS.get(word, ()):
                first, told = seen.setdefault(word, (name, meaning))
                assert meaning == told, f"{word} of `{name}` is not that of `{first}`"
    for word, where in TWO_MEANINGS.items():
        for name in where:
            assert options(name)[word] != seen[word][1], f"{word} of `{name}` is no exception any more"


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_parameter_says_what_it_is(name: str) -> None:
    for each in COMMANDS[name].params:
        if each.name != "help":
            assert each.help, f"{each.name} of `{name}`"
            assert each.help[-1] in ".…", f"{each.name} of `{name}`: {each.help}"


# What reads a file takes `-`.

RAW = orjson.dumps(raw_event(title="Veld opens its harbour"))
ARTICLE = encode_article(article(topic("syria")))
PAGE = (
    "<html><head><title>Harbour wall</title></head><body><article><h1>Harbour wall</h1>"
    + "<p>The harbour council of Merrow met on Tuesday and agreed to repair the old sea wall before winter.</p>" * 3
    + "</article></body></html>"
)
READERS: dict[str, tuple[list[str], bytes]] = {
    "publish": (["-", "--check"], RAW),
    "normalise": (["-"], PAGE.encode()),
    "sources learn": (["-"], RAW),
    "feeds import": (["-"], b'<opml><body><outline xmlUrl="https://post.example/feed"/></body></opml>'),
    "routes test": (["-"], ARTICLE),
    "topics explain": (["-", "--topic", "syria"], ARTICLE),
    "topics diff": (["shipped", "shipped", "--on", "-"], ARTICLE),
    "dedup explain": (["-", "{other}"], ARTICLE),
    "story explain": (["-", "{other}"], ARTICLE),
    "run": (["ingest", "--input", "-", "--output", "{out}"], RAW),
    "replay": (["trial", "--input", "-", "--ledger", "sqlite:///{out}.sqlite3"], RAW),
}


def test_every_command_that_reads_a_file_is_tried() -> None:
    reading = {
        name
        for name, command in COMMANDS.items()
        for each in command.params
        if each.metavar == "FILE" or "standard input" in (each.help or "")
    }
    assert reading == set(READERS)


@pytest.fixture
def few_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSFLOW_TOPICS__PATHS", AS_LIST)


@pytest.mark.parametrize("name", sorted(READERS))
@pytest.mark.usefixtures("few_rules")
def test_standard_input_is_read(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("newsflow.cli.topics.load_named", lambda *_: _few())
    (tmp_path / "other.json").write_bytes(ARTICLE)
    words, given = READERS[name]
    arguments = [word.format(other=tmp_path / "other.json", out=tmp_path / "out") for word in words]
    result = CliRunner().invoke(app, [*name.split(), *arguments, "-o", "json"], input=given + b"\n")
    assert result.exit_code == 0, (result.output, result.exception)
    assert name == "publish" or all(isinstance(json.loads(line), dict) for line in result.stdout.splitlines())


def _few() -> Any:
    from newsflow.tagging import load_rules
    from tests.rule_helpers import FEW_RULES

    return load_rules(FEW_RULES[:1])


# What `tail -o json` prints, and lines, and pages, are read by all that look at an article.


def tailed(value: bytes) -> bytes:
    """A record as `newsflow tail -o json` prints it."""
    from newsflow.cli.tail import as_object
    from newsflow.model import Event

    return orjson.dumps(as_object(Event("news.article.v1", 0, 7, 1, b"k", value, (("ce_id", b"x"),))))


@pytest.mark.parametrize("name", ["normalise", "routes test", "topics explain"])
@pytest.mark.usefixtures("few_rules")
def test_tailed_records_lines_and_pages_are_read(name: str, tmp_path: Path) -> None:
    options = ["--topic", "syria"] if name == "topics explain" else []
    lines = [RAW, tailed(RAW)] if name == "normalise" else [RAW, tailed(RAW), ARTICLE, tailed(ARTICLE)]
    for content, count in ((b"\n\n".join(lines), len(lines)), (PAGE.encode(), 1), (_spread(RAW), 1)):
        (tmp_path / "f").write_bytes(content)
        result = CliRunner().invoke(app, [*name.split(), str(tmp_path / "f"), *options, "-o", "json"])
        assert result.exit_code == 0, (result.output, result.exception)
        assert len(result.stdout.splitlines()) == count


def _spread(value: bytes) -> bytes:
    return orjson.dumps(orjson.loads(value), option=orjson.OPT_INDENT_2)


@pytest.mark.usefixtures("few_rules")
def test_a_tailed_value_that_is_no_json_is_said(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(tailed(b"\xff") + b"\n" + tailed(ARTICLE))
    result = CliRunner().invoke(app, ["routes", "test", str(tmp_path / "f"), "-o", "json"])
    assert result.exit_code == 1
    assert "f:1: " in result.stderr
    assert len(result.stdout.splitlines()) == 1


@pytest.mark.usefixtures("few_rules")
def test_configured_profiles_are_used(tmp_path: Path) -> None:
    (tmp_path / "profiles.yaml").write_text("id: merrow-post\nzone: Asia/Dubai\n")
    (tmp_path / "n.yaml").write_text("sources: {paths: [profiles.yaml]}\n")
    text = "Harbour wall\n\n15 December 2024, 5:21 pm\n\n" + "The harbour council met and agreed on a wall. " * 4
    found = CliRunner().invoke(
        app,
        ["normalise", "-", "--source", "merrow-post", "-c", str(tmp_path / "n.yaml"), "-o", "json"],
        input=text,
    )
    assert json.loads(found.stdout)["article"]["published"]["at"] == "2024-12-15T13:21:00+00:00"
    listed = CliRunner().invoke(app, ["sources", "check", "-c", str(tmp_path / "n.yaml"), "-o", "json"])
    assert json.loads(listed.stdout)["zone"] == "Asia/Dubai"


def test_check_says_what_a_line_would_be_dead_lettered_for(tmp_path: Path) -> None:
    (tmp_path / "f.jsonl").write_bytes(b"\n".join((RAW, b"{", b'{"source": "a"}')))
    result = CliRunner().invoke(app, ["publish", "--check", str(tmp_path / "f.jsonl"), "-o", "json"])
    assert result.exit_code == 1
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(each["line"], each["reason"]) for each in found] == [(2, "malformed-json"), (3, "schema-violation")]
    assert "3 events, 2 of them not valid; nothing was published" in result.stderr


def test_check_says_all_that_a_record_alone_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blob = Blob.of(RAW)
    lines = [
        raw_event(url="file:///x"),
        raw_event(content_type="application/pdf"),
        raw_event(source="stranger"),
        raw_event(url="ftp://a.example/", action="withdraw"),
        raw_event(source="stranger", url="http://", guid="7"),
    ]
    claim = encode_claim(blob, blob.digest)
    (tmp_path / "f.jsonl").write_bytes(b"\n".join((RAW, claim, *map(orjson.dumps, lines))))
    (tmp_path / "sources.yaml").write_text(f"id: {json.loads(RAW)['source']}\n")

    def check() -> list[tuple[int, str]]:
        result = CliRunner().invoke(app, ["publish", "--check", str(tmp_path / "f.jsonl"), "-o", "json"])
        return [(each["line"], each["reason"]) for each in map(json.loads, result.stdout.splitlines())]

    assert check() == [(3, "bad-url"), (4, "unsupported-content-type"), (6, "bad-url"), (7, "bad-url")]
    monkeypatch.setenv("NEWSFLOW_SOURCES__PATHS", f"[{tmp_path / 'sources.yaml'}]")
    monkeypatch.setenv("NEWSFLOW_SOURCES__CLOSED", "true")
    assert check()[2:] == [(5, "unknown-source"), (6, "bad-url"), (7, "unknown-source")]


@pytest.mark.usefixtures("few_rules")
def test_what_normalise_printed_is_read_and_tagged() -> None:
    page = PAGE.replace("harbour council of Merrow", "parliament of Syria").encode()
    told = ["normalise", "-", "--source", "merrow-post", "-o", "json"]
    article = CliRunner().invoke(app, told, input=page).stdout
    for text in (article, json.dumps(json.loads(article), indent=2)):
        explained = CliRunner().invoke(app, ["topics", "explain", "-", "--topic", "syria"], input=text)
        assert explained.exit_code == 0, explained.output
        assert "[Syria]" in explained.stdout
    routed = json.loads(CliRunner().invoke(app, ["routes", "test", "-", "-o", "json"], input=article).stdout)
    assert (routed["source"], routed["feeds"]) == ("merrow-post", ["syria"])
    refused = CliRunner().invoke(app, told, input=b"<html><body></body></html>").stdout
    assert "rejected" in json.loads(refused)
    assert CliRunner().invoke(app, ["routes", "test", "-"], input=refused).exit_code == 1


def test_schemas_are_printed() -> None:
    names = CliRunner().invoke(app, ["schemas", "print"]).stdout.split()
    assert "article" in names
    for name in names:
        shown = CliRunner().invoke(app, ["schemas", "print", name]).stdout
        assert json.loads(shown)["$id"] == f"urn:newsflow:schema:{name}:v1"
    wrong = CliRunner().invoke(app, ["schemas", "print", "artcle"])
    assert "did you mean 'article'?" in str(wrong.exception)


def test_the_version_is_an_option_too() -> None:
    from newsflow import __version__

    assert CliRunner().invoke(app, ["--version"]).stdout == f"newsflow {__version__}\n"


def test_the_shell_completes() -> None:
    environ = {"_NEWSFLOW_COMPLETE": "complete_bash", "COMP_WORDS": "newsflow kafka to", "COMP_CWORD": "2"}
    result = CliRunner().invoke(app, [], env=environ, prog_name="newsflow")
    assert result.stdout.split() == ["topics"]


# What is said of the configuration is what jobs run with.


def test_the_shipped_configuration_alerts_nobody_and_is_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from newsflow.cli.doctor import examine
    from newsflow.cli.finding import DoctorBounds
    from newsflow.config.load import load_config
    from newsflow.ledger import open_ledger

    monkeypatch.chdir(tmp_path)
    (tmp_path / ".newsflow").mkdir()
    config = load_config(environ={}).config
    open_ledger(config.ledger.url).close()
    monkeypatch.setattr("newsflow.cli.doctor._kafka", lambda *_: iter(()))
    found = {each.part: each.state for each in examine(config, DoctorBounds(), _now())}
    assert set(found.values()) == {"ok"}, found
    assert {"configuration", "ledger"} <= set(found)


def _now() -> Any:
    from datetime import UTC, datetime

    return datetime.now(UTC)


@pytest.mark.usefixtures("few_rules")
def test_config_check_tells_which_rules_count_and_all_that_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    checked = CliRunner().invoke(app, ["config", "check", "-o", "json"])
    assert any(line.startswith("topics: 8, ") and "configured" in line for line in json.loads(checked.stdout)["found"])
    (tmp_path / "n.yaml").write_text(
        "sources: {paths: [s.yaml]}\nroutes: {paths: [r.yaml]}\nledger: {url: 'sqlite:///x'}\nstores: {a: 'sqlite:///x'}\n"
    )
    (tmp_path / "s.yaml").write_text("id: a\nzones: x\n")
    (tmp_path / "r.yaml").write_text("version: 1\nroutes:\n  - id: a\n    fedes: topics\n")
    said = str(CliRunner().invoke(app, ["config", "check", "-c", str(tmp_path / "n.yaml")]).exception)
    assert said.startswith("3 errors")
    for words in (
        "s.yaml:2: unknown 'zones'; did you mean 'zone'?",
        "r.yaml:4: routes[0]: unknown 'fedes'",
        "stores.a",
    ):
        assert words in said


# The local broker is found where it is.


def test_commands_find_the_broker_of_dev_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from newsflow.config.load import load_config
    from newsflow.tools.broker import DEFAULT_DIRECTORY

    monkeypatch.chdir(tmp_path)
    assert load_config(environ={}).config.kafka.bootstrap_servers == "127.0.0.1:19092"
    DEFAULT_DIRECTORY.mkdir(parents=True)
    (DEFAULT_DIRECTORY / "broker.json").write_text('{"pid": 1, "port": 23456}')
    assert load_config(environ={}).config.kafka.bootstrap_servers == "127.0.0.1:23456"
    shown = CliRunner().invoke(app, ["config", "show", "--origin"]).stdout
    assert "kafka.bootstrap_servers = 127.0.0.1:23456    # .newsflow/kafka/broker.json" in shown
    named = {"NEWSFLOW_KAFKA__BOOTSTRAP_SERVERS": "k.example:9092"}
    assert load_config(environ=named).config.kafka.bootstrap_servers == "k.example:9092"
    for broken in ("", "[]", '{"port": "x"}', '{"port": true}'):
        (DEFAULT_DIRECTORY / "broker.json").write_text(broken)
        assert load_config(environ={}).config.kafka.bootstrap_servers == "127.0.0.1:19092"


def test_another_port_is_taken_where_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from newsflow.processes import free_port, port_is_free
    from newsflow.tools import broker

    usual = free_port()
    monkeypatch.setattr(broker, "DEFAULT_PORT", usual)
    assert broker.broker_in(tmp_path).port == usual
    with socket.create_server(("127.0.0.1", usual)):
        other = broker.broker_in(tmp_path).port
        assert other != usual
        assert port_is_free(other)
        assert broker.broker_in(tmp_path, usual).port == usual, "what is named is not changed"


# What is shown fits.


def test_a_line_of_tail_fits_the_terminal() -> None:
    from newsflow.cli.output import FIRST_STRONG_ISOLATE, POP_ISOLATE, cut_to_columns

    line = f"2025  {FIRST_STRONG_ISOLATE}{'漢' * 50}{POP_ISOLATE}  end"
    cut = cut_to_columns(line, 40)
    assert cell_len(cut) in (39, 40)
    assert cut.count(FIRST_STRONG_ISOLATE) == cut.count(POP_ISOLATE) == 1
    assert cut_to_columns(line, 200) == line


def test_a_pipe_gets_the_whole_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from newsflow.cli.tail import fitted

    assert fitted("x" * 1000) == "x" * 1000
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "72")
    assert fitted("x" * 1000) == "x" * 71 + "…"
