"""What errors say."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from newsflow.errors import in_words


def test_what_the_system_says_is_told_in_words() -> None:
    with pytest.raises(OSError, match="Errno 2") as missing:
        Path("/nowhere/at/all").read_bytes()
    assert in_words(missing.value) == "No such file or directory"
    assert in_words(ValueError(f"no connection: {missing.value}")).startswith("no connection: No such file")
    with pytest.raises(UnicodeDecodeError) as cut:
        b"caf\xe9".decode()
    assert in_words(cut.value) == "it is not UTF-8 at byte 3"
    assert in_words(ConnectionRefusedError(111, "Connection refused")) == "Connection refused"
    assert in_words(socket.gaierror(-2, "Name or service not known")) == "Name or service not known"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["publish", "none.jsonl", "--check"], "none.jsonl: cannot be read to its end: No such file or directory"),
        (["dev", "up", "--directory", "/proc/none"], "/proc/none: No such file or directory"),
        (["jobs", "list", "--flink-master", "127.0.0.1:9"], "no Flink at 127.0.0.1:9: Connection refused"),
    ],
)
def test_commands_say_it_so(arguments: list[str], says: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "newsflow", *arguments]
    environ = {**os.environ, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in (1, 2), done.stderr
    assert done.stderr.splitlines()[-1] == f"newsflow: {says}"
    assert "Traceback" not in done.stderr
