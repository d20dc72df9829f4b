"""Articles and rules that commands try: from files and the ledger; given, last applied, configured or shipped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsflow.cli.options import settings
from newsflow.errors import UsageError, in_words
from newsflow.ingest.files import open_lines, original_of

if TYPE_CHECKING:
    from datetime import timedelta

    from newsflow.config.settings import Config
    from newsflow.model import Article, Headers, RawArticle, Rejected
    from newsflow.normalise import SourceProfile
    from newsflow.tagging import RuleSet
    from newsflow.tagging.applied import InForce

IN_FORCE, BYTE_ORDER_MARK = "in-force", b"\xef\xbb\xbf"
RulesArgument = Annotated[
    list[Path] | None,
    typer.Argument(
        help="Rule files or folders, or 'shipped'; else those in force: last applied, else configured, else shipped."
    ),
]
RulesOption = Annotated[
    list[Path] | None, typer.Option("--rules", help="Rule files or folders, or 'shipped', instead of those in force.")
]


def file_argument(holds: str) -> Any:
    """The argument of a command that reads a file; what reads files takes `-`."""
    return typer.Argument(metavar="FILE", help=f"{holds}; - for standard input.")


@dataclass(frozen=True, slots=True)
class Input:
    """One thing to look at: a JSON value with the headers it came with, or a page, or a text."""

    where: str
    value: bytes
    headers: Headers = ()
    is_json: bool = True


_LINE_BYTES = 64 << 20
"""No job takes as much; a compressed file of 7 MB may hold a line of 1.6 GB."""


def _stream(file: Path) -> Iterator[bytes]:
    import zlib

    try:
        with open_lines(file) as lines:
            while line := lines.readline(_LINE_BYTES + 1):
                if len(line) > _LINE_BYTES:
                    raise UsageError(f"{file}: a line is longer than {_LINE_BYTES:,} bytes; accepted: up to so many")
                yield line
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{file}: cannot be read: {in_words(error)}") from error


def read_inputs(file: Path) -> Iterator[Input]:
    """What a file (`-`: standard input) holds: JSON, one value or one a line, each as it is or as `tail -o json` prints
    it; or one page or text. Lines come as they are read. Raises UsageError."""
    lines = enumerate(_stream(file), 1)
    number, line = next(lines, (1, b""))
    while not line.strip() and (further := next(lines, None)):
        number, line = further
    if not line.strip():
        raise UsageError(f"{file}: holds nothing; accepted: JSON, a page or a text")
    if not line.removeprefix(BYTE_ORDER_MARK).lstrip().startswith(b"{"):
        yield Input(str(file), b"".join((line, *(each for _, each in lines))), is_json=False)
        return
    if not _is_json(line):
        # One value over many lines, or lines of which the first is broken.
        rest = list(lines)
        whole = b"".join((line, *(each for _, each in rest)))
        if _is_json(whole):
            yield _input(str(file), whole)
            return
        lines = iter(rest)  # type: ignore[assignment]
    yield _input(f"{file}:{number}", line)
    yield from (_input(f"{file}:{at}", each) for at, each in lines if each.strip())


def _is_json(text: bytes) -> bool:
    import orjson

    try:
        orjson.loads(text.removeprefix(BYTE_ORDER_MARK))
    except orjson.JSONDecodeError:
        return False
    return True


def _input(where: str, line: bytes) -> Input:
    """One value, taken out of the record that `newsflow tail` printed around it, or of the dead letter."""
    line = line.removeprefix(BYTE_ORDER_MARK).strip()
    _, value, headers = original_of(line) or (None, _normalised(line) or line, ())
    return Input(where, b"null" if value is None else value, headers)


def _normalised(line: bytes) -> bytes | None:
    """The article that `newsflow normalise -o json` printed with what was thrown away; None for any other value."""
    import re

    import orjson

    if re.match(rb'\{\s*"article"\s*:', line) is None:
        return None
    try:
        return orjson.dumps(orjson.loads(line)["article"])
    except orjson.JSONDecodeError:
        return None


def raw_of(given: Input, source: str | None = None, url: str | None = None) -> RawArticle | Rejected:
    """The raw article of a raw event, a page or a text; or why there is none."""
    from dataclasses import replace
    from datetime import UTC, datetime

    from newsflow.model import RawArticle, Rejected
    from newsflow.model.raw import parse_raw

    if given.is_json:
        event = parse_raw(given.value, given.headers)
        if isinstance(event, Rejected):
            return event
        return replace(event, source=source or event.source, url=url or event.url)
    from newsflow.normalise.encodings import decode_bytes

    text = decode_bytes(given.value)
    kind = "text/html" if looks_like_html(text) else "text/plain"
    return RawArticle(source or "unknown", datetime.now(UTC), kind, text, url=url)


def looks_like_html(text: str) -> bool:
    import re

    tag = r"<(?:!doctype|html|head|body|div|p|article|h1|title|meta)\b"
    return re.search(tag, text[:20_000], re.IGNORECASE) is not None


def article_of(
    given: Input,
    profiles: Mapping[str, SourceProfile],
    rules: RuleSet | None = None,
    source: str | None = None,
    language: str | None = None,
) -> Article | Rejected:
    """The article of an article.v1 value; that of a raw-article.v1 value or of a page, normalised with the profile of
    its source, or as `newsflow normalise` made it, and with `rules` tagged; or why there is none. With a `language`, a
    text is the article as it is."""
    from datetime import UTC, datetime

    from newsflow.model import Rejected
    from newsflow.model.codec import decode_article
    from newsflow.normalise import normalise

    article: Article | Rejected | None = None
    if given.is_json:
        try:
            article = decode_article(given.value)
        except ValueError:
            pass
        else:
            if article.id:  # else it was normalised and no more
                return article
    elif language is not None and (text := plain_text(given)) is not None:
        return text_as_article(text, language)
    if article is None:
        raw = raw_of(given, source)
        article = raw if isinstance(raw, Rejected) else normalise(raw, profiles.get(raw.source), datetime.now(UTC))
    if rules is None or isinstance(article, Rejected):
        return article
    return rules.tag(article).on(article)


def plain_text(given: Input) -> str | None:
    """The text of what is not a page. Raises UsageError for what is not UTF-8."""
    try:
        text = given.value.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{given.where}: {in_words(error)}") from error
    return None if looks_like_html(text) else text


def text_as_article(text: str, language: str) -> Article:
    """A text as it is, its first line the title where there are more."""
    from newsflow.tagging.lint import text_article

    title, _, body = text.strip().partition("\n")
    return text_article(body.strip(), language, title.strip()) if body.strip() else text_article(title, language)


def configured_profiles(config: Path | None, given: Path | None = None) -> dict[str, SourceProfile]:
    """Source profiles by id: of the file or folder given, else of the configured ones."""
    from newsflow.normalise.profiles import load_sources

    return load_sources([given] if given else settings(config).config.sources.paths)


def stored_articles(on: str, since: str | None, config: Path | None, ledger: str | None) -> Iterator[Article]:
    """Articles of a file of JSON lines, or from the ledger the last version of each that is neither withdrawn nor
    held back as a copy."""
    if on != "ledger":
        yield from _articles(Path(on), config)
        return
    from contextlib import closing
    from datetime import UTC, datetime

    from newsflow.cli.ledger import open_existing
    from newsflow.model.codec import decode_article

    start = datetime.now(UTC) - duration(since) if since else None
    with closing(open_existing(settings(config, ledger=ledger).config)) as opened:
        for stored in opened.current_versions(since=start):
            yield decode_article(stored.value)


def _articles(file: Path, config: Path | None) -> Iterator[Article]:
    from newsflow.model import Rejected

    profiles = configured_profiles(config)
    for given in read_inputs(file):
        found = article_of(given, profiles)
        if isinstance(found, Rejected):
            raise UsageError(f"{given.where}: neither article.v1 nor raw-article.v1: {found.message}")
        yield found


def duration(text: str) -> timedelta:
    """A timedelta from 30s, 90m, 36h or 7d. Raises UsageError."""
    import re
    from datetime import timedelta

    match = re.fullmatch(r"(\d{1,6})([smhd])", text.strip())
    if match is None:
        raise UsageError(f"{text!r} is not a span of time; give a number with s, m, h or d, as 36h or 7d")
    return timedelta(**{{"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}[match[2]]: int(match[1])})


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
    """The rules a command was given, none of its files and folders without one; else those in force. Raises
    ConfigError."""
    from newsflow.tagging import load_rules
    from newsflow.tagging.load import refuse_empty, rule_documents, rule_files

    if given:
        rules = load_rules(given)
        files = {rule.file for rule in rules.rules}
        for path in given:
            if files.isdisjoint(map(str, rule_files([path]))):
                refuse_empty(path, rule_documents([path]))
        return rules
    found = rules_in_force(settings(config).config)
    return load_rules(found.paths, later_replaces=bool(found.pointer.paths))


def load_named(name: str, config: Path | None) -> RuleSet:
    """The rules of a file or folder, or those named `shipped` or `in-force`. Raises ConfigError."""
    return load_given(None if name == IN_FORCE else [Path(name)], config)
