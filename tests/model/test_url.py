# ruff: noqa: SIM905 - rows of words
"""Canonical URLs: one name for one article, never one for two."""

from __future__ import annotations

import string
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from newsflow.model.former_url import former_url
from newsflow.model.url import canonicalise_url, is_homepage

SAME = [
    ("https://www.merrow.example/a/story", "http://merrow.example/a/story"),
    ("http://http://www.merrow.example/a", "http://merrow.example/a"),
    ("https:https://merrow.example/a", "http://merrow.example/a"),
    ("http//merrow.example/a", "http://merrow.example/a"),
    ("http:/merrow.example/a", "http://merrow.example/a"),
    ("http:\\\\www.merrow.example\\a\\b", "http://merrow.example/a/b"),
    ("//merrow.example/a", "http://merrow.example/a"),
    ("www.merrow.example/a", "http://merrow.example/a"),
    ("  https://merrow.example/a\n", "http://merrow.example/a"),
    ("https://merrow.example:/a", "http://merrow.example/a"),
    ("https://merrow.example:443/a", "http://merrow.example/a"),
    ("http://merrow.example:8080/a", "http://merrow.example:8080/a"),
    ("https://MERROW.example./a", "http://merrow.example/a"),
    ("https://reader:secret@merrow.example/a", "http://merrow.example/a"),
    ("https://m.merrow.example/a", "http://merrow.example/a"),
    ("https://ar.m.merrow.example/a", "http://ar.merrow.example/a"),
    ("https://amp.merrow.example/a", "http://merrow.example/a"),
    ("https://merrow.example/a/amp/", "http://merrow.example/a"),
    ("https://merrow.example/a.amp.html", "http://merrow.example/a"),
    ("https://merrow.example/amp/a/b", "http://merrow.example/a/b"),
    ("https://merrow.example/a?amp=1", "http://merrow.example/a"),
    ("https://merrow-example.cdn.ampproject.org/c/s/merrow.example/a", "http://merrow.example/a"),
    ("https://www.google.com/amp/s/www.merrow.example/a/b", "http://merrow.example/a/b"),
    ("https://merrow.example/a/", "http://merrow.example/a"),
    ("https://merrow.example//a/./c/../b", "http://merrow.example/a/b"),
    ("https://merrow.example", "http://merrow.example/"),
    ("https://merrow.example/a#top", "http://merrow.example/a"),
    ("https://merrow.example/a?utm_source=x&id=7&fbclid=y", "http://merrow.example/a?id=7"),
    ("https://merrow.example/a?b=2&a=1&amp;c=3", "http://merrow.example/a?a=1&b=2&c=3"),
    ("https://merrow.example/a?print&empty=", "http://merrow.example/a"),
    ("https://merrow.example/a?12345", "http://merrow.example/a?12345"),
    ("https://merrow.example/a?harbour-wall", "http://merrow.example/a?harbour-wall"),
    ("https://merrow.example/news/amp/world-1", "http://merrow.example/news/world-1"),
    ("https://merrow.example/amphtml/news/1", "http://merrow.example/news/1"),
    ("https://merrow.example/a;jsessionid=AB12?id=3", "http://merrow.example/a?id=3"),
    ("https://merrow.example/(S(lit3py55t21z5v55vlm25s55))/a.aspx?id=3", "http://merrow.example/a.aspx?id=3"),
    ("https://merrow.example/a?id=7?utm_source=rss", "http://merrow.example/a?id=7"),
    ("https://merrow.example/a??id=7", "http://merrow.example/a?id=7"),
    ("https://merrow.example/a?id=7&amp;amp;utm_medium=x", "http://merrow.example/a?id=7"),
    ("https://merrow.example/a b?c=d e", "http://merrow.example/a%20b?c=d%20e"),
    ("https: //merrow.example/a", "http://merrow.example/a"),
    ("https://merrow.example/#!/news/1201/", "http://merrow.example/#!/news/1201"),
    ("https://merrow.example/a#!/comments", "http://merrow.example/a"),
    ("https://merrow.example/#/", "http://merrow.example/"),
    ("https://merrow.example/app?lang=en#!/news/1201", "http://merrow.example/app?lang=en#!/news/1201"),
    ("https://merrow.example/a?harbour-wall=&empty=", "http://merrow.example/a?harbour-wall"),
    ("https://merrow.example/خبر/1", "http://merrow.example/%D8%AE%D8%A8%D8%B1/1"),
    ("https://merrow.example/%d8%ae%d8%a8%d8%b1/1", "http://merrow.example/%D8%AE%D8%A8%D8%B1/1"),
    ("https://ميناء.example/a", "http://xn--mgb8da3j.example/a"),
    ("http://[2001:DB8::1]:80/a", "http://[2001:db8::1]/a"),
    ("http://192.0.2.7/a", "http://192.0.2.7/a"),
]


@pytest.mark.parametrize(("url", "expected"), SAME)
def test_forms_of_one_url(url: str, expected: str) -> None:
    if "ميناء" in url:
        expected = f"http://{'ميناء'.encode('idna').decode()}.example/a"
    assert canonicalise_url(url) == expected
    assert canonicalise_url(expected) == expected


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("http://merrow.example/Story-AbC", "http://merrow.example/story-abc"),
        ("http://merrow.example/a?id=1", "http://merrow.example/a?id=2"),
        ("http://merrow.example/a?cid=1", "http://merrow.example/a?cid=2"),
        ("http://merrow.example/a?eid=81", "http://merrow.example/a?eid=82"),
        ("http://merrow.example/?12", "http://merrow.example/?13"),
        (
            "http://merrow.example/modules.php?name=News&sid=1200",
            "http://merrow.example/modules.php?name=News&sid=1201",
        ),
        ("http://merrow.example/#!/news/1200", "http://merrow.example/#!/news/1201"),
        ("http://merrow.example/a?harbour", "http://merrow.example/a?bridge"),
        ("http://merrow.example/r?u=http://x.example/?a=1", "http://merrow.example/r?u=http://x.example/?a=2"),
        ("http://merrow.example/a%2Fb", "http://merrow.example/a/b"),
        ("http://merrow.example/a", "http://merrow.example/b"),
        ("http://m.co.uk/a", "http://co.uk/a"),
        ("http://merrow.example:8080/a", "http://merrow.example/a"),
    ],
)
def test_different_articles_stay_apart(first: str, second: str) -> None:
    assert canonicalise_url(first) != canonicalise_url(second)


@pytest.mark.parametrize(
    "url",
    ["", " ", "x", "/a/b", "?id=1", "#", "mailto:a@merrow.example", "javascript:alert(1)", "ftp://merrow.example/a", "http://",
     "http:///", "http://localhost/a", "http://a_b", "http://merrow.example:99999/", "http://merrow.example:x/", "http://[::1",
     "http://999.1.1.1/", "http://-merrow.example/", "http://mer row", "data:text/html,x", "http://" + "a" * 70 + ".example/", "http://merrow.example/" + "a" * 5000],
)  # fmt: skip
def test_what_is_no_url_raises_and_says_so(url: str) -> None:
    with pytest.raises(ValueError, match="not a web URL"):
        canonicalise_url(url)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://merrow.example/m.php?sid=1200", "http://merrow.example/m.php"),
        ("https://merrow.example/news/amp/1?oc=5", "http://merrow.example/news/amp/1?oc=5"),
        ("https://merrow.example/a b;jsessionid=1?print", "http://merrow.example/ab;jsessionid=1"),
        ("https://merrow.example/a", None),
        ("https://merrow/a?b=1", None),
    ],
)
def test_names_that_release_01_gave(url: str, name: str | None) -> None:
    assert former_url(url) == name


HOSTS = st.sampled_from(["merrow.example", "www.merrow.example", "m.merrow.co.uk", "اخبار.example", "a.b.c.example"])
TOKEN = st.text(string.ascii_letters + string.digits + "-_.", min_size=1, max_size=12)
PATHS = st.lists(st.one_of(TOKEN, st.text("ابتثجح خ", min_size=1, max_size=8)), max_size=5).map("/".join)
QUERIES = st.dictionaries(TOKEN, TOKEN, max_size=4)
TRACKERS = st.dictionaries(
    st.sampled_from(
        "utm_source utm_medium utm_campaign utm_id fbclid gclid dclid msclkid yclid igshid mc_cid mc_eid _ga ref_src "
        "wt_mc cmpid smid ncid icid at_medium at_campaign ns_mchannel xtor guccounter twclid ttclid _openstat".split()
    ),
    TOKEN,
    min_size=1,
    max_size=4,
)


def _url(host: str, path: str, query: dict[str, str]) -> str:
    text = "&".join(f"{quote(name)}={quote(value)}" for name, value in query.items())
    return f"https://{host}/{path}" + (f"?{text}" if text else "")


@pytest.mark.property
@given(st.text(max_size=120))
def test_any_text_has_a_stable_form_or_raises(text: str) -> None:
    try:
        once = canonicalise_url(text)
    except ValueError:
        return
    assert canonicalise_url(once) == once
    assert once.isascii()


@pytest.mark.property
@given(HOSTS, st.text(max_size=80))
def test_twice_changes_nothing(host: str, rest: str) -> None:
    try:
        once = canonicalise_url(f"http://{host}/{rest}")
    except ValueError:
        return
    assert canonicalise_url(once) == once


@pytest.mark.property
@given(HOSTS, PATHS, QUERIES, TRACKERS)
def test_tracking_never_matters(host: str, path: str, query: dict[str, str], trackers: dict[str, str]) -> None:
    assume(not set(query) & set(trackers))
    assert canonicalise_url(_url(host, path, query | trackers)) == canonicalise_url(_url(host, path, query))


@pytest.mark.property
@given(
    HOSTS, PATHS, st.sampled_from(["id", "p", "newsid", "article", "story_id", "n", "cid", "aid", "NewsID"]), st.data()
)
def test_two_ids_never_merge(host: str, path: str, name: str, draw: st.DataObject) -> None:
    first, second = (draw.draw(st.integers(0, 10**9)) for _ in range(2))
    assume(first != second)
    assert canonicalise_url(_url(host, path, {name: str(first)})) != canonicalise_url(
        _url(host, path, {name: str(second)})
    )
    in_path = [canonicalise_url(f"https://{host}/{path}/news-{number}") for number in (first, second)]
    assert in_path[0] != in_path[1]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://merrow.example", True),
        ("http://merrow.example/ar/", True),
        ("http://merrow.example/index.html", True),
        ("http://merrow.example/?p=12", False),
        ("http://merrow.example/harbour-wall", False),
    ],
)
def test_front_pages(url: str, expected: bool) -> None:
    assert is_homepage(canonicalise_url(url)) is expected
