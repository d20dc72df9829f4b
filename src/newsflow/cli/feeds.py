"""`newsflow feeds`: lists of feeds, and how each of them fares."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsflow.cli.articles import file_argument
from newsflow.cli.options import ConfigOption, LedgerOption, Output, OutputOption, settings
from newsflow.cli.output import EXIT_FAILED, data, emit, one_line, tell
from newsflow.cli.poll import FeedsOption, listed_feeds, make_fetcher
from newsflow.errors import UsageError, in_words

if TYPE_CHECKING:
    from newsflow.config.settings import Config
    from newsflow.sources.feedlist import Feed
    from newsflow.sources.state import Target
    from newsflow.sources.visit import Looked, Visitor

app = typer.Typer(no_args_is_help=True, help="Lists of feeds, and how each feed fares.")


def visitor_of(config: Config) -> Visitor:
    from newsflow.sources.visit import Visitor

    agent = config.poll.user_agent.partition("/")[0]
    return Visitor(make_fetcher(config.poll), agent, config.poll.host_delay_s)


@app.command("list")
def list_feeds(config: ConfigOption = None, ledger: LedgerOption = None, output: OutputOption = Output.TEXT) -> None:
    """Show every feed that was polled: its health, when it was last asked and had news, and when it is due."""
    from newsflow.cli.ledger import open_existing
    from newsflow.sources.state import PollState

    with closing(open_existing(settings(config, ledger=ledger).config)) as opened:
        found = PollState(opened).feeds()
    if not found:
        tell("no feed was polled yet")
    for target in found:
        row = _row(target)
        seen = f"asked {row['asked_at'] or 'never'}, new {row['new_at'] or 'never'}, due {row['due_at'] or 'never'}"
        form = f"{row['form'] or '?'}, {row['new']} items"
        error = (
            f": {one_line(target.state.error or target.state.ended, 200)}" if row["health"] not in ("ok", "new") else ""
        )
        emit(output, row, f"{row['health']:<8} {one_line(row['url'])} ({form}; {seen}){error}")


def _row(target: Target) -> dict[str, Any]:
    from newsflow.ledger.database import from_micros
    from newsflow.model.headers import instant_text

    def at(micros: int | None) -> str | None:
        return instant_text(from_micros(micros)) if micros else None

    state = target.state
    return {
        "source": state.hints.get("source"),
        "url": state.home if target.id == target.root else target.url,
        "health": health_of(target),
        "form": state.form or None,
        "title": state.title or None,
        "every_s": round(state.every_s) or None,
        "items": state.items,
        "new": state.new,
        "failures": state.failures,
        "error": state.error or state.ended or None,
        "asked_at": at(state.asked_at),
        "answered_at": at(state.answered_at),
        "new_at": at(state.new_at),
        "due_at": at(target.due_at),
    }


def health_of(target: Target) -> str:
    """`gone`, `off` (it left the list), `dead` (it failed for more than a week), `failing`, `new` (never answered), or
    `ok`."""
    state = target.state
    if state.ended:
        return "gone"
    if target.due_at is None:
        return "off"
    if state.failures:
        silent_us = state.asked_at - (state.answered_at or state.asked_at)
        return "dead" if timedelta(microseconds=silent_us) > timedelta(days=7) else "failing"
    return "ok" if state.answered_at else "new"


@app.command()
def check(
    urls: Annotated[list[str] | None, typer.Argument(metavar="[URL]...", help="Addresses, instead of a list.")] = None,
    feeds: FeedsOption = None,
    config: ConfigOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Ask feeds once and say what each is; nothing is kept or published. Exit 1 when one of them is no feed."""
    from newsflow.sources.feedlist import Feed, source_of
    from newsflow.sources.visit import look_at

    loaded = settings(config).config
    asked = [Feed(source_of(url), url) for url in urls] if urls else listed_feeds(loaded, feeds)
    visitor, wrong = visitor_of(loaded), 0
    for feed in asked:
        looked = look_at(visitor, feed.url)
        wrong += looked.parsed is None
        emit(output, looked_row(feed, looked), looked_line(feed, looked))
    if wrong:
        tell(f"{wrong} of {len(asked)} cannot be read")
        raise typer.Exit(EXIT_FAILED)


def looked_row(feed: Feed, looked: Looked) -> dict[str, Any]:
    from newsflow.sources.items import has_whole_text, known_items

    if looked.parsed is None:
        return {"source": feed.source, "url": feed.url, "error": looked.error}
    known = known_items(looked.parsed.items)
    return {
        "source": feed.source,
        "url": feed.url,
        "at": looked.url,
        "form": looked.parsed.kind,
        "title": looked.parsed.title,
        "items": len(known),
        "whole": sum(has_whole_text(each, feed.content) for each in known),
        "sitemaps": len(looked.parsed.children),
        "error": None,
    }


def looked_line(feed: Feed, looked: Looked) -> str:
    row = looked_row(feed, looked)
    if looked.parsed is None:
        return f"{one_line(feed.url)}: {one_line(looked.error, 300)}"
    moved = "" if looked.url == feed.url else f", at {one_line(looked.url)}"
    children = f", {row['sitemaps']} sitemaps" if row["sitemaps"] else ""
    return f"{one_line(feed.url)}: {row['form']}, {row['items']} items, {row['whole']} of them whole{children}{moved}"


@app.command("import")
def import_list(
    file: Annotated[Path, file_argument("OPML, as a feed reader exports it")], output: OutputOption = Output.TEXT
) -> None:
    """Print the feeds of an OPML file as feeds.yaml."""
    from newsflow.ingest.files import open_lines
    from newsflow.sources.feedlist import feeds_of, to_yaml

    try:
        with open_lines(file) as stream:
            text = stream.read().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: cannot be read: {in_words(error)}") from error
    feeds = feeds_of(text, str(file))
    _print(feeds, to_yaml(feeds), output)


@app.command()
def export(feeds: FeedsOption = None, config: ConfigOption = None, output: OutputOption = Output.TEXT) -> None:
    """Print lists of feeds as OPML, which feed readers take. Headers are left out."""
    from newsflow.sources.feedlist import to_opml

    listed = listed_feeds(settings(config).config, feeds)
    _print(listed, to_opml(listed), output)


@app.command()
def starter(output: OutputOption = Output.TEXT) -> None:
    """Print a list of feeds to begin with, which says what a list may hold. Its outlets are invented."""
    from newsflow.sources.feedlist import feeds_of

    text = files("newsflow.sources").joinpath("starter.yaml").read_text(encoding="utf-8")
    _print(feeds_of(text, "starter.yaml"), text, output)


def _print(feeds: list[Feed], text: str, output: Output) -> None:
    if output is Output.JSON:
        for feed in feeds:
            emit(output, feed.members(), "")
    else:
        data(text.rstrip("\n"))
