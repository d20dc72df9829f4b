"""Processes and ports of this machine: who runs, who listens."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

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
    try:
        return any(str(entry.readlink()) in links for entry in descriptors.iterdir())
    except OSError:
        return False


def _listener_by_lsof(port: int) -> int | None:
    try:
        done = subprocess.run(
            ["lsof", "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-Fp"], capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    match = re.search(r"^p(\d+)$", done.stdout, re.MULTILINE)
    return int(match[1]) if match else None
