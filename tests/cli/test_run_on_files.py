"""`newsflow run ingest --input … --output …`: the whole job without a broker, as a command."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from newsflow.tagging import shipped_rules_path
from newsflow.tools.sample.build import routes_path, sample_events, sources_path, write_sample
from tests.rule_helpers import AS_LIST

pytestmark = pytest.mark.pipeline


def newsflow(*arguments: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "newsflow", *arguments]
    env = {**os.environ, "NEWSFLOW_TOPICS__PATHS": AS_LIST, **environ}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*.jsonl")}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the sample was run once."""
    folder = tmp_path_factory.mktemp("files")
    write_sample(folder / "sample.jsonl.gz")
    done = run_sample(folder)
    assert done.returncode == 0, done.stderr
    (folder / "said.json").write_text(done.stdout, encoding="utf-8")
    return folder


def run_sample(folder: Path) -> subprocess.CompletedProcess[str]:
    arguments = ("run", "ingest", "--input", "sample.jsonl.gz", "--output", "out", "-o", "json")
    return newsflow(
        *arguments,
        folder=folder,
        NEWSFLOW_SOURCES__PATHS=f"[{sources_path()}]",
        NEWSFLOW_TOPICS__PATHS=f"[{shipped_rules_path()}]",
        NEWSFLOW_ROUTES__PATHS=f"[{routes_path()}]",
    )


def test_outcomes_sum_to_the_lines(ran: Path) -> None:
    said = orjson.loads((ran / "said.json").read_bytes())
    assert said["events"] == sum(said["outcomes"].values()) == len(list(sample_events()))
    assert sum(said["reasons"].values()) == said["outcomes"]["dead-lettered"]
    files = contents(ran / "out")
    lines = {name: content.count(b"\n") for name, content in files.items()}
    published = sum(said["outcomes"][name] for name in ("added", "replaced", "withdrawn"))
    assert lines["articles.jsonl"] == published
    assert lines["duplicates.jsonl"] == said["outcomes"]["duplicate"]
    assert lines["dead-letters.jsonl"] == said["outcomes"]["dead-lettered"]
    assert lines["alerts.jsonl"] > 0
    assert {"topics/syria.jsonl", "topics/russia.jsonl"} <= set(files)


def test_dead_letters_hold_the_original_bytes(ran: Path) -> None:
    import base64

    lines = gzip.decompress((ran / "sample.jsonl.gz").read_bytes()).split(b"\n")
    letters = [orjson.loads(line) for line in (ran / "out" / "dead-letters.jsonl").read_bytes().splitlines()]
    for letter in letters:
        assert base64.b64decode(letter["value_base64"]) == lines[letter["origin"]["offset"]]
        assert letter["reason"]
        assert letter["message"]


def test_run_again_the_files_are_the_same(ran: Path) -> None:
    before = contents(ran / "out")
    done = run_sample(ran)
    assert done.returncode == 0, done.stderr
    assert contents(ran / "out") == before


def test_a_damaged_input_leaves_the_earlier_output(ran: Path) -> None:
    before = contents(ran / "out")
    whole = (ran / "sample.jsonl.gz").read_bytes()
    (ran / "sample.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    try:
        done = run_sample(ran)
    finally:
        (ran / "sample.jsonl.gz").write_bytes(whole)
    assert done.returncode != 0
    assert "cannot be read to its end" in done.stderr
    assert "Traceback" not in done.stderr
    assert contents(ran / "out") == before


def test_a_refused_run_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(b"{}\n")
    (tmp_path / "rule.yaml").write_text("id: 1\n")
    there = sorted(tmp_path.iterdir())
    arguments = ("run", "ingest", "--input", "in.jsonl", "--output", "new/out")
    done = newsflow(*arguments, folder=tmp_path, NEWSFLOW_TOPICS__PATHS="[rule.yaml]")
    assert done.returncode == 3, done.stderr
    assert sorted(tmp_path.iterdir()) == there
    done = newsflow("run", "trends", *arguments[2:], folder=tmp_path)
    assert "the job trends reads Kafka" in done.stderr
    assert sorted(tmp_path.iterdir()) == there


def test_dead_letters_are_read_again_as_they_were(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(b'{ "cut\ncaf\xe9\n')
    for file, folder in (("in.jsonl", "out"), ("out/dead-letters.jsonl", "out-again")):
        done = newsflow("run", "ingest", "--input", file, "--output", folder, folder=tmp_path)
        assert done.returncode == 0, done.stderr
    first, again = (
        [orjson.loads(line) for line in (tmp_path / folder / "dead-letters.jsonl").read_bytes().splitlines()]
        for folder in ("out", "out-again")
    )
    assert [letter["value_base64"] for letter in again] == [letter["value_base64"] for letter in first]
    assert [letter["reason"] for letter in again] == [letter["reason"] for letter in first]


def test_lines_that_are_no_json_are_dead_letters(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(b"no json\n\n\xff\xfe\n[]\n{}\n" + b"9" * 10_000 + b"\n")
    done = newsflow("run", "ingest", "--input", "in.jsonl", "--output", "out", "-o", "json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    said = orjson.loads(done.stdout)
    assert said["outcomes"]["dead-lettered"] == said["events"] == 5
    assert sum(said["reasons"].values()) == 5


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--input", "in.jsonl"), 2, "--input and --output go together"),
        (("--input", "none.jsonl", "--output", "out"), 2, "none.jsonl is not a file"),
        (("--input", "in.jsonl", "--output", "out", "--follow"), 2, "ends by itself"),
        ((), 2, "say when to stop"),
        (("--until-caught-up", "--follow"), 2, "accepted is one of them"),
        (("--until-caught-up", "--partitions", "a"), 2, "numbers with commas"),
        (("--follow", "--", "--runner=DirectRunner"), 2, "silently becomes one of three"),
        (("--until-caught-up", "-c", "bad.yaml"), 3, "bad.yaml:1: limits.attempts"),
    ],
)
def test_wrong_calls_say_what_is_accepted(tmp_path: Path, arguments: tuple[str, ...], code: int, said: str) -> None:
    (tmp_path / "in.jsonl").write_bytes(b"{}\n")
    (tmp_path / "bad.yaml").write_text("limits: {attempts: many}\n", encoding="utf-8")
    done = newsflow("run", "ingest", *arguments, folder=tmp_path)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr


def test_a_configured_ledger_is_left_alone_and_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(b"{}\n")
    (tmp_path / "n.yaml").write_text("ledger: {url: 'sqlite:///kept.sqlite3'}\n", encoding="utf-8")
    done = newsflow("run", "ingest", "--input", "in.jsonl", "--output", "out", "-c", "n.yaml", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stderr.split())
    assert "own ledger (out/ledger.sqlite3); that of n.yaml is left alone: --ledger URL uses another" in said
    assert not (tmp_path / "kept.sqlite3").exists()
    done = newsflow(
        *("run", "ingest", "--input", "in.jsonl", "--output", "out2", "-c", "n.yaml"),
        *("--ledger", "sqlite:///kept.sqlite3"),
        folder=tmp_path,
    )
    assert (done.returncode, "left alone" in done.stderr) == (0, False)
    assert (tmp_path / "kept.sqlite3").exists()
    assert not (tmp_path / "out2" / "ledger.sqlite3").exists()


def test_an_unknown_job_names_those_there_are(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(b"{}\n")
    done = newsflow("run", "nothing", "--input", "in.jsonl", "--output", "out", folder=tmp_path)
    assert done.returncode == 2
    assert "ingest" in done.stderr


def test_help_imports_neither_beam_nor_kafka(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom newsflow.cli.app import app\n"
        "heavy = {'apache_beam', 'kafka', 'lxml', 'dateparser', 'jsonschema'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert newsflow("--help", folder=tmp_path).returncode == 0
