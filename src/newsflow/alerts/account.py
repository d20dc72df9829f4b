"""What one subscriber got in a span of time, and how soon: its own feed, its alerts, and what it was spared."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from newsflow.alerts.planner import load_subscriber
from newsflow.ledger.database import Database, to_micros
from newsflow.model import Action
from newsflow.model.codec import decode_article
from newsflow.model.names import subscriber_feed

SHARES = (0.5, 0.9, 0.99)


@dataclass(frozen=True, slots=True)
class Delays:
    """How long things took, in seconds, the shortest first; and how many took longer than was asked."""

    seconds: Sequence[float]
    late: int

    @classmethod
    def of(cls, micros: Sequence[int], late: timedelta) -> Delays:
        """From microseconds. A clock that was behind makes nothing earlier than at once."""
        seconds = sorted(max(each, 0) / 1_000_000 for each in micros)
        return cls(seconds, sum(each > late.total_seconds() for each in seconds))

    def at(self, share: float) -> float | None:
        """The delay that such a share of all does not exceed (nearest rank); None of nothing."""
        return self.seconds[math.ceil(share * len(self.seconds)) - 1] if self.seconds else None


@dataclass(frozen=True, slots=True)
class Account:
    """What became of what a subscription asked for. `published`: versions in its own feed by action; `copies`: reports
    held back as duplicates of these articles. `deliveries`: alerts by destination and state. `withheld`: alerts that
    wait now, by why. `feed_delays`: from the event's own time to its record in the feed, where that time is known;
    `alert_delays`: from raising an alert to a destination's yes."""

    subscription: str
    since: datetime
    until: datetime
    published: Mapping[str, int]
    articles: int
    copies: int
    alerts: int
    deliveries: Mapping[tuple[str, str], int]
    withheld: Mapping[str, int]
    feed_delays: Delays
    alert_delays: Delays

    def in_state(self, state: str) -> int:
        """Deliveries in a state, to whatever destination."""
        return sum(count for (_, each), count in self.deliveries.items() if each == state)


def account_of(db: Database, subscription: str, since: datetime, until: datetime, late: timedelta) -> Account:
    """Add up one subscription, within a transaction. Reads every version that was published in the span."""
    span = [to_micros(since), to_micros(until)]
    published, delays, articles = _feed(db, subscription, span)
    sql = "SELECT COUNT(*) FROM alert WHERE subscription = ? AND created_at BETWEEN ? AND ?"
    ((alerts,),) = db.query(sql, [subscription, *span])
    sql = (
        "SELECT d.destination, d.state, a.created_at, d.sent_at FROM delivery d JOIN alert a ON a.id = d.alert_id "
        "WHERE a.subscription = ? AND a.created_at BETWEEN ? AND ?"
    )
    rows = db.query(sql, [subscription, *span])
    return Account(
        subscription,
        since,
        until,
        published,
        len(articles),
        _copies(db, articles),
        int(alerts),
        Counter((row[0], row[1]) for row in rows),
        Counter(each.reason for each in load_subscriber(db, subscription).withheld.values()),
        Delays.of(delays, late),
        Delays.of([row[3] - row[2] for row in rows if row[1] == "sent" and row[3] is not None], late),
    )


def _feed(db: Database, subscription: str, span: list[int]) -> tuple[Counter[str], list[int], list[str]]:
    """Versions of its feed by action, their delays in microseconds, and the ids of their articles."""
    sql = (
        "SELECT e.article_id, e.value, e.recorded_at, v.event_at FROM emission e "
        "LEFT JOIN event v ON v.event_id = e.event_id WHERE e.recorded_at BETWEEN ? AND ? AND e.feeds LIKE ?"
    )
    published, delays, articles = Counter[str](), list[int](), dict[str, None]()
    for article_id, value, recorded_at, event_at in db.query(sql, [*span, f'%"{subscriber_feed(subscription)}"%']):
        published[Action(decode_article(bytes(value)).action).value] += 1
        articles[article_id] = None
        if event_at is not None:
            delays.append(recorded_at - event_at)
    return published, delays, list(articles)


def _copies(db: Database, articles: list[str]) -> int:
    sql = "SELECT COUNT(*) FROM article WHERE withdrawn = 0 AND duplicate_of {in_texts}"
    ((copies,),) = db.query(sql, [db.list_of(articles)]) if articles else [(0,)]
    return int(copies)
