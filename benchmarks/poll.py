"""What polling costs: CPU time of a feed that is new, changed, unchanged (304), and idle, and memory for many of them.

    python benchmarks/poll.py [--feeds 1000] [--idle 100000]

Each feed is RSS with 20 items of 1,500 characters, of which one is new when it changed, on a host of its own. Requests
are answered in this process: what a request itself costs is measured apart, over HTTP on loopback. The ledger is SQLite
in a file.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from newsflow.config.settings import PollSettings
from newsflow.ledger import open_ledger
from newsflow.sources.feedlist import Feed
from newsflow.sources.fetch import Answer, Fetcher
from newsflow.sources.poller import Poller
from newsflow.sources.state import PollState
from newsflow.testing import BEGINNING, Clock

SETTINGS = PollSettings(workers=4)
ITEM = (
    "<item><title>Article {0} of {1}</title><link>https://f{1}.example/n/{0}</link><guid>{1}/{0}</guid>"
    "<pubDate>Mon, 03 Mar 2025 07:00:00 +0300</pubDate><description>&lt;p&gt;{2}</description></item>"
)
TEXT = "The harbour office said that the ferry will sail twice. " * 27


@dataclass
class Answers:
    """Answers of the round that it is. Items are told by their number, so that each round has one that is new."""

    round: int = 0
    unchanged: bool = False

    def post(self, url: str, form: bytes) -> int:
        raise NotImplementedError

    def get(self, url: str, headers: Mapping[str, str]) -> Answer:
        if url.endswith("/robots.txt"):
            return Answer(404, {}, b"")
        if self.unchanged and headers:
            return Answer(304, {}, b"")
        name = url.partition("://f")[2].partition(".")[0]
        items = "".join(ITEM.format(number, name, TEXT) for number in range(self.round + 20, self.round, -1))
        body = f'<rss version="2.0"><channel><title>A feed</title>{items}</channel></rss>'
        return Answer(200, {"etag": f'"{self.round}"'}, body.encode())


class Nowhere:
    """Where raw events go here."""

    def write(self, events: Iterable[tuple[bytes, bytes]]) -> None:
        for _ in events:
            pass

    def close(self) -> None:
        pass


def main() -> None:
    """Print one line for each kind of feed, one for memory, and one for a request."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feeds", type=int, default=1_000)
    parser.add_argument("--idle", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        _rounds(Path(folder), options.feeds)
        _idle(Path(folder), options.idle)
    _request()


def _rounds(folder: Path, count: int) -> None:
    clock = Clock()
    ledger = open_ledger(f"sqlite:///{folder}/rounds.sqlite3", clock=clock)
    answers, feeds = Answers(), [Feed(f"s{number}", f"https://f{number}.example/feed") for number in range(count)]
    for name in ("new", "changed", "changed", "unchanged"):
        answers.unchanged = name == "unchanged"
        poller = Poller(PollState(ledger), feeds, SETTINGS, answers, Nowhere(), clock, lambda s: clock.move(seconds=s))
        began = time.process_time()
        done = poller.run(once=True)
        spent_ms = (time.process_time() - began) / count * 1_000
        print(f"{name:<10} {spent_ms:6.2f} ms of CPU a feed, {1_000 / spent_ms:6.0f} a second; {done.published} events")
        answers.round += 1
        clock.move(hours=2)
    ledger.close()
    size = (folder / "rounds.sqlite3").stat().st_size
    print(f"the ledger has {size / count / (20 + answers.round - 2):,.0f} bytes an item")


def _idle(folder: Path, count: int) -> None:
    """What it costs to have many feeds of which none is due: a turn of the loop, and memory."""
    clock = Clock()
    ledger = open_ledger(f"sqlite:///{folder}/idle.sqlite3", clock=clock)
    before = _resident_mb()
    feeds = [Feed(f"s{number}", f"https://f{number}.example/feed") for number in range(count)]
    state = PollState(ledger)
    state.take_list((feed.url for feed in feeds), 0)
    ledger.transact(lambda db: db.execute("UPDATE poll_target SET due_at = 9000000000000000"))

    def sleep(_: float) -> None:
        clock.move(minutes=1)
        if clock() >= BEGINNING + timedelta(hours=1):
            poller.stopped.set()

    poller = Poller(state, feeds, SETTINGS, Answers(), Nowhere(), clock, sleep)
    began = time.process_time()
    poller.run()
    spent_ms = (time.process_time() - began) * 1_000
    size_mb = (folder / "idle.sqlite3").stat().st_size / 1e6
    print(
        f"{count:,} idle feeds: {spent_ms:.0f} ms of CPU to start and for an hour, {_resident_mb() - before:.0f} MB of"
    )
    print(f"memory, {size_mb:.0f} MB of the ledger")
    ledger.close()


def _request() -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(304)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    fetcher = Fetcher("newsflow/benchmark", most_bytes=1_000_000, timeout_s=10, allow_private=True)
    url = f"http://127.0.0.1:{server.server_port}/feed"
    began = time.process_time()
    for _ in range(500):
        fetcher.get(url, {})
    print(f"a request over HTTP: {(time.process_time() - began) * 2:.2f} ms of CPU, its server's within")
    server.shutdown()
    server.server_close()


def _resident_mb() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next((int(line.split()[1]) / 1_000 for line in lines if line.startswith("VmRSS")), 0.0)


if __name__ == "__main__":
    main()
