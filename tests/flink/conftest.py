"""One cluster, broker and database for all tests on Flink; skipped, saying so, where a part of it is missing."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from newsflow.errors import MissingToolError
from newsflow.kafka.admin import apply_topics
from newsflow.model.topics import declared_topics
from newsflow.processes import free_port
from newsflow.runners.flink import VARIABLE, find_job_server
from newsflow.tagging import load_rules
from newsflow.tools.broker import LocalBroker
from newsflow.tools.flink import LocalFlink, find_flink
from newsflow.tools.postgres import LocalPostgres, find_programs
from tests.conftest import LIBS
from tests.flink.stack import RULES, FlinkRun, Stack
from tests.postgres_helpers import new_database

ROOT = Path(__file__).resolve().parents[2]
BUILDER = ROOT.parent / "shared" / "flink-jars" / "build.sh"
"""Where there is no official job server to be had, this puts one together."""


@pytest.fixture(scope="session")
def job_server() -> str:
    """The class path of Beam's job server, named by the environment for the commands that the tests run."""
    if VARIABLE not in os.environ and BUILDER.is_file():
        folder = ROOT / ".newsflow" / "flink-job-server"
        built = subprocess.run([BUILDER, folder], capture_output=True, text=True, check=False)
        assert built.returncode == 0, built.stderr[-2000:]
        os.environ[VARIABLE] = str(folder / "lib")
    try:
        return find_job_server()
    except MissingToolError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def stack(job_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    try:
        find_flink()
        find_programs()
        kafka = LocalBroker(tmp_path_factory.mktemp("kafka"), free_port(), libs=LIBS)
        kafka.up()
    except MissingToolError as error:
        pytest.skip(str(error))
    try:
        with LocalPostgres() as postgres, LocalFlink(tmp_path_factory.mktemp("flink")) as flink:
            made = Stack(flink, kafka, postgres)
            ids = [rule.id for rule in load_rules([Path(path) for path in RULES]).rules]
            apply_topics(made.broker.settings, declared_topics(ids))
            yield made
    finally:
        kafka.kill()


@pytest.fixture
def run(stack: Stack, tmp_path: Path) -> Iterator[FlinkRun]:
    """A job of this test's own; whatever runs at its end is cancelled."""
    name = stack.broker.name("raw")
    made = FlinkRun(stack, name, tmp_path, new_database(stack.postgres), topic=name)
    try:
        yield made
    finally:
        made.end()
