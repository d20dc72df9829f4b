"""Normalisation of batches: pages in worker processes with limits, and texts too where there are several.

Answers are JSON. What a worker reads of a page becomes an article here, of the source and address that its event names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import orjson

from newsflow.cores import cores
from newsflow.errors import SandboxError
from newsflow.model import Article, PublicationDate, RawArticle, Reason, Rejected
from newsflow.normalise.article import (
    CONTENT_TYPES,
    STAGE,
    Extract,
    extract_page,
    is_html_page,
    language_of,
    media_type,
    normalise,
    with_title_repaired,
)
from newsflow.normalise.html import lines_outside
from newsflow.normalise.values import Dropped, Extracted, SourceProfile
from newsflow.normalise.words import Words
from newsflow.sandbox.pool import Answer, Workers, class_name, error_of
from newsflow.sandbox.worker import WorkerCrashedError, WorkerTimeoutError

NormaliseTask = tuple[RawArticle, SourceProfile | None, datetime]
"""A raw article, its source, and when it was first seen."""
PageRequest = tuple[RawArticle, SourceProfile | None, bool]
"""A raw article, its source, and whether the answer is to list what was dropped."""
SHARED_TEXTS, SHARED_CHARS = 16, 64_000
"""So much goes to a worker at once. Fewer texts are sooner read than handed over."""


class ExtractError(Exception):
    """The worker raised; `error_class` is the qualified name of what it raised."""

    def __init__(self, error_class: str, message: str) -> None:
        super().__init__(message)
        self.error_class = error_class


def read_pages(requests: Sequence[PageRequest]) -> list[orjson.Fragment]:
    """A worker's answers: what each page says, or what was raised."""
    return [orjson.Fragment(_read_page(*request)) for request in requests]


def _read_page(raw: RawArticle, source: SourceProfile | None, with_dropped: bool) -> bytes:
    try:
        raw = with_title_repaired(raw)
        page = extract_page(raw, source)
        dropped = page.dropped if with_dropped else ()
        if with_dropped and is_html_page(raw):
            dropped += lines_outside(raw.content, page)
        return orjson.dumps({"page": replace(page, dropped=dropped, language=language_of(raw, page))})
    except Exception as error:  # whatever a parser raises, the parent is told
        return orjson.dumps({"error": error_of(error)})


def _decode_answer(reply: Answer) -> Extracted:
    """The page of an answer. Raises ExtractError when the worker raised or ended, ValueError on what is not an
    answer."""
    if isinstance(reply, Exception):
        raise reply
    if not isinstance(reply, dict):
        raise ValueError("the answer is not an object")
    if "error" in reply:
        raise ExtractError(str(reply["error"]["class"]), str(reply["error"]["message"]))
    page = reply["page"]
    return Extracted(
        title=page["title"],
        body=page["body"],
        published=_decode_date(page["published"]) if page["published"] else None,
        dates=tuple(map(_decode_date, page["dates"])),
        authors=tuple(page["authors"]),
        canonical_url=page["canonical_url"],
        language_hint=page["language_hint"],
        agency=page["agency"],
        marks=tuple(page["marks"]),
        refused=page["refused"],
        language=page["language"],
        words=Words(**page["words"]),
        dropped=tuple(Dropped(item["text"], item["why"]) for item in page["dropped"]),
    )


def _decode_date(value: dict[str, Any]) -> PublicationDate:
    at = datetime.fromisoformat(value["at"])
    return PublicationDate(at, value["zone"], value["evidence"], value["text"], value["precision"])


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """What one article may take. `max_content_bytes` counts UTF-8; larger content is rejected unread."""

    time_limit_s: float = 10.0
    memory_limit_bytes: int = 450 * 1024 * 1024
    max_content_bytes: int = 16 * 1024 * 1024
    in_process_text_chars: int = 20_000
    workers: int = field(default_factory=cores)


@dataclass(slots=True)
class Begun:
    """Tasks, and of those that workers were given where their answers will be; the others are still to be read."""

    tasks: list[NormaliseTask] = field(default_factory=list)
    places: dict[int, tuple[Future[list[Answer]], int]] = field(default_factory=dict)

    def cancel(self) -> None:
        for future, _ in self.places.values():
            future.cancel()


class Normaliser:
    """Normalises batches; an article that hangs or kills its worker never harms the others.

    Thread-safe. Workers start when they are first needed. Its owner closes it: use it as a context manager, or call
    `close`. With one worker, that reads what may harm, and texts are read here.
    """

    def __init__(self, limits: SandboxLimits | None = None) -> None:
        self.limits = limits or SandboxLimits()
        self.workers = Workers(self.limits.workers, self.limits.time_limit_s, self.limits.memory_limit_bytes)

    def __enter__(self) -> Normaliser:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def normalise_many(
        self, tasks: Sequence[NormaliseTask], beat: Callable[[], object] = lambda: None
    ) -> list[Article | Rejected]:
        """One result for each task, in order. See `begin` and `finish`."""
        return [result for result, _ in self.finish(self.begin(tasks), beat)]

    def begin(self, tasks: Iterable[NormaliseTask]) -> Begun:
        """Let workers begin with the tasks, as soon as there are enough for one."""
        begun = Begun()
        pages, texts = (_Parcel(begun, self.workers) for _ in range(2))
        try:
            for number, task in enumerate(tasks):
                begun.tasks.append(task)
                if self._needs_worker(task[0]):
                    pages.add(number)
                elif self.workers.number > 1 and self._is_read(task[0]):
                    texts.add(number)
            pages.send()
            if texts.sent:
                texts.send()
        except BaseException:
            begun.cancel()
            raise
        return begun

    def finish(self, begun: Begun, beat: Callable[[], object] = lambda: None) -> list[tuple[Article | Rejected, Words]]:
        """One result for each task that was begun, in order, and where its words went. Blocks for at most a few time
        limits for each page; `beat` is called as it moves.

        Raises SandboxError when no worker can be started: then no article is to blame.
        """
        results: dict[int, tuple[Article | Rejected, Words]] = {}
        try:
            # What is left to this process first, while the workers read.
            for number in sorted(range(len(begun.tasks)), key=lambda number: number in begun.places):
                place = begun.places.get(number)
                extract = extract_page if place is None else _answered(*place)
                results[number] = self._guarded(begun.tasks[number], extract)
                beat()
        finally:
            begun.cancel()
        return [results[number] for number in range(len(results))]

    def explain(self, task: NormaliseTask) -> tuple[Article | Rejected, Extracted]:
        """One result, and all that was read from the page, with what was dropped and why.

        Always in a worker. Raises SandboxError when none can be started.
        """
        pages: list[Extracted] = []

        def extract(raw: RawArticle, source: SourceProfile | None) -> Extracted:
            pages.append(self._extract(raw, source))
            return pages[-1]

        result, words = self._guarded(task, extract)
        return result, replace(pages[-1] if pages else Extracted(), words=words)

    def close(self) -> None:
        """End the workers, once the tasks in hand are done."""
        self.workers.close()

    def _is_read(self, raw: RawArticle) -> bool:
        if raw.withdrawn or len(raw.content) > self.limits.max_content_bytes:
            return False
        return media_type(raw) in CONTENT_TYPES

    def _needs_worker(self, raw: RawArticle) -> bool:
        if not self._is_read(raw):
            return False
        if media_type(raw) == "text/html" or len(raw.content) > self.limits.in_process_text_chars:
            return True
        return is_html_page(raw)

    def _guarded(self, task: NormaliseTask, extract: Extract) -> tuple[Article | Rejected, Words]:
        """`normalise` and its words, where whatever the article makes it raise becomes its rejection."""
        found: list[Words] = []

        def noted(raw: RawArticle, source: SourceProfile | None) -> Extracted:
            page = extract(raw, source)
            found.append(page.words)
            return page

        result = self._normalised(task, noted)
        words = found[-1] if found else Words()
        return result, words.refused(result.reason) if isinstance(result, Rejected) else words

    def _normalised(self, task: NormaliseTask, extract: Extract) -> Article | Rejected:
        raw, source, now = task
        content = raw.content
        size_bytes = len(content) if content.isascii() else len(content.encode("utf-8", "surrogatepass"))
        if size_bytes > self.limits.max_content_bytes:
            message = f"content of {size_bytes} bytes; at most {self.limits.max_content_bytes} are read"
            return Rejected(Reason.TOO_LARGE, message, STAGE)
        try:
            return normalise(raw, source, now, extract)
        except SandboxError:
            raise
        except Exception as error:  # one article must never fail its batch
            return _rejection(error)

    def _extract(self, raw: RawArticle, source: SourceProfile | None) -> Extracted:
        request: PageRequest = (replace(raw, extra={}), source, True)
        return _decode_answer(self.workers.submit(read_pages, [request]).result()[0])


class _Parcel:
    """Tasks that are to go to a worker together."""

    def __init__(self, begun: Begun, workers: Workers) -> None:
        self._begun, self._workers = begun, workers
        self._numbers: list[int] = []
        self._chars = 0
        self.sent = False

    def add(self, number: int) -> None:
        """Add a task, and send what there is when it is enough."""
        self._numbers.append(number)
        self._chars += len(self._begun.tasks[number][0].content)
        if len(self._numbers) >= SHARED_TEXTS or self._chars >= SHARED_CHARS:
            self.send()

    def send(self) -> None:
        if not self._numbers:
            return
        tasks = [self._begun.tasks[number] for number in self._numbers]
        future = self._workers.submit(read_pages, [(replace(raw, extra={}), source, False) for raw, source, _ in tasks])
        self._begun.places |= {number: (future, place) for place, number in enumerate(self._numbers)}
        self._numbers, self._chars, self.sent = [], 0, True


def _answered(future: Future[list[Answer]], place: int) -> Extract:
    return lambda *_: _decode_answer(future.result()[place])


def _rejection(error: Exception) -> Rejected:
    if isinstance(error, WorkerTimeoutError):
        return Rejected(Reason.TIME_LIMIT, f"the page could not be read: {error}", STAGE)
    if isinstance(error, WorkerCrashedError):
        message = f"the page ended the process that read it, twice: {error}"
        return Rejected(Reason.TRANSFORM_ERROR, message, STAGE)
    if isinstance(error, ExtractError):
        return Rejected(Reason.TRANSFORM_ERROR, f"the page could not be read: {error}", STAGE, error.error_class)
    message = f"the article could not be normalised: {error}"
    return Rejected(Reason.TRANSFORM_ERROR, message, STAGE, class_name(error))
