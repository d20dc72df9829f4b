"""The local broker's settings: one KRaft node that is broker and controller, on the loopback interface only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from newsflow.dev.processes import LOOPBACK

NODE_ID = 1


@dataclass(frozen=True, slots=True)
class Listener:
    """One more listener beside the plaintext one: `protocol` is SSL, SASL_PLAINTEXT or SASL_SSL."""

    name: str
    protocol: str
    port: int


def server_properties(
    data: Path,
    port: int,
    controller_port: int,
    listeners: Sequence[Listener] = (),
    extra: Mapping[str, str] | None = None,
) -> str:
    """Return the text of server.properties. `extra` overrides what stands here."""
    plain = Listener("PLAINTEXT", "PLAINTEXT", port)
    controller = Listener("CONTROLLER", "PLAINTEXT", controller_port)
    public = (plain, *listeners)
    settings = {
        "process.roles": "broker,controller",
        "node.id": str(NODE_ID),
        "controller.quorum.voters": f"{NODE_ID}@{LOOPBACK}:{controller_port}",
        "controller.listener.names": controller.name,
        "listeners": ",".join(map(_address, (*public, controller))),
        "advertised.listeners": ",".join(map(_address, public)),
        "listener.security.protocol.map": ",".join(f"{it.name}:{it.protocol}" for it in (*public, controller)),
        "inter.broker.listener.name": plain.name,
        "log.dirs": str(data),
        # Topics are declared and applied; a typing error must not make one.
        "auto.create.topics.enable": "false",
        **_ONE_REPLICA,
        **_QUICK,
        **_SMALL,
        **(extra or {}),
    }
    return "".join(f"{key}={_escape(value)}\n" for key, value in settings.items())


_ONE_REPLICA = {
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
}

_QUICK = {
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    # A killed node may register again only when its old session has ended: 9 s by default.
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "500",
}

_SMALL = {
    "offsets.topic.num.partitions": "5",
    "transaction.state.log.num.partitions": "5",
    "share.coordinator.state.topic.num.partitions": "1",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "num.recovery.threads.per.data.dir": "1",
    "log.cleaner.dedupe.buffer.size": str(8 << 20),
    "log.segment.bytes": str(64 << 20),
}


def _address(listener: Listener) -> str:
    return f"{listener.name}://{LOOPBACK}:{listener.port}"


def _escape(value: str) -> str:
    # A backslash starts an escape in a Java properties file, whose text is Latin-1: the rest is written as escapes.
    units = value.replace("\\", "\\\\").encode("utf-16-be")
    pairs = (int.from_bytes(units[at : at + 2]) for at in range(0, len(units), 2))
    return "".join(chr(unit) if unit < 0x7F else f"\\u{unit:04x}" for unit in pairs)
