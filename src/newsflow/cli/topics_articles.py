"""Articles that rules are tried on: one from a file, many from a file or the ledger."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from newsflow.cli.common import settings

if TYPE_CHECKING:
    from datetime import timedelta

    from newsflow.model import Article
    from newsflow.tagging import RuleSet


def read_article(file: Path, language: str) -> Article:
    """One article from a file: article.v1, raw-article.v1 or plain text."""
    from newsflow.errors import UsageError
    from newsflow.tagging.examples import text_article

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

    from newsflow.contracts.raw import parse_raw
    from newsflow.model import Article, RawArticle
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
