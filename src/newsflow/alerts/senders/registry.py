"""Every kind of destination there is, and senders for those that a configuration names.

A new kind is a module beside this one and an entry here; `make docs` then writes it into the schema of the
configuration, and the module's docstring into the reference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from newsflow.alerts.senders import alertmanager, chat, kafka, mail, pagerduty, webhook
from newsflow.alerts.senders.base import Sender
from newsflow.config.settings import Destination
from newsflow.errors import ConfigError, SinkError
from newsflow.secrets import keep_destination_secret, resolve

# Takes the name, the settings, and the URL and the secret that these refer to.
# Raises `ConfigError`, `SinkError` (for the URL) or `ValueError`.
Maker = Callable[[str, Destination, str, str | None], Sender]
MAKERS: dict[str, Maker] = {
    "webhook": webhook.make,
    "mail": mail.make,
    "pagerduty": pagerduty.make,
    "alertmanager": alertmanager.make,
    "chat": chat.make,
    "kafka": kafka.make,
}
"""By the `type` of a destination."""


def make_senders(destinations: Iterable[tuple[str, Destination]]) -> tuple[Sender, ...]:
    """Return a sender for each destination, references resolved. Raises `ConfigError` naming the destination."""
    return tuple(_make(name, destination) for name, destination in destinations)


def _make(name: str, destination: Destination) -> Sender:
    path, make = f"alerts.destinations.{name}", MAKERS.get(destination.type)
    if make is None:
        accepted = ", ".join(MAKERS)
        raise ConfigError(f"no sender of type {destination.type!r}; accepted: {accepted}", path=f"{path}.type")
    try:
        secret = None if destination.secret is None else resolve(destination.secret)
        url = resolve(destination.url)
        if destination.type not in ("mail", "kafka"):
            keep_destination_secret(url)
        return make(name, destination, url, secret)
    except ConfigError as error:
        raise ConfigError(error.message, file=error.file, path=error.path or path) from error
    except SinkError as error:
        raise ConfigError(str(error), path=f"{path}.url") from error
    except ValueError as error:
        raise ConfigError(str(error), path=path) from error
