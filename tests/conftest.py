"""What all tests share: one real broker a worker, and the rule that nothing logs an error unnoticed."""

from __future__ import annotations

import logging
import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from newsflow.errors import MissingToolError
from newsflow.leftovers import nothing_left_behind
from newsflow.outages import outages
from newsflow.processes import free_port
from newsflow.tools.broker import LocalBroker
from newsflow.tools.postgres import LocalPostgres, find_programs
from tests.fault_table import Fault, FaultTable

if TYPE_CHECKING:
    from newsflow.tagging import RuleSet
    from tests.broker_helpers import RunningBroker

_OURS = re.compile(r"NEWSFLOW_(TEST_\w+|DATA|PRISM|FLINK_(JOB_SERVER|LIB|EVENTS|RATE))")
"""What the tests themselves are told by the environment."""
_FOREIGN = re.compile(r"NEWSFLOW_\w+|LEDGER_URL|PG[A-Z]+|COLUMNS|LINES|(NO|FORCE|PY)_COLORS?|PYTHONWARNINGS")
"""Settings of the shell that started the tests: newsflow, its database's client, and the terminal obey them."""

for name in [name for name in os.environ if _FOREIGN.fullmatch(name) and not _OURS.fullmatch(name)]:
    del os.environ[name]
# Not what the terminal says, which rich would ask.
os.environ |= {"COLUMNS": "80", "LINES": "24"}

# A busy machine must not fail a property: nothing here is measured in seconds.
hypothesis_settings.register_profile("newsflow", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("newsflow")

LIBS = Path(__file__).resolve().parent.parent / ".newsflow" / "kafka" / "libs"
"""The broker's jars, fetched once and shared with `newsflow dev up` in this checkout."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "allow_errors: errors may be logged, they are part of what is tested")
    # A run that is ended by a signal, of its first process alone or of all, ends its brokers and databases too.
    stack = ExitStack()
    stack.enter_context(nothing_left_behind(signal.default_int_handler))
    config.add_cleanup(stack.close)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """For `-n auto`: more workers than cores, as tests on a broker wait as much as they compute."""
    return 2 * (os.cpu_count() or 1)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file's tests go to one worker, and those of all stores, which then starts OpenSearch once."""
    from xdist.scheduler import LoadFileScheduling

    scheduling = LoadFileScheduling(config, log)
    file_of = scheduling._split_scope
    scheduling._split_scope = lambda nodeid: "tests/stores" if nodeid.startswith("tests/stores/") else file_of(nodeid)
    return scheduling


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Workers begin with what takes longest, by the time it may take: none is left with it at the end.

    Tests that do the same for thousands of inputs are not measured for coverage: that would double their time.
    """
    for item in items:
        is_generated = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
        if is_generated or item.get_closest_marker("property"):
            item.add_marker("no_cover")
    if hasattr(config, "workerinput"):
        usual = float(config.getini("timeout"))
        items.sort(key=lambda item: (-_time_limit(item, usual), item.get_closest_marker("e2e") is None))


def _time_limit(item: pytest.Item, usual: float) -> float:
    marker = item.get_closest_marker("timeout")
    return max(usual, float(marker.args[0])) if marker else usual


@pytest.fixture(scope="session")
def shipped() -> RuleSet:
    """The shipped rules, which take seconds to load: once for all tests of a worker."""
    from newsflow.tagging import load_rules

    return load_rules()


@pytest.fixture(scope="session", autouse=True)
def _one_worker() -> Iterator[None]:
    """Jobs within the tests' own processes start a second worker only where a test asks for it: it takes seconds."""
    from newsflow.ingest import runtime
    from newsflow.sandbox import normaliser

    with pytest.MonkeyPatch.context() as patch:
        for module in (runtime, normaliser):
            patch.setattr(module, "cores", lambda: 1)
        yield


@pytest.fixture
def fault_table(request: pytest.FixtureRequest) -> Iterator[FaultTable]:
    """Takes the rows of the table that is printed after the fault tests."""
    table = FaultTable()
    yield table
    # Reports carry them from the worker to the process that prints.
    request.node.user_properties.extend(("fault", astuple(row)) for row in table.rows)


_faults = FaultTable()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "teardown":
        _faults.rows += [Fault(*cast(Any, row)) for name, row in report.user_properties if name == "fault"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _faults.rows:
        terminalreporter.section("faults")
        for line in _faults.lines():
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBroker]:
    """One real Kafka for this worker, or the one NEWSFLOW_TEST_BOOTSTRAP names. Do not stop it."""
    from newsflow.ingest.runtime import close_runtimes
    from tests.broker_helpers import RunningBroker

    given = os.environ.get("NEWSFLOW_TEST_BOOTSTRAP")
    if given:
        yield RunningBroker(given)
        return
    local = local_broker(tmp_path_factory.mktemp("kafka"))
    try:
        yield RunningBroker(local.status().bootstrap_servers)
    finally:
        close_runtimes()
        local.kill()


@pytest.fixture(scope="session")
def topics_broker(broker: RunningBroker) -> RunningBroker:
    """The worker's broker, with the declared topics and the feeds of a few rules, for tests that run a whole job."""
    from newsflow.kafka.admin import apply_topics
    from newsflow.model.topics import declared_topics
    from tests.rule_helpers import FEW_RULES

    apply_topics(broker.settings, declared_topics([path.stem for path in FEW_RULES]))
    return broker


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[LocalBroker]:
    """A broker for this test alone, to be stopped and killed at will; about ten seconds to start."""
    from newsflow.ingest.runtime import close_runtimes

    local = local_broker(tmp_path / "kafka")
    try:
        yield local
    finally:
        close_runtimes()
        local.kill()


def local_broker(directory: Path) -> LocalBroker:
    local = LocalBroker(directory, free_port(), libs=LIBS)
    try:
        local.up()
    except MissingToolError as error:
        pytest.skip(str(error))
    return local


@pytest.fixture(scope="session")
def postgres() -> Iterator[LocalPostgres]:
    """A real PostgreSQL for this worker; skips where there is none. Do not stop it."""
    pytest.importorskip("psycopg")
    try:
        find_programs()
    except MissingToolError as error:
        pytest.skip(str(error))
    with LocalPostgres(settings="fsync=off\n") as server:
        yield server


@pytest.fixture(autouse=True)
def no_unexpected_errors(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test during which an error was logged, unless it is marked `allow_errors`."""
    ear = _Ear(logging.ERROR)
    logging.getLogger().addHandler(ear)
    yield
    logging.getLogger().removeHandler(ear)
    outages.forget()
    if jobs := sys.modules.get("tests.e2e.job_process"):
        jobs.end_what_runs()
    if ear.heard and request.node.get_closest_marker("allow_errors") is None:
        pytest.fail("logged unexpectedly: " + "; ".join(ear.heard[:5]))


class _Ear(logging.Handler):
    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith("kafka."):
            return  # its threads log, at any later time, what it retries or raises anyhow
        self.heard.append(f"{record.name}: {record.getMessage()}")
