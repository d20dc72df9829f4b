"""Alerts to Slack, Teams, Telegram, Matrix and a hundred other services, by the apprise library (an extra)."""

from __future__ import annotations

from dataclasses import dataclass, field

from newsflow.alerts.render import members_of, plain, subject
from newsflow.alerts.senders.base import SENT, Attempt, refused, retry
from newsflow.errors import ConfigError
from newsflow.model import PendingAlert


@dataclass(frozen=True)
class Chat:
    """A service that apprise knows, by its apprise URL, which holds its secrets.

    Apprise opens connections of its own: the guard against internal addresses does not reach them, so such URLs
    are for those who run newsflow to write, never for subscribers. It knows no ids either: after a crash between
    sending and writing that down, the service shows the alert twice.
    """

    name: str
    url: str = field(repr=False)

    def send(self, alert: PendingAlert) -> Attempt:
        """Send one message."""
        try:
            members = members_of(alert.value)
            title, body = subject(members), plain(members)
        except (ValueError, KeyError, TypeError) as error:
            return refused(f"the alert cannot be put into a message: {error}")
        import apprise

        service = open_service(self.url)
        kind = {"error": apprise.NotifyType.FAILURE, "critical": apprise.NotifyType.FAILURE}.get(
            members["severity"], apprise.NotifyType.WARNING
        )
        if service.notify(title=title, body=body, notify_type=kind, body_format=apprise.NotifyFormat.TEXT):
            return SENT
        return retry("the service did not take the message; apprise logs why")


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
