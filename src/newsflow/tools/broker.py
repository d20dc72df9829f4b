"""One real Apache Kafka on the loopback interface: up, down, kill, status.

Everything is in one directory: `libs/` (the jars), `data/` (the log), `broker.log`, `broker.json` (the pid and
port), `server.properties`. Each step can be killed at any point and begun again: what is half done has another
name, and a broker that lost its pid file is found by its command line.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from newsflow.errors import LocalServiceError
from newsflow.processes import LOOPBACK, find_java, free_port, port_is_free
from newsflow.resources import deploy_dir
from newsflow.tools.node import Listener, Node
from newsflow.tools.programs import (
    WITHOUT_BROKER,
    child_runs,
    command_line,
    ensure_jars,
    exclusive,
    exit_code,
    find_process,
    has_argument,
    port_owner,
    spawn,
)

_METADATA, _VERSION = 3, 1
_CORRELATION = 1
_MAX_RESPONSE_BYTES = 1 << 20


def broker_answers(host: str, port: int, timeout_s: float = 2.0) -> bool:
    """Tell whether a Kafka broker at a plaintext listener names at least one live broker of its cluster.

    An open port alone does not mean that it answers: a node that has not joined its own cluster yet names none, and
    would refuse to create a topic. https://kafka.apache.org/protocol#The_Messages_Metadata
    """
    try:
        with socket.create_connection((host, port), timeout_s) as connection:
            connection.settimeout(timeout_s)
            connection.sendall(_request())
            return _count_brokers(_response(connection)) > 0
    except (OSError, struct.error, ValueError):
        return False


def _request() -> bytes:
    client = b"newsflow-probe"
    header = struct.pack(f">hhih{len(client)}s", _METADATA, _VERSION, _CORRELATION, len(client), client)
    body = header + struct.pack(">i", 0)  # of no topic
    return struct.pack(">i", len(body)) + body


def _response(connection: socket.socket) -> bytes:
    with connection.makefile("rb") as stream:
        (size,) = struct.unpack(">i", stream.read(4))
        if not 8 <= size <= _MAX_RESPONSE_BYTES:
            raise ValueError(f"{size} bytes are not an answer of a broker")
        return stream.read(size)


def _count_brokers(response: bytes) -> int:
    # A connection closed too early leaves too few bytes, a struct.error.
    correlation, brokers = struct.unpack_from(">ii", response)
    if correlation != _CORRELATION:
        raise ValueError("not an answer to this question")
    return int(brokers)


DEFAULT_DIRECTORY = Path(".newsflow/kafka")
DEFAULT_PORT = 19092
START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 30.0
_POLL_S = 0.1


class BrokerState(StrEnum):
    """What a local broker is doing."""

    UP = "up"
    """It answers."""
    SILENT = "silent"
    """Its process runs and does not answer: it is starting, stopping, or stuck."""
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class BrokerStatus:
    """What is known of a local broker. `pid` is None when it is down."""

    state: BrokerState
    port: int
    pid: int | None
    directory: Path
    already: bool = False
    """It was in this state before the call."""

    @property
    def bootstrap_servers(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    @property
    def log(self) -> Path:
        return self.directory / "broker.log"


class LocalBroker:
    """A broker whose state is `directory`. The same directory and port name the same broker in any process.

    It outlives the process that started it. `libs` holds the jars (default: within `directory`), `listeners`
    come beside the plaintext one, `properties` override server.properties.
    """

    def __init__(
        self,
        directory: Path = DEFAULT_DIRECTORY,
        port: int = DEFAULT_PORT,
        *,
        libs: Path | None = None,
        heap: str = "512m",
        listeners: Sequence[Listener] = (),
        properties: Mapping[str, str] | None = None,
    ) -> None:
        self.directory, self.port = directory.resolve(), port
        libs = (libs or self.directory / "libs").resolve()
        self._node = Node(self.directory, port, libs, heap, tuple(listeners), dict(properties or {}))
        if "," in str(self.directory):
            raise LocalServiceError(f"{self.directory}: Kafka takes a comma in a path for a separator; choose another")

    def up(self, timeout_s: float = START_TIMEOUT_S, say: Callable[[str], None] = lambda _: None) -> BrokerStatus:
        """Start the broker unless it is up, and return when it answers; blocks up to `timeout_s` for that.

        The first call also fetches the jars (`say` is told so). Raises `MissingToolError` without Java (or,
        the first time, Maven), `LocalServiceError` when the port is taken or the broker does not come up.
        """
        if not self.directory.exists():  # What is refused leaves no folder behind.
            find_java("the local Kafka broker", WITHOUT_BROKER)
            self._refuse_taken_ports()
        self.directory.mkdir(parents=True, exist_ok=True)
        with exclusive(self.directory / "broker.lock"):
            pid, port = self._running()
            if pid is not None:
                return self._already_running(pid, port, timeout_s)
            java = find_java("the local Kafka broker", WITHOUT_BROKER)
            self._refuse_taken_ports()
            ensure_jars(self._node.libs, deploy_dir() / "kafka" / "pom.xml", say)
            self._node.format(java)
            return self._start(java, timeout_s)

    def last_known(self) -> BrokerStatus:
        """Where it runs, or ran last; whether it answers is not asked."""
        pid, port = self._running()
        return BrokerStatus(BrokerState.DOWN if pid is None else BrokerState.UP, port, pid, self.directory)

    def status(self) -> BrokerStatus:
        """Ask the process table and the broker itself; blocks 2 s at most."""
        pid, port = self._running()
        if pid is None:
            return BrokerStatus(BrokerState.DOWN, self.port, None, self.directory)
        answers = broker_answers(LOOPBACK, port)
        return BrokerStatus(BrokerState.UP if answers else BrokerState.SILENT, port, pid, self.directory)

    def down(self, timeout_s: float = STOP_TIMEOUT_S) -> BrokerStatus:
        """Stop the broker in order: it flushes its log first. After `timeout_s` it is killed."""
        pid, port = self._running()
        if pid is None:
            return BrokerStatus(BrokerState.DOWN, self.port, None, self.directory, already=True)
        _signal(pid, signal.SIGTERM)
        if not self._wait_gone(pid, timeout_s):
            return self.kill()
        self._record(None, port)
        return BrokerStatus(BrokerState.DOWN, port, None, self.directory)

    def kill(self) -> BrokerStatus:
        """End the broker with SIGKILL, as a crash would. Its data stays and `up` recovers it."""
        pid, port = self._running()
        if pid is not None:
            _signal(pid, signal.SIGKILL)
            if not self._wait_gone(pid, STOP_TIMEOUT_S):
                raise LocalServiceError(f"process {pid} does not end, even killed; its log: {self._node.log}")
        if self.directory.is_dir():
            self._record(None, port)
        return BrokerStatus(BrokerState.DOWN, port, None, self.directory, already=pid is None)

    def _running(self) -> tuple[int | None, int]:
        """The process that runs this directory's broker, if any, and its port."""
        recorded = self._recorded()
        port = int(recorded.get("port", self.port))
        pid = recorded.get("pid")
        if isinstance(pid, int) and self._is_ours(pid):
            return pid, port
        # A start that was killed before it wrote the pid, or a file from before a reboot.
        return find_process(self._node.marker), port

    def _is_ours(self, pid: int) -> bool:
        # A child is asked about as one: right after its start it has no command line yet.
        running = child_runs(pid, self._node.marker)
        return has_argument(command_line(pid), self._node.marker) if running is None else running

    @property
    def _record_file(self) -> Path:
        return self.directory / "broker.json"

    def _recorded(self) -> dict[str, Any]:
        try:
            recorded = json.loads(self._record_file.read_text())
        except (OSError, ValueError):
            return {}
        return recorded if isinstance(recorded, dict) and isinstance(recorded.get("port"), int) else {}

    def _record(self, pid: int | None, port: int | None = None) -> None:
        """The port stays when the broker is down: commands of this folder then miss it, and use no other's."""
        fresh = self._record_file.with_suffix(".json.new")
        fresh.write_text(json.dumps({"pid": pid, "port": port or self.port}) + "\n")
        fresh.replace(self._record_file)

    def _already_running(self, pid: int, port: int, timeout_s: float) -> BrokerStatus:
        if port != self.port:
            raise LocalServiceError(
                f"the broker of {self.directory} is up on port {port} (process {pid}), not on {self.port}; "
                f"use that port, or stop it first with `newsflow dev down`"
            )
        self._wait_up(pid, timeout_s)
        return BrokerStatus(BrokerState.UP, port, pid, self.directory, already=True)

    def _refuse_taken_ports(self) -> None:
        for port in self._node.ports:
            if not port_is_free(port):
                raise LocalServiceError(
                    f"port {port} is taken by {port_owner(port)}; stop that, or choose another with --port"
                )

    def _start(self, java: str, timeout_s: float) -> BrokerStatus:
        log = self._node.log
        if log.exists():
            log.replace(log.with_suffix(".log.1"))
        self._record(None)
        pid = spawn(self._node.command(java), log)
        self._record(pid)
        try:
            self._wait_up(pid, timeout_s)
        except BaseException:
            self.kill()
            raise
        return BrokerStatus(BrokerState.UP, self.port, pid, self.directory)

    def _wait_up(self, pid: int, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while not broker_answers(LOOPBACK, self.port):
            if not self._is_ours(pid):
                code = exit_code(pid)
                with_code = "" if code is None else f" with exit code {code}"
                raise LocalServiceError(f"the broker (process {pid}) ended{with_code}{self._node.said_last()}")
            if time.monotonic() >= deadline:
                raise LocalServiceError(
                    f"the broker (process {pid}) did not answer within {timeout_s:g} s{self._node.said_last()}"
                )
            time.sleep(_POLL_S)

    def _wait_gone(self, pid: int, timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        while self._is_ours(pid):
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_S / 2)
        return True


def broker_in(directory: Path, port: int | None = None) -> LocalBroker:
    """The broker of a folder: on `port`, else where it runs or ran last, or usually; on any where that is taken."""
    if port is not None:
        return LocalBroker(directory, port)
    found = LocalBroker(directory, DEFAULT_PORT).last_known()
    return LocalBroker(directory, found.port if found.pid is not None or port_is_free(found.port) else free_port())


def _signal(pid: int, what: signal.Signals) -> None:
    try:
        os.kill(pid, what)
    except ProcessLookupError:
        return
    except PermissionError as error:
        raise LocalServiceError(f"process {pid} belongs to another user and cannot be stopped") from error
