"""Signatures of webhooks, as Standard Webhooks 1.0 defines them (https://www.standardwebhooks.com).

Signed is `id.timestamp.body`; the header holds one `v1,<base64>` for each secret, so that a secret can be
changed without an alert lost: sign with both, switch the receiver, drop the old one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence

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
