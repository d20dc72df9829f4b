"""Normalisation of batches: short plain text in process, pages in worker processes with limits."""

from __future__ import annotations

import atexit
import os
import pickle
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from queue import LifoQueue
from types import TracebackType
from typing import Any

import orjson

from newsflow.errors import SandboxError
from newsflow.model import Article, PublicationDate, RawArticle, Reason, Rejected
from newsflow.normalise.article import STAGE, Extract, extract_page, media_type, normalise_with
from newsflow.normalise.html import lines_outside
from newsflow.normalise.values import Dropped, Extracted, SourceProfile
from newsflow.sandbox.worker import Worker, WorkerCrashedError, WorkerTimeoutError

# What is asked of the worker process, and the bytes of its answer.
#
# Requests are pickled: parent to child is within one trust. Answers are JSON: a child that a page took over
# must not be able to run code in the parent.


Request = tuple[RawArticle, SourceProfile | None, bool]
"""(The raw article, its source, whether what was dropped is wanted)."""


class TaskError(Exception):
    """The work raised; `error_class` is the qualified name of what it raised."""

    def __init__(self, error_class: str, message: str) -> None:
        super().__init__(message)
        self.error_class = error_class


def encode_request(raw: RawArticle, source: SourceProfile | None, *, with_dropped: bool = False) -> bytes:
    """The bytes of a request."""
    return pickle.dumps((replace(raw, extra={}), source, with_dropped), protocol=5)


def answer(request: Request) -> bytes:
    """Do what is asked. Whatever is raised becomes the answer."""
    raw, source, with_dropped = request
    try:
        page = extract_page(raw, source)
        dropped = page.dropped if with_dropped else ()
        if with_dropped and media_type(raw) == "text/html":
            dropped += lines_outside(raw.content, page)
        return orjson.dumps({"page": asdict(replace(page, dropped=dropped))})
    except Exception as error:  # whatever the parser raises, the parent gets told
        kind = type(error)
        reply = {"error": f"{kind.__module__}.{kind.__qualname__}", "message": _printable(str(error)[:500])}
        return orjson.dumps(reply)


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def decode_answer(data: bytes) -> Extracted:
    """The page of an answer. Raises TaskError when the work raised, ValueError on what is no answer."""
    reply = orjson.loads(data)
    if not isinstance(reply, dict):
        raise ValueError("an answer that is no object")
    if "error" in reply:
        raise TaskError(str(reply["error"]), str(reply.get("message", "")))
    return _page(reply["page"])


def _page(value: dict[str, Any]) -> Extracted:
    return Extracted(
        title=value["title"],
        body=value["body"],
        published=_date(value["published"]) if value["published"] else None,
        dates=tuple(_date(date) for date in value["dates"]),
        authors=tuple(value["authors"]),
        canonical_url=value["canonical_url"],
        language_hint=value["language_hint"],
        agency=value["agency"],
        marks=tuple(value["marks"]),
        dropped=tuple(Dropped(item["text"], item["why"]) for item in value["dropped"]),
    )


def _date(value: dict[str, Any]) -> PublicationDate:
    return PublicationDate(datetime.fromisoformat(value["at"]), value["zone"], value["evidence"], value["text"])


Job = tuple[RawArticle, SourceProfile | None, datetime]


RECYCLE_CALLS = 5_000
"""A worker is replaced after so many pages: parsers leak, and memory comes apart."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one article may take. `max_content_bytes` counts UTF-8; larger content is rejected unread."""

    time_limit_s: float = 10.0
    memory_limit_bytes: int = 450 * 1024 * 1024
    max_content_bytes: int = 16 * 1024 * 1024
    in_process_text_chars: int = 100_000
    workers: int = max(1, min(4, os.cpu_count() or 1))


class Normaliser:
    """Normalises batches; one article that hangs or kills its worker never harms the others.

    Thread-safe. Workers start when they are first needed. Use as a context manager, or call `close`.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._slots: LifoQueue[Worker | None] = LifoQueue()
        for _ in range(self.limits.workers):
            self._slots.put(None)
        self._threads = ThreadPoolExecutor(self.limits.workers, thread_name_prefix="normalise")

    def __enter__(self) -> Normaliser:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def normalise_many(self, jobs: Sequence[Job]) -> list[Article | Rejected]:
        """One result for each job, in order. Blocks for at most a few time limits for each page.

        Raises SandboxError when no worker can be started: then no article is to blame.
        """
        results: list[Article | Rejected | Future[Article | Rejected]] = [
            self._threads.submit(self._normalise, job) if self._needs_worker(job[0]) else None  # type: ignore[misc]
            for job in jobs
        ]
        for index, job in enumerate(jobs):
            if results[index] is None:
                results[index] = self._normalise(job)
        return [result.result() if isinstance(result, Future) else result for result in results]

    def explain(self, job: Job) -> tuple[Article | Rejected, Extracted]:
        """One result, and all that was read from the page, with what was thrown away and why.

        Always in a worker. Raises SandboxError when none can be started.
        """
        pages: list[Extracted] = []

        def extract(raw: RawArticle, source: SourceProfile | None) -> Extracted:
            pages.append(self._extract(raw, source, with_dropped=True))
            return pages[-1]

        result = self._guarded(job, extract)
        return result, pages[-1] if pages else Extracted()

    def close(self) -> None:
        """End the workers. Jobs under way end first."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        workers = [self._slots.get() for _ in range(self.limits.workers)]
        for worker in workers:
            if worker is not None:
                worker.close()
            self._slots.put(None)

    def _needs_worker(self, raw: RawArticle) -> bool:
        if raw.withdrawn or len(raw.content) > self.limits.max_content_bytes:
            return False
        return media_type(raw) == "text/html" or len(raw.content) > self.limits.in_process_text_chars

    def _normalise(self, job: Job) -> Article | Rejected:
        return self._guarded(job, self._extract if self._needs_worker(job[0]) else extract_page)

    def _guarded(self, job: Job, extract: Extract) -> Article | Rejected:
        """`normalise_with`, where whatever is raised because of the article becomes its rejection."""
        raw, source, now = job
        size_bytes = _size_bytes(raw.content)
        if size_bytes > self.limits.max_content_bytes:
            message = f"content of {size_bytes} bytes; at most {self.limits.max_content_bytes} are read"
            return Rejected(Reason.TOO_LARGE, message, STAGE)
        try:
            return normalise_with(raw, source, now, extract)
        except SandboxError:
            raise
        except Exception as error:  # one article must never fail its batch
            return _rejection(error)

    def _extract(self, raw: RawArticle, source: SourceProfile | None, *, with_dropped: bool = False) -> Extracted:
        request = encode_request(raw, source, with_dropped=with_dropped)
        try:
            return decode_answer(self._call(request))
        except WorkerCrashedError:  # perhaps not the page's fault: once more, in a fresh process
            return decode_answer(self._call(request))

    def _call(self, request: bytes) -> bytes:
        worker = self._slots.get()
        try:
            if worker is not None and not worker.is_alive():  # killed while idle: no page's fault
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


def _rejection(error: Exception) -> Rejected:
    if isinstance(error, WorkerTimeoutError):
        return Rejected(Reason.TIME_LIMIT, f"the page could not be read: {error}", STAGE)
    if isinstance(error, WorkerCrashedError):
        message = f"the page ended the process that read it, twice: {error}"
        return Rejected(Reason.TRANSFORM_ERROR, message, STAGE)
    if isinstance(error, TaskError):
        return Rejected(Reason.TRANSFORM_ERROR, f"the page could not be read: {error}", STAGE, error.error_class)
    kind = type(error)
    name = f"{kind.__module__}.{kind.__qualname__}"
    return Rejected(Reason.TRANSFORM_ERROR, f"the article could not be normalised: {error}", STAGE, name)


def _size_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


_shared: dict[Limits, Normaliser] = {}
_shared_lock = threading.Lock()


def shared_normaliser(limits: Limits | None = None) -> Normaliser:
    """The process's one Normaliser with these limits; it is closed when the process ends."""
    key = limits or Limits()
    with _shared_lock:
        if key not in _shared:
            _shared[key] = Normaliser(key)
            atexit.register(_shared[key].close)
        return _shared[key]
