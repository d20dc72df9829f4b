"""One real Apache Kafka on the loopback interface: up, down, kill, status.

Everything lies in one directory: `libs/` (the jars), `data/` (the log), `broker.log`, `broker.json` (the pid and
ports), `server.properties`. Each step can be killed at any point and begun again: what is half done has another
name, and a broker that lost its pid file is found by its command line.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from newsflow.dev.jars import ensure_jars
from newsflow.dev.locks import exclusive
from newsflow.dev.probe import broker_answers
from newsflow.dev.processes import (
    LOOPBACK,
    command_line,
    find_process,
    free_port,
    has_argument,
    port_is_free,
    port_owner,
)
from newsflow.dev.properties import Listener, server_properties
from newsflow.dev.tools import find_java
from newsflow.errors import LocalServiceError
from newsflow.resources import deploy_dir

DEFAULT_DIRECTORY = Path(".newsflow/kafka")
DEFAULT_PORT = 19092
START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 30.0
_FORMAT_TIMEOUT_S = 60.0
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
        """Where clients connect to: `127.0.0.1:19092`."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def log(self) -> Path:
        """What the broker says."""
        return self.directory / "broker.log"


def _silent(_: str) -> None:
    pass


class LocalBroker:
    """A broker whose state is `directory`. The same directory and port name the same broker in any process.

    `libs` holds the jars (default: within `directory`), `listeners` come beside the plaintext one,
    `properties` override server.properties.
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
        self.directory = directory.resolve()
        self.port = port
        self._libs = (libs or self.directory / "libs").resolve()
        self._heap = heap
        self._listeners = tuple(listeners)
        self._properties = dict(properties or {})
        # A child that ended stays a zombie until it is waited for, and Popen waits for it.
        self._process: subprocess.Popen[bytes] | None = None
        if "," in str(self.directory):
            raise LocalServiceError(f"{self.directory}: Kafka takes a comma in a path for a separator; choose another")

    def up(self, timeout_s: float = START_TIMEOUT_S, say: Callable[[str], None] = _silent) -> BrokerStatus:
        """Start the broker unless it is up, and return when it answers; blocks up to `timeout_s` for that.

        The first call also fetches the jars (`say` is told so). Raises `MissingToolError` without Java (or,
        the first time, Maven), `LocalServiceError` when the port is taken or the broker does not come up.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        with exclusive(self.directory / "broker.lock"):
            pid, port = self._running()
            if pid is not None:
                return self._already_running(pid, port, timeout_s)
            java = find_java()
            ensure_jars(self._libs, deploy_dir() / "kafka" / "pom.xml", say)
            self._refuse_taken_ports()
            self._format(java)
            return self._start(java, timeout_s)

    def status(self) -> BrokerStatus:
        """Ask the process table and the broker itself; blocks 2 s at most."""
        pid, port = self._running()
        if pid is None:
            return self._status(BrokerState.DOWN, self.port, None)
        answers = broker_answers(LOOPBACK, port)
        return self._status(BrokerState.UP if answers else BrokerState.SILENT, port, pid)

    def down(self, timeout_s: float = STOP_TIMEOUT_S) -> BrokerStatus:
        """Stop the broker in order: it flushes its log first. After `timeout_s` it is killed."""
        pid, port = self._running()
        if pid is None:
            return self._status(BrokerState.DOWN, self.port, None, already=True)
        self._signal(pid, signal.SIGTERM)
        if not self._wait_gone(pid, timeout_s):
            return self.kill()
        self._forget()
        return self._status(BrokerState.DOWN, port, None)

    def kill(self) -> BrokerStatus:
        """End the broker with SIGKILL, as a crash would. Its data stays and `up` recovers it."""
        pid, port = self._running()
        if pid is not None:
            self._signal(pid, signal.SIGKILL)
            if not self._wait_gone(pid, STOP_TIMEOUT_S):
                raise LocalServiceError(f"process {pid} does not end, even killed; its log: {self._log}")
        self._forget()
        return self._status(BrokerState.DOWN, port, None, already=pid is None)

    # What is running

    @property
    def _log(self) -> Path:
        return self.directory / "broker.log"

    @property
    def _marker(self) -> str:
        """Stands in the command line of this directory's broker and of no other process."""
        return f"-Dnewsflow.broker={self.directory}"

    def _status(self, state: BrokerState, port: int, pid: int | None, already: bool = False) -> BrokerStatus:
        return BrokerStatus(state, port, pid, self.directory, already)

    def _running(self) -> tuple[int | None, int]:
        """The process that runs this directory's broker, if any, and its port."""
        if self._process is not None:
            self._process.poll()
        recorded = self._recorded()
        port = int(recorded.get("port", self.port))
        pid = recorded.get("pid")
        if isinstance(pid, int) and self._is_ours(pid):
            return pid, port
        # A start that was killed before it wrote the pid, or a file from before a reboot.
        return find_process(self._marker), port

    def _is_ours(self, pid: int) -> bool:
        return has_argument(command_line(pid), self._marker)

    def _recorded(self) -> dict[str, Any]:
        try:
            recorded = json.loads((self.directory / "broker.json").read_text())
        except (OSError, ValueError):
            return {}
        return recorded if isinstance(recorded, dict) and isinstance(recorded.get("port"), int) else {}

    def _record(self, pid: int | None) -> None:
        fresh = self.directory / "broker.json.new"
        fresh.write_text(json.dumps({"pid": pid, "port": self.port}) + "\n")
        fresh.replace(self.directory / "broker.json")

    def _forget(self) -> None:
        (self.directory / "broker.json").unlink(missing_ok=True)
        if self._process is not None:
            self._process.wait(STOP_TIMEOUT_S)
            self._process = None

    # Starting

    def _already_running(self, pid: int, port: int, timeout_s: float) -> BrokerStatus:
        if port != self.port:
            raise LocalServiceError(
                f"the broker of {self.directory} is up on port {port} (process {pid}), not on {self.port}; "
                f"use that port, or stop it first with `newsflow dev down`"
            )
        deadline = time.monotonic() + timeout_s
        while self._is_ours(pid):
            if broker_answers(LOOPBACK, port):
                return self._status(BrokerState.UP, port, pid, already=True)
            if time.monotonic() >= deadline:
                raise LocalServiceError(
                    f"process {pid} runs but has not answered on port {port} within {timeout_s:g} s; "
                    f"its log: {self._log}; `newsflow dev down` stops it"
                )
            time.sleep(_POLL_S)
        raise LocalServiceError(f"the broker (process {pid}) ended while it was waited for{self._tail()}")

    def _refuse_taken_ports(self) -> None:
        for port in (self.port, *(listener.port for listener in self._listeners)):
            if not port_is_free(port):
                raise LocalServiceError(
                    f"port {port} is taken by {port_owner(port)}; stop that, or choose another with --port"
                )

    def _format(self, java: str) -> None:
        """Give the data directory its cluster id. Done beside it and renamed, so that it is whole or not there."""
        data, fresh = self.directory / "data", self.directory / "data.new"
        if (data / "meta.properties").is_file():
            return
        shutil.rmtree(fresh, ignore_errors=True)
        properties = self.directory / "format.properties"
        self._write_properties(properties, fresh, free_port(self._ports))
        command = [
            *(*self._java(java, "128m"), "-XX:TieredStopAtLevel=1", "kafka.tools.StorageTool", "format"),
            *("--cluster-id", _cluster_id(), "--config", str(properties)),
        ]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_FORMAT_TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired as error:
            raise LocalServiceError(f"formatting {fresh} took more than {_FORMAT_TIMEOUT_S:g} s") from error
        if done.returncode:
            raise LocalServiceError(f"Kafka could not format {fresh}:\n{(done.stdout + done.stderr)[-2000:].strip()}")
        if data.exists():  # without meta.properties: never a whole data directory
            data.rename(self.directory / f"data.unformatted-{int(time.time())}")
        fresh.rename(data)

    def _start(self, java: str, timeout_s: float) -> BrokerStatus:
        properties = self.directory / "server.properties"
        self._write_properties(properties, self.directory / "data", free_port(self._ports))
        if self._log.exists():
            self._log.replace(self._log.with_suffix(".log.1"))
        self._record(None)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._java(java, self._heap), self._marker, "kafka.Kafka", str(properties)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C at the terminal is for the command, not for the broker
            )
        self._record(self._process.pid)
        try:
            self._wait_up(self._process, timeout_s)
        except BaseException:
            self.kill()
            raise
        return self._status(BrokerState.UP, self.port, self._process.pid)

    def _wait_up(self, process: subprocess.Popen[bytes], timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while not broker_answers(LOOPBACK, self.port):
            if process.poll() is not None:
                raise LocalServiceError(f"the broker ended with exit code {process.returncode}{self._tail()}")
            if time.monotonic() >= deadline:
                raise LocalServiceError(f"the broker did not answer within {timeout_s:g} s{self._tail()}")
            time.sleep(_POLL_S)

    @property
    def _ports(self) -> frozenset[int]:
        return frozenset((self.port, *(listener.port for listener in self._listeners)))

    def _write_properties(self, file: Path, data: Path, controller_port: int) -> None:
        file.write_text(server_properties(data, self.port, controller_port, self._listeners, self._properties))

    def _java(self, java: str, heap: str) -> tuple[str, ...]:
        log4j = (deploy_dir() / "kafka" / "log4j2.properties").resolve()
        return (
            *(java, f"-Xms{heap}", f"-Xmx{heap}", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError"),
            *("-Djava.awt.headless=true", "-Djava.net.preferIPv4Stack=true"),
            *(f"-Dlog4j2.configurationFile={log4j}", "-cp", f"{self._libs}/*"),
        )

    # Stopping

    def _signal(self, pid: int, what: signal.Signals) -> None:
        try:
            os.kill(pid, what)
        except ProcessLookupError:
            return
        except PermissionError as error:
            raise LocalServiceError(f"process {pid} belongs to another user and cannot be stopped") from error

    def _wait_gone(self, pid: int, timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        while self._is_ours(pid):
            if self._process is not None:
                self._process.poll()
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_S / 2)
        return True

    def _tail(self) -> str:
        """The end of the broker's log, for an error message."""
        try:
            lines = self._log.read_text("utf-8", "replace").strip().splitlines()[-15:]
        except OSError:
            lines = []
        said = "\n".join(line[:300] for line in lines) or "(nothing)"
        return f". It last said, in {self._log}:\n{said}"


def _cluster_id() -> str:
    """A random id in Kafka's form, 22 characters; never with a leading hyphen, which would be read as an option."""
    text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return "A" + text[1:] if text.startswith("-") else text
