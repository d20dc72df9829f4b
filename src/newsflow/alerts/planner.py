"""Plans the alerts of all subscriptions over the ledger: articles in, alerts into the outbox.

The tables `alert_story` and `alert_subscriber` remember what each subscription knows of its stories.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from newsflow.alerts.build import story_key
from newsflow.alerts.decide import SubscriptionPlanner, in_words
from newsflow.alerts.outbox import raise_alerts
from newsflow.alerts.state import StoryState, SubscriberState
from newsflow.alerts.values import Alert, encode_alert
from newsflow.ledger import Ledger
from newsflow.ledger.database import Database, to_micros
from newsflow.ledger.story_links import former_ids, leads_to, retold_in, stories_of
from newsflow.model import Action, Article, PendingAlert
from newsflow.routing import Routes, Subscription, article_meets, describe

T = TypeVar("T")
REMEMBERED = timedelta(days=30)
"""Stories nobody wrote about for so long are forgotten."""
_LOCK = "desks"
"""Never changes: a process of an earlier release may be at work beside this one."""


class AlertPlanner:
    """A planner for each subscription that asks for alerts. Call from one thread at a time; processes may share a
    ledger. All that is remembered is in the ledger, so the same articles raise nothing when they come again."""

    def __init__(self, routes: Routes, ledger: Ledger) -> None:
        self._ledger = ledger
        self._subscriptions = {each.id: each for each in routes.subscriptions if each.alert_to}
        self._planners = {name: planner_of(each) for name, each in self._subscriptions.items()}

    def take(self, articles: Sequence[Article], now: datetime, old: Collection[int] = ()) -> int:
        """Take in article versions, in order, in one transaction; returns how many alerts that raised. `old` are the
        places in the sequence of those that are no news.

        Raises `LedgerError`: then none of them was taken in, and all may be given again.
        """
        if not articles or not self._planners:
            return 0

        def work(db: Database, at_micros: int) -> int:
            numbered = [(article, number in old) for number, article in enumerate(_in_stories(db, articles))]
            return self._take(db, at_micros, numbered, now)

        return self._alone(work)

    def tick(self, now: datetime) -> int:
        """Raise the alerts that have waited long enough; returns how many."""
        return self._alone(lambda db, at: self._tick(db, at, now))

    def mute(self, subscription: str, until: datetime | None) -> None:
        """Withhold all alerts of a subscription until then; None ends a mute, and what it withheld goes out soon."""
        self._alone(lambda db, at: _save(db, at, subscription, {}, load_subscriber(db, subscription).mute(until)))

    def _alone(self, work: Callable[[Database, int], T]) -> T:
        """Run `work`, given the ledger's time in microseconds, in one transaction, one at a time over all processes."""
        at_micros = to_micros(self._ledger.now())

        def locked(db: Database) -> T:
            db.lock([_LOCK])
            return work(db, at_micros)

        return self._ledger.transact(locked)

    def _take(self, db: Database, at_micros: int, articles: Sequence[tuple[Article, bool]], now: datetime) -> int:
        raised: list[PendingAlert] = []
        by_name = {name: [each for each in articles if self._may_concern(name, each[0])] for name in self._planners}
        retold = retold_in(db, {story_key(article) for concerned in by_name.values() for article, _ in concerned})
        for name, concerned in by_name.items():
            if not concerned:
                continue
            planner = self._planners[name]
            keys = {story_key(article) for article, _ in concerned}
            stories, subscriber, changed = self._load(db, name, load_subscriber(db, name), keys)
            stories = {key: story.with_retold(retold) for key, story in stories.items()}
            for article, old in concerned:
                key = story_key(article)
                if (
                    not article_meets(self._subscriptions[name].match, article)
                    and article.id not in stories[key].members
                ):
                    continue
                counted = replace(article, agency=article.agency or retold.get(article.id))
                stories[key], subscriber, alerts = planner.take(stories[key], subscriber, counted, now, old)
                changed.add(key)
                # An alert that follows one that was sent is news, however old its article is.
                raised += self._pending(name, alerts, old=old and stories[key].last_alert is None)
            if changed:
                _save(db, at_micros, name, {key: stories[key] for key in changed}, subscriber)
        return raise_alerts(db, raised, at_micros)

    def _load(
        self, db: Database, name: str, subscriber: SubscriberState, keys: Collection[str]
    ) -> tuple[dict[str, StoryState], SubscriberState, set[str]]:
        """What is remembered of stories, with that of those that were merged into them; and which these were. The
        others' is then forgotten."""
        former = former_ids(db, keys)
        held = _load_stories(db, name, [*keys, *(each for ids in former.values() for each in ids)])
        stories, merged = {key: held.get(key) or StoryState() for key in keys}, set[str]()
        for key in sorted(keys):
            for ended in former[key]:
                subscriber = subscriber.rename(ended, key)
                if ended in held:
                    stories[key] = stories[key].with_merged(key, held[ended], ended)
                    merged.add(key)
        gone = sorted(each for ids in former.values() for each in ids if each in held)
        if gone:
            sql = "DELETE FROM alert_story WHERE subscription = ? AND story {in_texts}"
            db.execute(sql, [name, db.list_of(gone)])
        return stories, subscriber, merged

    def _may_concern(self, name: str, article: Article) -> bool:
        """A first version concerns whom it matches; a later one may end what an earlier one began."""
        return article.action is not Action.ADD or article_meets(self._subscriptions[name].match, article)

    def _tick(self, db: Database, at_micros: int, now: datetime) -> int:
        raised: list[PendingAlert] = []
        due = "SELECT subscription FROM alert_subscriber WHERE next_tick_at <= ? ORDER BY next_tick_at, subscription"
        for (name,) in db.query(due, [at_micros]):
            planner = self._planners.get(name)
            if planner is None:
                continue  # the subscription is gone from the files, and may come back
            subscriber = load_subscriber(db, name)
            last = leads_to(db, subscriber.withheld)
            keys = {last.get(key, key) for key in subscriber.withheld}
            stories, subscriber, merged = self._load(db, name, subscriber, keys)
            changed, subscriber, alerts = planner.tick(stories, subscriber, now)
            _save(db, at_micros, name, {key: stories[key] for key in merged} | changed, subscriber)
            raised += self._pending(name, alerts)
        # A story that waits counts as changed when its alert goes out.
        db.execute("DELETE FROM alert_story WHERE changed_at < ?", [to_micros(now - REMEMBERED)])
        return raise_alerts(db, raised, at_micros)

    def _pending(self, name: str, alerts: Iterable[Alert], *, old: bool = False) -> list[PendingAlert]:
        to = self._subscriptions[name].alert_to
        return [PendingAlert(alert.id, name, encode_alert(alert), to, old) for alert in alerts]


def _in_stories(db: Database, articles: Sequence[Article]) -> list[Article]:
    """The articles in the stories that they are in by now: those that they name may lead on to others."""
    settled = stories_of(db, {article.id for article in articles})
    last = leads_to(db, {story_key(article) for article in articles})
    return [
        replace(article, story=settled.get(article.id) or last.get(story_key(article), article.story))
        for article in articles
    ]


def planner_of(subscription: Subscription) -> SubscriptionPlanner:
    match = subscription.match
    return SubscriptionPlanner(
        subscription.id, describe(match), subscription.severity, subscription.policy, match.topics
    )


def load_subscriber(db: Database, subscription: str) -> SubscriberState:
    """Return what is remembered of a subscription; an empty state when it is new."""
    rows = db.query("SELECT state FROM alert_subscriber WHERE subscription = ?", [subscription])
    return SubscriberState.from_json(rows[0][0]) if rows else SubscriberState()


def withheld_of(db: Database, stories: Collection[str]) -> list[tuple[str, str, str, datetime]]:
    """The alerts of these stories that wait: subscription, reason, the same in words, until when."""
    found = []
    for subscription, state in db.query("SELECT subscription, state FROM alert_subscriber ORDER BY subscription"):
        for key, alert in SubscriberState.from_json(state).withheld.items():
            if key in stories:
                found.append((subscription, alert.reason, in_words(alert.reason), alert.until))
    return found


def _load_stories(db: Database, subscription: str, keys: Iterable[str]) -> dict[str, StoryState]:
    """What is remembered of stories; nothing of those that are new."""
    wanted = list(dict.fromkeys(keys))
    sql = "SELECT story, state FROM alert_story WHERE subscription = ? AND story {in_texts}"
    found: dict[str, str] = dict(db.query(sql, [subscription, db.list_of(wanted)]) if wanted else [])
    return {key: StoryState.from_json(found[key]) for key in wanted if key in found}


def _save(
    db: Database, at_micros: int, subscription: str, stories: Mapping[str, StoryState], subscriber: SubscriberState
) -> None:
    sql = (
        "INSERT INTO alert_story (subscription, story, changed_at, state) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (subscription, story) DO UPDATE SET changed_at = excluded.changed_at, state = excluded.state"
    )
    db.execute_many(sql, [(subscription, key, at_micros, stories[key].to_json()) for key in sorted(stories)])
    due = subscriber.next_due
    db.execute(
        "INSERT INTO alert_subscriber (subscription, next_tick_at, state) VALUES (?, ?, ?) "
        "ON CONFLICT (subscription) DO UPDATE SET next_tick_at = excluded.next_tick_at, state = excluded.state",
        [subscription, None if due is None else to_micros(due), subscriber.to_json()],
    )
