"""A small Flink cluster on loopback: one JobManager and some TaskManagers, for tests, benchmarks and trying things.

The jars come from the package `apache-flink-libraries` (the extra `flink`), which ships them without scripts, or
from the folder `lib` of a Flink distribution that NEWSFLOW_FLINK_LIB names.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import urllib3

from newsflow.errors import LocalServiceError, MissingToolError
from newsflow.processes import JAVA_OPENS, LOOPBACK, find_java, free_port

START_TIMEOUT_S = 90.0
SLOTS = 1
"""Of each TaskManager: one Python worker serves a TaskManager, and one slot keeps it busy."""

_TASK_MANAGER_MEMORY = {
    "taskmanager.memory.network.min": "64m",
    "taskmanager.memory.network.max": "64m",
    "taskmanager.memory.task.heap.size": "400m",
    "taskmanager.memory.task.off-heap.size": "0",
    "taskmanager.memory.managed.size": "128m",
    "taskmanager.cpu.cores": "1",
    "taskmanager.memory.framework.heap.size": "128m",
    "taskmanager.memory.framework.off-heap.size": "128m",
    "taskmanager.memory.jvm-metaspace.size": "256m",
    "taskmanager.memory.jvm-overhead.min": "192m",
    "taskmanager.memory.jvm-overhead.max": "192m",
}
"""Flink's scripts work these out; started without them, a process must be given them."""

_LOGGING = """\
rootLogger.level = INFO
rootLogger.appenderRef.console.ref = console
appender.console.name = console
appender.console.type = CONSOLE
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss,SSS} %-5p %-40.40c - %m%n
"""


def find_flink() -> Path:
    """The folder of Flink's jars; raises `MissingToolError` where there is none."""
    given = os.environ.get("NEWSFLOW_FLINK_LIB")
    spec = find_spec("pyflink")
    homes = (
        [Path(given)] if given else [Path(each) / "lib" for each in ((spec and spec.submodule_search_locations) or ())]
    )
    for home in homes:
        if any(home.glob("flink-dist-*.jar")):
            return home
    raise MissingToolError(
        "no Flink on this machine; accepted: pip install 'newsflow[flink]', or NEWSFLOW_FLINK_LIB naming the folder "
        "lib of a Flink distribution"
    )


class LocalFlink:
    """One cluster. Its files are in `folder`; checkpoints and savepoints outlive it there.

    TaskManagers inherit the environment, and look for `newsflow-worker` beside this Python first.
    """

    def __init__(self, folder: Path, *, slots: int = SLOTS) -> None:
        self.folder = folder.resolve()
        self._lib, self._java, self._slots = find_flink(), find_java("Flink"), slots
        self.rest_port = free_port()
        self._rpc_port = free_port(frozenset({self.rest_port}))
        self.job_manager: subprocess.Popen[bytes] | None = None
        self.task_managers: list[subprocess.Popen[bytes]] = []
        self._started = 0

    @property
    def master(self) -> str:
        return f"{LOOPBACK}:{self.rest_port}"

    @property
    def savepoints(self) -> Path:
        return self.folder / "savepoints"

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    def start(self, task_managers: int = 2) -> LocalFlink:
        """Start everything; returns when all slots are there. Raises `LocalServiceError` when they do not come."""
        self._configure()
        self.start_job_manager()
        for _ in range(task_managers):
            self.add_task_manager()
        self.wait_for_slots(task_managers * self._slots)
        return self

    def start_job_manager(self) -> subprocess.Popen[bytes]:
        """Start it, or start it again after it died; returns at once. It then knows of no job."""
        entry = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
        self.job_manager = self._run("jobmanager", ["-Xmx400m"], entry, [])
        return self.job_manager

    def add_task_manager(self) -> subprocess.Popen[bytes]:
        entry = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
        memory = [part for name, size in _TASK_MANAGER_MEMORY.items() for part in ("-D", f"{name}={size}")]
        self._started += 1
        process = self._run(f"taskmanager-{self._started}", ["-Xmx528m", "-XX:MaxDirectMemorySize=256m"], entry, memory)
        self.task_managers.append(process)
        return process

    def wait_for_slots(self, count: int, timeout_s: float = START_TIMEOUT_S) -> None:
        """Until the cluster has at least `count` slots, taken or free."""
        deadline = time.monotonic() + timeout_s
        while self._slots_seen() < count:
            if self.job_manager is None or self.job_manager.poll() is not None:
                raise LocalServiceError(f"Flink's JobManager ended: {self._tail('jobmanager')}")
            if time.monotonic() > deadline:
                said = self._tail("jobmanager")
                raise LocalServiceError(f"Flink does not have {count} slots after {timeout_s:g} s: {said}")
            time.sleep(0.2)

    def stop(self) -> None:
        """Kill all of it: a cluster for trying things needs no orderly end."""
        for process in (*self.task_managers, *((self.job_manager,) if self.job_manager else ())):
            process.kill()
            process.wait()
        self.task_managers, self.job_manager = [], None

    def __enter__(self) -> LocalFlink:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _slots_seen(self) -> int:
        try:
            answer = urllib3.request("GET", f"http://{self.master}/overview", timeout=2.0, retries=False)
        except urllib3.exceptions.HTTPError:
            return 0
        return int(answer.json().get("slots-total", 0)) if answer.status == 200 else 0

    def _configure(self) -> None:
        conf = self.folder / "conf"
        conf.mkdir(parents=True, exist_ok=True)
        (self.folder / "tmp").mkdir(exist_ok=True)
        settings = {
            "jobmanager.rpc.address": LOOPBACK,
            "jobmanager.rpc.port": self._rpc_port,
            "jobmanager.bind-host": LOOPBACK,
            "jobmanager.memory.process.size": "1000m",
            "taskmanager.bind-host": LOOPBACK,
            "taskmanager.host": LOOPBACK,
            "taskmanager.numberOfTaskSlots": self._slots,
            "rest.address": LOOPBACK,
            "rest.port": self.rest_port,
            "rest.bind-address": LOOPBACK,
            "state.checkpoints.dir": self.checkpoints.as_uri(),
            "state.savepoints.dir": self.savepoints.as_uri(),
            "io.tmp.dirs": str(self.folder / "tmp"),
            # A killed TaskManager is noticed by its heartbeat; the default of 50 s is for networks.
            "heartbeat.interval": 1000,
            "heartbeat.timeout": 8000,
        }
        (conf / "config.yaml").write_text("".join(f"{name}: {value}\n" for name, value in settings.items()))
        (conf / "log4j.properties").write_text(_LOGGING)

    def _run(self, name: str, jvm: list[str], entry: str, arguments: list[str]) -> subprocess.Popen[bytes]:
        conf = self.folder / "conf"
        command = [
            *(self._java, *jvm, "-XX:+UseSerialGC", *JAVA_OPENS),
            f"-Dlog4j.configurationFile={conf / 'log4j.properties'}",
            *("-cp", f"{self._lib}/*", entry, "--configDir", str(conf), *arguments),
        ]
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                env={**os.environ, "PATH": path}, start_new_session=True,
            )  # fmt: skip

    def _tail(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")[-1500:]
