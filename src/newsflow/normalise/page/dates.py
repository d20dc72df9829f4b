"""When a page was published: candidates with their evidence, their agreement, and a choice.

A page states its date (JSON-LD, metadata), its address may have a day, and it shows one near its headline. What is
stated counts, unless the address has an earlier day: then the page was dated anew. Metadata that systems fill in by
themselves (`name=date`) gives way to an earlier date at the headline. Where nothing is stated, the date nearest to the
headline counts, then that of the address, then the only one that the page marks as its own. In doubt there is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import islice

from lxml.html import HtmlElement

from newsflow.model import DateEvidence, PublicationDate
from newsflow.normalise.characters import fold, letters_of, tidy_line
from newsflow.normalise.dates import parse_date
from newsflow.normalise.dates.within import Found, date_within, is_label, says_update
from newsflow.normalise.page.body import selected_lines
from newsflow.normalise.page.metadata import Metadata
from newsflow.normalise.page.tree import text_of
from newsflow.normalise.values import SourceProfile

MAX_DATES, MAX_CHARS, MAX_LOOKED_AT, MAX_SCRIPT_CHARS = 6, 160, 20_000, 500_000
# How far from the headline a date may stand, in elements.
NEAR_BELOW, NEAR_ABOVE = 80, 16
_UPDATE, _ABOVE, _LOOSE = 200, 10, 40
LONG_LETTERS, MAX_HEADINGS, MAX_REST_CHARS = 16, 40, 80
_BARS = re.compile(r"\s[|–—:·•›»«-]+\s")
_ONE_DAY, _ONE_HOUR = timedelta(days=1), timedelta(hours=1)
_DATED = re.compile(
    r"publi|pub_?date|posted|post-?(?:date|time|meta|info)|entry-?(?:date|meta)|article-?(?:date|time|meta|info)|"
    r"story-?(?:date|meta)|time|date|datum|fecha|data|byline|meta|autor|author|info|stand\b|tarih|дата",
    re.IGNORECASE,
)
_PUBLISHED = re.compile(
    r"publi|pub_?date|posted|post-?(?:date|time|meta)|entry-?date|article-?(?:date|time)|story-?date", re.IGNORECASE
)
_UPDATED = re.compile(r"modif|updat", re.IGNORECASE)
# What marks a date of publication too: WordPress calls it `entry-date updated`.
_ORIGINAL = re.compile(r"publi|posted|entry-?(?:meta-?)?date|(?<!up)date(?!.?mod|.?upd)\b", re.IGNORECASE)
_SAYS_PUBLISHED = re.compile(
    r"\b(?:publi|pubbl|posted|veroffentlich|erstellt|gepubl|опубл|публик|yayin|eklenme|نشر|انتشار|منتشر|פורסם|zverejn|objavl|"
    r"δημοσι)|发布|發布|公開|掲載|등록|입력"
)
_NOT_OURS = re.compile(
    r"menu|navbar|navigation|comment|kommentar|related|sidebar|weather|(?<!fa-)clock|today|current|caption|recommend|popular",
    re.IGNORECASE,
)
_NO_TEXT = frozenset({"script", "style", "meta", "link", "head", "title", "noscript", "option"})
_OTHER_TAGS = _NO_TEXT | {"aside", "nav", "figure", "figcaption", "form", "blockquote"}
_YEAR = re.compile(r"(?:19|20|١٩|٢٠|۱۹|۲۰|13|14|۱۳|۱۴)\d\d|\d{1,2}\.\d{1,2}\.\d\d")
_DAY_IN_ADDRESS = re.compile(
    r"(?<!\d)(?P<y>(?:19[89]|20[0-4])\d)(?P<sign>[/_-]?)(?P<m>\d\d|(?<=[/_-])\d)(?P=sign)(?P<d>\d\d|(?<=[/_-])\d)(?!\d)"
    r"|(?<!\d)(?P<d2>1[3-9]|2\d|3[01])-(?P<m2>\d\d)-(?P<y2>20[0-4]\d)(?!\d)"
)
_MONTH_IN_ADDRESS = re.compile(r"/(?P<y>(?:19[89]|20[0-4])\d)/(?P<m>0?[1-9]|1[0-2])(?=/)")
_IN_SCRIPT = re.compile(
    r'\\?"(?:date_?published|publi(?:sh|shed|cation)_?(?:date|time|at|on)|first_?published)\\?"\s{0,3}:\s{0,3}\\?"([^"\\]{8,40})',
    re.IGNORECASE,
)
# What systems write where they have no date: the first days of their calendars, and days that are still far off.
_NO_YEARS = frozenset({1, 1753, 1899, 1900, 1901, 1969, 1970})
FAR_OFF = 2100


@dataclass(frozen=True, slots=True)
class _Seen:
    """A date that the page shows: how far it is from what is surely the page's own, whether it is marked as a date, and
    whether as that of publication."""

    date: PublicationDate
    rank: int
    is_named: bool
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
    strong = list(_read(stated, language))
    if strong and not any(_differ(each, strong[0]) for each in strong):
        return tuple(_not_dated_anew(strong, address))[:MAX_DATES]
    shown = _near(tree, meta, language, now)
    if strong:
        return tuple(_not_dated_anew(_as_shown(strong, shown), address))[:MAX_DATES]
    if weak := list(_read(meta.weak_dates, language)):
        better = [each.date for each in shown if each.is_marked or _day(each.date) < _day(weak[0])]
        return tuple(_not_dated_anew(better or weak, address))[:MAX_DATES]
    dates = _in_month_of(url, [each.date for each in shown])
    if address:
        dates = [each for each in dates if abs(_day(each) - _day(address)) <= _ONE_DAY] or [address]
    return tuple(dates or _only_one(_elsewhere(tree, language)) or _only_one(_scripted(tree, language)))[:MAX_DATES]


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


def _differ(one: PublicationDate, other: PublicationDate) -> bool:
    """Whether two dates are not of one moment; wall clocks of unknown zone get the benefit of the doubt."""
    if one.at.tzinfo and other.at.tzinfo and "day" not in (one.precision, other.precision):
        return abs(one.at - other.at) > _ONE_HOUR
    return abs(_day(one) - _day(other)) > _ONE_DAY


def _as_shown(stated: list[PublicationDate], shown: list[_Seen]) -> list[PublicationDate]:
    """Of dates that differ, the one whose day the page shows at its headline, and those that agree with it; else all."""
    days = [_day(each.date) for each in shown if each.rank < _UPDATE][:1]
    chosen = next((each for each in stated if _written_day(each) in days), None)
    return stated if chosen is None else [chosen, *(each for each in stated if each is not chosen and not _differ(each, chosen))]


def _written_day(found: PublicationDate) -> date:
    """The day as the text has it, which may be another in UTC."""
    with suppress(ValueError):
        return datetime.fromisoformat(found.text).date()
    return _day(found)


def _not_dated_anew(dates: list[PublicationDate], address: PublicationDate | None) -> list[PublicationDate]:
    """The dates without those more than a day after the one in the address; that one, where none is left."""
    return dates if address is None else [each for each in dates if _day(each) <= _day(address) + _ONE_DAY] or [address]


def day_of(url: str | None) -> PublicationDate | None:
    """The one day that the path of an address names: year first, or day first where it cannot be a month."""
    path = re.split(r"[?#]", url or "")[0]
    days = {}
    for match in _DAY_IN_ADDRESS.finditer(path):
        year, month, day = (
            (match["y"], match["m"], match["d"]) if match["y"] else (match["y2"], match["m2"], match["d2"])
        )
        if written := parse_date(f"{year}-{int(month):02}-{int(day):02}"):
            days[written.at] = replace(written, text=match[0])
    return days.popitem()[1] if len(days) == 1 else None


def _in_month_of(url: str | None, found: list[PublicationDate]) -> list[PublicationDate]:
    """The dates of the month that an address names, a day more or less; all, where it names none."""
    named = {(int(match["y"]), int(match["m"])) for match in _MONTH_IN_ADDRESS.finditer(url or "")}
    if len(named) != 1:
        return found
    days = ((each, _day(each)) for each in found)
    return [each for each, day in days if named & {(at.year, at.month) for at in (day - _ONE_DAY, day, day + _ONE_DAY)}]


def _near(tree: HtmlElement, meta: Metadata, language: str | None, now: datetime | None) -> list[_Seen]:
    """Dates that stand near the headline, nearest first: below it, then right above it."""
    heading = _heading(tree, meta)
    if heading is None:
        return []
    around = {heading, *heading.iterancestors()}
    found = []
    for away, step, elements in ((0, 1, _below(heading)), (_ABOVE, 3, _above(heading))):
        for distance, element in enumerate(elements):
            found += [
                replace(seen, rank=seen.rank + away + step * distance) for seen in _seen(element, around, language, now)
            ]
    return sorted(found, key=lambda seen: seen.rank)


def _heading(tree: HtmlElement, meta: Metadata) -> HtmlElement | None:
    """The element of the headline: the heading that is a title of the page, the longest where several are, since the
    short one may be the site's; else one that holds a part of a title; else the first `h1`."""
    titles = {letters_of(title) for title in meta.titles.values()}
    parts = {letters_of(part) for title in meta.titles.values() for part in _BARS.split(title)}
    headings = [element for level in ("h1", "h2", "h3") for element in islice(tree.iter(level), MAX_HEADINGS)]
    letters = {element: letters_of(text_of(element)[:300]) for element in headings}
    if exact := [element for element in headings if letters[element] in titles - {""}]:
        return max(exact, key=lambda element: len(letters[element]))
    parts = {part for part in parts if len(part) >= LONG_LETTERS}
    holding = (element for element in headings if any(part in letters[element] for part in parts))
    return next(holding, headings[0] if headings and headings[0].tag == "h1" else None)


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
    """Dates that stand alone, or are marked as such, wherever they are; alone they need a time of day."""
    around = {tree, *tree.iterchildren()}
    for element in islice(tree.iter(), MAX_LOOKED_AT):
        for seen in _seen(element, around, language, None):
            if seen.rank == 0 and (seen.is_named or seen.is_marked or seen.date.precision != "day"):
                yield seen


def _scripted(tree: HtmlElement, language: str | None) -> Iterator[_Seen]:
    """What the page's scripts call its date of publication."""
    others = (script for script in tree.iter("script") if "ld+json" not in (script.get("type") or "").lower())
    texts = (script.text for script in others if script.text and len(script.text) < MAX_SCRIPT_CHARS)
    for written in _read((("meta", match[1]) for text in texts for match in _IN_SCRIPT.finditer(text)), language):
        yield _Seen(written, 0, is_named=True, is_marked=True)


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
    if stamp := _stamp(element, names):
        written = next(_read([("meta", stamp)], language), None)
        if written and _is_ours(element, around):
            said = text_of(element)
            is_marked = _says_published(names, said)
            yield _Seen(written, 0 if is_marked or not says_update(said) else _UPDATE, is_named=True, is_marked=is_marked)
    elif seen := _shown(element, element.text, around, language, now):
        yield seen
    parent = element.getparent()
    if parent is not None and (seen := _shown(parent, element.tail, around, language, now)):
        yield seen


def _names(element: HtmlElement) -> str:
    return f"{element.get('class', '')} {element.get('id', '')} {element.get('itemprop', '')}"


def _is_update(names: str) -> bool:
    return _UPDATED.search(names) is not None and _ORIGINAL.search(names) is None


def _stamp(element: HtmlElement, names: str) -> str:
    """What an element says for machines."""
    if element.tag == "time":
        return (element.get("datetime") or "").strip()
    if "datepublished" in names.lower() or "datecreated" in names.lower():
        return (element.get("content") or element.get("datetime") or element.get("title") or "").strip()
    return ""


def _is_ours(element: HtmlElement, around: set[HtmlElement]) -> bool:
    """Whether no element between this one and those around the headline is of something else, such as comments."""
    for each in (element, *element.iterancestors()):
        if each in around:
            return True
        names = _names(each)
        if each.tag in _OTHER_TAGS or _NOT_OURS.search(names) or _is_update(names):
            return False
        if each.tag in ("header", "footer") and next(each.iterancestors("article", "main"), None) is None:
            return False  # the site's, with a clock perhaps
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
    rest, is_named = found.rest, _DATED.search(names) is not None
    if not is_label(rest):
        if len(rest) > MAX_REST_CHARS or _is_prose(rest):
            return None
        if not is_named and (holder.tag == "a" or not found.is_set_off):
            return None
    rank = (0 if is_label(rest) or is_named else _LOOSE) + _UPDATE * is_update
    return _Seen(date, rank, is_named, _says_published(names, rest or line))


def _says_published(names: str, text: str) -> bool:
    return _PUBLISHED.search(names) is not None or _SAYS_PUBLISHED.search(fold(text)) is not None


def _of_line(element: HtmlElement, language: str | None) -> Found | None:
    line = text_of(element)
    return date_within(tidy_line(line), language) if len(line) <= MAX_CHARS else None


def _is_prose(rest: str) -> bool:
    return len(rest.split()) > 9 or rest.endswith((".", "!", "?", "…", "。"))
