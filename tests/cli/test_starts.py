"""What commands import: each library that takes long to import is loaded only by the commands that work with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from newsflow.ledger import open_ledger

SLOW = ("apache_beam", "jsonschema", "lark", "dateparser", "pycld2", "wordfreq", "ahocorasick_rs")
"""Each takes a tenth of a second or more; jsonschema with all its formats took two seconds."""

_SCRIPT = f"""
import json, sys
from newsflow.cli import main
sys.argv[0] = "newsflow"
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
slow = [name for name in {SLOW!r} if name in sys.modules]
print(json.dumps([slow, len(sys.modules)]), file=sys.stderr)
"""


def imports(folder: Path, *arguments: str) -> tuple[set[str], int]:
    """The slow libraries that a command loads, and how many modules it loads in all."""
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, *arguments],
        cwd=folder,
        env={**os.environ, "NEWSFLOW_LEDGER__URL": f"sqlite:///{folder}/ledger.sqlite3"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    slow, modules = json.loads(done.stderr.splitlines()[-1])
    return set(slow), modules


@pytest.mark.parametrize(
    ("command", "most", "allowed"),
    [
        ("--help", 400, set()),
        ("version", 450, set()),
        ("sources check sources", 600, {"jsonschema"}),
        ("config show", 600, {"jsonschema"}),
        ("alerts list", 750, {"jsonschema"}),
        ("alerts status", 750, {"jsonschema"}),
        ("ledger status", 750, {"jsonschema"}),
        ("topics lint rules", 1_050, {"ahocorasick_rs", "jsonschema", "wordfreq"}),
        ("config check", 1_050, {"jsonschema", "ahocorasick_rs"}),
    ],
)
def test_a_command_imports_what_it_needs(tmp_path: Path, command: str, most: int, allowed: set[str]) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "dam.yaml").write_text("id: dam\nterms: {en: [reservoir]}\n")
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "post.yaml").write_text("id: harbour-post\n")
    open_ledger(f"sqlite:///{tmp_path}/ledger.sqlite3").close()
    slow, modules = imports(tmp_path, *command.split())
    assert slow <= allowed
    assert modules < most
