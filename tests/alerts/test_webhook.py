"""The webhook against real servers that fail, stall, redirect and answer late."""

from __future__ import annotations

import gzip
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler

import pytest

from newsflow.alerts.senders.base import DeliveryResult, retry_after_s
from newsflow.alerts.senders.webhook import MAX_BODY_BYTES, Webhook, verify
from newsflow.http.client import HttpClient
from newsflow.model import PendingAlert
from tests.alerts.http_double import Script, answer, client, drop, serving

ALERT = PendingAlert("c0ffee", "desk", '{"id":"c0ffee","title":"Порт"}'.encode(), ("webhook",))
NOW = 1_700_000_000.0


def _hook(url: str, http: HttpClient | None = None, **changes: object) -> Webhook:
    return Webhook("webhook", url, http=http or client(), clock_s=lambda: NOW, **changes)  # type: ignore[arg-type]


def test_the_alert_arrives_whole_signed_and_with_its_id() -> None:
    with serving(answer(204)) as script:
        hook = _hook(script.url + "?a=b", secrets=("whsec_bmV3", "old"), headers={"Authorization": "Bearer x"})
        assert hook.send(ALERT).result is DeliveryResult.SENT
    ((path, headers, body),) = script.requests
    assert (path, body) == ("/hook?a=b", ALERT.value)
    assert headers["idempotency-key"] == headers["webhook-id"] == "c0ffee"
    assert headers["content-type"] == "application/json"
    assert headers["authorization"] == "Bearer x"
    assert headers["host"] == script.url.split("/")[2]
    for secret in ("whsec_bmV3", "old"):
        assert verify(headers, body, [secret], NOW + 10) == "c0ffee"


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (200, DeliveryResult.SENT),
        (202, DeliveryResult.SENT),
        (400, DeliveryResult.REFUSED),
        (413, DeliveryResult.REFUSED),
        (422, DeliveryResult.REFUSED),
        (301, DeliveryResult.RETRY),
        (302, DeliveryResult.RETRY),
        (401, DeliveryResult.RETRY),
        (404, DeliveryResult.RETRY),
        (408, DeliveryResult.RETRY),
        (429, DeliveryResult.RETRY),
        (500, DeliveryResult.RETRY),
        (503, DeliveryResult.RETRY),
    ],
)
def test_what_a_status_means(status: int, result: DeliveryResult) -> None:
    with serving(answer(status, b"why\n not", Location="http://example.org/")) as script:
        attempt = _hook(script.url).send(ALERT)
    assert attempt.result is result
    assert len(script.requests) == 1
    if result is not DeliveryResult.SENT:
        assert attempt.message.startswith(f"HTTP {status}: why not")


def test_retry_after_is_kept_as_seconds_from_a_number_or_a_date() -> None:
    with serving(answer(503, Retry_After="17")) as script:
        assert _hook(script.url).send(ALERT).retry_after_s == 17
    assert retry_after_s(formatdate(NOW + 90, usegmt=True), NOW) == 90
    assert retry_after_s(formatdate(NOW - 90, usegmt=True), NOW) == 0
    assert retry_after_s("999999999999999999", NOW) == 3600
    assert retry_after_s("soon", NOW) is None
    assert retry_after_s("-5", NOW) is None
    assert retry_after_s(None, NOW) is None


def test_a_server_that_hangs_up_is_tried_again_later() -> None:
    with serving(drop) as script:
        attempt = _hook(script.url).send(ALERT)
    assert attempt.result is DeliveryResult.RETRY
    assert "did not answer" in attempt.message


def test_a_server_that_never_answers_is_given_up() -> None:
    def stall(_: BaseHTTPRequestHandler) -> None:
        held[0].released.wait(30)

    held: list[Script] = []
    with serving(stall) as script:
        held.append(script)
        attempt = _hook(script.url, client(total_s=0.3)).send(ALERT)
    assert attempt.result is DeliveryResult.RETRY
    assert "longer than 0.3 s" in attempt.message


@pytest.mark.parametrize("where", ["head", "body"])
def test_a_server_that_drips_is_given_up_though_each_byte_comes_in_time(where: str) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + (b"Content-Length: 100000\r\n\r\n" if where == "body" else b"X: "))
        while not held[0].released.wait(0.05):
            handler.wfile.write(b"x")

    held: list[Script] = []
    with serving(drip) as script:
        held.append(script)
        attempt = _hook(script.url, client(total_s=0.4)).send(ALERT)
    assert attempt.result is DeliveryResult.RETRY
    assert "longer than 0.4 s" in attempt.message


def test_an_answer_that_comes_late_but_in_time_counts() -> None:
    def late(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(0.2)
        answer(200)(handler)

    with serving(late) as script:
        assert _hook(script.url).send(ALERT).result is DeliveryResult.SENT


def test_no_more_of_an_answer_is_read_than_the_limit() -> None:
    with serving(answer(500, b"x" * 5_000_000)) as script:
        assert _hook(script.url).send(ALERT).message == "HTTP 500: " + "x" * 300
        assert client().post(script.url, b"", {}).body == b"x" * 1000


def test_a_compressed_answer_is_not_unfolded() -> None:
    with serving(answer(500, gzip.compress(b"x" * 5_000_000), Content_Encoding="gzip")) as script:
        assert client().post(script.url, b"", {}).body.startswith(b"\x1f\x8b")


@pytest.mark.parametrize("garbage", [b"\x00\xff not http\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"X" * 100_000])
def test_what_is_no_http_is_tried_again_later(garbage: bytes) -> None:
    def babble(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(garbage)

    with serving(babble) as script:
        attempt = _hook(script.url).send(ALERT)
    assert attempt.result is DeliveryResult.RETRY


def test_redirects_that_keep_the_method_are_followed_and_signed() -> None:
    with serving(answer(204)) as target, serving(answer(307, Location=target.url)) as script:
        assert _hook(script.url, secrets=("s",)).send(ALERT).result is DeliveryResult.SENT
    ((_, headers, body),) = target.requests
    assert verify(headers, body, ["s"], NOW) == "c0ffee"
    assert headers["host"] == target.url.split("/")[2]


def test_redirects_end() -> None:
    with serving(answer(308, Location="/again")) as script:
        attempt = _hook(script.url).send(ALERT)
    assert "more than 3 redirects" in attempt.message
    assert len(script.requests) == 4


def test_a_redirect_to_an_internal_address_is_not_followed() -> None:
    with serving(answer(307, Location="http://169.254.169.254/latest/meta-data")) as script:
        attempt = _hook(script.url).send(ALERT)
    assert attempt.result is DeliveryResult.RETRY
    assert "169.254.169.254 is an internal address" in attempt.message
    assert len(script.requests) == 1


def test_an_internal_address_is_refused_before_anything_is_sent() -> None:
    with serving(answer(204)) as script:
        attempt = _hook(script.url, HttpClient()).send(ALERT)
    assert "127.0.0.1 is an internal address" in attempt.message
    assert script.requests == []


def test_the_address_that_was_checked_is_the_one_that_is_connected_to() -> None:
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    with serving(answer(204)) as script:
        url = script.url.replace("127.0.0.1", "hooks.example")
        assert _hook(url, client(resolve=lambda host, port: next(answers))).send(ALERT).result is DeliveryResult.SENT
    assert script.requests[0][1]["host"].startswith("hooks.example:")


def test_nobody_there() -> None:
    with serving(answer(204)) as script:
        url = script.url
    attempt = _hook(url).send(ALERT)
    assert attempt.result is DeliveryResult.RETRY
    assert "cannot be reached" in attempt.message


def test_an_alert_too_large_for_a_webhook_is_refused_unsent() -> None:
    with serving(answer(204)) as script:
        attempt = _hook(script.url).send(PendingAlert("a", "desk", b"x" * (MAX_BODY_BYTES + 1)))
    assert attempt.result is DeliveryResult.REFUSED
    assert script.requests == []


@pytest.mark.parametrize(
    "url", ["ftp://example.org/", "http:///x", "nonsense", "http://u:p@example.org/", "http://[::1"]
)
def test_a_url_that_cannot_be_used_says_so(url: str) -> None:
    attempt = _hook(url).send(ALERT)
    assert attempt.result is DeliveryResult.RETRY
    assert "cannot be used" in attempt.message


def test_secrets_are_not_printed() -> None:
    assert "hush" not in repr(_hook("http://example.org/hush", secrets=("hush",), headers={"Authorization": "hush"}))
