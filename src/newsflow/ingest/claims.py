"""The two ends of a claim check: what does not fit a record goes to the blob store, and whoever reads gets it back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

import orjson

from newsflow.blobs import BlobMissingError, BlobStore, BlobTooLargeError, is_folder
from newsflow.config.settings import Config
from newsflow.errors import ConfigError
from newsflow.kafka.expansion import KEPT_HEADER
from newsflow.kafka.producer import Record
from newsflow.model import Event, Reason, Rejected
from newsflow.model.claim import (
    CLAIM,
    DATAREF_HEADER,
    MAX_CLAIM_BYTES,
    Blob,
    Claim,
    encode_claim,
    encode_record,
    read_claim,
    value_of_record,
)
from newsflow.model.headers import DEAD_LETTER_PREFIXES, ERROR_PREFIX, JSON_TYPE, header
from newsflow.model.names import ce_type, schema_id
from newsflow.secrets import masked, resolve

log = logging.getLogger(__name__)

_WORTHWHILE_BYTES = 1_000
"""A claim has some hundred bytes."""
MAX_KEY_BYTES = 64 << 10
"""A longer key does not stand beside a claim: the whole record is in the blob."""

_SHARED = "accepted: s3://…, or blobs.shared: true where every job and reader mounts that folder"

Value = bytes | Rejected | None
"""What a record holds, or why that cannot be had."""


@dataclass(frozen=True)
class ClaimCheck:
    """Puts what does not fit a record into the store, and a claim in its place. `most_bytes`: of a value, for any
    topic (`limits.record_bytes`); a topic or a broker may take less."""

    blobs: Callable[[], BlobStore]
    most_bytes: int

    def __call__(self, record: Record) -> Record | None:
        """The record with a claim for its value; where its key and headers are to blame, with one for all of it. None
        when nothing can be put elsewhere any more. Raises `SinkError` while the store is unavailable."""
        value, claim = record.value or b"", read_claim(record.value)
        if claim is None and len(value) > _WORTHWHILE_BYTES:
            return self._claimed(record, value)
        surplus = record.size_bytes - len(value)
        if surplus <= MAX_CLAIM_BYTES or (claim is not None and claim.holds == "record"):
            return None
        return self._claimed_whole(record)

    def keep_line(self, _: int, pieces: Iterable[bytes]) -> bytes:
        """The claim for a line of a file that is never held whole."""
        blob = self.blobs().put_all(pieces)
        return encode_claim(blob, blob.digest)

    def _claimed(self, record: Record, value: bytes) -> Record:
        blob = self.blobs().put(value)
        log.info("%s: a value of %d bytes went to the blob store as %s", record.topic, len(value), blob.dataref)
        claim_id, version = _named(record, value)
        headers = record.headers
        if header(headers, ERROR_PREFIX + "id") is None:
            # A dead letter's own headers are untouched; of ours these say what the value is. A reader that does not
            # know this type passes over it.
            ours = {
                "ce_type": ce_type(CLAIM).encode(),
                "ce_dataschema": schema_id(CLAIM).encode(),
                "content-type": JSON_TYPE.encode(),
            }
            headers = tuple((name, ours.get(name, content)) for name, content in headers)
        return record._replace(
            value=encode_claim(blob, claim_id, version), headers=(*headers, (DATAREF_HEADER, blob.dataref.encode()))
        )

    def _claimed_whole(self, record: Record) -> Record:
        blob = self.blobs().put(encode_record(record.key, record.value, record.headers))
        log.info("%s: a record of %d bytes went to the blob store as %s", record.topic, record.size_bytes, blob.dataref)
        headers = tuple(pair for pair in record.headers if pair[0].startswith(DEAD_LETTER_PREFIXES))
        key = record.key if len(record.key or b"") <= MAX_KEY_BYTES else None
        value = encode_claim(blob, _named(record, b"")[0], holds="record")
        return Record(record.topic, key, value, (*headers, (DATAREF_HEADER, blob.dataref.encode())))


def _named(record: Record, value: bytes) -> tuple[str, int | None]:
    """The id and version that a claim names."""
    error_id = header(record.headers, ERROR_PREFIX + "id")
    if error_id is not None:
        return error_id, None
    try:
        members = orjson.loads(value)
        version = members.get("version")
        return str(members["id"]), version if isinstance(version, int) else None
    except (orjson.JSONDecodeError, AttributeError, KeyError):
        return header(record.headers, "ce_id") or Blob.of(value).digest, None


def check_blobs(config: Config) -> str:
    """A line on where blobs go. Raises `ConfigError` for a folder that other processes may not reach."""
    url = resolve(config.blobs.url)
    try:
        ledger = resolve(config.ledger.url)
    except ConfigError:
        ledger = ""  # Whoever needs it says so.
    if is_folder(url) and not config.blobs.shared and ledger.startswith("postgres"):
        raise ConfigError(
            f"{url} is a folder beside a ledger that several machines may share; {_SHARED}", path="blobs.url"
        )
    return f"blobs: {masked(url).partition('?')[0]}"


def check_blobs_on_flink(config: Config) -> None:
    """Raises `ConfigError` for a folder that the workers may not reach. A reference is theirs to resolve."""
    url = config.blobs.url
    if url.startswith("folder:") and not config.blobs.shared:
        raise ConfigError(f"{url} is a folder, and workers may be on other machines; {_SHARED}", path="blobs.url")


def open_blobs(config: Config) -> BlobStore:
    """The store of a configuration. Connects to nothing yet."""
    check_blobs(config)
    return BlobStore(resolve(config.blobs.url))


def reader_of(config: Config) -> Claimed:
    """What commands read with."""
    return Claimed(cache(lambda: open_blobs(config)), config.limits.expand_bytes)


@dataclass(frozen=True)
class Claimed:
    """Gives readers what a record stands for. `most_bytes`: the size up to which a blob is read."""

    blobs: Callable[[], BlobStore]
    most_bytes: int

    def value(self, event: Event, stage: str) -> Value:
        """What a record stands for, or why that cannot be had. Raises `SinkError` while the store is unavailable."""
        kept = header(event.headers, KEPT_HEADER)
        if kept is not None:
            return Rejected(Reason.TOO_LARGE, f"{kept}; the value is the compressed batch as it came", stage)
        claim = read_claim(event.value)
        if claim is None and not event.value:
            dataref = header(event.headers, DATAREF_HEADER)
            claim = None if dataref is None else Claim(dataref)
        return event.value if claim is None else self._fetched(claim, stage)

    def text(self, dataref: str, stage: str) -> str | Rejected:
        """The text of a blob that a member of a value names, in UTF-8."""
        value = self._fetched(Claim(dataref), stage)
        if isinstance(value, Rejected):
            return value
        try:
            return (value or b"").decode("utf-8")
        except UnicodeDecodeError as error:
            return Rejected(Reason.BAD_ENCODING, f"the blob {dataref[:200]} is not UTF-8: {error}", stage)

    def _fetched(self, claim: Claim, stage: str) -> Value:
        store = self.blobs()
        named = store.find(claim.dataref)
        if named is None or claim.digest not in (None, named.digest):
            accepted = "accepted: sha256/…/DIGEST below blobs.url, of the digest that is claimed"
            message = f"dataref {claim.dataref[:200]!r} is not a blob of this store; {accepted}"
            return Rejected(Reason.SCHEMA_VIOLATION, message, stage)
        try:
            value = store.get(Blob(named.digest, claim.size_bytes), self.most_bytes)
            return value_of_record(value) if claim.holds == "record" else value
        except BlobMissingError as error:
            return Rejected(Reason.BLOB_MISSING, str(error), stage)
        except BlobTooLargeError as error:
            return Rejected(Reason.TOO_LARGE, str(error), stage)
        except ValueError as error:
            return Rejected(Reason.SCHEMA_VIOLATION, f"the blob {claim.dataref[:200]}: {error}", stage)
