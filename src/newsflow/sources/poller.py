"""The loop of `newsflow poll`: whatever is due is asked, one request to a host at a time, and what follows is stored
before anything of it is published.

One turn of a target is one request: robots.txt, a hop of a redirect or the thing itself. So a host's delay holds
between any two of them, through restarts too, and a kill costs one request at most.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Protocol
from urllib.parse import urljoin, urlsplit

from newsflow.backoff import Backoff
from newsflow.config.settings import PollSettings
from newsflow.errors import KafkaError, LedgerError, SinkError
from newsflow.ledger.database import to_micros
from newsflow.normalise.encodings import decode_bytes
from newsflow.secrets import resolve
from newsflow.sources import timing
from newsflow.sources.answers import NotAPageError, Reader, Taken
from newsflow.sources.feedlist import Feed
from newsflow.sources.fetch import Answer
from newsflow.sources.items import known_items
from newsflow.sources.lease import PollingElsewhereError
from newsflow.sources.outlets import Outlet
from newsflow.sources.parse import NotAFeedError, Parsed, parse_feed, web_address
from newsflow.sources.robots import Robots, read_robots
from newsflow.sources.state import (
    AT_ONCE,
    FEED,
    HUB,
    OUTBOX_ROWS,
    HostRules,
    PollState,
    Target,
    feed_id,
    host_of,
    item_id,
)
from newsflow.sources.websub import Callbacks, subscription, subscription_id

log = logging.getLogger(__name__)

SECOND = 1_000_000
ROBOTS_FOR_S, ROBOTS_AGAIN_S = 86_400.0, 3_600.0
HOLD_S = 600.0
"""What was being asked when a poller was killed is due again after so long, a feed not before its interval."""
FORGET_S = 30 * 86_400.0
"""Items that their feed does not list any more are known for so long."""
MOST_HOPS, PAGE_TRIES = 5, 5
PAGE_RETRY_S, PAGE_MOST_S = 300.0, 21_600.0
HUB_RETRY_S, BEHIND_ALL = 600.0, 1_000_000_000
ROUND_PATIENCE_S = 60.0
"""A single round does not wait longer for a host that wants to be left alone."""
MOST_WAITING = 5_000
GATHER_S = 1.0
"""While requests are under way, what they bring is published once in so many seconds, together."""
_IDLE_S, _LOOK_S = 30.0, 1.0
_PERMANENT, _REDIRECTS = (301, 308), (301, 302, 303, 307, 308)
_GONE = (404, 410, 401, 402, 403, 405, 406, 451)
"""Statuses that another try will not change: an item is published without its page."""
_LEAVE_ALONE = (429, 503)


class Fetches(Protocol):
    """What `newsflow.sources.fetch.Fetcher` does."""

    def get(self, url: str, headers: Mapping[str, str]) -> Answer: ...
    def post(self, url: str, form: bytes) -> int: ...


@dataclass
class Round:
    """What was done."""

    feeds: int = 0
    requests: int = 0
    unchanged: int = 0
    new: int = 0
    published: int = 0
    failed: int = 0


class Poller:
    """Asks a list of feeds. `clock` gives aware instants, `sleep` waits so many seconds, or less. With `callbacks`,
    hubs are asked to tell what is new, which `newsflow.sources.websub` passes on."""

    def __init__(
        self,
        state: PollState,
        feeds: Sequence[Feed],
        settings: PollSettings,
        fetch: Fetches,
        outlet: Outlet,
        clock: Callable[[], datetime],
        sleep: Callable[[float], object] | None = None,
        callbacks: Callbacks | None = None,
    ) -> None:
        self.state, self.settings, self.done = state, settings, Round(len(feeds))
        self._feeds = {feed_id(feed.url): feed for feed in feeds}
        self._fetch, self._outlet, self._clock = fetch, outlet, clock
        self._agent = settings.user_agent.partition("/")[0]
        self._robots_moved: dict[str, tuple[str, int]] = {}
        self._lock, self._taking = threading.Lock(), threading.Lock()
        self._publish_failures, self._publish_at, self._gather_until = 0, 0, 0
        self._callbacks, self._told = callbacks, threading.Event()
        self.stopped = threading.Event()
        self._sleep = sleep or self.stopped.wait

    def run(self, *, once: bool = False) -> Round:
        """Ask until `stopped` is set; with `once`, each feed once and the pages that come of it. Raises `LedgerError`,
        `PollingElsewhereError`, and with `once` what the outlet raises."""
        self.state.lease.take(self._now, self._wait, log.warning)
        try:
            return self._run(once)
        finally:
            with suppress(LedgerError):
                self.state.lease.give_back()

    def _wait(self, seconds: float) -> None:
        """Wait for the lease; a signal ends that."""
        self._sleep(seconds)
        if self.stopped.is_set():
            raise PollingElsewhereError("stopped while it waited for another process that may poll for this ledger")

    def _run(self, once: bool) -> Round:
        start = self._now()
        self.state.take_list((feed.url for feed in self._feeds.values()), start)
        self.state.begin(start, all_feeds=once)
        self._publish(once)
        running: dict[Future[None], str] = {}
        with ThreadPoolExecutor(self.settings.workers, "newsflow-poll") as pool:
            while not self.stopped.is_set():
                now = self._now()
                self.state.lease.renew(now)
                until = start if once else now
                for target, rules in self._claim(now, until, running.values()):
                    running[pool.submit(self._ask, target, rules)] = target.host
                if running:
                    ended, _ = wait(running, _LOOK_S, FIRST_COMPLETED)
                    for future in ended:
                        del running[future]
                        future.result()
                    if not running or self._now() >= self._gather_until:
                        self._publish(once)
                elif not self._rest(now, start if once else None):
                    break
                if self._told.is_set():
                    self._told.clear()
                    self._publish(once)
        self._publish(once)
        return self.done

    def _now(self) -> int:
        return to_micros(self._clock())

    def _claim(self, now: int, until: int, busy: Iterable[str]) -> list[tuple[Target, HostRules]]:
        hosts = set(busy)
        most = self.settings.workers - len(hosts)
        if self._publish_failures and self.state.backlog() >= MOST_WAITING:
            return []  # nothing more is read than can be published
        return self.state.claim(now, hosts, most, until, self._us(self.settings.host_delay_s), self._us(HOLD_S))

    @staticmethod
    def _us(seconds: float) -> int:
        return int(seconds * SECOND)

    def _rest(self, now: int, round_start: int | None) -> bool:
        """Wait until something is due; False where a round has nothing more to do."""
        if round_start is not None:
            next_at = self.state.next_at(now, round_start)
            if next_at is None or next_at > now + self._us(ROUND_PATIENCE_S):
                return False
        else:
            horizon = now + self._us(_IDLE_S)
            next_at = self.state.next_at(horizon, horizon) or horizon
            if self._publish_failures:
                self._publish(False)
                next_at = max(next_at, now + self._us(_LOOK_S))
        most_s = _IDLE_S if self._callbacks is None else _LOOK_S
        self._sleep(min(max((next_at - now) / SECOND, 0.001), most_s))
        return True

    # What waits is published.

    def _publish(self, strict: bool) -> None:
        """Hand over what waits. Where the broker is unavailable it goes on waiting, unless `strict`."""
        if not strict and self._now() < self._publish_at:
            return
        while waiting := self.state.waiting(OUTBOX_ROWS):
            try:
                self._outlet.write((each.key, each.value) for each in waiting)
            except (KafkaError, SinkError) as error:
                if strict:
                    raise
                self._publish_failures += 1
                delay_s = Backoff(cap_s=60).delay_s(self._publish_failures)
                self._publish_at = self._now() + self._us(delay_s)
                log.warning("raw events wait to be published: %s", error)
                return
            self.state.published([each.id for each in waiting])
            self.done.published += len(waiting)
        self._publish_failures, self._gather_until = 0, self._now() + self._us(GATHER_S)

    # One request.

    def _ask(self, target: Target, rules: HostRules) -> None:
        try:
            self._turn(target, rules)
        except LedgerError:
            raise
        except SinkError as error:
            self._failed(target, str(error))
        except Exception as error:  # a document that breaks a library must not stop the others
            log.warning("%s: %s: %s", target.url, type(error).__name__, error, exc_info=log.isEnabledFor(logging.INFO))
            self._failed(target, f"{type(error).__name__}: {error}")

    def _turn(self, target: Target, rules: HostRules) -> None:
        if target.kind == HUB:
            self._subscribe(target)
            return
        feed = self._feed_of(target)
        if target.kind == FEED:
            target.state.hints = {"source": feed.source}  # for those who look at it
        if feed.robots:
            age_s = (self._now() - rules.robots_at) / SECOND
            if rules.robots_at == 0 or age_s > ROBOTS_FOR_S:
                self._ask_robots(target, rules)
                return
            if not _robots(rules.robots or "", self._agent).allows(target.url):
                self._failed(target, "robots.txt forbids it", final=True)
                return
        self._count("requests")
        answer = self._fetch.get(target.url, self._headers(target, feed))
        if answer.status in _REDIRECTS and answer.headers.get("location"):
            self._moved(target, answer)
        elif answer.status == 304 or 200 <= answer.status < 300:
            self._answered(target, feed, answer)
        else:
            self._refused(target, answer)

    def _feed_of(self, target: Target) -> Feed:
        """The feed of the list behind a target; of pages whose feed left the list, what is known of it."""
        source = str(target.state.hints.get("source", "unknown"))
        return self._feeds.get(target.root) or Feed(source, str(target.state.hints.get("feed", target.url)))

    def _headers(self, target: Target, feed: Feed) -> dict[str, str]:
        state = target.state
        headers: dict[str, str] = {}
        if state.validated == target.url:
            headers |= {"If-None-Match": state.etag} if state.etag else {}
            headers |= {"If-Modified-Since": state.modified} if state.modified else {}
        if urlsplit(feed.url)[:2] == urlsplit(target.url)[:2]:
            headers |= {name: resolve(reference) for name, reference in feed.headers}
        return headers

    def _ask_robots(self, target: Target, rules: HostRules) -> None:
        """Read the robots.txt of a target's host; its own turn comes after the host's delay."""
        url, hops = self._robots_moved.pop(target.host, (urljoin(target.url, "/robots.txt"), 0))
        host, now = host_of(url), self._now()
        if host != target.host and not self.state.take_host(host, now, self._us(self.settings.host_delay_s)):
            self._robots_moved[target.host] = url, hops
            self._later(target)
            return
        self._count("requests")
        try:
            answer = self._fetch.get(url, {})
        except SinkError as error:
            answer, why = Answer(599, {}, b""), str(error)
        else:
            why = f"the server answers {answer.status}"
        moved = web_address(answer.headers.get("location"), url) if answer.status in _REDIRECTS else None
        if moved is not None and hops < MOST_HOPS:
            self._robots_moved[target.host] = moved, hops + 1
        elif answer.status >= 500 or answer.status == 429:
            if rules.robots is None:
                self._failed(target, f"robots.txt: {why}", retry_s=self._told_to_wait_s(answer))
                return
            # What it said before goes on holding for a while.
            again_at = self._now() - self._us(ROBOTS_FOR_S - ROBOTS_AGAIN_S)
            self._keep_robots(target.host, rules.robots, again_at)
        else:
            text = decode_bytes(answer.body) if answer.status < 300 else ""
            self._keep_robots(target.host, text, self._now())
        self._later(target)

    def _keep_robots(self, host: str, text: str, at: int) -> None:
        delay_s = _robots(text, self._agent).delay_s
        self.state.save_robots(host, text, self._us(delay_s), at)

    def _later(self, target: Target) -> None:
        """Its turn was given to something else: it is due as soon as its host is."""
        target.due_at = AT_ONCE
        self.state.save([target], now=self._now())

    def _moved(self, target: Target, answer: Answer) -> None:
        told = answer.headers["location"]
        there = web_address(told, target.url)
        if there is None:
            self._failed(target, f"redirects to {told[:200]!r}, which is no web address", final=True)
            return
        if target.state.hops >= MOST_HOPS:
            self._failed(target, f"more than {MOST_HOPS} redirects", final=True)
            return
        target.state.hops += 1
        target.state.moving = target.state.moving and answer.status in _PERMANENT
        target.go_to(there)
        self._later(target)

    def _answered(self, target: Target, feed: Feed, answer: Answer) -> None:
        now = self._clock()
        if answer.status == 304 and target.state.validated != target.url:
            self._failed(target, "the server answers 304 to a request without conditions")
            return
        if target.kind == FEED:
            self._read_feed(target, feed, answer, now)
            return
        try:
            events = self._reader(feed).page(target, answer.body, answer.headers, now) if answer.status != 304 else ()
        except NotAPageError as error:
            self._failed(target, str(error), final=True)
            return
        if answer.status == 304:
            self._count("unchanged")
            self._reader(feed).look_again(target, now)
        self._succeeded(target, answer, now)
        self.state.save([target], events, now=to_micros(now))

    def _read_feed(self, target: Target, feed: Feed, answer: Answer, now: datetime) -> None:
        state, digest, at = target.state, hashlib.sha256(answer.body).hexdigest(), to_micros(now)
        if answer.status == 304 or digest == target.digest:
            self._count("unchanged")
            self._timed(target, feed, Taken(), answer, now)
            self.state.save([target], now=at)
            return
        try:
            parsed = parse_feed(answer.body, target.url, answer.headers)
        except NotAFeedError as error:
            self._failed(target, str(error))
            return
        if parsed.kind == "page" and state.form not in ("", "page"):
            self._failed(target, f"a page came instead of the feed ({state.form}) that it was")
            return
        with self._taking:  # two feeds of one source, on two hosts, may have the same new item
            taken = self._take(target, feed, parsed, now)
            target.digest, state.form, state.title = digest, parsed.kind, (parsed.title or state.title)[:500]
            state.items, state.parsed_at = len(taken.listed), at
            state.new, state.new_at = state.new + taken.new, at if taken.new else state.new_at
            self._timed(target, feed, taken, answer, now, parsed.every_s)
            forget = at - self._us(FORGET_S)
            kept = [target, *taken.targets, *self._new_subscription(target, parsed, at)]
            self.state.save(kept, taken.events, now=at, listed=taken.listed, forget_before=forget)
        self._count("new", taken.new)

    # What hubs tell.

    def _new_subscription(self, target: Target, parsed: Parsed, at: int) -> list[Target]:
        if self._callbacks is None or parsed.hub is None or target.id != target.root:
            return []
        known = self.state.known([subscription_id(target.id)]).get(subscription_id(target.id))
        made = subscription(target, parsed, known, at)
        return [] if made is None else [made]

    def _subscribe(self, target: Target) -> None:
        """Ask a hub to tell what is new. Whether it will, it says at the callback, perhaps before it answers here: so
        what is kept of this is kept before."""
        state, now = target.state, self._now()
        state.failures += 1
        again_s = timing.after_failure_s(HUB_RETRY_S, state.failures, self.settings.most_s, 0.5)
        wanted = self._callbacks is not None and target.root in self._feeds
        target.due_at = now + self._us(again_s) if wanted else None
        self.state.save([target], now=now)
        if not wanted or self._callbacks is None:
            return
        self._count("requests")
        try:
            status = self._fetch.post(target.url, self._callbacks.request(target.feed, state.topic))
            why = "" if 200 <= status < 300 else f"the hub answers {status}"
        except SinkError as error:
            why = str(error)
        if why:
            self._count("failed")
            log.warning("%s does not tell what is new in %s: %s", target.url, state.topic, why)

    def _subscription(self, feed: str, topic: str | None = None) -> Target | None:
        """The subscription of a feed of the list."""
        found = self.state.known([subscription_id(feed)]).get(subscription_id(feed))
        if found is None or found.root not in self._feeds or topic not in (None, found.state.topic):
            return None
        return found

    def confirmed(self, feed: str, topic: str, lease_s: int | None) -> bool:
        """See `newsflow.sources.websub.Told`. The hub is asked again when a tenth of the lease is left."""
        with self._taking:
            found, now = self._subscription(feed, topic), self._now()
            if found is None:
                return False
            if lease_s is None:
                found.state.until, found.due_at = 0, now + self._us(self.settings.most_s)
                log.warning("%s declines to tell what is new in %s", found.url, topic)
            else:
                found.state.failures, found.state.until = 0, now + self._us(lease_s)
                found.due_at = now + self._us(max(0.9 * lease_s, HUB_RETRY_S))
            self.state.save([found], now=now)
        return True

    def pushed(self, feed: str, headers: Mapping[str, str], body: bytes) -> bool:
        """See `newsflow.sources.websub.Told`. What came says nothing of what is not in it, nor when to poll again."""
        now = self._clock()
        with self._taking:
            held, target = self._subscription(feed), self.state.known([feed]).get(feed)
            if held is None or target is None or held.state.until < to_micros(now):
                return False
            try:
                parsed = parse_feed(body, target.url, headers)
            except NotAFeedError as error:
                log.warning("%s sent what is no feed: %s", held.url, error)
                return True
            if parsed.kind == "page":
                return True
            listed = self._feeds[target.root]
            items = known_items(parsed.items)
            known = self.state.known([item_id(listed.source, each.key) for each in items])
            taken = self._reader(listed).items(target, parsed, items, known, now)
            for each in taken.targets:
                if each.id not in known:
                    each.state.place = BEHIND_ALL  # where it stands in the feed is not known
            self.state.save(taken.targets, taken.events, now=to_micros(now), listed=taken.listed)
        self._count("new", taken.new)
        self._told.set()
        return True

    def _timed(
        self, target: Target, feed: Feed, taken: Taken, answer: Answer, now: datetime, told_s: float | None = None
    ) -> None:
        """Note that a feed answered, and when it is asked again. `told_s`: how often it says it changes."""
        state = target.state
        state.every_s = feed.every_s or timing.next_interval_s(
            state.every_s or self.settings.start_s,
            taken.new,
            len(taken.listed),
            first=not state.answered_at,
            least_s=self.settings.least_s,
            most_s=self.settings.most_s,
            told_s=told_s,
        )
        self._succeeded(target, answer, now)
        share = timing.share_of(target.id, state.asked_at)
        target.due_at = state.asked_at + self._us(timing.with_jitter(state.every_s, share))

    def _take(self, target: Target, feed: Feed, parsed: Parsed, now: datetime) -> Taken:
        reader, items = self._reader(feed), known_items(parsed.items)
        ids = [item_id(feed.source, each.key) for each in items]
        taken = reader.items(target, parsed, items, self.state.known(ids), now)
        sitemaps = reader.sitemaps(target, parsed, now)
        known = self.state.known([each.id for each in sitemaps])
        taken.targets += [each for each in sitemaps if each.id not in known]
        if self.settings.withdraw and target.state.parsed_at:
            places = {each: place for place, each in enumerate(taken.listed)}
            gone = reader.withdrawn(self.state.items_of(target.id, target.state.parsed_at), places, now)
            changed = {each.id for each in taken.targets}
            taken.targets += [each for each in gone.targets if each.id not in changed]
            taken.events += gone.events
        return taken

    def _reader(self, feed: Feed) -> Reader:
        return Reader(feed, self.settings.again_h)

    def _succeeded(self, target: Target, answer: Answer, now: datetime) -> None:
        state = target.state
        if state.hops and state.moving:
            state.home = target.url
        if answer.status != 304:
            state.etag, state.modified = answer.headers.get("etag"), answer.headers.get("last-modified")
            state.validated = target.url
        state.answered_at, state.failures, state.error, state.ended = to_micros(now), 0, "", ""
        self._go_home(target)

    def _go_home(self, target: Target) -> None:
        target.go_to(target.state.home)
        target.state.hops, target.state.moving = 0, True

    def _refused(self, target: Target, answer: Answer) -> None:
        final = answer.status in _GONE
        gone = answer.status == 410 and target.kind == FEED
        why = "the server says that it is gone (410)" if gone else f"the server answers {answer.status}"
        self._failed(target, why, final=final, gone=gone, retry_s=self._told_to_wait_s(answer))

    def _told_to_wait_s(self, answer: Answer) -> float | None:
        """The seconds that the server wants to be left alone for."""
        if answer.status not in _LEAVE_ALONE:
            return None
        told = timing.retry_after_s(answer.headers.get("retry-after", ""), self._clock())
        return PAGE_RETRY_S if told is None and answer.status == 429 else told

    def _failed(
        self, target: Target, why: str, *, final: bool = False, gone: bool = False, retry_s: float | None = None
    ) -> None:
        """Keep that a request failed: `final` where trying soon would change nothing, `gone` where never. A server that
        says when it may be asked again has all its targets left alone until then."""
        self._count("failed")
        now, state, host = self._clock(), target.state, target.host
        at = to_micros(now)
        state.failures, state.error = state.failures + 1, why[:500]
        share = timing.share_of(target.id, state.asked_at)
        events: list[tuple[bytes, bytes]] = []
        if target.kind == FEED:
            state.every_s = state.every_s or self.settings.start_s
            delay_s = timing.after_failure_s(state.every_s, state.failures, self.settings.most_s, share)
            target.due_at = None if gone else state.asked_at + self._us(max(delay_s, retry_s or 0))
            state.ended = why if gone else ""
        elif final or state.failures >= PAGE_TRIES:
            reader = self._reader(self._feed_of(target))
            if self.settings.withdraw and why.startswith("the server answers 410"):
                events = reader.withdrawal(target, now)
            events = events or reader.without_page(target, why[:500], now)
            state.failures = 0
        else:
            delay_s = timing.after_failure_s(PAGE_RETRY_S, state.failures, PAGE_MOST_S, share)
            target.due_at = at + self._us(max(delay_s, retry_s or 0))
        self._go_home(target)
        wait_until = {} if retry_s is None else {host: at + self._us(retry_s)}
        self.state.save([target], events, now=at, wait=wait_until)
        log.info("%s: %s", state.home, why)

    def _count(self, what: str, number: int = 1) -> None:
        with self._lock:
            setattr(self.done, what, getattr(self.done, what) + number)


@lru_cache(maxsize=4_096)
def _robots(text: str, agent: str) -> Robots:
    return read_robots(text, agent)
