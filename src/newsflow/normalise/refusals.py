"""Pages that are no article: block pages, error pages, log-in and consent walls, lists of teasers. In doubt a page is
an article.

A refusal is known by what stands for its headline ("Page not found") together with lines that speak to the reader
("Verify you are human"), and by the lack of any other prose: a report about such pages has a headline and sentences of
its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.resources import files
from itertools import islice

import orjson
from lxml.html import HtmlElement

from newsflow.normalise.blocks import count_words
from newsflow.normalise.characters import compile_folded, fold, tidy_lines
from newsflow.normalise.page.tree import strip_tags

MAX_LINES, MAX_TITLE_CHARS, MAX_TITLE_WORDS = 400, 120, 16
SHORT_WORDS, SHORT_CHARS = 150, 1_500
LEAST_SAID, LEAST_HEADLINE_WORDS = 2, 4
FEW_WORDS, MORE_WORDS = 20, 60
"""Words of prose beside what speaks to the reader: so few have a refusal that no headline gives away, and any."""
PROSE_WORDS = 8
LEAST_TEASERS, TEASER_WORDS, MAX_HEADINGS = 6, 60, 200
LEAST_TEASER_SHARE = 0.9
# What may stand around a headline: `Error 404: …!`
_AROUND = (
    r"(?:[\W_]|[45]\d\d|https?|status|error|oops|code|oups|ups|hoppla|ой|erreur|fehler|erro|errore|ошибка|код|خطا|رمز|hata|kod\w*|blad|помилка|fout|"
    r"错误|錯誤|エラー|오류)*"
)
_PARTS = re.compile(r"\s+[|–—\-·•»›]{1,2}\s+|\s*[|｜]\s*")
_CODE = re.compile(r"\b[45]\d\d\b")
_ONLY_CODE = re.compile(rf"{_AROUND}[45]\d\d{_AROUND}")
_STATED_BY_THEMSELVES = ("block page", "consent wall")
"""Kinds that often have the site's name alone for a title."""


@cache
def _kinds() -> dict[str, tuple[re.Pattern[str], re.Pattern[str]]]:
    """By kind: what its headline is, and how its lines begin; folded."""
    read = orjson.loads(files("newsflow.normalise").joinpath("data/refusals.json").read_bytes())
    return {
        kind: (
            compile_folded(rf"{_AROUND}(?:{'|'.join(words['titles'])}){_AROUND}"),
            compile_folded(rf"[\W_]*(?:{'|'.join(words['told'])})"),
        )
        for kind, words in read.items()
    }


def why_no_article(html: str, tree: HtmlElement, titles: Sequence[str], body: str) -> str | None:
    """What a page is that does not say it is an article, or None for an article. `titles` are readings of its title,
    `body` is the text that was found in it."""
    named = any(pattern.fullmatch(head) for head in _heads(titles) for pattern in (_ONLY_CODE, *_headlines()))
    if named or count_words(body) <= SHORT_WORDS:
        found = refusal(titles, tidy_lines(strip_tags(html, furniture=False)))
        if found:
            return found
    return "list of teasers" if is_list(tree, body) else None


def refused_text(text: str, headline: str | None) -> str:
    """The kind of refusal that a short text is, whose first line is its headline where none came beside it; else
    empty."""
    if len(text) > SHORT_CHARS or not (lines := tidy_lines(text)):
        return ""
    return refusal([headline or lines[0]], lines) or ""


def refusal(titles: Iterable[str], lines: Sequence[str]) -> str | None:
    """The kind of refusal that a page with these readings of its title and these lines is, or None."""
    heads, folded = _heads(titles), [fold(line) for line in dict.fromkeys(lines[:MAX_LINES])]
    for kind, (headline, told) in _kinds().items():
        named = any(map(headline.fullmatch, heads)) or (kind == "error page" and any(map(_ONLY_CODE.fullmatch, heads)))
        if not named and kind not in _STATED_BY_THEMSELVES:
            continue
        said = [line for line in folded if told.match(line)]
        own = [line for line in folded if line not in said and line not in heads and not headline.fullmatch(line)]
        prose = sum(words for line in own if (words := count_words(line)) >= PROSE_WORDS)
        if named and prose <= (MORE_WORDS if said else FEW_WORDS if any(map(_CODE.search, heads)) else 0):
            return kind
        is_all_said = not own and all(len(head.split()) < LEAST_HEADLINE_WORDS for head in heads)
        if (len(said) >= LEAST_SAID and sum(map(count_words, own)) <= FEW_WORDS) or (said and is_all_said):
            return kind
    return None


def _headlines() -> Iterator[re.Pattern[str]]:
    return (headline for headline, _ in _kinds().values())


def _heads(titles: Iterable[str]) -> set[str]:
    """Readings of a title, folded, and what stands before and after the site's name in each."""
    heads = set()
    for title in titles:
        whole = fold(title[: 4 * MAX_TITLE_CHARS])
        parts = _PARTS.split(whole)
        heads |= {whole, parts[0], parts[-1]} if len(whole.split()) <= MAX_TITLE_WORDS else set()
    return {head for head in heads if head}


def is_list(tree: HtmlElement, body: str) -> bool:
    """Whether a page is a list of teasers: it has six or more, and its body is made of them."""
    teasers = _teasers(tree)
    if len(teasers) < LEAST_TEASERS:
        return False
    listed = "\n".join(teasers)
    lines = [line for line in body.split("\n") if line]
    own = [line for line in lines if line not in listed]
    words = sum(map(count_words, lines))
    return sum(map(count_words, own)) <= (1 - LEAST_TEASER_SHARE) * words


def _teasers(tree: HtmlElement) -> list[str]:
    """The texts of what holds one linked headline and little more."""
    return [
        teaser for heading in islice(tree.iter("h2", "h3", "h4", "h5"), MAX_HEADINGS) if (teaser := _teaser(heading))
    ]


def _teaser(heading: HtmlElement) -> str:
    parent = heading.getparent()
    text = _short_text(heading)
    if (
        text is None
        or len(text.split()) < 2
        or (heading.find(".//a") is None and (parent is None or parent.tag != "a"))
    ):
        return ""
    for above in heading.iterancestors():
        if above.find(".//h1") is not None or (whole := _short_text(above)) is None:
            break
        text = whole
    return text


def _short_text(element: HtmlElement) -> str | None:
    """The text of an element, or None where it has more words than a teaser. No more of it is read."""
    words: list[str] = []
    for text in element.itertext():
        words += text.split()
        if len(words) > TEASER_WORDS:
            return None
    return " ".join(words)
