"""Alerts as HTTP POST, signed. The receiver drops repeats by `webhook-id` (the same as `Idempotency-Key`)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from newsflow.errors import SinkError
from newsflow.model import PendingAlert
from newsflow.sinks.addresses import AddressRefusedError
from newsflow.sinks.http import Answer, HttpClient, UnreachableError
from newsflow.sinks.sending import SENT, Attempt, refused, retry
from newsflow.sinks.signature import ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, sign

MAX_BODY_BYTES = 262_144
MAX_RETRY_AFTER_S = 3_600.0
# These speak of the alert itself. Everything else (401, 404, 5xx, …) is about the destination and may be put right.
_REFUSALS = frozenset({400, 413, 415, 422})


@dataclass(frozen=True)
class Webhook:
    """A destination that takes alert.v1 as JSON over HTTP.

    `secrets` sign each message; `headers` are sent along (an `Authorization`, say). Neither is ever printed.
    """

    name: str
    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    http: HttpClient = field(default_factory=HttpClient)
    clock_s: Callable[[], float] = field(default=time.time, repr=False)

    def send(self, alert: PendingAlert) -> Attempt:
        """Post one alert; blocks up to the client's limits."""
        if len(alert.value) > MAX_BODY_BYTES:
            return refused(f"the alert has {len(alert.value)} bytes; a webhook carries up to {MAX_BODY_BYTES}")
        now_s = self.clock_s()
        try:
            answer = self.http.post(self.url, alert.value, self._headers(alert, int(now_s)))
        except (AddressRefusedError, UnreachableError) as error:
            return retry(str(error))
        except SinkError as error:
            return retry(f"the destination {self.name} cannot be used: {error}")
        return judge(answer, now_s)

    def _headers(self, alert: PendingAlert, now_s: int) -> dict[str, str]:
        ours = {
            "Content-Type": "application/json",
            "User-Agent": "newsflow",
            "Idempotency-Key": alert.id,
            ID_HEADER: alert.id,
            TIMESTAMP_HEADER: str(now_s),
        }
        if self.secrets:
            ours[SIGNATURE_HEADER] = sign(alert.id, now_s, alert.value, self.secrets)
        return {**self.headers, **ours}


def judge(answer: Answer, now_s: float) -> Attempt:
    """Return what an HTTP answer means for the alert. `now_s` (seconds since 1970) places a `Retry-After` date."""
    if 200 <= answer.status < 300:
        return SENT
    words = " ".join(answer.body[:300].decode("utf-8", "replace").split())
    message = f"HTTP {answer.status}" + (f": {words}" if words else "")
    if answer.status in _REFUSALS:
        return refused(message)
    if 300 <= answer.status < 400:
        message += f" to {answer.headers.get('location', 'nowhere')[:200]}; put the new address into the configuration"
    return retry(message, retry_after_s(answer.headers.get("retry-after"), now_s))


def retry_after_s(value: str | None, now_s: float) -> float | None:
    """Return the seconds a `Retry-After` header asks for (a number or a date), at most an hour; None when unread."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:12]), MAX_RETRY_AFTER_S)
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = date if date.tzinfo else date.replace(tzinfo=UTC)
    return min(max((at - datetime.fromtimestamp(now_s, UTC)).total_seconds(), 0.0), MAX_RETRY_AFTER_S)
