"""A destination that hangs, drips or babbles costs itself its time and nobody else anything."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler

import pytest

from newsflow.alerts.delivery import AlertDelivery, Drainer
from newsflow.alerts.senders.base import SENT, Attempt, DeliveryResult, client_for, retry_after_s
from newsflow.alerts.senders.chat import Chat
from newsflow.alerts.senders.mail import Mail, SmtpServer, Tls
from newsflow.alerts.senders.registry import make_senders
from newsflow.alerts.senders.webhook import Webhook
from newsflow.config.settings import Destination
from newsflow.http.client import HttpClient, HttpLimits
from newsflow.http.deadline import OneAtATime, within
from newsflow.model import PendingAlert
from tests.alerts.alert_samples import pending
from tests.alerts.http_double import LOOPBACK, answer, client, serving
from tests.alerts.test_drainer import Double, MemoryOutbox
from tests.attacks.partners import Behaviour, dripping, partner, silent

TIME_S, SLACK_S = 0.5, 1.5


@contextmanager
def in_time(seconds: float = TIME_S) -> Iterator[None]:
    began_s = time.monotonic()
    yield
    assert time.monotonic() - began_s < seconds + SLACK_S


def _webhook(url: str, http: HttpClient) -> Webhook:
    return Webhook("hook", url, http=http)


# The time-out of a webhook is what it says, for the whole exchange.


def test_a_receiver_that_answers_late_but_in_time_has_the_alert() -> None:
    """However little of the time connecting may take."""

    def late(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(0.8)
        answer(204)(handler)

    with serving(late) as script:
        http = HttpClient(HttpLimits(connect_s=0.2, total_s=10), LOOPBACK)
        assert _webhook(script.url, http).send(pending()).result is DeliveryResult.SENT
    assert len(script.requests) == 1


@pytest.mark.attacks
def test_a_receiver_that_takes_seven_seconds_has_the_alert_once() -> None:
    def late(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(7)
        answer(204)(handler)

    with serving(late) as script:
        destination = Destination("webhook", script.url, allow_private=True, timeout_s=10)
        assert _webhook(script.url, client_for(destination)).send(pending()).result is DeliveryResult.SENT
    assert len(script.requests) == 1


HANDSHAKE = b"\x16\x03\x03\x40\x00\x02"
"""The beginning of a TLS record of 16 KiB, which then never ends."""


@pytest.mark.parametrize(
    "behave",
    [silent, dripping(b"\x00", HANDSHAKE), dripping(b"X", b"HTTP/1.1 200 OK\r\nX: ")],
    ids=["silent", "tls", "head"],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_webhook_takes_longer_than_its_time(scheme: str, behave: Behaviour) -> None:
    with partner(behave) as hangs, in_time():
        attempt = _webhook(f"{scheme}://127.0.0.1:{hangs.port}/", client(total_s=TIME_S)).send(pending())
    assert attempt.result is DeliveryResult.RETRY


def test_a_name_that_nobody_resolves_is_not_waited_for() -> None:
    released = threading.Event()

    def resolve(_: str, __: int) -> list[str]:
        released.wait(60)
        return []

    with in_time():
        attempt = _webhook("http://slow.example/", client(total_s=TIME_S, resolve=resolve)).send(pending())
    released.set()
    assert "cannot be resolved: it took longer than 0.5 s" in attempt.message


def test_redirects_share_the_time() -> None:
    def slow(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(0.3)
        answer(307, Location="/again")(handler)

    with serving(slow) as script, in_time():
        attempt = _webhook(script.url, client(total_s=TIME_S)).send(pending())
    assert "longer than 0.5 s" in attempt.message
    assert len(script.requests) == 2


def test_addresses_share_the_time() -> None:
    """The first one takes the connection and never speaks TLS; the second one is there to be tried."""
    with partner(silent) as hangs, in_time():
        http = client(total_s=TIME_S, resolve=lambda *_: ["127.0.0.1", "127.0.0.2"])
        attempt = _webhook(f"https://two.example:{hangs.port}/", http).send(pending())
    assert "127.0.0.1: " in attempt.message
    assert "127.0.0.2: " in attempt.message


# Answers that break the parser.


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("http://[::1", "redirects to 'http://[::1', which is not a URL"),
        ("http://[::1]extra]/", "is not a URL"),
        ("http://a\tb\x0b/", "is not"),
        ("http://" + "a." * 400 + "example/", "cannot be resolved"),
        ("http://xn--" + "z" * 80 + ".example/", "cannot be resolved"),
    ],
)
def test_a_redirect_to_nonsense_is_a_failure_with_a_clear_word(location: str, words: str) -> None:
    with serving(answer(307, Location=location)) as script:
        attempt = _webhook(script.url, client()).send(pending())
    assert attempt.result is DeliveryResult.RETRY
    assert words in attempt.message
    assert "Error" not in attempt.message


@pytest.mark.parametrize(
    "value",
    [
        "Fri, 31 Dec 9999 23:59:59 -2359",
        "Mon, 01 Jan 0001 00:00:00 +2359",
        "Fri, 99 Foo 99999 99:99:99 +99999999",
        "Sat, 01 Jan 2000 00:00:00 +99999999999999999999",
        "9" * 400,
        "-1",
        "1e400",
        "²",
        "\x00",
        "",
    ],
)
def test_a_pause_beyond_the_calendar_is_none_or_an_hour(value: str) -> None:
    assert retry_after_s(value, 1_700_000_000.0) in (None, 0, 3600)
    with serving(answer(503, Retry_After=value.replace("\x00", " ").encode().decode("latin-1"))) as script:
        attempt = _webhook(script.url, client()).send(pending())
    assert attempt.message == "HTTP 503"


# Mail.


HELLO, TAKEN = b"220 hello\r\n", b"250 x\r\n"


@pytest.mark.parametrize(
    ("tls", "behave"),
    [
        ("none", silent),
        ("implicit", silent),
        ("starttls", dripping(b"220-more\r\n")),
        ("none", dripping(b"2")),
        ("starttls", dripping(b"250-more\r\n", HELLO, b"250-first\r\n")),
        ("starttls", dripping(b"\x00", HELLO, b"250-x\r\n250 STARTTLS\r\n", b"220 go\r\n", HANDSHAKE)),
        ("implicit", dripping(b"\x00", HANDSHAKE)),
        ("none", dripping(b"-", HELLO, TAKEN, TAKEN, TAKEN, b"354 x\r\n", b"250")),
    ],
    ids=["silent", "silent at TLS", "greeting", "one byte", "ehlo", "starttls", "tls", "data"],
)
def test_no_mail_takes_longer_than_its_time(tls: Tls, behave: Behaviour) -> None:
    with partner(behave) as hangs, in_time():
        server = SmtpServer("127.0.0.1", hangs.port, tls, timeout_s=TIME_S)
        attempt = Mail("post", server, "news@example.org", ("desk@example.org",)).send(pending())
    assert attempt.result is DeliveryResult.RETRY
    assert "it took longer than 0.5 s" in attempt.message


def test_a_server_that_took_the_mail_and_hangs_at_the_farewell_has_it() -> None:
    said = (b"220 x\r\n", b"250 x\r\n", b"250 x\r\n", b"250 x\r\n", b"354 x\r\n", b"250 taken\r\n", b"")
    with partner(dripping(b"2", *said)) as hangs, in_time():
        server = SmtpServer("127.0.0.1", hangs.port, "none", timeout_s=TIME_S)
        assert Mail("post", server, "news@example.org", ("desk@example.org",)).send(pending()) == SENT


# What cannot be cut off is no longer waited for.


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_a_chat_that_drips_is_not_waited_for() -> None:
    pytest.importorskip("apprise")
    with partner(dripping(b"X", b"HTTP/1.1 200 OK\r\nX: ")) as hangs:
        chat = Chat("talk", f"json://127.0.0.1:{hangs.port}/", TIME_S)
        with in_time():
            assert "it took longer than 0.5 s" in chat.send(pending()).message
        with in_time(0):
            assert "has not ended yet" in chat.send(pending()).message
        assert hangs.connections == 1


def test_a_broker_that_says_nothing_is_not_waited_for() -> None:
    with partner(silent) as hangs:
        url = f"kafka://127.0.0.1:{hangs.port}/news.alert.v1"
        (sender,) = make_senders([("topic", Destination("kafka", url, timeout_s=TIME_S))])
        with in_time():
            assert sender.send(pending()).result is DeliveryResult.RETRY


def test_work_that_ends_in_time_gives_what_it_gives() -> None:
    def fails() -> None:
        raise TimeoutError("its own")

    turn = OneAtATime()
    assert [turn.within(5, lambda: 1), within(5, lambda: 2)] == [1, 2]
    with pytest.raises(TimeoutError, match="its own"):
        turn.within(5, fails)


# One that hangs holds no other, nor the planner, nor the end.


def test_a_slow_destination_holds_no_other_and_no_tick_and_no_end(caplog: pytest.LogCaptureFixture) -> None:
    released, ticks, served = threading.Event(), list[datetime](), threading.Event()

    def hang(_: PendingAlert) -> Attempt:
        released.wait(60)
        return SENT

    def quick(_: PendingAlert) -> Attempt:
        served.set()
        return SENT

    outbox = MemoryOutbox(lambda: datetime.now(UTC))
    outbox.add("a-1")
    outbox.add("a-1", destination="mail")
    delivery = AlertDelivery(lambda: outbox, [], last_drain_s=0.3, tick=ticks.append)
    delivery.drainers = [Drainer(Double(hang)), Drainer(Double(quick, name="mail"))]
    with in_time(4), delivery:
        assert served.wait(5), "the other destination was never served"
        outbox.add("a-2", destination="mail")
        while len(ticks) < 2 or "a-2" in outbox.ids():
            time.sleep(0.02)
    assert "alerts to hook hangs and is not waited for" in caplog.text
    assert delivery.total.sent == 2
    released.set()
