"""Alerts as HTTP POST of alert.v1, signed. The receiver drops repeats by `webhook-id` (the same as `Idempotency-Key`).

`url`: `https://…` or `http://…`. `secret`: the key that signs, or several with spaces between.

Signatures are those of [Standard Webhooks 1.0](https://www.standardwebhooks.com): signed is `id.timestamp.body`, and
the header holds one `v1,<base64>` for each secret. So a secret can be changed without an alert lost: sign with both,
switch the receiver, drop the old one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from newsflow.alerts.senders.base import HttpSender, client_for
from newsflow.config.settings import Destination
from newsflow.http.client import checked_url
from newsflow.model import PendingAlert

ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER = "webhook-id", "webhook-timestamp", "webhook-signature"
TOLERANCE_S = 300
_PREFIX = "whsec_"


def key_of(secret: str) -> bytes:
    """Return the key of a secret: `whsec_` and base64, or any other text as its UTF-8 bytes. Raises `ValueError`."""
    if secret.startswith(_PREFIX):
        try:
            key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except binascii.Error as error:
            raise ValueError(f"what follows {_PREFIX} in a secret must be base64") from error
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
        raise ValueError(f"{SIGNATURE_HEADER} does not match the body")
    return message_id


MAX_BODY_BYTES = 262_144


@dataclass(frozen=True)
class Webhook(HttpSender):
    """A destination that takes alert.v1 as JSON over HTTP.

    `secrets` sign each message; `headers` are sent along (an `Authorization`, say). Neither is ever printed.
    """

    secrets: tuple[str, ...] = field(default=(), repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def request(self, alert: PendingAlert, now_s: int) -> tuple[bytes, Mapping[str, str]]:
        if len(alert.value) > MAX_BODY_BYTES:
            raise ValueError(f"the alert has {len(alert.value)} bytes; a webhook carries up to {MAX_BODY_BYTES}")
        ours = {
            "Idempotency-Key": alert.id,
            ID_HEADER: alert.id,
            TIMESTAMP_HEADER: str(now_s),
        }
        if self.secrets:
            ours[SIGNATURE_HEADER] = sign(alert.id, now_s, alert.value, self.secrets)
        return alert.value, {**self.headers, **ours}


def make(name: str, destination: Destination, url: str, secret: str | None) -> Webhook:
    """`secret` holds one secret, or several with spaces between."""
    secrets = tuple((secret or "").split())
    if secret is not None and not secrets:
        raise ValueError("the secret is empty")
    for each in secrets:
        key_of(each)
    checked_url(url)
    return Webhook(name, url, secrets, http=client_for(destination))
