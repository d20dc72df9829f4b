"""`newsflow archive`: what came in and was kept, looked at, fetched, and sent again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from newsflow.cli.articles import duration
from newsflow.cli.options import (
    BootstrapOption,
    ConfigOption,
    DryRunOption,
    LedgerOption,
    LimitOption,
    Output,
    OutputOption,
    SinceOption,
    SourceOption,
    set_up_logging,
    settings,
)
from newsflow.cli.output import EXIT_FAILED, conclude, data, emit, one_line, tell
from newsflow.cli.poll import OutOption, ledger_and_outlet
from newsflow.errors import UsageError

if TYPE_CHECKING:
    from newsflow.archive.archive import Archive, Entry, Wanted
    from newsflow.config.settings import Config
    from newsflow.ledger import Ledger

app = typer.Typer(no_args_is_help=True, help="What was polled and imported, as it was kept.")

_LEAST_DIGITS = 6

WhichArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[URL|DIGEST]...", help="Addresses, or beginnings of digests.")
]
DayOption = Annotated[
    str | None, typer.Option("--day", metavar="YYYY-MM-DD", help="What was kept on this day, in UTC.")
]


def _archive(config: Config, ledger: Ledger) -> Archive:
    from newsflow.archive.archive import Archive
    from newsflow.ingest.claims import open_blobs

    return Archive(lambda: open_blobs(config), ledger)


def _wanted(which: list[str] | None, source: str | None, since: str | None, day: str | None) -> list[Wanted]:
    """What is looked for; several where several are named. Raises `UsageError`."""
    from dataclasses import replace
    from datetime import UTC, datetime, timedelta

    from newsflow.archive.archive import Wanted

    if since is not None and day is not None:
        raise UsageError("--since and --day are given; accepted: one of them")
    common = Wanted(source=source)
    if since is not None:
        common = replace(common, since=datetime.now(UTC) - duration(since))
    if day is not None:
        try:
            begin = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError as error:
            raise UsageError(f"--day {day}: accepted: a date as 2026-11-30") from error
        common = replace(common, since=begin, until=begin + timedelta(days=1))
    return [_named(common, each) for each in which] if which else [common]


def _named(common: Wanted, asked: str) -> Wanted:
    from dataclasses import replace

    from newsflow.dedup.identity import url_keys

    if "://" in asked:
        return replace(common, names=url_keys(asked))
    if len(asked) < _LEAST_DIGITS or not set(asked) <= set("0123456789abcdef"):
        raise UsageError(f"{asked!r}: accepted: an address, or at least {_LEAST_DIGITS} digits of a digest")
    return replace(common, digest=asked)


def _found(archive: Archive, wanted: list[Wanted]) -> Iterator[Entry]:
    """Each once, also where two of what is looked for name it."""
    if len(wanted) == 1:
        yield from archive.entries(wanted[0])
        return
    named = {entry.digest: entry for each in wanted for entry in archive.entries(each)}
    yield from sorted(named.values(), key=lambda entry: (entry.kept_at, entry.segment, entry.starts))


@app.command("list")
def list_entries(
    which: WhichArgument = None,
    source: SourceOption = None,
    since: SinceOption = None,
    day: DayOption = None,
    limit: LimitOption = 1_000,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show what is kept, in the order in which it was: when, how, how large, its digest, source and address."""
    from newsflow.cli.ledger import open_existing
    from newsflow.model.headers import instant_text

    loaded, wanted = settings(config, ledger=ledger).config, _wanted(which, source, since, day)
    with closing(open_existing(loaded)) as opened:
        found = list(islice(_found(_archive(loaded, opened), wanted), limit + 1))
    for each in found[:limit]:
        row = {
            "digest": each.digest,
            "kept_at": instant_text(each.kept_at),
            "file": f"archive/{each.segment}",
            "starts": each.starts,
            "bytes": each.size_bytes,
            "source": each.source,
            "address": each.address,
        }
        line = f"{each.kept_at:%Y-%m-%d %H:%M:%S}  {each.kind:<8} {each.size_bytes:>9,}  {each.digest[:16]}"
        emit(output, row, f"{line}  {each.source}  {one_line(each.address)}")
    if len(found) > limit:
        tell(f"there are more than {limit:,}: --limit shows more of them, --since, --day and --source fewer")
    elif not found:
        tell("nothing of it is in the archive")


@app.command()
def get(
    which: Annotated[str, typer.Argument(metavar="URL|DIGEST", help="An address, or the beginning of a digest.")],
    config: ConfigOption = None,
    ledger: LedgerOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Print the page or the text that was kept, with -o json the raw event as it was published; of an address the one
    that was kept last."""
    import orjson

    from newsflow.blobs import BlobMissingError
    from newsflow.cli.ledger import open_existing

    loaded = settings(config, ledger=ledger).config
    with closing(open_existing(loaded)) as opened:
        archive = _archive(loaded, opened)
        found = list(archive.entries(_wanted([which], None, None, None)[0]))
        if not found:
            raise UsageError(f"{which}: nothing of it is in the archive")
        if "://" not in which and len(found) > 1:
            raise UsageError(f"{which}: {len(found)} digests begin so; accepted: more of one")
        try:
            value = archive.value(found[-1])
        except BlobMissingError as error:
            tell(str(error), "red")
            raise typer.Exit(EXIT_FAILED) from error
    data(value.decode() if output is Output.JSON else str(orjson.loads(value).get("content") or ""))


@app.command()
def replay(
    which: WhichArgument = None,
    source: SourceOption = None,
    since: SinceOption = None,
    day: DayOption = None,
    everything: Annotated[bool, typer.Option("--everything", help="All that is kept.")] = False,
    out: OutOption = None,
    dry_run: DryRunOption = False,
    config: ConfigOption = None,
    bootstrap_servers: BootstrapOption = None,
    ledger: LedgerOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Publish what is kept again, in the order in which it was kept, with the same keys and bytes.

    What the ledger of the jobs still knows is then a repeat. Exit 1 when something could not be read.
    """
    set_up_logging()
    if not (which or source or since or day or everything):
        raise UsageError("say what: addresses or digests, --source, --since, --day, or --everything")
    from newsflow.blobs import BlobMissingError
    from newsflow.cli.ledger import open_existing
    from newsflow.sources.importing import batches

    loaded, wanted = settings(config, bootstrap_servers, ledger).config, _wanted(which, source, since, day)
    counts = {"events": 0, "unreadable": 0}
    if dry_run:
        with closing(open_existing(loaded)) as opened:
            counts["events"] = sum(1 for _ in _found(_archive(loaded, opened), wanted))
        conclude(output, counts, f"{counts['events']:,} raw events would be published")
        return
    open_existing(loaded).close()
    with ledger_and_outlet(loaded, out) as (opened, outlet):
        archive = _archive(loaded, opened)
        for batch in batches(_found(archive, wanted), lambda entry: entry.size_bytes):
            events = []
            for entry in batch:
                try:
                    events.append(_event(archive.value(entry)))
                except BlobMissingError as error:
                    tell(f"{entry.digest[:16]}: {error}", "red")
                    counts["unreadable"] += 1
            outlet.write(events)
            counts["events"] += len(events)
    conclude(output, counts, f"{counts['events']:,} raw events published, {counts['unreadable']:,} could not be read")
    if counts["unreadable"]:
        raise typer.Exit(EXIT_FAILED)


def _event(value: bytes) -> tuple[bytes, bytes]:
    import orjson

    from newsflow.sources.items import key_of

    return key_of(orjson.loads(value)), value
