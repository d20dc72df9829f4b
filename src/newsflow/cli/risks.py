"""What of a set-up loses data, or soon will: settings, retention behind a lag, clocks, disks, certificates. Asks and
changes nothing; a part that is well is not mentioned, and one that does not answer is another check's to name."""

from __future__ import annotations

import shutil
import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from newsflow.cli.finding import DoctorBounds, Finding, Health, span
from newsflow.errors import ConfigError, NewsflowError

if TYPE_CHECKING:
    from newsflow.config.settings import Config
    from newsflow.kafka.admin import TopicState
    from newsflow.kafka.settings import KafkaSettings
    from newsflow.ledger.database import Database

_SOON, _LATE = 0.5, 0.8
"""Shares of a topic's retention that its oldest unread record may have waited."""


def topic_risks(config: Config, kafka: KafkaSettings) -> Iterator[Finding]:
    """Settings of the raw topic, and of the one for its dead letters, under which records are lost. Raises
    `KafkaError`."""
    from newsflow.kafka.admin import named_topics
    from newsflow.model.names import dead_letter_topic

    raw = config.kafka.input_topic
    dead = dead_letter_topic(raw)
    states = named_topics(kafka, [raw, dead])
    if raw not in states:
        return  # said by the check of topics
    yield from _raw_risks(states[raw], config)
    if dead not in states:
        message = f"{raw} has no topic for its dead letters: the job stops at the first of them"
        yield Finding("dead letters", Health.FAIL, message, todo=f"create {dead}, with the partitions of {raw}")
    elif _kept(states[dead]) < _kept(states[raw]):
        message = f"{dead} keeps dead letters for {span(_kept(states[dead]))}, less long than {raw} its records"
        yield Finding("dead letters", Health.WARN, message, todo=f"raise retention.ms of {dead}; 30 days are shipped")


def _raw_risks(state: TopicState, config: Config) -> Iterator[Finding]:
    name, settings = state.name, state.config
    if "compact" in settings.get("cleanup.policy", ""):
        message = f"{name} is compacted: earlier states of an article go before they are read"
        yield Finding("compaction", Health.FAIL, message, todo=f"set cleanup.policy of {name} to delete")
    if int(settings.get("retention.bytes") or -1) >= 0:
        message = f"{name} keeps {int(settings['retention.bytes']):,} bytes of a partition, read or not"
        yield Finding("retention by size", Health.WARN, message, todo=f"remove retention.bytes of {name}")
    if settings.get("unclean.leader.election.enable") == "true":
        message = f"{name} may be led by a broker that lacks records which were acknowledged"
        yield Finding("unclean leaders", Health.WARN, message, todo="set unclean.leader.election.enable to false")
    known = timedelta(days=config.ledger.retention_d)
    if _kept(state) > known:
        message = f"the ledger forgets after {span(known)} what {name} keeps longer: read again, it goes out twice"
        todo = f"raise ledger.retention_d above the retention of {name}, or shorten that"
        yield Finding("ledger retention", Health.WARN, message, todo=todo)


def _kept(state: TopicState) -> timedelta:
    """How long a topic keeps a record; for ever where it removes none."""
    kept_ms = int(state.config.get("retention.ms") or -1)
    for_ever = kept_ms < 0 or "delete" not in state.config.get("cleanup.policy", "")
    return timedelta.max if for_ever else timedelta(seconds=min(kept_ms // 1000, 10**10))


def lag_risk(kafka: KafkaSettings, group: str, topic: str, now: datetime) -> Iterator[Finding]:
    """Whether records of a topic were removed, or soon are, before `group` has read them. Raises `KafkaError`."""
    from newsflow.kafka.admin import named_topics, oldest_unread

    state = named_topics(kafka, [topic]).get(topic)
    if state is None:
        return
    oldest = oldest_unread(kafka, group, topic)
    part, todo = f"unread of {group}", f"start its job, or raise retention.ms of {topic} until it has caught up"
    if oldest.removed and "compact" not in state.config.get("cleanup.policy", ""):
        message = f"{oldest.removed:,} records of {topic} were removed before they were read"
        yield Finding(part, Health.FAIL, message, {"removed": oldest.removed}, f"{todo}; have them fetched again")
        return
    kept = _kept(state)
    if oldest.written_ms is None:
        return
    age = now - datetime.fromtimestamp(oldest.written_ms / 1000, UTC)
    if age / kept > _SOON:
        message = f"the oldest unread record of {topic} is {span(age)} old, and goes after {span(kept)}"
        health = Health.FAIL if age / kept > _LATE else Health.WARN
        yield Finding(part, health, message, {"oldest_s": round(age.total_seconds())}, todo)


def clock_of_records(kafka: KafkaSettings, topic: str, bounds: DoctorBounds, now: datetime) -> Iterator[Finding]:
    """Whether the newest record of a topic is from the future. Raises `KafkaError`."""
    from newsflow.kafka.admin import TopicTail

    with closing(TopicTail(kafka, topic)) as tail:
        newest = tail.last(1)
    ahead = timedelta(milliseconds=newest[0].timestamp_ms) - (now - datetime.fromtimestamp(0, UTC)) if newest else None
    if ahead is not None and ahead > bounds.skew:
        message = f"the newest record of {topic} was written {span(ahead)} from now, as its writer says"
        todo = "let NTP set the clocks here and where it is written: such a record outlives its time, its age is wrong"
        yield Finding("clock of records", Health.WARN, message, {"ahead_s": round(ahead.total_seconds())}, todo)


def database_risks(db: Database, bounds: DoctorBounds, now: datetime) -> Iterator[Finding]:
    """The clock of the ledger's database, and whether it keeps what it has committed. Raises `LedgerError`."""
    if db.name != "postgresql":
        return
    [[there]] = db.run(lambda: db.query("SELECT EXTRACT(EPOCH FROM clock_timestamp())::float8"), writes=False)
    apart = abs(datetime.fromtimestamp(there, UTC) - now)
    if apart > bounds.skew:
        message = f"the database of the ledger and this machine are {span(apart)} apart"
        yield Finding("clock of the ledger", Health.FAIL, message, todo="let NTP set both clocks")
    for name in ("fsync", "synchronous_commit"):
        [[value]] = db.run(lambda name=name: db.query(f"SHOW {name}"), writes=False)  # type: ignore[misc]
        if value == "off":
            message = (
                f"{name} is off: a database that dies forgets decisions whose articles are out, and they go out twice"
            )
            todo = f"set {name} to on, in postgresql.conf or for the ledger's user"
            yield Finding(f"{name} of the ledger", Health.FAIL, message, todo=todo)


def disk_risks(config: Config, bounds: DoctorBounds) -> Iterator[Finding]:
    """Disks of this machine that hold something of ours and are nearly full, each once."""
    seen: set[int] = set()
    for what, path in _places(config):
        folder = next((each for each in (path, *path.parents) if each.is_dir()), None)
        if folder is None or (device := folder.stat().st_dev) in seen:
            continue
        seen.add(device)
        free = shutil.disk_usage(folder).free
        if free < bounds.free_bytes:
            message = f"{free >> 20:,} MiB are left at {folder}, where {what} is"
            todo = "make room: shorter retention (`ledger.retention_d`, `archive.retention_d`), or a larger disk"
            yield Finding("disk", Health.FAIL, message, {"free_bytes": free}, todo)


def _places(config: Config) -> Iterator[tuple[str, Path]]:
    from newsflow.secrets import resolve
    from newsflow.stores.contract import path_of
    from newsflow.stores.registry import kind_of

    urls = [("the ledger", config.ledger.url), ("the blob store", config.blobs.url)]
    for what, named in (*urls, *((f"store {name}", url) for name, url in config.stores)):
        with suppress(ConfigError):  # said by the check of the configuration
            url = resolve(named)
            if what.startswith("store ") and not kind_of(url).on_files:
                continue
            if url.startswith(("sqlite:", "folder:")) or what.startswith("store "):
                yield what, path_of(url).absolute()


def certificate_risks(config: Config, bounds: DoctorBounds, now: datetime) -> Iterator[Finding]:
    """Certificates that end soon: the files that the configuration names, and those that servers show."""
    for what, ends in chain(_of_files(config), _of_servers(config)):
        left = ends - now
        if left < bounds.certificate:
            said = f"ends in {span(left)}" if left > timedelta(0) else "has ended"
            state = Health.FAIL if left < bounds.certificate / 7 else Health.WARN
            message = f"{what} {said}, at {ends:%Y-%m-%d %H:%M}Z"
            yield Finding(
                "certificate", state, message, {"ends": ends.isoformat()}, "renew it, and restart what has it loaded"
            )


def _of_files(config: Config) -> Iterator[tuple[str, datetime]]:
    security = config.kafka.security
    for name in ("ca_file", "certificate_file"):
        file = getattr(security, name)
        if file and security.protocol in ("SSL", "SASL_SSL"):
            with suppress(OSError, ValueError):  # said by the check of the configuration
                yield f"kafka.security.{name}, {file},", min(certificate_ends(Path(file).read_text()))


def _of_servers(config: Config) -> Iterator[tuple[str, datetime]]:
    """Of the brokers, the schema registry and stores over HTTPS."""
    from newsflow.kafka.settings import KafkaSettings
    from newsflow.secrets import resolve

    kafka = KafkaSettings.of(config.kafka)
    asked: dict[tuple[str, int], tuple[str, ssl.SSLContext]] = {}
    with suppress(NewsflowError):
        if kafka.uses_tls:
            context = kafka.to_client_kwargs()["ssl_context"]
            for server in kafka.bootstrap_servers.split(","):
                host, _, port = server.strip().rpartition(":")
                asked[host.strip("[]"), int(port)] = f"the broker {server}", context
    urls = [(f"store {name}", url) for name, url in config.stores]
    urls += [("the schema registry", config.kafka.registry.url)] if config.kafka.registry else []
    for what, named in urls:
        with suppress(ConfigError, ValueError):
            parts = urlsplit(resolve(named))
            if parts.scheme.endswith("https") and parts.hostname:
                asked[parts.hostname, parts.port or 443] = what, ssl.create_default_context()
    for (name, number), (shown, trusting) in asked.items():
        with suppress(OSError, ValueError):  # one that cannot be reached, or is not trusted, is another check's
            yield f"the certificate of {shown}", _shown_by(name, number, trusting)


def _shown_by(host: str, port: int, context: ssl.SSLContext) -> datetime:
    """When the certificate ends that a server shows. Raises `OSError`."""
    import socket

    with (
        socket.create_connection((host, port), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname=host) as tls,
    ):
        shown: Mapping[str, object] = tls.getpeercert() or {}
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), UTC)


def certificate_ends(pem: str) -> list[datetime]:
    """When each certificate of a PEM file ends. Raises `ValueError` for what is none."""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    blocks = [block.partition(end)[0] for block in pem.split(begin)[1:]]
    return [_ends(ssl.PEM_cert_to_DER_cert(f"{begin}{block}{end}\n")) for block in blocks]


def _ends(der: bytes) -> datetime:
    """`notAfter` of a certificate (RFC 5280, 4.1): the second time of the fifth member, behind an optional version."""
    try:
        certificate = _members(der)[0][1]
        signed = [each for each in _members(_members(certificate)[0][1]) if each[0] != 0xA0]
        kind, text = _members(signed[3][1])[1]
        year = "" if kind == 0x18 else ("19" if text >= b"5" else "20")
        return datetime.strptime(year + text.decode("ascii"), "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
    except (IndexError, UnicodeDecodeError) as error:
        raise ValueError("not a certificate") from error


def _members(der: bytes) -> list[tuple[int, bytes]]:
    """Tag and content of each value that stands in `der`, one behind another."""
    found, at = [], 0
    while at < len(der):
        tag, size, at = der[at], der[at + 1], at + 2
        if size & 0x80:
            long = size & 0x7F
            size, at = int.from_bytes(der[at : at + long], "big"), at + long
        found.append((tag, der[at : at + size]))
        at += size
    return found
