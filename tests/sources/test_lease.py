"""One process polls for one ledger: a second one is refused, and follows one that was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from newsflow.ledger import Ledger, open_ledger
from newsflow.ledger.database import to_micros
from newsflow.sources.lease import LEASE_S, RENEW_S, Lease, PollingElsewhereError
from newsflow.sources.state import PollState
from newsflow.testing import Clock
from tests.postgres_helpers import new_database
from tests.sources.site import Polling, Reply, Site, rss, rss_item

Make = Callable[..., Polling]


@pytest.fixture(params=["sqlite", "postgresql"])
def ledgers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Ledger]]:
    """Opens one ledger again at each call."""
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/l.sqlite3" if sqlite else new_database(request.getfixturevalue("postgres"))
    opened: list[Ledger] = []

    def make() -> Ledger:
        opened.append(open_ledger(url))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


class Waiting:
    """Waits by a clock that is moved, and says what was said."""

    def __init__(self) -> None:
        self.clock, self.said, self.meanwhile = Clock(), list[str](), list[Callable[[], object]]()

    def now(self) -> int:
        return to_micros(self.clock())

    def take(self, lease: Lease) -> float:
        """The seconds that it took."""
        began = self.clock()

        def wait(seconds: float) -> None:
            self.clock.move(seconds=seconds)
            for each in self.meanwhile:
                each()

        lease.take(self.now, wait, self.said.append)
        return (self.clock() - began).total_seconds()


def test_a_second_one_is_refused_while_the_first_is_heard_of(ledgers: Callable[[], Ledger]) -> None:
    waiting, first, second = Waiting(), Lease(ledgers(), "the first"), Lease(ledgers())
    assert waiting.take(first) == 0
    waiting.meanwhile.append(lambda: first.renew(waiting.now()))
    with pytest.raises(PollingElsewhereError, match="the first polls for this ledger; stop it first"):
        waiting.take(second)
    assert waiting.said == ["the first polled for this ledger until lately; waiting to see whether it still does"]
    first.give_back()
    assert waiting.take(second) == 0
    first.give_back()
    assert waiting.take(second) == 0, "what is another's is not given back"


def test_one_that_is_heard_of_no_more_is_followed_and_learns_so(ledgers: Callable[[], Ledger]) -> None:
    waiting, first, second = Waiting(), Lease(ledgers()), Lease(ledgers())
    waiting.take(first)
    waiting.clock.move(seconds=RENEW_S)
    first.renew(waiting.now())
    assert waiting.take(second) == pytest.approx(LEASE_S)
    state = PollState(first.ledger)
    state.lease = first
    state.take_list(["https://harbour.example/feed"], 0)
    with pytest.raises(PollingElsewhereError, match="was not heard of for 90 s"):
        first.renew(waiting.now())
    with pytest.raises(PollingElsewhereError):
        state.claim(waiting.now(), (), 1, waiting.now(), 1, 1)
    second.renew(waiting.now())


def test_one_that_lost_its_lease_asks_nothing_more(site: Site, polling: Make) -> None:
    made = polling("harbour.example/feed")
    site.pages["harbour.example/feed"] = Reply(rss(rss_item("One", guid="1")))
    poller = made.poller()
    other = Lease(made.ledger, "another")

    def hang(_: float) -> None:
        if not site.clock() > poller_began + timedelta(hours=1):
            site.clock.sleep(LEASE_S + 3_600)
            other.take(lambda: to_micros(site.clock()), site.clock.sleep, lambda _: None)

    poller_began, poller._sleep = site.clock(), hang
    with pytest.raises(PollingElsewhereError, match="another process polls"):
        poller.run()
    asked = len(site.asked)
    waiting = made.poller()
    waiting.stopped.set()
    with pytest.raises(PollingElsewhereError, match="stopped while it waited"):
        waiting.run(once=True)
    assert len(site.asked) == asked


def test_the_command_is_refused_and_follows_one_that_was_killed(site: Site, tmp_path: Path) -> None:
    feed = site.url("127.0.0.1/feed")
    site.pages["127.0.0.1/feed"] = Reply(rss(rss_item("One", guid="1")))
    (tmp_path / "feeds.yaml").write_text(yaml.safe_dump({"feeds": [{"source": "harbour", "url": feed}]}))
    poll = {"allow_private": True, "host_delay_s": 0.02, "contact": "editor@harbour.example", "feeds": ["feeds.yaml"]}
    config = tmp_path / "newsflow.yaml"
    config.write_text(yaml.safe_dump({"poll": poll, "ledger": {"url": f"sqlite:///{tmp_path}/ledger.sqlite3"}}))
    command = [sys.executable, "-m", "newsflow", "poll", "-c", str(config), "--out"]
    first = subprocess.Popen([*command, str(tmp_path / "a.jsonl")], stderr=subprocess.DEVNULL)
    try:
        while not site.asked:
            assert first.poll() is None
            time.sleep(0.1)
        second = subprocess.run([*command, str(tmp_path / "b.jsonl")], capture_output=True, text=True, timeout=180)
        assert second.returncode == 1
        assert f"process {first.pid} on {os.uname().nodename} polls for this ledger; stop it first" in second.stderr
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()
    began = time.monotonic()
    third = subprocess.run([*command, str(tmp_path / "b.jsonl"), "--once"], capture_output=True, timeout=80)
    assert third.returncode == 0, third.stderr
    assert time.monotonic() - began < LEASE_S - 15
