"""Documents of every form and many sins, each with what its specification, or the plain meaning of its words, says."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsflow.sources.items import MADE_GUID, has_whole_text, known_items
from newsflow.sources.parse import Item, NotAFeedError, announced_feeds, parse_feed, web_address
from tests.sources.site import rss, rss_item

URL = "https://tide.example/news/feed.xml"
ATOM = 'xmlns="http://www.w3.org/2005/Atom"'


@dataclass(frozen=True)
class Case:
    """A document, and what is read of its first item and of itself."""

    body: bytes | str
    item: dict[str, Any] = field(default_factory=dict)
    document: dict[str, Any] = field(default_factory=dict)
    items: int = 1
    headers: dict[str, str] = field(default_factory=dict)


def atom(entry: str, channel: str = "", attributes: str = "") -> str:
    return f'<?xml version="1.0"?><feed {ATOM} {attributes}><title>Tide</title>{channel}<entry>{entry}</entry></feed>'


def json_feed(*items: dict[str, Any], **members: Any) -> bytes:
    return orjson.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "Tide", "items": items} | members)


CASES = {
    "RSS 0.91": Case(
        '<rss version="0.91"><channel><title>Tide</title><language>en-gb</language><item><title>Low water</title>'
        "<link>https://tide.example/1</link><description>At noon.</description></item></channel></rss>",
        {"title": "Low water", "link": "https://tide.example/1", "summary": "At noon.", "guid": None},
        {"kind": "rss", "title": "Tide", "language": "en-gb"},
    ),
    "RSS 0.92 item without a title": Case(
        '<rss version="0.92"><channel><item><description>Only words.</description></item></channel></rss>',
        {"title": None, "link": None, "summary": "Only words."},
    ),
    "RSS 1.0 in RDF": Case(
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="https://tide.example/"><title>Tide</title></channel>'
        '<item rdf:about="https://tide.example/1"><title>High water</title><link>https://tide.example/1</link>'
        "<dc:creator>Mira Sand</dc:creator><dc:date>2025-03-03T08:00:00+03:00</dc:date><dc:subject>Sea</dc:subject>"
        "</item></rdf:RDF>",
        {"title": "High water", "guid": "https://tide.example/1", "authors": ("Mira Sand",), "section": "Sea",
         "published": "2025-03-03T08:00:00+03:00"},
        {"kind": "rss"},
    ),
    "RSS 2.0 with a guid that is an address": Case(
        rss(rss_item("One", guid="https://tide.example/one")),
        {"link": "https://tide.example/one", "guid": "https://tide.example/one"},
    ),
    "RSS 2.0 with a guid that is none": Case(
        rss('<item><title>One</title><guid isPermaLink="false">https://tide.example/one</guid></item>'),
        {"link": None, "guid": "https://tide.example/one"},
    ),
    "RSS 2.0 with a guid that is a number": Case(rss(rss_item("One", guid="4711")), {"link": None, "guid": "4711"}),
    "an address with a space, and one that is broken over lines": Case(
        rss(rss_item("One", " https://tide.example/low water/1 "), rss_item("Two", "https://tide.example/\n    two\n")),
        {"link": "https://tide.example/low%20water/1"}, items=2,
    ),
    "RSS 2.0 with the whole text": Case(
        rss(rss_item("One", "/one", "1", "Short.", "<content:encoded><![CDATA[<p>Long.</p>]]></content:encoded>")),
        {"link": "https://tide.example/one", "content": "<p>Long.</p>", "summary": "Short."},
    ),
    "RSS 2.0 that says how often it changes": Case(rss(rss_item("One"), channel="<ttl>45</ttl>"), {}, {"every_s": 2700.0}),
    "RSS with the syndication module": Case(
        rss(rss_item("One"), channel="<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>"),
        {}, {"every_s": 21600.0},
    ),
    "RSS with several authors, and the same twice": Case(
        rss(rss_item("One", more="<dc:creator>A. Reed</dc:creator><dc:creator>B. Rush</dc:creator><author>B. Rush</author>")),
        {"authors": ("A. Reed", "B. Rush")},
    ),
    "Atom 1.0": Case(
        atom("<id>tag:tide.example,2025:1</id><title>One</title><link href='https://tide.example/1'/>"
             "<link rel='enclosure' href='https://tide.example/1.mp3'/><updated>2025-03-03T08:00:00Z</updated>"
             "<published>2025-03-02T08:00:00Z</published><author><name>Mira Sand</name></author><summary>Short.</summary>"),
        {"guid": "tag:tide.example,2025:1", "link": "https://tide.example/1", "published": "2025-03-02T08:00:00Z",
         "updated": "2025-03-03T08:00:00Z", "authors": ("Mira Sand",), "summary": "Short."},
        {"kind": "atom", "title": "Tide"},
    ),
    "Atom without published": Case(atom("<title>One</title><updated>2025-03-03T08:00:00Z</updated>"),
                                   {"published": "2025-03-03T08:00:00Z"}),
    "Atom with xml:base and relative links": Case(
        atom("<title>One</title><link href='one'/>", attributes='xml:base="https://tide.example/archive/"'),
        {"link": "https://tide.example/archive/one"},
    ),
    "Atom with a self link first": Case(
        atom("<title>One</title><link rel='self' href='/api/1'/><link rel='alternate' type='text/html' href='/1'/>"),
        {"link": "https://tide.example/1"},
    ),
    "Atom with XHTML": Case(
        atom('<title>One</title><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Long.</p></div></content>'),
        {"content": "<p>Long.</p>", "is_text": False},
    ),
    "Atom with text": Case(atom("<title>One</title><content type='text'>A &lt; B.</content>"), {"content": "A < B."}),
    "Atom with a title in HTML": Case(atom('<title type="html">&lt;b&gt;Tide&lt;/b&gt; &amp;amp; time</title>'),
                                      {"title": "Tide & time"}),
    "Atom with a title in text that speaks of a tag": Case(
        atom('<title type="text">How &lt;blink&gt; was drowned</title>'), {"title": "How <blink> was drowned"}
    ),
    "Atom with a title that says it is text, and is not": Case(
        atom("<title>The &lt;i&gt;Gull&lt;/i&gt; &amp;amp; her crew&lt;br&gt;</title>"), {"title": "The Gull & her crew"}
    ),
    "Atom 0.3": Case(
        '<feed version="0.3" xmlns="http://purl.org/atom/ns#"><title>Tide</title><entry><title>One</title>'
        '<link rel="alternate" href="https://tide.example/1"/><issued>2025-03-03T08:00:00Z</issued></entry></feed>',
        {"title": "One", "link": "https://tide.example/1", "published": "2025-03-03T08:00:00Z"},
    ),
    "JSON Feed 1.1": Case(
        json_feed({"id": "1", "url": "/1", "title": "One", "content_html": "<p>Long.</p>", "summary": "Short.",
                   "date_published": "2025-03-03T08:00:00Z", "authors": [{"name": "Mira Sand"}], "tags": ["Sea"]},
                  language="en"),
        {"guid": "1", "link": "https://tide.example/1", "content": "<p>Long.</p>", "summary": "Short.", "section": "Sea",
         "authors": ("Mira Sand",), "published": "2025-03-03T08:00:00Z", "is_text": False},
        {"kind": "json", "language": "en"},
    ),
    "JSON Feed 1.0 with an author, a number for an id and text": Case(
        json_feed({"id": 7, "content_text": "1 < 2", "author": {"name": "A. Reed"}, "external_url": "https://x.example/"}),
        {"guid": "7", "content": "1 < 2", "is_text": True, "authors": ("A. Reed",), "link": "https://x.example/"},
    ),
    "JSON Feed with members of other types": Case(
        json_feed({"id": {"a": 1}, "title": 5, "tags": "Sea", "authors": "me", "url": 9}, title=[1]), {"title": None}, {"title": None}
    ),
    "a feed under a wrong type": Case(rss(rss_item("One")), {"title": "One"}, headers={"content-type": "text/html"}),
    "us-ascii for a type without a charset": Case(
        "<?xml version='1.0'?><rss version='2.0'><channel><item><title>Море</title></item></channel></rss>",
        {"title": "Море"}, headers={"content-type": "text/xml"},
    ),
    "Windows-1256 by the declaration": Case(
        "<?xml version='1.0' encoding='windows-1256'?><rss version='2.0'><channel><item><title>ميناء"
        "</title></item></channel></rss>".encode("windows-1256"), {"title": "ميناء"},
    ),
    "the server's charset over the declaration": Case(
        "<?xml version='1.0' encoding='iso-8859-1'?><rss version='2.0'><channel><item><title>Море</title></item>"
        "</channel></rss>".encode("koi8-r"), {"title": "Море"}, headers={"content-type": "text/xml; charset=koi8-r"},
    ),
    "UTF-16 with a byte order mark": Case(
        "<?xml version='1.0' encoding='utf-16'?><rss version='2.0'><channel><item><title>Море</title></item></channel></rss>"
        .encode("utf-16"), {"title": "Море"},
    ),
    "the encoding of mainframes": Case(
        "<?xml version='1.0' encoding='cp500'?><rss version='2.0'><channel><item><title>Low [water]!</title></item>"
        "</channel></rss>".encode("cp500"), {"title": "Low [water]!"},
    ),
    "broken UTF-8 in one place": Case(
        rss(rss_item("Море и порт", text="Волна XX берег")).replace(b"XX", b"\xff\xfe"), {"title": "Море и порт"}
    ),
    "not well-formed": Case(
        "<rss version='2.0'><channel><item><title>Tide & time</title><description>a <br> b</description></item>",
        {"title": "Tide & time"},
    ),
    "a control character": Case(rss(rss_item("One \x0b two")), {}),
    "junk before the declaration": Case(b"\n\n  " + rss(rss_item("One")), {"title": "One"}),
    "entities of HTML": Case(rss(rss_item("Caf&eacute; &mdash; open")), {"title": "Café — open"}),
    "an entity that would take all memory": Case(
        '<!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;">'
        ']><rss version="2.0"><channel><item><title>&c;</title><link>https://tide.example/1</link></item></channel></rss>',
        {"link": "https://tide.example/1"},
    ),
    "a news sitemap": Case(
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
        'xmlns:n="http://www.google.com/schemas/sitemap-news/0.9"><url><loc> https://tide.example/1 </loc><n:news>'
        "<n:publication><n:name>Tide</n:name><n:language>ar</n:language></n:publication>"
        "<n:publication_date>2025-03-03</n:publication_date><n:title>One</n:title></n:news></url><url><loc>ftp://x/</loc></url></urlset>",
        {"link": "https://tide.example/1", "title": "One", "published": "2025-03-03", "language": "ar"}, {"kind": "sitemap"},
    ),
    "a sitemap index": Case(
        '<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><sitemap><loc>/a.xml</loc></sitemap><sitemap>'
        "<loc>/b.xml</loc><lastmod>2025-03-03</lastmod></sitemap></sitemapindex>", {},
        {"kind": "index", "children": (("https://tide.example/b.xml", "2025-03-03"), ("https://tide.example/a.xml", None))}, 0,
    ),
    "a page with links": Case(
        '<html><head><base href="/archive/"></head><body><a href="one">The tide was late on Monday evening</a>'
        '<a href="https://tide.example/">The front page of the Tide, all of it</a></body></html>',
        {"link": "https://tide.example/archive/one", "title": "The tide was late on Monday evening"}, {"kind": "page"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_document_is_read_as_it_is_meant(name: str) -> None:
    case = CASES[name]
    body = case.body.encode() if isinstance(case.body, str) else case.body
    found = parse_feed(body, URL, case.headers)
    assert len(found.items) == case.items
    assert {key: getattr(found, key) for key in case.document} == case.document
    if case.items:
        assert {key: getattr(found.items[0], key) for key in case.item} == case.item


@pytest.mark.parametrize("body", [b"", b"  \n", b"\x00\x01\x02", b"{}", b"[1, 2]", b"just words", b"<html></html>"])
def test_what_is_no_feed_says_so(body: bytes) -> None:
    with pytest.raises(NotAFeedError, match="a feed"):
        parse_feed(body, URL)


@given(st.binary(max_size=300) | st.builds(lambda head, tail: head + tail, st.sampled_from(
    [b"<rss><channel><item>", b"<feed><entry>", b"<urlset>", b'{"items": [', b"<html><a href='", b"<!DOCTYPE x ["]
), st.binary(max_size=200)))  # fmt: skip
def test_any_bytes_are_a_document_or_none(body: bytes) -> None:
    with suppress(NotAFeedError):
        known_items(parse_feed(body, URL).items)


@pytest.mark.parametrize("unit", [
    b"<", b"<a ", b"&", b"&a;", b"<a>", b"<title>", b"<![CDATA[", b"<!--", b"</item><item>", b"<?", b" ", b"<a b=\"",
    b"encoding='", b"<!ENTITY ", b"<!ENTITY a 'b'>", b"\xff", b"<a href='/x'>A title that is long enough</a>",
])  # fmt: skip
@pytest.mark.parametrize(
    "head", [b"<rss version='2.0'><channel><item>", b"<?xml version='1.0' ", b"<!DOCTYPE x [", b"<html>"]
)
def test_time_grows_with_the_document_and_not_with_its_square(head: bytes, unit: bytes) -> None:
    def spent_s(size: int) -> float:
        began = time.process_time()
        with suppress(NotAFeedError):
            known_items(parse_feed(head + unit * (size // len(unit)), URL).items)
        return time.process_time() - began

    # Eight times as much takes sixty-four times as long where it grows with the square; what takes no time is not told.
    assert spent_s(40_000) < 24 * max(spent_s(5_000), 0.02)


def test_feeds_that_a_page_announces() -> None:
    body = b"""<html><head><link rel="alternate" type="application/rss+xml" title="News" href="/feed">
        <link rel="ALTERNATE home" type="application/atom+xml; charset=utf-8" href="https://tide.example/atom">
        <link rel="alternate" hreflang="ar" href="/ar"><link rel="alternate" type="application/feed+json" href="feed.json">
        <link rel="stylesheet" type="text/xml" href="/style"></head></html>"""
    assert announced_feeds(body, "https://tide.example/news/", {}) == [
        "https://tide.example/feed",
        "https://tide.example/atom",
        "https://tide.example/news/feed.json",
    ]


# What an item is known by.


def names(*items: Item) -> list[tuple[str | None, str | None]]:
    return [(each.url, each.guid) for each in known_items(items)]


def test_an_address_names_an_item_whatever_guid_stands_beside_it() -> None:
    first, second = (known_items([Item("https://a.example/news/1", guid, "One")])[0] for guid in ("x", "y"))
    assert first.key == second.key
    assert first.digest == second.digest
    assert known_items([Item("https://www.a.example/news/1?utm_source=rss", "z", "One")])[0].key == first.key


def test_a_guid_that_several_addresses_share_names_none_of_them() -> None:
    one, two = "https://a.example/news/1", "https://a.example/news/2"
    assert names(Item(one, "same", "One"), Item(two, "same", "Two")) == [(one, None), (two, None)]
    assert names(Item(one, "same", "One"), Item(one, "same", "One")) == [(one, "same")]


def test_an_address_that_several_items_share_names_none_of_them() -> None:
    live = "https://a.example/live"
    assert names(Item(live, "1", "At nine"), Item(live, "2", "At ten")) == [(None, "1"), (None, "2")]
    assert names(Item("https://a.example/", "1", "One")) == [(None, "1")]


def test_what_has_no_name_is_known_by_its_text() -> None:
    [(url, first)] = names(Item(title="One", summary="Words."))
    [(_, second)] = names(Item(title="One", summary="Other words."))
    assert url is None
    assert first is not None
    assert first.startswith(MADE_GUID)
    assert first != second
    titles = names(Item(guid="same", title="One"), Item(guid="same", title="Two"))
    assert len({guid for _, guid in titles}) == 2


@pytest.mark.parametrize(
    ("content", "summary", "wanted", "whole"),
    [
        ("<p>" + "Words of an article. " * 40 + "</p>", "", "auto", True),
        ("<p>" + "Words of an article. " * 40 + "</p>", "", "page", False),
        ("<p>Short.</p>", "", "auto", False),
        ("<p>Short.</p>", "", "feed", True),
        ("<p>" + "Words of an article. " * 40 + "[&hellip;]</p>", "", "auto", False),
        ("<p>" + "Words of an article. " * 40 + '</p><a href="/1">Read more</a> &raquo;', "", "auto", False),
        ("<p>" + "Слова статьи. " * 60 + "<a>Читать далее</a></p>", "", "auto", False),
        ("", "Words of an article. " * 40, "auto", False),
        ("", "Words of an article. " * 100, "auto", True),
    ],
)
def test_whether_a_feed_has_the_whole_text(content: str, summary: str, wanted: str, whole: bool) -> None:
    [known] = known_items([Item("https://a.example/news/1", title="One", content=content, summary=summary)])
    assert has_whole_text(known, wanted) is whole


_PARTS = ["a", "b.c", ".", "-", "/", "..", "?", "#", ":", "8", "[", "]", "@", "%2F", ";", "é", "\n", " ", "x" * 4_080]


@given(st.sampled_from(["http://", "https://", "HTTP://", "ftp://", ""]), st.lists(st.sampled_from(_PARTS), max_size=8))
def test_an_address_in_which_nothing_is_to_be_mended_is_what_mending_makes_of_it(scheme: str, parts: list[str]) -> None:
    address = scheme + "".join(parts)
    assert web_address(address, "") == web_address(f" {address}", "")
