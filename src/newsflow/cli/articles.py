"""Articles and rules that commands try: from files and the ledger; given, last applied, configured or shipped."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsflow.cli.options import settings
from newsflow.errors import UsageError

if TYPE_CHECKING:
    from datetime import timedelta

    from newsflow.config.settings import Config
    from newsflow.model import Article, Rejected
    from newsflow.tagging import RuleSet
    from newsflow.tagging.applied import InForce

STDIN, IN_FORCE = "-", "in-force"
RulesArgument = Annotated[
    list[Path] | None,
    typer.Argument(
        help="Rule files or folders, or 'shipped'; else those in force: last applied, else configured, else shipped."
    ),
]
RulesOption = Annotated[
    list[Path] | None, typer.Option("--rules", help="Rule files or folders, or 'shipped', instead of those in force.")
]


def read_bytes(file: Path) -> bytes:
    """The content of a file, of standard input when it is `-`. Raises UsageError."""
    if str(file) == STDIN:
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror or error}") from error


def read_lines(file: Path) -> Iterator[tuple[int, bytes]]:
    """Lines that are not blank with their numbers, of a file, a `.gz` or standard input (`-`). Raises UsageError."""
    import gzip

    try:
        with (
            sys.stdin.buffer
            if str(file) == STDIN
            else gzip.open(file)
            if file.suffix == ".gz"
            else file.open("rb") as stream
        ):
            for number, line in enumerate(stream, 1):
                if line.strip():
                    yield number, line
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror or error}") from error


def read_article(file: Path, language: str) -> Article:
    """One article from a file: article.v1, raw-article.v1 or plain text."""
    from newsflow.tagging.lint import text_article

    try:
        text = read_bytes(file).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{file}: cannot be read as UTF-8: {error}") from error
    if text.lstrip().startswith("{"):
        return _article_of(text.strip().encode(), str(file))
    title, _, body = text.strip().partition("\n")
    return text_article(body.strip(), language, title.strip()) if body.strip() else text_article(title, language)


def _article_of(line: bytes, where: str) -> Article:
    """An article from one line of either contract. Raises UsageError for anything else."""
    from newsflow.model import Rejected

    found = article_or_reason(line)
    if isinstance(found, Rejected):
        raise UsageError(f"{where}: neither article.v1 nor raw-article.v1: {found.message}")
    return found


def article_or_reason(line: bytes, rules: RuleSet | None = None) -> Article | Rejected:
    """The article of an article.v1 line; that of a raw-article.v1 line, normalised and, with `rules`, tagged; or why
    there is none."""
    from dataclasses import replace
    from datetime import UTC, datetime

    from newsflow.model import RawArticle, Rejected
    from newsflow.model.codec import decode_article
    from newsflow.model.raw import parse_raw
    from newsflow.normalise import normalise

    try:
        return decode_article(line)
    except ValueError:
        raw = parse_raw(line)
    article = normalise(raw, None, datetime.now(UTC)) if isinstance(raw, RawArticle) else raw
    if rules is None or isinstance(article, Rejected):
        return article
    tags = rules.tag(article)
    return replace(article, topics=tags.topics, mentions=tags.mentions)


def stored_articles(on: str, since: str | None, config: Path | None) -> Iterator[Article]:
    """Articles of a file of JSON lines, or from the ledger the last version of each that is neither withdrawn nor
    held back as a copy."""
    if on != "ledger":
        yield from (_article_of(line, f"{on}:{number}") for number, line in read_lines(Path(on)))
        return
    from contextlib import closing
    from datetime import UTC, datetime

    from newsflow.cli.ledger import open_existing
    from newsflow.model.codec import decode_article

    start = datetime.now(UTC) - duration(since) if since else None
    with closing(open_existing(config, None, window_h=settings(config).config.ledger.window_h)) as ledger:
        for stored in ledger.current_versions(since=start):
            yield decode_article(stored.value)


def duration(text: str) -> timedelta:
    """A timedelta from 90m, 36h or 7d. Raises UsageError."""
    import re
    from datetime import timedelta

    match = re.fullmatch(r"(\d{1,6})([mhd])", text.strip())
    if match is None:
        raise UsageError(f"{text!r} is not a span of time; give a number with m, h or d, as 36h or 7d")
    return timedelta(**{{"m": "minutes", "h": "hours", "d": "days"}[match[2]]: int(match[1])})


def known_topic(rules: RuleSet, topic: str | None) -> None:
    """Raise UsageError for a topic id that no rule has, with the ids that are like it."""
    if topic is not None and rules.rule(topic) is None:
        import difflib

        near = difflib.get_close_matches(topic, [rule.id for rule in rules.rules], n=3)
        raise UsageError(f"no rule has the id {topic!r}" + (f"; did you mean {', '.join(near)}?" if near else ""))


def rules_in_force(config: Config, folder: Path | None = None) -> InForce:
    """The rules that a running job tags with: last applied (to `folder`, else the configured one), else configured,
    else shipped."""
    from newsflow.tagging.applied import in_force

    return in_force(folder or Path(config.topics_applied), config.topic_paths)


def load_given(given: list[Path] | None, config: Path | None) -> RuleSet:
    """The rules a command was given, else those in force. Raises ConfigError."""
    from newsflow.tagging import load_rules

    if given:
        return load_rules(given)
    found = rules_in_force(settings(config).config)
    return load_rules(found.paths, later_replaces=bool(found.pointer.paths))


def load_named(name: str, config: Path | None) -> RuleSet:
    """The rules of a file or folder, or those named `shipped` or `in-force`. Raises ConfigError."""
    return load_given(None if name == IN_FORCE else [Path(name)], config)
