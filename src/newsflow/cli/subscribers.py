"""`newsflow subscribers`: what those who asked for news got of it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsflow.cli.options import SINCE, ConfigOption, LedgerOption, Output, OutputOption, settings
from newsflow.cli.output import data, data_json
from newsflow.errors import UsageError, not_there

if TYPE_CHECKING:
    from newsflow.alerts.account import Account, Delays

app = typer.Typer(no_args_is_help=True, help="Subscribers: what they got, and how soon.")


@app.callback()
def _group() -> None:
    """Keep `report` a command of its own while it is the only one."""


@app.command()
def report(
    subscription: Annotated[str, typer.Argument(metavar="ID", help="Id of a subscription of the configured routes.")],
    since: Annotated[str, typer.Option("--since", help=SINCE)] = "7d",
    late: Annotated[str, typer.Option("--late", help="What took longer counts as late: 90s, 15m, 2h.")] = "15m",
    config: ConfigOption = None,
    ledger: LedgerOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Say what was published to a subscriber's own feed and delivered as alerts, what it was spared, what is withheld,
    and how long it took: percentiles, and how much of it was late.

    The delay of a feed counts from the event's own time, when it was fetched; that of an alert from when it was raised.
    """
    from newsflow.alerts.account import account_of
    from newsflow.cli.articles import duration
    from newsflow.cli.ledger import open_existing
    from newsflow.routing import load_routes

    loaded = settings(config, ledger=ledger).config
    known = [each.id for each in load_routes([Path(path) for path in loaded.route_paths] or None).subscriptions]
    with closing(open_existing(loaded)) as opened:
        until = opened.now()
        made = opened.transact(
            lambda db: account_of(db, subscription, until - duration(since), until, duration(late)), writes=False
        )
    if subscription not in known and not made.articles and not made.alerts:
        raise UsageError(not_there("subscription", subscription, known))
    data_json(_as_json(made)) if output is Output.JSON else _print(made, late)


def _as_json(made: Account) -> dict[str, Any]:
    deliveries: dict[str, dict[str, int]] = {}
    for (destination, state), count in sorted(made.deliveries.items()):
        deliveries.setdefault(destination, {})[state] = count
    return {
        "subscription": made.subscription,
        "since": _instant(made.since),
        "until": _instant(made.until),
        "feed": {
            "published": dict(sorted(made.published.items())),
            "articles": made.articles,
            "copies_held_back": made.copies,
            "delay_s": _delays_json(made.feed_delays),
        },
        "alerts": {
            "raised": made.alerts,
            "deliveries": deliveries,
            "suppressed": made.in_state("old"),
            "withheld": dict(sorted(made.withheld.items())),
            "delay_s": _delays_json(made.alert_delays),
        },
    }


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _delays_json(delays: Delays) -> dict[str, Any]:
    from newsflow.alerts.account import SHARES

    percentiles = {f"p{share * 100:g}": delays.at(share) for share in SHARES}
    return {"known": len(delays.seconds), "late": delays.late, **percentiles, "max": delays.at(1)}


def _print(made: Account, late: str) -> None:
    from newsflow.alerts.decide import in_words

    data(f"{made.subscription}, {_instant(made.since)} to {_instant(made.until)}")
    data(f"feed: {sum(made.published.values())} versions of {made.articles} articles" + _counts(made.published))
    data(f"  spared: {made.copies} copies of them, held back as duplicates")
    data(f"  from event to feed: {_delays_text(made.feed_delays, late)}")
    data(f"alerts: {made.alerts} raised")
    for destination in sorted({name for name, _ in made.deliveries}):
        states = {state: count for (name, state), count in made.deliveries.items() if name == destination}
        data(f"  {destination}:{_counts(states).removeprefix(',')}")
    data(f"  suppressed: {made.in_state('old')}, of old news")
    data(f"  withheld now: {sum(made.withheld.values())}")
    for reason, count in sorted(made.withheld.items()):
        data(f"    {count} {in_words(reason)}")
    data(f"  from raised to delivered: {_delays_text(made.alert_delays, late)}")


def _counts(counts: Mapping[str, int]) -> str:
    return "".join(f", {count} {name}" for name, count in sorted(counts.items()))


def _delays_text(delays: Delays, late: str) -> str:
    from newsflow.alerts.account import SHARES

    if not delays.seconds:
        return "nothing to measure"
    shown = [f"p{share * 100:g} {delays.at(share):.1f} s" for share in SHARES]
    return (
        f"{', '.join(shown)}, at most {delays.at(1):.1f} s; {delays.late} of {len(delays.seconds)} late (over {late})"
    )
