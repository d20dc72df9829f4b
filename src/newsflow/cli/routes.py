"""`newsflow routes`: who would get an article, and why others would not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsflow.cli.articles import article_of, configured_profiles, file_argument, load_given, read_inputs
from newsflow.cli.options import ConfigOption, Output, OutputOption, SourceOption, settings
from newsflow.cli.output import EXIT_FAILED, data, data_json, isolate, one_line, tell
from newsflow.errors import UsageError

if TYPE_CHECKING:
    from newsflow.model import Article
    from newsflow.routing import Routes

app = typer.Typer(no_args_is_help=True, help="Routes and subscriptions: who gets what.")


@app.callback()
def _group() -> None:
    """Keep `test` a command of its own while it is the only one."""


@app.command("test")
def try_routes(
    file: Annotated[
        Path, file_argument("Articles or raw events, which are tagged (JSON, one or one a line), or a page or text")
    ],
    routes: Annotated[
        list[Path] | None, typer.Option("--routes", help="Files of routes instead of the configured ones.")
    ] = None,
    source: SourceOption = None,
    at: Annotated[
        str | None, typer.Option("--at", help="As if first seen then, to try schedules: 2026-03-01T22:30:00+04:00.")
    ] = None,
    config: ConfigOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show who would get each article of FILE, and for everyone else why not.

    Without a ledger nothing is known of earlier versions and of other articles: an article stands alone in its story,
    unless it says otherwise.
    """
    from newsflow.model import Article
    from newsflow.routing import load_routes

    seen_at = None if at is None else _instant(at)
    loaded = settings(config).config
    rules = load_given(None, config)
    topics = {rule.id for rule in rules.rules}
    table = load_routes(routes or [Path(path) for path in loaded.route_paths] or None, topics=topics)
    failed, profiles = 0, configured_profiles(config)
    for number, given in enumerate(read_inputs(file), 1):
        article = article_of(given, profiles, rules, source)
        if isinstance(article, Article):
            _show(replace(article, first_seen=seen_at or article.first_seen), table, number, output)
        else:
            failed += 1
            tell(f"{given.where}: {article.reason}: {article.message}")
    if failed:
        raise typer.Exit(EXIT_FAILED)


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise UsageError(f"--at {text!r}: accepted is a time with its zone, as 2026-03-01T22:30:00+04:00")


def _show(article: Article, table: Routes, number: int, output: Output) -> None:
    from newsflow.model import Action, Decision, Outcome
    from newsflow.routing import routed_to_json

    outcome = {Action.ADD: Outcome.ADDED, Action.REPLACE: Outcome.REPLACED, Action.WITHDRAW: Outcome.WITHDRAWN}
    decision = Decision(outcome[article.action], article.first_seen, article, _earlier_feeds(article, table))
    routed, verdicts = table.route(article, decision), table.explain(article, decision)
    if output is Output.JSON:
        about = {"title": article.title, "source": article.source, "debug": table.debugs(article)}
        data_json(about | routed_to_json(article, routed, verdicts))
        return
    data(f"{number}: {isolate(article.title or '(no title)')}  [{one_line(article.source)}, {article.language}]")
    data(f"   topics  {', '.join(f'{topic.id} {topic.score:g}' for topic in article.topics) or 'none'}")
    data(f"   feeds   {', '.join(routed.feeds) or 'none'}")
    data(f"   stores  {', '.join(routed.stores) or 'none'}")
    alerts = [f"{alert.subscription} to {', '.join(alert.destinations)}" for alert in routed.alerts]
    data(f"   alerts  {'; '.join(alerts) or 'none'}")
    taking = {verdict.id for verdict in verdicts if verdict.taken and verdict.kind == "subscription"}
    planned = [each.id for each in table.subscriptions if each.id in taking and each.alert_to and not each.told_at_once]
    if planned:
        data(f"   planner {', '.join(planned)}: alerts by their policies")
    if table.debugs(article):
        data("   debug   reported on the debug feed")
    for verdict in verdicts:
        data(f"   {'+' if verdict.taken else '-'} {verdict.kind} {verdict.id}: {'; '.join(verdict.reasons)}")


def _earlier_feeds(article: Article, table: Routes) -> tuple[str, ...]:
    """Where a withdrawn article went before. Without a ledger nobody knows; its topics and its title stand for it."""
    from newsflow.model import Action, Decision, Outcome

    if article.action is not Action.WITHDRAW:
        return ()
    before = replace(article, action=Action.ADD)
    return table.route(before, Decision(Outcome.ADDED, article.first_seen, before)).feeds
