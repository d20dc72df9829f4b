"""The files of one local broker, a KRaft node that is broker and controller on loopback, and the commands for them."""

from __future__ import annotations

import base64
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from newsflow.errors import LocalServiceError
from newsflow.processes import LOOPBACK, free_port
from newsflow.resources import deploy_dir

NODE_ID = 1


@dataclass(frozen=True, slots=True)
class Listener:
    """One more listener beside the plaintext one: `protocol` is SSL, SASL_PLAINTEXT or SASL_SSL."""

    name: str
    protocol: str
    port: int


def server_properties(
    data: Path,
    port: int,
    controller_port: int,
    listeners: Sequence[Listener] = (),
    extra: Mapping[str, str] | None = None,
) -> str:
    """Return the text of server.properties. `extra` overrides what is set here."""
    plain = Listener("PLAINTEXT", "PLAINTEXT", port)
    controller = Listener("CONTROLLER", "PLAINTEXT", controller_port)
    public = (plain, *listeners)
    settings = {
        "process.roles": "broker,controller",
        "node.id": str(NODE_ID),
        "controller.quorum.voters": f"{NODE_ID}@{LOOPBACK}:{controller_port}",
        "controller.listener.names": controller.name,
        "listeners": ",".join(map(_address, (*public, controller))),
        "advertised.listeners": ",".join(map(_address, public)),
        "listener.security.protocol.map": ",".join(f"{it.name}:{it.protocol}" for it in (*public, controller)),
        "inter.broker.listener.name": plain.name,
        "log.dirs": str(data),
        # Topics are declared and applied; a typing error must not make one.
        "auto.create.topics.enable": "false",
        **_SETTINGS,
        **(extra or {}),
    }
    return "".join(f"{key}={_escape(value)}\n" for key, value in settings.items())


_SETTINGS = {
    # One node holds the only copy.
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # Quick to start, also after a kill.
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    # A killed node may register again only when its old session has ended: 9 s by default.
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "500",
    # Small.
    "offsets.topic.num.partitions": "5",
    "transaction.state.log.num.partitions": "5",
    "share.coordinator.state.topic.num.partitions": "1",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "num.recovery.threads.per.data.dir": "1",
    "log.cleaner.dedupe.buffer.size": str(8 << 20),
    "log.segment.bytes": str(64 << 20),
}


def _address(listener: Listener) -> str:
    return f"{listener.name}://{LOOPBACK}:{listener.port}"


def _escape(value: str) -> str:
    # A backslash starts an escape in a Java properties file, whose text is Latin-1: the rest is written as escapes.
    units = value.replace("\\", "\\\\").encode("utf-16-be")
    pairs = (int.from_bytes(units[at : at + 2]) for at in range(0, len(units), 2))
    return "".join(chr(unit) if unit < 0x7F else f"\\u{unit:04x}" for unit in pairs)


_FORMAT_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Node:
    """Where a broker's files are and what its settings say. `directory` and `libs` are absolute."""

    directory: Path
    port: int
    libs: Path
    heap: str = "512m"
    listeners: tuple[Listener, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def log(self) -> Path:
        return self.directory / "broker.log"

    @property
    def marker(self) -> str:
        """An argument in the command line of this directory's broker and of no other process."""
        return f"-Dnewsflow.broker={self.directory}"

    @property
    def ports(self) -> tuple[int, ...]:
        """All ports that clients connect to, the plaintext one first."""
        return (self.port, *(listener.port for listener in self.listeners))

    def format(self, java: str) -> None:
        """Give the data directory its cluster id. Done beside it and renamed, so that it is whole or not there."""
        if (self.data / "meta.properties").is_file():
            return
        for leftover in self.directory.glob("format-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        # A folder of its own: a formatter whose starter was killed may still be at work in another.
        room = Path(tempfile.mkdtemp(prefix="format-", dir=self.directory))
        fresh = room / "data"
        properties = self._write_properties(room / "server.properties", fresh)
        command = [
            *(*self._java(java, "128m"), "kafka.tools.StorageTool", "format"),
            *("--cluster-id", _cluster_id(), "--config", str(properties)),
        ]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_FORMAT_TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired as error:
            raise LocalServiceError(f"formatting {fresh} took more than {_FORMAT_TIMEOUT_S:g} s") from error
        if done.returncode:
            raise LocalServiceError(f"Kafka could not format {fresh}:\n{(done.stdout + done.stderr)[-2000:].strip()}")
        if self.data.exists():  # without meta.properties: never a whole data directory, and perhaps not ours
            self.data.rename(self.directory / f"data.unformatted-{time.time_ns()}")
        fresh.rename(self.data)
        shutil.rmtree(room, ignore_errors=True)

    def command(self, java: str) -> list[str]:
        """Write the broker's settings and return what starts it."""
        properties = self._write_properties(self.directory / "server.properties", self.data)
        return [*self._java(java, self.heap), self.marker, "kafka.Kafka", str(properties)]

    def said_last(self) -> str:
        """The end of the broker's log, to close an error message with."""
        try:
            lines = self.log.read_text("utf-8", "replace").strip().splitlines()[-15:]
        except OSError:
            lines = []
        said = "\n".join(line[:300] for line in lines) or "(nothing)"
        return f". It last said, in {self.log}:\n{said}"

    def _write_properties(self, file: Path, data: Path) -> Path:
        # No client needs the controller's port: any free one, another at each start.
        controller_port = free_port(frozenset(self.ports))
        file.write_text(server_properties(data, self.port, controller_port, self.listeners, self.properties))
        return file

    def _java(self, java: str, heap: str) -> tuple[str, ...]:
        # The optimising compiler takes more than it gives back in the life of a local broker.
        log4j = (deploy_dir() / "kafka" / "log4j2.properties").resolve()
        return (
            *(java, f"-Xms{heap}", f"-Xmx{heap}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
            *("-XX:+ExitOnOutOfMemoryError", "-Djava.awt.headless=true", "-Djava.net.preferIPv4Stack=true"),
            *(f"-Dlog4j2.configurationFile={log4j}", "-cp", f"{self.libs}/*"),
        )


def _cluster_id() -> str:
    """A random id in Kafka's form, 22 characters; never with a leading hyphen, which would be read as an option."""
    text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return "A" + text[1:] if text.startswith("-") else text
