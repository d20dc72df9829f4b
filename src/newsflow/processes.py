"""Ports and programs of this machine that newsflow itself needs: a free port of the loopback interface, and Java."""

from __future__ import annotations

import os
import random
import re
import shutil
import socket
import subprocess
from pathlib import Path

from newsflow.errors import MissingToolError, in_words

LOOPBACK = "127.0.0.1"
_FREE_RANGE = range(20_000, 32_000)
"""Below the range from which the kernel takes the ports of outgoing connections, so none of those takes it away."""

MIN_JAVA = 17
"""Kafka 4 brokers run on Java 17 and later; Flink and Beam's job server do too."""
JAVA_OPENS = tuple(
    f"--add-opens=java.base/{package}=ALL-UNNAMED"
    for package in ("java.lang", "java.nio", "java.util", "sun.nio.ch", "java.net", "java.util.concurrent", "java.time")
)
"""What Flink reaches into since Java 17 (its own scripts pass the same)."""


def port_is_free(port: int) -> bool:
    """Tell whether a server could listen on `port` of the loopback interface now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As a Kafka broker does: connections of an earlier server in TIME_WAIT are not in the way.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def free_port(avoid: frozenset[int] = frozenset()) -> int:
    """Return a port nobody listens on at the moment, not one of `avoid`."""
    for port in random.sample(_FREE_RANGE, k=200):
        if port not in avoid and port_is_free(port):
            return port
    raise OSError(f"no free port found between {_FREE_RANGE.start} and {_FREE_RANGE.stop}")


def find_java(what_runs: str, otherwise: str = "") -> str:
    """Return the path of a Java that `what_runs` can run on: that of JAVA_HOME, else of PATH.

    Raises `MissingToolError` when there is none, JAVA_HOME is wrong, or it is too old; the message ends in `otherwise`.
    """
    java, home = program_of_home("JAVA_HOME", "java"), os.environ.get("JAVA_HOME")
    if home and java is None:
        # Maven would trip over it, and be blamed.
        raise MissingToolError(
            f"JAVA_HOME is {home}, which has no bin/java: correct it, or unset it. {otherwise}".rstrip()
        )
    java = java or shutil.which("java")
    if java is None:
        raise MissingToolError(
            f"Java is missing (no `java` on PATH, JAVA_HOME not set): {what_runs} runs on Java {MIN_JAVA} or later. "
            f"Install a JRE, for instance the package openjdk-17-jre-headless. {otherwise}".rstrip()
        )
    version = _java_version(java, otherwise)
    if version is not None and version < MIN_JAVA:
        raise MissingToolError(
            f"Java {version} at {java} is too old: {what_runs} needs Java {MIN_JAVA} or later. "
            f"Put a newer one first on PATH or name it in JAVA_HOME. {otherwise}".rstrip()
        )
    return java


def program_of_home(variable: str, program: str) -> str | None:
    """The path of `bin/<program>` in the folder that an environment variable names, if it can be executed."""
    home = os.environ.get(variable)
    candidate = Path(home) / "bin" / program if home else None
    return str(candidate) if candidate and os.access(candidate, os.X_OK) else None


def _java_version(java: str, otherwise: str) -> int | None:
    """The major version that `java -version` prints; None when that is not understood."""
    try:
        done = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingToolError(f"{java} cannot be run: {in_words(error)}. {otherwise}".rstrip()) from error
    # 1.8.0_392 is Java 8; since 9 the first number is the version.
    match = re.search(r'version "(?:1\.)?(\d+)', done.stderr + done.stdout)
    return int(match[1]) if match else None
