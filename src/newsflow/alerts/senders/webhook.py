"""Alerts as HTTP POST, signed. The receiver drops repeats by `webhook-id` (the same as `Idempotency-Key`)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from newsflow.alerts.senders.base import SENT, Attempt, refused, retry
from newsflow.alerts.senders.http import AddressRefusedError, Answer, HttpClient, UnreachableError
from newsflow.errors import SinkError
from newsflow.model import PendingAlert

# Signatures of webhooks, as Standard Webhooks 1.0 defines them (https://www.standardwebhooks.com).
#
# Signed is `id.timestamp.body`; the header holds one `v1,<base64>` for each secret, so that a secret can be
# changed without an alert lost: sign with both, switch the receiver, drop the old one.


ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER = "webhook-id", "webhook-timestamp", "webhook-signature"
TOLERANCE_S = 300
_PREFIX = "whsec_"


def key_of(secret: str) -> bytes:
    """Return the key of a secret: `whsec_` and base64, or any other text as its UTF-8 bytes.

    Raises `ValueError` when it is empty or its base64 is broken.
    """
    if secret.startswith(_PREFIX):
        try:
            key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except binascii.Error as error:
            raise ValueError(f"a secret that begins with {_PREFIX} goes on in base64") from error
    else:
        key = secret.encode()
    if not key:
        raise ValueError("a webhook's secret is empty")
    return key


def sign(message_id: str, timestamp_s: int, body: bytes, secrets: Iterable[str]) -> str:
    """Return the value of the signature header, one signature for each secret."""
    signed = f"{message_id}.{timestamp_s}.".encode() + body
    digests = (hmac.new(key_of(secret), signed, hashlib.sha256).digest() for secret in secrets)
    return " ".join("v1," + base64.b64encode(digest).decode() for digest in digests)


def verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now_s: float) -> str:
    """Return the message's id. Raises `ValueError` saying what is missing or wrong.

    `headers` by lower-case name. A timestamp more than five minutes off is refused: a recorded message
    cannot be played again later.
    """
    message_id, stamp = headers.get(ID_HEADER, ""), headers.get(TIMESTAMP_HEADER, "")
    found = headers.get(SIGNATURE_HEADER, "").split()
    if not message_id or not stamp or not found:
        raise ValueError(f"{ID_HEADER}, {TIMESTAMP_HEADER} and {SIGNATURE_HEADER} are required")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        raise ValueError(f"{TIMESTAMP_HEADER} is whole seconds since 1970, not {stamp[:40]!r}")
    if abs(now_s - int(stamp)) > TOLERANCE_S:
        raise ValueError(f"{TIMESTAMP_HEADER} is more than {TOLERANCE_S} s away from the clock here")
    expected = sign(message_id, int(stamp), body, secrets).split()
    if not any(hmac.compare_digest(ours.encode(), theirs.encode()) for ours in expected for theirs in found):
        raise ValueError(f"{SIGNATURE_HEADER} does not fit the body")
    return message_id


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
