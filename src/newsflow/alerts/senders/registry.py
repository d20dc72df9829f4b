"""Senders from the destinations that a configuration names."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from email.utils import parseaddr

from newsflow.alerts.senders.alertmanager import Alertmanager
from newsflow.alerts.senders.base import Sender
from newsflow.alerts.senders.chat import Chat, open_service
from newsflow.alerts.senders.http import HttpClient, Limits, checked_url, parse_networks
from newsflow.alerts.senders.mail import Mail, read_server
from newsflow.alerts.senders.pagerduty import PagerDuty
from newsflow.alerts.senders.webhook import Webhook, key_of
from newsflow.config.settings import Destination
from newsflow.errors import ConfigError, SinkError
from newsflow.secrets import resolve

_PRIVATE = (
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "::1/128",
    "fc00::/7",
)
"""What `allow_private` opens: this machine and private networks; not link-local, where metadata services live."""


def make_senders(destinations: Iterable[tuple[str, Destination]]) -> tuple[Sender, ...]:
    """Return a sender for each destination, references resolved. Raises `ConfigError` naming the destination."""
    return tuple(_make(name, destination) for name, destination in destinations)


def _make(name: str, destination: Destination) -> Sender:
    try:
        make = _MAKERS[destination.type]
    except KeyError:
        raise ConfigError(
            f"no sender of type {destination.type!r}; accepted: {', '.join(_MAKERS)}", path=_place(name) + ".type"
        ) from None
    try:
        secret = None if destination.secret is None else resolve(destination.secret)
        return make(name, destination, resolve(destination.url), secret)
    except ConfigError as error:
        raise ConfigError(error.message, file=error.file, path=error.path or _place(name)) from error
    except SinkError as error:
        raise ConfigError(str(error), path=_place(name) + ".url") from error
    except ValueError as error:
        raise ConfigError(str(error), path=_place(name)) from error


def _webhook(name: str, destination: Destination, url: str, secret: str | None) -> Sender:
    secrets = tuple((secret or "").split())
    if secret is not None and not secrets:
        raise ValueError("the secret is empty")
    for each in secrets:
        key_of(each)
    checked_url(url)
    return Webhook(name, url, secrets, http=_client(destination))


def _mail(name: str, destination: Destination, url: str, secret: str | None) -> Sender:
    boxes = tuple(box.strip() for box in (destination.mail_to or "").split(",") if box.strip())
    if not destination.mail_from or not boxes:
        raise ValueError("a destination of type mail needs mail_from and mail_to")
    for box in (destination.mail_from, *boxes):
        if "@" not in parseaddr(box)[1]:
            raise ValueError(f"{box!r} is not a mailbox; accepted: name@example.org")
    return Mail(name, read_server(url, secret or "", destination.timeout_s), destination.mail_from, boxes)


def _pagerduty(name: str, destination: Destination, url: str, secret: str | None) -> Sender:
    if not secret:
        raise ValueError("a destination of type pagerduty needs its routing key as secret")
    checked_url(url)
    return PagerDuty(name, secret, url, http=_client(destination))


def _alertmanager(name: str, destination: Destination, url: str, secret: str | None) -> Sender:
    checked_url(url)
    return Alertmanager(name, url, secret or "", http=_client(destination))


def _chat(name: str, _: Destination, url: str, secret: str | None) -> Sender:
    if secret is not None:
        raise ValueError("a destination of type chat has no secret; its URL holds it, and may be a reference")
    open_service(url)
    return Chat(name, url)


def _kafka(name: str, destination: Destination, url: str, _: str | None) -> Sender:
    from newsflow.alerts.senders.kafka import KafkaTopic, read_topic

    settings, topic = read_topic(url, destination.secret, destination.timeout_s)
    return KafkaTopic(name, settings, topic)


_MAKERS: dict[str, Callable[[str, Destination, str, str | None], Sender]] = {
    "webhook": _webhook,
    "mail": _mail,
    "pagerduty": _pagerduty,
    "alertmanager": _alertmanager,
    "chat": _chat,
    "kafka": _kafka,
}


def _client(destination: Destination) -> HttpClient:
    allowed = parse_networks(_PRIVATE) if destination.allow_private else ()
    return HttpClient(Limits(connect_s=min(5.0, destination.timeout_s), total_s=destination.timeout_s), allowed)


def _place(name: str) -> str:
    return f"alerts.destinations.{name}"
