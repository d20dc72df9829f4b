"""Runs `newsflow` without the seconds that its start takes: a process that has imported everything forks for each call.

`newsflow_client.py` stands on the PATH as `newsflow`. It hands over its arguments, folder, environment and the three
standard streams; the fork is a process of its own, in which `newsflow.cli.main` runs as in any other.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import select
import signal
import socket
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

PRELOADED = ("newsflow.cli.app", "newsflow.cli.launch", "newsflow.runners.job", "newsflow.tools.broker", "pyarrow")


def serve(path: Path) -> None:
    for name in PRELOADED:
        importlib.import_module(name)
    # Beam logs when it is imported, and so sets logging up, which is for the command to do.
    logging.getLogger().handlers.clear()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        while True:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _attend(connection)
            connection.close()
            _reap()


def _reap() -> None:
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                return
        except ChildProcessError:
            return


def _attend(connection: socket.socket) -> None:
    """In a fork: fork once more for the command, pass the client's signals on, and answer with the exit code."""
    message, streams, _, _ = socket.recv_fds(connection, 1 << 20, 3)
    asked = json.loads(message)
    draining, drains = os.pipe()
    child = os.fork()
    if child == 0:
        connection.close()
        _tell_when_it_drains(drains)
        _become(asked, streams)
    for stream in (*streams, drains):
        os.close(stream)
    is_job = asked["arguments"][:1] in (["run"], ["deliver"])
    threading.Thread(target=_pass_on, args=(connection, child, [draining] if is_job else []), daemon=True).start()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    connection.sendall(bytes([code % 256 if code >= 0 else 128 - code]))
    os._exit(0)


def _pass_on(connection: socket.socket, child: int, draining: list[int]) -> None:
    while number := connection.recv(1):
        if draining:  # a reader presses Ctrl-C when something is to be seen: a job that just starts gets to catch it
            select.select(draining, [], [], 20)
        with suppress(ProcessLookupError):
            os.kill(child, number[0])
    # The client has gone without waiting.
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)


def _tell_when_it_drains(drains: int) -> None:
    """Write to a pipe when this process takes up Ctrl-C itself, as a job does that drains."""
    set_handler = signal.signal

    def noting(number: int, handler: Any) -> Any:
        before = set_handler(number, handler)
        if number == signal.SIGINT:
            os.write(drains, b".")
        return before

    signal.signal = noting  # type: ignore[assignment]


def _become(asked: dict[str, Any], streams: list[int]) -> None:
    """The command itself, as `python -m newsflow` would run it."""
    import newsflow.cli

    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    # By lines, as on a terminal: what is said comes between what is written.
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w", 1), open(2, "w", 1)  # noqa: SIM115
    environ: dict[str, str] = asked["environ"]
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(asked["folder"])
    sys.argv = ["newsflow", *asked["arguments"]]
    _move_brokers(json.loads(environ["DOCS_PORTS"]), Path(environ["DOCS_LIBS"]))
    code = 0
    try:
        newsflow.cli.main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        import traceback

        traceback.print_exc()
        code = 1
    # As at the end of any interpreter, but for the threads: theirs are those of the libraries.
    for written in (sys.stdout, sys.stderr):
        try:
            written.flush()
        except (AttributeError, OSError):
            code = code or 1
    os._exit(code)


def _move_brokers(ports: dict[str, int], libs: Path) -> None:
    """Have local brokers listen on other ports than a page names, which may be taken, and share one set of jars."""
    from newsflow.tools.broker import DEFAULT_DIRECTORY, DEFAULT_PORT, LocalBroker

    begin = LocalBroker.__init__

    def begin_elsewhere(
        self: LocalBroker, directory: Path = DEFAULT_DIRECTORY, port: int = DEFAULT_PORT, **options: Any
    ) -> None:
        begin(self, directory, ports.get(str(port), port), **{"libs": libs, **options})

    LocalBroker.__init__ = begin_elsewhere  # type: ignore[method-assign]


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
