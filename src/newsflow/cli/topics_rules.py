"""Which rules a command is about."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsflow.cli.common import settings

if TYPE_CHECKING:
    from newsflow.config.settings import Config
    from newsflow.tagging import RuleSet

RulesArgument = Annotated[
    list[Path] | None,
    typer.Argument(help="Rule files or folders; else those in force: last applied, else configured, else shipped."),
]
RulesOption = Annotated[
    list[Path] | None, typer.Option("--rules", help="Rule files or folders instead of those in force.")
]


def paths_in_force(config: Config, folder: Path | None = None) -> list[Path]:
    """The rules that a running job tags with: last applied (to `folder`, else the configured one), else configured,
    else shipped."""
    from newsflow.tagging import shipped_rules_path
    from newsflow.tagging.source import POINTER_NAME, applied_paths

    applied = applied_paths((folder or Path(config.topics_applied)) / POINTER_NAME)
    return applied or [Path(path) for path in config.topic_paths] or [shipped_rules_path()]


def load_given(given: list[Path] | None, config: Path | None) -> RuleSet:
    """The rules a command was given, else those in force. Raises ConfigError."""
    from newsflow.tagging import load_rules

    return load_rules(given or paths_in_force(settings(config).config))


def load_named(name: str, config: Path | None) -> RuleSet:
    """The rules of a file or folder, or those called `shipped` or `in-force`. Raises ConfigError."""
    from newsflow.tagging import load_rules, shipped_rules_path

    if name == "in-force":
        return load_given(None, config)
    return load_rules([shipped_rules_path() if name == "shipped" else Path(name)])
