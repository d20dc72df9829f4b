"""What is known of feeds and pages, in the ledger: when each is due, what it said last, what waits to be published.

Whoever is killed between two of these calls repeats a request or a publication, and loses nothing: what a request
brought is stored with the state that follows from it, in one transaction.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import orjson

from newsflow.dedup.identity import hash_of
from newsflow.ledger import Ledger
from newsflow.ledger.database import Database, storable
from newsflow.model.letter import canonical_address
from newsflow.sources.lease import Lease

FEED, ITEM, PAGE, HUB = "feed", "item", "page", "hub"
"""Kinds of targets: an item becomes a page when that is published and only looked at again; a hub is asked for what is
new in a feed."""
AT_ONCE = 0
"""A `due_at` before all others."""
OUTBOX_ROWS = 200
"""So many raw events are read, and published, together."""
_PIECE, _LOOK_AT = 5_000, 8
_COLUMNS = "id, feed, root, kind, url, host, due_at, listed_at, digest, state"
_INSERT = f"INSERT INTO poll_target ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_SAVE = _INSERT + (
    " ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, url = excluded.url, host = excluded.host, "
    "due_at = excluded.due_at, listed_at = excluded.listed_at, digest = excluded.digest, state = excluded.state"
)
_READY = (
    "FROM poll_target t LEFT JOIN poll_host h ON h.host = t.host WHERE (t.kind <> 'feed' OR t.due_at <= ?) AND "
    "t.due_at <= ? AND COALESCE(h.next_at, 0) <= ? AND NOT (t.host {in_texts})"
)


@dataclass
class State:
    """What a target remembers. Instants are microseconds since 1970, 0 for never."""

    home: str = ""
    """Where asking begins: its address, or where that led for good."""
    etag: str | None = None
    modified: str | None = None
    validated: str = ""
    """The address that gave these validators."""
    asked_at: int = 0
    answered_at: int = 0
    parsed_at: int = 0
    """When its items were last read: a feed that did not change is not."""
    failures: int = 0
    """In a row."""
    error: str = ""
    ended: str = ""
    """Why it is not asked any more."""
    hops: int = 0
    moving: bool = True
    """Whether all redirects since `home` were permanent ones."""
    # Of a feed.
    form: str = ""
    title: str = ""
    every_s: float = 0.0
    items: int = 0
    new: int = 0
    """Items that were new since it was first asked."""
    new_at: int = 0
    # Of an item.
    hints: dict[str, Any] = field(default_factory=dict)
    text: dict[str, Any] = field(default_factory=dict)
    """What is published when its page cannot be had."""
    published_at: int = 0
    looks: int = 0
    """How often its page was asked for again, for edits."""
    page: str = ""
    """Digest of its page when it was last published."""
    changed: bool = False
    """Whether its feed says other things of it since."""
    place: int = 0
    missed: int = 0
    # Of a subscription at a hub.
    topic: str = ""
    """What the hub calls the feed."""
    until: int = 0
    """The end of its lease."""


_DEFAULTS = asdict(State())
NAMES = ("source", "url", "guid", "feed")
"""The hints that an item is known by."""


@dataclass
class Target:
    """A feed or a page. `due_at` is None when it is not asked any more."""

    id: str
    feed: str
    root: str
    kind: str
    url: str
    host: str
    due_at: int | None
    listed_at: int
    digest: str
    state: State

    @classmethod
    def at(cls, url: str, target_id: str, feed: str, root: str, kind: str, due_at: int | None, now: int) -> Target:
        return cls(target_id, feed, root, kind, url, host_of(url), due_at, now, "", State(home=url))

    def go_to(self, url: str) -> None:
        self.url, self.host = url, host_of(url)

    def row(self) -> tuple[Any, ...]:
        told = {name: value for name, value in vars(self.state).items() if value != _DEFAULTS[name]}
        state = orjson.dumps({n: storable(value) if isinstance(value, str) else value for n, value in told.items()})
        columns = (self.feed, self.root, self.kind, storable(self.url), self.host, self.due_at, self.listed_at)
        return (self.id, *columns, self.digest, state.decode())


def _leave_alone(db: Database, host: str, now: int, host_us: int) -> None:
    insert = "INSERT INTO poll_host (host, next_at, delay_us, robots_at) VALUES (?, ?, 0, 0) "
    longer = "CASE WHEN poll_host.delay_us > ? THEN poll_host.delay_us ELSE ? END"
    update = f"ON CONFLICT (host) DO UPDATE SET next_at = CAST(? AS BIGINT) + {longer}"
    db.execute(insert + update, [host, now + host_us, now, host_us, host_us])


def _target(row: Sequence[Any]) -> Target:
    known = {each.name for each in fields(State)}
    state = State(**{name: value for name, value in orjson.loads(row[9]).items() if name in known})
    return Target(*(*row[:9], state))


def host_of(url: str) -> str:
    """What politeness goes by: host and port."""
    parts = urlsplit(url)
    standard = {"http": 80, "https": 443}.get(parts.scheme)
    port = "" if parts.port in (None, standard) else f":{parts.port}"
    return storable((parts.hostname or "") + port)


def feed_id(url: str) -> str:
    return hash_of(FEED, url)


def item_id(source: str, key: str) -> str:
    """Feeds of one source share their items."""
    return hash_of(ITEM, source, key)


@dataclass(frozen=True, slots=True)
class HostRules:
    """A host's robots.txt as it was read, None when it never was, and when."""

    robots: str | None = None
    robots_at: int = 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A raw event that is not yet known to be published."""

    id: str
    key: bytes
    value: bytes


class Named(NamedTuple):
    """What an article is known by: at least an address or a guid."""

    source: str
    url: str | None
    guid: str | None


class PollState:
    """Every method may block on the ledger, and raises `LedgerError` when that does not answer in time."""

    def __init__(self, ledger: Ledger) -> None:
        self._run = ledger.transact
        self.lease = Lease(ledger)

    def take_list(self, urls: Iterable[str], now: int) -> None:
        """From now on exactly these feeds are asked; what is new is due at once."""
        wanted = {feed_id(url): url for url in urls}

        def leave(db: Database) -> set[str]:
            gone = "UPDATE poll_target SET due_at = NULL WHERE kind = 'feed' AND NOT (root {in_texts})"
            db.execute(gone, [db.list_of(sorted(wanted))])
            sql = f"SELECT {_COLUMNS} FROM poll_target WHERE kind = 'feed' AND due_at IS NULL AND root {{in_texts}}"
            asleep = map(_target, db.query(sql, [db.list_of(sorted(wanted))]))
            back = [(now, each.id) for each in asleep if not each.state.ended]
            db.execute_many("UPDATE poll_target SET due_at = ? WHERE id = ?", back)
            return {row[0] for row in db.query("SELECT id FROM poll_target WHERE kind = 'feed'")}

        there = self._run(leave)
        new = [Target.at(url, key, key, key, FEED, now, now).row() for key, url in wanted.items() if key not in there]
        # In pieces: a long list is not to hold up the jobs.
        for start in range(0, len(new), _PIECE):
            self._run(lambda db, piece=new[start : start + _PIECE]: db.execute_many(_INSERT, piece))  # type: ignore[misc]

    def begin(self, now: int, *, all_feeds: bool) -> None:
        """Pages that a poller was asking for when it was killed are due at once. With `all_feeds`, so is every feed
        that is asked at all, and every page that is not published yet."""

        def work(db: Database) -> None:
            later = f"SELECT {_COLUMNS} FROM poll_target WHERE kind = 'item' AND due_at > ?"
            waiting = map(_target, db.query(later, [now]))
            due = [(now, each.id) for each in waiting if all_feeds or not each.state.failures]
            db.execute_many("UPDATE poll_target SET due_at = ? WHERE id = ?", due)
            if all_feeds:
                db.execute("UPDATE poll_target SET due_at = ? WHERE kind = 'feed' AND due_at > ?", [now, now])

        self._run(work)

    def claim(
        self, now: int, busy: Collection[str], most: int, until: int, host_us: int, hold_us: int
    ) -> list[tuple[Target, HostRules]]:
        """Targets that are due, of as many hosts that may be asked now and are not `busy`, each marked as asked:
        neither it nor its host is due again for so long, whatever becomes of the caller. Feeds must be due at
        `until`. Raises `PollingElsewhereError`."""
        first = f"SELECT t.host {_READY} ORDER BY t.due_at LIMIT ?"
        by_host = f"SELECT t.host, MIN(t.due_at) {_READY} GROUP BY t.host ORDER BY 2, 1 LIMIT ?"

        def look(db: Database) -> list[str]:
            if most <= 0:
                return []
            asked, several = [until, now, now, db.list_of(sorted(busy))], _LOOK_AT * most
            rows = db.query(first, [*asked, several])
            if len(rows) == several and len({row[0] for row in rows}) < most:
                rows = db.query(by_host, [*asked, most])  # a few hosts have most of what is due
            return list(dict.fromkeys(row[0] for row in rows))[:most]

        def work(db: Database) -> list[tuple[Target, HostRules]]:
            db.lock(["poll"])
            self.lease.hold(db, now)
            return [found for host in look(db) if (found := self._claimed(db, host, now, until, host_us, hold_us))]

        return self._run(work) if self._run(look, writes=False) else []

    def _claimed(
        self, db: Database, host: str, now: int, until: int, host_us: int, hold_us: int
    ) -> tuple[Target, HostRules] | None:
        ready = "(kind <> 'feed' OR due_at <= ?) AND due_at <= ?"
        sql = f"SELECT {_COLUMNS} FROM poll_target WHERE host = ? AND {ready} ORDER BY due_at, id LIMIT 1"
        target = next(map(_target, db.query(sql, [host, until, now])), None)
        if target is None:
            return None
        target.state.asked_at = now
        target.due_at = now + max(int(target.state.every_s * 1_000_000), hold_us)
        db.execute_many(_SAVE, [target.row()])
        _leave_alone(db, host, now, host_us)
        return target, HostRules(*db.query("SELECT robots, robots_at FROM poll_host WHERE host = ?", [host])[0])

    def take_host(self, host: str, now: int, host_us: int) -> bool:
        """Whether a host may be asked now; then it is marked as asked."""

        def work(db: Database) -> bool:
            db.lock(["poll"])
            waits = db.query("SELECT 1 FROM poll_host WHERE host = ? AND next_at > ?", [host, now])
            if not waits:
                _leave_alone(db, host, now, host_us)
            return not waits

        return self._run(work)

    def next_at(self, horizon: int, until: int) -> int | None:
        """When the next of the targets can be asked that are due by `horizon`, feeds by `until`; None when none is."""
        sql = (
            "SELECT MIN(CASE WHEN h.next_at > t.due_at THEN h.next_at ELSE t.due_at END) FROM poll_target t "
            "LEFT JOIN poll_host h ON h.host = t.host WHERE (t.kind <> 'feed' OR t.due_at <= ?) AND t.due_at <= ?"
        )
        found = self._run(lambda db: db.query(sql, [until, horizon]), writes=False)[0][0]
        return None if found is None else int(found)

    def save(
        self,
        targets: Sequence[Target],
        events: Iterable[tuple[bytes, bytes]] = (),
        *,
        now: int,
        listed: Sequence[str] = (),
        forget_before: int | None = None,
        wait: Mapping[str, int] | None = None,
    ) -> None:
        """Keep what a request brought: targets as they stand, events to publish, items that are `listed` still, and
        hosts with the time until which they are left in peace. Items of the first target that were not listed since
        `forget_before` and wait for nothing are forgotten."""
        rows = [
            (hashlib.sha256(key + b"\0" + value).hexdigest(), now + index, key, value)
            for index, (key, value) in enumerate(events)
        ]

        def work(db: Database) -> None:
            db.insert("poll_outbox", "id, made_at, key, value", rows, "ON CONFLICT (id) DO NOTHING")
            db.execute_many(_SAVE, [each.row() for each in targets])
            if listed:
                sql = "UPDATE poll_target SET listed_at = ? WHERE kind <> 'feed' AND id {in_texts}"
                db.execute(sql, [now, db.list_of(list(listed))])
            if forget_before is not None:
                sql = "DELETE FROM poll_target WHERE feed = ? AND kind <> 'feed' AND due_at IS NULL AND listed_at < ?"
                db.execute(sql, [targets[0].id, forget_before])
            for host, until in (wait or {}).items():
                sql = "UPDATE poll_host SET next_at = ? WHERE host = ? AND next_at < ?"
                db.execute(sql, [until, host, until])

        self._run(work)

    def save_robots(self, host: str, robots: str, delay_us: int, now: int) -> None:
        """Keep what robots.txt says; a longer delay than ours counts from the last request on."""
        sql = "UPDATE poll_host SET robots = ?, delay_us = ?, robots_at = ?, next_at = next_at + ? WHERE host = ?"
        self._run(lambda db: db.execute(sql, [storable(robots), delay_us, now, delay_us, host]))

    def known(self, ids: Sequence[str]) -> dict[str, Target]:
        """Those of these targets that are known."""
        sql = f"SELECT {_COLUMNS} FROM poll_target WHERE id {{in_texts}}"
        rows = self._run(lambda db: db.query(sql, [db.list_of(list(ids))]), writes=False)
        return {row[0]: _target(row) for row in rows}

    def items_of(self, feed: str, listed_since: int) -> list[Target]:
        """The items of a document that it listed not longer ago."""
        sql = f"SELECT {_COLUMNS} FROM poll_target WHERE feed = ? AND kind <> 'feed' AND listed_at >= ?"
        return [_target(row) for row in self._run(lambda db: db.query(sql, [feed, listed_since]), writes=False)]

    def feeds(self) -> list[Target]:
        """Every feed that was ever asked, or is to be; sitemaps of an index after it."""
        order = "root, CASE WHEN id = root THEN 0 ELSE 1 END, url"
        sql = f"SELECT {_COLUMNS} FROM poll_target WHERE kind = 'feed' ORDER BY {order}"
        return [_target(row) for row in self._run(lambda db: db.query(sql), writes=False)]

    def waiting(self, most: int) -> list[Waiting]:
        """What waits to be published, the oldest first."""
        sql = "SELECT id, key, value FROM poll_outbox ORDER BY made_at, id LIMIT ?"
        rows = self._run(lambda db: db.query(sql, [most]), writes=False)
        return [Waiting(row[0], bytes(row[1]), bytes(row[2])) for row in rows]

    def backlog(self) -> int:
        """How many raw events wait to be published."""
        return int(self._run(lambda db: db.query("SELECT COUNT(*) FROM poll_outbox"), writes=False)[0][0])

    def published(self, ids: Sequence[str]) -> None:
        """These are stored where they were sent."""
        sql = "DELETE FROM poll_outbox WHERE id {in_texts}"
        self._run(lambda db: db.execute(sql, [db.list_of(list(ids))]))

    def forget(self, articles: Sequence[Named]) -> list[int]:
        """Nothing is kept of these articles but what they are known by, nor are they asked for or published; for each,
        how many items and events said more of it. What waits to be published is read once, for all of them."""
        if not articles:
            return []
        sought = _Sought(articles)
        hosts = sorted({host_of(url) for url in sought.addresses})
        sql = f"SELECT {_COLUMNS} FROM poll_target WHERE kind <> 'feed' AND (id {{in_texts}} "
        sql += "OR (host {in_texts} AND url {in_texts}))"

        def end(db: Database) -> list[int]:
            changed = []
            asked = [list(sought.ids), hosts, list(sought.addresses)]
            for target in map(_target, db.query(sql, list(map(db.list_of, asked)))):
                before, state = target.row(), target.state
                state.hints = {name: value for name, value in state.hints.items() if name in NAMES}
                state.text, state.changed, state.ended, target.due_at = {}, False, state.ended or "taken down", None
                if target.row() != before:
                    db.execute_many(_SAVE, [target.row()])
                    changed.append(sought.ids.get(target.id, sought.addresses.get(target.url, 0)))
            return changed

        # First, so that nothing more of them comes to wait.
        found = Counter(self._run(end))
        gone = {each: number for each, value in self._all_waiting() if (number := sought.of_event(value)) is not None}
        self.published(list(gone))
        found.update(gone.values())
        return [found[number] for number in range(len(articles))]

    def _all_waiting(self) -> Iterator[tuple[str, bytes]]:
        """Id and value of what waits, in pieces: in an outage it may be more than memory holds."""
        sql = "SELECT made_at, id, value FROM poll_outbox WHERE (made_at, id) > (?, ?) ORDER BY made_at, id LIMIT ?"
        after = (-1, "")
        while rows := self._run(lambda db, at=after: db.query(sql, [*at, OUTBOX_ROWS]), writes=False):  # type: ignore[misc]
            yield from ((row[1], bytes(row[2])) for row in rows)
            after = (rows[-1][0], rows[-1][1])


class _Sought:
    """Articles, by their numbers: under the ids that their items may have, their addresses, and what events say."""

    def __init__(self, articles: Sequence[Named]) -> None:
        self.ids: dict[str, int] = {}
        self.addresses: dict[str, int] = {}
        self._places: dict[str, int] = {}
        self._guids: dict[tuple[str, str], int] = {}
        self._only_guids: dict[tuple[str, str], int] = {}
        for number, (source, url, guid) in enumerate(articles):
            place = canonical_address(url or "")
            if url and place:
                self._places[place] = self.addresses[storable(url)] = number
                self.ids[item_id(source, hash_of("url", place))] = number
            if guid:
                self._guids[source, guid] = number
                self.ids[item_id(source, hash_of("guid", guid))] = number
                if not place:
                    self._only_guids[source, guid] = number

    def of_event(self, value: bytes) -> int | None:
        """Which article a raw event is of. One at another address is another, whatever its guid."""
        said = orjson.loads(value)
        name = (said.get("source"), said.get("guid"))
        if not said.get("url"):
            return self._guids.get(name)
        return self._places.get(canonical_address(said["url"]), self._only_guids.get(name))
