"""How to reach a Kafka cluster, as one frozen value. Secrets in it are references, resolved when a client is made."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from newsflow.config.settings import Kafka, SchemaRegistry, Security
from newsflow.errors import ConfigError, in_words
from newsflow.secrets import is_reference, resolve
from newsflow.shown import MASK

MAX_RECORD_BYTES = 32 << 20
"""The largest batch, as the broker stores it, that a consumer must be able to take in one piece."""

EXPAND_BYTES = 128 << 20
"""How far one compressed batch is expanded, unless `limits.expand_bytes` says otherwise."""

_AT = "kafka.security"


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """A cluster, who asks, and the limits of asking.

    `connect_timeout_s` bounds the first contact, `request_timeout_s` one request, `delivery_timeout_s` the time
    from sending a record until it is stored or has failed.
    """

    bootstrap_servers: str = "127.0.0.1:19092"
    """HOST:PORT, several with commas between."""
    client_id: str = "newsflow"
    security: Security = field(default_factory=Security)
    connect_timeout_s: float = 10.0
    request_timeout_s: float = 30.0
    delivery_timeout_s: float = 120.0
    compression: str = "gzip"
    """Of the batches that are written; `none` for none."""
    expand_bytes: int = EXPAND_BYTES
    registry: SchemaRegistry | None = None

    @classmethod
    def of(cls, kafka: Kafka) -> KafkaSettings:
        servers, client = kafka.bootstrap_servers, kafka.client_id
        return cls(servers, client, kafka.security, compression=kafka.compression, registry=kafka.registry)

    @property
    def place(self) -> str:
        """The cluster's name where it is told that it is unavailable."""
        return f"the broker {self.bootstrap_servers}"

    @property
    def uses_tls(self) -> bool:
        return self.security.protocol in ("SSL", "SASL_SSL")

    @property
    def uses_sasl(self) -> bool:
        return self.security.protocol.startswith("SASL_")

    def to_client_kwargs(self) -> dict[str, Any]:
        """The arguments that consumers, producers and admin clients share. Reads secrets and TLS files.

        Raises `ConfigError` when a secret or a file is missing or cannot be used. The password in it is a
        `str` that prints masked, since kafka-python logs its arguments.
        """
        arguments: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap_servers.split(","),
            "client_id": self.client_id,
            "security_protocol": self.security.protocol,
            "bootstrap_timeout_ms": round(self.connect_timeout_s * 1000),
            "request_timeout_ms": round(self.request_timeout_s * 1000),
        }
        if self.uses_tls:
            arguments["ssl_context"] = _tls(self.security)
        if self.uses_sasl:
            arguments |= _sasl(self.security)
        return arguments

    def __repr__(self) -> str:
        return f"KafkaSettings({self.bootstrap_servers!r}, client_id={self.client_id!r}, {describe(self.security)})"


def describe(security: Security) -> str:
    """Return how the connection is secured, without any secret: for errors, logs and `config show`."""
    parts = [security.protocol]
    if security.sasl_mechanism:
        parts.append(f"{security.sasl_mechanism} as {security.username!r}, password {_shown(security.password)}")
    if security.certificate_file:
        parts.append(f"client certificate {security.certificate_file}")
    return ", ".join(parts)


class MaskedStr(str):
    """Text that is used as it is and prints as asterisks wherever `repr` shows it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(MASK)


def _shown(reference: str | None) -> str:
    return reference if reference and is_reference(reference) else MASK


def _secret(reference: str | None, name: str) -> MaskedStr:
    if not reference or not is_reference(reference):
        # The value is not repeated: it may be a password someone wrote down.
        raise ConfigError("is not a reference; accepted: env:NAME or file:PATH", path=f"{_AT}.{name}")
    try:
        value = resolve(reference)
    except ConfigError as error:
        raise ConfigError(error.message, path=f"{_AT}.{name}") from error
    if not value:
        raise ConfigError(f"{reference} is empty", path=f"{_AT}.{name}")
    return MaskedStr(value)


def _sasl(security: Security) -> dict[str, Any]:
    if not security.sasl_mechanism or not security.username:
        raise ConfigError(f"{security.protocol} needs sasl_mechanism, username and password", path=_AT)
    return {
        "sasl_mechanism": security.sasl_mechanism,
        "sasl_plain_username": security.username,
        "sasl_plain_password": _secret(security.password, "password"),
    }


def _tls(security: Security) -> ssl.SSLContext:
    """A context that trusts `ca_file`, or the system's authorities; made here so that errors name the setting."""
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=_existing(security.ca_file, "ca_file"))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = security.check_hostname
    certificate = _existing(security.certificate_file, "certificate_file")
    if certificate:
        _load_certificate(context, certificate, security)
    return context


def _load_certificate(context: ssl.SSLContext, certificate: str, security: Security) -> None:
    # An empty password: with None, OpenSSL would stop and ask for one at the terminal.
    password = str(_secret(security.key_password, "key_password")) if security.key_password else ""
    try:
        context.load_cert_chain(certificate, _existing(security.key_file, "key_file"), password)
    except (ssl.SSLError, OSError) as error:
        raise ConfigError(
            f"{certificate} with its key cannot be used ({in_words(error)}); "
            "accepted: PEM files of one certificate and its key, and the key's passphrase in key_password",
            path=f"{_AT}.certificate_file",
        ) from error


def _existing(file: str | None, name: str) -> str | None:
    if file is None:
        return None
    try:
        text = Path(file).read_bytes()
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}", path=f"{_AT}.{name}") from error
    if b"-----BEGIN" not in text:
        raise ConfigError(f"{file} is not a PEM file", path=f"{_AT}.{name}")
    return file
