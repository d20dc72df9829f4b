"""`newsflow sources`: profiles learnt from samples, and checked."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsflow.cli.common import EXIT_FAILED, Output, OutputOption, data, data_json, words
from newsflow.errors import UsageError

if TYPE_CHECKING:
    from newsflow.model import RawArticle
    from newsflow.normalise.learn import Proposal

app = typer.Typer(no_args_is_help=True, help="Source profiles: learn, check.")

SampleArgument = Annotated[Path, typer.Argument(metavar="FILE", help="Raw events, one a line (.jsonl, .jsonl.gz).")]
OnlyOption = Annotated[str | None, typer.Option("--source", help="Learn about this source only.")]


@app.command()
def learn(file: SampleArgument, source: OnlyOption = None, output: OutputOption = Output.TEXT) -> None:
    """Propose header lines, footer lines and title suffixes that repeat in a sample, with counts."""
    from newsflow.normalise.learn import learn_source

    by_source: dict[str, list[RawArticle]] = {}
    for raw in _raw_articles(file):
        if source is None or raw.source == source:
            by_source.setdefault(raw.source, []).append(raw)
    if not by_source:
        words.print(f"{file}: no raw event{f' of source {source!r}' if source else ''}", markup=False)
        raise typer.Exit(EXIT_FAILED)
    proposals = [learn_source(name, sample) for name, sample in sorted(by_source.items())]
    if output is Output.JSON:
        for proposal in proposals:
            data_json(asdict(proposal))
    else:
        data("\n".join(_yaml(proposals)))


@app.command()
def check(path: Annotated[Path, typer.Argument(help="A profile file, or a folder of them.")]) -> None:
    """Check source profiles; say which there are."""
    from newsflow.normalise import load_profiles

    for profile in load_profiles(path).values():
        data(f"{profile.id}\t{profile.zone or '-'}\t{','.join(profile.languages) or '-'}\t{profile.name}")


def _raw_articles(file: Path) -> Iterator[RawArticle]:
    from newsflow.contracts import parse_raw
    from newsflow.model import Rejected

    refused = 0
    try:
        with gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb") as lines:
            for line in lines:
                parsed = parse_raw(line)
                if isinstance(parsed, Rejected):
                    refused += 1
                elif not parsed.withdrawn:
                    yield parsed
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror or error}") from error
    if refused:
        words.print(f"{file}: {refused} lines are no valid raw event and were passed over", markup=False)


def _yaml(proposals: list[Proposal]) -> Iterator[str]:
    """A profile file to edit: counts are comments; what the general rules drop anyway is left out."""
    yield "# Proposed from a sample: keep what never belongs to an article."
    yield "sources:"
    for proposal in proposals:
        yield f"  - id: {json.dumps(proposal.source)} # {proposal.pages} pages"
        if proposal.title_suffixes:
            yield "    title_suffixes:"
            for text, count in proposal.title_suffixes:
                yield f"      - {json.dumps(text, ensure_ascii=False)} # {count}"
        lines = [line for line in proposal.lines if line.known is None]
        if lines:
            yield "    drop_lines:"
            for line in lines:
                yield f"      - {json.dumps(line.text, ensure_ascii=False)} # {line.pages}, {line.place}"
