"""Programs the local broker needs: Java to run it, Maven to fetch its jars once."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from newsflow.errors import LocalServiceError, MissingToolError
from newsflow.processes import program_of_home

WITHOUT_BROKER = (
    "Without a local broker: `newsflow run ingest --input FILE --output DIR` runs the same job on files, "
    "deploy/compose/ runs Kafka in a container, and -b HOST:PORT uses a broker you have."
)


def find_maven(purpose: str) -> str:
    """Return the path of Maven; raises `MissingToolError` that says it is for `purpose`."""
    maven = program_of_home("MAVEN_HOME", "mvn") or shutil.which("mvn")
    if maven is None:
        raise MissingToolError(
            f"Maven is missing (no `mvn` on PATH): it is needed once, to {purpose}. "
            f"Install the package maven. {WITHOUT_BROKER}"
        )
    return maven


@contextmanager
def exclusive(file: Path) -> Iterator[None]:
    """Hold the lock `file` (made when missing, never removed), until the process ends at the latest. Blocks until
    another holder lets go."""
    with file.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


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
        wanted = hashlib.sha256(pom.read_bytes()).hexdigest()
        stamp = libs / _STAMP
        if not (stamp.is_file() and stamp.read_text().strip() == wanted):
            _replace_jars(libs, pom, wanted, say)


def _replace_jars(libs: Path, pom: Path, digest: str, say: Callable[[str], None]) -> None:
    maven = find_maven("fetch Apache Kafka (44 MB)")
    say("Fetching Apache Kafka with Maven (44 MB, once)")
    for leftover in libs.parent.glob(f"{libs.name}.new-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    fresh = Path(tempfile.mkdtemp(prefix=f"{libs.name}.new-", dir=libs.parent))
    try:
        _fetch(maven, pom, fresh)
        (fresh / _STAMP).write_text(digest + "\n")
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
            f"Maven did not fetch Apache Kafka within {_TIMEOUT_S} s; can it reach its repository? {WITHOUT_BROKER}"
        ) from error
    if done.returncode or not any(target.glob("kafka_2.13-*.jar")):
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-12:])
        raise LocalServiceError(
            f"Maven could not fetch Apache Kafka (exit code {done.returncode}). It said:\n{tail}\n{WITHOUT_BROKER}"
        )
