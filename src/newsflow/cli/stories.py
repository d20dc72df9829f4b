"""`newsflow story`: what a story is made of, what links two reports, and an editor's word on it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from newsflow.cli import dedup
from newsflow.cli.ledger import open_existing
from newsflow.cli.options import ConfigOption, LedgerOption, Output, OutputOption, settings
from newsflow.cli.output import data, data_json, emit, isolate

if TYPE_CHECKING:
    from newsflow.model import Article
    from newsflow.stories import Report
    from newsflow.stories.explain import Explanation

SHOWN = 12


class _ShowsByDefault(TyperGroup):
    """`newsflow story ID` is `newsflow story show ID`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h"):
            args = ["show", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=_ShowsByDefault, no_args_is_help=True, help="Stories: show, explain, split, merge.")
app.command("show")(dedup.story)


@app.command()
def explain(
    left: Annotated[str, typer.Argument(metavar="A", help=dedup.EITHER)],
    right: Annotated[str, typer.Argument(metavar="B", help="The other one.")],
    config: ConfigOption = None,
    ledger: LedgerOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show what links two articles, what keeps them apart, and the figure that makes them one story by themselves."""
    from newsflow.stories.explain import explain_pair

    encoder = settings(config, ledger=ledger).config.stories.encoder
    first, second = (dedup.load(name, config, ledger) for name in (left, right))
    found = explain_pair(_report(first, encoder), _report(second, encoder))
    if output is Output.JSON:
        data_json(asdict(found))
    else:
        _print(first, second, found)


def _report(article: Article, encoder: str) -> Report:
    from newsflow.ledger.database import to_micros
    from newsflow.ledger.story_adoption import countries_of
    from newsflow.model.languages import base_language
    from newsflow.stories import Report, encode, gist, is_encoded, read_signals

    language = base_language(article.language)
    signals = read_signals(language, article.title, article.body, countries_of(article))
    vector = None
    if encoder != "none" and is_encoded(language):
        (vector,) = encode([gist(language, article.title, article.body)])
    return Report(article.id or article.title, to_micros(article.first_seen), language, signals, vector)


def _print(left: Article, right: Article, found: Explanation) -> None:
    for name, article in (("A", left), ("B", right)):
        data(f"{name}  {article.source}  {isolate(article.title)}  ({article.language})")
    data(f"links: {len(found.links)}" + (", the rarest:" if found.links else ""))
    for each in found.links[:SHOWN]:
        same = "" if each.left == each.right else f" = {isolate(each.right)}"
        data(f"  {each.kind:<9} {each.nats:4.1f}  {isolate(each.left)}{same}")
    for name, alone in (("A", found.only_left), ("B", found.only_right)):
        data(f"only {name}: {', '.join(map(isolate, alone[:SHOWN])) or 'nothing'}")
    data(found.verdict)


@app.command()
def merge(
    left: Annotated[str, typer.Argument(metavar="A", help="Id of a story, or of one of its articles.")],
    right: Annotated[str, typer.Argument(metavar="B", help="The other one.")],
    config: ConfigOption = None,
    ledger: LedgerOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Let two stories be one: the one that began first goes on, the other leads on to it."""
    with closing(open_existing(settings(config, ledger=ledger).config)) as opened:
        ended, kept = opened.merge_stories(left, right)
    emit(output, {"merged": ended, "into": kept}, f"story {ended} leads on to {kept}; the next run of a job tells it")


@app.command()
def split(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="Id of a story, or of one of its articles.")],
    articles: Annotated[list[str], typer.Argument(metavar="ARTICLE...", help="The articles that leave it.")],
    config: ConfigOption = None,
    ledger: LedgerOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Let some articles of a story be a story of their own."""
    with closing(open_existing(settings(config, ledger=ledger).config)) as opened:
        story, part = opened.split_story(identifier, articles)
    emit(output, {"story": story, "part": part}, f"story {part} left {story}; the next run of a job tells it")
