"""The local broker, started, killed and found again for real."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from newsflow.errors import LocalServiceError, MissingToolError
from newsflow.kafka.producer import BatchWriter
from newsflow.processes import free_port
from newsflow.tools.broker import BrokerState, LocalBroker
from newsflow.tools.programs import find_process
from tests.broker_helpers import RunningBroker
from tests.conftest import LIBS

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[LocalBroker]:
    """A broker that was never started, in a folder with a space in its name."""
    local = LocalBroker(tmp_path / "a broker", free_port(), libs=LIBS)
    yield local
    local.kill()


def start(local: LocalBroker) -> None:
    try:
        local.up()
    except MissingToolError as error:
        pytest.skip(str(error))


def write(local: LocalBroker, topic: str, value: bytes) -> None:
    with closing(BatchWriter(RunningBroker(local.status().bootstrap_servers).settings)) as writer:
        writer.send(topic, b"k", value)
        writer.flush()


def test_up_again_changes_nothing_and_status_tells(fresh: LocalBroker) -> None:
    assert fresh.status().state is BrokerState.DOWN
    start(fresh)
    first = fresh.status()
    again = LocalBroker(fresh.directory, fresh.port, libs=LIBS).up()
    assert (first.state, again.already, again.pid) == (BrokerState.UP, True, first.pid)
    with pytest.raises(LocalServiceError, match=rf"is up on port {fresh.port} .*newsflow dev down"):
        LocalBroker(fresh.directory, fresh.port + 1, libs=LIBS).up()
    assert fresh.down().state is BrokerState.DOWN
    assert fresh.status().state is BrokerState.DOWN
    assert fresh.down().already


@pytest.mark.faults
def test_what_was_acknowledged_survives_a_kill(own_broker: LocalBroker) -> None:
    handle = RunningBroker(own_broker.status().bootstrap_servers)
    topic = handle.create_topic()
    for round_number in range(2):
        write(own_broker, topic, b"%d" % round_number)
        killed = own_broker.status().pid
        own_broker.kill()
        assert own_broker.status().state is BrokerState.DOWN
        assert own_broker.up().pid != killed
    assert [event.value for event in handle.read(topic)] == [b"0", b"1"]


def test_a_broker_whose_pid_file_is_lost_or_wrong_is_found(own_broker: LocalBroker) -> None:
    pid = own_broker.status().pid
    record = own_broker.directory / "broker.json"
    record.unlink()
    assert own_broker.status().pid == pid
    for text in ("", "[]", '{"pid": "x", "port": 1', json.dumps({"pid": os.getpid(), "port": own_broker.port})):
        record.write_text(text)
        assert own_broker.status().pid == pid, text
    # The last one named this very process: it must not be the one that is stopped.
    assert own_broker.down().state is BrokerState.DOWN


def test_what_an_interrupted_start_left_behind_is_made_anew(fresh: LocalBroker) -> None:
    half = fresh.directory / "format-killed" / "data"
    half.mkdir(parents=True)
    (half / "bootstrap.checkpoint").write_bytes(b"\x00half")
    unformatted = fresh.directory / "data"
    unformatted.mkdir()
    (unformatted / "stray").write_text("kept")
    (fresh.directory / "broker.json").write_text(json.dumps({"pid": 2**22 + 1, "port": 1}))
    start(fresh)
    assert fresh.status().state is BrokerState.UP
    assert not half.exists()
    # Nothing is deleted that might be somebody's.
    assert [path.read_text() for path in fresh.directory.glob("data.unformatted-*/stray")] == ["kept"]


def test_two_starts_at_once_make_one_broker(fresh: LocalBroker) -> None:
    code = (
        "import sys; from pathlib import Path; from newsflow.tools.broker import LocalBroker; "
        "print(LocalBroker(Path(sys.argv[1]), int(sys.argv[2]), libs=Path(sys.argv[3])).up().pid)"
    )
    command = [sys.executable, "-c", code, str(fresh.directory), str(fresh.port), str(LIBS)]
    start(LocalBroker(fresh.directory, fresh.port, libs=LIBS))  # fetches the jars, or skips
    fresh.down()
    starts = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    pids = {start.communicate(timeout=120)[0].strip() for start in starts}
    assert pids == {str(fresh.status().pid)}


def test_a_broker_that_ends_at_once_says_why(tmp_path: Path) -> None:
    local = LocalBroker(tmp_path, free_port(), libs=LIBS, properties={"num.io.threads": "0"})
    with pytest.raises(LocalServiceError, match=r"(?s)num\.io\.threads") as raised:
        start(local)
    assert "Value must be at least 1" in str(raised.value)
    assert local.status().state is BrokerState.DOWN


def test_a_start_that_takes_too_long_is_ended(fresh: LocalBroker) -> None:
    start(fresh)
    fresh.down()
    with pytest.raises(LocalServiceError, match=r"did not answer within 0\.2 s"):
        fresh.up(timeout_s=0.2)
    assert fresh.status().state is BrokerState.DOWN


@pytest.mark.faults
def test_starts_killed_at_any_moment_leave_one_broker_that_works(fresh: LocalBroker) -> None:
    start(LocalBroker(fresh.directory / "warm-up", free_port(), libs=LIBS))
    LocalBroker(fresh.directory / "warm-up", libs=LIBS).kill()
    command = [sys.executable, "-m", "newsflow", "dev", "up", "--port", str(fresh.port), "-d", str(fresh.directory)]
    (fresh.directory / "libs").symlink_to(LIBS)
    dice = Random(7)
    for _ in range(10):
        starting = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            starting.wait(dice.uniform(0.3, 3.0))
        starting.kill()
        starting.wait()
        if dice.random() < 0.5:
            fresh.kill()
    assert fresh.up().state is BrokerState.UP
    topic = RunningBroker(fresh.status().bootstrap_servers).create_topic()
    write(fresh, topic, b"works")
    assert fresh.down().state is BrokerState.DOWN
    assert find_process(f"-Dnewsflow.broker={fresh.directory}") is None
