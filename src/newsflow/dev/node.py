"""The files of one local broker and the commands that run on them."""

from __future__ import annotations

import base64
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from newsflow.dev.processes import free_port
from newsflow.dev.properties import Listener, server_properties
from newsflow.errors import LocalServiceError
from newsflow.resources import deploy_dir

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
        """Kafka's log directory."""
        return self.directory / "data"

    @property
    def log(self) -> Path:
        """What the broker says on its standard output."""
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
            *(*self._java(java, "128m"), "-XX:TieredStopAtLevel=1", "kafka.tools.StorageTool", "format"),
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
        # The controller's port is nobody's business: any free one, another at each start.
        controller_port = free_port(frozenset(self.ports))
        file.write_text(server_properties(data, self.port, controller_port, self.listeners, self.properties))
        return file

    def _java(self, java: str, heap: str) -> tuple[str, ...]:
        log4j = (deploy_dir() / "kafka" / "log4j2.properties").resolve()
        return (
            *(java, f"-Xms{heap}", f"-Xmx{heap}", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError"),
            *("-Djava.awt.headless=true", "-Djava.net.preferIPv4Stack=true"),
            *(f"-Dlog4j2.configurationFile={log4j}", "-cp", f"{self.libs}/*"),
        )


def _cluster_id() -> str:
    """A random id in Kafka's form, 22 characters; never with a leading hyphen, which would be read as an option."""
    text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return "A" + text[1:] if text.startswith("-") else text
