"""Lists of feeds, robots.txt, and when something is asked again: all that is pure about polling."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from newsflow.errors import ConfigError
from newsflow.sources.feedlist import Feed, feeds_of, read_feeds, source_of, to_opml, to_yaml
from newsflow.sources.robots import read_robots
from newsflow.sources.timing import after_failure_s, next_interval_s, retry_after_s, share_of, with_jitter

NOW = datetime(2025, 3, 3, 6, tzinfo=UTC)
LISTED = [
    Feed("harbour-post", "https://harbour-post.example/feed", "Harbour Post", language="en"),
    Feed("tide.wire", "https://wire.tide.example/f.json", content="feed", every_s=900, robots=False,
         headers=(("Authorization", "env:TOKEN"),)),
]  # fmt: skip


def test_a_list_is_read_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "feeds.yaml"
    file.write_text(to_yaml(LISTED))
    assert read_feeds([file]) == LISTED
    assert file.read_text().startswith(
        "version: 1\nfeeds:\n- source: harbour-post\n  url: https://harbour-post.example/feed"
    )


def test_opml_of_others_and_our_own() -> None:
    opml = """<?xml version="1.0"?><opml version="1.1"><body><outline text="News"><outline text="Harbour &amp; Post"
        xmlUrl="https://www.Harbour-Post.example/feed" htmlUrl="https://www.harbour-post.example/"/></outline>
        <outline title="Tide" type="rss" XMLURL=" http://tide.example:8080/rss "/><outline text="a folder"/>
        <outline text="again" xmlUrl="https://www.Harbour-Post.example/feed"/><outline xmlUrl="feed://no"/></body></opml>"""
    assert [(each.source, each.url, each.title) for each in feeds_of(opml, "x.opml")] == [
        ("harbour-post.example", "https://www.Harbour-Post.example/feed", "Harbour & Post"),
        ("tide.example-8080", "http://tide.example:8080/rss", "Tide"),
    ]
    again = feeds_of(to_opml(LISTED), "x.opml")
    assert [(each.source, each.url) for each in again] == [(each.source, each.url) for each in LISTED]
    assert "TOKEN" not in to_opml(LISTED)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("feeds: [{source: a}]", "url"),
        ("feeds: [{source: A b, url: https://a.example/}]", r"x.yaml:1: feeds\[0\].source"),
        ("feeds: [{source: a, url: ftp://a.example/}]", "url"),
        ("feeds: [{source: a, url: https://a.example/, headers: {Authorization: secret}}]", "env:NAME"),
        ("feeds: [{source: a, url: https://a.example/, colour: red}]", "colour"),
        ("feeds: 5", "feeds"),
        ("", "x.yaml"),
        ("<opml><body/></opml>", "no outline with an xmlUrl"),
    ],
)
def test_a_list_that_is_wrong_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        feeds_of(text, "x.yaml")


def test_a_feed_that_stands_twice_is_refused(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(to_yaml(LISTED[:1]))
    with pytest.raises(ConfigError, match="stands twice"):
        read_feeds([tmp_path / "a.yaml", tmp_path / "b.yaml"])


def test_a_source_is_named_after_its_host() -> None:
    assert source_of("https://www.barid.example/feed", "https://x.example/") == "barid.example"
    assert source_of("nothing", "https://x.example/") == "x.example"
    assert source_of("nothing") == "unknown"


# robots.txt, by RFC 9309 and its examples.

ROBOTS = """User-Agent: *
Disallow: *.gif$
Disallow: /example/
Allow: /publications/

User-Agent: foobot
Disallow:/
Allow:/example/page.html
Allow:/example/allowed.gif

User-Agent: barbot
User-Agent: bazbot
Disallow: /example/page.html
Sitemap: https://a.example/news.xml

User-Agent: quxbot
"""


@pytest.mark.parametrize(
    ("agent", "path", "allowed"),
    [
        ("newsflow", "/a.gif", False),
        ("newsflow", "/a.gif?b", True),
        ("newsflow", "/example/page.html", False),
        ("newsflow", "/publications/example/", True),
        ("foobot", "/example/page.html", True),
        ("foobot", "/publications/", False),
        ("FooBot", "/example/allowed.gif", True),
        ("barbot", "/example/page.html", False),
        ("bazbot", "/a.gif", True),
        ("quxbot", "/example/", True),
        ("foobot", "/robots.txt", True),
    ],
)
def test_who_may_read_what(agent: str, path: str, allowed: bool) -> None:
    robots = read_robots(ROBOTS, agent)
    assert robots.allows(f"https://a.example{path}") is allowed
    assert robots.sitemaps == ("https://a.example/news.xml",)


@pytest.mark.parametrize(
    ("rules", "path", "allowed"),
    [
        ("Allow: /p\nDisallow: /", "/page", True),
        ("Allow: /folder\nDisallow: /folder", "/folder/page", True),
        ("Allow: /page\nDisallow: /*.htm", "/page.htm", False),
        ("Allow: /$\nDisallow: /", "/", True),
        ("Allow: /$\nDisallow: /", "/page.htm", False),
        ("Disallow: /fish*.php", "/fishheads/catfish.php?id=2", False),
        ("Disallow: /fish*.php", "/Fish.PHP", True),
        ("Disallow: /море", "/%D0%BC%D0%BE%D1%80%D0%B5/1", False),
        ("Disallow:", "/page", True),
        ("Disallow: " + "*a" * 40 + "b", "/" + "a" * 4_000, True),
        ("Disallow: /a*a$", "/a", True),
    ],
)
def test_the_longest_rule_that_matches_holds(rules: str, path: str, allowed: bool) -> None:
    assert read_robots(f"user-agent: *\n{rules}", "newsflow").allows(f"https://a.example{path}") is allowed


@pytest.mark.parametrize(("text", "delay_s"), [("10", 10), ("0.5", 0.5), ("a day", 0), ("99999", 300), ("-1", 0)])
def test_the_delay_that_a_site_asks_for(text: str, delay_s: float) -> None:
    robots = read_robots(f"\ufeffUser-agent: *\nCrawl-delay: {text} # seconds", "newsflow")
    assert robots.delay_s == delay_s


# When.


def test_an_interval_follows_what_is_published_within_its_bounds() -> None:
    def after(last_s: float, new: int, of: int = 20, told_s: float | None = None, first: bool = False) -> float:
        return next_interval_s(last_s, new, of, first=first, least_s=300, most_s=86_400, told_s=told_s)

    assert after(1_800, 20, first=True) == 1_800
    assert after(1_800, 0) == 2_250
    assert after(1_800, 1) == 1_800
    assert after(1_800, 5) == 900
    assert after(400, 5) == 300
    assert after(80_000, 0) == 86_400
    assert after(1_800, 5, told_s=3_600) == 3_600
    assert after(1_800, 18, told_s=3_600) == 300, "some were perhaps missed"


def test_failures_make_it_longer_and_jitter_parts_what_was_together() -> None:
    waits = [after_failure_s(1_800, failures, 86_400, 1.0) for failures in (1, 2, 3, 10)]
    assert waits == [1_800, 3_600, 7_200, 86_400]
    shares = {share_of(name, 5) for name in "abcdefgh"}
    assert len(shares) == 8
    assert all(90 <= with_jitter(100, share) <= 110 for share in shares)
    assert share_of("a", 5) == share_of("a", 5) != share_of("a", 6)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        (format_datetime(NOW + timedelta(minutes=5), usegmt=True), 300),
        (format_datetime(NOW - timedelta(minutes=5), usegmt=True), 0),
        ("99999999999999", 30 * 86_400),
        ("soon", None),
        ("", None),
        ("-5", None),
    ],
)
def test_what_retry_after_says(text: str, seconds: float | None) -> None:
    assert retry_after_s(text, NOW) == seconds
