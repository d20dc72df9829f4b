"""Articles that hang, crash or fill the memory end in a dead letter, and those around them come through."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from newsflow.errors import SandboxError
from newsflow.model import Article, RawArticle, Reason, Rejected
from newsflow.sandbox import Normaliser, SandboxLimits
from newsflow.sandbox.worker import Worker, WorkerCrashedError

NOW = datetime(2025, 3, 1, tzinfo=UTC)
SENTENCE = "The harbour council of Merrow met on Tuesday and agreed to repair the old sea wall before winter. "
PAGE = f"<html><head><title>Harbour wall</title></head><body><article><h1>Harbour wall</h1><p>{SENTENCE * 5}</p></article></body></html>"
# libxml2 compares each attribute of an element with all before it.
SLOW_PAGE = "<html><body><p " + " ".join(f"a{index}=1" for index in range(400_000)) + f">{SENTENCE}</p></body></html>"


class Killer(str):
    """Content that ends the process that reads it, as a crash of a parser would."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.abort, ())


def raw(content: str, number: int = 0, content_type: str = "text/html") -> RawArticle:
    return RawArticle("merrow-post", NOW, content_type, content, url=f"https://merrow.example/news/{1000 + number}")


def workers() -> set[int]:
    """The process ids of this process's workers."""
    return {child.pid for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE}


@pytest.fixture(scope="module")
def normaliser() -> Iterator[Normaliser]:
    with Normaliser(SandboxLimits(time_limit_s=2, workers=2)) as running:
        yield running


def test_pages_are_read_from_when_they_are_begun(normaliser: Normaliser) -> None:
    first = normaliser.begin([(raw(PAGE, number), None, NOW) for number in range(3)])
    second = normaliser.begin([(raw(f"Harbour wall\n\n{SENTENCE * 3}", 9, "text/plain"), None, NOW)])
    assert [isinstance(result, Article) for result, _ in normaliser.finish(second)] == [True]
    urls = [result.url for result, _ in normaliser.finish(first) if isinstance(result, Article)]
    assert urls == [f"https://merrow.example/news/{1000 + number}" for number in range(3)]


def test_a_page_and_its_text_are_in_one_language(normaliser: Normaliser) -> None:
    """A worker tells the language of a page, this process that of a short text."""
    [page] = normaliser.normalise_many([(raw(PAGE), None, NOW)])
    [text] = normaliser.normalise_many([(raw(SENTENCE * 5, 2, "text/plain"), None, NOW)])
    assert isinstance(page, Article)
    assert isinstance(text, Article)
    assert page.language == text.language == "en"


def test_a_page_and_a_text(normaliser: Normaliser) -> None:
    jobs = [(raw(PAGE, 1), None, NOW), (raw(f"Harbour wall\n\n{SENTENCE * 3}", 2, "text/plain"), None, NOW)]
    for result in normaliser.normalise_many(jobs):
        assert isinstance(result, Article)
        assert result.title == "Harbour wall"
        assert result.body.startswith("The harbour council")


def test_results_keep_the_order_of_the_jobs(normaliser: Normaliser) -> None:
    jobs = [(raw(PAGE, number, "text/html" if number % 3 else "text/plain"), None, NOW) for number in range(30)]
    results = normaliser.normalise_many(jobs)
    assert [getattr(result, "url", None) for result in results] == [
        f"https://merrow.example/news/{1000 + number}" for number in range(30)
    ]


def test_a_page_that_kills_its_reader_is_rejected_and_the_others_come_through(normaliser: Normaliser) -> None:
    results = normaliser.normalise_many(
        [(raw(each, number), None, NOW) for number, each in enumerate([PAGE, Killer(PAGE), PAGE])]
    )
    assert isinstance(results[0], Article)
    assert isinstance(results[2], Article)
    killed = results[1]
    assert isinstance(killed, Rejected)
    assert killed.reason is Reason.TRANSFORM_ERROR
    assert "SIGABRT" in killed.message
    assert "twice" in killed.message


def test_a_page_that_takes_too_long_is_stopped(normaliser: Normaliser) -> None:
    results = normaliser.normalise_many([(raw(SLOW_PAGE), None, NOW), (raw(PAGE), None, NOW)])
    assert isinstance(results[0], Rejected)
    assert results[0].reason is Reason.TIME_LIMIT
    assert isinstance(results[1], Article)


def test_a_page_that_needs_too_much_memory_is_rejected() -> None:
    with Normaliser(SandboxLimits(workers=1, memory_limit_bytes=90 * 1024 * 1024)) as small:
        huge = f"<html><body>{'<i>x</i>' * 900_000}</body></html>"
        results = small.normalise_many([(raw(huge), None, NOW), (raw(PAGE), None, NOW)])
    assert isinstance(results[0], Rejected)
    assert results[0].reason is Reason.TRANSFORM_ERROR
    assert isinstance(results[1], Article)


def test_content_over_the_limit_is_not_read() -> None:
    with Normaliser(SandboxLimits(max_content_bytes=1_000)) as small:
        (result,) = small.normalise_many([(raw("خ" * 501), None, NOW)])
    assert isinstance(result, Rejected)
    assert result.reason is Reason.TOO_LARGE


def test_what_raises_in_process_is_rejected(normaliser: Normaliser, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyError("planted")

    monkeypatch.setattr("newsflow.sandbox.normaliser.extract_page", fail)
    (result,) = normaliser.normalise_many([(raw("text", 1, "text/plain"), None, NOW)])
    assert isinstance(result, Rejected)
    assert (result.reason, result.error_class) == (Reason.TRANSFORM_ERROR, "builtins.KeyError")


def test_many_threads_share_one(normaliser: Normaliser) -> None:
    found: list[int] = []

    def work() -> None:
        results = normaliser.normalise_many([(raw(PAGE, number), None, NOW) for number in range(8)])
        found.append(sum(isinstance(result, Article) for result in results))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [8] * 6


def test_workers_killed_while_idle_are_replaced() -> None:
    before = workers()
    with Normaliser(SandboxLimits(workers=2)) as running:
        running.normalise_many([(raw(PAGE, number), None, NOW) for number in range(4)])
        for pid in workers() - before:
            os.kill(pid, signal.SIGKILL)
        results = running.normalise_many([(raw(PAGE, number), None, NOW) for number in range(4)])
    assert all(isinstance(result, Article) for result in results)


def test_nothing_is_left_after_closing() -> None:
    before = {child.pid for child in psutil.Process().children()}
    running = Normaliser(SandboxLimits(workers=2))
    running.normalise_many([(raw(PAGE, number), None, NOW) for number in range(4)])
    assert workers() - before
    running.close()
    assert {child.pid for child in psutil.Process().children()} <= before


def test_what_was_thrown_away_is_explained(normaliser: Normaliser) -> None:
    result, page = normaliser.explain(
        (raw(PAGE.replace("<article>", "<nav>Tides and ferries</nav><article>")), None, NOW)
    )
    assert isinstance(result, Article)
    assert [(each.text, each.why) for each in page.dropped if "Tides" in each.text] == [
        ("Tides and ferries", "outside-body")
    ]


def test_a_worker_that_cannot_start_is_no_articles_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with Normaliser(SandboxLimits(workers=1)) as running, pytest.raises(SandboxError, match="cannot be started"):
        running.normalise_many([(raw(PAGE), None, NOW)])


def test_a_worker_is_told_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MERROW_TOKEN", "very-secret")
    worker = Worker(5, 450 * 1024 * 1024)
    try:
        assert b"very-secret" not in Path(f"/proc/{worker.pid}/environ").read_bytes()
    finally:
        worker.close()


def test_a_request_that_is_none_crashes_the_worker_only() -> None:
    worker = Worker(5, 450 * 1024 * 1024)
    with pytest.raises(WorkerCrashedError, match="exit code 1"):
        worker.call(b"no pickle")
    worker.close()


PARENT = """
import sys
from datetime import UTC, datetime
from newsflow.model import RawArticle
from newsflow.sandbox import Normaliser, SandboxLimits
page = sys.argv[1] + " ".join(f"a{n}=1" for n in range(2_000_000)) + ">"
job = (RawArticle("x", datetime.now(UTC), "text/html", page), None, datetime.now(UTC))
running = Normaliser(SandboxLimits(workers=1, time_limit_s=1.5))
running.normalise_many([(RawArticle("x", datetime.now(UTC), "text/html", "<p>a</p>"), None, datetime.now(UTC))])
print("busy", flush=True)
running.normalise_many([job])
"""


@pytest.mark.parametrize("start", ["<html><body><p ", ""])
def test_workers_end_when_their_parent_is_killed(start: str) -> None:
    """At work (its own alarm ends it) and idle (its pipe closes)."""
    parent = subprocess.Popen([sys.executable, "-c", PARENT, start], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    assert parent.stdout.readline().strip() == b"busy"
    orphans = psutil.Process(parent.pid).children()
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert len(orphans) == 1
    deadline = time.monotonic() + 60
    while any(worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE for worker in orphans):
        assert time.monotonic() < deadline, "the worker outlived its parent"
        time.sleep(0.05)


def test_a_page_that_says_it_is_text_is_parsed_in_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("newsflow.sandbox.normaliser.extract_page", None)  # not to be called in this process
    now = datetime(2025, 1, 1, tzinfo=UTC)
    content = "<html><body><article><h1>Wall</h1><p>The council of Merrow met on Tuesday.</p></article></body></html>"
    with Normaliser(SandboxLimits(workers=1)) as normaliser:
        [found] = normaliser.normalise_many([(RawArticle("s", now, "text/plain", content, guid="1"), None, now)])
    assert isinstance(found, Article)
    assert found.body == "The council of Merrow met on Tuesday."
