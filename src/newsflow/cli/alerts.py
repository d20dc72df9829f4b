"""`newsflow alerts`: what was raised, what waits, sending again, muting, trying a destination."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsflow.cli.options import ConfigOption, LedgerOption, LimitOption, Output, OutputOption, StateOption, settings
from newsflow.cli.output import EXIT_FAILED, conclude, data, data_json, emit, tell
from newsflow.errors import UsageError, not_there

if TYPE_CHECKING:
    from newsflow.alerts.outbox import Backlog, Delivery, LoggedAlert, Outbox
    from newsflow.config.settings import Config
    from newsflow.ledger import Ledger
    from newsflow.routing import Routes, Subscription

app = typer.Typer(no_args_is_help=True, help="Alerts: list, show, status, resend, mute, test.")

SubscriptionArgument = Annotated[str, typer.Argument(help="Id of a subscription of the configured routes.")]
AlertArgument = Annotated[str, typer.Argument(help="Id of an alert, or enough of its beginning.")]
UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


@app.command("list")
def list_alerts(
    subscription: Annotated[str | None, typer.Option("--subscription", "-s", help="Only of this subscription.")] = None,
    state: StateOption = None,
    limit: LimitOption = 50,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """List alerts, the newest first, with what became of them at each destination.

    With --state those that have a delivery that is pending, sent, failed or old.
    """
    if state not in (None, "pending", "sent", "failed", "old"):
        raise UsageError(f"--state {state!r}: accepted are pending, sent, failed and old")
    with _outbox(settings(config, ledger=ledger).config) as outbox:
        for alert in outbox.alerts(limit, subscription=subscription, state=state):
            if output is Output.JSON:
                data_json(_as_json(alert))
            else:
                _print_line(alert)


@app.command()
def show(
    alert: AlertArgument, config: ConfigOption = None, ledger: LedgerOption = None, output: OutputOption = Output.TEXT
) -> None:
    """Show one alert whole: what it says, why it was raised, what became of it."""
    with _outbox(settings(config, ledger=ledger).config) as outbox:
        found = _find(outbox, alert)
    if output is Output.JSON:
        data_json(_as_json(found))
        return
    from newsflow.alerts.render import members_of, plain

    data(plain(members_of(found.value)).rstrip("\n"))
    data(f"Raised {_instant(found.created_at)}")
    for delivery in found.deliveries:
        data(f"  {delivery.destination}: {_delivery_text(delivery)}")


@app.command()
def status(config: ConfigOption = None, ledger: LedgerOption = None, output: OutputOption = Output.TEXT) -> None:
    """Say what waits in the outbox for each destination, and since when. Exit 1 when a destination has failed."""
    loaded = settings(config, ledger=ledger).config
    known = dict(loaded.destinations)
    with _outbox(loaded) as outbox:
        backlog = {each.destination: each for each in outbox.backlog()}
    for name in sorted({*known, *backlog}):
        row = {"destination": name, "configured": name in known} | _backlog_json(backlog.get(name))
        data_json(row) if output is Output.JSON else _print_status(row)
    if any(each.failed_tries for each in backlog.values()) or set(backlog) - set(known):
        raise typer.Exit(EXIT_FAILED)


@app.command()
def resend(
    alert: AlertArgument,
    to: Annotated[str | None, typer.Option("--to", help="Only to this destination of it.")] = None,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Put an alert into the outbox again, whatever became of it. It keeps its id, so a reader may drop it."""
    with _outbox(settings(config, ledger=ledger).config) as outbox:
        found = _find(outbox, alert)
        names = [each.destination for each in found.deliveries]
        if to is not None and to not in names:
            raise UsageError(f"alert {found.id} has no destination {to!r}; it has: {', '.join(names) or 'none'}")
        count = outbox.resend(found.id, to)
    conclude(output, {"alert": found.id, "again": count}, f"{count} to be sent again; a running job does it")


@app.command()
def mute(
    subscription: SubscriptionArgument,
    duration: Annotated[str | None, typer.Option("--for", help="How long: 90m, 12h, 3d.")] = None,
    off: Annotated[bool, typer.Option("--off", help="End a mute: what it held goes out.")] = False,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Withhold all alerts of a subscription for a while; what still stands then comes as one summary."""
    if (duration is None) == (not off):
        raise UsageError("say how long, as in --for 12h, or --off")
    loaded = settings(config, ledger=ledger).config
    routes = _routes(loaded)
    if _subscription(routes, subscription).told_at_once:
        raise UsageError(
            f"{subscription} gets its alerts at once, with each article, and cannot be muted; "
            "give it a policy (cool_down: 10m will do) and run `newsflow deliver`"
        )
    until = None if duration is None else datetime.now(UTC) + _duration(duration)
    from newsflow.alerts.planner import AlertPlanner

    with _ledger(loaded) as opened:
        AlertPlanner(routes, opened).mute(subscription, until)
    said = "speaks again" if until is None else f"is muted until {_instant(until)}"
    conclude(output, {"subscription": subscription, "muted_until": until and _instant(until)}, f"{subscription} {said}")


@app.command("test")
def try_out(
    subscription: SubscriptionArgument, config: ConfigOption = None, output: OutputOption = Output.TEXT
) -> None:
    """Send a marked sample to every destination of a subscription, now, and say what each answered."""
    from newsflow.alerts.build import sample_alert
    from newsflow.alerts.senders.base import DeliveryResult, send_once
    from newsflow.alerts.senders.registry import make_senders
    from newsflow.alerts.values import encode_alert
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
        if name not in senders:
            failed = True
            message = "the configuration does not name it (alerts.destinations)"
            emit(output, {"destination": name, "result": "unknown", "message": message}, f"{name}: {message}")
            continue
        attempt = send_once(senders[name], PendingAlert(alert.id, asked.id, encode_alert(alert), (name,)))
        failed = failed or attempt.result is not DeliveryResult.SENT
        members = {"destination": name, "result": attempt.result, "message": attempt.message}
        emit(output, members, f"{name}: {attempt.result} {attempt.message}".rstrip())
    if not asked.alert_to:
        tell(f"{asked.id} asks for no alerts")
    if failed:
        raise typer.Exit(EXIT_FAILED)


def _ledger(config: Config) -> closing[Ledger]:
    from newsflow.cli.ledger import open_existing

    return closing(open_existing(config))


@contextmanager
def _outbox(config: Config) -> Iterator[Outbox]:
    from newsflow.alerts.outbox import Outbox

    with _ledger(config) as ledger:
        yield Outbox(ledger)


def _routes(config: Config) -> Routes:
    from newsflow.routing import load_routes

    return load_routes([Path(path) for path in config.route_paths] or None)


def _subscription(routes: Routes, name: str) -> Subscription:
    for each in routes.subscriptions:
        if each.id == name:
            return each
    raise UsageError(not_there("subscription", name, [each.id for each in routes.subscriptions]))


def _find(outbox: Outbox, prefix: str) -> LoggedAlert:
    if not (prefix.isascii() and prefix.isalnum()):
        raise UsageError(f"{prefix!r} is not an alert's id: letters and digits")
    found = outbox.find(prefix)
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(f"there is no alert {prefix!r}; `newsflow alerts list` shows those there are")
    raise UsageError(f"{prefix!r} begins several ids: {', '.join(each.id for each in found[:4])}…")


def _duration(text: str) -> timedelta:
    found = re.fullmatch(r"([0-9]{1,5})([mhd])", text)
    if found is None or int(found[1]) == 0:
        raise UsageError(f"--for {text!r}: accepted are a number and m, h or d, as in 90m")
    return int(found[1]) * UNITS[found[2]]


def _print_line(alert: LoggedAlert) -> None:
    from newsflow.alerts.render import headline, members_of
    from newsflow.cli.output import isolate

    members = members_of(alert.value)
    states = ", ".join(f"{each.destination} {each.state}" for each in alert.deliveries) or "no destination"
    line = f"{alert.id[:12]}  {_instant(alert.created_at)}  {alert.subscription}  {members['step']}  [{states}]"
    data(f"{line}  {isolate(headline(members), 80)}")


def _backlog_json(waits: Backlog | None) -> dict[str, Any]:
    return {
        "waiting": waits.deliveries if waits else 0,
        "oldest": waits and _instant(waits.oldest),
        "next_try": waits and _instant(waits.next_due),
        "circuit": waits.circuit if waits else "closed",
        "error": waits and waits.error,
    }


def _print_status(row: dict[str, Any]) -> None:
    name = row["destination"] + ("" if row["configured"] else " (not configured)")
    if not row["waiting"]:
        data(f"{name}: nothing waits")
        return
    waiting = f"{row['waiting']} waiting since {row['oldest']}"
    data(f"{name}: {waiting}, circuit {row['circuit']}, next try {row['next_try']}")
    if row["error"]:
        data(f"  last error: {row['error']}")


def _delivery_text(delivery: Delivery) -> str:
    if delivery.state == "sent" and delivery.sent_at is not None:
        return f"sent {_instant(delivery.sent_at)}" + (f", but {delivery.error}" if delivery.error else "")
    tried = f" after {delivery.attempts} tries" if delivery.attempts else ""
    error = f": {delivery.error}" if delivery.error else ""
    due = f", next try {_instant(delivery.due_at)}" if delivery.state == "pending" else ""
    return f"{delivery.state}{tried}{due}{error}"


def _as_json(alert: LoggedAlert) -> dict[str, Any]:
    import orjson

    deliveries = [
        asdict(each)
        | {
            "due_at": _instant(each.due_at) if each.state == "pending" else None,
            "sent_at": each.sent_at and _instant(each.sent_at),
        }
        for each in alert.deliveries
    ]
    return {"alert": orjson.loads(alert.value), "raised_at": _instant(alert.created_at), "deliveries": deliveries}


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
