"""One raw article in, one clean article or a reason out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from newsflow.model import Action, Article, PublicationDate, RawArticle, Reason, Rejected
from newsflow.normalise.dates import parse_date
from newsflow.normalise.html import extract_page_html
from newsflow.normalise.language import detect_language
from newsflow.normalise.profile import SourceProfile
from newsflow.normalise.text import clean_page_text
from newsflow.normalise.title import split_title
from newsflow.normalise.url import canonicalise_url
from newsflow.normalise.values import Extracted

STAGE = "normalise"
CONTENT_TYPES = ("text/html", "text/plain")
Extract = Callable[[RawArticle, SourceProfile | None], Extracted]


def normalise(raw: RawArticle, source: SourceProfile | None, now: datetime) -> Article | Rejected:
    """The article a raw article holds, or why there is none.

    `now` (aware, UTC) is when it was first seen; nothing is published after it. The id stays empty, for the ledger
    to settle. May take long on hostile pages: `newsflow.sandbox` runs it within limits.
    """
    return normalise_with(raw, source, now, extract_page)


def extract_page(raw: RawArticle, source: SourceProfile | None) -> Extracted:
    """What the content of a raw article says, by its content type."""
    if media_type(raw) == "text/html":
        return extract_page_html(raw.content, raw.url, source)
    return clean_page_text(raw.content, source)


def media_type(raw: RawArticle) -> str:
    """The content type without its parameters, in lower case."""
    return raw.content_type.partition(";")[0].strip().lower()


def normalise_with(raw: RawArticle, source: SourceProfile | None, now: datetime, extract: Extract) -> Article | Rejected:
    """`normalise` with another way to extract the page, such as one in another process. Raises what that raises."""
    try:
        url = _canonical_url(raw)
    except ValueError as error:
        return Rejected(Reason.BAD_URL, str(error), STAGE, "ValueError")
    if raw.withdrawn:
        return _withdrawal(raw, url, now)
    if media_type(raw) not in CONTENT_TYPES:
        accepted = " or ".join(CONTENT_TYPES)
        return Rejected(Reason.UNSUPPORTED_CONTENT_TYPE, f"content_type {raw.content_type!r}; expected {accepted}", STAGE)
    return _article(raw, source, extract(raw, source), url, now)


def _canonical_url(raw: RawArticle) -> str | None:
    return canonicalise_url(raw.url) if raw.url else None


def _withdrawal(raw: RawArticle, url: str | None, now: datetime) -> Article:
    return Article(
        source=raw.source,
        title="",
        body="",
        language="und",
        published=PublicationDate(now.astimezone(UTC), "explicit", "first-seen", ""),
        first_seen=now,
        action=Action.WITHDRAW,
        url=url,
        guid=raw.guid,
        raw=dict(raw.extra),
    )


def _article(
    raw: RawArticle, source: SourceProfile | None, page: Extracted, url: str | None, now: datetime
) -> Article | Rejected:
    title = page.title or split_title(raw.title or "")[0]
    if not page.body:
        return Rejected(Reason.NO_TEXT, f"no article text in {len(raw.content)} characters of {raw.content_type}", STAGE)
    language = detect_language(f"{title}\n{page.body}")[0]
    return Article(
        source=raw.source,
        title=title,
        body=page.body,
        language=language,
        published=_published(raw, source, page, language, now),
        first_seen=now,
        url=url,
        guid=raw.guid,
        authors=raw.authors or page.authors,
        agency=page.agency or raw.agency,
        word_count=len(page.body.split()),
        content_hash=content_hash(title, page.body),
        raw=_leftovers(raw),
    )


def _published(
    raw: RawArticle, source: SourceProfile | None, page: Extracted, language: str, now: datetime
) -> PublicationDate:
    zone = source.zone if source else None
    found = [page.published] if page.published else []
    if raw.published and (hint := parse_date(raw.published, language, zone)):
        found.append(replace(hint, evidence="feed"))
    for date in found:
        settled = parse_date(date.text, language, zone) if date.zone == "unknown" else date
        settled = replace(settled, evidence=date.evidence) if settled else date
        at = settled.at if settled.at.tzinfo else settled.at.replace(tzinfo=UTC)
        if at <= now:
            return settled
    return PublicationDate(now.astimezone(UTC), "explicit", "first-seen", "")


def content_hash(title: str, body: str) -> str:
    """32 hex digits over title and body: equal texts have equal hashes, everywhere and always."""
    return hashlib.blake2b(f"{title}\x00{body}".encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _leftovers(raw: RawArticle) -> Mapping[str, Any]:
    """What the publisher sent beyond the contract, and hints that became no field of the article."""
    hints = {name: getattr(raw, name) for name in ("section", "feed", "version", "canonical_url") if getattr(raw, name)}
    return {**raw.extra, **hints}
