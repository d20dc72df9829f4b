"""Mail in a maildir: newsletters, and wires that come by mail."""

from __future__ import annotations

from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import parseaddr
from pathlib import Path

from newsflow.normalise.encodings import decode_bytes
from newsflow.sources.records.record import Left, Read, Reading, Record, instant_of, whole_file


def read_maildir(path: Path, reading: Reading) -> Iterator[Read]:
    """The messages in `new` and `cur`, by name."""
    for file in sorted(each for folder in ("new", "cur") for each in (path / folder).glob("*") if each.is_file()):
        data = whole_file(file, reading)
        yield Left("too large") if data is None else _message(data)


def _message(data: bytes) -> Read:
    message = BytesParser(policy=policy.default).parsebytes(data)
    assert isinstance(message, EmailMessage)
    try:
        body = message.get_body(("html", "plain"))
        sent, name = message.get("Date"), message.get("Message-ID")
    except (ValueError, IndexError, AttributeError):  # headers that the library cannot read
        return Left("not mail")
    if body is None or not name:
        return Left("empty" if name else "no address or id")
    payload = body.get_payload(decode=True)
    sender, address = parseaddr(str(message.get("From", "")))
    members = {
        "guid": str(name).strip().strip("<>"),
        "title": str(message.get("Subject", "")).strip() or None,
        "published": str(sent) if sent else None,
        "authors": [sender or address] if sender or address else [],
        "source": address.rpartition("@")[2] or None,
        "content": decode_bytes(payload if isinstance(payload, bytes) else b"", body.get_content_charset()),
        "content_type": "text/html" if body.get_content_subtype() == "html" else "text/plain",
        "content_is": "article",
    }
    return Record(members, instant_of(str(sent)) if sent else None)
