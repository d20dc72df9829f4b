"""`newsflow trace`: what became of one address, article or event, as text, JSON or a page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsflow.cli.options import (
    BootstrapOption,
    ConfigOption,
    LedgerOption,
    Output,
    OutputOption,
    TopicOption,
    set_up_logging,
    settings,
)
from newsflow.cli.output import EXIT_FAILED, data, data_json, isolate, one_line, tell

if TYPE_CHECKING:
    from newsflow.config.settings import Config
    from newsflow.ingest.trace import Life
    from newsflow.ledger import Ledger
    from newsflow.model import Article

PATIENCE_S = 2.0
ASKED = "An address, the id of an article, an event or a dead letter, or a place as TOPIC:PARTITION:OFFSET."


def trace(
    asked: Annotated[str, typer.Argument(metavar="URL|ID|EVENT", help=ASKED)],
    topic: TopicOption = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="PATH", help="Write it as a page, one file.")] = None,
    config: ConfigOption = None,
    bootstrap_servers: BootstrapOption = None,
    ledger: LedgerOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Tell an article's life: events, versions, dead letters, story, topics and why, feeds, stores, alerts.

    With --topic it says why an article has that tag, or has not, by the rules in force.
    """
    from newsflow.cli.ledger import open_existing
    from newsflow.ingest import trace as lives

    set_up_logging()
    loaded = settings(config, bootstrap_servers, ledger).config
    with closing(open_existing(loaded)) as opened:
        _read_letters(loaded, opened)
        found = lives.trace(opened, asked.strip())
    if not found:
        tell(f"the ledger knows nothing of {asked!r}: it never came, or was forgotten (ledger.retention_d)")
        raise typer.Exit(EXIT_FAILED)
    told = [(life, _told(life, loaded, config, topic)) for life in found]
    if html is not None:
        html.write_text(page(asked, [lines for _, lines in told]), encoding="utf-8")
        tell(f"written to {html}")
    elif output is Output.JSON:
        for life, lines in told:
            data_json(_members(life, loaded, lines.get("topic", [])))
    else:
        for _, lines in told:
            for heading, rows in lines.items():
                for number, row in enumerate(rows):
                    data(f"{heading if number == 0 else '':<9} {row}")


def _read_letters(config: Config, ledger: Ledger) -> None:
    """Bring the index of dead letters up to date, where the broker answers at once."""
    from newsflow.errors import KafkaError
    from newsflow.ingest.letters import read_on

    try:
        read_on(config, ledger, connect_timeout_s=PATIENCE_S)
    except KafkaError as error:
        tell(f"dead letters are those that the index had before: {error}")


def _told(life: Life, config: Config, file: Path | None, topic: str | None) -> dict[str, list[str]]:
    """What is printed, by heading."""
    lines = {"article": [*_heading(life)]}
    lines["life"] = [f"{step.at:%Y-%m-%dT%H:%M:%SZ}  {step.kind:<14}  {isolate(step.text)}" for step in life.steps]
    article = life.article
    if article is not None:
        lines["topics"] = [*_topics(article)] or ["none"]
        lines["feeds"] = [", ".join(life.feeds) or "none"]
        lines["stores"] = [*_stores(life, config)] or ["none"]
        lines["copies"] = [f"{each.id} of {one_line(each.source)}" for each in life.copies]
        if topic is not None:
            lines["topic"] = [*_why(article, file, topic)]
    return lines


def _heading(life: Life) -> Iterator[str]:
    if life.known is None:
        yield "none: it never became one"
        return
    known = life.known
    yield f"{known.id}, version {known.version}, {life.state}"
    if life.article is not None:
        yield f"{isolate(life.article.title or '(no title)')} ({life.article.language}), {one_line(known.source)}"
    yield one_line(known.url or known.guid or "")
    if known.duplicate_of:
        yield f"a copy of {known.duplicate_of}"
    if life.story:
        yield f"story {life.story}"


def _topics(article: Article) -> Iterator[str]:
    for match in article.topics:
        terms = ", ".join(dict.fromkeys(isolate(each.text) for each in match.evidence))
        yield f"{match.id} {match.score:g}, rule {match.rule_version}: {terms}"
    for mention in article.mentions:
        yield f"{mention.id} is only mentioned, {mention.count} times"


def _stores(life: Life, config: Config) -> Iterator[str]:
    for name in _wanted_by(life, config):
        refused = life.refused.get(name)
        yield f"{name}: " + ("by its routes" if refused is None else f"refused: {isolate(refused)}")
    for name in sorted(life.refused.keys() - set(_wanted_by(life, config))):
        yield f"{name}: refused: {isolate(life.refused[name])}"


def _wanted_by(life: Life, config: Config) -> tuple[str, ...]:
    from newsflow.routing import load_routes

    if life.article is None or life.known is None or not life.known.accepted:
        return ()
    return load_routes([Path(path) for path in config.route_paths]).stores_of(life.article)


def _why(article: Article, file: Path | None, topic: str) -> Iterator[str]:
    from newsflow.cli.articles import known_topic, load_given
    from newsflow.cli.topics import explanation_text
    from newsflow.tagging.explain import explain

    rules = load_given(None, file)
    known_topic(rules, topic)
    yield from explanation_text(explain(rules, article, topic), article, colour=False)


def _members(life: Life, config: Config, why: list[str]) -> dict[str, Any]:
    import orjson

    from newsflow.model.codec import encode_article

    article = None if life.article is None else orjson.loads(encode_article(life.article))
    alerts = [
        {"id": each.id, "subscription": each.subscription, "deliveries": [asdict(d) for d in each.deliveries]}
        for each in life.alerts
    ]
    return {
        "id": life.known and life.known.id,
        "state": life.state,
        "version": life.known and life.known.version,
        "duplicate_of": life.known and life.known.duplicate_of,
        "story": life.story,
        "copies": [each.id for each in life.copies],
        "feeds": list(life.feeds),
        "stores": list(_wanted_by(life, config)),
        "refused": life.refused,
        "alerts": alerts,
        "steps": [asdict(step) for step in life.steps],
        "topics": [] if article is None else article.get("topics", []),
        "mentions": [] if article is None else article.get("mentions", []),
    } | ({"why": why} if why else {})


_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; color: #222; }
h2 { font-size: 1em; margin: 1.5em 0 .3em; } p { margin: .1em 0; unicode-bidi: plaintext; }
ol { list-style: none; border-inline-start: 3px solid #ccc; margin: 0 0 0 .5em; padding: 0; }
li { position: relative; padding: .25em 0 .25em 1.2em; unicode-bidi: plaintext; }
li::before { content: ""; position: absolute; left: -.6em; top: .7em; width: .9em; height: .9em; border-radius: 50%;
  background: #4a7; } time { color: #777; font-variant-numeric: tabular-nums; margin-inline-end: .8em; }
li.dead-lettered::before, li.refused::before, li.alert-failed::before { background: #c33; }
li.withdrawn::before, li.duplicate::before, li.stale::before, li.alert-withheld::before { background: #d90; }
li.repeat::before, li.published::before { background: #99a; }
"""


def page(asked: str, lives: list[dict[str, list[str]]]) -> str:
    """The lives as one HTML page, which loads nothing."""
    from html import escape

    parts = [f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(asked)}</title><style>{_STYLE}</style>"]
    parts.append(f"<h1>{escape(one_line(asked))}</h1>")
    for lines in lives:
        for heading, rows in lines.items():
            if not rows:
                continue
            parts.append(f"<h2>{heading}</h2>")
            if heading == "life":
                steps = (row.split("  ", 2) for row in rows)
                shown = (
                    f"<li class={kind.strip()}><time>{at}</time>{escape(text.strip())}</li>" for at, kind, text in steps
                )
                parts.append(f"<ol>{''.join(shown)}</ol>")
            else:
                parts += [f"<p>{escape(row)}</p>" for row in rows]
    return "\n".join(parts) + "\n"
