"""A real OpenSearch node for the tests, from Maven's jars."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import urllib3

from newsflow.processes import free_port
from newsflow.tools.programs import exclusive

HERE = Path(__file__).parent / "opensearch"
LIBS = Path(__file__).resolve().parents[2] / ".newsflow" / "opensearch" / "libs"
START_S = 120.0


@contextmanager
def running_node(folder: Path) -> Iterator[str]:
    """The URL of a node; NEWSFLOW_TEST_OPENSEARCH names one that runs already. Skips without Java or Maven."""
    if given := os.environ.get("NEWSFLOW_TEST_OPENSEARCH"):
        yield given
        return
    libs, port = _libs(), free_port()
    command = [
        "java",
        "-Xmx512m",
        "-XX:TieredStopAtLevel=1",
        "-cp",
        f"{libs}/*",
        str(HERE / "Node.java"),
        str(folder),
        str(port),
        str(free_port()),
    ]
    with (folder / "node.log").open("wb") as log:
        node = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait(f"http://127.0.0.1:{port}", node, folder / "node.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        node.kill()
        node.wait()


def _libs() -> Path:
    java, maven = shutil.which("java"), shutil.which("mvn")
    if not java or not maven:
        pytest.skip("a real OpenSearch needs Java 17 and Maven")
    LIBS.parent.mkdir(parents=True, exist_ok=True)
    with exclusive(LIBS.with_name("lock")):
        if not LIBS.exists():
            _fetch(maven)
    return LIBS


def _fetch(maven: str) -> None:
    fresh = LIBS.with_name(f"new-{os.getpid()}")
    done = subprocess.run(
        [maven, "-q", "-B", "-f", str(HERE / "pom.xml"), "dependency:copy-dependencies", f"-DoutputDirectory={fresh}"],
        capture_output=True, check=False, timeout=600,
    )  # fmt: skip
    if done.returncode:
        pytest.skip("Maven cannot fetch OpenSearch: " + done.stdout.decode()[-300:])
    fresh.rename(LIBS)


def _wait(url: str, node: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end and node.poll() is None:
        try:
            if (
                urllib3.request(
                    "GET", f"{url}/_cluster/health?wait_for_status=yellow", timeout=2.0, retries=False
                ).status
                == 200
            ):
                return
        except urllib3.exceptions.HTTPError:
            pass
        time.sleep(0.5)
    raise AssertionError("OpenSearch did not start: " + log.read_text(errors="replace")[-2000:])
