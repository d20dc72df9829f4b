"""Programs the local broker needs: Java to run it, Maven to fetch its jars once."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import cast

from newsflow.errors import LocalServiceError, MissingToolError
from newsflow.processes import program_of_home

WITHOUT_BROKER = (
    "Without a local broker: `newsflow run ingest --input FILE --output DIR` runs the same job on files, "
    "deploy/compose/ runs Kafka in a container, and -b HOST:PORT uses a broker you have."
)


def find_maven(purpose: str) -> str:
    """Return the path of Maven; raises `MissingToolError` that says it is for `purpose`."""
    maven = program_of_home("MAVEN_HOME", "mvn") or shutil.which("mvn")
    if maven is None:
        raise MissingToolError(
            f"Maven is missing (no `mvn` on PATH): it is needed once, to {purpose}. "
            f"Install the package maven. {WITHOUT_BROKER}"
        )
    return maven


@contextlib.contextmanager
def exclusive(file: Path) -> Iterator[None]:
    """Hold the lock `file` (made when missing, never removed), until the process ends at the latest. Blocks until
    another holder lets go."""
    with file.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


_STAMP = "pom.sha256"
"""Beside the jars: the digest of the pom they were fetched for. Another pom, another fetch."""
_TIMEOUT_S = 900


def ensure_jars(libs: Path, pom: Path, say: Callable[[str], None]) -> None:
    """Make `libs` hold the jars that `pom` names, fetching them when it does not.

    Raises `MissingToolError` when Maven is needed and missing, `LocalServiceError` when the fetch fails.
    A fetch that was killed half way leaves no `libs`: they are renamed into place whole.
    """
    libs.parent.mkdir(parents=True, exist_ok=True)
    with exclusive(libs.with_name(f"{libs.name}.lock")):
        wanted = hashlib.sha256(pom.read_bytes()).hexdigest()
        stamp = libs / _STAMP
        if not (stamp.is_file() and stamp.read_text().strip() == wanted):
            _replace_jars(libs, pom, wanted, say)


def _replace_jars(libs: Path, pom: Path, digest: str, say: Callable[[str], None]) -> None:
    maven = find_maven("fetch Apache Kafka (44 MB)")
    say("Fetching Apache Kafka with Maven (44 MB, once)")
    for leftover in libs.parent.glob(f"{libs.name}.new-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    fresh = Path(tempfile.mkdtemp(prefix=f"{libs.name}.new-", dir=libs.parent))
    try:
        _fetch(maven, pom, fresh, say)
        (fresh / _STAMP).write_text(digest + "\n")
        shutil.rmtree(libs, ignore_errors=True)
        fresh.rename(libs)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _fetch(maven: str, pom: Path, target: Path, say: Callable[[str], None]) -> None:
    command = [
        *(maven, "--batch-mode", "--quiet", "--file", str(pom), "dependency:copy-dependencies"),
        *("-DincludeScope=runtime", f"-DoutputDirectory={target.resolve()}"),
    ]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as maven_process:
        said = _wait_for(maven_process, say)
    if maven_process.returncode or not any(target.glob("kafka_2.13-*.jar")):
        tail = "\n".join(said.strip().splitlines()[-12:])
        code = maven_process.returncode
        raise LocalServiceError(
            f"Maven could not fetch Apache Kafka (exit code {code}). It said:\n{tail}\n{WITHOUT_BROKER}"
        )


def _wait_for(maven: subprocess.Popen[str], say: Callable[[str], None]) -> str:
    """What Maven said in all. It says nothing while it works, so every ten seconds we do."""
    for waited_s in range(10, _TIMEOUT_S + 10, 10):
        try:
            return maven.communicate(timeout=10)[0]
        except subprocess.TimeoutExpired:
            say(f"  still fetching, {waited_s} s")
    maven.kill()
    raise LocalServiceError(
        f"Maven did not fetch Apache Kafka within {_TIMEOUT_S} s; can it reach its repository? {WITHOUT_BROKER}"
    )


# Processes and ports of this machine: who runs, who listens.


_PROC = Path("/proc")
_children: dict[int, subprocess.Popen[bytes]] = {}
"""Kept until this process ends: only its parent learns that a process has ended, and how."""


def command_line(pid: int) -> str:
    """Return the command line of a running process; empty when there is none, or it has ended (a zombie)."""
    if _PROC.is_dir():
        try:
            return (_PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
        except OSError:
            return ""
    done = subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def spawn(command: Sequence[str], log: Path) -> int:
    """Start a process that outlives this one, its output appended to `log`; return its id."""
    with log.open("ab") as output:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C at the terminal is for the command, not for the server it started
        )
    _children[child.pid] = child
    return child.pid


def exit_code(pid: int) -> int | None:
    """Return how a process that `spawn` started here has ended; None for one that runs, or is not ours."""
    child = _children.get(pid)
    return None if child is None else child.poll()


def child_runs(pid: int, argument: str) -> bool | None:
    """Tell whether a process that `spawn` started here, with `argument`, still runs; None when `pid` is none."""
    child = _children.get(pid)
    if child is None:
        return None
    return child.poll() is None and argument in cast(Sequence[str], child.args)


def find_process(marker: str) -> int | None:
    """Return the id of a process that has `marker` as one argument of its command line."""
    for pid, line in _command_lines():
        if pid != os.getpid() and has_argument(line, marker):
            return pid
    return None


def has_argument(line: str, argument: str) -> bool:
    """Tell whether a command line as `command_line` gives it holds `argument` whole."""
    return f" {argument} " in f" {line} "


def port_owner(port: int) -> str:
    """Describe who listens on `port`: `process 4711 (java …)`, or that it cannot be told."""
    pid = _listener(port)
    if pid is None:
        return "a process that cannot be told (another user's, perhaps)"
    return _described(pid)


def file_user(file: Path) -> str:
    """Another process that has a file open: `process 4711 (newsflow run …)`. Empty where there is none, or /proc is
    not there to tell."""
    for entry in _PROC.iterdir() if _PROC.is_dir() else ():
        if entry.name.isdigit() and int(entry.name) != os.getpid() and _holds_one_of(entry / "fd", {str(file)}):
            return _described(int(entry.name))
    return ""


def _described(pid: int) -> str:
    line = command_line(pid)
    return f"process {pid} ({line if len(line) <= 100 else line[:99] + '…'})"


def _command_lines() -> Iterator[tuple[int, str]]:
    if _PROC.is_dir():
        pids = (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit())
        yield from ((pid, command_line(pid)) for pid in pids)
        return
    done = subprocess.run(["ps", "-axww", "-o", "pid=,command="], capture_output=True, text=True, check=False)
    for row in done.stdout.splitlines():
        pid_text, _, line = row.strip().partition(" ")
        if pid_text.isdigit():
            yield int(pid_text), line.strip()


def _listener(port: int) -> int | None:
    if not _PROC.is_dir():
        return _listener_by_lsof(port)
    inodes = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and _holds_one_of(entry / "fd", inodes):
            return int(entry.name)
    return None


def _listening_inodes(port: int) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        try:
            rows = (_PROC / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            fields = row.split()
            # 0A is LISTEN; the local address ends in the port, in hexadecimal.
            if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                yield fields[9]


def _holds_one_of(descriptors: Path, links: set[str]) -> bool:
    with contextlib.suppress(OSError):  # the process has ended, or is another user's
        return any(_target(entry) in links for entry in descriptors.iterdir())
    return False


def _target(link: Path) -> str:
    with contextlib.suppress(OSError):  # closed meanwhile: the process's other descriptors still count
        return str(link.readlink())
    return ""


def _listener_by_lsof(port: int) -> int | None:
    try:
        done = subprocess.run(
            ["lsof", "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-Fp"], capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    match = re.search(r"^p(\d+)$", done.stdout, re.MULTILINE)
    return int(match[1]) if match else None
