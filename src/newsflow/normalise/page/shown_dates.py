"""The dates that a page shows: near its headline, else wherever it marks them as its own, else in its scripts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from lxml.html import HtmlElement

from newsflow.model import DateEvidence, PublicationDate
from newsflow.normalise.characters import fold, letters_of, tidy_line
from newsflow.normalise.dates import parse_date
from newsflow.normalise.dates.within import Found, date_within
from newsflow.normalise.dates.words import is_label, says_update
from newsflow.normalise.page.metadata import Metadata
from newsflow.normalise.page.tree import from_here

MAX_CHARS, MAX_REST_CHARS, MAX_TITLE_CHARS, MAX_SCRIPT_CHARS = 160, 80, 300, 500_000
MAX_LOOKED_AT, MAX_TRIED, MAX_PIECES, MAX_RAW_CHARS = 20_000, 200, 60, 2_000
LONG_LETTERS, MAX_HEADINGS = 16, 100
# How far from the headline a date may stand, in elements; and one that counts back, as comments and teasers have many.
NEAR_BELOW, NEAR_ABOVE, VERY_NEAR = 80, 16, 40
# What is added to that distance.
UPDATE, _HIGHER, _STEP_HIGHER, _LOOSE, _ASIDE = 400, 10, 3, 40, 30
_DATED = re.compile(
    r"publi|posted|post|entry|time|date|datum|fecha|data|byline|meta|autor|author|info|tarih|дата", re.I
)
_PUBLISHED = re.compile(
    r"publi|pub_?date|posted|post-?(?:date|time|meta)|entry-?date|article-?(?:date|time)|story-?date", re.I
)
_SAYS_PUBLISHED = re.compile(
    r"\b(?:publi|pubbl|posted|veroffentlich|erstellt|gepubl|опубл|публик|yayin|eklenme|(?:ال)?نشر|انتشار|منتشر|פורסם|zverejn|objavl|"
    r"δημοσι)|发布|發布|公開|掲載|등록|입력"
)
_MODIFIED = re.compile(r"modif|date_?updat", re.I)
_UPDATED = re.compile(r"updat", re.I)
# WordPress calls the date of publication `entry-date updated` too.
_ORIGINAL = re.compile(r"publi|posted|entry-?(?:meta-?)?date|(?<!up)date\b(?![-_]?(?:mod|upd))", re.I)
_NOT_OURS = re.compile(
    r"menu|navbar|navigation|comment|kommentar|related|sidebar|weather|(?<!fa-)clock|today|current|caption|recommend|popular|"
    r"copyright",
    re.I,
)
_NO_TEXT = frozenset({"script", "style", "meta", "link", "head", "title", "noscript", "option"})
_OTHER_TAGS = _NO_TEXT | {"nav", "figure", "figcaption", "form", "blockquote"}
_OF_AN_ENTRY = re.compile(r"article|post|entry|story", re.I)
_YEAR = re.compile(r"(?:19|20|١٩|٢٠|۱۹|۲۰|13|14|۱۳|۱۴)\d\d|\d{1,2}\.\d{1,2}\.\d\d")
_BARS = re.compile(r"\s[|–—:·•›»«-]+\s")
_IN_SCRIPT = re.compile(
    r'\\?"(?:date_?published|publi(?:sh|shed|cation)_?(?:date|time|at|on)|first_?published)\\?"\s{0,3}:\s{0,3}\\?"([^"\\]{8,40})',
    re.I,
)
# What systems write where they have no date: the first days of their calendars, and days that are still far off.
_NO_YEARS = frozenset({1, 1753, 1899, 1900, 1901, 1969, 1970})
FAR_OFF = 2100


@dataclass(frozen=True, slots=True)
class Shown:
    """A date that a page shows: how far it is from what is surely the page's own, whether it is marked as a date, and
    whether as that of publication."""

    date: PublicationDate
    rank: int
    is_named: bool
    is_marked: bool

    @property
    def is_update(self) -> bool:
        return self.rank >= UPDATE


def read_stated(
    stated: Iterable[tuple[DateEvidence, str]], language: str | None, now: datetime | None = None
) -> Iterator[PublicationDate]:
    """The dates of texts that are nothing but a date, each once, and none that stands for no date."""
    known = set()
    for evidence, text in stated:
        text = tidy_line(text)[:MAX_CHARS]
        if (
            (evidence, text) not in known
            and (found := parse_date(text, language, None, now))
            and not _is_sentinel(found.at)
        ):
            known.add((evidence, text))
            yield replace(found, evidence=evidence)


def _is_sentinel(at: datetime) -> bool:
    first = (at.month, at.day) in ((1, 1), (12, 31), (12, 30))
    return (first and at.year in _NO_YEARS) or at.year >= FAR_OFF


def find_heading(tree: HtmlElement, meta: Metadata) -> HtmlElement | None:
    """The element of the headline: the heading that is a title of the page, the longest where several are, since the
    short one may be the site's; else the one that holds the longest part of a title, or is its first part; else the
    first `h1`."""
    headings = sorted(islice(tree.iter("h1", "h2", "h3"), MAX_HEADINGS), key=lambda element: str(element.tag))
    said = [letters_of(_text_of(element, MAX_TITLE_CHARS) or "") for element in headings]
    stated = [title[:MAX_TITLE_CHARS] for title in meta.titles.values()]
    titles = {letters_of(title) for title in stated} - {""}
    if exact := [(len(letters), -at) for at, letters in enumerate(said) if letters in titles]:
        return headings[-max(exact)[1]]
    parts = [[letters_of(part) for part in _BARS.split(title)] for title in stated]
    long = {part for each in parts for part in each if len(part) >= LONG_LETTERS}
    held = [(len(part), -at) for at, letters in enumerate(said) for part in long if part in letters]
    held = held or [(0, -at) for at, letters in enumerate(said) if letters in {each[0] for each in parts} - {""}]
    if held:
        return headings[-max(held)[1]]
    return headings[0] if headings and headings[0].tag == "h1" else None


def near(heading: HtmlElement | None, language: str | None) -> list[Shown]:
    """The dates around the headline, nearest first; those of updates come last."""
    if heading is None:
        return []
    around = {heading, *heading.iterancestors()}
    found = []
    for element, distance in _neighbours(heading, NEAR_BELOW):
        found += [replace(shown, rank=shown.rank + distance) for shown in _shown(element, around, language)]
    return sorted(found, key=lambda shown: shown.rank)


def counted_back(heading: HtmlElement | None, language: str | None, now: datetime) -> list[PublicationDate]:
    """The date nearest to the headline that counts back from `now` (aware), if there is one."""
    if heading is None:
        return []
    around = {heading, *heading.iterancestors()}
    for element, _ in _neighbours(heading, VERY_NEAR):
        for holder, text in ((element, element.text), (element.getparent(), element.tail)):
            if holder is None or not text or not text.strip() or len(text) > MAX_CHARS or element.tag in _NO_TEXT:
                continue
            found = parse_date(tidy_line(text), language, None, now)
            lines = [_text_of(each) for each in _above(holder, around)] if found else []
            updated = any(says_update(fold(line)) for line in lines if line)
            if found and not updated and _distance(holder, around) == 0:
                return [found]
    return []


def elsewhere(tree: HtmlElement, language: str | None, *, doubtful: bool) -> list[PublicationDate]:
    """The date of the one day that the page marks as that of publication; where it is not `doubtful`, also of the one
    day that it marks as a date or shows alone, with a time of day."""
    around = {tree, *tree.iterchildren()}
    dated = islice(filter(_is_dated, islice(tree.iter(), MAX_LOOKED_AT)), MAX_TRIED)
    own = [each for element in dated for each in _shown(element, around, language) if each.rank == 0]
    if marked := _of_one_day([each.date for each in own if each.is_marked]):
        return marked
    alone = [each.date for each in own if each.is_named or each.is_marked or each.date.precision != "day"]
    return [] if doubtful else _of_one_day(alone)


def scripted(tree: HtmlElement, language: str | None) -> list[PublicationDate]:
    """What the page's scripts call its date of publication, where they name one day."""
    others = (script for script in tree.iter("script") if "ld+json" not in (script.get("type") or "").lower())
    texts = (script.text for script in others if script.text and len(script.text) < MAX_SCRIPT_CHARS)
    stated: Iterator[tuple[DateEvidence, str]] = (
        ("meta", found[1]) for text in texts for found in _IN_SCRIPT.finditer(text)
    )
    return _of_one_day(list(read_stated(islice(stated, MAX_HEADINGS), language)))


def _of_one_day(dates: list[PublicationDate]) -> list[PublicationDate]:
    return dates[:1] if len({each.at.date() for each in dates}) == 1 else []


def _neighbours(heading: HtmlElement, most: int) -> Iterator[tuple[HtmlElement, int]]:
    """What stands in and below the heading, in the order of the page, and above it, and how far away."""

    def backwards(element: HtmlElement) -> Iterator[HtmlElement]:
        stack = [(element, False)]
        while stack:
            each, is_open = stack.pop()
            if is_open or not len(each):
                yield each
            else:
                stack.append((each, True))
                stack += [(child, False) for child in each.iterchildren()]

    def above() -> Iterator[HtmlElement]:
        for node in (heading, *heading.iterancestors()):
            for sibling in node.itersiblings(preceding=True):
                yield from backwards(sibling)

    yield from ((element, at) for at, element in enumerate(islice(from_here(heading), most)))
    yield from ((element, _HIGHER + _STEP_HIGHER * at) for at, element in enumerate(islice(above(), NEAR_ABOVE)))


def _shown(element: HtmlElement, around: set[HtmlElement], language: str | None) -> Iterator[Shown]:
    """The dates of an element and of the text behind it; `around` are the elements that hold the headline too."""
    tag, tail = element.tag, element.tail
    if tag not in _NO_TEXT and isinstance(tag, str):
        stamp = _stamp(element) if tag in ("time", "abbr") or element.get("itemprop") is not None else ""
        if stamp:
            yield from _stamped(element, stamp, around, language)
        elif (text := element.text) and _may_have_date(text) and (shown := _written(element, text, around, language)):
            yield shown
    if tail and _may_have_date(tail) and (shown := _written(element.getparent(), tail, around, language)):
        yield shown


def _is_dated(element: HtmlElement) -> bool:
    text, tail = element.text, element.tail
    stamped = element.tag in ("time", "abbr") or element.get("itemprop") is not None
    return stamped or bool((text and _may_have_date(text)) or (tail and _may_have_date(tail)))


def _may_have_date(text: str) -> bool:
    return len(text) <= MAX_CHARS and _YEAR.search(text) is not None


def _stamp(element: HtmlElement) -> str:
    """What an element says for machines."""
    names = _names(element).lower()
    if (
        element.tag != "time"
        and "datepublished" not in names
        and "datecreated" not in names
        and "published" not in names
    ):
        return ""
    return (element.get("datetime") or element.get("content") or element.get("title") or "").strip()


def _stamped(element: HtmlElement, stamp: str, around: set[HtmlElement], language: str | None) -> Iterator[Shown]:
    for written in read_stated([("meta", stamp)], language):
        distance = _distance(element, around)
        if distance is not None:
            said = _text_of(element) or ""
            is_marked = _says_published(_names(element), said)
            update = 0 if is_marked or not says_update(fold(said)) else UPDATE
            yield Shown(written, distance + update, is_named=True, is_marked=is_marked)


def _written(holder: HtmlElement, text: str, around: set[HtmlElement], language: str | None) -> Shown | None:
    """The date of a piece of text, which may go on in what stands around it."""
    distance = _distance(holder, around)
    if distance is None:
        return None
    line = tidy_line(text)
    own = date_within(line, language)
    above = _above(holder, around)
    wide = next((found for each in above if (found := _of_line(each, language))), None)
    found = wide if own is None else own
    if found is None or _is_sentinel(found.date.at):
        return None
    if own and wide and own.date.at.date() != wide.date.at.date():
        return None  # the other is the date of publication
    names = " ".join(map(_names, above))
    rest, is_named = found.rest, _DATED.search(names) is not None
    if not is_label(fold(rest)):
        if len(rest) > MAX_REST_CHARS or _is_prose(rest):
            return None
        if not is_named:
            if holder.tag == "a" or not found.is_set_off:
                return None
            distance += _LOOSE
    is_update = found.is_update or (wide is not None and wide.is_update)
    date = found.date if wide is None else wide.date
    return Shown(date, distance + UPDATE * is_update, is_named, _says_published(names, rest or line))


def _above(holder: HtmlElement, around: set[HtmlElement]) -> list[HtmlElement]:
    """The parent of an element and itself, without those around the headline."""
    return [each for each in (holder.getparent(), holder) if each is not None and each not in around]


def _of_line(element: HtmlElement, language: str | None) -> Found | None:
    line = _text_of(element)
    return date_within(line, language) if line else None


def _text_of(element: HtmlElement, most: int = MAX_CHARS) -> str | None:
    """The text of an element as one line; None where it is longer, which is not read to its end."""
    pieces = list(islice(element.itertext(), MAX_PIECES))
    if len(pieces) == MAX_PIECES or sum(map(len, pieces)) > MAX_RAW_CHARS:
        return None
    line = tidy_line(" ".join(pieces))
    return line if len(line) <= most else None


def _is_prose(rest: str) -> bool:
    return len(rest.split()) > 9 or rest.endswith((".", "!", "?", "…", "。"))


def _says_published(names: str, text: str) -> bool:
    return _PUBLISHED.search(names) is not None or _SAYS_PUBLISHED.search(fold(text)) is not None


def _names(element: HtmlElement) -> str:
    return f"{element.get('class', '')} {element.get('id', '')} {element.get('itemprop', '')}"


def _distance(element: HtmlElement, around: set[HtmlElement]) -> int | None:
    """What the elements between this one and those around the headline add; None where one is of something else, such
    as comments."""
    added = 0
    for each in (element, *element.iterancestors()):
        if each in around:
            break
        names = _names(each)
        if each.tag in _OTHER_TAGS or _NOT_OURS.search(names) or _MODIFIED.search(names):
            return None
        if each.tag in ("header", "footer") and not _OF_AN_ENTRY.search(names):
            if next(each.iterancestors("article", "main"), None) is None:
                return None  # the site's, with a clock perhaps
        elif each.tag == "aside" and not _DATED.search(names):
            added += _ASIDE
        if _UPDATED.search(names) and not _ORIGINAL.search(names):
            added = max(added, UPDATE)
    return added
