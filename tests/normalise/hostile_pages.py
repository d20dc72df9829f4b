"""Pages made to hang, crash or fool a reader of HTML. All are ours, and made by rule."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

SENTENCE = "The harbour council of Merrow met on Tuesday and agreed to repair the old sea wall before winter. "
ARABIC = "أعلن مجلس ميناء مرو يوم الثلاثاء أنه سيرمم الجدار البحري القديم قبل حلول الشتاء. "
ARTICLE = f"<article><h1>Harbour wall to be repaired</h1><p>{SENTENCE * 3}</p><p>{SENTENCE * 2}</p></article>"


def page(body: str, head: str = "<title>Harbour wall to be repaired</title>") -> str:
    return f"<!doctype html><html lang='en'><head><meta charset='utf-8'>{head}</head><body>{body}</body></html>"


def _ld(value: object) -> str:
    return f'<script type="application/ld+json">{json.dumps(value)}</script>'


def _nested_json(depth: int) -> str:
    return '<script type="application/ld+json">' + "[" * depth + "]" * depth + "</script>"


def _random_tags(seed: int, count: int) -> str:
    rng = random.Random(seed)
    tags = [
        "p",
        "div",
        "b",
        "i",
        "table",
        "td",
        "tr",
        "a",
        "ul",
        "li",
        "span",
        "svg",
        "math",
        "select",
        "option",
        "form",
    ]
    return "".join(f"<{'/' * rng.randint(0, 1)}{rng.choice(tags)}>w{rng.randint(0, 9)} " for _ in range(count))


def _random_bytes(seed: int, count: int) -> str:
    return random.Random(seed).randbytes(count).decode("latin-1")


def _mutated(seed: int) -> str:
    rng = random.Random(seed)
    chars = list(page(ARTICLE))
    for _ in range(120):
        chars[rng.randrange(len(chars))] = rng.choice("<>\"'&/\x00=! \u202e\ud800")
    return "".join(chars)


PAGES: dict[str, Callable[[], str]] = {
    "empty": lambda: "",
    "spaces": lambda: " \n\t" * 10_000,
    "one-bracket": lambda: "<",
    "brackets": lambda: "<" * 500_000,
    "closing-only": lambda: "</div>" * 100_000,
    "nested-div-100k": lambda: page("<div>" * 100_000 + SENTENCE * 5),
    "nested-b-100k": lambda: page("<p>" + "<b>" * 100_000 + SENTENCE * 5),
    "nested-mixed-100k": lambda: page("<div><span><b>" * 33_000 + SENTENCE * 5),
    "nested-tables": lambda: page("<table><tr><td>" * 20_000 + SENTENCE * 5),
    "nested-lists": lambda: page("<ul><li>" * 30_000 + SENTENCE * 5),
    "nested-quotes": lambda: page("<blockquote>" * 50_000 + SENTENCE * 5),
    "nested-forms-and-links": lambda: page("<form><a href=x>" * 30_000 + SENTENCE * 5),
    "unclosed-paragraphs-200k": lambda: page("<p>short" * 200_000),
    "siblings-300k": lambda: page("<i>x</i>" * 300_000 + ARTICLE),
    "links-50k": lambda: page("".join(f"<a href='/n/{index}'>News {index}</a> " for index in range(50_000)) + ARTICLE),
    "ten-megabytes-of-text": lambda: page(f"<article>{f'<p>{SENTENCE * 4}</p>' * 25_000}</article>"),
    "ten-megabytes-of-script": lambda: page(f"<script>{'var a=1;' * 1_300_000}</script>" + ARTICLE),
    "ten-megabytes-in-one-attribute": lambda: page(f"<img src='data:image/png;base64,{'A' * 10_000_000}'>" + ARTICLE),
    "ten-megabytes-in-a-comment": lambda: page(f"<!-- {'x -' * 3_400_000} -->" + ARTICLE),
    "endless-line": lambda: page(f"<p>{'word ' * 400_000}</p>"),
    "endless-word": lambda: page(f"<p>{'a' * 3_000_000}</p>"),
    "endless-title": lambda: page(ARTICLE, f"<title>{'Harbour | ' * 100_000}</title>"),
    "million-separators-in-title": lambda: page(ARTICLE, f"<title>{' - ' * 100_000}</title>"),
    "script-in-title": lambda: page(ARTICLE, "<title><script>alert('x')</script>Harbour wall</title>"),
    "script-in-heading": lambda: page(
        f"<h1>Wall<script>document.write('<p>evil</p>')</script></h1><p>{SENTENCE * 5}</p>"
    ),
    "unclosed-script": lambda: page(ARTICLE + "<script>var a = '" + SENTENCE * 1000),
    "unclosed-comment": lambda: page(ARTICLE + "<!-- " + SENTENCE * 1000),
    "unclosed-title": lambda: "<title>" + ARTICLE,
    "unclosed-attribute": lambda: page(ARTICLE + "<a href='" + SENTENCE * 1000),
    "attributes-100k": lambda: page(
        "<p " + " ".join(f"a{index}=1" for index in range(100_000)) + f">{SENTENCE * 4}</p>"
    ),
    "classes-100k": lambda: page(f"<p class='{'article-body ' * 100_000}'>{SENTENCE * 4}</p>"),
    "entity-bomb": lambda: (
        '<!DOCTYPE x [<!ENTITY a "'
        + "b" * 1000
        + '">'
        + "".join(f'<!ENTITY a{index} "{"&a;" if not index else f"&a{index - 1};" * 10}">' for index in range(12))
        + "]>"
        + page(f"<p>&a11; {SENTENCE * 4}</p>")
    ),
    "external-entity": lambda: (
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + page(f"<p>&e; {SENTENCE * 4}</p>")
    ),
    "entities-million": lambda: page(f"<p>{'&amp;' * 1_000_000}</p>"),
    "broken-entities": lambda: page(f"<p>&#xD800;&#0;&#x110000;&bogus;&#99999999999;{SENTENCE * 4}</p>"),
    "nulls": lambda: page(ARTICLE.replace(" ", "\x00 ")),
    "controls": lambda: page("".join(map(chr, range(1, 32))) + ARTICLE),
    "lone-surrogates": lambda: page(ARTICLE.replace("wall", "w\ud800ll\udfff")),
    "bidi-overrides": lambda: page(ARTICLE.replace("wall", "\u202ewall\u202c\u2066")),
    "zalgo": lambda: page(f"<p>{('e' + chr(0x301) * 200) * 3000}</p>"),
    "byte-order-marks": lambda: "\ufeff" * 1000 + page(ARTICLE),
    "mojibake-arabic": lambda: page(f"<h1>خبر</h1><p>{ARABIC * 8}</p>").encode().decode("latin-1"),
    "mojibake-twice": lambda: page(f"<p>{ARABIC * 8}</p>").encode().decode("latin-1").encode().decode("latin-1"),
    "replacement-signs": lambda: page(f"<p>{'�' * 40} {'��� ' * 400}</p>"),
    "utf-16-as-latin-1": lambda: page(ARTICLE).encode("utf-16").decode("latin-1"),
    "wrong-charset-named": lambda: page(ARTICLE).replace("utf-8", "utf-77"),
    "xml-declaration": lambda: "<?xml version='1.0' encoding='utf-16'?>" + page(ARTICLE),
    "pdf-as-html": lambda: "%PDF-1.7\n" + _random_bytes(1, 200_000),
    "random-bytes": lambda: _random_bytes(2, 300_000),
    "random-tags": lambda: page(_random_tags(3, 40_000)),
    "mutated-1": lambda: _mutated(4),
    "mutated-2": lambda: _mutated(5),
    "json-ld-nested-100k": lambda: page(ARTICLE, _nested_json(100_000)),
    "json-ld-wide": lambda: page(ARTICLE, _ld({"@graph": [{"@type": "NewsArticle"}] * 50_000})),
    "json-ld-wrong-types": lambda: page(
        ARTICLE,
        _ld(
            {
                "@type": "NewsArticle",
                "headline": {"a": [1]},
                "author": [[[]], 7, {"name": {}}],
                "datePublished": ["x", 1],
                "articleBody": 9,
            }
        ),
    ),
    "json-ld-broken": lambda: page(
        ARTICLE, '<script type="application/ld+json">{"@type":"NewsArticle",,"headline":</script>'
    ),
    "json-ld-huge-body": lambda: page(ARTICLE, _ld({"@type": "NewsArticle", "articleBody": SENTENCE * 15_000})),
    "date-of-year-9999": lambda: page(
        ARTICLE, _ld({"@type": "NewsArticle", "datePublished": "9999-12-31T23:59:59-14:00"})
    ),
    "metas-100k": lambda: page(
        ARTICLE, "".join(f"<meta property='og:title' content='t{index}'>" for index in range(100_000))
    ),
    "headings-10k": lambda: page("<h1>Wall</h1>" * 10_000 + ARTICLE),
    "times-50k": lambda: page("<time datetime='2024-13-45'>32 Smarch</time>" * 50_000 + ARTICLE),
    "svg-and-math": lambda: page("<svg><foreignObject><math><mi>" * 5_000 + ARTICLE),
    "select-options": lambda: page("<select>" + "<option>" * 100_000 + ARTICLE),
    "plaintext-tag": lambda: page("<plaintext>" + ARTICLE),
    "frameset": lambda: "<html><frameset><frame src=x></frameset></html>",
    "svg-only": lambda: "<svg xmlns='http://www.w3.org/2000/svg'><text>wall</text></svg>",
    "javascript-only": lambda: page("<div id=root></div><script src=app.js></script>", "<title></title>"),
    "regex-trap-dates": lambda: page(f"<p class=date>{'1.' * 60} 2024 {'12:' * 30}</p>" + ARTICLE),
    "regex-trap-share": lambda: page("<p>" + "share on x on ok on " * 3 + "!</p>" + ARTICLE),
    "regex-trap-marks": lambda: page(f"<h1>{'(video ' * 20_000}</h1>" + ARTICLE),
}
"""Name to a function that makes the page: some are of ten megabytes."""
