"""`newsflow alerts`: what was raised, what waits, sending again, muting, trying a destination."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsflow.cli.common import (
    EXIT_FAILED,
    ConfigOption,
    Output,
    OutputOption,
    console,
    data,
    data_json,
    settings,
    tell,
)
from newsflow.errors import UsageError

if TYPE_CHECKING:
    from newsflow.config.settings import Config
    from newsflow.ledger import Ledger
    from newsflow.ledger.alerts import Delivery, LoggedAlert
    from newsflow.routing import Routes, Subscription

app = typer.Typer(no_args_is_help=True, help="Alerts: list, show, status, resend, mute, test.")

SubscriptionArgument = Annotated[str, typer.Argument(help="Id of a subscription of the configured routes.")]
AlertArgument = Annotated[str, typer.Argument(help="Id of an alert, or enough of its beginning.")]
UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@app.command("list")
def list_alerts(
    subscription: Annotated[str | None, typer.Option("--subscription", "-s", help="Only of this subscription.")] = None,
    state: Annotated[
        str | None, typer.Option("--state", help="Only with a delivery that is pending, sent or failed.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=100_000, help="At most so many.")] = 50,
    config: ConfigOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """List alerts, the newest first, with what became of them at each destination."""
    if state not in (None, "pending", "sent", "failed"):
        raise UsageError(f"--state {state!r}: accepted are pending, sent and failed")
    with _ledger(settings(config).config) as ledger:
        for alert in ledger.alerts(limit, subscription=subscription, state=state):
            if output is Output.JSON:
                data_json(_as_json(alert))
            else:
                _print_line(alert)


@app.command()
def show(alert: AlertArgument, config: ConfigOption = None, output: OutputOption = Output.TEXT) -> None:
    """Show one alert whole: what it says, why it was raised, what became of it."""
    with _ledger(settings(config).config) as ledger:
        found = _find(ledger, alert)
    if output is Output.JSON:
        data_json(_as_json(found))
        return
    from newsflow.alerts.render import members_of, plain

    data(plain(members_of(found.value)).rstrip("\n"))
    data(f"Raised {_instant(found.created_at)}")
    for delivery in found.deliveries:
        data(f"  {delivery.destination}: {_delivery_words(delivery)}")


@app.command()
def status(config: ConfigOption = None, output: OutputOption = Output.TEXT) -> None:
    """Say what waits in the outbox for each destination, and since when. Exit 1 when a destination has failed."""
    from newsflow.cli.doctor import circuit_of
    from newsflow.ledger.database import from_micros

    loaded = settings(config).config
    known = dict(loaded.destinations)
    with _ledger(loaded) as ledger:
        backlog = {each.destination: each for each in ledger.alert_backlog()}
    for name in sorted({*known, *backlog}):
        waits = backlog.get(name)
        row = {
            "destination": name,
            "configured": name in known,
            "waiting": 0 if waits is None else waits.deliveries,
            "oldest": None if waits is None else _instant(from_micros(waits.oldest_micros)),
            "next_try": None if waits is None else _instant(from_micros(waits.next_due_micros)),
            "circuit": "closed" if waits is None else circuit_of(waits),
            "error": None if waits is None else waits.error,
        }
        data_json(row) if output is Output.JSON else _print_status(row)
    if any(each.failed_tries for each in backlog.values()) or set(backlog) - set(known):
        raise typer.Exit(EXIT_FAILED)


@app.command()
def resend(
    alert: AlertArgument,
    to: Annotated[str | None, typer.Option("--to", help="Only to this destination of it.")] = None,
    config: ConfigOption = None,
) -> None:
    """Put an alert into the outbox again, whatever became of it. It keeps its id, so a reader may drop it."""
    with _ledger(settings(config).config) as ledger:
        found = _find(ledger, alert)
        names = [each.destination for each in found.deliveries]
        if to is not None and to not in names:
            raise UsageError(f"alert {found.id} has no destination {to!r}; it has: {', '.join(names) or 'none'}")
        count = ledger.resend_alert(found.id, to)
    tell(f"{count} to be sent again; a running job does it")


@app.command()
def mute(
    subscription: SubscriptionArgument,
    duration: Annotated[str | None, typer.Option("--for", help="How long: 90m, 12h, 3d.")] = None,
    off: Annotated[bool, typer.Option("--off", help="End a mute: what it held goes out.")] = False,
    config: ConfigOption = None,
) -> None:
    """Hold all alerts of a subscription for a while; what still stands then comes as one summary."""
    if (duration is None) == (not off):
        raise UsageError("say how long, as in --for 12h, or --off")
    loaded = settings(config).config
    routes = _routes(loaded)
    if _subscription(routes, subscription).told_at_once:
        raise UsageError(
            f"{subscription} is told at once, with each article, and cannot be muted; "
            "give it a policy (cool_down: 10m will do) and run `newsflow deliver`"
        )
    until = None if duration is None else datetime.now(UTC) + _duration(duration)
    from newsflow.alerts.desks import AlertDesks

    with _ledger(loaded) as ledger:
        AlertDesks(routes, ledger).mute(subscription, until)
    console.print(f"{subscription} " + ("speaks again" if until is None else f"is muted until {_instant(until)}"))


@app.command("test")
def try_out(subscription: SubscriptionArgument, config: ConfigOption = None) -> None:
    """Send a marked sample to every destination of a subscription, now, and say what each answered."""
    from newsflow.alerts import encode_alert, sample_alert
    from newsflow.alerts.senders.registry import make_senders
    from newsflow.model import PendingAlert
    from newsflow.routing import describe

    loaded = settings(config).config
    asked = _subscription(_routes(loaded), subscription)
    alert = sample_alert(asked.id, asked.severity, describe(asked.match), datetime.now(UTC))
    senders = {
        sender.name: sender for sender in make_senders((n, d) for n, d in loaded.destinations if n in asked.alert_to)
    }
    failed = not asked.alert_to
    for name in asked.alert_to:
        sender = senders.get(name)
        if sender is None:
            answer, failed = "the configuration does not name it (alerts.destinations)", True
        else:
            attempt = sender.send(PendingAlert(alert.id, asked.id, encode_alert(alert), (name,)))
            answer = " ".join(part for part in (attempt.fate.value, attempt.message) if part)
            failed = failed or attempt.fate.value != "sent"
        data(f"{name}: {answer}")
    if not asked.alert_to:
        console.print(f"{asked.id} asks for no alerts")
    if failed:
        raise typer.Exit(EXIT_FAILED)


@contextmanager
def _ledger(config: Config) -> Iterator[Ledger]:
    from newsflow.ledger import open_ledger
    from newsflow.secrets import resolve

    ledger = open_ledger(resolve(config.ledger.url), window_h=config.ledger.window_h)
    try:
        yield ledger
    finally:
        ledger.close()


def _routes(config: Config) -> Routes:
    from newsflow.routing import load_routes

    return load_routes([Path(path) for path in config.route_paths] or None)


def _subscription(routes: Routes, name: str) -> Subscription:
    for each in routes.subscriptions:
        if each.id == name:
            return each
    known = ", ".join(each.id for each in routes.subscriptions) or "none"
    raise UsageError(f"there is no subscription {name!r}; there are: {known}")


def _find(ledger: Ledger, prefix: str) -> LoggedAlert:
    if not (prefix.isascii() and prefix.isalnum()):
        raise UsageError(f"{prefix!r} is not an alert's id: letters and digits")
    found = ledger.find_alerts(prefix)
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(f"there is no alert {prefix!r}; `newsflow alerts list` shows those there are")
    raise UsageError(f"{prefix!r} begins several ids: {', '.join(each.id for each in found[:4])}…")


def _duration(text: str) -> timedelta:
    number, unit = text[:-1], text[-1:]
    if unit not in UNITS or not (number.isascii() and number.isdigit()) or not 0 < int(number) < 100_000:
        raise UsageError(f"--for {text!r}: accepted are a number and m, h or d, as in 90m")
    return timedelta(**{UNITS[unit]: int(number)})


def _print_line(alert: LoggedAlert) -> None:
    from newsflow.alerts.render import headline, members_of
    from newsflow.cli.common import isolate

    members = members_of(alert.value)
    states = ", ".join(f"{each.destination} {each.state}" for each in alert.deliveries) or "no destination"
    line = f"{alert.id[:12]}  {_instant(alert.created_at)}  {alert.subscription}  {members['step']}  [{states}]"
    data(f"{line}  {isolate(headline(members), 80)}")


def _print_status(row: dict[str, Any]) -> None:
    name = row["destination"] + ("" if row["configured"] else " (not configured)")
    if not row["waiting"]:
        data(f"{name}: nothing waits")
        return
    data(
        f"{name}: {row['waiting']} waiting since {row['oldest']}, circuit {row['circuit']}, next try {row['next_try']}"
    )
    if row["error"]:
        data(f"  last error: {row['error']}")


def _delivery_words(delivery: Delivery) -> str:
    if delivery.state == "sent" and delivery.sent_at is not None:
        return f"sent {_instant(delivery.sent_at)}"
    tried = f" after {delivery.attempts} tries" if delivery.attempts else ""
    error = f": {delivery.error}" if delivery.error else ""
    due = f", next try {_instant(delivery.due_at)}" if delivery.state == "pending" else ""
    return f"{delivery.state}{tried}{due}{error}"


def _as_json(alert: LoggedAlert) -> dict[str, Any]:
    import orjson

    deliveries = [
        {
            "destination": each.destination,
            "state": each.state,
            "attempts": each.attempts,
            "due_at": _instant(each.due_at) if each.state == "pending" else None,
            "sent_at": None if each.sent_at is None else _instant(each.sent_at),
            "error": each.error,
        }
        for each in alert.deliveries
    ]
    return {"alert": orjson.loads(alert.value), "raised_at": _instant(alert.created_at), "deliveries": deliveries}


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
