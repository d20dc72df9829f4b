"""`newsflow dlq`: dead letters, listed, shown, sent again, set aside, given up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from newsflow.cli.options import (
    BootstrapOption,
    ConfigOption,
    DryRunOption,
    ForceOption,
    LedgerOption,
    LimitOption,
    Output,
    OutputOption,
    SinceOption,
    SourceOption,
    StateOption,
    WhyOption,
    set_up_logging,
    settings,
    who,
)
from newsflow.cli.output import conclude, data, data_json, emit, one_line, tell
from newsflow.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from newsflow.config.settings import Config
    from newsflow.ingest.letters import Replayer
    from newsflow.ledger import Ledger
    from newsflow.ledger.letters import Group, Wanted
    from newsflow.model.letter import Letter, State

app = typer.Typer(no_args_is_help=True, help="Dead letters: list, show, replay, park, drop.")

LettersArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[ID]...", help="Ids of letters, or enough of their beginnings.")
]
ReasonOption = Annotated[str | None, typer.Option("--reason", help="Only of this reason.")]
StageOption = Annotated[str | None, typer.Option("--stage", help="Only those that failed in this stage.")]
SinkOption = Annotated[
    str | None, typer.Option("--sink", help="Only those that this sink refused: a store, or alerts.")
]
OpenOption = Annotated[bool, typer.Option("--open", help="All that are open.")]


@dataclass(frozen=True)
class _Place:
    """What each command works with: the ledger, whose index is up to date."""

    config: Config
    ledger: Ledger

    def find(self, wanted: Wanted, limit: int = 1_000_000) -> list[Letter]:
        from newsflow.ledger.letters import find_letters

        return self.ledger.transact(lambda db: find_letters(db, wanted, limit), writes=False)

    def named(self, names: Sequence[str]) -> list[Letter]:
        """The letters of these ids, or beginnings of ids. Raises `UsageError`."""
        return [self._named(name) for name in dict.fromkeys(names)]

    def _named(self, name: str) -> Letter:
        from newsflow.ledger.letters import Wanted

        found = self.find(Wanted(begins=name), 5)
        exact = [each for each in found if each.id == name]
        if len(exact or found) == 1:
            return (exact or found)[0]
        if not found:
            raise UsageError(f"there is no dead letter {name!r}; `newsflow dlq list --state all` shows those there are")
        raise UsageError(f"{name!r} begins several ids: {', '.join(each.id for each in found[:4])}…")


@contextmanager
def _opened(
    config: Path | None, bootstrap_servers: str | None, ledger: str | None, anew: bool = False
) -> Iterator[_Place]:
    from newsflow.cli.ledger import open_existing
    from newsflow.ingest.letters import read_on

    set_up_logging()
    loaded = settings(config, bootstrap_servers, ledger).config
    with closing(open_existing(loaded)) as opened:
        if gone := read_on(loaded, opened, anew=anew):
            tell(f"{gone} letters have left Kafka by its retention")
        yield _Place(loaded, opened)


def _wanted(
    states: Sequence[State],
    reason: str | None,
    stage: str | None,
    source: str | None,
    sink: str | None,
    since: str | None,
) -> Wanted:
    from newsflow.cli.articles import duration
    from newsflow.ledger.letters import Wanted

    begin = 0 if since is None else round((datetime.now(UTC) - duration(since)).timestamp() * 1000)
    return Wanted(states, reason, stage, source, sink, begin)


def _states(text: str | None) -> Sequence[State]:
    from newsflow.model.letter import State

    if text is None:
        return State.OPEN, State.PARKED
    if text == "all":
        return ()
    try:
        return [State(text)]
    except ValueError:
        raise UsageError(f"--state {text!r}: accepted are {', '.join(State)} and all") from None


@app.command("list")
def list_letters(
    by: Annotated[
        str | None,
        typer.Option("--group-by", help="Count by these: reason, stage, source, sink, state, age; with commas."),
    ] = None,
    reason: ReasonOption = None,
    stage: StageOption = None,
    source: SourceOption = None,
    sink: SinkOption = None,
    since: SinceOption = None,
    state: StateOption = None,
    limit: LimitOption = 50,
    config: ConfigOption = None,
    bootstrap_servers: BootstrapOption = None,
    ledger: LedgerOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """List dead letters, the newest first; or with --group-by count them.

    Those that are open or parked; with --state those that are open, parked, replayed or dropped, or all.
    """
    from newsflow.cli import letters
    from newsflow.ledger.letters import GROUPS, count_letters

    wanted = _wanted(_states(state), reason, stage, source, sink, since)
    names = [] if by is None else [name.strip() for name in by.split(",")]
    if unknown := [name for name in names if name not in GROUPS]:
        raise UsageError(f"--group-by {unknown[0]!r}: accepted are {', '.join(GROUPS)}, with commas between")
    with _opened(config, bootstrap_servers, ledger) as place:
        if names:
            now_ms = round(datetime.now(UTC).timestamp() * 1000)
            groups = place.ledger.transact(lambda db: count_letters(db, wanted, names, now_ms), writes=False)
            for group in groups:
                _show_group(names, group, output)
            return
        for letter in place.find(wanted, limit):
            emit(output, letters.members(letter), letters.line(letter))


def _show_group(names: Sequence[str], group: Group, output: Output) -> None:
    from newsflow.cli.tail import instant

    times = {"oldest": instant(group.oldest_ms), "newest": instant(group.newest_ms)}
    members = dict(zip(names, group.names, strict=True)) | {"letters": group.letters} | times
    shown = "  ".join(one_line(name) or "-" for name in group.names)
    emit(output, members, f"{group.letters:>8,}  {shown}  {times['oldest']} to {times['newest']}")


@app.command()
def show(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="Id of a letter, or enough of its beginning.")],
    config: ConfigOption = None,
    bootstrap_servers: BootstrapOption = None,
    ledger: LedgerOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show one letter whole: its bytes, why it failed, where it came from, and what it would become today."""
    from newsflow.cli import letters
    from newsflow.cli.tail import as_object, resolved
    from newsflow.ingest.claims import reader_of
    from newsflow.ingest.runtime import opened

    with _opened(config, bootstrap_servers, ledger) as place:
        [letter] = place.named([identifier])
        original = letters.original(place.config, letter)
        whole, told = resolved(original, reader_of(place.config))
        with opened(place.config) as runtime:
            [today] = letters.today(runtime, [(letter, original)])
    if output is Output.JSON:
        data_json(letters.members(letter) | {"record": as_object(whole) | told, "today": today.members})
        return
    letters.print_letter(letter, whole)
    data(f"today     {today.text}")


def _choose(
    place: _Place, ids: Sequence[str] | None, wanted: Wanted, everything: bool, *, force: bool = False
) -> list[Letter]:
    """The letters that are named, or that the filters mean. Raises `UsageError`."""
    filtered = any((wanted.reason, wanted.stage, wanted.source, wanted.sink, wanted.since_ms, everything))
    if bool(ids) == filtered:
        raise UsageError("say which letters: by ids, or by --reason, --stage, --source, --sink, --since or --open")
    if not ids:
        return place.find(wanted)
    found = place.named(ids)
    done = [each for each in found if each.state not in wanted.states]
    if done and not force:
        raise UsageError(f"letter {done[0].id} is {done[0].state}; --force goes on")
    return found


@app.command()
def replay(
    ids: LettersArgument = None,
    reason: ReasonOption = None,
    stage: StageOption = None,
    source: SourceOption = None,
    sink: SinkOption = None,
    since: SinceOption = None,
    everything: OpenOption = False,
    limit: Annotated[int | None, typer.Option("--limit", "-n", min=1, help="At most so many.")] = None,
    dry_run: DryRunOption = False,
    edit: Annotated[bool, typer.Option("--edit", help="Change the one letter in $EDITOR first.")] = False,
    why: WhyOption = "",
    force: ForceOption = False,
    config: ConfigOption = None,
    bootstrap_servers: BootstrapOption = None,
    ledger: LedgerOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Send letters again, to the byte; what a sink refused goes to that sink alone.

    With --dry-run nothing is sent: each is read with today's code and profiles, and what it would become is said. Only
    open letters are meant; one that is parked, replayed or dropped is sent when it is named, with --force. It may be
    killed and begun again: nothing is lost, and nothing published twice.
    """
    from newsflow.cli import letters
    from newsflow.ingest.letters import why_not
    from newsflow.model.letter import State

    wanted = _wanted((State.OPEN,), reason, stage, source, sink, since)
    if edit and (len(ids or ()) != 1 or dry_run):
        raise UsageError("--edit is for one letter, named by its id, and sends it")
    with _opened(config, bootstrap_servers, ledger) as place:
        if dry_run:
            _foretell(place, _choose(place, ids, wanted, everything, force=force)[:limit], output)
            return
        with _replayer(place) as replayer:
            chosen = _choose(place, ids, wanted, everything, force=force)[:limit]
            unable = {each.id: cause for each in chosen if (cause := why_not(each, place.config))}
            able = [each for each in chosen if each.id not in unable]
            value = letters.edited(place.config, able[0]) if edit and able else None
            try:
                replayer.replay(able, why, value)
            finally:
                _say_replayed(replayer.counts, Counter(unable.values()), output)


@contextmanager
def _replayer(place: _Place) -> Iterator[Replayer]:
    """Who sends letters again, alone; the index knows all that those before have sent."""
    from newsflow.ingest.letters import Replayer, read_on
    from newsflow.ingest.runtime import opened

    with opened(place.config) as runtime, closing(Replayer(runtime, who())) as replayer:
        read_on(place.config, place.ledger)
        yield replayer


def _say_replayed(counts: Counter[str], unable: Counter[str], output: Output) -> None:
    names = ("replayed", "refused again", "gone from Kafka")
    text = ", ".join(f"{counts[name]} {name}" for name in names if counts[name])
    members = {name.replace(" ", "_"): counts[name] for name in names} | {"left": unable.total()}
    conclude(output, members, text or "nothing was sent again")
    for why, number in unable.items():
        tell(f"{number} left: {why}")


def _foretell(place: _Place, chosen: Sequence[Letter], output: Output) -> None:
    """Say what letters would become; nothing is sent."""
    from newsflow.cli import letters
    from newsflow.ingest.letters import in_batches, read_originals
    from newsflow.ingest.runtime import opened

    counts: Counter[tuple[str, str]] = Counter()
    with opened(place.config) as runtime:
        for pairs in in_batches(read_originals(place.config, chosen)):
            for (letter, _), today in zip(pairs, letters.today(runtime, pairs), strict=True):
                counts[letter.reason, today.word] += 1
                if output is Output.JSON:
                    data_json({"id": letter.id, "was": letter.reason, "would_be": today.word, **today.members})
    if output is Output.TEXT:
        for (was, would_be), number in counts.most_common():
            data(f"{number:>8,}  {one_line(was)} → {would_be}")
    tell(f"{sum(counts.values())} letters would be sent again; nothing was sent")


@app.command()
def park(
    ids: LettersArgument = None,
    reason: ReasonOption = None,
    stage: StageOption = None,
    source: SourceOption = None,
    sink: SinkOption = None,
    since: SinceOption = None,
    everything: OpenOption = False,
    why: WhyOption = "",
    config: ConfigOption = None,
    bootstrap_servers: BootstrapOption = None,
    ledger: LedgerOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Set open letters aside: a replay passes them over, unless they are named."""
    from newsflow.model.letter import State

    wanted = _wanted((State.OPEN,), reason, stage, source, sink, since)
    with _opened(config, bootstrap_servers, ledger) as place, _replayer(place) as replayer:
        chosen = _choose(place, ids, wanted, everything)
        replayer.say(chosen, State.PARKED, why)
    conclude(output, {"parked": len(chosen)}, f"{len(chosen)} letters parked")


@app.command()
def drop(
    ids: LettersArgument = None,
    reason: ReasonOption = None,
    stage: StageOption = None,
    source: SourceOption = None,
    sink: SinkOption = None,
    since: SinceOption = None,
    everything: OpenOption = False,
    why: WhyOption = "",
    config: ConfigOption = None,
    bootstrap_servers: BootstrapOption = None,
    ledger: LedgerOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Give open or parked letters up. Say why; their bytes stay in Kafka as long as its topic keeps them."""
    from newsflow.model.letter import State

    if not why.strip():
        raise UsageError("say why, as in --why 'the publisher has sent it anew'")
    wanted = _wanted((State.OPEN, State.PARKED), reason, stage, source, sink, since)
    with _opened(config, bootstrap_servers, ledger) as place, _replayer(place) as replayer:
        chosen = _choose(place, ids, wanted, everything)
        replayer.say(chosen, State.DROPPED, why)
    conclude(output, {"dropped": len(chosen)}, f"{len(chosen)} letters dropped")


@app.command()
def index(
    anew: Annotated[bool, typer.Option("--anew", help="Make it again from the beginning.")] = False,
    config: ConfigOption = None,
    bootstrap_servers: BootstrapOption = None,
    ledger: LedgerOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Read the index on from Kafka, as every other command does first; with --anew make it again."""
    from newsflow.ledger.letters import Wanted, count_letters

    with _opened(config, bootstrap_servers, ledger, anew) as place:
        groups = place.ledger.transact(lambda db: count_letters(db, Wanted(), ["state"], 0), writes=False)
    counts = {group.names[0]: group.letters for group in groups}
    conclude(output, counts, ", ".join(f"{number:,} {state}" for state, number in counts.items()) or "no letters")
