"""Mail through a real SMTP server that wants TLS and a password, refuses, or is not there."""

from __future__ import annotations

import email
import email.policy
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

import pytest

from newsflow.alerts.render import direction, members_of, plain, rich, subject
from newsflow.alerts.senders.base import DeliveryResult
from newsflow.alerts.senders.mail import Mail, SmtpServer, Tls, compose, read_server
from newsflow.alerts.values import AlertStep
from newsflow.model import PendingAlert
from newsflow.processes import free_port
from tests.alerts.alert_samples import HARBOUR, alert, pending

controller = pytest.importorskip("aiosmtpd.controller")
smtp = pytest.importorskip("aiosmtpd.smtp")
trustme = pytest.importorskip("trustme")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:aiosmtpd", "ignore:Requiring AUTH:UserWarning")


@dataclass
class Mailbox:
    """What the server does with a mail, and what it took."""

    rcpt: dict[str, str] = field(default_factory=dict)
    data: str = "250 OK"
    taken: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    port: int = 0

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        answer = self.rcpt.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.data.startswith("250"):
            message = email.message_from_bytes(envelope.content, policy=email.policy.default)
            assert isinstance(message, EmailMessage)
            self.taken.append(message)
            self.envelopes.append((envelope.mail_from, envelope.rcpt_tos))
        return self.data


AUTHORITY = trustme.CA()
CERTIFICATE = AUTHORITY.issue_cert("localhost", "127.0.0.1")


def _contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CERTIFICATE.configure_cert(server)
    client = ssl.create_default_context()
    AUTHORITY.configure_trust(client)
    return server, client


@contextmanager
def serving(tls: Tls, box: Mailbox, password: str = "") -> Iterator[SmtpServer]:
    server_context, client_context = _contexts()

    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> Any:
        return smtp.AuthResult(success=(data.login, data.password) == (b"me", password.encode()))

    options: dict[str, Any] = {}
    if tls == "starttls":
        options = {"tls_context": server_context, "require_starttls": True}
    if password:
        options |= {"authenticator": authenticate, "auth_required": True, "auth_require_tls": tls == "starttls"}
    port = free_port()
    running = controller.Controller(
        box, hostname="127.0.0.1", port=port, ssl_context=server_context if tls == "implicit" else None, **options
    )
    # Its own knock speaks TLS with the server's context, which a client cannot.
    running._trigger_server = lambda: socket.create_connection(("127.0.0.1", port)).close()
    running.start()
    host = "127.0.0.1" if tls == "none" else "localhost"
    user = "me" if password else ""
    try:
        yield SmtpServer(host, port, tls, user, password, 5.0, client_context)
    finally:
        running.stop()


def _mail(server: SmtpServer, *to: str) -> Mail:
    return Mail("post", server, "news@example.org", to or ("desk@example.org",))


@pytest.mark.parametrize("tls", ["starttls", "implicit", "none"])
def test_a_mail_arrives_whole(tls: Tls) -> None:
    box = Mailbox()
    with serving(tls, box) as server:
        assert (
            _mail(server, "desk@example.org", "Chef <chef@example.org>").send(pending()).result is DeliveryResult.SENT
        )
    (message,) = box.taken
    assert box.envelopes == [("news@example.org", ["desk@example.org", "chef@example.org"])]
    assert message["Subject"] == "[desk] New: " + HARBOUR.title
    assert message["Message-ID"] == f"<{alert().id}@newsflow.invalid>"
    text = message.get_body(("plain",))
    page = message.get_body(("html",))
    assert text is not None
    assert page is not None
    assert "Наводнение <в> долине" in text.get_content()
    assert '<div dir="rtl" lang="ar">' in page.get_content()
    assert "Наводнение &lt;в&gt; долине" in page.get_content()


def test_a_password_is_asked_for() -> None:
    box = Mailbox()
    with serving("starttls", box, "geheim") as server:
        assert _mail(server).send(pending()).result is DeliveryResult.SENT
        wrong = SmtpServer(server.host, server.port, "starttls", "me", "falsch", 5.0, server.context)
        attempt = _mail(wrong).send(pending())
    assert attempt.result is DeliveryResult.RETRY
    assert "falsch" not in attempt.message + repr(wrong)
    assert len(box.taken) == 1


def test_a_server_without_starttls_gets_nothing() -> None:
    box = Mailbox()
    with serving("none", box) as server:
        strict = SmtpServer(server.host, server.port, "starttls", timeout_s=5.0)
        assert _mail(strict).send(pending()).result is DeliveryResult.RETRY
    assert box.taken == []


def test_a_certificate_of_another_name_gets_nothing() -> None:
    box = Mailbox()
    with serving("implicit", box) as server:
        other = SmtpServer("127.0.0.2", server.port, "implicit", timeout_s=5.0, context=ssl.create_default_context())
        assert _mail(other).send(pending()).result is DeliveryResult.RETRY
    assert box.taken == []


@pytest.mark.parametrize(
    ("rcpt", "data", "fate"),
    [
        ({"desk@example.org": "550 no such user"}, "250 OK", DeliveryResult.REFUSED),
        ({"desk@example.org": "450 mailbox busy"}, "250 OK", DeliveryResult.RETRY),
        ({}, "451 try later", DeliveryResult.RETRY),
        ({}, "552 too much", DeliveryResult.REFUSED),
    ],
)
def test_what_an_answer_means(rcpt: dict[str, str], data: str, fate: DeliveryResult) -> None:
    with serving("none", Mailbox(rcpt, data)) as server:
        attempt = _mail(server).send(pending())
    assert attempt.result is fate
    assert attempt.message.startswith("SMTP ")


def test_one_mailbox_of_two_is_enough_and_the_other_is_named() -> None:
    with serving("none", Mailbox({"gone@example.org": "550 gone"})) as server:
        attempt = _mail(server, "desk@example.org", "gone@example.org").send(pending())
    assert (attempt.result, attempt.message) == (DeliveryResult.SENT, "not delivered to gone@example.org")


def test_nobody_there() -> None:
    with serving("none", Mailbox()) as server:
        pass
    assert _mail(server).send(pending()).result is DeliveryResult.RETRY


def test_what_is_no_alert_is_refused() -> None:
    server = SmtpServer("127.0.0.1", 1, "none")
    assert _mail(server).send(PendingAlert("a", "desk", b"{}")).result is DeliveryResult.REFUSED


def test_the_steps_of_a_story_are_one_thread_and_the_same_alert_the_same_mail() -> None:
    first, update = (
        compose(members_of(pending(step).value), "a@x.example", ("b@x.example",))
        for step in (AlertStep.FIRST, AlertStep.UPDATE)
    )
    assert first["References"] == update["References"] == update["In-Reply-To"]
    assert first["In-Reply-To"] is None
    assert update["Subject"].startswith("Re: [desk] Update: ")
    other = compose(members_of(pending(story="s2").value), "a@x.example", ("b@x.example",))
    assert other["References"] != first["References"]
    again = compose(members_of(pending().value), "a@x.example", ("b@x.example",))
    assert again["Date"] == first["Date"] == "Sun, 01 Mar 2026 12:00:00 +0000"


def test_a_title_cannot_become_a_header_or_a_script() -> None:
    from dataclasses import replace

    bad = replace(
        HARBOUR, title='x\r\nBcc: all@example.org\x1b[31m <script>"', url="javascript:alert(1)", language='"><b>'
    )
    members = members_of(pending(articles=(bad,)).value)
    message = compose(members, "a@x.example", ("b@x.example",))
    assert message["Bcc"] is None
    assert "\n" not in subject(members)
    page = rich(members)
    assert "<script>" not in page
    assert "href" not in page
    assert 'lang="&quot;&gt;&lt;b&gt;"' in page
    assert "\x1b" not in plain(members)


def test_a_sample_says_so_everywhere() -> None:
    members = members_of(pending(sample=True).value)
    assert subject(members).startswith("[sample] ")
    assert plain(members).startswith("This is a sample")
    assert "This is a sample" in rich(members)


def test_a_long_title_is_cut() -> None:
    from dataclasses import replace

    members = members_of(pending(articles=(replace(HARBOUR, title="слово " * 200),)).value)
    assert len(subject(members)) == 180


@pytest.mark.parametrize(
    ("language", "expected"), [("ar", "rtl"), ("ar-EG", "rtl"), ("he", "rtl"), ("ru", "ltr"), ("und", "auto")]
)
def test_directions(language: str, expected: str) -> None:
    assert direction(language) == expected


def test_servers_of_urls() -> None:
    assert read_server("smtp://me%40x@mail.example", "pw") == SmtpServer("mail.example", 587, "starttls", "me@x", "pw")
    assert read_server("smtp://relay.example:2525?tls=none").tls == "none"
