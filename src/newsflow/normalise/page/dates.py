"""When a page was published: candidates with their evidence, their agreement, and a choice.

A page states its date (JSON-LD, metadata), its address may have a day, and it shows one near its headline. What is
stated counts, unless the address has an earlier day: then the page was dated anew. Where several dates are stated, the
one that is shown counts. Metadata that systems fill in by themselves (`name=date`) gives way to an earlier date near
the headline. Where nothing is stated, the date nearest to the headline counts, then that of the address, then the only
one that the page marks as its own, then one that counts back from when it was fetched, then that of an update. In doubt
there is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, timedelta

from lxml.html import HtmlElement

from newsflow.model import PublicationDate
from newsflow.normalise.dates import parse_date
from newsflow.normalise.page.body import selected_lines
from newsflow.normalise.page.metadata import Metadata
from newsflow.normalise.page.shown_dates import (
    Shown,
    counted_back,
    elsewhere,
    find_heading,
    near,
    read_stated,
    scripted,
)
from newsflow.normalise.values import SourceProfile

MAX_DATES = 6
_ONE_DAY, _ONE_HOUR = timedelta(days=1), timedelta(hours=1)
_DAY_IN_ADDRESS = re.compile(
    r"(?<!\d)(?P<y>(?:19[89]|20[0-4])\d)(?P<sign>[/_-]?)(?P<m>\d\d|(?<=[/_-])\d)(?P=sign)(?P<d>\d\d|(?<=[/_-])\d)(?!\d)"
    r"|(?<!\d)(?P<day>1[3-9]|2\d|3[01])-(?P<month>\d\d)-(?P<year>20[0-4]\d)(?!\d)"
)
_MONTH_IN_ADDRESS = re.compile(r"/(?P<y>(?:19[89]|20[0-4])\d)[/-](?P<m>0?[1-9]|1[0-2])(?=/)")


def find_dates(
    tree: HtmlElement, meta: Metadata, source: SourceProfile | None, url: str | None = None, now: datetime | None = None
) -> tuple[PublicationDate, ...]:
    """The dates of a page, best first; `now` (aware) is when it was fetched, for those that count back from it."""
    return tuple(_chosen(tree, meta, source, url, now))[:MAX_DATES]


def _chosen(
    tree: HtmlElement, meta: Metadata, source: SourceProfile | None, url: str | None, now: datetime | None
) -> list[PublicationDate]:
    language = meta.language or (source.languages[0] if source and source.languages else None)
    strong = list(read_stated(meta.dates, language))
    if source and source.selectors.date:
        lines = selected_lines(tree, source.selectors.date)[:3]
        if selected := list(read_stated((("text", line) for line in lines), language, now)):
            return selected + strong
    address = day_of(url) or day_of(meta.canonical)
    if strong and not any(_differ(each, strong[0]) for each in strong):
        return _by_address(strong, address)
    heading = find_heading(tree, meta)
    shown = near(heading, language)
    originals = [each for each in shown if not each.is_update]
    if strong:
        return _by_address(_as_shown(strong, originals), address)
    if weak := list(read_stated(meta.weak_dates, language)):
        better = [each.date for each in originals if each.is_marked or _day(each.date) < _day(weak[0])]
        return _by_address(better or weak, address)
    dates = _in_month_of(url, [each.date for each in originals])
    if address:
        return [each for each in dates if abs(_day(each) - _day(address)) <= _ONE_DAY] or [address]
    updates = [each.date for each in shown if each.is_update]
    dates = dates or _in_month_of(url, elsewhere(tree, language, doubtful=bool(updates)) or scripted(tree, language))
    if not dates and now:
        dates = counted_back(heading, language, now)
    return dates or _in_month_of(url, updates)


def _day(found: PublicationDate) -> date:
    return found.at.date()


def _written_day(found: PublicationDate) -> date:
    """The day as the text has it, which may be another in UTC."""
    with suppress(ValueError):
        return datetime.fromisoformat(found.text).date()
    return _day(found)


def _differ(one: PublicationDate, other: PublicationDate) -> bool:
    """Whether two dates are not of one moment; wall clocks of unknown zone get the benefit of the doubt."""
    if one.at.tzinfo and other.at.tzinfo and "day" not in (one.precision, other.precision):
        return abs(one.at - other.at) > _ONE_HOUR
    return abs(_day(one) - _day(other)) > _ONE_DAY


def _as_shown(stated: list[PublicationDate], shown: list[Shown]) -> list[PublicationDate]:
    """Of dates that differ, the one whose day the page shows at its headline, and those that agree with it."""
    days = [_day(each.date) for each in shown[:1]]
    chosen = next((each for each in stated if _written_day(each) in days), None)
    if chosen is None:
        return stated
    return [chosen, *(each for each in stated if each is not chosen and not _differ(each, chosen))]


def _by_address(dates: list[PublicationDate], address: PublicationDate | None) -> list[PublicationDate]:
    """The dates that agree with the day in the address; else those before it, since a page may be dated anew but not
    back; else that day."""
    if address is None:
        return dates
    agreeing = [each for each in dates if abs(_day(each) - _day(address)) <= _ONE_DAY]
    return agreeing or [each for each in dates if _day(each) < _day(address)] or [address]


def day_of(url: str | None) -> PublicationDate | None:
    """The one day that the path of an address names: year first, or day first where it cannot be a month."""
    path = re.split(r"[?#]", url or "")[0]
    days = {found.at: found for found in _days_in(path)}
    return days.popitem()[1] if len(days) == 1 else None


def _days_in(path: str) -> Iterator[PublicationDate]:
    for match in _DAY_IN_ADDRESS.finditer(path):
        year, month, day = (match[name] or match[long] for name, long in (("y", "year"), ("m", "month"), ("d", "day")))
        if written := parse_date(f"{year}-{int(month):02}-{int(day):02}"):
            yield PublicationDate(written.at, written.zone, "text", match[0], "day")


def _in_month_of(url: str | None, found: list[PublicationDate]) -> list[PublicationDate]:
    """The dates of the month that an address names, a day more or less; all, where it names none."""
    named = {(int(match["y"]), int(match["m"])) for match in _MONTH_IN_ADDRESS.finditer(url or "")}
    if len(named) != 1:
        return found
    days = ((each, _day(each)) for each in found)
    return [each for each, day in days if named & {(at.year, at.month) for at in (day - _ONE_DAY, day, day + _ONE_DAY)}]
