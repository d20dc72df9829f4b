"""The local receiver: what it keeps, what it turns away."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from newsflow.alerts.senders.base import DeliveryResult
from newsflow.alerts.senders.webhook import Webhook, key_of, sign, verify
from newsflow.model import PendingAlert
from newsflow.tools.receiver import Receiver, read_received
from tests.alerts.http_double import client

ALERT = PendingAlert("c0ffee", "desk", '{"title":"مرفأ"}'.encode())


def test_signed_alerts_are_kept_and_repeats_marked(tmp_path: Path) -> None:
    path = tmp_path / "new" / "received.jsonl"
    with Receiver(path, ("s3cret",)) as receiver:
        hook = Webhook("webhook", receiver.url, ("s3cret",), http=client())
        assert [hook.send(ALERT).result for _ in range(2)] == [DeliveryResult.SENT, DeliveryResult.SENT]
    assert [(entry["id"], entry["repeat"], entry["alert"]) for entry in read_received(path)] == [
        ("c0ffee", False, {"title": "مرفأ"}),
        ("c0ffee", True, {"title": "مرفأ"}),
    ]
    with Receiver(path) as receiver:
        assert Webhook("w", receiver.url, http=client()).send(ALERT).result is DeliveryResult.SENT
    assert [entry["repeat"] for entry in read_received(path)] == [False, True, True]


@pytest.mark.parametrize("secrets", [(), ("other",)])
def test_a_wrong_or_missing_signature_is_turned_away(tmp_path: Path, secrets: tuple[str, ...]) -> None:
    with Receiver(tmp_path / "r.jsonl", ("s3cret",)) as receiver:
        attempt = Webhook("w", receiver.url, secrets, http=client()).send(ALERT)
    assert attempt.message.startswith("HTTP 401: webhook-")
    assert read_received(tmp_path / "r.jsonl") == []


def test_a_body_that_is_no_json_is_refused(tmp_path: Path) -> None:
    with Receiver(tmp_path / "r.jsonl") as receiver:
        attempt = Webhook("w", receiver.url, http=client()).send(PendingAlert("a", "d", b"{"))
    assert attempt.result is DeliveryResult.REFUSED
    assert "not JSON" in attempt.message


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"POST / HTTP/1.1\r\nHost: x\r\n\r\n", b"411"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", b"411"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999\r\n\r\n", b"413"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"501"),
    ],
)
def test_odd_requests_get_an_answer(tmp_path: Path, head: bytes, status: bytes) -> None:
    with Receiver(tmp_path / "r.jsonl") as receiver:
        host, port = receiver.url.split("/")[2].split(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(head)
            assert status in connection.makefile("rb").readline()


def test_a_line_that_a_kill_cut_off_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes(b'{"id":"a"}\n{"id":"b')
    assert read_received(path) == [{"id": "a"}]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"webhook-id": ""}, "are required"),
        ({"webhook-timestamp": "1.5"}, "whole seconds"),
        ({"webhook-timestamp": "699"}, "away from the clock"),
        ({"webhook-timestamp": "1000"}, "does not match"),
        ({"webhook-signature": "v1,AAAA v2,x"}, "does not match"),
        ({"webhook-signature": "v1,é"}, "does not match"),
    ],
)
def test_signatures_say_what_is_wrong(change: dict[str, str], words: str) -> None:
    headers = {"webhook-id": "a", "webhook-timestamp": "1001", "webhook-signature": sign("a", 1001, b"body", ["s"])}
    assert verify(headers, b"body", ["s"], 1000) == "a"
    with pytest.raises(ValueError, match=words):
        verify({**headers, **change}, b"body", ["s"], 1000)


def test_a_signature_covers_the_body() -> None:
    headers = {"webhook-id": "a", "webhook-timestamp": "1001", "webhook-signature": sign("a", 1001, b"body", ["s"])}
    with pytest.raises(ValueError, match="does not match"):
        verify(headers, b"bodY", ["s"], 1000)


def test_the_published_example_of_standard_webhooks() -> None:
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body, [secret]) == expected


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_***"])
def test_unusable_secrets(secret: str) -> None:
    with pytest.raises(ValueError, match="secret"):
        key_of(secret)
