"""TLS and SASL against a real broker that offers them, and what is said when they do not fit."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from newsflow.config.settings import Security
from newsflow.errors import KafkaError, MissingToolError
from newsflow.kafka.client import make_admin, make_consumer
from newsflow.kafka.producer import BatchWriter
from newsflow.kafka.settings import KafkaSettings
from newsflow.processes import free_port
from newsflow.tools.broker import LocalBroker
from newsflow.tools.node import Listener
from tests.broker_helpers import RunningBroker, last_records
from tests.conftest import LIBS
from tests.kafka.tls_helpers import Authority, Signed

pytestmark = [
    pytest.mark.e2e,
    # kafka-python leaves the socket of a failed handshake to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning"),
]

USER, PASSWORD = "ann", "s3cret, with = and \u00fc"
PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"


@dataclass(frozen=True)
class Secured:
    """A broker with one listener of each kind, and a client's certificate."""

    plain: RunningBroker
    tls_port: int
    mutual_port: int
    sasl_port: int
    sasl_tls_port: int
    authority: Authority
    client: Signed

    def settings(self, port: int, security: Security) -> KafkaSettings:
        return KafkaSettings(f"127.0.0.1:{port}", "secured-test", security, connect_timeout_s=3)


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("secured")
    authority = Authority(folder)
    server = authority.sign("server", host="127.0.0.1")
    ports = [free_port() for _ in range(4)]
    listeners = [
        Listener(name, protocol, port)
        for (name, protocol), port in zip(
            [("TLS", "SSL"), ("MUTUAL", "SSL"), ("SASL", "SASL_PLAINTEXT"), ("SASLTLS", "SASL_SSL")], ports, strict=True
        )
    ]
    properties = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(server.both),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(authority.file),
        "listener.name.mutual.ssl.client.auth": "required",
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
    }
    for name in ("sasl", "sasltls"):
        properties |= {
            f"listener.name.{name}.plain.sasl.jaas.config": f'{PLAIN} required user_{USER}="{PASSWORD}";',
            f"listener.name.{name}.scram-sha-256.sasl.jaas.config": f"{SCRAM} required;",
            f"listener.name.{name}.scram-sha-512.sasl.jaas.config": f"{SCRAM} required;",
        }
    local = LocalBroker(folder / "kafka", free_port(), libs=LIBS, listeners=listeners, properties=properties)
    try:
        local.up()
    except MissingToolError as error:
        pytest.skip(str(error))
    try:
        plain = RunningBroker(local.status().bootstrap_servers)
        add_scram_user(plain)
        client = authority.sign("client", password=b"key-passphrase")
        tls, mutual, sasl, sasl_tls = ports
        yield Secured(plain, tls, mutual, sasl, sasl_tls, authority, client)
    finally:
        local.kill()


def add_scram_user(plain: RunningBroker) -> None:
    from kafka.admin import UserScramCredentialUpsertion

    with closing(make_admin(plain.settings)) as admin:
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):  # the broker takes one change of a user at a time
            answer = admin.alter_user_scram_credentials([UserScramCredentialUpsertion(USER, mechanism, PASSWORD)])
            assert answer == {USER: None}


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """Have what failed handshakes left collected while the warning about it is ignored.

    The library is silenced, as the commands do: a captured record would keep the sockets through its traceback.
    """
    logger = logging.getLogger("kafka")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(level)
    gc.collect()


@pytest.fixture
def sasl(tmp_path: Path) -> Security:
    secret = tmp_path / "password"
    secret.write_text(PASSWORD + "\n", encoding="utf-8")
    return Security("SASL_PLAINTEXT", sasl_mechanism="PLAIN", username=USER, password=f"file:{secret}")


def round_trip(secured: Secured, settings: KafkaSettings) -> None:
    topic = secured.plain.create_topic()
    writer = BatchWriter(settings)
    writer.send(topic, b"k", b"v")
    assert writer.flush() == 1
    assert [event.value for event in last_records(settings, topic, 5)] == [b"v"]


def refusal(settings: KafkaSettings) -> str:
    with pytest.raises(KafkaError) as raised:
        make_consumer(settings).close()
    text = str(raised.value)
    assert settings.bootstrap_servers in text
    assert PASSWORD not in text
    return text


def test_tls(secured: Secured) -> None:
    security = Security("SSL", ca_file=str(secured.authority.file))
    round_trip(secured, secured.settings(secured.tls_port, security))


def test_tls_with_a_client_certificate(secured: Secured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", "key-passphrase")
    security = Security(
        "SSL",
        ca_file=str(secured.authority.file),
        certificate_file=str(secured.client.certificate),
        key_file=str(secured.client.key),
        key_password="env:TEST_KEY",
    )
    round_trip(secured, secured.settings(secured.mutual_port, security))


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("tls", [False, True])
def test_sasl(secured: Secured, sasl: Security, mechanism: str, tls: bool) -> None:
    security = replace(sasl, sasl_mechanism=mechanism)
    if tls:
        security = replace(security, protocol="SASL_SSL", ca_file=str(secured.authority.file))
    round_trip(secured, secured.settings(secured.sasl_tls_port if tls else secured.sasl_port, security))


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
def test_a_wrong_password_is_called_that(
    secured: Secured, sasl: Security, mechanism: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WRONG", "guess")
    security = replace(sasl, sasl_mechanism=mechanism, password="env:WRONG")
    text = refusal(secured.settings(secured.sasl_port, security))
    assert f"{mechanism} as 'ann', password env:WRONG" in text
    assert "the user name or password was refused" in text


def test_an_unknown_user_is_called_that(secured: Secured, sasl: Security) -> None:
    security = replace(sasl, sasl_mechanism="SCRAM-SHA-512", username="bob")
    assert "the user name or password was refused" in refusal(secured.settings(secured.sasl_port, security))


def test_an_authority_that_is_not_trusted(secured: Secured, tmp_path: Path) -> None:
    other = Authority(tmp_path, "another authority")
    for security in (Security("SSL"), Security("SSL", ca_file=str(other.file))):
        assert "not signed by a trusted authority" in refusal(secured.settings(secured.tls_port, security))


def test_a_certificate_of_another_host(secured: Secured) -> None:
    security = Security("SSL", ca_file=str(secured.authority.file))
    by_name = replace(secured.settings(secured.tls_port, security), bootstrap_servers=f"localhost:{secured.tls_port}")
    assert "bears another name" in refusal(by_name)
    # Told not to look at the name, it connects; the broker then advertises its own.
    lax = replace(by_name, security=replace(security, check_hostname=False))
    make_consumer(lax).close()


def test_a_missing_client_certificate(secured: Secured) -> None:
    security = Security("SSL", ca_file=str(secured.authority.file))
    assert "client certificate" in refusal(secured.settings(secured.mutual_port, security))


def test_tls_to_a_plain_listener(secured: Secured) -> None:
    port = int(secured.plain.bootstrap_servers.rpartition(":")[2])
    assert "does not speak TLS" in refusal(secured.settings(port, Security("SSL")))


def test_plain_to_a_tls_or_sasl_listener(secured: Secured) -> None:
    for port in (secured.tls_port, secured.sasl_port):
        assert "does the listener want TLS or SASL?" in refusal(secured.settings(port, Security()))


def test_sasl_to_a_plain_listener(secured: Secured, sasl: Security) -> None:
    port = int(secured.plain.bootstrap_servers.rpartition(":")[2])
    assert "asks for no SASL" in refusal(secured.settings(port, sasl))
