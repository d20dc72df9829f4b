from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from newsflow.dedup.decide import Incoming, KnownArticle, Transition, choose_transition
from newsflow.dedup.identity import identity_keys
from newsflow.model import Article
from newsflow.model.languages import base_language
from tests.ledger.ledger_helpers import Wire

START = datetime(2031, 5, 4, tzinfo=UTC)


def held(
    *, version: int = 1, withdrawn: bool = False, publisher: str | None = None, fetched: bool = True
) -> KnownArticle:
    at = START if fetched else None
    return KnownArticle(
        "i", "s", None, None, None, "en", version, "same", publisher, at, START, START, "", None, withdrawn, True, 1
    )


def incoming(
    content: str = "other", *, minutes: float | None = 1, withdraw: bool = False, publisher: str | None = None
) -> Incoming:
    at = None if minutes is None else START + timedelta(minutes=minutes)
    return Incoming(withdraw, content, at, publisher)


@pytest.mark.parametrize(
    ("known", "event", "step"),
    [
        (None, incoming(), Transition.CREATE),
        (None, incoming(withdraw=True), Transition.WITHDRAW_UNKNOWN),
        (held(), incoming("same", minutes=-5), Transition.REPEAT),
        (held(), incoming(), Transition.EDIT),
        (held(), incoming(minutes=0), Transition.EDIT),
        (held(), incoming(minutes=-1), Transition.STALE),
        (held(), incoming(minutes=None), Transition.EDIT),
        (held(fetched=False), incoming(minutes=-1), Transition.EDIT),
        (held(), incoming(withdraw=True), Transition.WITHDRAW),
        (held(), incoming(withdraw=True, minutes=-1), Transition.STALE),
        (held(withdrawn=True), incoming(withdraw=True), Transition.REPEAT),
        (held(withdrawn=True), incoming("same"), Transition.RETURN),
        (held(withdrawn=True), incoming("same", minutes=-1), Transition.STALE),
        (held(withdrawn=True, version=0), incoming(), Transition.CREATE),
        (held(withdrawn=True, version=0), incoming(minutes=-1), Transition.STALE),
        (held(publisher="9"), incoming(publisher="10", minutes=-1), Transition.EDIT),
        (held(publisher="10"), incoming(publisher="9"), Transition.STALE),
        (held(publisher="10"), incoming(publisher="10"), Transition.EDIT),
        (held(publisher="rev-b"), incoming(publisher="rev-a"), Transition.EDIT),
        (held(publisher="²"), incoming(publisher="1", minutes=-1), Transition.STALE),
    ],
)
def test_next_step(known: KnownArticle | None, event: Incoming, step: Transition) -> None:
    assert choose_transition(known, event) is step


def article(url: str | None, guid: str | None, source: str = "s") -> Article:
    made = Wire().publish(url, guid=guid, source=source).result
    assert isinstance(made, Article)
    return made


def test_identity_keys_cannot_be_confused() -> None:
    assert len(identity_keys(article("https://a.example/", "g"))) == 2
    assert identity_keys(article(None, None)) == ()
    assert identity_keys(article(None, "bc", "a")) != identity_keys(article(None, "c", "ab"))
    assert identity_keys(article("x", None)) != identity_keys(article(None, "x"))
    assert identity_keys(article("u", None, "a")) == identity_keys(article("u", None, "b"))


@pytest.mark.parametrize(
    ("tag", "base"),
    [("pt-BR", "pt"), ("AR", "ar"), ("zh_TW", "zh"), ("", "und"), ("und", "und"), ("x\x00", "und"), ("e n", "und")],
)
def test_base_language(tag: str, base: str) -> None:
    assert base_language(tag) == base
