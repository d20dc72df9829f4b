"""The output directory: whole or not at all, the same again on a rerun, nothing of others touched."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import textwrap
from pathlib import Path

import orjson
import pytest

from newsflow.errors import SinkError
from newsflow.ingest.files import KINDS, MANIFEST, OutputDirectory, Row

ROWS = [
    Row("article", "e1", b'{"id":1}'),
    Row("feed", "e1", b'{"id":1}', "syria"),
    Row("feed", "e1", b'{"id":1}', "russia"),
    Row("duplicate", "e2", b'{"copy":2}'),
    Row("dead-letter", "e3", b'{"reason":"malformed-json"}'),
]


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _run(folder: Path, rows: list[Row]) -> dict[str, int]:
    with OutputDirectory(folder) as output:
        output.write(rows)
        return output.finish()


def test_each_row_lands_in_its_file_and_the_manifest_describes_them(tmp_path: Path) -> None:
    counts = _run(tmp_path / "out", ROWS)
    assert counts == {
        "alerts.jsonl": 0,
        "articles.jsonl": 1,
        "dead-letters.jsonl": 1,
        "debug.jsonl": 0,
        "duplicates.jsonl": 1,
        "stories.jsonl": 0,
        "topics/russia.jsonl": 1,
        "topics/syria.jsonl": 1,
    }
    files = orjson.loads((tmp_path / "out" / MANIFEST).read_bytes())["files"]
    for name, entry in files.items():
        content = (tmp_path / "out" / name).read_bytes()
        assert entry == {
            "lines": content.count(b"\n"),
            "size_bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }


def test_a_rerun_gives_the_same_and_leaves_nothing_of_before(tmp_path: Path) -> None:
    _run(tmp_path, [*ROWS, Row("feed", "e9", b"{}", "iran")])
    _run(tmp_path, ROWS)
    first = _contents(tmp_path)
    _run(tmp_path, ROWS)
    assert _contents(tmp_path) == first
    assert "topics/iran.jsonl" not in first


def test_rows_written_again_by_a_retry_are_passed_over(tmp_path: Path) -> None:
    with OutputDirectory(tmp_path) as output:
        assert output.write(ROWS) == len(ROWS)
        assert output.write(ROWS) == 0
        assert output.finish()["articles.jsonl"] == 1


@pytest.mark.parametrize("earlier", [True, False])
def test_a_killed_run_leaves_the_earlier_output_or_none(tmp_path: Path, earlier: bool) -> None:
    if earlier:
        _run(tmp_path, ROWS)
    before = {name: value for name, value in _contents(tmp_path).items() if not name.startswith(".")}
    script = """
        import os, sys
        from pathlib import Path
        from newsflow.ingest.files import OutputDirectory, Row
        output = OutputDirectory(Path(sys.argv[1]))
        output.write([Row("article", str(at), b"{}") for at in range(100_000)])
        os.kill(os.getpid(), 9)
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(script), str(tmp_path)], check=False)
    assert killed.returncode == -9
    after = {name: value for name, value in _contents(tmp_path).items() if not name.startswith(".")}
    assert after == before
    assert _run(tmp_path, ROWS)["articles.jsonl"] == 1


def test_a_kill_while_files_move_into_place_leaves_no_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _run(tmp_path, ROWS)

    def die(self: Path, target: Path) -> Path:
        if target.name == "duplicates.jsonl":
            raise KeyboardInterrupt
        return Path(self.rename(target))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", die)
        with pytest.raises(KeyboardInterrupt):
            _run(tmp_path, [Row("article", "other", b"{}")])
    assert not (tmp_path / MANIFEST).exists()
    assert _run(tmp_path, ROWS)["articles.jsonl"] == 1
    assert (tmp_path / MANIFEST).exists()


def test_an_error_in_the_run_leaves_the_earlier_output(tmp_path: Path) -> None:
    _run(tmp_path, ROWS)
    before = _contents(tmp_path)
    with OutputDirectory(tmp_path) as output:
        output.write([Row("article", "x", b"{}")])
        with pytest.raises(ValueError, match="line break"):
            output.write([Row("article", "y", b"\n")])
    assert _contents(tmp_path) == before


@pytest.mark.parametrize("name", ["notes.txt", "articles.jsonl", "topics/readme.md", "topics/Syria.jsonl"])
@pytest.mark.parametrize("used", [True, False])
def test_a_folder_with_files_of_others_is_refused_and_left_alone(tmp_path: Path, name: str, used: bool) -> None:
    if used:
        if name == "articles.jsonl":
            pytest.skip("in a folder of ours this is our own file")
        _run(tmp_path, ROWS)
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")
    before = _contents(tmp_path)
    with pytest.raises(SinkError, match="accepted: a new or empty folder"):
        OutputDirectory(tmp_path)
    assert _contents(tmp_path) == before


def test_one_run_at_a_time_has_a_folder(tmp_path: Path) -> None:
    with OutputDirectory(tmp_path), pytest.raises(SinkError, match="another run is writing"):
        OutputDirectory(tmp_path)
    OutputDirectory(tmp_path).abandon()


def test_a_file_in_place_of_the_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(SinkError, match="cannot be an output folder"):
        OutputDirectory(tmp_path / "out")


@pytest.mark.parametrize(
    "row",
    [
        Row("rumour", "e", b"{}"),
        Row("feed", "e", b"{}"),
        Row("feed", "e", b"{}", "../../etc"),
        Row("article", "e", b"{\n}"),
    ],
)
def test_rows_that_no_file_can_take_are_a_mistake_of_the_caller(tmp_path: Path, row: Row) -> None:
    with OutputDirectory(tmp_path) as output, pytest.raises(ValueError, match=r"accepted|topic id|line break"):
        output.write([row])


def test_every_kind_has_a_file_even_when_nothing_came(tmp_path: Path) -> None:
    _run(tmp_path, [])
    assert {*KINDS.values(), MANIFEST} <= set(_contents(tmp_path))
