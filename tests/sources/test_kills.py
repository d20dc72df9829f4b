"""A day of a sinful site, by a clock that is moved, and a poller that is killed again and again: nothing is lost, what
comes twice is the same, and no server is asked more often than it may be."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from newsflow.ledger import Ledger, open_ledger
from newsflow.model import Rejected
from newsflow.model.raw import parse_raw
from newsflow.sources.answers import Reader
from newsflow.sources.feedlist import Feed
from newsflow.sources.fetch import Answer
from newsflow.sources.items import known_items
from newsflow.sources.parse import parse_feed
from newsflow.sources.poller import Poller
from newsflow.sources.state import FEED, PollState, Target
from tests.postgres_helpers import new_database
from tests.sources.sins import CRAWL_DELAY_S, DAY, FORMS, RETRY_AFTER_S, SINS, SinfulSite
from tests.sources.site import POLITE, Clock, Kept, Polling, Reply, Site, page, rss, rss_item

FEEDS = int(os.environ.get("NEWSFLOW_TEST_FEEDS", str(len(SINS))))
KILLS = 20


class Killed(BaseException):
    """What happens to a process."""


@dataclass
class Fate:
    """Kills at the operation of this number, before or after it is done. Whoever is dead does nothing more."""

    at: int
    done: int = 0
    dead: bool = False

    def __call__(self, work: Callable[[], Any]) -> Any:
        self.done += 1
        due = self.done >= self.at
        self._die_if(due and self.at % 2 == 0)
        result = work()
        self._die_if(due)
        return result

    def _die_if(self, due: bool) -> None:
        self.dead = self.dead or due
        if self.dead:
            raise Killed


@dataclass
class Mortal:
    """A ledger, a fetcher and an outlet of one process."""

    fate: Fate
    ledger: Ledger
    fetcher: Any
    outlet: Kept

    def transact(self, work: Callable[..., Any], *, writes: bool = True) -> Any:
        return self.fate(lambda: self.ledger.transact(work, writes=writes))

    def get(self, url: str, headers: Mapping[str, str]) -> Answer:
        found: Answer = self.fate(lambda: self.fetcher.get(url, headers))
        return found

    def write(self, events: Iterable[tuple[bytes, bytes]]) -> None:
        self.fate(lambda: self.outlet.write(list(events)))

    def close(self) -> None:
        pass


@dataclass
class MortalPolling(Polling):
    """What is killed is started again."""

    kills: int = 0
    random: random.Random = field(default_factory=lambda: random.Random(24))

    def poller(self) -> Poller:
        usual = super().poller()
        at = self.random.randrange(40, 900) if self.kills < KILLS else sys.maxsize
        mortal: Any = Mortal(Fate(at), self.ledger, usual._fetch, self.outlet)
        clock = self.site.clock
        return Poller(PollState(mortal), self.feeds, self.settings, mortal, mortal, clock, clock.sleep)

    def until(self, end: datetime) -> Poller:
        while True:
            try:
                return super().until(end)
            except Killed:
                self.kills += 1


def test_every_form_with_every_sin_gives_each_article() -> None:
    """The day below pairs some of them; here all are read once."""
    begun = Clock()()
    sinful = SinfulSite(Site(port=8080), len(FORMS) * len(SINS), begun)
    for channel in sinful.channels:
        document = Target.at("http://a.example/feed", "a", "a", "a", FEED, 0, 0)
        parsed = parse_feed(sinful.document(channel, begun, 1), document.url)
        taken = Reader(Feed("a", document.url)).items(document, parsed, known_items(parsed.items), {}, begun)
        urls = {each.url for each in taken.targets if each.due_at is not None}
        urls |= {orjson.loads(value)["url"] for _, value in taken.events}
        assert urls == {sinful.link(channel, number) for number in channel.numbers(begun)}, channel


@pytest.mark.slow
@pytest.mark.timeout(900 + 5 * FEEDS)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_day_of_sins_and_kills(database: str, site: Site, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if database == "sqlite":
        url, count = f"sqlite:///{tmp_path}/ledger.sqlite3", FEEDS
    else:
        url, count = new_database(request.getfixturevalue("postgres")), min(FEEDS, 6)
    sinful = SinfulSite(site, count, site.clock())
    ledger = open_ledger(url, clock=site.clock)
    settings = replace(POLITE, again_h=(6,), body_bytes=500_000, workers=4)
    polling = MortalPolling(site, ledger, sinful.feeds(), settings)
    polling.until(sinful.begun + 1.5 * DAY)
    assert polling.kills == KILLS or count < len(SINS)
    assert PollState(ledger).backlog() == 0
    ledger.close()
    told = f"{count} feeds, {polling.kills} kills: {len(site.asked)} requests"
    print(f"{told}; {check_events(polling.outlet.events, sinful)}; {check_politeness(site, sinful)}")


def check_events(events: list[tuple[bytes, bytes]], sinful: SinfulSite) -> str:
    by_key: dict[bytes, set[bytes]] = defaultdict(set)
    for key, value in events:
        raw = parse_raw(value)
        assert not isinstance(raw, Rejected), raw
        by_key[key].add(value)
    urls = {orjson.loads(value)["url"] for values in by_key.values() for value in values}
    assert urls == sinful.expected()
    twice = {key: values for key, values in by_key.items() if len(values) > 1}
    assert not twice, "an article that did not change was published in two forms"
    assert len(events) - len(by_key) <= KILLS * 200, "more came again than was under way at the kills"
    return f"{len(events)} raw events of {len(urls)} articles, {len(events) - len(by_key)} of them again"


def check_politeness(site: Site, sinful: SinfulSite) -> str:
    slow = {each.host for each in sinful.channels if each.sin == "slow robots"}
    by_host: dict[str, list[datetime]] = defaultdict(list)
    for asked in site.asked:
        by_host[asked.host].append(asked.at)
    shortest = timedelta.max
    for host, at in by_host.items():
        # Before robots.txt was read, its delay is not known.
        gaps = [later - sooner for sooner, later in pairwise(at)][1:]
        shortest = min(shortest, *gaps)
        assert min(gaps) >= timedelta(seconds=CRAWL_DELAY_S if host in slow else POLITE.host_delay_s), host
    waited = timedelta.max
    for told in sinful.busy:
        after = next((at for at in by_host[told.host] if at > told.at), told.at + 2 * DAY)
        waited = min(waited, after - told.at)
        assert after - told.at >= timedelta(seconds=RETRY_AFTER_S)
    measured = f"{len(by_host)} hosts, at the server at least {shortest.total_seconds():g} s between two requests"
    return f"{measured}, {waited.total_seconds():g} s after {len(sinful.busy)} that asked for {RETRY_AFTER_S:g} s"


def test_a_process_that_is_killed_while_it_polls(site: Site, tmp_path: Path) -> None:
    """The command itself, by SIGKILL at any moment of its rounds; what a line was cut off in is mended."""
    links = [site.url(f"harbour.example/n/{number}").replace("harbour.example", "127.0.0.1") for number in range(12)]
    feed = site.url("127.0.0.1/feed")
    site.pages |= {
        "127.0.0.1/feed": Reply(rss(*(rss_item(f"Number {at}", link, str(at)) for at, link in enumerate(links))))
    }
    site.pages |= {f"127.0.0.1/n/{number}": page(f"Number {number}") for number in range(12)}
    out, config = tmp_path / "raw.jsonl", tmp_path / "newsflow.yaml"
    (tmp_path / "feeds.yaml").write_text(yaml.safe_dump({"feeds": [{"source": "harbour", "url": feed}]}))
    poll = {"allow_private": True, "host_delay_s": 0.02, "contact": "editor@harbour.example", "feeds": ["feeds.yaml"]}
    config.write_text(yaml.safe_dump({"poll": poll, "ledger": {"url": f"sqlite:///{tmp_path}/ledger.sqlite3"}}))
    command = [sys.executable, "-m", "newsflow", "poll", "--once", "--out", str(out), "-c", str(config)]

    def kill_when(asked: int) -> None:
        running = subprocess.Popen(command, stderr=subprocess.PIPE)
        while running.poll() is None and len(site.asked) < asked:
            time.sleep(0.002)
        running.send_signal(signal.SIGKILL)
        running.communicate()

    kill_when(5)
    kill_when(9)
    with out.open("ab") as file:
        file.write(b'{"source": "harb')
    assert subprocess.run(command, capture_output=True, check=False, timeout=120).returncode == 0
    lines = out.read_bytes().splitlines()
    values = {line: orjson.loads(line)["url"] for line in lines}
    assert sorted(values.values()) == sorted(links), "each once, and what comes again is the same to the byte"
