"""Feeds: readable by others, the same bytes for the same articles, harmless whatever the articles say."""

from __future__ import annotations

import json
import xml.etree.ElementTree as Tree
from datetime import UTC, datetime
from html import unescape

import feedparser
import pytest

from newsflow.stores.reading import Change
from newsflow.web.access import ANYBODY
from newsflow.web.feeds import Feed, atom, json_feed, rss, web_address
from tests.stores.store_harness import row
from tests.web.world import Client, World

AT = datetime(2026, 3, 2, tzinfo=UTC)
FEED = Feed("urn:newsflow:topic:syria", "newsflow: syria", "http://h/topics/syria", "http://h/x", ANYBODY, texts=False)


@pytest.mark.parametrize("ending", ["atom", "rss"])
def test_a_feed_is_read_by_others(client: Client, world: World, ending: str) -> None:
    answer = client.get(f"/topics/syria.{ending}")
    found = feedparser.parse(answer.data, response_headers={"content-type": answer.headers["content-type"]})
    assert not found.bozo, found.get("bozo_exception")
    assert found.feed.title == "newsflow: syria"
    titles = {each.title for each in found.entries}
    assert {"River", "خط جديد للحافلات"} <= titles
    assert len({each.id for each in found.entries}) == len(found.entries) == 5
    assert all(each.link.startswith("https://") for each in found.entries)


def test_hostile_text_is_text_in_every_feed(client: Client) -> None:
    for ending in ("atom", "rss"):
        root = Tree.fromstring(client.get(f"/topics/syria.{ending}").data)
        names = {each.tag.rpartition("}")[2] for each in root.iter()}
        assert not names & {"script", "img"}
        text = client.get(f"/topics/syria.{ending}").data.decode()
        assert "\u202e" not in text
        assert "javascript:" not in text
    titles = [each.text or "" for each in Tree.fromstring(client.get("/topics/syria.rss").data).iter("title")]
    assert not any("<" in each for each in titles), "readers take a title of RSS for HTML"
    assert any("<script>" in unescape(each) for each in titles)
    for item in json.loads(client.get("/topics/syria.json").data)["items"]:
        assert "content_html" not in item


def test_what_atom_and_json_feed_ask_for(client: Client) -> None:
    root = Tree.fromstring(client.get("/topics/syria.atom").data)
    space = "{http://www.w3.org/2005/Atom}"
    for name in ("id", "title", "updated", "author"):
        assert len(root.findall(space + name)) == 1
    for entry in root.iter(space + "entry"):
        for name in ("id", "title", "updated", "published", "summary"):
            assert len(entry.findall(space + name)) == 1
        assert entry.findall(f"{space}link[@rel='alternate']")
    made = json.loads(client.get("/topics/syria.json").data)
    assert made["version"] == "https://jsonfeed.org/version/1.1"
    assert all({"id", "content_text", "date_published"} <= set(item) for item in made["items"])


def test_the_bytes_follow_from_the_articles() -> None:
    changes = [Change(1, AT, json.loads(row("a", authors=("A\ud7ff",)).value))]
    for write in (atom, rss, json_feed):
        assert write(FEED, changes) == write(FEED, changes)
        assert write(FEED, [])
    assert b"1970-01-01T00:00:00Z" in atom(FEED, [])


@pytest.mark.parametrize(
    ("given", "followed"),
    [("https://a.example/x?y=1&z=%D8%A7", "https://a.example/x?y=1&z=%D8%A7"), ("HTTP://A.example", "HTTP://A.example"),
     ("https://a.example/\"><b", "https://a.example/%22%3E%3Cb"), ("javascript:alert(1)", None), ("//a.example", None),
     ("https:///x", None), (None, None), (" https://a.example", None), ("data:text/html,x", None)],
)  # fmt: skip
def test_only_addresses_of_the_web_are_followed(given: str | None, followed: str | None) -> None:
    assert web_address(given) == followed
