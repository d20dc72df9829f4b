"""Settings: references resolved late, secrets never shown, files checked before a client is made."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from newsflow.config.settings import Security
from newsflow.errors import ConfigError
from newsflow.kafka.settings import KafkaSettings, MaskedStr, describe
from newsflow.shown import MASK

SASL = Security(protocol="SASL_PLAINTEXT", sasl_mechanism="PLAIN", username="ann", password="env:TEST_PASSWORD")


def test_plain_settings_name_the_servers_and_hold_no_secrets() -> None:
    arguments = KafkaSettings("a:1,b:2", "me").to_client_kwargs()
    assert arguments["bootstrap_servers"] == ["a:1", "b:2"]
    assert arguments["client_id"] == "me"
    assert arguments["security_protocol"] == "PLAINTEXT"
    assert not any(name.startswith(("sasl", "ssl")) for name in arguments)


def test_the_password_is_read_when_a_client_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = KafkaSettings(security=SASL)
    with pytest.raises(ConfigError, match=r"kafka\.security\.password: .*no variable TEST_PASSWORD"):
        settings.to_client_kwargs()
    monkeypatch.setenv("TEST_PASSWORD", "s3cret")
    assert settings.to_client_kwargs()["sasl_plain_password"] == "s3cret"


def test_the_password_is_never_shown(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("TEST_PASSWORD", "s3cret")
    settings = KafkaSettings(security=SASL)
    arguments = settings.to_client_kwargs()
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("anyone").debug("Starting with %s", arguments)
    shown = caplog.text + repr(arguments) + repr(settings) + str(settings)
    assert "s3cret" not in shown
    assert "env:TEST_PASSWORD" in repr(settings)
    assert MASK in caplog.text


def test_a_literal_password_is_refused_and_not_repeated() -> None:
    settings = KafkaSettings(security=replace(SASL, password="hunter2"))
    with pytest.raises(
        ConfigError, match=r"kafka\.security\.password: is not a reference; accepted: env:NAME"
    ) as raised:
        settings.to_client_kwargs()
    assert "hunter2" not in str(raised.value) + repr(settings) + describe(settings.security)


def test_an_empty_secret_is_refused(tmp_path: Path) -> None:
    empty = tmp_path / "password"
    empty.write_text("\n")
    with pytest.raises(ConfigError, match="is empty"):
        KafkaSettings(security=replace(SASL, password=f"file:{empty}")).to_client_kwargs()


def test_masked_text_is_itself_but_for_its_repr() -> None:
    text = MaskedStr("pa\u00dfwort")
    assert (str(text), text.encode(), f"{text}") == ("paßwort", "paßwort".encode(), "paßwort")
    assert "wort" not in repr({"password": text})


@pytest.mark.parametrize("name", ["ca_file", "certificate_file"])
def test_a_missing_tls_file_is_named_with_its_setting(tmp_path: Path, name: str) -> None:
    file = str(tmp_path / "none.pem")
    security = Security("SSL", ca_file=file) if name == "ca_file" else Security("SSL", certificate_file=file)
    with pytest.raises(ConfigError, match=rf"kafka\.security\.{name}: .*none\.pem cannot be read"):
        KafkaSettings(security=security).to_client_kwargs()


def test_a_file_that_is_no_pem_is_named(tmp_path: Path) -> None:
    store = tmp_path / "ca.jks"
    store.write_bytes(b"\xfe\xed\xfe\xed")
    with pytest.raises(ConfigError, match=r"ca\.jks is not a PEM file"):
        KafkaSettings(security=Security(protocol="SSL", ca_file=str(store))).to_client_kwargs()


def test_a_broken_certificate_names_what_would_be_accepted(tmp_path: Path) -> None:
    broken = tmp_path / "me.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
    with pytest.raises(ConfigError, match=r"certificate_file: .*me\.pem .*accepted: PEM files"):
        KafkaSettings(security=Security(protocol="SSL", certificate_file=str(broken))).to_client_kwargs()


def test_tls_checks_certificates_unless_told_otherwise() -> None:
    import ssl

    strict = KafkaSettings(security=Security(protocol="SSL")).to_client_kwargs()["ssl_context"]
    lax = KafkaSettings(security=Security(protocol="SSL", check_hostname=False)).to_client_kwargs()["ssl_context"]
    assert (strict.check_hostname, strict.verify_mode) == (True, ssl.CERT_REQUIRED)
    # Another name is let through, an untrusted authority never.
    assert (lax.check_hostname, lax.verify_mode) == (False, ssl.CERT_REQUIRED)
    assert strict.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_equal_settings_are_one_cache_key() -> None:
    assert len({KafkaSettings(security=SASL), KafkaSettings(security=replace(SASL))}) == 1
