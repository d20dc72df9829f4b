"""`newsflow eval`: how good the stages are, on labelled data. The evaluations are in benchmarks/quality."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from newsflow.cli.options import Output, OutputOption
from newsflow.cli.output import EXIT_FAILED, data, data_json, tell
from newsflow.errors import UsageError

app = typer.Typer(no_args_is_help=True, help="Measure quality on labelled data.")

DataOption = Annotated[
    Path | None, typer.Option("--data", help="The folder with labelled data; else NEWSFLOW_DATA.", file_okay=False)
]
MissesOption = Annotated[int, typer.Option("--misses", min=0, help="Show so many examples of what went wrong a row.")]


@app.command()
def normalise(data_folder: DataOption = None, misses: MissesOption = 0, output: OutputOption = Output.TEXT) -> None:
    """Bodies, dates, languages, titles, URLs. Fails when a goal is not held."""
    show("normalise", data_folder, misses, output)


@app.command()
def dedup(data_folder: DataOption = None, misses: MissesOption = 0, output: OutputOption = Output.TEXT) -> None:
    """Duplicate pairs, planted pairs, title twins, templates, random pairs. Fails when a goal is not held."""
    show("dedup", data_folder, misses, output)


@app.command()
def languages(data_folder: DataOption = None, misses: MissesOption = 0, output: OutputOption = Output.TEXT) -> None:
    """The language of articles, headlines and flashes in 120 languages. Fails when a goal is not held."""
    show("languages", data_folder, misses, output)


@app.command()
def topics(data_folder: DataOption = None, misses: MissesOption = 0, output: OutputOption = Output.TEXT) -> None:
    """Countries found in Arabic sentences and Slavic articles. Fails when a goal is not held."""
    show("topics", data_folder, misses, output)


@app.command()
def places(data_folder: DataOption = None, misses: MissesOption = 0, output: OutputOption = Output.TEXT) -> None:
    """Countries and themes of the same news in forty languages. Fails when a goal is not held."""
    show("places", data_folder, misses, output)


@app.command()
def stories(data_folder: DataOption = None, misses: MissesOption = 0, output: OutputOption = Output.TEXT) -> None:
    """A stream of headlines, graded pairs, documents and their translations. Fails when a goal is not held."""
    show("stories", data_folder, misses, output)


def show(name: str, data_folder: Path | None, misses: int, output: Output) -> None:
    """Run `evaluate` of `benchmarks/quality/<name>.py` on the data and print its scoreboard.

    Without data it says so and ends well; exit code 1 when a goal is not held.
    """
    folder = _folder(data_folder)
    module = _module(name)
    rows = list(module.evaluate(folder)) if folder else []
    if not rows:
        where = str(folder) if folder else "no folder was named (--data, NEWSFLOW_DATA)"
        tell(f"eval {name}: skipped, no data: {where}; looked for {', '.join(module.FILES)}")
        return
    if output is Output.JSON:
        for row in rows:
            data_json(_as_json(row, misses))
    else:
        data(_module("scoreboard").as_text(rows, misses=misses))
    if not all(row.held for row in rows):
        raise typer.Exit(EXIT_FAILED)


def _folder(given: Path | None) -> Path | None:
    named = given or (Path(os.environ["NEWSFLOW_DATA"]) if os.environ.get("NEWSFLOW_DATA") else None)
    if named is not None and not named.is_dir():
        raise UsageError(f"--data {named}: no such folder")
    return named


def _module(name: str) -> Any:
    """A module of benchmarks/quality, which is beside the package in a checkout and within it in a wheel."""
    import newsflow
    from newsflow.resources import benchmarks_dir

    folder = str(benchmarks_dir())
    if folder not in newsflow.__path__:
        newsflow.__path__.append(folder)
    return importlib.import_module(f"newsflow.quality.{name}")


def _as_json(row: Any, misses: int) -> dict[str, Any]:
    members = ("area", "name", "value", "count", "goal", "held", "note")
    return {name: getattr(row, name) for name in members} | {"misses": list(row.misses[:misses])}
