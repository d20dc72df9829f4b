"""Programs the local broker needs: Java to run it, Maven to fetch its jars once."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from newsflow.errors import LocalServiceError, MissingToolError

MIN_JAVA = 17
"""Kafka 4 brokers run on Java 17 and later."""

WITHOUT_BROKER = (
    "Without a local broker: `newsflow run ingest --input FILE --output DIR` runs the same job on files, "
    "deploy/compose/ runs Kafka in a container, and -b HOST:PORT uses a broker you have."
)


def find_java() -> str:
    """Return the path of a Java that can run Kafka: that of JAVA_HOME, else of PATH.

    Raises `MissingToolError` when there is none, or it is too old.
    """
    java = _from_home("JAVA_HOME", "java") or shutil.which("java")
    if java is None:
        raise MissingToolError(
            f"Java is missing (no `java` on PATH, JAVA_HOME not set): the local Kafka broker runs on Java {MIN_JAVA} "
            f"or later. Install a JRE, for instance the package openjdk-17-jre-headless. {WITHOUT_BROKER}"
        )
    version = java_version(java)
    if version is not None and version < MIN_JAVA:
        raise MissingToolError(
            f"Java {version} at {java} is too old: the local Kafka broker needs Java {MIN_JAVA} or later. "
            f"Put a newer one first on PATH or name it in JAVA_HOME. {WITHOUT_BROKER}"
        )
    return java


def java_version(java: str) -> int | None:
    """Return the major version that `java -version` tells; None when it tells none that is understood."""
    try:
        done = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingToolError(f"{java} cannot be run: {error}. {WITHOUT_BROKER}") from error
    # 1.8.0_392 is Java 8; since 9 the first number is the version.
    match = re.search(r'version "(?:1\.)?(\d+)', done.stderr + done.stdout)
    return int(match[1]) if match else None


def find_maven(purpose: str) -> str:
    """Return the path of Maven; raises `MissingToolError` that says it is for `purpose`."""
    maven = _from_home("MAVEN_HOME", "mvn") or shutil.which("mvn")
    if maven is None:
        raise MissingToolError(
            f"Maven is missing (no `mvn` on PATH): it is needed once, to {purpose}. "
            f"Install the package maven. {WITHOUT_BROKER}"
        )
    return maven


def _from_home(variable: str, program: str) -> str | None:
    home = os.environ.get(variable)
    candidate = Path(home) / "bin" / program if home else None
    return str(candidate) if candidate and os.access(candidate, os.X_OK) else None


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
