"""Kafka's own command line, as pages of the documentation use it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from newsflow.tools.programs import exclusive

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ROOT / ".newsflow" / "kafka-tools"
_POM = ROOT / "tests" / "e2e" / "kafka_tools" / "pom.xml"
_CONSUMER_GROUPS = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"


def write_consumer_groups(folder: Path) -> None:
    """Put `kafka-consumer-groups.sh` into a folder of programs; skips where its jars cannot be had."""
    program = folder / "kafka-consumer-groups.sh"
    program.write_text(f'#!/bin/sh\nexec java -cp "{_fetch()}/*" {_CONSUMER_GROUPS} "$@"\n')
    program.chmod(0o755)


def _fetch() -> Path:
    """The jars, fetched by Maven once a checkout."""
    TOOLS.mkdir(parents=True, exist_ok=True)
    with exclusive(TOOLS / "lock"):
        if not list(TOOLS.glob("kafka-tools-*.jar")):
            if shutil.which("mvn") is None:
                pytest.skip("no Maven to fetch Kafka's command line with")
            command = ["mvn", "--batch-mode", "--quiet", "--file", str(_POM), "dependency:copy-dependencies"]
            command += ["-DincludeScope=runtime", f"-DoutputDirectory={TOOLS}"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"Maven could not fetch Kafka's command line: {done.stdout[-300:]}")
    return TOOLS
