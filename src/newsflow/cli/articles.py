"""Articles that rules are tried on: one from a file, many from a file or the ledger."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsflow.cli.common import settings

if TYPE_CHECKING:
    from datetime import timedelta

    from newsflow.model import Article
    from newsflow.tagging import RuleSet


def read_article(file: Path, language: str) -> Article:
    """One article from a file: article.v1, raw-article.v1 or plain text."""
    from newsflow.errors import UsageError
    from newsflow.tagging.lint import text_article

    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        text = content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: cannot be read as UTF-8: {error}") from error
    if text.lstrip().startswith("{"):
        return _article_of(text.strip().encode(), str(file))
    title, _, body = text.strip().partition("\n")
    return text_article(body.strip(), language, title.strip()) if body.strip() else text_article(title, language)


def _article_of(line: bytes, where: str) -> Article:
    """An article from one line of either contract. Raises UsageError for anything else."""
    import orjson

    from newsflow.errors import UsageError
    from newsflow.model.codec import decode_article

    try:
        value = orjson.loads(line)
        return decode_article(line) if "content_type" not in value else _normalised(line)
    except (ValueError, TypeError) as error:
        raise UsageError(f"{where}: neither article.v1 nor raw-article.v1: {error}") from error


def _normalised(line: bytes) -> Article:
    from datetime import UTC, datetime

    from newsflow.model import Article, RawArticle
    from newsflow.model.raw import parse_raw
    from newsflow.normalise import normalise

    raw = parse_raw(line)
    if not isinstance(raw, RawArticle):
        raise ValueError(raw.message)
    result = normalise(raw, None, datetime.now(UTC))
    if not isinstance(result, Article):
        raise ValueError(result.message)
    return result


def stored_articles(on: str, since: str | None, config: Path | None) -> Iterator[Article]:
    """Articles of a file of JSON lines, or from the ledger the last version of each that is neither withdrawn nor
    held back as a copy."""
    if on != "ledger":
        yield from _file_articles(Path(on))
        return
    from datetime import UTC, datetime

    from newsflow.cli.ledger import open_existing
    from newsflow.model.codec import decode_article

    start = datetime.now(UTC) - duration(since) if since else None
    ledger = open_existing(config, None, window_h=settings(config).config.ledger.window_h)
    try:
        for stored in ledger.current_versions(since=start):
            yield decode_article(stored.value)
    finally:
        ledger.close()


def _file_articles(path: Path) -> Iterator[Article]:
    import gzip

    from newsflow.errors import UsageError

    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    yield _article_of(line, f"{path}:{number}")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error


def duration(text: str) -> timedelta:
    """A timedelta from 90m, 36h or 7d. Raises UsageError."""
    import re
    from datetime import timedelta

    from newsflow.errors import UsageError

    match = re.fullmatch(r"(\d{1,6})([mhd])", text.strip())
    if match is None:
        raise UsageError(f"{text!r} is no span of time; give a number with m, h or d, as 36h or 7d")
    return timedelta(**{{"m": "minutes", "h": "hours", "d": "days"}[match[2]]: int(match[1])})


def known_topic(rules: RuleSet, topic: str | None) -> None:
    """Raise UsageError for a topic id that no rule has, with the ids that are like it."""
    from newsflow.errors import UsageError

    if topic is not None and rules.rule(topic) is None:
        import difflib

        near = difflib.get_close_matches(topic, [rule.id for rule in rules.rules], n=3)
        raise UsageError(f"no rule has the id {topic!r}" + (f"; did you mean {', '.join(near)}?" if near else ""))


# Which rules a command is about.


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
