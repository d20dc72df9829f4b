"""Schemathesis asks the API for all that its description allows, and for what it does not: no 5xx comes back, and every
answer is as declared. Needs the program, which NEWSFLOW_TEST_SCHEMATHESIS names (`pip install schemathesis`);
NEWSFLOW_TEST_REQUESTS says how many requests it makes at least."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.web.world import ALL

PROGRAM = shutil.which(os.environ.get("NEWSFLOW_TEST_SCHEMATHESIS", "schemathesis"))
LEAST = int(os.environ.get("NEWSFLOW_TEST_REQUESTS", "300"))
OPERATIONS = 12
"""Of the description, at least: each is asked alike often."""
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance,negative_data_rejection,unsupported_method"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(
        PROGRAM is None,
        reason="schemathesis is not installed (NEWSFLOW_TEST_SCHEMATHESIS): nobody asks the API at random",
    ),
]


def test_every_answer_to_random_requests_is_as_declared(base: str, tmp_path: Path) -> None:
    assert PROGRAM is not None
    asked = seed = 0
    while asked < LEAST:
        seed += 1
        done = subprocess.run(
            [
                *(PROGRAM, "run", f"{base}/openapi.json", "-H", f"Authorization: Bearer {ALL}"),
                *("--exclude-path", "/v1/stream"),  # it does not end; test_streams reads it
                *("--checks", CHECKS, "--max-examples", str(LEAST // OPERATIONS + 1), "--seed", str(seed)),
                *("--suppress-health-check", "all", "--no-color"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
        made = re.search(r"(\d+) generated, \1 passed", done.stdout)
        assert made, done.stdout[-3000:]
        asked += int(made[1])
    print(f"{asked} requests, every answer as declared")
