"""`newsflow story`: the articles of one story, and who stands behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsflow.cli.common import EXIT_FAILED, ConfigOption, Output, OutputOption, data, data_json, settings, words
from newsflow.cli.ledger import UrlOption, open_existing

if TYPE_CHECKING:
    from newsflow.dedup.decide import Held
    from newsflow.dedup.story import Story
    from newsflow.ledger import Ledger


def story(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="Id of a story, or of one of its articles.")],
    config: ConfigOption = None,
    url: UrlOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show a story: its size, sources and languages, and each article with what it is to the others."""
    from newsflow.stages.tools import load_sources

    profiles = load_sources(settings(config).config.sources.paths)
    families = {name: profile.family for name, profile in profiles.items() if profile.family}
    ledger = open_existing(config, url)
    try:
        found = _find(ledger, identifier, families)
        if found is None:
            words.print(f"no story and no article of the id {identifier!r} in the ledger", markup=False)
            raise typer.Exit(EXIT_FAILED)
        titles = {each.id: _title(ledger, each.id) for each in found.articles}
    finally:
        ledger.close()
    if output is Output.JSON:
        data_json(_members(found, titles))
    else:
        _print(found, titles)


def _find(ledger: Ledger, identifier: str, families: dict[str, str]) -> Story | None:
    found = ledger.story(identifier, families)
    if found is None:
        held = ledger.held(identifier)
        found = ledger.story(held.story, families) if held is not None and held.story else None
    return found


def _title(ledger: Ledger, article_id: str) -> str:
    article = ledger.current_article(article_id)
    return "" if article is None else article.title


def _members(story: Story, titles: dict[str, str]) -> dict[str, Any]:
    return {
        "id": story.id,
        "size": story.size,
        "independent_sources": story.independent_sources,
        "sources": story.sources,
        "languages": story.languages,
        "first_seen": story.first_seen,
        "representative": story.representative.id,
        "articles": [
            {
                "id": each.id,
                "version": each.version,
                "source": each.source,
                "url": each.url,
                "title": titles[each.id],
                "agency": each.agency,
                "first_seen": each.first_seen,
                "standing": _standing(each),
                "duplicate_of": each.duplicate_of,
            }
            for each in story.articles
        ],
    }


def _standing(article: Held) -> str:
    if article.withdrawn:
        return "withdrawn"
    return "original" if article.duplicate_of is None else "copy"


def _print(story: Story, titles: dict[str, str]) -> None:
    from newsflow.cli.text import isolate

    data(f"story {story.id}")
    data(f"  first seen   {story.first_seen:%Y-%m-%d %H:%M:%S} UTC")
    data(f"  articles     {story.size} living, {len(story.articles)} in all; {', '.join(story.languages)}")
    data(f"  sources      {len(story.sources)}, of them {story.independent_sources} independent")
    data(f"  shown by     {isolate(titles[story.representative.id])}")
    for each in story.articles:
        credit = f" ({each.agency})" if each.agency else ""
        data(
            f"  {each.first_seen:%m-%d %H:%M}  {_standing(each):<9}  {each.source}{credit}  {isolate(titles[each.id])}"
        )
        data(f"               {each.id}  {each.url or each.guid}")
