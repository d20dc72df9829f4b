"""Alerts as e-mail: plain text and HTML, one thread a story, over TLS.

`url`: `smtp://user@host:587` (STARTTLS is demanded), `smtps://user@host:465`, or `smtp://relay:25?tls=none` for a relay
without TLS. `secret`: the password. `mail_from` and `mail_to` are needed.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

from newsflow.alerts.render import members_of, plain, rich, subject, thread_key
from newsflow.alerts.senders.base import MALFORMED, SENT, Attempt, refused, retry
from newsflow.config.settings import Destination
from newsflow.errors import in_words
from newsflow.model import PendingAlert

Tls = Literal["starttls", "implicit", "none"]
_DOMAIN = "newsflow.invalid"
"""Of Message-IDs: a reserved name, which nobody can own."""


@dataclass(frozen=True)
class SmtpServer:
    """Where mail is handed in. `starttls` is demanded, not tried: without it nothing is sent."""

    host: str
    port: int
    tls: Tls = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)
    timeout_s: float = 20.0
    context: ssl.SSLContext | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Mail:
    """A destination that is one or more mailboxes."""

    name: str
    server: SmtpServer
    sender: str
    to: tuple[str, ...]

    def send(self, alert: PendingAlert) -> Attempt:
        """Hand one mail in. The same alert again has the same Message-ID, by which mailboxes drop repeats."""
        try:
            message = compose(members_of(alert.value), self.sender, self.to)
        except MALFORMED as error:
            return refused(f"the alert cannot be put into a mail: {error}")
        try:
            with _connected(self.server) as smtp:
                lost = smtp.send_message(message, self.sender, list(self.to))
        except smtplib.SMTPRecipientsRefused as error:
            # No mailbox took it; one that may take it later is worth another try.
            return _judge(*min(error.recipients.values()))
        except (smtplib.SMTPDataError, smtplib.SMTPSenderRefused) as error:
            return _judge(error.smtp_code, error.smtp_error)
        except (OSError, smtplib.SMTPException) as error:
            return retry(f"{self.server.host} port {self.server.port}: {in_words(error) or type(error).__name__}")
        return SENT if not lost else Attempt(SENT.result, f"not delivered to {', '.join(sorted(lost))}")


def make(name: str, destination: Destination, url: str, secret: str | None) -> Mail:
    boxes = tuple(box.strip() for box in (destination.mail_to or "").split(",") if box.strip())
    if not destination.mail_from or not boxes:
        raise ValueError("a destination of type mail needs mail_from and mail_to")
    for box in (destination.mail_from, *boxes):
        if "@" not in parseaddr(box)[1]:
            raise ValueError(f"{box!r} is not a mailbox; accepted: name@example.org")
    return Mail(name, read_server(url, secret or "", destination.timeout_s), destination.mail_from, boxes)


def compose(alert: Mapping[str, Any], sender: str, to: tuple[str, ...]) -> EmailMessage:
    """Return the mail of an alert; the same alert gives the same mail. Raises `ValueError` for bad addresses."""
    message = EmailMessage()
    replies = alert["step"] in ("update", "withdrawn")
    message["Subject"] = ("Re: " if replies else "") + subject(alert)
    message["From"], message["To"] = sender, ", ".join(to)
    message["Date"] = format_datetime(datetime.fromisoformat(alert["at"]))
    message["Message-ID"] = f"<{alert['id']}@{_DOMAIN}>"
    thread = f"<story.{thread_key(alert, digest_size=12)}@{_DOMAIN}>"
    message["References"] = thread
    if replies:
        message["In-Reply-To"] = thread
    message["Auto-Submitted"] = "auto-generated"
    message["X-Newsflow-Subscription"] = alert["subscription"]
    message.set_content(plain(alert))
    message.add_alternative(rich(alert), subtype="html")
    return message


def read_server(url: str, password: str = "", timeout_s: float = 20.0) -> SmtpServer:
    """Return the server of `smtp://user@host:587` (STARTTLS) or `smtps://user@host:465` (TLS from the start).

    `smtp://host:25?tls=none` sends in the clear. Raises `ValueError` for anything else.
    """
    parts = urlsplit(url)
    tls: Tls = "implicit" if parts.scheme == "smtps" else "starttls"
    options = parse_qs(parts.query)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ValueError("accepted: smtp://user@host:587 or smtps://user@host:465")
    if parts.password is not None:
        raise ValueError("the password is in the URL; put a reference to it into `secret`")
    if options not in ({}, {"tls": ["none"]}) or (options and tls == "implicit"):
        raise ValueError("the only option is ?tls=none, of smtp://")
    if options:
        tls = "none"
    if password and tls == "none":
        raise ValueError("a password is not sent in the clear; leave out ?tls=none")
    port = parts.port or {"implicit": 465, "starttls": 587, "none": 25}[tls]
    return SmtpServer(parts.hostname, port, tls, unquote(parts.username or ""), password, timeout_s)


def _connected(server: SmtpServer) -> smtplib.SMTP:
    context = server.context or ssl.create_default_context()
    if server.tls == "implicit":
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=server.timeout_s, context=context)
    else:
        smtp = smtplib.SMTP(server.host, server.port, timeout=server.timeout_s)
    try:
        if server.tls == "starttls":
            smtp.starttls(context=context)
        if server.user:
            smtp.login(server.user, server.password)
    except BaseException:
        smtp.close()
        raise
    return smtp


def _judge(code: int, reply: bytes | str) -> Attempt:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    message = f"SMTP {code}: {' '.join(text.split())[:300]}"
    return refused(message) if 500 <= code < 600 else retry(message)
