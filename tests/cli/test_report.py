"""`newsflow demo` and its report: complete, within the width of the terminal, right-to-left text kept to itself."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console
from typer.testing import CliRunner

from newsflow.cli.app import app
from newsflow.cli.options import settings
from newsflow.cli.output import FIRST_STRONG_ISOLATE, POP_ISOLATE
from newsflow.cli.report import Results, fit, report, results_of
from newsflow.errors import UsageError
from newsflow.tools.broker import LocalBroker
from tests.web.world import Client

HEADINGS = (
    "66 raw events, each with exactly one outcome",
    "Records by topic",
    "Feeds of single subscribers",
    "One article, and why it is tagged as it is",
    "dead letters",
    "Where everything lies",
    "What to try next",
    "Look at it in a browser",
)


def test_a_demo_leaves_a_ledger_that_is_in_use_alone(tmp_path: Path) -> None:
    ledger = tmp_path / "demo" / "ledger.sqlite3"
    ledger.parent.mkdir()
    ledger.write_text("in use")
    with ledger.open() as handle, subprocess.Popen(["/bin/sleep", "60"], stdin=handle) as user:
        result = CliRunner().invoke(app, ["demo", "--files", "--directory", str(ledger.parent)])
        user.kill()
    assert isinstance(result.exception, UsageError)
    assert f"is in use: stop process {user.pid} (/bin/sleep 60) first" in str(result.exception)
    assert ledger.read_text() == "in use"


def demo(folder: Path, *arguments: str, environ: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "newsflow", "demo", "--directory", "demo", *arguments],
        cwd=folder, env={**os.environ, "PYTHONWARNINGS": "ignore", **(environ or {})}, capture_output=True, text=True,
        timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (folder / "told").write_text(done.stderr, encoding="utf-8")
    return done.stdout


def check_lines(text: str, width: int) -> None:
    for line in text.splitlines():
        assert cell_len(line) <= width or "/" in line, line  # a path is not cut
        assert line.count(FIRST_STRONG_ISOLATE) == line.count(POP_ISOLATE), line


@pytest.fixture(scope="module")
def on_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("demo")
    return folder, demo(folder, "--files", environ={"COLUMNS": "80"})


@pytest.mark.pipeline
def test_without_kafka_the_same_job_runs_on_files(on_files: tuple[Path, str]) -> None:
    folder, text = on_files
    assert [heading for heading in HEADINGS if heading not in text] == []
    assert "2 raw events published from 3 answers" in folder.joinpath("told").read_text()
    lines = (folder / "demo" / "output" / "subscribers" / "lebanon-desk.jsonl").read_text(encoding="utf-8").splitlines()
    [polled] = [line for line in lines if '"source":"tide-gazette"' in line]
    assert "reopened the fish market beside the harbour of Tripoli" in polled
    check_lines(text, 80)


@pytest.mark.pipeline
@pytest.mark.parametrize("width", [80, 100, 120, 200])
@pytest.mark.parametrize("terminal", [True, False])
def test_the_report_fits_its_terminal(on_files: tuple[Path, str], width: int, terminal: bool) -> None:
    folder = on_files[0] / "demo"
    results = results_of(
        folder / "newsflow.yaml", settings(folder / "newsflow.yaml").config, [], output=folder / "output"
    )
    out = io.StringIO()
    report(results, Console(file=out, width=width, force_terminal=terminal, color_system=None, soft_wrap=True))
    check_lines(out.getvalue(), min(width, 120))


def test_foreign_text_is_cut_by_columns() -> None:
    assert fit("北京港口重新开放", 9) == "北京港口…"
    assert fit("ميناء", 5) == "ميناء"
    assert fit("a\nb\x1b[31m", 40) == "a b\ufffd[31m"
    assert fit("", 3) == ""


@pytest.mark.pipeline
def test_the_page_is_kept_up_until_it_is_ended(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "newsflow", "demo", "--files", "--serve", "--directory", "demo"]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            said = next(line for line in process.stderr if "serving on" in line)
            client = Client(re.findall(r"http://127\.0\.0\.1:\d+", said)[0], None)
            assert "Lebanon opens Tripoli" in client.get("/search?q=Tripoli").data.decode()
            assert "malformed-json" in client.get("/dead-letters").data.decode()
        finally:
            process.terminate()
    assert process.returncode in (0, 128 + 15, -15)


@pytest.mark.slow
@pytest.mark.e2e
@pytest.mark.parametrize("times", [1, pytest.param(2, marks=pytest.mark.faults)])
def test_on_kafka_once_and_twice_in_a_row(times: int, own_broker: LocalBroker, tmp_path: Path) -> None:
    port = own_broker.status().bootstrap_servers.rpartition(":")[2]
    arguments = ("--broker", str(own_broker.directory), "--port", port)
    texts = [demo(tmp_path, *arguments, environ={"COLUMNS": "120"}) for _ in range(times)]
    for text in texts:
        assert [heading for heading in HEADINGS if heading not in text] == []
        assert "alerts received by a webhook on this machine, signature checked" in text
        assert "46 articles, 50 versions" in text
        assert "Lebanon opens Tripoli's rebuilt fish market" in text, "from a feed to an alert"
        assert f"newsflow dev down --directory {own_broker.directory} " in " ".join(text.split())
        check_lines(text, 120)
    counts = [[line for line in text.splitlines() if "SQLite" in line or "alerts received" in line] for text in texts]
    assert counts == counts[:1] * times


def test_results_know_no_store_on_files(on_files: tuple[Path, str]) -> None:
    folder = on_files[0] / "demo"
    config = settings(folder / "newsflow.yaml").config
    results: Results = results_of(folder / "newsflow.yaml", config, [], output=folder / "output")
    assert (results.stores, results.feeds["subscriber.lebanon-desk"]) == ([], 9)
