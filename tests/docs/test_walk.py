"""Every page is typed as it stands: its files saved, its commands run in order, their answers compared."""

from __future__ import annotations

import json
import shlex
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kafka.admin import UserScramCredentialUpsertion
from kafka.errors import CoordinatorLoadInProgressError

from newsflow.errors import MissingToolError
from newsflow.kafka.admin import group_lag
from newsflow.kafka.client import make_admin
from newsflow.processes import free_port
from newsflow.tools.broker import LocalBroker
from newsflow.tools.node import Listener
from newsflow.tools.receiver import Receiver
from newsflow.tools.sample.build import sample_events
from tests.alerts.test_mail import AUTHORITY, Mailbox, serving
from tests.broker_helpers import RunningBroker
from tests.conftest import LIBS
from tests.docs.answers import same_answer
from tests.docs.listing import Page, is_run, pages, walked_pages
from tests.docs.markdown import PAGES, ROOT, SHELLS, Block, Command, blocks, page_name
from tests.docs.shell import CommandServer, Shell, Typed, wait_for
from tests.kafka.test_security import SCRAM
from tests.kafka.tls_helpers import Authority
from tests.postgres_helpers import new_database
from tests.rule_helpers import AS_LIST

pytestmark = [pytest.mark.docs, pytest.mark.e2e, pytest.mark.timeout(600), pytest.mark.allow_errors]

SECRET = "s3cret"
SMALL_BYTES = 100_000
SILENT_S = 3.0
"""So long something may stay silent that shows what comes."""
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


@dataclass(frozen=True)
class Kafka:
    """The broker of all pages, which some of them stop."""

    local: LocalBroker
    environ: dict[str, str]
    """How it is reached with TLS and a password, for pages that do."""

    def begin(self) -> RunningBroker:
        self.local.up()
        return RunningBroker(self.local.status().bootstrap_servers)


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    folder, port = tmp_path_factory.mktemp("kafka"), free_port()
    authority = Authority(folder)
    properties = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(authority.sign("server", host="127.0.0.1").both),
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.sasltls.scram-sha-512.sasl.jaas.config": f"{SCRAM} required;",
    }
    listeners = [Listener("SASLTLS", "SASL_SSL", port)]
    local = LocalBroker(folder / "broker", free_port(), libs=LIBS, listeners=listeners, properties=properties)
    # Where they would be but for the tests, which share them.
    (folder / "broker").mkdir()
    (folder / "broker" / "libs").symlink_to(LIBS)
    environ = {
        "NEWSFLOW_KAFKA__BOOTSTRAP_SERVERS": f"127.0.0.1:{port}",
        "NEWSFLOW_KAFKA__SECURITY__CA_FILE": str(authority.file),
        "KAFKA_PASSWORD": SECRET,
    }
    try:
        local.up()
        with closing(make_admin(RunningBroker(local.status().bootstrap_servers).settings)) as admin:
            admin.alter_user_scram_credentials([UserScramCredentialUpsertion("newsflow", "SCRAM-SHA-512", SECRET)])
        yield Kafka(local, environ)
    except MissingToolError as error:
        pytest.skip(str(error))
    finally:
        local.kill()


@pytest.fixture
def receivers(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A webhook and a mail server for the destinations `webhook` and `desk`, wherever a page says that they are."""
    authority = tmp_path / "authority.pem"
    AUTHORITY.cert_pem.write_to_path(str(authority))
    with Receiver(tmp_path / "alerts.jsonl", (SECRET,)) as hook, serving("starttls", Mailbox(), SECRET) as mail:
        yield {
            "NEWS_HOOK_SECRET": SECRET,
            "MAIL_PASSWORD": SECRET,
            "SSL_CERT_FILE": str(authority),
            "NEWSFLOW_ALERTS__DESTINATIONS__WEBHOOK": f"{{type: webhook, url: '{hook.url}', allow_private: true}}",
            "NEWSFLOW_ALERTS__DESTINATIONS__DESK": f"{{type: mail, url: smtp://{mail.user}@{mail.host}:{mail.port}}}",
        }


class Walk:
    """One page in one folder."""

    def __init__(self, page: str, folder: Path, shell: Shell, broker: RunningBroker, ports: dict[str, int]) -> None:
        self.page, self.folder, self.shell, self.broker = page, folder, shell, broker
        self.given = pages().get(page, Page())
        self.stands_for = {f"127.0.0.1:{shown}": f"127.0.0.1:{real}" for shown, real in ports.items()}
        self.stands_for |= self.given.stands_for

    def begin(self) -> None:
        """Save the files of the page, and type what it takes for granted."""
        for block in reversed(blocks(self.page)):
            self.save(block)
        self.must(self.given.given)

    def must(self, commands: tuple[str, ...]) -> None:
        for command in commands:
            done = self._to_its_end(command)
            assert done.code == 0, f"{self.page}: {command}: exit code {done.code}\n{done.output}"

    def save(self, block: Block) -> None:
        if block.title:
            file = self.folder / block.title
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")

    def block(self, block: Block) -> None:
        self.save(block)
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
        if command.text.startswith("newsflow tail ") and not command.text.startswith(self.given.silent):
            _, sign, target = command.text.rpartition(" > ")
            seen = (self.folder / target).read_text(encoding="utf-8") if sign else done.output
            assert seen.strip(), f"{self.page}: {command.text}: there is nothing to see"
        if command.answer:
            assert same_answer(command.answer, done.output), f"{self.page}: {command.text}: says\n{done.output}"

    def _to_its_end(self, text: str) -> Typed:
        """What does not end by itself is interrupted once there is nothing more to see."""
        for shown, real in self.stands_for.items():
            text = text.replace(shown, real)
        words = shlex.split(text)
        if "--follow" not in words:
            return self.shell.types(text)
        process = self.shell.begins(text)
        silent_until = time.monotonic() + SILENT_S
        if words[1] == "tail":
            wait_for(lambda: bool(self.shell.written()) or time.monotonic() > silent_until, text)
        else:
            job = next(name for name in _JOBS if name in words)
            wait_for(lambda: not self.shell.runs(process) or self._caught_up(job), text)
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
    page: str, kafka: Kafka, server: CommandServer, sample: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    broker = kafka.begin()
    _empty(broker)
    given, ports = pages().get(page, Page()), {"19092": kafka.local.port, "29092": free_port()}
    folder = tmp_path / "work"
    (folder / ".newsflow").mkdir(parents=True)
    shutil.copyfile(sample, folder / "events.jsonl")
    # The page's own broker is the one of all pages.
    (folder / ".newsflow" / "kafka").symlink_to(kafka.local.directory)
    environ = {"DOCS_ROOT": str(ROOT), "DOCS_PORTS": json.dumps(ports), "BROKERS": broker.bootstrap_servers}
    environ["NEWSFLOW_KAFKA__BOOTSTRAP_SERVERS"] = broker.bootstrap_servers
    environ |= kafka.environ if given.secure else {}
    environ |= request.getfixturevalue("receivers") if given.receivers else {}
    environ |= {} if given.all_rules else {"NEWSFLOW_TOPICS__PATHS": AS_LIST}
    environ |= {name: new_database(request.getfixturevalue("postgres")) for name in given.databases}
    shell = Shell(folder, server, environ | given.environ)
    try:
        walk = Walk(page, folder, shell, broker, ports)
        walk.begin()
        for block in blocks(page):
            walk.block(block)
        walk.must(given.after)
    finally:
        shell.close()
        LocalBroker(folder / "other-kafka", ports["29092"]).kill()
        if any("newsflow dev up" in block.text for block in blocks(page)):
            # What the page started has one listener.
            kafka.local.down()


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
