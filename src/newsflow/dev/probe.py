"""Asks a broker for its metadata over a bare socket: an open port alone does not mean that it answers."""

from __future__ import annotations

import socket
import struct

_METADATA, _VERSION = 3, 1
_CORRELATION = 1
_MAX_RESPONSE_BYTES = 1 << 20


def broker_answers(host: str, port: int, timeout_s: float = 2.0) -> bool:
    """Tell whether a Kafka broker at a plaintext listener names at least one live broker of its cluster.

    A node that has opened its port but has not joined its own cluster yet names none, and would refuse to
    create a topic. https://kafka.apache.org/protocol#The_Messages_Metadata
    """
    try:
        with socket.create_connection((host, port), timeout_s) as connection:
            connection.settimeout(timeout_s)
            connection.sendall(_request())
            return _count_brokers(_response(connection)) > 0
    except (OSError, struct.error, ValueError):
        return False


def _request() -> bytes:
    client = b"newsflow-probe"
    header = struct.pack(f">hhih{len(client)}s", _METADATA, _VERSION, _CORRELATION, len(client), client)
    body = header + struct.pack(">i", 0)  # of no topic
    return struct.pack(">i", len(body)) + body


def _response(connection: socket.socket) -> bytes:
    (size,) = struct.unpack(">i", _read(connection, 4))
    if not 8 <= size <= _MAX_RESPONSE_BYTES:
        raise ValueError(f"{size} bytes is no answer of a broker")
    return _read(connection, size)


def _count_brokers(response: bytes) -> int:
    correlation, brokers = struct.unpack_from(">ii", response)
    if correlation != _CORRELATION:
        raise ValueError("not an answer to this question")
    return int(brokers)


def _read(connection: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = connection.recv(size - len(parts))
        if not part:
            raise ConnectionResetError("closed while answering")
        parts += part
    return bytes(parts)
