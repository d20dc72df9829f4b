"""Senders from destinations, as the configuration writes them."""

from __future__ import annotations

import pytest

from newsflow.alerts.senders.alertmanager import Alertmanager
from newsflow.alerts.senders.chat import Chat
from newsflow.alerts.senders.mail import Mail
from newsflow.alerts.senders.pagerduty import PagerDuty
from newsflow.alerts.senders.registry import make_senders
from newsflow.alerts.senders.webhook import Webhook
from newsflow.config.settings import Destination
from newsflow.errors import ConfigError


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", "https://hooks.example/x")
    monkeypatch.setenv("KEYS", "new old")
    monkeypatch.setenv("EMPTY", "")
    monkeypatch.setenv("BROKEN", "whsec_*")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_one_of_each() -> None:
    pytest.importorskip("apprise")
    destinations = {
        "hook": Destination("webhook", "env:HOOK", "env:KEYS", timeout_s=3),
        "post": Destination(
            "mail",
            "smtps://me@mail.example",
            "env:KEYS",
            mail_from="a@b.example",
            mail_to="c@d.example, E <e@f.example>",
        ),
        "pager": Destination("pagerduty", "https://events.example/", "env:KEYS"),
        "am": Destination("alertmanager", "http://am.example:9093", allow_private=True),
        "talk": Destination("chat", "json://chat.example/path"),
    }
    hook, post, pager, manager, talk = make_senders(destinations.items())
    assert isinstance(hook, Webhook)
    assert (hook.url, hook.secrets, hook.http.limits.total_s, hook.http.allowed) == (
        "https://hooks.example/x",
        ("new", "old"),
        3,
        (),
    )
    assert isinstance(post, Mail)
    assert (post.server.port, post.server.tls, post.to) == (465, "implicit", ("c@d.example", "E <e@f.example>"))
    assert isinstance(pager, PagerDuty)
    assert isinstance(manager, Alertmanager)
    assert manager.http.allowed
    assert isinstance(talk, Chat)
    for sender in (hook, post, pager, manager, talk):
        assert "new" not in repr(sender)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("destination", "place", "words"),
    [
        (Destination("webhook", "env:NOWHERE"), "", "no variable NOWHERE"),
        (Destination("webhook", "http://x", "env:BROKEN"), "", "base64"),
        (Destination("webhook", "http://x", "env:EMPTY"), "", "empty"),
        (Destination("webhook", "ftp://x"), ".url", "not an http or https URL"),
        (Destination("webhook", "http://u:p@x/"), ".url", "user name or password"),
        (Destination("pigeon", "http://x"), ".type", "accepted: webhook, mail, pagerduty, alertmanager, chat, kafka"),
        (Destination("mail", "smtp://x"), "", "mail_from and mail_to"),
        (Destination("mail", "smtp://x", mail_from="a@b", mail_to="nobody"), "", "not a mailbox"),
        (Destination("mail", "smtp://me:pw@x", mail_from="a@b", mail_to="a@b"), "", "password is in the URL"),
        (Destination("mail", "smtp://x?tls=none", "env:KEYS", mail_from="a@b", mail_to="a@b"), "", "in the clear"),
        (Destination("mail", "smtp://x?tls=maybe", mail_from="a@b", mail_to="a@b"), "", "only option"),
        (Destination("mail", "imap://x", mail_from="a@b", mail_to="a@b"), "", "accepted: smtp://"),
        (Destination("pagerduty", "http://x"), "", "routing key"),
        (Destination("chat", "json://x", "env:KEYS"), "", "no secret"),
        (Destination("kafka", "http://x"), "", "accepted: kafka://HOST:PORT/TOPIC"),
        (Destination("kafka", "kafka:///news.alert.v1"), "", "accepted: kafka://HOST:PORT/TOPIC"),
        (Destination("kafka", "kafka+sasl://me:pw@x:9093/t", "env:KEYS"), "", "goes into `secret`"),
        (Destination("kafka", "kafka+sasl://me@x:9093/t"), "", "needs the password"),
        (Destination("kafka", "kafka://me@x:9092/t", "env:KEYS"), "", "belong to"),
        pytest.param(Destination("chat", "nonsense"), "", "apprise", marks=pytest.mark.allow_errors),
    ],
)
def test_errors_name_the_destination(destination: Destination, place: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        make_senders([("hook", destination)])
    assert caught.value.path == "alerts.destinations.hook" + place
