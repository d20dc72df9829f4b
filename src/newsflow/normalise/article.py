"""One raw article in, one clean article or a reason out.

Which of several dates is when an article was published: JSON-LD before metadata, that before the feed, that before
visible text. A date after the article was first seen is passed over. The first that is left wins, but one of another
source within a day of it goes before it when it has a time of day and the winner has none, or names its zone and the
winner does not. Where none is left, the article was published when it was first seen.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from newsflow.model import Action, Article, PublicationDate, RawArticle, Reason, Rejected
from newsflow.model.url import is_homepage, link_of
from newsflow.normalise.characters import broken_share, tidy_line, word_share
from newsflow.normalise.dates import parse_date
from newsflow.normalise.encodings import repair_text
from newsflow.normalise.html import extract_html
from newsflow.normalise.language import detect_language
from newsflow.normalise.lines import has_letters
from newsflow.normalise.markup import holds_tags, is_page, text_of_fragment
from newsflow.normalise.refusals import refused_text
from newsflow.normalise.text import clean_text
from newsflow.normalise.title import split_title
from newsflow.normalise.values import Extracted, SourceProfile, canonical_url

STAGE = "Normalise"
CONTENT_TYPES = ("text/html", "text/plain")
MAX_BROKEN_SHARE, MIN_WORD_SHARE = 0.05, 0.75
MAX_TITLE_CHARS = 1_000
Extract = Callable[[RawArticle, SourceProfile | None], Extracted]

_LONG_CHARS, _WORD = 1_000_000, re.compile(r"\S+")
_IDENTIFIER = re.compile(r"\d{4,}")
_DATE = re.compile(r"(?:19|20)\d\d(?:\d\d){0,2}")
_WORDS_IN_PATH = re.compile(r"[^\W_]+(?:[-_][^\W_]+){2,}(?:\.html?)?")
_RANK = {"json-ld": 0, "meta": 1, "feed": 2, "text": 3, "first-seen": 4}
# A wall clock of unknown zone can be this far ahead of UTC.
_EASTERNMOST = timedelta(hours=14)
_SAME_DATE = timedelta(hours=26)


def extract_page(raw: RawArticle, source: SourceProfile | None) -> Extracted:
    """What the content of a raw article says: a page by its tags, else the text of a fragment, or the text it is."""
    if is_html_page(raw):
        return extract_html(raw.content, raw.url, source, raw.fetched_at)
    text = raw.content
    if holds_tags(text):
        text = text_of_fragment(text)
    elif media_type(raw) == "text/html":
        text = unescape(text)
    found = clean_text(text, source, raw.title, raw.content_is, raw.fetched_at)
    return found if raw.content_is == "article" else replace(found, refused=refused_text(text, raw.title))


def is_html_page(raw: RawArticle) -> bool:
    """Whether the content is read as an HTML page, whatever its content type; only such content is parsed."""
    if raw.content_is == "article" or not holds_tags(raw.content):
        return False
    return raw.content_is == "page" or is_page(raw.content)


def media_type(raw: RawArticle) -> str:
    """The content type without its parameters, in lower case."""
    return raw.content_type.partition(";")[0].strip().lower()


def normalise(
    raw: RawArticle, source: SourceProfile | None, now: datetime, extract: Extract = extract_page
) -> Article | Rejected:
    """The article a raw article holds, or why there is none.

    `now` (aware) is when it was first seen; nothing is published after it. The id stays empty: the ledger gives it.
    Text is in NFC without invisible characters, unfolded; paragraphs end with a newline. May take long on hostile
    pages: `newsflow.sandbox` gives an `extract` that reads them within limits. What `extract` raises passes through.
    """
    url = url_of(raw, source)
    if isinstance(url, Rejected):
        return url
    raw = with_title_repaired(raw)
    if raw.withdrawn:
        return _with_link(_withdrawal(raw, url, now), raw)
    result = _article(raw, source, extract(raw, source), url, now)
    return result if isinstance(result, Rejected) else _with_link(result, raw)


def with_title_repaired(raw: RawArticle) -> RawArticle:
    """The same with a headline that was decoded as it was not encoded read again."""
    if not raw.title or raw.title.isascii():
        return raw
    return replace(raw, title=repair_text(raw.title))


def url_of(raw: RawArticle, source: SourceProfile | None = None) -> str | Rejected | None:
    """The address that names an article; or what the record alone says against it, before its page is read."""
    try:
        url = canonical_url(raw.url, source) if raw.url else None
    except ValueError as error:
        return Rejected(Reason.BAD_URL, str(error), STAGE, "ValueError")
    if not raw.withdrawn and media_type(raw) not in CONTENT_TYPES:
        accepted = " or ".join(CONTENT_TYPES)
        message = f"content_type {raw.content_type[:100]!r}; expected {accepted}"
        return Rejected(Reason.UNSUPPORTED_CONTENT_TYPE, message, STAGE)
    return url


def _with_link(article: Article, raw: RawArticle) -> Article:
    """Up to here `url` was the article's name; what others see is an address that can be followed."""
    return article if article.url is None else replace(article, url=link_of(article.url, raw.url))


def _withdrawal(raw: RawArticle, url: str | None, now: datetime) -> Article:
    return Article(
        source=raw.source,
        title="",
        body="",
        language="und",
        published=PublicationDate(now.astimezone(UTC), "explicit", "first-seen", ""),
        first_seen=now,
        action=Action.WITHDRAW,
        url=_own_url(url, raw),
        guid=raw.guid,
        raw={**raw.extra, **_original_url(raw, url)},
    )


def _article(
    raw: RawArticle, source: SourceProfile | None, page: Extracted, url: str | None, now: datetime
) -> Article | Rejected:
    title, marks = _title(raw, page)
    if page.refused:
        kind = f"an {page.refused}" if page.refused[0] in "aeiou" else f"a {page.refused}"
        message = f"the page is not an article but {kind}: {title[:100]!r}"
        return Rejected(Reason.NOT_AN_ARTICLE, message, STAGE)
    # A headline may come alone; that of a page does not, since a gallery and a page of an error have one too.
    if not page.body and (is_html_page(raw) or not has_letters(title)):
        message = f"no article text in {len(raw.content)} characters of {media_type(raw)}"
        return Rejected(Reason.NO_TEXT, message, STAGE)
    if (share := broken_share(page.body or title)) > MAX_BROKEN_SHARE:
        message = f"{share:.0%} of the text was lost in decoding (U+FFFD); expected text decoded as it was encoded"
        return Rejected(Reason.BAD_ENCODING, message, STAGE)
    if word_share(page.body or title) < MIN_WORD_SHARE:
        message = "the content is not text: too few of its characters belong to words"
        return Rejected(Reason.NO_TEXT, message, STAGE)
    language = page.language or language_of(raw, page)
    authors = tuple(filter(None, map(tidy_line, raw.authors))) or page.authors
    article = Article(
        source=raw.source,
        title=title,
        body=page.body,
        language=language,
        published=_published(raw, source, page, language, now),
        first_seen=now,
        url=_own_url(_better_url(page.canonical_url or raw.canonical_url, url, source), raw),
        guid=raw.guid,
        authors=authors,
        agency=page.agency or (tidy_line(raw.agency) if raw.agency else None) or None,
        word_count=_count_words(page.body),
        content_hash=content_hash(title, page.body),
    )
    left = _leftovers(raw, article, marks)
    if article.url and page.canonical_url not in (None, article.url):
        left.setdefault("canonical_url", page.canonical_url)  # not believed
    return replace(article, raw=left)


def _title(raw: RawArticle, page: Extracted) -> tuple[str, tuple[str, ...]]:
    """The title, and the marks that were taken off it."""
    if page.title:
        return page.title[:MAX_TITLE_CHARS], page.marks
    title, marks = split_title(raw.title or "")
    return title[:MAX_TITLE_CHARS], page.marks or marks


def language_of(raw: RawArticle, page: Extracted) -> str:
    """The language of an article, `und` where it cannot be told."""
    return detect_language(f"{_title(raw, page)[0]}\n{page.body}")[0]


def _count_words(text: str) -> int:
    """Of a text that was made to be large no list of words is held."""
    return len(text.split()) if len(text) < _LONG_CHARS else sum(1 for _ in _WORD.finditer(text))


def _published(
    raw: RawArticle, source: SourceProfile | None, page: Extracted, language: str, now: datetime
) -> PublicationDate:
    found = list(page.dates)
    known = None if language == "und" else language
    if raw.published and (hint := parse_date(tidy_line(raw.published), known, None, raw.fetched_at)):
        found.append(replace(hint, evidence="feed"))
    return choose_date(found, language, source.zone if source else None, now, raw.fetched_at)


def choose_date(
    found: Sequence[PublicationDate],
    language: str,
    zone: str | None,
    now: datetime,
    fetched_at: datetime | None = None,
) -> PublicationDate:
    """The publication date by the rule above; `now` (aware) is when the article was first seen, and dates that count
    back do so from `fetched_at`."""
    dates = [date if date.at.tzinfo else _read_again(date, language, zone, fetched_at or now) for date in found]
    dates = [date for date in dates if _instant(date) <= now + (timedelta() if date.at.tzinfo else _EASTERNMOST)]
    dates.sort(key=lambda date: _RANK[date.evidence])  # stable: the order of the page within one kind
    if not dates:
        return PublicationDate(now.astimezone(UTC), "explicit", "first-seen", "")
    best = dates[0]
    for other in dates[1:]:
        if abs(_instant(other) - _instant(best)) <= _SAME_DATE and _tells_more(other, best):
            best = other
    return best


def _read_again(date: PublicationDate, language: str, zone: str | None, fetched_at: datetime) -> PublicationDate:
    """A date of unknown zone read again, now that the language and the zone of its source are known."""
    again = parse_date(date.text, None if language == "und" else language, zone, fetched_at)
    return replace(again, evidence=date.evidence) if again else date


def _instant(date: PublicationDate) -> datetime:
    return date.at if date.at.tzinfo else date.at.replace(tzinfo=UTC)


def _has_time(date: PublicationDate) -> bool:
    return date.precision != "day"


def _tells_more(other: PublicationDate, best: PublicationDate) -> bool:
    if _has_time(other) != _has_time(best):
        return _has_time(other)
    return best.at.tzinfo is None and other.at.tzinfo is not None


def _better_url(stated: str | None, url: str | None, source: SourceProfile | None) -> str | None:
    """The URL that the page states, if it names the same article: some pages all state one, and would be merged."""
    if url is None or not stated:
        return url
    try:
        named = canonical_url(stated, source)
    except ValueError:
        return url
    if urlsplit(named).netloc != urlsplit(url).netloc or is_homepage(named):
        return url
    ours, theirs = set(_IDENTIFIER.findall(url)), set(_IDENTIFIER.findall(named))
    if ours != theirs:
        return url
    if not all(map(_DATE.fullmatch, theirs)):
        return named
    return named if _names_one(urlsplit(named), urlsplit(url)) else url


def _names_one(named: SplitResult, given: SplitResult) -> bool:
    """Whether a page that states no number but its date is named by words, or by all parameters it was found by."""
    last = unquote(_last_segment(named))
    if last != unquote(_last_segment(given)):
        return False
    stated_all = set(given.query.split("&")) - {""} <= set(named.query.split("&"))
    return stated_all or _WORDS_IN_PATH.fullmatch(last) is not None


def _last_segment(url: SplitResult) -> str:
    return url.path.rstrip("/").rpartition("/")[2]


def _own_url(url: str | None, raw: RawArticle) -> str | None:
    """None where the URL is a front page and the publisher's id can name the article instead."""
    return None if url and raw.guid and is_homepage(url) else url


def content_hash(title: str, body: str) -> str:
    """32 hex digits over title and body: equal texts have equal hashes, everywhere and always."""
    return hashlib.blake2b(f"{title}\x00{body}".encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _original_url(raw: RawArticle, url: str | None) -> dict[str, str]:
    if not raw.url or (url and unquote(raw.url.strip()) == unquote(url)):
        return {}
    return {"url": raw.url}


def _leftovers(raw: RawArticle, article: Article, marks: tuple[str, ...]) -> dict[str, Any]:
    """What the publisher sent beyond the contract, and hints that did not become the field of their name."""
    left: dict[str, Any] = {**raw.extra, **_original_url(raw, article.url)}
    became = {
        "title": article.title,
        "language": article.language,
        "agency": article.agency,
        "canonical_url": article.url,
    }
    for name in ("title", "language", "agency", "section", "feed", "version", "canonical_url"):
        value = getattr(raw, name)
        if value and value != became.get(name):
            left[name] = value
    if raw.published and article.published.evidence != "feed":
        left["published"] = raw.published
    if marks:
        left["title_marks"] = list(marks)
    return left
