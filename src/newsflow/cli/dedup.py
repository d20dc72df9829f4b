"""`newsflow dedup` and `newsflow story show`: why two articles are duplicates or not, and what a story is made of."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsflow.cli.articles import read_inputs
from newsflow.cli.ledger import open_existing
from newsflow.cli.options import ConfigOption, LedgerOption, Output, OutputOption, settings
from newsflow.cli.output import EXIT_FAILED, data, data_json, isolate, tell
from newsflow.errors import UsageError, in_words
from newsflow.ingest.files import STDIN

if TYPE_CHECKING:
    from newsflow.dedup.decide import KnownArticle
    from newsflow.dedup.explain import Explanation
    from newsflow.dedup.story import Story
    from newsflow.ledger import Ledger
    from newsflow.model import Article

SHOWN_PASSAGES = 8
EITHER = "Article id in the ledger, or a file (article.v1, or text); - for standard input."

app = typer.Typer(no_args_is_help=True, help="Deduplication: ask why.")


@app.callback()
def _group() -> None:
    """Keep `explain` a command of its own while it is the only one."""


@app.command()
def explain(
    left: Annotated[str, typer.Argument(metavar="A", help=EITHER)],
    right: Annotated[str, typer.Argument(metavar="B", help="The other one.")],
    config: ConfigOption = None,
    ledger: LedgerOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show two articles' scores, what they share, and what deduplication makes of them."""
    from newsflow.dedup.explain import explain as compare_articles

    first, second = (load(name, config, ledger) for name in (left, right))
    found = compare_articles(first, second)
    if output is Output.JSON:
        data_json(asdict(found) | {"relation": found.relation.name.lower()})
    else:
        _print(first, second, found)


def load(name: str, config: Path | None, ledger: str | None) -> Article:
    """The article of an id in the ledger, or of a file. Raises `UsageError`."""
    if name == STDIN or Path(name).is_file():
        return _read(Path(name))
    with closing(open_existing(settings(config, ledger=ledger).config)) as opened:
        article = opened.current_article(name)
    if article is None:
        raise UsageError(f"{name!r} is neither a file nor the id of an article in the ledger")
    return article


def _read(path: Path) -> Article:
    """An article.v1 file, or the body of an article in any language, on its own."""
    from datetime import UTC, datetime

    from newsflow.model import Article, PublicationDate
    from newsflow.model.codec import decode_article

    given = next(iter(read_inputs(path)))
    try:
        if given.is_json:
            return decode_article(given.value)
        start = datetime(1970, 1, 1, tzinfo=UTC)
        date = PublicationDate(start, "unknown", "first-seen", "")
        return Article("file", path.name, given.value.decode("utf-8"), "und", date, start, guid=str(path))
    except ValueError as error:
        raise UsageError(f"{path}: {in_words(error)}; accepted: article.v1 as JSON, or text in UTF-8") from error


def _print(left: Article, right: Article, found: Explanation) -> None:
    for name, article, count in (("A", left, found.words[0]), ("B", right, found.words[1])):
        data(f"{name}  {article.source}  {isolate(article.title)}  ({article.language}, {count} words)")
    similar = found.similarity
    data(f"jaccard {similar.jaccard:.3f}   containment {similar.containment:.3f}   numbers {similar.numbers:.2f}")
    data(
        f"numbers: {len(found.numbers_shared)} shared; only A: {_listed(found.numbers_left)}; "
        f"only B: {_listed(found.numbers_right)}"
    )
    for each in found.exchanged[:SHOWN_PASSAGES]:
        data(f"exchanged: {each.kind}  {isolate(each.left or '-')}  for  {isolate(each.right or '-')}")
    shown = found.passages[:SHOWN_PASSAGES]
    data(f"shared passages: {len(found.passages)}" + (f", the longest {len(shown)}:" if shown else ""))
    for passage in shown:
        data(f"  {passage.words:>4} words  {isolate(_shorten(passage.text))}")
    data(found.verdict)


def _listed(numbers: tuple[str, ...]) -> str:
    return ", ".join(numbers[:12]) + (" …" if len(numbers) > 12 else "") or "none"


def _shorten(text: str, length: int = 160) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length // 2]} … {line[-length // 2 :]}"


def story(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="Id of a story, or of one of its articles.")],
    config: ConfigOption = None,
    ledger: LedgerOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show a story: its size, sources and languages, and its articles as they came, with what each is to the others."""
    from newsflow.normalise.profiles import load_sources

    loaded = settings(config, ledger=ledger).config
    profiles = load_sources(loaded.sources.paths)
    families = {name: profile.family for name, profile in profiles.items() if profile.family}
    with closing(open_existing(loaded)) as opened:
        found = _find(opened, identifier, families)
        if found is None:
            tell(f"no story and no article of the id {identifier!r} in the ledger")
            raise typer.Exit(EXIT_FAILED)
        titles = {each.id: _title(opened, each.id) for each in found.articles}
    if output is Output.JSON:
        data_json(_members(found, titles))
    else:
        _print_story(found, titles)


def _find(ledger: Ledger, identifier: str, families: dict[str, str]) -> Story | None:
    held = ledger.known(identifier)
    return ledger.story(identifier, families) or (
        ledger.story(held.story, families) if held is not None and held.story else None
    )


def _title(ledger: Ledger, article_id: str) -> str:
    article = ledger.current_article(article_id)
    return "" if article is None else article.title


def _members(story: Story, titles: dict[str, str]) -> dict[str, Any]:
    names = ("id", "size", "independent_sources", "sources", "languages", "first_seen")
    return {name: getattr(story, name) for name in names} | {
        "representative": story.representative.id,
        "articles": [_member(each, titles[each.id]) for each in story.articles],
    }


def _member(article: KnownArticle, title: str) -> dict[str, Any]:
    names = ("id", "version", "source", "url", "agency", "language", "first_seen", "duplicate_of")
    return {name: getattr(article, name) for name in names} | {"title": title, "standing": _standing(article)}


def _standing(article: KnownArticle) -> str:
    if article.withdrawn:
        return "withdrawn"
    return "original" if article.duplicate_of is None else "copy"


def _print_story(story: Story, titles: dict[str, str]) -> None:
    data(f"story {story.id}")
    first = story.articles[0]
    data(f"  first seen   {story.first_seen:%Y-%m-%d %H:%M:%S} UTC, by {first.source} ({first.language})")
    data(f"  articles     {story.size} living, {len(story.articles)} in all; {', '.join(story.languages)}")
    data(f"  sources      {len(story.sources)}, of them {story.independent_sources} independent")
    data(f"  shown by     {isolate(titles[story.representative.id])}")
    for each in story.articles:
        credit = f" ({each.agency})" if each.agency else f" (tells {each.retells} again)" if each.retells else ""
        what = f"{_standing(each):<9}  {each.language:<3}  {each.source}{credit}  {isolate(titles[each.id])}"
        data(f"  {each.first_seen:%m-%d %H:%M}  {what}")
        data(f"               {each.id}  {each.url or each.guid}")
