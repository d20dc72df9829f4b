"""Normalisation of batches: short plain text in this process, pages in worker processes with limits.

Requests to workers are pickled: they go from parent to child, within one trust. Answers are JSON: a child that a page
took over must not be able to run code in the parent.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from queue import LifoQueue
from typing import Any

import orjson

from newsflow.errors import SandboxError
from newsflow.model import Article, PublicationDate, RawArticle, Reason, Rejected
from newsflow.normalise.article import STAGE, Extract, extract_page, is_html_page, language_of, media_type, normalise
from newsflow.normalise.html import lines_outside
from newsflow.normalise.values import Dropped, Extracted, SourceProfile
from newsflow.normalise.words import Words
from newsflow.sandbox.worker import Worker, WorkerCrashedError, WorkerTimeoutError

NormaliseTask = tuple[RawArticle, SourceProfile | None, datetime]
"""A raw article, its source, and when it was first seen."""
WorkerRequest = tuple[RawArticle, SourceProfile | None, bool]
"""A raw article, its source, and whether the answer is to list what was dropped."""
Begun = list["NormaliseTask | Future[tuple[Article | Rejected, Words]]"]
"""Pages that workers were given, and texts that are still to be read."""
RECYCLE_CALLS = 5_000
"""A worker is replaced after so many pages: parsers leak, and memory fragments."""


class ExtractError(Exception):
    """The worker raised; `error_class` is the qualified name of what it raised."""

    def __init__(self, error_class: str, message: str) -> None:
        super().__init__(message)
        self.error_class = error_class


def answer(request: WorkerRequest) -> bytes:
    """The worker's answer: what the page says, or what was raised."""
    raw, source, with_dropped = request
    try:
        page = extract_page(raw, source)
        dropped = page.dropped if with_dropped else ()
        if with_dropped and is_html_page(raw):
            dropped += lines_outside(raw.content, page)
        return orjson.dumps({"page": replace(page, dropped=dropped, language=language_of(raw, page))})
    except Exception as error:  # whatever a parser raises, the parent is told
        message = str(error)[:500].encode("utf-8", "replace").decode()
        return orjson.dumps({"error": _class_name(error), "message": message})


def _class_name(error: Exception) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}"


def _decode_answer(data: bytes) -> Extracted:
    """The page of an answer. Raises ExtractError when the worker raised, ValueError on what is not an answer."""
    reply = orjson.loads(data)
    if not isinstance(reply, dict):
        raise ValueError("the answer is not an object")
    if "error" in reply:
        raise ExtractError(str(reply["error"]), str(reply.get("message", "")))
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
    workers: int = max(1, min(4, os.cpu_count() or 1))


class Normaliser:
    """Normalises batches; an article that hangs or kills its worker never harms the others.

    Thread-safe. Workers start when they are first needed. Its owner closes it: use it as a context manager, or call
    `close`.
    """

    def __init__(self, limits: SandboxLimits | None = None) -> None:
        self.limits = limits or SandboxLimits()
        self._slots: LifoQueue[Worker | None] = LifoQueue()
        for _ in range(self.limits.workers):
            self._slots.put(None)
        self._threads = ThreadPoolExecutor(self.limits.workers, thread_name_prefix="normalise")

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
        """Let workers begin with the pages among the tasks, each as soon as its task is there."""
        begun: Begun = []
        try:
            for task in tasks:
                in_worker = self._needs_worker(task[0])
                begun.append(self._threads.submit(self._guarded, task, self._extract) if in_worker else task)
        except BaseException:
            _cancel(begun)
            raise
        return begun

    def finish(self, begun: Begun, beat: Callable[[], object] = lambda: None) -> list[tuple[Article | Rejected, Words]]:
        """One result for each task that was begun, in order, and where its words went. Blocks for at most a few time
        limits for each page; `beat` is called as it moves.

        Raises SandboxError when no worker can be started: then no article is to blame.
        """
        results: dict[int, tuple[Article | Rejected, Words]] = {}
        try:
            # Short texts first, while the workers read.
            for i in sorted(range(len(begun)), key=lambda i: isinstance(begun[i], Future)):
                each = begun[i]
                results[i] = each.result() if isinstance(each, Future) else self._guarded(each, extract_page)
                beat()
        finally:
            _cancel(begun)
        return [results[i] for i in range(len(results))]

    def explain(self, task: NormaliseTask) -> tuple[Article | Rejected, Extracted]:
        """One result, and all that was read from the page, with what was dropped and why.

        Always in a worker. Raises SandboxError when none can be started.
        """
        pages: list[Extracted] = []

        def extract(raw: RawArticle, source: SourceProfile | None) -> Extracted:
            pages.append(self._extract(raw, source, with_dropped=True))
            return pages[-1]

        result, words = self._guarded(task, extract)
        return result, replace(pages[-1] if pages else Extracted(), words=words)

    def close(self) -> None:
        """End the workers, once the tasks in hand are done."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        workers = [self._slots.get() for _ in range(self.limits.workers)]
        for worker in workers:
            if worker is not None:
                worker.close()
            self._slots.put(None)

    def _needs_worker(self, raw: RawArticle) -> bool:
        if raw.withdrawn or len(raw.content) > self.limits.max_content_bytes:
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

    def _extract(self, raw: RawArticle, source: SourceProfile | None, *, with_dropped: bool = False) -> Extracted:
        request: WorkerRequest = (replace(raw, extra={}), source, with_dropped)
        pickled = pickle.dumps(request, protocol=5)
        try:
            return _decode_answer(self._call(pickled))
        except WorkerCrashedError:  # perhaps not the page's fault: once more, in a fresh process
            return _decode_answer(self._call(pickled))

    def _call(self, request: bytes) -> bytes:
        worker = self._slots.get()
        try:
            if worker is not None and not worker.is_alive():  # killed while idle, so no page is to blame
                worker.close()
                worker = None
            if worker is None:
                worker = Worker(self.limits.time_limit_s, self.limits.memory_limit_bytes)
            answer = worker.call(request)
            if worker.calls >= RECYCLE_CALLS:
                worker.close()
                worker = None
            return answer
        except (WorkerTimeoutError, WorkerCrashedError):
            worker = None
            raise
        finally:
            self._slots.put(worker)


def _cancel(begun: Begun) -> None:
    for each in begun:
        if isinstance(each, Future):
            each.cancel()


def _rejection(error: Exception) -> Rejected:
    if isinstance(error, WorkerTimeoutError):
        return Rejected(Reason.TIME_LIMIT, f"the page could not be read: {error}", STAGE)
    if isinstance(error, WorkerCrashedError):
        message = f"the page ended the process that read it, twice: {error}"
        return Rejected(Reason.TRANSFORM_ERROR, message, STAGE)
    if isinstance(error, ExtractError):
        return Rejected(Reason.TRANSFORM_ERROR, f"the page could not be read: {error}", STAGE, error.error_class)
    message = f"the article could not be normalised: {error}"
    return Rejected(Reason.TRANSFORM_ERROR, message, STAGE, _class_name(error))
