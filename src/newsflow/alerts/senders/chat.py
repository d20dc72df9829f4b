"""Alerts to Slack, Teams, Telegram, Matrix and more, by the apprise library: `pip install 'newsflow[chat]'`.

`url`: an [apprise](https://github.com/caronc/apprise/wiki) URL, best as `env:NAME`, since it holds the secrets.

Apprise opens its own connections and knows no ids: the guard of addresses does not reach it, so its URLs are for those
who run newsflow to write, never for subscribers; and after a crash between sending and noting it, a message may appear
twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from newsflow.alerts.render import CHAT, members_of, plain, subject
from newsflow.alerts.senders.base import MALFORMED, SENT, Attempt, refused, retry
from newsflow.config.settings import Destination
from newsflow.errors import ConfigError
from newsflow.http.deadline import OneAtATime
from newsflow.model import PendingAlert


@dataclass(frozen=True)
class Chat:
    """A service that apprise knows, by its apprise URL."""

    name: str
    url: str = field(repr=False)
    timeout_s: float = 20.0
    _turn: OneAtATime = field(default_factory=OneAtATime, init=False, repr=False, compare=False)

    def send(self, alert: PendingAlert) -> Attempt:
        try:
            members = members_of(alert.value)
            title, body = subject(members, CHAT), plain(members, CHAT)
        except MALFORMED as error:
            return refused(f"the alert cannot be put into a message: {error}")
        import apprise

        urgent = members["severity"] in ("error", "critical")
        kind = apprise.NotifyType.FAILURE if urgent else apprise.NotifyType.WARNING
        service = open_service(self.url)
        try:
            taken = self._turn.within(
                self.timeout_s,
                lambda: service.notify(title=title, body=body, notify_type=kind, body_format=apprise.NotifyFormat.TEXT),
            )
        except TimeoutError as error:
            return retry(f"no answer of the service: {error}")
        return SENT if taken else retry("the service did not take the message; apprise logs why")


def make(name: str, destination: Destination, url: str, secret: str | None) -> Chat:
    if secret is not None:
        raise ValueError("a destination of type chat has no secret; its URL holds it, and may be a reference")
    open_service(url)
    return Chat(name, url, destination.timeout_s)


def open_service(url: str):  # type: ignore[no-untyped-def]  # apprise has no types
    """Return the service of an apprise URL. Raises `ConfigError` when there is none, or apprise is not installed."""
    try:
        import apprise
    except ImportError as error:
        raise ConfigError("destinations of type chat need the extra: pip install 'newsflow[chat]'") from error
    service = apprise.Apprise()
    if not service.add(url):
        raise ConfigError("the URL is not one that apprise knows; see https://github.com/caronc/apprise/wiki")
    return service
