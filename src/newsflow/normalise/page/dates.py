"""When a page was published: candidates with their evidence, their agreement, and a choice.

A page states its date (JSON-LD, metadata), its address may have a day, and it shows one near its headline. What is
stated counts, unless the address has an earlier day: then the page was dated anew. Metadata that systems fill in by
themselves (`name=date`) gives way to an earlier date at the headline. Where nothing is stated, the date nearest to the
headline counts, then that of the address, then the only one that the page marks as its own. In doubt there is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import islice

from lxml.html import HtmlElement

from newsflow.model import DateEvidence, PublicationDate
from newsflow.normalise.characters import letters_of, tidy_line
from newsflow.normalise.dates import parse_date
from newsflow.normalise.dates.within import Found, date_within, is_label
from newsflow.normalise.page.body import selected_lines
from newsflow.normalise.page.metadata import Metadata
from newsflow.normalise.page.tree import text_of
from newsflow.normalise.values import SourceProfile

MAX_DATES, MAX_CHARS, MAX_LOOKED_AT = 6, 160, 20_000
# How far from the headline a date may stand, in elements.
NEAR_BELOW, NEAR_ABOVE = 80, 16
_UPDATE, _ABOVE, _LOOSE = 200, 10, 40
LONG_LETTERS = 16
_BARS = re.compile(r"\s[|–—:·•-]+\s")
_ONE_DAY = timedelta(days=1)
_DATED = re.compile(
    r"publi|pub_?date|posted|post-?(?:date|time|meta|info)|entry-?(?:date|meta)|article-?(?:date|time|meta|info)|"
    r"story-?(?:date|meta)|time|date|datum|fecha|data|byline|meta|autor|author|info|stand\b|tarih|дата",
    re.IGNORECASE,
)
_PUBLISHED = re.compile(
    r"publi|pub_?date|posted|post-?(?:date|time|meta)|entry-?date|article-?(?:date|time)|story-?date", re.IGNORECASE
)
_UPDATED = re.compile(r"modif|updat(?!.*(?:publi|posted|entry|(?<!up)date\b))(?<!publi)", re.IGNORECASE)
_NOT_OURS = re.compile(
    r"modif|updat|comment|kommentar|related|sidebar|weather|(?<!fa-)clock|today|current|caption|recommend|popular",
    re.IGNORECASE,
)
_NO_TEXT = frozenset({"script", "style", "meta", "link", "head", "title", "noscript", "option"})
_OTHER_TAGS = _NO_TEXT | {"aside", "nav", "figure", "figcaption", "form", "header"}
_YEAR = re.compile(r"(?:19|20|١٩|٢٠|۱۹|۲۰|13|14|۱۳|۱۴)\d\d|\d{1,2}\.\d{1,2}\.\d\d")
_IN_ADDRESS = re.compile(r"(?<!\d)(?P<y>(?:19[89]|20[0-4])\d)([/-])(?P<m>\d{1,2})\2(?P<d>\d{1,2})(?=[/_.?-]|$)")
# What systems write where they have no date: the first days of their calendars, and days that are still far off.
_NO_YEARS = frozenset({1, 1753, 1899, 1900, 1901, 1969, 1970})
FAR_OFF = 2100


@dataclass(frozen=True, slots=True)
class _Seen:
    """A date that the page shows, and how far it is from what is surely the page's own; `is_marked`: by the page."""

    date: PublicationDate
    rank: int
    is_marked: bool


def find_dates(
    tree: HtmlElement, meta: Metadata, source: SourceProfile | None, url: str | None = None, now: datetime | None = None
) -> tuple[PublicationDate, ...]:
    """The dates of a page, best first; `now` (aware) is when it was fetched, for those that count back from it."""
    language = meta.language or (source.languages[0] if source and source.languages else None)
    stated = list(meta.dates)
    if source and source.selectors.date:
        stated[:0] = [("text", line) for line in selected_lines(tree, source.selectors.date)[:3]]
    address = day_of(url) or day_of(meta.canonical)
    if strong := list(_read(stated, language)):
        return tuple(_not_dated_anew(strong, address))[:MAX_DATES]
    shown = _near(tree, meta, language, now)
    if weak := list(_read(meta.weak_dates, language)):
        better = [each.date for each in shown if each.is_marked or _day(each.date) < _day(weak[0])]
        return tuple(_not_dated_anew(better or weak, address))[:MAX_DATES]
    dates = [each.date for each in shown]
    if address:
        dates = [each for each in dates if abs(_day(each) - _day(address)) <= _ONE_DAY] or [address]
    return tuple(dates or _only_one(_elsewhere(tree, language)))[:MAX_DATES]


def _read(stated: Iterable[tuple[DateEvidence, str]], language: str | None) -> Iterator[PublicationDate]:
    known = set()
    for evidence, text in stated:
        text = tidy_line(text)[:MAX_CHARS]
        if (evidence, text) not in known and (found := parse_date(text, language)) and not is_sentinel(found.at):
            known.add((evidence, text))
            yield replace(found, evidence=evidence)


def is_sentinel(at: datetime) -> bool:
    """Whether a date stands for none."""
    first = (at.month, at.day) in ((1, 1), (12, 31), (12, 30))
    return (first and at.year in _NO_YEARS) or at.year >= FAR_OFF


def _day(found: PublicationDate) -> date:
    return found.at.date()


def _not_dated_anew(dates: list[PublicationDate], address: PublicationDate | None) -> list[PublicationDate]:
    """The dates without those more than a day after the one in the address; that one, where none is left."""
    return dates if address is None else [each for each in dates if _day(each) <= _day(address) + _ONE_DAY] or [address]


def day_of(url: str | None) -> PublicationDate | None:
    """The one day that the path of an address names, year first."""
    path = re.split(r"[?#]", url or "")[0]
    found = {match[0]: match for match in _IN_ADDRESS.finditer(path)}
    if len(found) != 1:
        return None
    ((text, match),) = found.items()
    written = parse_date(f"{match['y']}-{int(match['m']):02}-{int(match['d']):02}")
    return replace(written, text=text) if written else None


def _near(tree: HtmlElement, meta: Metadata, language: str | None, now: datetime | None) -> list[_Seen]:
    """Dates that stand near the headline, nearest first: below it, then right above it."""
    heading = _heading(tree, meta)
    if heading is None:
        return []
    around = {heading, *heading.iterancestors()}
    found = []
    for away, step, elements in ((0, 1, _below(heading)), (_ABOVE, 3, _above(heading))):
        for distance, element in enumerate(elements):
            found += [replace(seen, rank=seen.rank + away + step * distance) for seen in _seen(element, around, language, now)]
    return sorted(found, key=lambda seen: seen.rank)


def _heading(tree: HtmlElement, meta: Metadata) -> HtmlElement | None:
    """The element of the headline: a heading that says a title of the page, long ones before short ones, which may be
    the site's; else the first `h1`."""
    parts = {letters_of(part) for title in meta.titles.values() for part in (title, *_BARS.split(title))} - {""}
    brief: HtmlElement | None = None
    first: HtmlElement | None = None
    for level in ("h1", "h2", "h3"):
        for element in tree.iter(level):
            first = element if first is None and level == "h1" else first
            letters = letters_of(text_of(element)[:300])
            if any(len(part) >= LONG_LETTERS and part in letters for part in parts):
                return element
            if brief is None and letters in parts:
                brief = element
    return first if brief is None else brief


def _below(heading: HtmlElement) -> Iterator[HtmlElement]:
    """The heading, what is in it and what follows it, in the order of the page."""

    def following() -> Iterator[HtmlElement]:
        yield from heading.iter()
        for node in (heading, *heading.iterancestors()):
            for sibling in node.itersiblings():
                yield from sibling.iter()

    return islice(following(), NEAR_BELOW)


def _above(heading: HtmlElement) -> Iterator[HtmlElement]:
    """What stands above the heading, the nearest first."""

    def backwards(element: HtmlElement) -> Iterator[HtmlElement]:
        for child in element.iterchildren(reversed=True):
            yield from backwards(child)
        yield element

    def preceding() -> Iterator[HtmlElement]:
        for node in (heading, *heading.iterancestors()):
            for sibling in node.itersiblings(preceding=True):
                yield from backwards(sibling)

    return islice(preceding(), NEAR_ABOVE)


def _elsewhere(tree: HtmlElement, language: str | None) -> Iterator[_Seen]:
    """Dates that the page marks as such, wherever they stand."""
    around = {tree, *tree.iterchildren()}
    for element in islice(tree.iter(), MAX_LOOKED_AT):
        yield from (seen for seen in _seen(element, around, language, None) if seen.rank == 0)


def _only_one(found: Iterable[_Seen]) -> list[PublicationDate]:
    """The date of the one day that is named; what is marked as published goes before the rest."""
    seen = list(found)
    for group in ([each for each in seen if each.is_marked], seen):
        if len({_day(each.date) for each in group}) == 1:
            return [group[0].date]
    return []


def _seen(
    element: HtmlElement, around: set[HtmlElement], language: str | None, now: datetime | None
) -> Iterator[_Seen]:
    """The dates of an element and of the text behind it; `around` are the elements that hold the headline too."""
    if not isinstance(element.tag, str) or element.tag in _NO_TEXT:
        return
    names = _names(element)
    if (stamp := _stamp(element, names)) and not _UPDATED.search(names):
        for written in _read([("meta", stamp)], language):
            if _is_ours(element, around):
                yield _Seen(written, 0, _PUBLISHED.search(names) is not None)
                break
    elif (seen := _shown(element, element.text, around, language, now)) and not _UPDATED.search(names):
        yield seen
    parent = element.getparent()
    if parent is not None and (seen := _shown(parent, element.tail, around, language, now)):
        yield seen


def _names(element: HtmlElement) -> str:
    return f"{element.get('class', '')} {element.get('id', '')} {element.get('itemprop', '')}"


def _stamp(element: HtmlElement, names: str) -> str:
    """What an element says for machines."""
    if element.tag == "time":
        return (element.get("datetime") or "").strip()
    if "datepublished" in names.lower() or "datecreated" in names.lower():
        return (element.get("content") or element.get("datetime") or "").strip()
    return ""


def _is_ours(element: HtmlElement, around: set[HtmlElement]) -> bool:
    """Whether no element between this one and those around the headline is of something else, such as comments."""
    for each in (element, *element.iterancestors()):
        if each in around:
            return True
        if each.tag in _OTHER_TAGS or _NOT_OURS.search(_names(each)):
            return False
    return True


def _shown(
    holder: HtmlElement, text: str | None, around: set[HtmlElement], language: str | None, now: datetime | None
) -> _Seen | None:
    """The date of a piece of text, which may go on in what stands around it."""
    if not text or len(text) > MAX_CHARS:
        return None
    if not _YEAR.search(text):
        return None
    if not _is_ours(holder, around):
        return None
    line = tidy_line(text)
    own = date_within(line, language)
    above = [each for each in (holder, holder.getparent()) if each is not None and each not in around]
    wide = next((found for each in reversed(above) if (found := _of_line(each, language))), None)
    found = own or wide
    if found is None or is_sentinel(found.date.at):
        return None
    date, is_update = found.date, found.is_update
    if own and wide:
        if _day(own.date) != _day(wide.date):
            return None
        date, is_update = wide.date, is_update or wide.is_update
    names = " ".join(map(_names, above))
    is_marked = _DATED.search(names) is not None
    rest = found.rest.strip()
    if is_label(rest) or (is_marked and len(rest) <= 80 and not _is_prose(rest)):
        rank = 0
    elif len(rest) <= 60 and not _is_prose(rest):
        rank = _LOOSE
    else:
        return None
    return _Seen(date, rank + _UPDATE * is_update, _PUBLISHED.search(names) is not None)


def _of_line(element: HtmlElement, language: str | None) -> Found | None:
    line = text_of(element)
    return date_within(tidy_line(line), language) if len(line) <= MAX_CHARS else None


def _is_prose(rest: str) -> bool:
    return len(rest.split()) > 9 or rest.endswith((".", "!", "?", "…", "。"))
