"""`newsflow import`: archives and wires to raw events."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsflow.cli.options import (
    BootstrapOption,
    ConfigOption,
    LedgerOption,
    Output,
    OutputOption,
    QuietOption,
    SourceOption,
    VerboseOption,
    set_up_logging,
    settings,
)
from newsflow.cli.output import conclude, console
from newsflow.cli.poll import OutOption, ledger_and_outlet
from newsflow.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from newsflow.sources.importing import Imported
    from newsflow.sources.records import Reading

_SOURCE = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


def import_files(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files, or a maildir.")],
    format_: Annotated[
        str | None,
        typer.Option(
            "--kind",
            metavar="NAME",
            help="warc, wet, jsonl, csv, parquet, ninjs, newsml-g2, nitf, iptc7901, feed or maildir; else by the name.",
        ),
    ] = None,
    source: SourceOption = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="MEMBER=COLUMN", help="Of tables: a member's column, as in content=fulltext."),
    ] = None,
    out: OutOption = None,
    ledger: LedgerOption = None,
    config: ConfigOption = None,
    bootstrap_servers: BootstrapOption = None,
    output: OutputOption = Output.TEXT,
    verbose: VerboseOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Publish the records of archives as raw events, each with its own time. Goes on where it was left.

    How far a file was read is kept in the ledger: what was imported is not published again.
    """
    set_up_logging(verbose, quiet)
    from newsflow.sources.importing import import_file

    loaded = settings(config, bootstrap_servers, ledger).config
    reading = _reading(source, columns or [], loaded.poll.body_bytes)
    formats = {path: _format(path, format_) for path in paths}
    total, left = Counter[str](), Counter[str]()
    with ledger_and_outlet(loaded, out) as (opened, outlet):
        for path, name in formats.items():
            with _progress(path, quiet) as show:
                done = import_file(path, name, reading, opened, outlet, show)
            total.update(records=done.records, events=done.events, before=done.before)
            left += done.left
    why = "".join(f", {number:,} {reason}" for reason, number in sorted(left.items()))
    before = f"; {total['before']:,} were imported before" if total["before"] else ""
    told = f"{total['records']:,} records, {total['events']:,} raw events{why}{before}"
    counts = {name: total[name] for name in ("records", "events", "before")}
    conclude(output, counts | {"left": dict(sorted(left.items()))}, told)


def _reading(source: str | None, columns: list[str], most_bytes: int) -> Reading:
    from newsflow.sources.records import Reading
    from newsflow.sources.records.tables import MEMBERS

    if source is not None and not _SOURCE.fullmatch(source):
        raise UsageError(f"{source!r} is not a source; accepted: a-z, 0-9, dots, hyphens and underscores")
    mapped = {}
    for each in columns:
        member, equals, column = each.partition("=")
        if not equals or member not in MEMBERS:
            hint = did_you_mean(member, MEMBERS)
            raise UsageError(f"--map {each}: accepted: MEMBER=COLUMN, of {', '.join(MEMBERS)}. {hint}".rstrip(". "))
        mapped[member] = column
    return Reading(source, mapped, most_bytes)


def _format(path: Path, given: str | None) -> str:
    from newsflow.sources.records import FORMATS, format_of

    if given is not None and given not in FORMATS:
        raise UsageError(f"there is no kind {given!r}; there are: {', '.join(FORMATS)}")
    if not path.exists():
        raise UsageError(f"{path}: there is no such file")
    found = given or format_of(path)
    if found is None:
        raise UsageError(f"{path}: what it is cannot be told from its name; accepted: --kind {', '.join(FORMATS)}")
    return found


@contextmanager
def _progress(path: Path, quiet: bool) -> Iterator[Callable[[Imported], object]]:
    if quiet or not console.is_terminal:
        yield lambda _: None
        return
    with console.status(f"{path.name} …") as status:
        yield lambda done: status.update(f"{path.name}: {done.before + done.records:,} records")
