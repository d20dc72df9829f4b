"""A terminal in which a page is typed: one bash, one folder, and `newsflow` by the command server."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from newsflow.tools.postgres import find_programs
from tests.conftest import LIBS

HERE = Path(__file__).resolve().parent
COMMAND_S = 120.0
_CATCHES_SIGTERM = 1 << (signal.SIGTERM - 1)


class CommandServer:
    """The process that forks for each `newsflow`; `socket` is where it is asked."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "commands"
        self._log = (folder / "commands.log").open("wb")
        command = [sys.executable, str(HERE / "command_server.py"), str(self.socket)]
        environ = {**os.environ, "PYTHONWARNINGS": "ignore"}
        self._process = subprocess.Popen(command, env=environ, stderr=self._log, stdin=subprocess.DEVNULL)

    def wait(self) -> None:
        """Until it listens; the imports take seconds."""
        wait_for(lambda: self.socket.exists() or self._process.poll() is not None, "the command server")
        assert self._process.poll() is None, Path(self._log.name).read_text()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._log.close()


@dataclass(frozen=True)
class Typed:
    """What became of a command: its exit code, and all it wrote."""

    code: int
    output: str


class Shell:
    """Types commands one after the other in `folder`; what one exports or where it goes holds for the next."""

    def __init__(self, folder: Path, server: CommandServer, environ: Mapping[str, str]) -> None:
        self._output = folder.parent / f"{folder.name}.output"
        self.programs = folder / ".venv" / "bin"
        _write_programs(self.programs)
        told = {name: os.environ[name] for name in ("PATH", "JAVA_HOME", "LANG", "PYTHONPATH") if name in os.environ}
        told |= {"HOME": str(folder), "COLUMNS": "200", "PYTHONWARNINGS": "ignore"}
        told |= {"DOCS_SERVER": str(server.socket), "DOCS_LIBS": str(LIBS), **environ}
        told["PATH"] = os.pathsep.join([str(self.programs), str(find_programs()), told["PATH"]])
        self._answers, self._to = os.pipe()
        self._bash = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            cwd=folder, env=told, stdin=subprocess.PIPE, text=True, pass_fds=[self._to], start_new_session=True,
        )  # fmt: skip

    def types(self, command: str) -> Typed:
        """Run it to its end."""
        code = self._says(f"{{ {command}\n}} >'{self._output}' 2>&1 </dev/null", "$?")
        return Typed(int(code), self.written())

    def begins(self, command: str) -> int:
        """Run what does not end by itself; returns its process."""
        self._output.write_bytes(b"")
        return int(self._says(f">'{self._output}' 2>&1 </dev/null {command} &", "$!"))

    def interrupts(self, process: int) -> Typed:
        """Press Ctrl-C, and wait for the end."""
        os.kill(process, signal.SIGINT)
        return Typed(int(self._says(f"wait {process}", "$?")), self.written())

    def runs(self, process: int) -> bool:
        with suppress(OSError):
            return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        return False

    def written(self) -> str:
        """What the last command has written so far."""
        return self._output.read_text(encoding="utf-8", errors="replace")

    def close(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._bash.pid, signal.SIGKILL)
        self._bash.wait()
        assert self._bash.stdin is not None
        with suppress(OSError):
            self._bash.stdin.close()
        for end in (self._answers, self._to):
            os.close(end)

    def _says(self, line: str, what: str) -> str:
        assert self._bash.stdin is not None
        self._bash.stdin.write(f"{line}\necho {what} >&{self._to}\n")
        self._bash.stdin.flush()
        ready, _, _ = select.select([self._answers], [], [], COMMAND_S)
        assert ready, f"no end after {COMMAND_S:g} s: {line}\n{self.written()}"
        return os.read(self._answers, 100).decode().strip()


def wait_for(condition: Callable[[], bool], what: str, timeout_s: float = COMMAND_S) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not after {timeout_s:g} s: {what}"
        time.sleep(0.05)


def _write_programs(folder: Path) -> None:
    """The `.venv/bin` of a page's folder: newsflow, python, and what `source .venv/bin/activate` reads."""
    folder.mkdir(parents=True)
    (folder / "activate").write_text(f"PATH={folder}:$PATH\n")
    programs = {
        "newsflow": f'exec {sys.executable} -I -S {HERE}/newsflow_client.py "$@"',
        "python": f'exec {sys.executable} "$@"',
    }
    for name, line in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)
