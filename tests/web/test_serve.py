"""`newsflow serve` as an operator starts it, on a ledger alone: a copy is made of it, and follows it."""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from newsflow.cli.app import app
from newsflow.errors import ConfigError
from newsflow.ledger import open_ledger
from newsflow.stores.sqlite import SqliteStore
from newsflow.web.copying import LedgerCopy
from tests.ledger.ledger_helpers import Wire
from tests.ledger.test_stories import ferry, run
from tests.web.world import Client


def test_other_addresses_are_refused_before_anything_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"0\.0\.0\.0 can be reached from other machines"):
        CliRunner().invoke(app, ["serve", "--listen", "0.0.0.0:8080"], catch_exceptions=False)
    assert list(tmp_path.iterdir()) == []


def test_the_command_on_a_ledger_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.sqlite3"
    with closing(open_ledger(url)) as ledger:
        [article] = run(ledger, [ferry(Wire(), 1)])
    words = [sys.executable, "-m", "newsflow", "serve", "--listen", "127.0.0.1:0", "--ledger", url]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            said = process.stderr.readline()
            address = re.search(r"http://127\.0\.0\.1:\d+", said)
            assert address, said + process.stderr.read()
            client = Client(address[0], None)
            assert [each["id"] for each in client.json("/v1/articles")["items"]] == [article.id]
            assert orjson.loads(client.get("/openapi.json").data)["openapi"] == "3.1.0"
            assert orjson.loads(client.get("/asyncapi.json").data)["asyncapi"] == "3.1.0"
        finally:
            process.terminate()
        assert process.communicate(timeout=30) == ("", ""), "requests are not told of"
        assert process.returncode in (0, 128 + 15, -15)
    assert (tmp_path / ".newsflow/serve.sqlite3").exists()


def test_the_copy_follows_the_ledger_and_forgets_with_it(tmp_path: Path) -> None:
    url, copy = f"sqlite:///{tmp_path}/ledger.sqlite3", f"sqlite:///{tmp_path}/copy.sqlite3"
    wire = Wire()
    seen = SqliteStore(tmp_path / "copy.sqlite3")
    with closing(open_ledger(url)) as ledger, seen:
        first = [each.id for each in run(ledger, [ferry(wire, 1), ferry(wire, 2)])]
        with LedgerCopy(url, copy) as following:
            assert seen.ids() == sorted(first)
            [more] = [each.id for each in run(ledger, [ferry(wire, 3)])]
            following.catch_up()
            following.catch_up()
            assert seen.ids() == sorted([*first, more])
            ledger.transact(lambda db: db.execute("DELETE FROM emission WHERE article_id = ?", [more]))
            following.forget()
            assert seen.ids() == sorted(first)
        with LedgerCopy(url, copy):
            assert seen.ids() == sorted(first), "made again from what is there"
