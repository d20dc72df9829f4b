"""`newsflow replay` and `newsflow diff`: what the code and the rules of today would make of what came in."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsflow.cli.options import (
    SINCE,
    BootstrapOption,
    CheckOption,
    ConfigOption,
    LedgerOption,
    LimitOption,
    Output,
    OutputOption,
    QuietOption,
    settings,
)
from newsflow.cli.output import EXIT_FAILED, conclude, data, data_json, one_line, tell
from newsflow.cli.run import INPUT
from newsflow.errors import UsageError

if TYPE_CHECKING:
    from newsflow.ledger.differences import Difference

NameArgument = Annotated[str, typer.Argument(metavar="NAMESPACE", help="A name for it: a-z, 0-9 and hyphens.")]


def replay(
    name: NameArgument,
    since: Annotated[str | None, typer.Option("--since", help=SINCE)] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="Leave out what was written in the last 30m, 1d.")
    ] = None,
    offsets: Annotated[
        str | None,
        typer.Option("--offsets", help="Only these records, as PARTITION:FIRST-LAST: 0:1200-1900,2:0-. No last: all."),
    ] = None,
    input_file: Annotated[
        Path | None,
        typer.Option("--input", metavar="FILE", help=INPUT),
    ] = None,
    drop: Annotated[bool, typer.Option("--drop", help="Only remove the namespace.")] = False,
    config: ConfigOption = None,
    bootstrap_servers: BootstrapOption = None,
    ledger: LedgerOption = None,
    quiet: QuietOption = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Process raw records again, by the code and the rules of today, into a ledger of their own: NAMESPACE.

    All that the live job is done with is read, what was written in a span of time, some records by their offsets, or a
    file: raw events, or the lines that `newsflow tail -o json` printed, which stand for the records they were. Routes
    are evaluated; nothing is published, delivered or stored, and the live job goes on. The namespace is a file beside
    the ledger's, or a schema of its database. Begun again it goes on with what is there. `newsflow diff NAMESPACE`
    compares.
    """
    from newsflow.cli.progress import Progress
    from newsflow.ingest.replay import Namespace, bounded, in_order, of_file, span_of, written_at
    from newsflow.ingest.replay import replay as process

    loaded = settings(config, bootstrap_servers, ledger).config
    namespace = Namespace.of(loaded, name)
    if drop:
        namespace.drop()
        tell(f"{name} is gone")
        return
    if input_file is not None and (since or until or offsets):
        raise UsageError("--input names what is read: leave out --since, --until and --offsets")
    wanted = None if offsets is None else _offsets(offsets)
    if namespace.exists():
        tell(f"{name} is there already, and is gone on with; --drop removes it")
    if input_file is not None:
        events, records, latest = of_file(input_file, loaded.limits.event_bytes), None, written_at(input_file)
    else:
        start, end = bounded(span_of(loaded, _back(since), _back(until)), wanted)
        records, latest = sum(end[partition] - start[partition] for partition in end), None
        events = in_order(loaded, start, end)
    with closing(namespace.open(loaded.ledger.window_h)) as other, Progress("events", records, quiet) as progress:
        total = process(loaded, other, events, progress.add, latest)
    outcomes = {key[8:]: number for key, number in sorted(total.items()) if key.startswith("outcome.") and number}
    said = ", ".join(f"{outcome} {number:,}" for outcome, number in outcomes.items()) or "no events"
    conclude(output, {"namespace": name, "outcomes": outcomes}, f"{said}; compare with `newsflow diff {name}`")


def diff(
    name: NameArgument,
    check: CheckOption = False,
    limit: LimitOption = 10,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Compare what was replayed into NAMESPACE with the live ledger: outcomes, texts, tags, duplicates, stories, feeds
    and alerts that changed.

    Counts, and --limit samples of each. With -o json a line for each difference, then one of counts. Where a replay
    began in the middle, what the live ledger knew from before explains some: those are counted apart.
    """
    from newsflow.cli.ledger import open_existing
    from newsflow.ingest.replay import Namespace
    from newsflow.ledger.differences import count_events, differences

    loaded = settings(config, ledger=ledger).config
    namespace = Namespace.of(loaded, name)
    if not namespace.exists():
        raise UsageError(f"nothing was replayed into {name!r}; `newsflow replay {name}` does")
    counts: Counter[str] = Counter()
    explained: Counter[str] = Counter()
    with closing(open_existing(loaded)) as live, closing(namespace.open(loaded.ledger.window_h)) as other:
        decided, known = count_events(live, other)
        for each in differences(live, other):
            (explained if each.by_slice else counts)[each.what.value] += 1
            if output is Output.JSON:
                data_json(asdict(each))
            elif (explained if each.by_slice else counts)[each.what.value] <= limit:
                data(_line(each))
    told = {"events": known, "not_live": decided - known, "changed": counts, "by_slice": explained}
    changed = ", ".join(f"{what} {number:,}" for what, number in sorted(counts.items())) or "nothing"
    lines = [f"of {known:,} events changed: {changed}"]
    if explained:
        partly = ", ".join(f"{what} {number:,}" for what, number in sorted(explained.items()))
        lines.append(f"besides, of articles that the live ledger knew from outside of what was replayed: {partly}")
    if decided > known:
        lines.append(f"{decided - known:,} events are not in the live ledger")
    if output is Output.JSON:
        data_json(told)
    else:
        tell("\n".join(lines))
    if check and counts:
        raise typer.Exit(EXIT_FAILED)


def _line(each: Difference) -> str:
    partly = " (explained by where the replay began)" if each.by_slice else ""
    title = f"  {one_line(each.title, 80)}" if each.title else ""
    before, after = one_line(each.before, 200) or "none", one_line(each.after, 200) or "none"
    return f"{each.what}\t{each.subject}\t{before} → {after}{partly}{title}"


def _back(span: str | None) -> datetime | None:
    """The time so long ago. Raises UsageError."""
    from newsflow.cli.articles import duration

    return None if span is None else datetime.now(UTC) - duration(span)


def _offsets(text: str) -> dict[int, tuple[int, int | None]]:
    """By partition the first and the last offset, None for no last. Raises UsageError."""
    found: dict[int, tuple[int, int | None]] = {}
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,9}):(\d{1,18})-(\d{1,18})?\s*", part)
        if match is None or int(match[1]) in found or int(match[3] or match[2]) < int(match[2]):
            raise UsageError(
                f"--offsets {text!r}: accepted are PARTITION:FIRST-LAST with commas between, each partition once, "
                "as in 0:1200-1900,2:0-"
            )
        found[int(match[1])] = int(match[2]), None if match[3] is None else int(match[3])
    return found
