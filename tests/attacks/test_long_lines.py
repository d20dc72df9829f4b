"""Bombs as files: a line of any length is read in bounded memory, and nothing of it is lost."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from newsflow.ingest.files import read_batches, read_events
from newsflow.testing import raw_event
from tests.peak_memory import PEAK

MIB = 1 << 20
_MEASURED = (
    PEAK
    + """
import sys
from newsflow.cli import main
sys.argv = ["newsflow", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    print("ended", end.code or 0, file=sys.stderr)
print("peak", peak_kib(), file=sys.stderr)
"""
)


def run(folder: Path, *words: str) -> tuple[int, int, str]:
    """The exit code of a command, its peak memory in MiB, and what it wrote on standard output."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _MEASURED, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    said = dict(line.split(maxsplit=1) for line in done.stderr.splitlines() if line.startswith(("ended ", "peak ")))
    return int(said.get("ended", 0)), int(said["peak"]) // 1024, done.stdout


def bomb(path: Path, size_mib: int) -> str:
    """A good line, one of so many MiB, and a good one; the digest of the long one."""
    text = "The council of Marrow Bay met on Monday and agreed to widen the harbour road before winter. "
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(json.dumps(raw_event(title="First", content=text * 3)).encode() + b"\n")
        digest = hashlib.sha256()
        for _ in range(size_mib):
            file.write(b" " * MIB)
            digest.update(b" " * MIB)
        file.write(b"\r\n" + json.dumps(raw_event(title="Last", content="Another town. " + text * 4)).encode())
    return digest.hexdigest()


@pytest.mark.attacks
@pytest.mark.timeout(240)
def test_a_line_of_hundreds_of_megabytes_is_a_dead_letter_and_its_neighbours_are_articles(tmp_path: Path) -> None:
    digest = bomb(tmp_path / "bomb.jsonl.gz", 400)
    code, peak_mib, said = run(tmp_path, "run", "ingest", "--input", "bomb.jsonl.gz", "--output", "out", "-o", "json")
    assert code == 0
    found = json.loads(said)
    assert found["reasons"] == {"too-large": 1}
    assert found["outcomes"]["added"] + found["outcomes"]["duplicate"] == 2
    assert peak_mib < 800
    [letter] = [json.loads(line) for line in (tmp_path / "out/dead-letters.jsonl").read_text().splitlines()]
    claim = json.loads(base64.b64decode(letter["value_base64"]))
    assert (claim["size"], claim["digest"]) == (400 * MIB, f"sha256:{digest}")
    assert (tmp_path / ".newsflow/blobs" / claim["dataref"]).stat().st_size == 400 * MIB
    code, peak_mib, said = run(tmp_path, "publish", "bomb.jsonl.gz", "--check", "-o", "json")
    assert code == 1
    assert json.loads(said) == {
        "line": 2,
        "reason": "too-large",
        "message": "the value has 419,430,400 bytes; accepted: up to 8,388,608",
    }
    assert peak_mib < 300
    code, peak_mib, _ = run(tmp_path, "topics", "explain", "bomb.jsonl.gz")
    assert code == 2
    assert peak_mib < 600


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
@pytest.mark.parametrize("length", [0, 1, 9, 10, 11, 12, 25, 3_000_000])
def test_the_bound_may_fall_anywhere_in_a_line(tmp_path: Path, length: int, end: bytes) -> None:
    line = bytes(65 + at % 26 for at in range(length))
    (tmp_path / "f").write_bytes(b"first\n" + line + end + (b"last" if end else b""))
    long: list[tuple[int, bytes]] = []

    def keep(offset: int, pieces: Iterator[bytes]) -> bytes:
        long.append((offset, b"".join(pieces)))
        return b"in its place"

    found = {event.offset: event.value for event in read_events(tmp_path / "f", keep, 10)}
    assert found.pop(0) == b"first"
    assert found.pop(2, None) == (b"last" if end else None)
    if long:
        assert long == [(1, line)]
        assert found == {1: b"in its place"}
        assert length + len(end) > 10
    else:
        assert found == ({1: line} if line else {})
        assert length <= 10


def test_a_line_that_holds_a_record_may_be_longer_than_the_record(tmp_path: Path) -> None:
    value = b"x" * 900
    letter = orjson.dumps(
        {"reason": "no-text", "origin": {}, "value_base64": base64.b64encode(value).decode(), "headers": []}
    )
    (tmp_path / "f").write_bytes(letter + b"\n" + b"y" * 1_001 + b"\n" + letter)
    found = [event.value for event in read_events(tmp_path / "f", lambda *_: b"in its place", 1_000)]
    assert found == [value, b"in its place", value]


def test_a_batch_of_large_lines_is_a_short_one(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes((b"x" * (9 * MIB // 8) + b"\n") * 20)
    sizes = [len(batch) for batch in read_batches(tmp_path / "f", 500, lambda *_: b"", 10 * MIB)]
    assert sizes == [8, 8, 4]
