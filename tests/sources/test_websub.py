"""A hub on loopback tells what is new in a feed; and what is not from it, or not as it should be, changes nothing."""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from newsflow.errors import LedgerError
from newsflow.sources import websub
from newsflow.sources.parse import parse_feed
from newsflow.sources.poller import Poller
from newsflow.sources.state import PollState, feed_id
from newsflow.sources.websub import Callbacks, listening, make_app, subscription_id
from tests.sources.site import POLITE, Asked, Polling, Reply, Site, page, rss, rss_item

KEY = b"a secret of sixteen bytes or more"
DAY_S = 86_400
MOST_BYTES = 200_000


@dataclass
class Hub:
    """Asks back whoever subscribes, and knows what it was asked."""

    site: Site
    lease_s: int = 5 * DAY_S
    verifies: bool = True
    status: int = 202
    forms: list[Mapping[str, str]] = field(default_factory=list)
    answers: list[tuple[int, bytes]] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Reply:
        form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        self.forms.append(form)
        if self.verifies:  # at once, while whoever subscribes still waits for the answer to that
            self.answers.append(self.verify())
        return Reply(status=self.status)

    def verify(self, **changed: str) -> tuple[int, bytes]:
        form = self.forms[-1]
        query = {"hub.mode": "subscribe", "hub.topic": form["hub.topic"], "hub.challenge": "b4c1",
                 "hub.lease_seconds": str(self.lease_s)} | {f"hub.{name}": value for name, value in changed.items()}  # fmt: skip
        return ask(f"{form['hub.callback']}?{urlencode(query)}")

    def push(self, body: bytes, signature: str | None = None, **headers: str) -> int:
        form = self.forms[-1]
        made = "sha256=" + hmac.new(form["hub.secret"].encode(), body, "sha256").hexdigest()
        told = {"X-Hub-Signature": made if signature is None else signature, "Content-Type": "application/rss+xml"}
        return ask(form["hub.callback"], body, told | headers)[0]


def ask(url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, dict(headers or {})), timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def story(number: int, text: str = "") -> str:
    whole = (
        f"The ferry of pier {number} sails again. "
        + "Its master said that the new engine had been tried for a week. " * 12
    )
    return rss_item(f"Ferry {number} sails again", f"http://harbour.example/ferry/{number}", f"ferry-{number}", more=(
        f"<content:encoded><![CDATA[<p>{text or whole}</p>]]></content:encoded>"))  # fmt: skip


@dataclass
class Subscribed:
    site: Site
    hub: Hub
    polling: Polling
    poller: Poller

    def document(self, *items: str) -> bytes:
        links = (f'<atom:link rel="hub" href="{self.site.url("hub.example/")}"/>'
                 f'<atom:link rel="self" href="{self.site.url("harbour.example/topic")}"/>')  # fmt: skip
        return rss(*items, channel=links)

    def turn(self, hours: float = 0.5) -> None:
        """Poll for so long."""
        end = self.site.clock() + timedelta(hours=hours)

        def rest(seconds: float) -> None:
            left_s = (end - self.site.clock()).total_seconds()
            self.site.clock.sleep(min(seconds * 60, max(left_s, 0)))
            if left_s <= seconds * 60:
                self.poller.stopped.set()

        self.poller.stopped.clear()
        self.poller._sleep = rest
        self.poller.run()

    @property
    def titles(self) -> list[str]:
        return [str(each["title"]) for each in self.polling.outlet.values]


@pytest.fixture
def made(site: Site, polling: Callable[..., Polling]) -> Iterator[Subscribed]:
    hub, set_up = Hub(site), polling("harbour.example/feed")
    set_up.settings = replace(POLITE, most_s=4 * 3_600)
    told: list[Poller] = []

    class Late:
        def __getattr__(self, name: str) -> object:
            return getattr(told[0], name)

    key = Callbacks("", KEY)
    with listening(make_app(Late(), key, MOST_BYTES), "127.0.0.1", 0) as port:  # type: ignore[arg-type]
        set_up.callbacks = Callbacks(f"http://127.0.0.1:{port}", KEY, 10 * DAY_S)
        told.append(set_up.poller())
        subscribed = Subscribed(site, hub, set_up, told[0])
        site.pages["hub.example/"] = hub
        site.pages["harbour.example/feed"] = lambda _: Reply(subscribed.document(story(1)))
        yield subscribed


def test_what_a_hub_tells_is_published_and_not_again_when_it_is_polled(made: Subscribed) -> None:
    made.turn()
    assert made.titles == ["Ferry 1 sails again"]
    [form] = made.hub.forms
    assert form["hub.mode"] == "subscribe"
    assert form["hub.topic"] == made.site.url("harbour.example/topic")
    assert form["hub.lease_seconds"] == str(10 * DAY_S)
    assert made.hub.answers == [(200, b"b4c1")]

    assert made.hub.push(made.document(story(2))) == 202
    assert made.hub.push(made.document(story(2))) == 202, "a hub that is not sure sends again"
    made.turn(0.1)
    assert made.titles == ["Ferry 1 sails again", "Ferry 2 sails again"]
    made.site.pages["harbour.example/feed"] = Reply(made.document(story(3), story(2), story(1)))
    made.turn(6)
    assert made.titles == [f"Ferry {number} sails again" for number in (1, 2, 3)]
    assert len(made.hub.forms) == 1, "nobody asks a hub that tells"


def test_a_page_is_fetched_where_the_hub_tells_only_of_it(made: Subscribed) -> None:
    made.turn()
    made.site.pages["harbour.example/ferry/9"] = page("Ferry 9 is sold")
    short = rss_item("Ferry 9 is sold", made.site.url("harbour.example/ferry/9"), "ferry-9")
    assert made.hub.push(made.document(short)) == 202
    made.turn(0.1)
    assert made.titles[-1] == "Ferry 9 is sold"
    assert made.polling.outlet.values[-1]["content_is"] == "page"


@pytest.mark.parametrize("method", ["sha1", "sha256", "sha384", "sha512"])
def test_signatures_of_each_method(made: Subscribed, method: str) -> None:
    made.turn()
    body = made.document(story(2))
    secret = made.hub.forms[-1]["hub.secret"].encode()
    assert made.hub.push(body, f"{method}={hmac.new(secret, body, method).hexdigest().upper()}") == 202
    made.turn(0.1)
    assert made.titles[-1] == "Ferry 2 sails again"


@pytest.mark.parametrize(
    "signature",
    ["", "sha256=", "md5=0", "sha256=" + "0" * 64, "sha256=é",
     "sha256=" + hmac.new(b"another secret", b"", hashlib.sha256).hexdigest()],
)  # fmt: skip
def test_what_is_not_signed_by_the_hub_is_passed_over(made: Subscribed, signature: str) -> None:
    made.turn()
    assert made.hub.push(made.document(story(2)), signature.encode().decode("latin-1")) == 202
    made.turn(0.1)
    assert made.titles == ["Ferry 1 sails again"]


def test_a_signature_of_another_body_is_none_of_this(made: Subscribed) -> None:
    made.turn()
    body = made.document(story(2))
    secret = made.hub.forms[-1]["hub.secret"].encode()
    made.hub.push(made.document(story(3)), "sha256=" + hmac.new(secret, body, "sha256").hexdigest())
    made.turn(0.1)
    assert made.titles == ["Ferry 1 sails again"]


def test_what_is_no_feed_or_too_large_or_compressed_changes_nothing(made: Subscribed) -> None:
    made.turn()
    large = made.document(story(2, "x" * MOST_BYTES))
    assert made.hub.push(b"<html><p>The harbour is closed today.</p></html>") == 202
    assert made.hub.push(b"") == 202
    assert made.hub.push(made.document(story(2)), **{"Content-Encoding": "gzip"}) == 413
    assert made.hub.push(large) == 413
    made.turn(0.1)
    assert made.titles == ["Ferry 1 sails again"]


def test_only_who_was_asked_is_confirmed(made: Subscribed) -> None:
    made.turn()
    callback = made.hub.forms[-1]["hub.callback"]
    assert made.hub.verify(topic="http://elsewhere.example/feed")[0] == 404
    assert made.hub.verify(mode="unsubscribe")[0] == 404
    assert made.hub.verify(mode="publish")[0] == 404
    assert made.hub.verify(lease_seconds="-1")[0] == 404
    assert made.hub.verify(lease_seconds="٣")[0] == 404
    assert made.hub.verify(challenge="x" * 5_000)[0] == 404
    guessed = f"{callback[:-4]}0000"
    assert ask(guessed + "?hub.mode=subscribe")[0] == 404
    assert ask(guessed, made.document(story(2)))[0] == 404
    other = urlsplit(callback)._replace(path=Callbacks("", KEY).place(feed_id("http://nobody.example/feed"))).geturl()
    assert ask(other, b"x", {"X-Hub-Signature": "sha256=0"})[0] == 202
    assert made.titles == ["Ferry 1 sails again"]


def test_a_lease_is_renewed_before_it_ends_and_nothing_is_taken_behind_it(made: Subscribed) -> None:
    made.hub.lease_s = DAY_S
    made.turn()
    made.turn(20)
    assert len(made.hub.forms) == 1
    made.turn(3)
    assert len(made.hub.forms) == 2
    made.hub.verifies = False  # from here on it forgets us
    made.turn(48)
    assert len(made.hub.forms) > 2
    assert made.hub.push(made.document(story(2))) == 410
    made.hub.verifies = True
    made.turn(8)
    assert made.hub.push(made.document(story(2))) == 202


def test_a_hub_that_never_confirms_is_asked_ever_less_often(made: Subscribed) -> None:
    made.hub.verifies, made.hub.status = False, 500
    made.turn(24)
    assert 4 <= len(made.hub.forms) <= 14
    assert made.titles == ["Ferry 1 sails again"], "the feed is polled all the same"


def test_a_hub_that_declines_is_left_alone_for_a_while(made: Subscribed) -> None:
    made.turn()
    assert made.hub.verify(mode="denied")[0] == 200
    assert made.hub.push(made.document(story(2))) == 410
    made.turn(3)
    assert len(made.hub.forms) == 1
    made.turn(2)
    assert len(made.hub.forms) == 2


def test_a_feed_that_left_the_list_is_wanted_no_more(made: Subscribed) -> None:
    made.hub.lease_s = DAY_S
    made.turn()
    made.poller._feeds.clear()
    assert made.hub.push(made.document(story(2))) == 410
    made.turn(30)
    assert len(made.hub.forms) == 1
    held = PollState(made.polling.ledger).known([subscription_id(feed_id(made.site.url("harbour.example/feed")))])
    assert [each.due_at for each in held.values()] == [None]
    # It comes back: the next poll finds its hub named.
    back = made.polling.poller()
    made.poller._feeds.update(back._feeds)
    made.site.pages["harbour.example/feed"] = Reply(made.document(story(5), story(1)))
    made.turn(6)
    assert len(made.hub.forms) == 2


def test_a_feed_that_names_another_hub_is_told_by_that_one(made: Subscribed) -> None:
    made.turn()
    second = Hub(made.site)
    made.site.pages["other-hub.example/"] = second
    document = made.document(story(1)).replace(b"hub.example", b"other-hub.example")
    made.site.pages["harbour.example/feed"] = Reply(document)
    made.turn(6)
    assert second.answers == [(200, b"b4c1")]
    assert (
        second.push(document.replace(b"Ferry 1", b"Ferry 4").replace(b"ferry-1", b"ferry-4").replace(b"/1", b"/4"))
        == 202
    )
    made.turn(0.1)
    assert made.titles[-1] == "Ferry 4 sails again"


def test_what_was_told_before_a_kill_is_published_by_the_next_process(made: Subscribed) -> None:
    made.turn()
    assert made.hub.push(made.document(story(2))) == 202
    # Nothing of this process was told of it: another one finds it in the ledger.
    again = made.polling.once()
    assert again.done.published == 1
    assert made.titles[-1] == "Ferry 2 sails again"


def test_where_nobody_listens_no_hub_is_asked(made: Subscribed) -> None:
    made.polling.callbacks = None
    made.polling.until(made.site.clock() + timedelta(hours=3))
    assert made.hub.forms == []
    assert made.titles == ["Ferry 1 sails again"]


def test_a_ledger_that_does_not_answer_is_for_the_hub_to_try_again() -> None:
    class Stuck:
        def confirmed(self, *_: object) -> bool:
            raise LedgerError("the ledger does not answer")

        pushed = confirmed

    callbacks = Callbacks("", KEY)
    place = callbacks.place("f")
    with listening(make_app(Stuck(), callbacks, MOST_BYTES), "127.0.0.1", 0) as port:
        query = urlencode({"hub.mode": "subscribe", "hub.topic": "t", "hub.lease_seconds": "9", "hub.challenge": "c"})
        assert ask(f"http://127.0.0.1:{port}{place}?{query}")[0] == 503
        secret = parse_qs(callbacks.request("f", "t").decode())["hub.secret"][0]
        signed = {"X-Hub-Signature": "sha256=" + hmac.new(secret.encode(), b"x", "sha256").hexdigest()}
        assert ask(f"http://127.0.0.1:{port}{place}", b"x", signed)[0] == 503


def test_a_proxy_may_cut_the_path_off_or_pass_it_on() -> None:
    class Heard:
        def confirmed(self, *_: object) -> bool:
            return True

    callbacks = Callbacks("https://news.example/hubs", KEY)
    query = urlencode({"hub.mode": "subscribe", "hub.topic": "t", "hub.lease_seconds": "9", "hub.challenge": "c"})
    with listening(make_app(Heard(), callbacks, MOST_BYTES), "127.0.0.1", 0) as port:  # type: ignore[arg-type]
        for prefix in ("", "/hubs"):
            assert ask(f"http://127.0.0.1:{port}{prefix}{callbacks.place('f')}?{query}") == (200, b"c")
        assert ask(f"http://127.0.0.1:{port}/other{callbacks.place('f')}?{query}")[0] == 404


def test_a_body_that_does_not_end_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    import http.client

    monkeypatch.setattr(websub, "MOST_BODY_S", 0.3)
    callbacks = Callbacks("", KEY)
    never = threading.Event()
    with listening(make_app(never, callbacks, MOST_BYTES), "127.0.0.1", 0) as port:  # type: ignore[arg-type]
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.putrequest("POST", callbacks.place("f"))
        connection.putheader("Content-Length", "1000")
        connection.endheaders()
        connection.send(b"x")
        began = time.monotonic()
        assert connection.getresponse().status == 408
        assert time.monotonic() - began < 10
        connection.close()


def test_hubs_are_found_where_feeds_and_servers_name_them() -> None:
    told = {"link": '<https://hub.example/a>; rel="hub", <https://harbour.example/self>; rel=self'}
    found = parse_feed(rss(story(1)), "https://harbour.example/feed", told)
    assert (found.hub, found.topic) == ("https://hub.example/a", "https://harbour.example/self")
    atom = (b'<feed xmlns="http://www.w3.org/2005/Atom"><title>T</title><link rel="hub" href="https://hub.example/b"/>'
            b'<link rel="self" href="/feed"/><entry><title>A ferry</title><id>1</id></entry></feed>')  # fmt: skip
    found = parse_feed(atom, "https://harbour.example/feed")
    assert (found.hub, found.topic) == ("https://hub.example/b", "https://harbour.example/feed")
    as_json = (b'{"version": "https://jsonfeed.org/version/1.1", "title": "T", "items": [], '
               b'"feed_url": "https://harbour.example/json", "hubs": [{"type": "WebSub", "url": "https://hub.example/c"}]}')  # fmt: skip
    found = parse_feed(as_json, "https://harbour.example/feed")
    assert (found.hub, found.topic) == ("https://hub.example/c", "https://harbour.example/json")
    bad = {"link": '<javascript:alert(1)>; rel="hub", <<<, ; rel="self"'}
    assert parse_feed(rss(story(1)), "https://harbour.example/feed", bad).hub is None
