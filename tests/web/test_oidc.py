"""Tokens of an OpenID Connect issuer, beside those of configured readers: real signatures, by a real issuer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest

from newsflow.config.load import load_config
from newsflow.config.settings import OidcSettings, ServeSettings
from newsflow.errors import ConfigError
from newsflow.web.access import Access, check_listen
from newsflow.web.oidc import Issuer, IssuerError
from tests.web.issuer import AUDIENCE, LocalIssuer, local_issuer, new_key
from tests.web.test_streams import events
from tests.web.world import ALL, SECRET, Client, World, readers, serving


@pytest.fixture
def issuer() -> Iterator[LocalIssuer]:
    with local_issuer() as made:
        yield made


def settings(issuer: LocalIssuer, **more: Any) -> OidcSettings:
    return OidcSettings(issuer.url, AUDIENCE, **more)


def test_who_may_see_what_is_in_the_token(world: World, issuer: LocalIssuer) -> None:
    with serving(world, readers=readers(world.folder), oidc=settings(issuer)) as base:
        everything = Client(base, issuer.sign(newsflow_topics=["*"])).json("/v1/articles")["items"]
        assert len(everything) == len(Client(base, ALL).json("/v1/articles")["items"]), "tokens are taken beside"
        one = Client(base, issuer.sign("second", newsflow_topics=["syria"]))
        assert {each["id"] for each in one.json("/v1/topics")["items"]} == {"syria"}
        assert SECRET not in one.get("/").data.decode()
        assert one.get("/status").status == 403
        unseen: tuple[Any, ...] = (None, "syria", [], [7, None], {"syria": True})
        for topics in unseen:
            nothing = Client(base, issuer.sign(newsflow_topics=topics))
            assert nothing.json("/v1/articles")["items"] == []
            assert nothing.json("/v1/topics")["items"] == []
            assert nothing.get("/v1/articles?topic=syria").status == 404
        assert Client(base, None).get("/v1/topics").status == 401
        assert issuer.asked == ["/.well-known/openid-configuration", "/keys"], "keys are asked for once"


def test_tokens_of_others_of_old_or_for_others_are_nobodys(issuer: LocalIssuer) -> None:
    known = Issuer(settings(issuer))
    assert known.reader(issuer.sign(newsflow_topics=["syria"])) is not None
    unsigned = jwt.encode({"iss": issuer.url, "aud": AUDIENCE, "sub": "x", "exp": time.time() + 60}, "", "none")
    shared = jwt.encode(
        {"iss": issuer.url, "aud": AUDIENCE, "sub": "x", "exp": time.time() + 60}, "k" * 64, "HS256", {"kid": "first"}
    )
    refused = {
        "expired": issuer.sign(exp=int(time.time()) - 60),
        "not yet": issuer.sign(nbf=int(time.time()) + 600),
        "for another": issuer.sign(aud="other"),
        "by another": issuer.sign(iss="https://other.example"),
        "of nobody": issuer.sign(sub=None),
        "without an end": issuer.sign(exp=None),
        "signed by another key": issuer.sign(signed_with=new_key()),
        "unsigned": unsigned,
        "signed with a shared secret": shared,
        "cut short": issuer.sign()[:-4],
        "no JSON": "eyx.e30.c2ln",
        "huge": "ey" + "A" * 20_000 + "..",
    }
    for what, token in refused.items():
        assert known.reader(token) is None, what


def test_new_keys_are_found_and_unknown_ones_asked_for_seldom(issuer: LocalIssuer) -> None:
    now = [0.0]
    known = Issuer(settings(issuer), lambda: now[0])
    issuer.keys["third"] = new_key("ec")
    assert known.reader(issuer.sign("third")) is not None
    issuer.keys["fourth"] = new_key("ec")
    for _ in range(20):
        assert known.reader(issuer.sign("fourth")) is None, "asked a moment ago"
    assert issuer.asked.count("/keys") == 1
    now[0] = 31.0
    assert known.reader(issuer.sign("fourth")) is not None
    gone = issuer.sign("fourth")
    del issuer.keys["fourth"]
    assert known.reader(gone) is not None
    now[0] = 700.0
    assert known.reader(gone) is None, "a key that is no longer published"


def test_an_issuer_that_is_down(world: World, issuer: LocalIssuer, caplog: pytest.LogCaptureFixture) -> None:
    token = issuer.sign(newsflow_topics=["syria"])
    issuer.down = True
    with serving(world, readers=readers(world.folder), oidc=settings(issuer)) as base:
        answer = Client(base, token).get("/v1/topics")
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")
        assert Client(base, ALL).get("/v1/topics").status == 200
        issuer.down = False
        assert Client(base, token).get("/v1/topics").status == 200
        issuer.down = True
        assert Client(base, token).get("/v1/topics").status == 200, "what is known holds on"
    assert token not in caplog.text


def test_who_is_known_does_not_wait_for_an_issuer_that_hangs(issuer: LocalIssuer) -> None:
    now = [0.0]
    known = Issuer(settings(issuer), lambda: now[0])
    token, stranger = issuer.sign(), issuer.sign("second", signed_with=new_key("ec"))
    with ThreadPoolExecutor(8) as pool:
        assert all(each is not None for each in pool.map(known.reader, [token] * 8))
        assert issuer.asked.count("/keys") == 1, "the first ones wait for one that asks"
        now[0], issuer.delay_s = 700.0, 1.5
        asking = pool.submit(known.reader, token)
        time.sleep(0.3)
        begun = time.monotonic()
        assert all(each is not None for each in pool.map(known.reader, [token] * 20))
        del issuer.keys["second"]
        with pytest.raises(IssuerError, match="being asked"):
            known.reader(issuer.sign("third", signed_with=new_key("ec")))
        assert known.reader(stranger) is None
        assert time.monotonic() - begun < 1
        assert asking.result() is not None
        issuer.down, now[0] = True, 1400.0
        for _ in range(5):
            assert known.reader(token) is not None
        assert issuer.asked.count("/.well-known/openid-configuration") == 3, "asked in vain once, not by each"


def test_an_issuer_that_says_it_is_another(issuer: LocalIssuer) -> None:
    token = issuer.sign()
    other = OidcSettings(issuer.url + "/", AUDIENCE)
    with pytest.raises(IssuerError, match="says that it is"):
        Issuer(other).reader(token)


def test_a_stream_ends_with_its_token(world: World, issuer: LocalIssuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("newsflow.web.streams.HEARTBEAT_S", 0.5)
    monkeypatch.setattr("newsflow.web.oidc.LEEWAY_S", 0)
    with serving(world, oidc=settings(issuer)) as base:
        token = issuer.sign(exp=int(time.time()) + 3, newsflow_topics=["*"])
        begun = time.monotonic()
        assert {kind for _, kind, _ in events(base, token)} == {""}
        assert time.monotonic() - begun < 15


def test_where_it_is_configured(issuer: LocalIssuer, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="is not https"):
        Access(ServeSettings(oidc=OidcSettings("http://login.example", AUDIENCE)))
    check_listen("0.0.0.0", Access(ServeSettings(oidc=settings(issuer))))
    monkeypatch.setenv("NEWSFLOW_SERVE__OIDC", '{"issuer": "https://login.example", "audience": "news"}')
    assert load_config(None).config.serve.oidc == OidcSettings("https://login.example", "news")
