"""What `newsflow sources discover` finds out about a site: its feeds, a profile, and what its articles become."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from newsflow.cli.feeds import looked_line, looked_row, visitor_of
from newsflow.cli.options import Output
from newsflow.cli.output import EXIT_FAILED, data, data_json, one_line, tell
from newsflow.errors import SinkError, UsageError
from newsflow.normalise.profiles import learn_source

if TYPE_CHECKING:
    from newsflow.config.settings import Config
    from newsflow.model import Article, RawArticle, Rejected
    from newsflow.sources.feedlist import Feed
    from newsflow.sources.visit import Looked, Visitor


def discover(url: str, articles: int, config: Config, output: Output) -> None:
    """Raises `UsageError` when the page cannot be had."""
    from newsflow.sources import visit
    from newsflow.sources.feedlist import Feed, source_of, to_yaml

    visitor = visitor_of(config)
    try:
        found = visit.discover(visitor, url)
    except SinkError as error:
        raise UsageError(f"{url}: {error}") from error
    if not found:
        tell(f"{url}: no feed was found, and no sitemap")
        raise typer.Exit(EXIT_FAILED)
    source = source_of(url)
    feeds = [Feed(source, each.url, (each.parsed.title if each.parsed else None) or "") for each in found]
    sample = list(_sample(visitor, feeds, found, articles))
    made = list(zip(sample, _articles(sample), strict=True))
    proposal = learn_source(source, sample)
    if output is Output.JSON:
        for feed, looked in zip(feeds, found, strict=True):
            data_json({"feed": looked_row(feed, looked)})
        for raw, article in made:
            data_json({"article": {"url": raw.url, **_told(article)}})
        data_json({"profile": asdict(proposal)})
        return
    for feed, looked in zip(feeds, found, strict=True):
        data(f"# {looked_line(feed, looked)}")
    data(to_yaml(feeds).rstrip("\n"))
    for raw, article in made:
        shown = ", ".join(f"{name} {one_line(str(value), 100)}" for name, value in _told(article).items() if value)
        data(f"# {one_line(raw.url or raw.guid or '')}: {shown}")
    from newsflow.cli.normalise import profile_lines

    data("---")
    data("\n".join(profile_lines([proposal])))


def _sample(visitor: Visitor, feeds: list[Feed], found: list[Looked], most: int) -> Iterator[RawArticle]:
    """Raw articles as `newsflow poll` would publish them, of the first feeds that have any."""
    from newsflow.model import Rejected
    from newsflow.model.raw import parse_raw
    from newsflow.normalise.encodings import decode_bytes
    from newsflow.sources.items import has_whole_text, hints_of, known_items, raw_event, text_of_feed
    from newsflow.sources.parse import charset_of

    seen: set[str] = set()
    for feed, looked in zip(feeds, found, strict=True):
        for known in known_items(looked.parsed.items if looked.parsed else ()):
            if known.key in seen or len(seen) >= most:
                continue
            seen.add(known.key)
            text = text_of_feed(known.item)
            if known.url is not None and not has_whole_text(known):
                try:
                    _, answer = visitor.get(known.url)
                except SinkError as error:
                    tell(f"{known.url}: {error}")
                    continue
                content = decode_bytes(answer.body, charset_of(answer.headers))
                text = {"content_type": "text/html", "content": content, "content_is": "page"}
            language = looked.parsed.language if looked.parsed else None
            _, value = raw_event(hints_of(known, feed.source, feed.url, language), text, datetime.now(UTC))
            raw = parse_raw(value)
            if not isinstance(raw, Rejected):
                yield raw


def _articles(sample: list[RawArticle]) -> list[Article | Rejected]:
    from newsflow.sandbox import Normaliser, SandboxLimits

    now = datetime.now(UTC)
    with Normaliser(SandboxLimits(workers=1)) as normaliser:
        return normaliser.normalise_many([(raw, None, now) for raw in sample])


def _told(article: Article | Rejected) -> dict[str, object]:
    from newsflow.model import Rejected

    if isinstance(article, Rejected):
        return {"rejected": article.reason.value, "why": article.message}
    published = article.published
    dated = {} if published.evidence == "first-seen" else {"published": published.at.isoformat()}
    return {"words": article.word_count, "language": article.language, **dated, "title": article.title}
