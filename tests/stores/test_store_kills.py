"""Stores whose writer is killed in the midst of writing."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.stores.store_harness import Harness, PostgresHarness, SqliteHarness, row, shown

ROWS = [row(f"a{at % 150}", 1 + at // 150) for at in range(600)]
WRITER = """
import sys
from pathlib import Path
sys.path[:0] = [sys.argv[3]]
from tests.stores.test_store_kills import ROWS
kind, place = sys.argv[1:3]
if kind == "postgresql":
    from newsflow.stores.postgresql import PostgresStore
    store = PostgresStore(place)
elif kind == "sqlite":
    from newsflow.stores.sqlite import SqliteStore
    store = SqliteStore(Path(place))
elif kind == "parquet":
    from newsflow.stores.parquet import ParquetStore
    store = ParquetStore(Path(place))
else:
    from newsflow.stores.jsonl import JsonLinesStore
    store = JsonLinesStore(Path(place))
print("ready", flush=True)
for start in range(0, len(ROWS), 7):
    store.write(ROWS[start:start + 7])
print("done", flush=True)
"""


@pytest.mark.faults
def test_a_writer_killed_again_and_again_loses_and_doubles_nothing(
    harness: Harness, request: pytest.FixtureRequest
) -> None:
    if request.node.callspec.params["harness"] in ("iceberg", "opensearch"):
        pytest.skip("covered by the contract: these take a batch whole or are asked again")
    kind = request.node.callspec.params["harness"]
    place = _place(harness)
    chance = random.Random(7)
    root = str(Path(__file__).resolve().parents[2])
    for _ in range(4):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, kind, place, root], stdout=subprocess.PIPE, cwd=root)
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
        time.sleep(chance.uniform(0.0, 0.25))
        writer.kill()
        writer.wait()
        writer.stdout.close()
    with harness.open() as store:
        store.write(ROWS)
    assert harness.versions() == sorted(each.key for each in ROWS)
    assert harness.current() == shown(ROWS)


def _place(harness: Harness) -> str:
    if isinstance(harness, PostgresHarness):
        return harness.url
    return str(harness.path if isinstance(harness, SqliteHarness) else harness.folder)  # type: ignore[attr-defined]
