"""Beam's job server for Flink: translates a pipeline and hands it to the cluster. It is needed only while a job is
submitted."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from newsflow.errors import FlinkError, MissingToolError
from newsflow.processes import JAVA_OPENS, LOOPBACK, find_java, free_port

VARIABLE = "NEWSFLOW_FLINK_JOB_SERVER"
_MAIN = "org.apache.beam.runners.flink.FlinkJobServerDriver"
_START_S = 120.0


def find_job_server() -> str:
    """The class path that NEWSFLOW_FLINK_JOB_SERVER names: a jar, or a folder of jars. `MissingToolError` without."""
    given = os.environ.get(VARIABLE, "")
    path = Path(given)
    jars = sorted(path.glob("*.jar")) if given and path.is_dir() else []
    if given and (jars or path.is_file()):
        return f"{path}/*" if jars else str(path)
    what = f"{VARIABLE} is {given}, which is not a jar and not a folder of jars" if given else f"{VARIABLE} is not set"
    raise MissingToolError(
        f"{what}: a job goes to Flink through Beam's job server. Name the jar beam-runners-flink-<Flink's version>-"
        "job-server-<Beam's version>.jar from Maven Central, or a running one with -- --job_endpoint=HOST:PORT"
    )


class JobServer:
    """One job server for the cluster at `master`, on loopback, for as long as the context lasts."""

    def __init__(self, master: str, heap: str = "512m") -> None:
        self._class_path, self._java = find_job_server(), find_java("Beam's job server")
        self._master, self._heap = master, heap
        self._port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="newsflow-job-server-"))
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        """For Beam's option `--job_endpoint`."""
        return f"{LOOPBACK}:{self._port}"

    def start(self) -> JobServer:
        """Start it; returns when it listens. Raises `FlinkError` when it does not."""
        jvm = (self._java, f"-Xmx{self._heap}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", *JAVA_OPENS)
        command = [
            *(*jvm, "-cp", self._class_path, _MAIN),
            *("--flink-master", self._master, "--job-host", LOOPBACK, "--job-port", str(self._port)),
            *("--artifact-port", "0", "--expansion-port", "0", "--artifacts-dir", str(self._folder / "artifacts")),
        ]
        with (self._folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._folder)
        deadline = time.monotonic() + _START_S
        while not _listens(self._port):
            if self.process.poll() is not None or time.monotonic() > deadline:
                said = self.said_last()
                self.stop()
                raise FlinkError(f"the job server did not start: {said}")
            time.sleep(0.1)
        return self

    def said_last(self) -> str:
        """The end of its log."""
        return (self._folder / "log").read_text(errors="replace")[-2000:].strip()

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> JobServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def _listens(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True
