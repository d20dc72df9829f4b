"""Streams of changes as server-sent events. A reader that comes back with `Last-Event-ID` misses nothing, and is told
nothing twice, whatever became of the server meanwhile: the numbers are those of the store."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass

import orjson

from newsflow.errors import NewsflowError
from newsflow.web.access import Reader
from newsflow.web.library import Library
from newsflow.web.served import change_json

log = logging.getLogger(__name__)
POLL_S = 0.5
HEARTBEAT_S = 15.0
AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Followed:
    """What a stream follows."""

    reader: Reader
    topic: str | None


Page = tuple[tuple[int, bytes], ...]
"""Numbers and events."""


class Streams:
    """All open streams of a server. For one event loop; it asks the store in threads, and once for all that are at one
    place."""

    def __init__(self, library: Library, *, most: int, full_text: bool) -> None:
        self._library, self._most, self._full_text = library, most, full_text
        self._open = 0
        self._last = -1
        self._news = asyncio.Event()
        self._pages: dict[tuple[frozenset[str] | None, str | None, int], asyncio.Task[Page]] = {}
        self._watcher: asyncio.Task[None] | None = None

    @property
    def is_full(self) -> bool:
        return self._open >= self._most

    async def follow(self, followed: Followed, number: int) -> AsyncIterator[bytes]:
        """Events for all that changed after a number, for as long as somebody reads them, and may."""
        self._open += 1
        try:
            yield b"id: %d\n\n" % number
            while followed.reader.until > time.time():
                news = self._listen()
                page = await self._page(followed, number)
                for at, event in page:
                    yield event
                    number = at
                if not page and not await _within(news.wait(), HEARTBEAT_S):
                    yield b": still here\n\n"
        except NewsflowError as error:
            log.warning("a stream ends, its reader will come back: %s", error)
        finally:
            self._open -= 1

    def _listen(self) -> asyncio.Event:
        if self._watcher is None or self._watcher.done():
            self._watcher = asyncio.create_task(self._watch())
        return self._news

    async def _watch(self) -> None:
        """Look for a new number while somebody listens."""
        while self._open:
            try:
                last = await asyncio.to_thread(self._read_last)
            except NewsflowError as error:
                log.warning("streams wait: %s", error)
                last = self._last
            if last != self._last:
                self._last = last
                self._pages.clear()
                news, self._news = self._news, asyncio.Event()
                news.set()
            await asyncio.sleep(POLL_S)

    def _read_last(self) -> int:
        with self._library.desk() as desk:
            return desk.articles.last_number()

    async def _page(self, followed: Followed, number: int) -> Page:
        key = followed.reader.scope, followed.topic, number
        if key not in self._pages:
            self._pages[key] = asyncio.create_task(asyncio.to_thread(self._read, followed, number))
        return await asyncio.shield(self._pages[key])

    def _read(self, followed: Followed, number: int) -> Page:
        with self._library.desk() as desk:
            found = desk.articles.after(followed.reader.scope, followed.topic, number, AT_ONCE)
        page = []
        for each in found:
            members = change_json(each, followed.reader, full_text=self._full_text)
            kind = "withdrawn" if each.withdrawn else "article"
            page.append((each.number, _event(each.number, kind, orjson.dumps(members))))
        return tuple(page)

    async def close(self) -> None:
        """End what looks for news; open streams end with their connections."""
        if self._watcher is not None:
            self._watcher.cancel()
        self._news.set()


def _event(number: int, kind: str, value: bytes) -> bytes:
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (number, kind.encode(), value)


async def _within(waited: Awaitable[object], seconds: float) -> bool:
    try:
        await asyncio.wait_for(waited, seconds)
    except TimeoutError:
        return False
    return True
