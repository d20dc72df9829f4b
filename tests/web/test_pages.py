"""Pages: whole without scripts, harmless whatever articles say, and of other topics nothing."""

from __future__ import annotations

from itertools import pairwise

import pytest
from lxml import html

from newsflow.web.texts import Edit, Piece, Span, direction, edits, marked
from tests.web.world import HOSTILE, SECRET, SYRIA, Client, World

OPEN = ("/", "/topics", "/topics/syria", "/stories/{ferry}", "/articles/{river}", "/articles/{arabic}", "/articles/{hostile}",
        "/search", "/search?q=ferry&topic=&language=&source=", "/search?q=%D9%85%D8%AF%D9%8A%D9%86%D9%87&language=ar",
        "/duplicates")  # fmt: skip
WHOLE = ("/articles/{river}/changes", "/articles/{river}/changes?from=1&to=2", "/articles/{river}/beside/{copy}")
OPERATORS = ("/alerts", "/dead-letters", "/trace", "/trace?q={river}", "/sources", "/status")


def at(path: str, world: World, client: Client) -> str:
    if "{copy}" in path:
        [held] = client.json(f"/v1/duplicates?original={world.ids['river']}")["items"]
        path = path.replace("{copy}", held["copy"]["id"])
    return path.format(**world.ids)


def page(client: Client, path: str, status: int = 200) -> html.HtmlElement:
    answer = client.get(path, Accept="text/html")
    assert answer.status == status, (path, answer.data[:500])
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return html.fromstring(answer.data.decode())


@pytest.mark.parametrize("path", [*OPEN, *WHOLE, *OPERATORS])
def test_every_page_is_whole_and_harmless(client: Client, world: World, path: str) -> None:
    answer = client.get(at(path, world, client), Accept="text/html")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    root = page(client, at(path, world, client))
    assert [each.get("src") for each in root.iter("script")] == ["/static/live.js"]
    assert not list(root.iter("img", "iframe", "style", "object", "base"))
    for each in root.iter():
        assert not [name for name in each.keys() if name.startswith("on") or name == "style"]  # noqa: SIM118
        for name in ("href", "src", "action"):
            address = each.get(name, "/")
            assert address.startswith(("/", "#", "https://")), address
            assert not address.startswith("https://") or each.tag == "a", "nothing is fetched from elsewhere"
    text = root.text_content()
    assert not set(text) & set("\u202a\u202b\u202d\u202e\x07\x00")
    assert len(root.findall(".//h1")) == 1
    levels = [int(each.tag[1]) for each in root.iter("h1", "h2", "h3")]
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    assert len({each.get("id") for each in root.iter() if each.get("id")}) == sum(
        1 for each in root.iter() if each.get("id")
    )


def test_hostile_text_is_shown_as_text(client: Client, world: World) -> None:
    root = page(client, f"/articles/{world.ids['hostile']}")
    assert '<script>alert("x")</script>' in root.text_content()
    assert HOSTILE[-50:] in root.findtext(".//article/p", ""), "the text is whole, however long its words"


def test_words_that_tagged_are_marked_and_text_has_its_direction(client: Client, world: World) -> None:
    root = page(client, f"/articles/{world.ids['arabic']}")
    [shown] = root.iter("article")
    assert (shown.get("lang"), shown.get("dir")) == ("ar", "rtl")
    [mark] = root.iter("mark")
    assert (mark.text, mark.get("title")) == ("النورس", "syria: النورس")
    ferry = page(client, f"/articles/{world.ids['ferry']}")
    assert {each.text for each in ferry.iter("mark")} == {"Ostrovanka"}


def test_what_changed_and_what_a_copy_shares(client: Client, world: World) -> None:
    changed = page(client, f"/articles/{world.ids['river']}/changes")
    assert next(each.text_content().strip() for each in changed.iter("del")) == "73"
    assert next(each.text_content().strip() for each in changed.iter("ins")) == "81"
    beside = page(client, at(WHOLE[2], world, client))
    assert "duplicate: the matching texts are equal" in beside.text_content()
    assert len(list(beside.iter("article"))) == 2
    page(client, f"/articles/{world.ids['river']}/changes?from=1&to=7", status=404)
    page(client, f"/articles/{world.ids['river']}/beside/{world.ids['ferry']}", status=404)


def test_the_life_of_an_article(client: Client, world: World) -> None:
    [link] = page(client, f"/articles/{world.ids['river']}").xpath("//a[starts-with(@href, '/trace?')]/@href")
    told = page(client, link)
    kinds = [each.text_content() for each in told.xpath("//tbody/tr/td[1]")]
    assert kinds.count("published") == 2
    assert kinds[0] == "added"
    [held] = client.json(f"/v1/duplicates?original={world.ids['river']}")["items"]
    copied = page(client, f"/trace?q={held['copy']['id']}")
    assert copied.xpath(f"//a[@href='/articles/{world.ids['river']}']")
    assert "nothing of it" in page(client, "/trace?q=%D8%B3nobody").text_content()


def test_what_is_new_since_the_last_visit(client: Client) -> None:
    first = client.get("/", Accept="text/html")
    cookie = first.headers["set-cookie"]
    assert "HttpOnly" in cookie
    number = int(cookie.partition("=")[2].partition(";")[0])
    newest = client.json("/v1/articles?limit=1")["items"][0]["number"]
    again = client.get("/", Accept="text/html", Cookie=f"newsflow-seen={newest - 1}").data.decode()
    assert "new or changed since" in again
    assert again.count('class="new"') == 1
    assert "new or changed since" not in client.get("/", Cookie=f"newsflow-seen={number}").data.decode()
    assert client.get("/", Cookie="newsflow-seen=x").status == 200


def test_a_search_shows_the_subscription_it_would_be(client: Client) -> None:
    shown = page(client, "/search?q=ferry+sinks&topic=syria&language=en&source=")
    [text] = [each.text_content() for each in shown.iter("pre")]
    from newsflow.yamlfile import parse_yaml

    [made] = parse_yaml(text, "page").value["subscriptions"]
    assert made["match"] == {"topics": {"any": ["syria"]}, "languages": ["en"], "rule": {"all": ["ferry", "sinks"]}}
    assert shown.xpath("//a[contains(@href, 'search.atom?q=ferry')]")


@pytest.mark.parametrize("path", OPEN)
def test_one_topic_s_reader_sees_nothing_of_another(base: str, world: World, path: str) -> None:
    scoped = Client(base, SYRIA)
    text = page(scoped, at(path, world, scoped)).text_content()
    for unseen in (SECRET, "russia", "outlet-3", "Quarrim", "Dead letters"):
        assert unseen not in text, unseen
    assert "The army sent" not in text, "an excerpt"


def test_one_topic_s_reader_is_refused_the_rest(base: str, world: World) -> None:
    scoped = Client(base, SYRIA)
    for path in (*OPERATORS, *WHOLE):
        page(scoped, at(path, world, scoped), status=403)
    for path in ("/articles/{secret}", "/stories/{strike}", "/topics/russia", "/search?topic=russia", "/?topic=russia"):
        page(scoped, path.format(**world.ids), status=404)
    for path in ("/articles/{gone}", "/nowhere", "/topics/nothing"):
        page(Client(base), path.format(**world.ids), status=404)


def test_marks_and_edits() -> None:
    text = "ab\u202ecd\n\nefg"
    assert marked(text, [Span(1, 4, "x"), Span(3, 8, "y"), Span(5, 99, "beyond"), Span(4, 4, "empty")]) == [
        (Piece("a"), Piece("b\ufffd", "x"), Piece("c", "x, y"), Piece("d", "y")), (Piece("e", "y"), Piece("fg")),
    ]  # fmt: skip
    assert marked("", []) == []
    assert edits("one two three four five\nsix", "one two three nine five\nsix\nseven") == [
        [Edit("kept", "one two three"), Edit("gone", " four"), Edit("new", " nine"), Edit("kept", " five")],
        [Edit("kept", "six")],
        [Edit("new", "seven")],
    ]
    assert [direction(each) for each in ("ar-EG", "he", "en", "und", "")] == ["rtl", "rtl", "ltr", "auto", "auto"]
