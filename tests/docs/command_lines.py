"""Holds the commands that pages show to the programs they name, without running them."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from typing import Any

import typer

from newsflow.cli.app import app
from tests.docs.markdown import ROOT

_BETWEEN = {"|", "||", "&&", ";", "&", ">", ">>", "<", "(", ")", "$(", "`"}
_ASSIGNMENT = re.compile(r"\w+=.*")
_TARGET = re.compile(r"^([\w-]+):", re.MULTILINE)
_OPTION = re.compile(r"--[a-z][a-z-]*")
HELPFUL = ("docker", "kubectl")
"""Programs that say themselves which options a command of theirs has."""


_DEPTH = {"compose": 3, "rollout": 3, "create": 4}
"""How many words name a command."""


def check_line(line: str) -> None:
    """Raise for a command, an option or an argument that its program would not take."""
    for words in _commands(line):
        program, *arguments = words
        if program == "newsflow":
            check_newsflow(arguments)
        elif program == "make":
            assert set(arguments) <= make_targets(), line
        elif program in HELPFUL:
            check_helpful(words)


def check_newsflow(words: list[str], *, whole: bool = True) -> None:
    """Parse as the command line would; of what is not `whole`, as in a sentence, only the names are looked at."""
    found: Any = typer.main.get_command(app)
    name = "newsflow"
    if words and words[0].startswith("-"):
        assert any(words[0] in parameter.opts for parameter in found.params), f"newsflow: no {words[0]}"
        return
    while hasattr(found, "commands") and words:
        name, *words = words
        assert name in found.commands, f"there is no command {name}"
        found = found.commands[name]
    if hasattr(found, "commands"):
        assert not whole, "a command is missing"
        return
    if whole:
        found.make_context(name, words)
        return
    known = {option for parameter in found.params for option in (*parameter.opts, *parameter.secondary_opts)}
    options = {match[0] for word in words if (match := _OPTION.match(word))}
    assert options <= known, f"{name}: no {options - known}"


def check_helpful(words: list[str]) -> None:
    """Look the options up in the program's own help; and what is handed to newsflow in a container, in newsflow's."""
    if words[:3] == ["docker", "compose", "run"]:
        service = next(at for at, word in enumerate(words) if word in ("ingest", "topics", "trends", "deliver"))
        words, inner = words[:service], words[service + 1 :]
        check_newsflow(inner)
    known = _help(tuple(words[: _DEPTH.get(words[1], 2)]))
    options = {match[0] for word in words if (match := _OPTION.match(word))}
    assert known is None or options <= known, f"{shlex.join(words)}: no {options - known}"


@cache
def make_targets() -> set[str]:
    return set(_TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8")))


@cache
def _help(command: tuple[str, ...]) -> set[str] | None:
    """The options that a command of another program knows; None where the program is not installed."""
    if shutil.which(command[0]) is None or (command[1] == "compose" and not _has_compose()):
        return None
    done = subprocess.run([*command, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{shlex.join(command)}: {done.stderr}"
    text = done.stdout
    if command[0] == "kubectl":
        text += subprocess.run(["kubectl", "options"], capture_output=True, text=True, check=True).stdout
    return set(_OPTION.findall(text))


def _has_compose() -> bool:
    return subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0


def _commands(line: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.commenters, lexer.whitespace_split = "", True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if word in _BETWEEN:
            if words and words[0] != "\0":
                yield words
            # What follows > is a file.
            words = ["\0"] if word.startswith((">", "<")) else []
        elif words or not _ASSIGNMENT.fullmatch(word):
            words.append(word)
