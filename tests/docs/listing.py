"""What the pages take for granted, and what of them is not run: `pages.yaml` and `not_run.yaml`."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.docs.markdown import SHELLS, Block, blocks

HERE = Path(__file__).resolve().parent
RUN = (*SHELLS, "python", "sql")
LOADED = ("yaml", "json", "toml")


@dataclass(frozen=True)
class Page:
    """What is there before a page is walked."""

    given: tuple[str, ...] = ()
    """Commands that were typed before."""
    after: tuple[str, ...] = ()
    """Commands that must succeed at its end."""
    databases: tuple[str, ...] = ()
    """Variables that name a new PostgreSQL database."""
    environ: dict[str, str] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)
    """Exit codes other than 0, by how the command begins."""
    silent: tuple[str, ...] = ()
    """Commands that may find nothing, by how they begin."""
    stands_for: dict[str, str] = field(default_factory=dict)
    """What is typed for an example that a page has, such as an id."""
    receivers: bool = False
    """Alerts of the destinations `webhook` and `desk` have somewhere to go."""
    secure: bool = False
    """The broker is spoken to with TLS and a password."""
    all_rules: bool = False
    """Under the shipped rules, and not under a few of them."""


@dataclass(frozen=True)
class NotRun:
    """A block or commands of a page, by how they begin, and why they are not run."""

    page: str
    begins: str
    reason: str

    def covers(self, page: str, text: str) -> bool:
        return page == self.page and text.startswith(self.begins)


@cache
def pages() -> dict[str, Page]:
    read: dict[str, dict[str, Any]] = _read("pages.yaml")
    return {name: Page(**_tupled(members)) for name, members in read.items()}


@cache
def not_run() -> tuple[NotRun, ...]:
    read: list[dict[str, Any]] = _read("not_run.yaml")
    return tuple(
        NotRun(page, begins, group["reason"])
        for group in read
        for page, beginnings in group["pages"].items()
        for begins in beginnings
    )


def is_run(page: str, text: str) -> bool:
    return not any(entry.covers(page, text) for entry in not_run())


def parts(block: Block) -> list[str]:
    """What of a block is run, loaded or listed by itself: its commands, or the whole."""
    return [command.text for command in block.commands] if block.language in SHELLS else [block.first_line]


def walked_pages(names: list[str]) -> list[str]:
    """The pages with something to run."""
    return [name for name in names if any(_has_a_run(block) for block in blocks(name))]


def _has_a_run(block: Block) -> bool:
    return block.language in RUN and any(is_run(block.page, part) for part in parts(block))


def _tupled(members: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in members.items()}


def _read(name: str) -> Any:
    return yaml.safe_load((HERE / name).read_text(encoding="utf-8"))
