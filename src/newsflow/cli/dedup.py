"""`newsflow dedup`: why two articles are duplicates, or are not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsflow.cli.common import ConfigOption, Output, OutputOption, data, data_json
from newsflow.cli.ledger import UrlOption, open_existing

if TYPE_CHECKING:
    from newsflow.dedup.explain import Explanation
    from newsflow.model import Article

SHOWN_PASSAGES = 8

app = typer.Typer(no_args_is_help=True, help="Deduplication: ask why.")


@app.callback()
def _group() -> None:
    """Keep `explain` a command of its own while it is the only one."""


@app.command()
def explain(
    left: Annotated[str, typer.Argument(metavar="A", help="Article id in the ledger, or a file: article.v1, or text.")],
    right: Annotated[str, typer.Argument(metavar="B", help="The other one.")],
    config: ConfigOption = None,
    url: UrlOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show two articles' scores, what they share, and what deduplication makes of them."""
    from dataclasses import asdict

    from newsflow.dedup.explain import explain as compare_articles

    first, second = (_load(name, config, url) for name in (left, right))
    found = compare_articles(first, second)
    if output is Output.JSON:
        data_json(asdict(found) | {"relation": found.relation.name.lower()})
    else:
        _print(first, second, found)


def _load(name: str, config: Path | None, url: str | None) -> Article:
    from newsflow.errors import UsageError

    if Path(name).is_file():
        return _read(Path(name))
    ledger = open_existing(config, url)
    try:
        article = ledger.current_article(name)
    finally:
        ledger.close()
    if article is None:
        raise UsageError(f"{name!r} is neither a file nor the id of an article in the ledger")
    return article


def _read(path: Path) -> Article:
    """An article.v1 file, or the body of an article in any language, on its own."""
    from datetime import UTC, datetime

    from newsflow.errors import UsageError
    from newsflow.model import Article, PublicationDate
    from newsflow.model.codec import decode_article

    raw = path.read_bytes()
    try:
        if raw.lstrip().startswith(b"{"):
            return decode_article(raw)
        start = datetime(1970, 1, 1, tzinfo=UTC)
        date = PublicationDate(start, "unknown", "first-seen", "")
        return Article("file", path.name, raw.decode("utf-8"), "und", date, start, guid=str(path))
    except ValueError as error:
        raise UsageError(f"{path}: {error}; accepted: article.v1 as JSON, or text in UTF-8") from error


def _print(left: Article, right: Article, found: Explanation) -> None:
    from newsflow.cli.text import isolate

    for name, article, count in (("A", left, found.words[0]), ("B", right, found.words[1])):
        data(f"{name}  {article.source}  {isolate(article.title)}  ({article.language}, {count} words)")
    similar = found.similarity
    data(f"jaccard {similar.jaccard:.3f}   containment {similar.containment:.3f}   numbers {similar.numbers:.2f}")
    data(
        f"numbers: {len(found.numbers_shared)} shared; only A: {_listed(found.numbers_left)}; "
        f"only B: {_listed(found.numbers_right)}"
    )
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
