"""The value of a record in place of one that does not fit: where the blob is that holds it, its size and its digest.

A claim check, as CloudEvents' extension `dataref` has it. The reference is relative to `blobs.url`, so that the same
record has the same bytes wherever the store is, and no password of the store is ever in it.
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/extensions/dataref.md
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass

import orjson

from newsflow.model.codec import in_base64
from newsflow.model.event import Headers
from newsflow.model.framing import unframed
from newsflow.model.schemas import validator

CLAIM = "claim"
DATAREF_HEADER = "ce_dataref"
MAX_CLAIM_BYTES = 4_096
_NAME = re.compile(r"sha256/(?P<start>[0-9a-f]{2})/(?P<digest>(?P=start)[0-9a-f]{62})")


@dataclass(frozen=True, slots=True)
class Blob:
    """What a store holds under the SHA-256 (64 hex digits) of its bytes. `size_bytes` is None where only the reference
    is known."""

    digest: str
    size_bytes: int | None = None

    @property
    def dataref(self) -> str:
        """The reference, relative to the store's URL; also the blob's name in it."""
        return f"sha256/{self.digest[:2]}/{self.digest}"

    @classmethod
    def of(cls, value: bytes) -> Blob:
        return cls(hashlib.sha256(value).hexdigest(), len(value))

    @classmethod
    def named(cls, name: str) -> Blob | None:
        """The blob of that reference, None when it is not one."""
        match = _NAME.fullmatch(name)
        return None if match is None else cls(match["digest"])


def encode_claim(blob: Blob, claim_id: str, version: int | None = None, holds: str = "value") -> bytes:
    """The claim.v1 bytes. `claim_id` and `version` are those of what the blob holds."""
    members = {
        "id": claim_id[:1_000],
        "version": version,
        "dataref": blob.dataref,
        "size": blob.size_bytes,
        "digest": f"sha256:{blob.digest}",
        "holds": None if holds == "value" else holds,
    }
    return orjson.dumps({name: member for name, member in members.items() if member is not None})


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim.v1 value. `dataref` as it was written; `size_bytes` and `digest` are None for one that is a header alone.
    `holds`: `value`, or `record` where the blob is the JSON of a whole record."""

    dataref: str
    size_bytes: int | None = None
    digest: str | None = None
    holds: str = "value"


def read_claim(value: bytes | None) -> Claim | None:
    """The claim that a record's value is, None for any other value."""
    if value is None or len(value) > MAX_CLAIM_BYTES or b'"dataref"' not in value:
        return None
    try:
        members = orjson.loads(unframed(value))
    except orjson.JSONDecodeError:
        return None
    if not validator(CLAIM).is_valid(members):
        return None
    digest = members["digest"].removeprefix("sha256:")
    if Blob.named(Blob(digest).dataref) is None:
        return None
    return Claim(members["dataref"], members["size"], digest, members.get("holds", "value"))


def encode_record(key: bytes | None, value: bytes | None, headers: Headers) -> bytes:
    """A whole record as JSON, for one whose key and headers alone do not fit. Members are those of dead-letter.v1."""
    return orjson.dumps(
        {
            "key_base64": in_base64(key),
            "value_base64": in_base64(value),
            "headers": [{"name": name, "value_base64": in_base64(content)} for name, content in headers],
        }
    )


def value_of_record(encoded: bytes) -> bytes | None:
    """The value of a record that `encode_record` wrote. Raises `ValueError` for anything else."""
    try:
        value = orjson.loads(encoded)["value_base64"]
        return None if value is None else base64.b64decode(value, validate=True)
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a record: {error}") from error
