"""Programs that start servers, ended in every way there is: no process of theirs remains."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from newsflow.leftovers import marked, nothing_left_behind
from newsflow.processes import free_port
from newsflow.tools.broker import LocalBroker
from newsflow.tools.programs import command_line
from tests.conftest import LIBS

ROOT = Path(__file__).resolve().parent.parent
SIGNALS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL]
NOW = [pytest.param(each, marks=pytest.mark.faults) if each in SIGNALS[1:3] else each for each in SIGNALS]
"""All, of which the slow half is for the fault tests."""
pytestmark = pytest.mark.slow
OWN_MARK = "TEST_OF_LEFTOVERS"
DATABASE = """
import sys
from newsflow.leftovers import nothing_left_behind
from newsflow.tools.postgres import LocalPostgres

@nothing_left_behind()
def main():
    with LocalPostgres():
        print("up", flush=True)
        {then}

main()
"""
A_TEST = """
import subprocess, sys, time
import pytest
from newsflow.tools.postgres import LocalPostgres

@pytest.fixture(scope="session")
def server():
    with LocalPostgres() as it:
        yield it

def test_waits(server):
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], start_new_session=True)
    time.sleep(300)
"""


@dataclass
class Program:
    """One program, and all that comes of it: what a process starts inherits its environment."""

    words: list[str]
    folder: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    def start(self, **more: Any) -> subprocess.Popen[bytes]:
        own = {OWN_MARK: self.mark, "TMPDIR": str(self.folder), "PYTHONWARNINGS": "ignore", **self.environ}
        with (self.folder / "log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, *self.words], env={**os.environ, **own}, cwd=ROOT, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, **more,
            )  # fmt: skip

    def processes(self) -> dict[int, str]:
        return {pid: line for pid in marked(self.mark, OWN_MARK) if (line := command_line(pid))}

    def runs(self, what: str) -> bool:
        return any(what in line for line in self.processes().values())

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where a program has its temporary files: not pytest's folder, which another user (PostgreSQL) may not enter."""
    with tempfile.TemporaryDirectory(prefix="newsflow-leftovers-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def wait_until(true: Callable[[], object], program: Program, timeout_s: float = 90) -> None:
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, (program.processes(), program.log())
        time.sleep(0.05)


def check_nothing_remains(program: Program, process: subprocess.Popen[bytes]) -> None:
    process.wait(60)
    wait_until(lambda: not program.processes(), program, 30)


def end(program: Program, up: Callable[[], object], number: signal.Signals) -> None:
    process = program.start()
    try:
        wait_until(lambda: up() or process.poll() is not None, program)
        assert process.poll() is None, program.log()
        process.send_signal(number)
        check_nothing_remains(program, process)
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("number", SIGNALS)
def test_a_program_with_a_database(number: signal.Signals, folder: Path, postgres: object) -> None:
    program = Program(["-c", DATABASE.format(then="sys.stdin.read(); import time; time.sleep(300)")], folder)
    end(program, lambda: "up" in program.log(), number)
    # Ended in order, it also removed its files.
    assert bool(list(folder.glob("newsflow-postgres-*"))) == (number is signal.SIGKILL)


def test_a_program_that_fails_or_loses_its_terminal(folder: Path, postgres: object) -> None:
    failing = Program(["-c", DATABASE.format(then="raise ValueError")], folder)
    check_nothing_remains(failing, failing.start())
    assert "ValueError" in failing.log()

    program = Program(["-c", DATABASE.format(then="import time; time.sleep(300)")], folder)
    ours, theirs = os.openpty()
    # The child becomes the leader of the terminal's session: closing our side is what closing a window is.
    take = f"import fcntl, os, sys, termios; fcntl.ioctl({theirs}, termios.TIOCSCTTY, 0); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    process = Program(["-c", take, *program.words], folder, mark=program.mark).start(
        start_new_session=True, pass_fds=[theirs]
    )
    os.close(theirs)
    wait_until(lambda: "up" in program.log(), program)
    os.close(ours)
    check_nothing_remains(program, process)


def test_what_hides_in_a_session_of_its_own_and_heeds_no_signal(folder: Path) -> None:
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(300)"
    with nothing_left_behind():
        hidden = (
            f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {stubborn!r}], start_new_session=True)"
        )
        program = Program(["-c", hidden], folder)
        program.start().wait()
        wait_until(lambda: program.runs("SIG_IGN"), program)
    assert not program.processes()


@pytest.mark.parametrize("number", NOW)
def test_a_test_run_of_which_the_first_process_alone_is_told(
    number: signal.Signals, folder: Path, postgres: object
) -> None:
    (folder / "test_it.py").write_text(A_TEST)
    words = ["-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider", "-c", "pyproject.toml", "-n", "1"]
    program = Program([*words, str(folder / "test_it.py")], folder)
    end(program, lambda: program.runs("bin/postgres") and program.runs("time.sleep"), number)


def test_a_database_benchmark(folder: Path, postgres: object) -> None:
    program = Program(["benchmarks/dedup.py", "--databases", "postgresql"], folder)
    end(program, lambda: program.runs("bin/postgres"), signal.SIGTERM)


@pytest.mark.e2e
@pytest.mark.parametrize("number", [NOW[0], *(pytest.param(each, marks=pytest.mark.faults) for each in SIGNALS[1:])])
def test_a_broker_benchmark(number: signal.Signals, folder: Path, broker: object) -> None:
    program = Program(["benchmarks/throughput.py"], folder)
    end(
        program, lambda: list(folder.glob("newsflow-bench-*/kafka/broker.json")) and program.runs("kafka.Kafka"), number
    )
    assert bool(list(folder.glob("newsflow-bench-*"))) == (number is signal.SIGKILL)


@pytest.mark.e2e
@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGHUP, marks=pytest.mark.faults)])
def test_a_broker_whose_start_is_interrupted(number: signal.Signals, folder: Path, broker: object) -> None:
    (folder / "kafka").mkdir()
    (folder / "kafka" / "libs").symlink_to(LIBS)
    program = Program(["-m", "newsflow", "dev", "up", "-d", str(folder / "kafka"), "--port", str(free_port())], folder)
    try:
        end(program, lambda: program.runs("kafka.Kafka"), number)
    finally:
        with contextlib.suppress(OSError):
            LocalBroker(folder / "kafka").kill()
