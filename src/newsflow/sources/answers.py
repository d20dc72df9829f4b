"""What follows from an answer: which items are new or changed, what is published of them, when they are asked again.
Pure: targets come in as they are stored, and go out as they are to be."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from newsflow.ledger.database import to_micros
from newsflow.normalise.encodings import decode_bytes
from newsflow.sources.feedlist import Feed
from newsflow.sources.items import (
    Known,
    has_whole_text,
    hints_of,
    raw_event,
    says_anything,
    summary_of,
    text_of_feed,
)
from newsflow.sources.parse import Parsed, charset_of
from newsflow.sources.state import AT_ONCE, FEED, ITEM, NAMES, PAGE, Target, feed_id, item_id
from newsflow.sources.timing import next_look_h

RECENT = timedelta(days=3)
"""Of a sitemap that is not one for news, what changed longer ago when it is first read is taken for known."""
MOST_UNDATED_SITEMAPS = 50
MISSED_BEFORE_WITHDRAWN = 2
WITHDRAW = {"action": "withdraw"}
_HTML = ("text/html", "application/xhtml+xml", "application/xml", "text/xml")
HOUR_US = 3_600_000_000


class NotAPageError(ValueError):
    """The answer is no page of an article, and will not be one."""


@dataclass
class Taken:
    """What a document brought: targets to be kept, raw events to publish, the ids of the items it lists."""

    targets: list[Target] = field(default_factory=list)
    events: list[tuple[bytes, bytes]] = field(default_factory=list)
    listed: list[str] = field(default_factory=list)
    new: int = 0


@dataclass(frozen=True)
class Reader:
    """Reads the answers to one feed's addresses. `again_h`: hours after publication at which a page is looked at
    again."""

    feed: Feed
    again_h: Sequence[float] = ()

    def items(
        self, document: Target, parsed: Parsed, items: Sequence[Known], targets: Mapping[str, Target], now: datetime
    ) -> Taken:
        """What is new in a document, and what changed. `targets` are those of its items that are known."""
        taken, at = Taken(), to_micros(now)
        for place, each in enumerate(items):
            target_id = item_id(self.feed.source, each.key)
            taken.listed.append(target_id)
            target = targets.get(target_id)
            if target is None:
                url = each.url or document.url
                target = Target.at(url, target_id, document.id, document.root, ITEM, None, at)
                taken.new += 1
                if _is_old(parsed, each, document, now):
                    target.digest = each.digest
                    taken.targets.append(target)
                    continue
            elif target.feed != document.id or target.digest == each.digest:
                continue  # another feed of this source has it too, and tells of its edits
            target.state.place = place
            self._take(taken, target, each, parsed, now)
        taken.events.reverse()  # feeds have the newest first
        return taken

    def _take(self, taken: Taken, target: Target, known: Known, parsed: Parsed, now: datetime) -> None:
        language = parsed.language or self.feed.language
        hints = hints_of(known, self.feed.source, self.feed.url, language)
        target.digest, target.state.hints = known.digest, hints
        taken.targets.append(target)
        text = text_of_feed(known.item) if says_anything(known.item) else {}
        if not has_whole_text(known, self.feed.content):
            # Published when its page is there, or without it.
            target.state.hints = hints | summary_of(known.item)
            target.state.text, target.state.changed, target.state.validated = text, True, ""
            target.kind, target.due_at = ITEM, to_micros(now)
        elif text:
            target.state.published_at = target.state.published_at or to_micros(now)
            taken.events.append(raw_event(hints, text, now))
            target.state.hints = _names(hints)

    def sitemaps(self, document: Target, parsed: Parsed, now: datetime) -> list[Target]:
        """The sitemaps of an index that are worth asking; an index within an index is not followed."""
        if document.id != document.root:
            return []
        since = (now - timedelta(days=7)).date().isoformat()
        dated = [url for url, changed in parsed.children if changed and changed[:10] >= since]
        undated = [url for url, changed in parsed.children if not changed][:MOST_UNDATED_SITEMAPS]
        at = to_micros(now)
        return [
            Target.at(url, feed_id(url), document.id, document.root, FEED, AT_ONCE, at)
            for url in dict.fromkeys((*dated, *undated))
        ]

    def withdrawn(self, before: Iterable[Target], listed: Mapping[str, int], now: datetime) -> Taken:
        """What vanished from within a feed's window: it is not there twice in a row, and what stood behind it still is.
        `before` are the items that it had, `listed` the places of those that it has."""
        taken, items = Taken(), list(before)
        last = max((each.state.place for each in items if each.id in listed), default=-1)
        for each in items:
            if each.id in listed:
                each.state.missed, each.state.place = 0, listed[each.id]
            elif each.state.place < last:
                each.state.missed += 1
                if each.state.missed >= MISSED_BEFORE_WITHDRAWN:
                    taken.events += self.withdrawal(each, now)
                    continue
            else:
                continue  # it left the window at its end, as all do
            each.listed_at = to_micros(now)
            taken.targets.append(each)
        return taken

    def withdrawal(self, target: Target, now: datetime) -> list[tuple[bytes, bytes]]:
        """The event that takes an item back, if it was published."""
        names = _names(target.state.hints)
        return [raw_event(names, WITHDRAW, now)] if target.state.published_at and names else []

    def page(self, target: Target, body: bytes, headers: Mapping[str, str], now: datetime) -> list[tuple[bytes, bytes]]:
        """What is published of an item whose page came: nothing where it is the page that was published. Raises
        `NotAPageError`."""
        kind = headers.get("content-type", "text/html").partition(";")[0].strip().lower() or "text/html"
        if kind not in _HTML and kind != "text/plain":
            raise NotAPageError(f"the page is {kind[:100]}; accepted: text/html, text/plain")
        if not body.strip():
            raise NotAPageError("the page is empty")
        state, digest = target.state, hashlib.sha256(body).hexdigest()
        if digest == state.page and not state.changed:
            self.look_again(target, now)
            return []
        content = decode_bytes(body, charset_of(headers))
        members: dict[str, Any] = {"content": content, "content_is": "page"}
        members["content_type"] = "text/plain" if kind == "text/plain" else "text/html"
        state.page, state.text, state.changed = digest, {}, False
        # Where a passing redirect led is not its address.
        event = raw_event(state.hints | ({"url": target.url} if state.moving else {}), members, now)
        self.look_again(target, now)
        return [event]

    def without_page(self, target: Target, why: str, now: datetime) -> list[tuple[bytes, bytes]]:
        """What is published of an item whose page cannot be had: what its feed says. Of one that was published
        nothing; it is looked at again as it would be."""
        state = target.state
        state.error, text = why, state.text
        state.text, state.changed = {}, False
        if state.page:
            self.look_again(target, now)
            return []
        target.due_at, state.ended = None, why
        if not text:
            return []
        hints = {name: value for name, value in state.hints.items() if name != "summary"}
        state.published_at, state.hints = state.published_at or to_micros(now), _names(state.hints)
        return [raw_event(hints, text, now)]

    def look_again(self, target: Target, now: datetime) -> None:
        """Its page is there as it was published: it is due for its next edit, or never again."""
        state = target.state
        if not state.published_at:
            state.published_at = to_micros(now)
        else:
            state.looks += 1
        hours = next_look_h(self.again_h, state.looks)
        target.kind = PAGE
        target.due_at = None if hours is None else max(state.published_at + int(hours * HOUR_US), to_micros(now))
        if hours is None:
            state.hints = _names(state.hints)


def _names(hints: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of an item that is published: what it is known by."""
    return {name: value for name, value in hints.items() if name in NAMES}


def _is_old(parsed: Parsed, known: Known, document: Target, now: datetime) -> bool:
    """Whether it is of a site's past, which a whole sitemap lists when it is first read."""
    item = known.item
    if parsed.kind != "sitemap" or document.state.answered_at or item.title or item.published:
        return False
    return (item.updated or "")[:10] < (now - RECENT).date().isoformat()
