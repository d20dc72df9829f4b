"""Senders from the destinations that a configuration names."""

from __future__ import annotations

from collections.abc import Iterable

from newsflow.config.settings import Destination
from newsflow.errors import ConfigError
from newsflow.secrets import resolve
from newsflow.sinks.addresses import Network, parse_networks
from newsflow.sinks.http import HttpClient, Limits
from newsflow.sinks.sending import Sender
from newsflow.sinks.signature import key_of
from newsflow.sinks.webhook import Webhook

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
    place = f"alerts.destinations.{name}"
    try:
        url = resolve(destination.url)
        secrets = () if destination.secret is None else tuple(resolve(destination.secret).split())
        for secret in secrets:
            key_of(secret)
    except ConfigError as error:
        raise ConfigError(error.message, file=error.file, path=place) from error
    except ValueError as error:
        raise ConfigError(str(error), path=f"{place}.secret") from error
    if destination.type != "webhook":
        raise ConfigError(f"no sender of type {destination.type!r}; accepted: webhook", path=f"{place}.type")
    limits = Limits(connect_s=min(5.0, destination.timeout_s), total_s=destination.timeout_s)
    return Webhook(name, url, secrets, http=HttpClient(limits, _allowed(destination)))


def _allowed(destination: Destination) -> tuple[Network, ...]:
    return parse_networks(_PRIVATE) if destination.allow_private else ()
