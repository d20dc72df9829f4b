"""The frame that Confluent's serialisers put before a value: a zero byte, and the id of its schema in a registry.

https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format
"""

from __future__ import annotations

MAGIC = b"\0"
FRAME_BYTES = 5


def framed(schema_id: int, value: bytes) -> bytes:
    """A value behind its frame. Raises `OverflowError` for an id beyond 4 bytes."""
    return MAGIC + schema_id.to_bytes(4, "big") + value


def unframed(value: bytes) -> bytes:
    """A value without its frame. No JSON begins with a zero byte: what has none is not touched."""
    return value[FRAME_BYTES:] if value[:1] == MAGIC and len(value) >= FRAME_BYTES else value
