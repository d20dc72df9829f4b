"""Stores whose writer is killed in the midst of writing."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.stores.store_harness import Harness, row, shown

ROWS = [row(f"a{at % 150}", 1 + at // 150) for at in range(600)]
WRITER = """
import sys
sys.path[:0] = [sys.argv[2]]
from tests.stores.test_store_kills import ROWS
from newsflow.stores.registry import open_store
store = open_store(sys.argv[1])
print("ready", flush=True)
for start in range(0, len(ROWS), 7):
    store.write(ROWS[start:start + 7])
print("done", flush=True)
"""


@pytest.mark.faults
def test_a_writer_killed_again_and_again_loses_and_doubles_nothing(harness: Harness) -> None:
    if not harness.url_for_writer:
        pytest.skip("covered by the contract: these take a batch whole or are asked again")
    chance = random.Random(7)
    root = str(Path(__file__).resolve().parents[2])
    for _ in range(4):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, harness.url_for_writer, root], stdout=subprocess.PIPE, cwd=root
        )
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
