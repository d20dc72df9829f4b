"""Each of several mailboxes is accounted for, and no mistake of the operator is taken for a refusal."""

from __future__ import annotations

from collections import Counter

import pytest

from newsflow.alerts.senders.base import SENT, DeliveryResult
from newsflow.alerts.senders.mail import Mail
from newsflow.model import PendingAlert
from tests.alerts.alert_samples import pending
from tests.alerts.test_mail import Mailbox, serving

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:aiosmtpd", "ignore:Requiring AUTH:UserWarning", "ignore::ResourceWarning"
)
A, B, C = "a@example.org", "b@example.org", "c@example.org"


def _arrived(box: Mailbox) -> Counter[str]:
    return Counter(to for _, all_of_them in box.envelopes for to in all_of_them)


def test_one_of_three_that_is_busy_gets_its_mail_later_and_it_alone() -> None:
    box = Mailbox({B: "450 busy"})
    with serving("none", box) as server:
        mail = Mail("post", server, "news@example.org", (A, B, C))
        attempts = [mail.send(pending()) for _ in range(2)]
        box.rcpt.clear()
        last = mail.send(pending())
    for attempt in attempts:
        assert attempt.result is DeliveryResult.RETRY
        assert attempt.message == f"SMTP 450: busy; not yet delivered to {B}; delivered to {A}, {C}"
    assert last == SENT
    assert _arrived(box) == {A: 1, B: 1, C: 1}


def test_one_that_is_gone_is_named_when_the_busy_one_has_it() -> None:
    box = Mailbox({A: "550 gone", B: "451 busy"})
    with serving("none", box) as server:
        mail = Mail("post", server, "news@example.org", (A, B, C))
        assert mail.send(pending()).result is DeliveryResult.RETRY
        box.rcpt.pop(B)
        last = mail.send(pending())
        again = mail.send(pending())
    assert (last.result, last.message) == (DeliveryResult.SENT, f"not delivered to {A}")
    assert (again.result, again.message) == (DeliveryResult.SENT, f"not delivered to {A}"), "a new account"
    assert _arrived(box) == {B: 2, C: 2}


def test_a_conversation_that_is_ended_at_a_mailbox_loses_none() -> None:
    box = Mailbox({B: "421 closing"})
    with serving("none", box) as server:
        mail = Mail("post", server, "news@example.org", (A, B, C))
        assert mail.send(pending()).result is DeliveryResult.RETRY
        box.rcpt.clear()
        assert mail.send(pending()) == SENT
    assert _arrived(box) == {A: 1, B: 1, C: 1}


def test_all_that_are_gone_refuse_it() -> None:
    with serving("none", Mailbox({A: "550 gone", B: "553 odd"})) as server:
        attempt = Mail("post", server, "news@example.org", (A, B)).send(pending())
    assert attempt.result is DeliveryResult.REFUSED


@pytest.mark.parametrize("code", [421, 450, 451, 452, 500, 501, 502, 503, 504, 521, 530, 534, 535, 538, 555])
def test_what_is_about_us_is_tried_again(code: int) -> None:
    for box in (Mailbox({A: f"{code} no"}), Mailbox(data=f"{code} no")):
        with serving("none", box) as server:
            attempt = Mail("post", server, "news@example.org", (A,)).send(pending())
        assert attempt.result is DeliveryResult.RETRY
        assert f"SMTP {code}: no" in attempt.message


@pytest.mark.parametrize(("code", "fate"), [(530, "retry"), (550, "retry"), (553, "retry"), (552, "refused")])
def test_a_sender_that_is_not_taken_is_the_operators_mistake(code: int, fate: str) -> None:
    class Strict(Mailbox):
        async def handle_MAIL(self, *_: object) -> str:  # noqa: N802
            return f"{code} authentication required"

    with serving("none", Strict()) as server:
        assert Mail("post", server, "news@example.org", (A,)).send(pending()).result == fate


def test_accounts_do_not_grow_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("newsflow.alerts.senders.mail.MAX_OPEN", 2)
    with serving("none", Mailbox({B: "450 busy"})) as server:
        mail = Mail("post", server, "news@example.org", (A, B))
        for at in range(4):
            assert mail.send(PendingAlert(f"x{at}", "desk", pending().value)).result is DeliveryResult.RETRY
    assert list(mail._open) == ["x2", "x3"]
