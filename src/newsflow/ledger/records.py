"""Keeps what is published of a decided event before it is published, and its alerts with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

import orjson

from newsflow.ledger.database import Database
from newsflow.model import PendingAlert, PublishedVersion

Place = tuple[str, int]
"""Article id and version."""
OwnedAlerts = dict[str, list[tuple[Place, PendingAlert]]]
"""Alerts by the event that raised them, each with the version it is about."""


def store_records(db: Database, records: Sequence[PublishedVersion], now_micros: int) -> list[PublishedVersion]:
    """What is stored of each, in order: an earlier record of the same article version wins, bytes and all.

    The feeds of a later version are joined by those of the earlier ones, so that who had the article hears of
    its edit and its end. A version that is recorded after a later one goes to no feed and raises no alert.
    """
    ids = sorted({record.article_id for record in records})
    db.lock_rows("article", "id", ids)  # Versions of one article are recorded by one transaction at a time.
    feeds = _load_feeds(db, ids)
    stored = _load(db, {r.article_id for r in records if r.version in feeds[r.article_id]})
    new: dict[Place, PublishedVersion] = {}
    for record in sorted(records, key=_place):
        if _place(record) not in stored:
            versions = feeds[record.article_id]
            joined = _join(record, versions)
            versions[record.version] = joined.feeds
            stored[_place(record)] = new[_place(record)] = joined
    _insert(db, list(new.values()), now_micros)
    in_order = [new[place] for place in dict.fromkeys(map(_place, records)) if place in new]
    owned = _store_alerts(db, in_order, {record.event_id for record in records}, now_micros)
    return [_with_alerts(stored[_place(record)], owned) for record in records]


def _place(record: PublishedVersion) -> Place:
    return record.article_id, record.version


def _join(record: PublishedVersion, versions: dict[int, tuple[str, ...]]) -> PublishedVersion:
    if any(version > record.version for version in versions):
        return replace(record, feeds=(), alerts=())
    earlier = [feed for version in sorted(versions) for feed in versions[version]]
    return replace(record, feeds=tuple(dict.fromkeys([*record.feeds, *earlier])))


def _load(db: Database, ids: set[str]) -> dict[Place, PublishedVersion]:
    """All recorded versions of these articles, without their alerts."""
    if not ids:
        return {}
    sql = "SELECT event_id, article_id, version, value, feeds FROM emission WHERE article_id {in_texts}"
    rows = db.query(sql, [db.list_of(sorted(ids))])
    found = [PublishedVersion(row[0], row[1], row[2], bytes(row[3]), listed_names(row[4])) for row in rows]
    return {_place(record): record for record in found}


def _load_feeds(db: Database, ids: Sequence[str]) -> dict[str, dict[int, tuple[str, ...]]]:
    """Feeds by article and version, of all versions that are recorded."""
    sql = "SELECT article_id, version, feeds FROM emission WHERE article_id {in_texts}"
    feeds: dict[str, dict[int, tuple[str, ...]]] = defaultdict(dict)
    for article_id, version, listed in db.query(sql, [db.list_of(ids)]):
        feeds[article_id][version] = listed_names(listed)
    return feeds


def _insert(db: Database, records: Sequence[PublishedVersion], now_micros: int) -> None:
    """Keep the bytes that are published in place of those that were decided."""
    if not records:
        return
    rows = [(r.article_id, r.version, r.event_id, now_micros, r.value, _listed(r.feeds)) for r in records]
    db.insert("emission", "article_id, version, event_id, recorded_at, value, feeds", rows)
    recorded = "SELECT 1 FROM emission e WHERE e.article_id = u.article_id AND e.version = u.version"
    sql = f"DELETE FROM unrecorded_article AS u WHERE u.article_id {{in_texts}} AND EXISTS ({recorded})"
    db.execute(sql, [db.list_of(sorted({record.article_id for record in records}))])


def _store_alerts(
    db: Database, written: Sequence[PublishedVersion], event_ids: set[str], now_micros: int
) -> OwnedAlerts:
    """Keep the alerts of new records; all alerts that these events own.

    An alert whose id another event has taken is not raised again: a story has one first alert. But where that one is
    old, and so was sent to nobody, news takes its place.
    """
    raised = [(record, alert) for record in written for alert in record.alerts]
    raised = _under_earlier_ids(db, raised)
    told = {alert.id for _, alert in raised if not alert.old} | _told(db, {alert.follows for _, alert in raised}).keys()
    raised = [(record, replace(alert, old=alert.old and alert.follows not in told)) for record, alert in raised]
    rows: dict[str, tuple[object, ...]] = {}
    for record, alert in sorted(raised, key=lambda pair: pair[1].old):
        place = (record.event_id, record.article_id, record.version, now_micros)
        members = (alert.id, alert.subscription, *place, _listed(alert.destinations), alert.value, int(alert.old))
        rows.setdefault(alert.id, members)
    columns = ("id", "subscription", "event_id", "article_id", "version", "created_at", "destinations", "value", "old")
    in_order = [rows[alert_id] for alert_id in sorted(rows)]  # One order for all: no deadlock.
    db.insert("alert", ", ".join(columns), in_order, f"ON CONFLICT (id) DO {TAKE_PLACE_OF_OLD}")
    owned: OwnedAlerts = defaultdict(list)
    sql = (
        "SELECT event_id, article_id, version, id, subscription, value, destinations, old FROM alert "
        "WHERE event_id {in_texts} ORDER BY id"
    )
    for event_id, article_id, version, *rest in db.query(sql, [db.list_of(sorted(event_ids))]):
        alert_id, subscription, value, destinations, old = rest
        pending = PendingAlert(alert_id, subscription, bytes(value), listed_names(destinations), bool(old))
        owned[event_id].append(((article_id, version), pending))
    _store_deliveries(db, raised, owned, now_micros)
    return owned


def _store_deliveries(
    db: Database, raised: Sequence[tuple[PublishedVersion, PendingAlert]], owned: OwnedAlerts, now_micros: int
) -> None:
    new = {(record.event_id, alert.id) for record, alert in raised}
    number = {alert.id: at for at, (_, alert) in enumerate(raised)}
    rows = [
        # A microsecond apart, so that deliveries of one batch keep the order they were raised in.
        (alert.id, destination, alert.subscription, now_micros + number[alert.id], state_of(alert), 0, now_micros)
        for event_id, alerts in owned.items()
        for _, alert in alerts
        if (event_id, alert.id) in new
        for destination in dict.fromkeys(alert.destinations)
    ]
    columns = "alert_id, destination, subscription, created_at, state, attempts, due_at"
    db.insert("delivery", columns, rows, f"ON CONFLICT (alert_id, destination) DO {SEND_WHAT_WAS_OLD}")


TAKE_PLACE_OF_OLD = (
    "UPDATE SET subscription = excluded.subscription, event_id = excluded.event_id, article_id = excluded.article_id, "
    "version = excluded.version, created_at = excluded.created_at, destinations = excluded.destinations, "
    "value = excluded.value, old = 0 WHERE alert.old = 1 AND excluded.old = 0"
)
SEND_WHAT_WAS_OLD = (
    "UPDATE SET state = 'pending', created_at = excluded.created_at, due_at = excluded.due_at "
    "WHERE delivery.state = 'old' AND excluded.state = 'pending'"
)


def state_of(alert: PendingAlert) -> str:
    """The state in which a delivery of an alert begins."""
    return "old" if alert.old else "pending"


Raised = list[tuple[PublishedVersion, PendingAlert]]


def _under_earlier_ids(db: Database, raised: Raised) -> Raised:
    """The alerts of stories that were told under the id of one that was merged into them: no first one again, and what
    follows as of that id."""
    told = _told(db, {each for _, alert in raised for each in (alert.follows, *alert.told_as)})
    kept: Raised = []
    for record, alert in raised:
        earlier = next((each for each in alert.told_as if each in told), None)
        if earlier is None or alert.follows in told:
            kept.append((record, alert))
            if not alert.old:
                told.setdefault(alert.id, alert.value)
        elif alert.follows:
            value = orjson.dumps({**orjson.loads(alert.value), "story": orjson.loads(told[earlier])["story"]})
            kept.append((record, replace(alert, value=value, follows=earlier)))
    return kept


def _told(db: Database, ids: Iterable[str]) -> dict[str, bytes]:
    """Those of these alerts that were raised as news, with their values."""
    wanted = sorted(set(filter(None, ids)))
    sql = "SELECT id, value FROM alert WHERE old = 0 AND id {in_texts}"
    return {row[0]: bytes(row[1]) for row in db.query(sql, [db.list_of(wanted)])} if wanted else {}


def _with_alerts(record: PublishedVersion, owned: OwnedAlerts) -> PublishedVersion:
    """The record with the alerts that are to be published: not those that are old."""
    mine = owned.get(record.event_id, ())
    return replace(record, alerts=tuple(alert for place, alert in mine if place == _place(record) and not alert.old))


def _listed(names: Iterable[str]) -> str:
    return orjson.dumps(list(names)).decode()


def listed_names(text: str) -> tuple[str, ...]:
    """The names of a stored list, as in the column `feeds`."""
    return tuple(orjson.loads(text))
