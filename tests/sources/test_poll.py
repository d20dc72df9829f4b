"""One poller and a local site: what is asked, how often and how gently, and what is published of it."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import brotli
import orjson
import pytest

from newsflow.ledger.sqlite import SqliteDatabase
from newsflow.model import Rejected
from newsflow.model.raw import parse_raw
from newsflow.sources.feedlist import Feed
from newsflow.sources.state import OUTBOX_ROWS, Named, PollState
from tests.sources.site import Asked, Polling, Reply, Site, page, rss, rss_item

Make = Callable[..., Polling]
WHOLE = "<p>" + "The ferry to the island sails twice a day now, the harbour office said. " * 10 + "</p>"


def whole(title: str, link: str = "", guid: str = "") -> str:
    return rss_item(title, link, guid, more=f"<content:encoded><![CDATA[{WHOLE}]]></content:encoded>")


def published(polling: Polling) -> list[dict[str, Any]]:
    """What was published, each valid by the contract."""
    for key, value in polling.outlet.events:
        raw = parse_raw(value)
        assert not isinstance(raw, Rejected), raw
        assert key.decode() == f"{raw.source}/{raw.url or raw.guid}"
    return polling.outlet.values


def health(polling: Polling) -> Any:
    return PollState(polling.ledger).feeds()[0].state


def test_the_text_of_a_feed_or_the_page_and_what_the_feed_said_beside_it(site: Site, polling: Make) -> None:
    made = polling("harbour.example/feed")
    made.feeds = [replace(made.feeds[0], language="en")]
    long, short = site.url("harbour.example/long"), site.url("harbour.example/short")
    site.pages["harbour.example/feed"] = Reply(
        rss(
            whole("A new ferry", long, "f-1"),
            rss_item("A wider road", short, "f-2", "&lt;p&gt;The council &lt;b&gt;agreed&lt;/b&gt;.&lt;/p&gt;",
                     "<pubDate>Mon, 03 Mar 2025 07:00:00 +0300</pubDate><dc:creator>Mira Sand</dc:creator>"),
            rss_item("Only a headline", guid="f-3"),
        )
    )  # fmt: skip
    site.pages["harbour.example/short"] = page("A wider road")
    made.once()
    by_guid = {each["guid"]: each for each in published(made)}
    assert set(by_guid) == {"f-1", "f-2", "f-3"}
    assert by_guid["f-1"]["content_is"] == "article"
    assert "sails twice" in by_guid["f-1"]["content"]
    assert by_guid["f-2"] | {"content": "", "fetched_at": ""} == {
        "source": "harbour", "url": short, "guid": "f-2", "title": "A wider road", "authors": ["Mira Sand"],
        "published": "Mon, 03 Mar 2025 07:00:00 +0300", "language": "en", "feed": made.feeds[0].url,
        "content_type": "text/html", "content_is": "page", "summary": "The council agreed.", "content": "",
        "fetched_at": "",
    }  # fmt: skip
    assert "<h1>A wider road</h1>" in by_guid["f-2"]["content"]
    assert (by_guid["f-3"]["content"], "url" in by_guid["f-3"]) == ("", False)
    assert site.paths() == ["/feed", "/short"], "a page is not asked for where the feed has the whole text"


def test_a_page_that_cannot_be_had_is_published_as_its_feed_has_it(site: Site, polling: Make) -> None:
    made = polling("harbour.example/feed")
    links = {
        name: site.url(f"harbour.example/{name}") for name in ("gone", "paper", "empty", "closed", "down", "large")
    }
    site.pages["harbour.example/feed"] = Reply(
        rss(*(rss_item(name, link, name, "Some words.") for name, link in links.items()))
    )
    site.pages |= {
        "harbour.example/robots.txt": Reply(b"User-agent: *\nDisallow: /closed"),
        "harbour.example/paper": Reply(b"%PDF-1.7", headers={"Content-Type": "application/pdf"}),
        "harbour.example/empty": Reply(b" "),
        "harbour.example/down": Reply(b"", 500),
        "harbour.example/large": Reply(b"<p>" + b"x" * made.settings.body_bytes),
    }
    made.once()
    now = {each["guid"] for each in published(made)}
    assert now == {"gone", "paper", "empty", "closed"}, "what may pass is tried again"
    made.until(site.clock() + timedelta(days=1))
    assert {each["guid"]: each["content"] for each in published(made)} == dict.fromkeys(links, "Some words.")
    assert len(published(made)) == len(links)
    assert site.paths().count("/down") == 5
    assert "/closed" not in site.paths()


def test_validators_go_back_as_they_came_and_only_after_a_body_that_could_be_read(site: Site, polling: Make) -> None:
    made = polling("harbour.example/feed")
    tag, changed = 'W/"a b,c"', "Mon, 3 Mar 2025 06:00:00 GMT"
    answers: list[Reply] = [
        Reply(b"\x00\x01 nothing", headers={"ETag": '"broken"'}),
        Reply(rss(whole("One", guid="1")), headers={"ETag": tag, "Last-Modified": changed}),
        Reply(b"", 304),
        Reply(rss(whole("One", guid="1"), whole("Two", guid="2"))),
        Reply(rss(whole("One", guid="1"), whole("Two", guid="2"))),
    ]
    site.pages["harbour.example/feed"] = lambda _: answers.pop(0)
    for _ in range(5):
        made.once()
        site.clock.sleep(60)
    sent = [(each.headers.get("if-none-match"), each.headers.get("if-modified-since")) for each in site.asked[1:]]
    assert sent == [(None, None), (None, None), (tag, changed), (tag, changed), (None, None)]
    assert [each["guid"] for each in published(made)] == ["1", "2"]
    assert health(made).failures == 0


def test_redirects_are_followed_and_permanent_ones_remembered(site: Site, polling: Make) -> None:
    made = polling("old.example/feed")
    there, then = site.url("new.example/feed"), site.url("mirror.example/feed")
    site.pages |= {
        "old.example/feed": Reply(b"", 301, {"Location": there}),
        "new.example/feed": Reply(b"", 302, {"Location": then}),
        "mirror.example/feed": Reply(rss(whole("One", guid="1")), headers={"ETag": '"m"'}),
    }
    made.once()
    assert health(made).home == made.feeds[0].url, "not all of the way was permanent"
    site.pages["new.example/feed"] = Reply(rss(whole("One", guid="1")), headers={"ETag": '"n"'})
    made.once()
    assert "if-none-match" not in site.asked[-1].headers, "the validators are another server's"
    made.once()
    asked = [(each.host, each.headers.get("if-none-match")) for each in site.asked if each.path != "/robots.txt"]
    assert asked[-1] == ("new.example", '"n"')
    assert len(published(made)) == 1
    site.pages["new.example/feed"] = Reply(b"", 302, {"Location": there})
    made.once()
    assert health(made).error == "more than 5 redirects"


def test_an_article_is_published_under_where_its_link_led_for_good(site: Site, polling: Make) -> None:
    made = polling("harbour.example/feed")
    short = {name: site.url(f"short.example/{name}") for name in ("good", "passing")}
    there = {name: site.url(f"harbour.example/{name}") for name in short}
    site.pages["harbour.example/feed"] = Reply(rss(*(rss_item(name, link, name) for name, link in short.items())))
    site.pages |= {f"harbour.example/{name}": page(name) for name in short}
    site.pages |= {
        "short.example/good": Reply(b"", 301, {"Location": there["good"]}),
        "short.example/passing": Reply(b"", 302, {"Location": there["passing"]}),
    }
    made.once()
    assert {each["title"]: each["url"] for each in published(made)} == {
        "good": there["good"],
        "passing": short["passing"],
    }


def test_who_asks_says_so_and_reads_what_is_compressed(site: Site, polling: Make) -> None:
    made = polling("a.example/feed", "b.example/feed", "c.example/feed", "d.example/feed")
    body = rss(whole("One", guid="1"))
    bomb = gzip.compress(b" " * 50_000_000)
    site.pages |= {
        "a.example/feed": Reply(gzip.compress(body), headers={"Content-Encoding": "gzip"}),
        "b.example/feed": Reply(brotli.compress(body), headers={"Content-Encoding": "br"}),
        "c.example/feed": Reply(body, headers={"Content-Encoding": "gzip"}),
        "d.example/feed": Reply(bomb, headers={"Content-Encoding": "gzip"}),
    }
    made.once()
    assert sorted(each["source"] for each in published(made)) == ["a", "b", "c"]
    errors = [each.state.error for each in PollState(made.ledger).feeds() if each.state.error]
    assert errors == ["the answer has more than 4,194,304 bytes"]
    assert {each.headers["user-agent"] for each in site.asked} == {"newsflow/test (+https://newsroom.example/bot)"}
    assert {each.headers["accept-encoding"] for each in site.asked} == {"gzip, br"}


@pytest.mark.parametrize("cut", ["gzip", "plain", "brotli"])
def test_an_answer_that_ends_early_is_no_answer(site: Site, polling: Make, cut: str) -> None:
    made = polling("a.example/feed")
    body = rss(*(whole(f"Number {number}", guid=str(number)) for number in range(20)))
    site.pages["a.example/feed"] = {
        "gzip": Reply(gzip.compress(body)[:-200], headers={"Content-Encoding": "gzip"}),
        "brotli": Reply(brotli.compress(body)[:-50], headers={"Content-Encoding": "br"}),
        "plain": Reply(body[:2_000], headers={"Content-Length": str(len(body))}),
    }[cut]
    made.once()
    assert published(made) == []
    assert "end" in health(made).error


def drip() -> Iterator[bytes]:
    while True:
        yield b" " * 65_536


def test_endless_bodies_and_slow_ones_end(site: Site, polling: Make) -> None:
    made = polling("endless.example/feed", "slow.example/feed", "good.example/feed")
    made.settings = replace(made.settings, timeout_s=0.7)

    def slowly() -> Iterator[bytes]:
        import time

        for byte in rss():
            yield bytes([byte])
            time.sleep(0.05)

    site.pages |= {
        "endless.example/feed": Reply(drip()),
        "slow.example/feed": Reply(slowly()),
        "good.example/feed": Reply(rss(whole("One", guid="1"))),
    }
    made.once()
    assert [each["source"] for each in published(made)] == ["good"]
    assert all(each.state.failures for each in PollState(made.ledger).feeds() if "good" not in each.url)


def test_a_server_that_wants_to_be_left_alone_is(site: Site, polling: Make) -> None:
    made = polling("busy.example/feed", "busy.example/sport")
    served = Reply(rss(whole("One", guid="1")))
    site.pages |= {
        f"busy.example/{name}": lambda _: served if len(site.paths()) > 1 else Reply(b"", 429, {"Retry-After": "7200"})
        for name in ("feed", "sport")
    }
    begun = site.clock()
    made.until(begun + timedelta(hours=6))
    first, second = [each for each in site.asked if each.path != "/robots.txt"][:2]
    assert second.at - first.at >= timedelta(hours=2), "the other feed of the host waits too"
    made.site.asked.clear()
    dated = (begun + timedelta(hours=9)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    site.pages["busy.example/feed"] = site.pages["busy.example/sport"] = Reply(b"", 503, {"Retry-After": dated})
    made.once()
    made.once()
    assert len(site.paths()) == 1, "not even when it is started anew"


def test_robots_are_asked_first_and_obeyed(site: Site, polling: Make) -> None:
    made = polling("closed.example/feed", "open.example/feed", "slow.example/feed", "ill.example/feed")
    for host in ("closed", "open", "slow", "ill"):
        site.pages[f"{host}.example/feed"] = Reply(rss(whole("One", guid="1")))
    site.pages |= {
        "closed.example/robots.txt": Reply(b"User-agent: newsflow\nDisallow: /\n\nUser-agent: *\nAllow: /"),
        "open.example/robots.txt": Reply(b"", 301, {"Location": site.url("www.open.example/robots.txt")}),
        "www.open.example/robots.txt": Reply(b"User-agent: *\nDisallow: /private"),
        "slow.example/robots.txt": Reply(b"User-agent: *\nCrawl-delay: 30"),
        "ill.example/robots.txt": Reply(b"", 503),
    }
    made.once()
    assert sorted(each["source"] for each in published(made)) == ["open", "slow"]
    at = [each.at for each in site.asked if each.host == "slow.example"]
    assert [later - sooner for sooner, later in pairwise(at)] == [timedelta(seconds=31)]
    states = {each.host.partition(".")[0]: each.state.error for each in PollState(made.ledger).feeds()}
    assert states["closed"] == "robots.txt forbids it"
    assert states["ill"] == "robots.txt: the server answers 503"
    asked = [each.path for each in site.asked]
    made.once()
    assert asked.count("/robots.txt") == [each.path for each in site.asked].count("/robots.txt") - 1, "once a day"
    made.feeds = [replace(each, robots=False) for each in made.feeds]
    made.once()
    assert {each["source"] for each in published(made)} == {"closed", "open", "slow", "ill"}


def test_private_addresses_are_asked_where_that_is_allowed(site: Site, polling: Make) -> None:
    made = polling("inside.example/feed")
    site.pages["inside.example/feed"] = Reply(rss(whole("One", guid="1")))
    made.settings = replace(made.settings, allow_private=False)
    made.once()
    assert site.asked == []
    assert "internal address" in health(made).error


def test_headers_by_reference_go_to_the_feeds_own_host_alone(
    site: Site, polling: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WIRE_TOKEN", "Bearer tide-table-9")
    made = polling(Feed("wire", site.url("wire.example/feed"), headers=(("Authorization", "env:WIRE_TOKEN"),)))
    site.pages["wire.example/feed"] = Reply(rss(rss_item("One", site.url("other.example/1"), "1")))
    site.pages["other.example/1"] = page("One")
    made.once()
    told = {each.host: each.headers.get("authorization") for each in site.asked if each.path != "/robots.txt"}
    assert told == {"wire.example": "Bearer tide-table-9", "other.example": None}


def test_a_feed_is_asked_as_often_as_it_publishes(site: Site, polling: Make) -> None:
    made = polling("often.example/feed", "seldom.example/feed")

    def often(asked: Asked) -> Reply:
        number = int((asked.at - begun).total_seconds() // 600)
        return Reply(rss(*(whole(f"Number {each}", guid=str(each)) for each in range(max(0, number - 9), number + 1))))

    begun = site.clock()
    site.pages |= {"often.example/feed": often, "seldom.example/feed": Reply(rss(whole("One", guid="1")))}
    made.until(begun + timedelta(days=2))
    counts = {host: len(site.paths(host)) for host in ("often", "seldom")}
    assert counts["often"] >= 150, counts
    assert counts["seldom"] <= 25, counts
    guids = [each["guid"] for each in published(made) if each["source"] == "often"]
    assert len(guids) == len(set(guids)) >= 280


def test_edits_are_asked_for_on_a_schedule_that_fades(site: Site, polling: Make) -> None:
    made = polling("harbour.example/feed")
    feed = Reply(rss(rss_item("A road", site.url("harbour.example/road"), "1")))
    site.pages |= {"harbour.example/feed": feed, "harbour.example/road": page("A road")}
    begun = site.clock()
    made.until(begun + timedelta(hours=2))
    site.pages["harbour.example/road"] = page("A wider road", "It is wider than was said.")
    made.until(begun + timedelta(days=5))
    at = [each.at for each in site.asked if each.path == "/road"]
    assert [round((each - at[0]).total_seconds() / 3_600) for each in at] == [0, 1, 6, 24]
    assert ["wider" in each["content"] for each in published(made)] == [False, True]
    feed = Reply(rss(rss_item("A much wider road", site.url("harbour.example/road"), "1")))
    site.pages["harbour.example/feed"] = feed
    made.once()
    assert [each["title"] for each in published(made)] == ["A road", "A road", "A much wider road"]


def test_a_page_that_was_published_does_not_give_way_to_a_summary(site: Site, polling: Make) -> None:
    made = polling("harbour.example/feed")
    link, closed = site.url("harbour.example/road"), site.url("harbour.example/closed")

    def say(word: str) -> None:
        items = (
            rss_item(f"{name} {word}", at, at, f"{word}.") for name, at in {"A road": link, "A wall": closed}.items()
        )
        site.pages["harbour.example/feed"] = Reply(rss(*items))
        made.once()

    site.pages |= {
        "harbour.example/road": page("A road"),
        "harbour.example/robots.txt": Reply(b"User-agent: *\nDisallow: /closed"),
    }
    say("first")
    del site.pages["harbour.example/road"]
    say("second")
    told = [(each["title"], each["content_is"]) for each in published(made)]
    assert sorted(told) == [("A road first", "page"), ("A wall first", "article"), ("A wall second", "article")]


@pytest.mark.parametrize("withdraw", [False, True])
def test_what_vanishes_from_within_a_feed_is_withdrawn_where_that_is_wanted(
    site: Site, polling: Make, withdraw: bool
) -> None:
    made = polling("harbour.example/feed")
    made.settings = replace(made.settings, withdraw=withdraw)

    def show(*numbers: int) -> None:
        items = (whole(f"Number {each}", site.url(f"harbour.example/{each}"), str(each)) for each in numbers)
        site.pages["harbour.example/feed"] = Reply(rss(*items))
        made.once()
        site.clock.sleep(600)

    show(4, 3, 2, 1)
    show(5, 4, 2)  # 1 left at the end, 3 from within
    show(6, 5, 4, 2)
    show(7, 6, 5, 4, 2)
    events = [(each.get("action", "publish"), each["guid"]) for each in published(made)]
    assert [guid for action, guid in events if action == "publish"] == list("1234567")
    assert [guid for action, guid in events if action == "withdraw"] == (["3"] if withdraw else [])


def test_a_feed_that_is_gone_is_not_asked_any_more_and_one_that_left_the_list_neither(
    site: Site, polling: Make
) -> None:
    made = polling("gone.example/feed", "left.example/feed")
    site.pages |= {"gone.example/feed": Reply(b"", 410), "left.example/feed": Reply(rss(whole("One", guid="1")))}
    made.once()
    made.feeds, listed = made.feeds[:1], made.feeds
    site.asked.clear()
    made.once()
    assert site.asked == []
    made.feeds = listed
    made.once()
    assert site.paths() == ["/feed"]
    assert [each.state.ended for each in PollState(made.ledger).feeds()].count("") == 1


def test_sitemaps_of_an_index_and_a_page_with_links_as_the_last_resort(site: Site, polling: Make) -> None:
    made = polling("map.example/index.xml", "plain.example/news/")
    space = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"'
    news = (
        "<url><loc>{}</loc><news:news><news:publication><news:language>en</news:language></news:publication>"
        "<news:publication_date>2025-03-03T05:00:00Z</news:publication_date><news:title>A title</news:title></news:news></url>"
    )
    maps = "".join(
        f"<sitemap><loc>{site.url(f'map.example/{name}')}</loc><lastmod>{day}</lastmod></sitemap>"
        for name, day in {"new.xml": "2025-03-03", "old.xml": "2019-01-01", "deep.xml": "2025-03-02T12:00:00Z"}.items()
    )
    index = f"<sitemapindex {space}>{maps}</sitemapindex>".encode()
    dated = "".join(f"<url><loc>{site.url(f'map.example/{day}')}</loc><lastmod>{day}</lastmod></url>"
                    for day in ("2025-03-03", "2024-05-05"))  # fmt: skip
    links = (
        f'<a href="/about">About us</a><a href="/news/1">The bridge is closed until the spring</a>'
        f'<a href="https://elsewhere.example/x">A partner of ours with a long name</a>'
        f'<a href="{site.url("plain.example/news/1#more")}">The bridge is closed until the spring</a>'
    )
    site.pages |= {
        "map.example/index.xml": Reply(index),
        "map.example/new.xml": Reply(f"<urlset {space}>{news.format(site.url('map.example/1'))}{dated}</urlset>".encode()),
        "map.example/deep.xml": Reply(index),
        "map.example/1": page("A title"), "map.example/2025-03-03": page("Changed today"),
        "plain.example/news/": Reply(f"<html><body>{links}</body></html>".encode()),
        "plain.example/news/1": page("The bridge"),
    }  # fmt: skip
    made.once()
    assert sorted(each["url"].partition(str(site.port))[2] for each in published(made)) == [
        "/1", "/2025-03-03", "/news/1",
    ]  # fmt: skip
    told = next(each for each in published(made) if each["url"].endswith("/1") and each["source"] == "map")
    assert (told["title"], told["published"], told["language"]) == ("A title", "2025-03-03T05:00:00Z", "en")
    assert "/old.xml" not in site.paths()


def test_an_error_page_is_not_read_where_a_feed_was(site: Site, polling: Make) -> None:
    made = polling("harbour.example/feed")
    site.pages["harbour.example/feed"] = Reply(rss(whole("One", guid="1")))
    made.once()
    link = '<a href="/sorry">We are sorry, our harbour site is being mended</a>'
    site.pages["harbour.example/feed"] = Reply(f"<html><body>{link}</body></html>".encode())
    made.once()
    assert health(made).error == "a page came instead of the feed (rss) that it was"
    assert site.paths() == ["/feed", "/feed"]


def test_one_article_in_two_feeds_of_a_source_is_asked_for_and_published_once(site: Site, polling: Make) -> None:
    feeds = [Feed("harbour", site.url(f"harbour.example/{name}")) for name in ("world", "front")]
    made = polling(*feeds)
    link = site.url("harbour.example/road")
    site.pages |= {
        "harbour.example/world": Reply(rss(rss_item("A road", link + "?utm_source=rss", "w1", "Short."))),
        "harbour.example/front": Reply(rss(rss_item("A road is wider", link, "f1", "Shorter."))),
        "harbour.example/road": page("A road"),
    }
    for _ in range(3):
        made.once()
    assert len(published(made)) == 1
    assert len([path for path in site.paths() if path.startswith("/road")]) == 1


def test_nothing_is_left_of_an_article_that_is_taken_down(site: Site, polling: Make) -> None:
    made, address = polling("harbour.example/feed"), site.url("harbour.example/sold")
    kept = site.url("harbour.example/kept")
    site.pages["harbour.example/feed"] = Reply(
        rss(rss_item("Quellenbach buys", address, "f-1", "She pays at once."), rss_item("A wider road", kept, "f-2"))
    )
    site.pages["harbour.example/sold"] = site.pages["harbour.example/kept"] = Reply(b"", 503)
    made.once()
    state = PollState(made.ledger)
    value = {"source": "harbour", "url": f"{address}#top", "content": "Quellenbach"}
    state.save([], [(b"harbour/f-1", orjson.dumps(value)), (b"harbour/f-2", b'{"guid": "f-2"}')], now=1)

    def said() -> str:
        rows = made.ledger.transact(lambda db: db.query("SELECT * FROM poll_target ORDER BY id"), writes=False)
        return str(rows) + str(state.waiting(9))

    assert "Quellenbach" in said()
    assert state.forget([Named("harbour", address, "f-1")]) == [2]
    assert "Quellenbach" not in said()
    assert "A wider road" in said()
    assert [each.key for each in state.waiting(9)] == [b"harbour/f-2"]
    assert state.forget([Named("harbour", address, "f-1")]) == [0]
    site.pages["harbour.example/sold"] = page("Quellenbach buys")
    asked = len(site.asked)
    made.once()
    assert "/sold" not in {each.path for each in site.asked[asked:]}


def test_many_articles_are_taken_out_of_what_waits_at_once(polling: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    state = PollState(polling("harbour.example/feed").ledger)
    at = "https://harbour.example/"

    def waits(number: int, **members: object) -> tuple[bytes, bytes]:
        return b"harbour/%d" % number, orjson.dumps({"source": "harbour", "content": f"No. {number}", **members})

    events = [waits(number, url=f"{at}{number}?utm_source=rss", guid=f"g-{number % 7}") for number in range(1_000)]
    events += [waits(1_000, guid="alone"), waits(1_001, source="ferry", guid="alone"), waits(1_002, url="no address")]
    events.append(waits(1_003, url=f"{at}elsewhere", guid="alone"))
    state.save([], events, now=1)
    asked = list[str]()
    query = SqliteDatabase.query

    def noted(db: SqliteDatabase, sql: str, *more: Any) -> Any:
        asked.append(sql)
        return query(db, sql, *more)

    monkeypatch.setattr(SqliteDatabase, "query", noted)
    named = [Named("harbour", f"{at}{number}", "g-0") for number in range(0, 1_000, 2)]
    assert state.forget([*named, Named("harbour", None, "alone"), Named("harbour", f"{at}none", "alone")]) == [
        *(1 for _ in named), 1, 1
    ]  # fmt: skip
    reads = sum("poll_outbox" in sql for sql in asked)
    assert reads <= 1_004 / OUTBOX_ROWS + 2, "once for all of them"
    left = [each.key for each in state.waiting(2_000)]
    assert left == [key for number, (key, _) in enumerate(events) if number in {*range(1, 1_000, 2), 1_001, 1_002}]
    assert state.forget([]) == []
