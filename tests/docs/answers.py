"""Whether what a page shows is what a command says.

Lines must be equal but for what differs from run to run: instants, ids, ports, process numbers, sizes of a file, and
folders before a name. `…` in a page stands for any text within a line, and alone for any lines.
"""

from __future__ import annotations

import re

_VARYING = [
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "TIME"),
    (re.compile(r"\b\d\d:\d\d:\d\dZ?"), "TIME"),
    (re.compile(r"\b(process|pid) \d+"), r"\1 N"),
    (re.compile(r"\b127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
    (re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{8,64}\b"), "ID"),
    (re.compile(r"(?<![\w:/])/(?:[\w.-]+/)+"), "/"),
    (re.compile(r"[ \t]+"), " "),
]


def same_answer(shown: str, real: str) -> bool:
    pattern = "\n".join(_line_pattern(line) for line in _alike(shown))
    return re.fullmatch(pattern, "\n".join(_alike(real))) is not None


def _line_pattern(line: str) -> str:
    return r"[\s\S]*" if line == "…" else ".*".join(map(re.escape, line.split("…")))


def _alike(text: str) -> list[str]:
    for varying, name in _VARYING:
        text = varying.sub(name, text)
    return [line.strip() for line in text.strip().splitlines() if line.strip()]
