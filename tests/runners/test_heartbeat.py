"""The file that says whether a loop turns: when it is there, when it is touched, and when the flag is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from newsflow.cli.app import app
from newsflow.cli.launch import Heartbeat
from newsflow.errors import UsageError


def test_it_is_not_there_before_the_first_beat_even_if_one_was_left_over(tmp_path: Path) -> None:
    file = tmp_path / "heartbeat"
    file.write_text("of an earlier run")
    heartbeat = Heartbeat(file)
    assert not file.exists()
    heartbeat.beat()
    assert file.exists()


def test_each_beat_makes_it_young_but_no_oftener_than_asked(tmp_path: Path) -> None:
    eager, lazy = Heartbeat(tmp_path / "eager", every_s=0), Heartbeat(tmp_path / "lazy", every_s=3600)
    for heartbeat in (eager, lazy):
        heartbeat.beat()
    for name in ("eager", "lazy"):
        os.utime(tmp_path / name, (0, 0))
    for heartbeat in (eager, lazy):
        heartbeat.beat()
    assert (tmp_path / "eager").stat().st_mtime > 0
    assert (tmp_path / "lazy").stat().st_mtime == 0


def test_a_place_that_cannot_be_written_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--heartbeat .*/nowhere/file cannot be written"):
        Heartbeat(tmp_path / "nowhere" / "file")


def test_a_place_that_goes_away_later_stops_no_job(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    heartbeat = Heartbeat(folder / "file", every_s=0)
    folder.rmdir()
    heartbeat.beat()
    assert not folder.exists()


def test_of_several_loops_the_one_that_turned_longest_ago_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    heartbeat = Heartbeat(file, ["archive", "alerts", "lake"], every_s=0)
    for at_s, loop in ((100.0, "archive"), (200.0, "alerts")):
        monkeypatch.setattr("time.time", lambda at_s=at_s: at_s)
        heartbeat.beat(loop)
        assert not file.exists(), "lake has not turned yet"
    monkeypatch.setattr("time.time", lambda: 300.0)
    heartbeat.beat("lake")
    assert file.stat().st_mtime == 100
    heartbeat.beat("archive")
    assert file.stat().st_mtime == 200
    heartbeat.end("alerts")
    assert file.stat().st_mtime == 300


def test_a_loop_that_ends_before_the_others_have_turned_is_not_waited_for(tmp_path: Path) -> None:
    heartbeat = Heartbeat(tmp_path / "file", ["archive", "alerts"], every_s=0)
    heartbeat.beat("archive")
    heartbeat.end("alerts")
    assert (tmp_path / "file").exists()
    heartbeat.end("archive")  # nobody is left: nothing to say


@pytest.mark.parametrize("where", [["--input", "a.jsonl", "--output", "out"], ["--", "--runner=PrismRunner"]])
def test_it_is_of_the_local_loop_alone(where: list[str]) -> None:
    done = CliRunner().invoke(app, ["run", "ingest", "--heartbeat", "file", *where])
    assert isinstance(done.exception, UsageError)
    assert "--heartbeat is of the local runner" in str(done.exception)
