"""Alerts as e-mail: plain text and HTML, one thread a story, over TLS.

`url`: `smtp://user@host:587` (STARTTLS is demanded), `smtps://user@host:465`, or `smtp://relay:25?tls=none` for a relay
without TLS. `secret`: the password. `mail_from` and `mail_to` are needed.

Mailboxes are accounted for one by one: what one of several does not take now is sent to it later, and to it alone.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

from newsflow.alerts.render import members_of, plain, rich, subject, thread_key
from newsflow.alerts.senders.base import MALFORMED, SENT, Attempt, DeliveryResult, refused, retry
from newsflow.config.settings import Destination
from newsflow.errors import in_words
from newsflow.http.client import system_resolver
from newsflow.http.deadline import Deadline
from newsflow.model import PendingAlert

Tls = Literal["starttls", "implicit", "none"]
MAX_OPEN = 1_000
_DOMAIN = "newsflow.invalid"
"""Of Message-IDs: a reserved name, which nobody can own."""


@dataclass(frozen=True)
class SmtpServer:
    """Where mail is handed in, and the seconds for the whole of it. `starttls` is demanded, not tried: without it
    nothing is sent."""

    host: str
    port: int
    tls: Tls = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)
    timeout_s: float = 20.0
    context: ssl.SSLContext | None = field(default=None, repr=False)


@dataclass(slots=True)
class _Account:
    """What became of one mail at each mailbox that has settled it."""

    taken: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Mail:
    """A destination that is one or more mailboxes. Each is accounted for: one that takes a mail later gets it later,
    without the others getting it again. (After a restart they may, with the same Message-ID.)"""

    name: str
    server: SmtpServer
    sender: str
    to: tuple[str, ...]
    _open: dict[str, _Account] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Of mails that some mailboxes have settled and others not, by the alert's id."""

    def send(self, alert: PendingAlert) -> Attempt:
        """Hand one mail in. The same alert again has the same Message-ID, by which mailboxes drop repeats."""
        try:
            message = compose(members_of(alert.value), self.sender, self.to)
        except MALFORMED as error:
            return refused(f"the alert cannot be put into a mail: {error}")
        account = self._open.pop(alert.id, None) or _Account()
        attempt = self._hand_in(message, account)
        if attempt.result is DeliveryResult.RETRY and (account.taken or account.refused):
            self._open[alert.id] = account
            if len(self._open) > MAX_OPEN:
                del self._open[next(iter(self._open))]
        return attempt

    def _hand_in(self, message: EmailMessage, account: _Account) -> Attempt:
        left = [box for box in self.to if box not in account.taken | account.refused]
        try:
            lost = hand_in(self.server, message, self.sender, left)
            account.taken.update(box for box in left if box not in lost)
        except smtplib.SMTPRecipientsRefused as error:
            lost = error.recipients
        except smtplib.SMTPSenderRefused as error:
            return _judge(error.smtp_code, error.smtp_error, _OF_THE_SIZE)
        except smtplib.SMTPDataError as error:
            return _judge(error.smtp_code, error.smtp_error, _OF_THE_MAIL)
        except (OSError, smtplib.SMTPException) as error:
            return retry(f"{self.server.host} port {self.server.port}: {in_words(error) or type(error).__name__}")
        return self._settle(lost, account)

    def _settle(self, lost: Mapping[str, tuple[int, bytes]], account: _Account) -> Attempt:
        judged = {box: _judge(*answer, _OF_THE_MAIL) for box, answer in lost.items()}
        account.refused.update(box for box, each in judged.items() if each.result is DeliveryResult.REFUSED)
        open_ones = [box for box in self.to if box not in account.taken | account.refused]
        if open_ones:
            # One that was not asked is behind one whose answer ended the conversation.
            why = next((each for each in judged.values() if each.result is DeliveryResult.RETRY), retry("not asked"))
            has_it = f"; delivered to {', '.join(sorted(account.taken))}" if account.taken else ""
            return retry(f"{why.message}; not yet delivered to {', '.join(open_ones)}{has_it}")
        if account.taken:
            gone = ", ".join(sorted(account.refused))
            return Attempt(DeliveryResult.SENT, f"not delivered to {gone}") if gone else SENT
        return next(iter(judged.values()))


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


def hand_in(
    server: SmtpServer, message: EmailMessage, sender: str, to: Sequence[str]
) -> Mapping[str, tuple[int, bytes]]:
    """Hand one mail in; return what was said of each mailbox that did not take it. Blocks up to the server's time-out.

    Raises what `smtplib` raises, and `OSError`; then no mailbox took it.
    """
    with Deadline(server.timeout_s) as deadline:
        smtp = _Smtp(server, deadline)
        try:
            smtp.open()
            lost = smtp.send_message(message, sender, list(to))
            deadline.left_s()  # an answer that was cut short may look like a whole one
            with suppress(OSError, smtplib.SMTPException):  # the server has the mail, however it takes the farewell
                smtp.quit()
            return lost
        except (OSError, smtplib.SMTPException, ValueError) as error:
            if isinstance(error, smtplib.SMTPException) and not deadline.over:
                raise
            raise OSError(deadline.why(error)) from error
        finally:
            smtp.close()


class _Smtp(smtplib.SMTP):
    """A client whose whole conversation ends with a deadline."""

    def __init__(self, server: SmtpServer, deadline: Deadline) -> None:
        self._server, self._deadline = server, deadline
        self._context = server.context or ssl.create_default_context()
        super().__init__(timeout=server.timeout_s)

    def open(self) -> None:
        """Connect, encrypt and log in."""
        code, reply = self.connect(self._server.host, self._server.port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, reply)
        if self._server.tls == "starttls":
            self._host = self._server.host  # the name that the certificate must have
            self.starttls(context=self._context)
        if self._server.user:
            self.login(self._server.user, self._server.password)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # noqa: ARG002
        addresses = list(dict.fromkeys(self._deadline.resolved(system_resolver, host, port)))
        return self._deadline.connect(addresses, port, self._wrap)

    def _wrap(self, sock: socket.socket) -> socket.socket:
        if self._server.tls != "implicit":
            return sock
        return self._context.wrap_socket(sock, server_hostname=self._server.host)


# These speak of the mail or its mailbox. Every other answer (530, 535, 500, …) is about how we are set up, and may be
# put right.
_OF_THE_MAIL = frozenset({550, 551, 552, 553, 554, 556})
_OF_THE_SIZE = frozenset({552})
"""Of those that a server gives to the sender's address: that it refuses for good what the configuration says, is not
for good."""


def _judge(code: int, reply: bytes | str, for_good: frozenset[int]) -> Attempt:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    message = f"SMTP {code}: {' '.join(text.split())[:300]}"
    return refused(message) if code in for_good else retry(message)
