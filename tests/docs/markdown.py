"""What the documentation shows: its fenced blocks, and the commands in them.

A block that a page has saved names its file after the language: three backticks, `yaml title=routes.yaml`. In a
`console` block a line after `$ ` is typed and what follows is the answer; in a `sh` block every line is typed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])
SHELLS = ("console", "sh")
FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^`\n]*)\n(?P<text>.*?)^(?P=indent)``` *$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`(newsflow(?: [^`]+)?)`(?!`)")
_PROMPT = re.compile(r"\$ (?P<text>.*)")
_COMMENT = re.compile(r"\s+# .*$")


@dataclass(frozen=True)
class Command:
    """What is typed, without its comment, and what the page shows as the answer, if it shows any."""

    text: str
    answer: str = ""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page, without the page's own indentation."""

    page: str
    line: int
    language: str
    attributes: tuple[tuple[str, str], ...]
    text: str

    @property
    def title(self) -> str:
        """The file it is saved as, or nothing."""
        return dict(self.attributes).get("title", "")

    @property
    def commands(self) -> list[Command]:
        return list(_console(self.text) if self.language == "console" else _script(self.text))

    @property
    def first_line(self) -> str:
        return self.text.strip().partition("\n")[0].removeprefix("$ ")

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def page_name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def blocks(page: str) -> tuple[Block, ...]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return tuple(_block(page, text, found) for found in FENCE.finditer(text))


def all_blocks() -> list[Block]:
    return [block for path in PAGES for block in blocks(page_name(path))]


def prose(path: Path) -> str:
    """A page without its blocks."""
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def inline_commands(path: Path) -> list[str]:
    """Commands that a sentence names."""
    return [" ".join(found.split()) for found in _INLINE.findall(prose(path))]


def _block(page: str, text: str, found: re.Match[str]) -> Block:
    language, *others = found["info"].split() or [""]
    attributes = tuple((name, value) for name, _, value in (other.partition("=") for other in others))
    lines = (line.removeprefix(found["indent"]) for line in found["text"].splitlines(keepends=True))
    return Block(page, text.count("\n", 0, found.start()) + 1, language, attributes, "".join(lines))


def _console(text: str) -> Iterator[Command]:
    typed, answer, more = "", "", False
    for line in text.splitlines():
        prompt = _PROMPT.fullmatch(line)
        if prompt or more:
            if prompt and typed:
                yield Command(typed, answer)
                typed, answer = "", ""
            part, more = _continued(prompt["text"] if prompt else line.strip())
            typed = f"{typed} {part}".strip()
        else:
            answer += line + "\n"
    if typed:
        yield Command(typed, answer)


def _script(text: str) -> Iterator[Command]:
    typed = ""
    for line in text.splitlines():
        part, more = _continued(line.strip())
        typed = f"{typed} {part}".strip()
        if typed and not more:
            yield Command(typed)
            typed = ""


def _continued(line: str) -> tuple[str, bool]:
    more = line.endswith("\\")
    return _COMMENT.sub("", line.removesuffix("\\").strip() if more else line), more
