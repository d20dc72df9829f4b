"""`newsflow archive`: what is kept is listed, fetched and sent again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner, Result

from newsflow.archive.archive import Archive
from newsflow.blobs import BlobStore
from newsflow.cli.app import app
from newsflow.errors import UsageError
from newsflow.ledger import open_ledger
from newsflow.sources.items import raw_event
from newsflow.testing import Clock

DAY = datetime(2025, 11, 29, 12, tzinfo=UTC)


def event(number: int) -> bytes:
    hints = {"source": "post" if number < 3 else "wire", "url": f"https://post.example/n/{number}"}
    text = {"content": f"<p>\x1b[31m{number}</p>", "content_is": "page", "content_type": "text/html"}
    return raw_event(hints, text, DAY)[1]


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A configuration whose archive has four events, two of each of two days."""
    ledger, blobs = f"sqlite:///{tmp_path}/ledger.sqlite3", f"folder:///{tmp_path}/blobs"
    clock = Clock(DAY)
    opened = open_ledger(ledger, clock=clock)
    archive = Archive(lambda: BlobStore(blobs), opened)
    archive.keep([event(1), event(2)])
    clock.move(days=1)
    archive.keep([event(3), event(4)])
    opened.close()
    config = tmp_path / "newsflow.yaml"
    config.write_bytes(orjson.dumps({"ledger": {"url": ledger}, "blobs": {"url": blobs}}))
    return config


def run(kept: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["archive", *arguments, "-c", str(kept)])


def test_list(kept: Path) -> None:
    rows = [orjson.loads(line) for line in run(kept, "list", "-o", "json").stdout.splitlines()]
    assert [row["kept_at"][:10] for row in rows] == ["2025-11-29"] * 2 + ["2025-11-30"] * 2
    assert {row["address"] for row in rows} == {f"https://post.example/n/{number}" for number in range(1, 5)}
    assert (kept.parent / "blobs" / rows[0]["file"]).exists()
    assert len(run(kept, "list", "--source", "wire").stdout.splitlines()) == 2
    assert len(run(kept, "list", "--day", "2025-11-29").stdout.splitlines()) == 2
    one = run(kept, "list", "https://post.example/n/4/", rows[0]["digest"][:8], "--limit", "1")
    assert len(one.stdout.splitlines()) == 1
    assert "there are more than 1" in one.stderr
    assert "nothing of it" in run(kept, "list", "https://post.example/n/9").stderr
    for wrong in (["abc"], ["--day", "yesterday"], ["--day", "2025-11-29", "--since", "1d"]):
        assert isinstance(run(kept, "list", *wrong).exception, UsageError)


def test_get(kept: Path) -> None:
    asked = "https://post.example/n/2"
    assert run(kept, "get", asked, "-o", "json").stdout.encode() == event(2).replace(b"\x1b", b"\\u001b") + b"\n"
    assert "\x1b" not in run(kept, "get", asked).stdout, "what came in does not command the terminal"
    assert isinstance(run(kept, "get", "https://post.example/n/9").exception, UsageError)


def test_replay_gives_the_same_bytes_in_order_and_tells_what_is_lost(kept: Path, tmp_path: Path) -> None:
    out = tmp_path / "raw.jsonl"
    assert isinstance(run(kept, "replay").exception, UsageError)
    assert "2 raw events would be" in run(kept, "replay", "--source", "wire", "--dry-run").stderr
    assert run(kept, "replay", "--everything", "--out", str(out)).exit_code == 0
    lines = out.read_bytes().splitlines()
    assert {*lines[:2]} == {event(1), event(2)}
    assert {*lines[2:]} == {event(3), event(4)}
    [lost] = (tmp_path / "blobs" / "archive" / "2025-11-29").iterdir()
    lost.unlink()
    done = run(kept, "replay", "--everything", "--out", str(tmp_path / "again.jsonl"))
    assert (done.exit_code, len((tmp_path / "again.jsonl").read_bytes().splitlines())) == (1, 2)
    assert "2 could not be read" in done.stderr


def test_pruning_is_that_of_the_ledger(kept: Path) -> None:
    """Between the two days lies what is too old."""
    retention_d = (datetime.now(UTC) - DAY) / timedelta(days=1) - 0.5
    members = orjson.loads(kept.read_bytes()) | {"archive": {"retention_d": retention_d}}
    kept.write_bytes(orjson.dumps(members))
    assert "1 archived" in CliRunner().invoke(app, ["ledger", "prune", "-c", str(kept)]).stdout
    assert {line[:10] for line in run(kept, "list").stdout.splitlines()} == {"2025-11-30"}
