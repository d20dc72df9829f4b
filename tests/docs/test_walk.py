"""Every page is typed as it stands: its files saved, its commands run in order, their answers compared."""

from __future__ import annotations

import json
import shlex
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from kafka.errors import CoordinatorLoadInProgressError

from newsflow.kafka.admin import group_lag
from newsflow.kafka.client import make_admin
from newsflow.processes import free_port
from newsflow.tools.broker import LocalBroker
from newsflow.tools.sample.build import sample_events
from tests.broker_helpers import RunningBroker
from tests.conftest import local_broker
from tests.docs.answers import same_answer
from tests.docs.listing import Page, is_run, pages, walked_pages
from tests.docs.markdown import PAGES, ROOT, SHELLS, Block, Command, blocks, page_name
from tests.docs.shell import CommandServer, Shell, Typed, wait_for
from tests.kafka_tools import write_consumer_groups
from tests.postgres_helpers import new_database
from tests.rule_helpers import AS_LIST

pytestmark = [pytest.mark.docs, pytest.mark.e2e, pytest.mark.timeout(600), pytest.mark.allow_errors]

SMALL_BYTES = 100_000
_JOBS = ("ingest", "deliver", "trends")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandServer]:
    server = CommandServer(tmp_path_factory.mktemp("commands"))
    try:
        server.wait()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled sample without its oversized page."""
    file = tmp_path_factory.mktemp("sample") / "events.jsonl"
    values = (event.value for event in sample_events())
    file.write_bytes(b"".join(value + b"\n" for value in values if b"\n" not in value and len(value) < SMALL_BYTES))
    return file


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalBroker]:
    """The broker of all pages."""
    local = local_broker(tmp_path_factory.mktemp("kafka"))
    try:
        yield local
    finally:
        local.kill()


class Walk:
    """One page in one folder."""

    def __init__(self, page: str, folder: Path, shell: Shell, broker: RunningBroker, ports: dict[str, int]) -> None:
        self.page, self.folder, self.shell, self.broker, self.ports = page, folder, shell, broker, ports
        self.given = pages().get(page, Page())

    def block(self, block: Block) -> None:
        if block.title:
            file = self.folder / block.title
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
        if block.language in SHELLS:
            for command in block.commands:
                if is_run(self.page, command.text):
                    self.types(command)
        elif block.language == "python" and is_run(self.page, block.first_line):
            self.runs_python(block)
        elif block.language == "sql" and is_run(self.page, block.first_line):
            self.runs_sql(block)

    def types(self, command: Command) -> None:
        done = self._to_its_end(command.text)
        expected = next((code for begins, code in self.given.codes.items() if command.text.startswith(begins)), 0)
        assert done.code == expected, f"{self.page}: {command.text}: exit code {done.code}\n{done.output}"
        if command.text.startswith("newsflow tail "):
            assert done.output.strip(), f"{self.page}: {command.text}: there is nothing to see"
        if command.answer:
            assert same_answer(command.answer, done.output), f"{self.page}: {command.text}: says\n{done.output}"

    def _to_its_end(self, text: str) -> Typed:
        """What does not end by itself is interrupted once there is nothing more to see."""
        for shown, port in self.ports.items():
            text = text.replace(f"127.0.0.1:{shown}", f"127.0.0.1:{port}")
        words = shlex.split(text)
        if "--follow" not in words:
            return self.shell.types(text)
        process = self.shell.begins(text)
        done = partial(self._caught_up, next(name for name in _JOBS if name in words)) if words[1] != "tail" else self.shell.written
        wait_for(lambda: done() or not self.shell.runs(process), text)
        return self.shell.interrupts(process)

    def _caught_up(self, job: str) -> bool:
        """Some group of the job has read something, and none is behind."""
        with closing(make_admin(self.broker.settings)) as admin:
            groups = _groups(admin)
            read = {(group, tp.topic) for group in groups for tp in admin.list_group_offsets(group)[group]}
        mine = [(group, topic) for group, topic in read if _job_of(group) == job]
        return bool(mine) and all(group_lag(self.broker.settings, *each).records == 0 for each in mine)

    def runs_python(self, block: Block) -> None:
        test = "def test_" in block.text
        file = self.folder / block.title if block.title else self.folder / f"test_block_{block.line}.py"
        file.write_text(block.text, encoding="utf-8")
        self.types(Command(f"python -m pytest -q {file.name}" if test else f"python {file.name}"))

    def runs_sql(self, block: Block) -> None:
        """On the ledger of the page, its PostgreSQL, or DuckDB in its folder."""
        match dict(block.attributes)["engine"]:
            case "sqlite":
                with closing(sqlite3.connect(self.folder / ".newsflow" / "ledger.sqlite3")) as database:
                    for statement in block.text.split(";\n"):
                        database.execute(statement)
            case "postgresql":
                done = self.shell.types(f"psql --set ON_ERROR_STOP=1 \"$STORE_URL\" <<'END'\n{block.text}END")
                assert done.code == 0, f"{block}: {done.output}"
            case "duckdb":
                import duckdb

                with duckdb.connect(config={"file_search_path": str(self.folder)}) as database:
                    database.execute(block.text)
                    assert database.fetchall(), block
            case other:
                raise AssertionError(f"{block}: no engine {other}")


@pytest.mark.parametrize("page", walked_pages([page_name(path) for path in PAGES]))
def test_what_a_page_shows_runs(
    page: str, local: LocalBroker, server: CommandServer, sample: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    local.up()
    broker = RunningBroker(local.status().bootstrap_servers)
    _empty(broker)
    given, ports = pages().get(page, Page()), {"19092": local.port, "29092": free_port()}
    folder = tmp_path / "work"
    (folder / ".newsflow").mkdir(parents=True)
    shutil.copyfile(sample, folder / "events.jsonl")
    # The page's own broker is the one of all pages.
    (folder / ".newsflow" / "kafka").symlink_to(local.directory)
    environ = {"DOCS_ROOT": str(ROOT), "DOCS_PORTS": json.dumps(ports), "BROKERS": broker.bootstrap_servers}
    environ["NEWSFLOW_KAFKA__BOOTSTRAP_SERVERS"] = broker.bootstrap_servers
    environ |= {} if given.all_rules else {"NEWSFLOW_TOPICS__PATHS": AS_LIST}
    environ |= {name: new_database(request.getfixturevalue("postgres")) for name in given.databases}
    shell = Shell(folder, server, environ | given.environ)
    if any("kafka-consumer-groups.sh" in block.text for block in blocks(page)):
        write_consumer_groups(shell.programs)
    try:
        walk = Walk(page, folder, shell, broker, ports)
        for command in given.given:
            walk.types(Command(command))
        for block in blocks(page):
            walk.block(block)
    finally:
        shell.close()
        LocalBroker(folder / "other-kafka", ports["29092"]).kill()


def _job_of(group: str) -> str:
    return next((job for job in ("deliver", "trends") if job in group), "ingest")


def _groups(admin: Any) -> list[str]:
    found: list[str] = []

    def listed() -> bool:
        # A broker that has just started is still loading what it knows of groups.
        with suppress(CoordinatorLoadInProgressError):
            found[:] = [group["group_id"] for group in admin.list_groups()]
            return True
        return False

    wait_for(listed, "groups are listed")
    return found


def _empty(broker: RunningBroker) -> None:
    """Delete what the page before left."""
    with closing(make_admin(broker.settings)) as admin:
        if groups := _groups(admin):
            admin.delete_groups(groups)
        topics = [name for name in admin.list_topics() if not name.startswith("__")]
        if topics:
            admin.delete_topics(topics)
        wait_for(lambda: not [n for n in admin.list_topics() if not n.startswith("__")], "topics are deleted")
