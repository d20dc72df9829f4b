"""Programs the local broker needs: Java to run it, Maven to fetch it once."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from newsflow.errors import MissingToolError

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
