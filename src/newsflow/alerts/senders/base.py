"""What every sender of alerts shares: what it is given, what it returns, and what an HTTP answer means."""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Protocol

from newsflow.config.settings import Destination
from newsflow.errors import SinkError
from newsflow.http.client import (
    PRIVATE,
    AddressRefusedError,
    HttpClient,
    HttpLimits,
    HttpResponse,
    UnreachableError,
)
from newsflow.model import PendingAlert
from newsflow.shown import one_line, without_secrets

log = logging.getLogger(__name__)

MALFORMED = (ValueError, KeyError, TypeError)
"""What is raised where an alert cannot be put into a destination's form."""
MAX_RETRY_AFTER_S = 3_600.0
_ALWAYS = {"Content-Type": "application/json", "User-Agent": "newsflow"}
# These speak of the alert itself. Everything else (401, 404, 5xx, …) is about the destination and may be put right.
_REFUSALS = frozenset({400, 413, 415, 422})


def client_for(destination: Destination) -> HttpClient:
    """Return a client within the bounds that a destination's settings give."""
    limits = HttpLimits(connect_s=destination.timeout_s, total_s=destination.timeout_s)
    return HttpClient(limits, PRIVATE if destination.allow_private else ())


class DeliveryResult(StrEnum):
    """What came of one attempt."""

    SENT = "sent"
    """The destination has it."""
    RETRY = "retry"
    """The destination is at fault or unavailable: the same alert may go through later."""
    REFUSED = "refused"
    """The destination will not take this alert, however often it is sent."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one attempt. `message` is one line without secrets, whatever the destination said.
    `retry_after_s`: the pause in seconds that it asked for."""

    result: DeliveryResult
    message: str = ""
    retry_after_s: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", one_line(without_secrets(self.message)))


SENT = Attempt(DeliveryResult.SENT)


def retry(message: str, retry_after_s: float | None = None) -> Attempt:
    """Return an attempt that failed for now."""
    return Attempt(DeliveryResult.RETRY, message, retry_after_s)


def refused(message: str) -> Attempt:
    """Return an attempt that failed for good."""
    return Attempt(DeliveryResult.REFUSED, message)


class Sender(Protocol):
    """Sends alerts to one destination."""

    @property
    def name(self) -> str:
        """The destination's name, as subscriptions write it."""
        ...

    def send(self, alert: PendingAlert) -> Attempt:
        """Try once. Blocks up to the sender's own time-outs; a failing destination is a result, not an exception.

        The same alert may be sent twice after a crash: it then carries the same id.
        """
        ...


def send_once(sender: Sender, alert: PendingAlert) -> Attempt:
    """Try once; a mistake in the sender itself is a failure for now, and logged."""
    try:
        return sender.send(alert)
    except Exception as error:
        log.exception("the sender of %s failed on alert %s", sender.name, alert.id)
        return retry(f"the sender failed: {type(error).__name__}: {error}")


@dataclass(frozen=True)
class HttpSender(ABC):
    """A destination that takes each alert as one HTTP POST to `url`, which is never printed."""

    name: str
    url: str = field(repr=False)
    _: KW_ONLY
    http: HttpClient = field(default_factory=HttpClient)
    clock_s: Callable[[], float] = field(default=time.time, repr=False)

    @abstractmethod
    def request(self, alert: PendingAlert, now_s: int) -> tuple[bytes, Mapping[str, str]]:
        """Return body and headers. Raises one of `MALFORMED` for an alert that cannot be sent so."""

    def send(self, alert: PendingAlert) -> Attempt:
        """Post one alert; blocks up to the client's limits."""
        now_s = self.clock_s()
        try:
            body, headers = self.request(alert, int(now_s))
        except MALFORMED as error:
            return refused(f"the alert cannot be sent as {type(self).__name__} wants it: {error}")
        try:
            return judge(self.http.post(self.url, body, {**_ALWAYS, **headers}), now_s)
        except (AddressRefusedError, UnreachableError) as error:
            return retry(str(error))
        except SinkError as error:
            return retry(f"the destination {self.name} cannot be used: {error}")


def judge(response: HttpResponse, now_s: float) -> Attempt:
    """Return what an HTTP response means for the alert. `now_s` (seconds since 1970) places a `Retry-After` date."""
    if 200 <= response.status < 300:
        return SENT
    text = " ".join(response.body[:300].decode("utf-8", "replace").split())
    message = f"HTTP {response.status}" + (f": {text}" if text else "")
    if response.status in _REFUSALS:
        return refused(message)
    if 300 <= response.status < 400:
        to = response.headers.get("location", "nowhere")[:200]
        message += f" to {to}; put the new address into the configuration"
    return retry(message, retry_after_s(response.headers.get("retry-after"), now_s))


def retry_after_s(value: str | None, now_s: float) -> float | None:
    """Return the seconds a `Retry-After` header asks for (a number or a date), at most an hour; None for neither."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:12]), MAX_RETRY_AFTER_S)
    try:
        date = parsedate_to_datetime(text)
        at = date if date.tzinfo else date.replace(tzinfo=UTC)
        asked_s = (at - datetime.fromtimestamp(now_s, UTC)).total_seconds()
    except (ValueError, OverflowError, TypeError, IndexError):
        return None  # not a date, or one beyond the calendar
    return min(max(asked_s, 0.0), MAX_RETRY_AFTER_S)
