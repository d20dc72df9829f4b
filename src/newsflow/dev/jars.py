"""Fetches the broker's jars with Maven, once; afterwards nothing is asked of the network."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from newsflow.dev.locks import exclusive
from newsflow.dev.tools import WITHOUT_BROKER, find_maven
from newsflow.errors import LocalServiceError

_STAMP = "pom.sha256"
"""Beside the jars: the digest of the pom they were fetched for. Another pom, another fetch."""

_TIMEOUT_S = 900


def ensure_jars(libs: Path, pom: Path, say: Callable[[str], None]) -> None:
    """Make `libs` hold the jars that `pom` names, fetching them when it does not.

    Raises `MissingToolError` when Maven is needed and missing, `LocalServiceError` when the fetch fails.
    A fetch that was killed half way leaves no `libs`: they are renamed into place whole.
    """
    libs.parent.mkdir(parents=True, exist_ok=True)
    with exclusive(libs.with_name(f"{libs.name}.lock")):
        _ensure_jars(libs, pom, say)


def _ensure_jars(libs: Path, pom: Path, say: Callable[[str], None]) -> None:
    wanted = hashlib.sha256(pom.read_bytes()).hexdigest()
    stamp = libs / _STAMP
    if stamp.is_file() and stamp.read_text().strip() == wanted:
        return
    maven = find_maven("fetch Apache Kafka (44 MB)")
    say("Fetching Apache Kafka with Maven (44 MB, once)")
    for leftover in libs.parent.glob(f"{libs.name}.new-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    fresh = Path(tempfile.mkdtemp(prefix=f"{libs.name}.new-", dir=libs.parent))
    try:
        _fetch(maven, pom, fresh)
        (fresh / _STAMP).write_text(wanted + "\n")
        shutil.rmtree(libs, ignore_errors=True)
        fresh.rename(libs)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _fetch(maven: str, pom: Path, target: Path) -> None:
    command = [
        *(maven, "--batch-mode", "--quiet", "--file", str(pom), "dependency:copy-dependencies"),
        *("-DincludeScope=runtime", f"-DoutputDirectory={target.resolve()}"),
    ]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise LocalServiceError(
            f"Maven did not fetch Apache Kafka within {_TIMEOUT_S} s; is its repository within reach? {WITHOUT_BROKER}"
        ) from error
    if done.returncode or not any(target.glob("kafka_2.13-*.jar")):
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-12:])
        raise LocalServiceError(
            f"Maven could not fetch Apache Kafka (exit code {done.returncode}). It said:\n{tail}\n{WITHOUT_BROKER}"
        )
