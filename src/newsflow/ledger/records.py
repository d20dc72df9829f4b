"""Keeps what is published of a decided event before it is published, and its alerts with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import orjson

from newsflow.ledger.database import Database
from newsflow.model import PendingAlert, Record


def store_records(db: Database, records: Sequence[Record], now_micros: int) -> list[Record]:
    """What is stored of each, in order: an earlier record of the same article version wins, bytes and all.

    The feeds of a later version are joined by those of the earlier ones, so that who had the article hears of
    its edit and its end. A version that is recorded after a later one goes to no feed and raises no alert.
    """
    _lock_articles(db, records)
    feeds = _load_feeds(db, records)
    stored = _load(db, {r.article_id for r in records if r.version in feeds.get(r.article_id, ())})
    order = sorted(range(len(records)), key=lambda place: (records[place].article_id, records[place].version))
    written: dict[tuple[str, int], Record] = {}
    for place in order:
        record = records[place]
        key = record.article_id, record.version
        if key in stored:
            continue
        versions = feeds.setdefault(record.article_id, {})
        record = _superseded(record) if any(each > record.version for each in versions) else _joined(record, versions)
        versions[record.version] = record.feeds
        stored[key] = written[key] = record
    _insert(db, written.values(), now_micros)
    in_order = [written.pop(key) for each in records if (key := (each.article_id, each.version)) in written]
    owned = _store_alerts(db, in_order, {record.event_id for record in records}, now_micros)
    return [_with_alerts(stored[each.article_id, each.version], owned) for each in records]


def _lock_articles(db: Database, records: Sequence[Record]) -> None:
    """Versions of one article are recorded by one transaction at a time."""
    db.lock_rows("article", "id", sorted({record.article_id for record in records}))


def _superseded(record: Record) -> Record:
    return replace(record, feeds=(), alerts=())


def _joined(record: Record, versions: dict[int, tuple[str, ...]]) -> Record:
    earlier = [feed for number in sorted(versions) for feed in versions[number]]
    return replace(record, feeds=tuple(dict.fromkeys([*record.feeds, *earlier])))


def _load(db: Database, ids: set[str]) -> dict[tuple[str, int], Record]:
    """All recorded versions of these articles, without their alerts."""
    if not ids:
        return {}
    sql = "SELECT article_id, version, event_id, value, feeds FROM emission WHERE article_id {in_texts}"
    rows = db.query(sql, [db.list_of(sorted(ids))])
    return {(row[0], row[1]): Record(row[2], row[0], row[1], bytes(row[3]), listed_names(row[4])) for row in rows}


def _load_feeds(db: Database, records: Sequence[Record]) -> dict[str, dict[int, tuple[str, ...]]]:
    """Feeds by article and version, of all versions that are recorded."""
    ids = sorted({record.article_id for record in records})
    sql = "SELECT article_id, version, feeds FROM emission WHERE article_id {in_texts}"
    feeds: dict[str, dict[int, tuple[str, ...]]] = {}
    for article_id, version, listed in db.query(sql, [db.list_of(ids)]):
        feeds.setdefault(article_id, {})[version] = listed_names(listed)
    return feeds


def _insert(db: Database, records: Iterable[Record], now_micros: int) -> None:
    sql = "INSERT INTO emission (article_id, version, event_id, recorded_at, value, feeds) VALUES (?, ?, ?, ?, ?, ?)"
    rows = [(r.article_id, r.version, r.event_id, now_micros, r.value, _listed(r.feeds)) for r in records]
    db.execute_many(sql, rows)


def _store_alerts(
    db: Database, written: Sequence[Record], event_ids: set[str], now_micros: int
) -> dict[str, list[tuple[str, int, PendingAlert]]]:
    """Keep the alerts of new records; all alerts that these events own, by event.

    An alert whose id another event has taken is not raised again: a story has one first alert.
    """
    rows: dict[str, tuple[object, ...]] = {}
    for record in written:
        for alert in record.alerts:
            place = (record.event_id, record.article_id, record.version, now_micros)
            row = (alert.id, alert.subscription, *place, _listed(alert.destinations), alert.value)
            rows.setdefault(alert.id, row)
    columns = "id, subscription, event_id, article_id, version, created_at, destinations, value"
    insert = f"INSERT INTO alert ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING"
    db.execute_many(insert, [rows[alert_id] for alert_id in sorted(rows)])  # One order for all: no deadlock.
    found = db.query(
        f"SELECT {columns} FROM alert WHERE event_id {{in_texts}} ORDER BY id", [db.list_of(sorted(event_ids))]
    )
    owned: dict[str, list[tuple[str, int, PendingAlert]]] = {}
    for alert_id, subscription, event_id, article_id, version, _, destinations, value in found:
        alert = PendingAlert(alert_id, subscription, bytes(value), listed_names(destinations))
        owned.setdefault(event_id, []).append((article_id, version, alert))
    _store_deliveries(db, written, owned, now_micros)
    return owned


def _store_deliveries(
    db: Database, written: Sequence[Record], owned: dict[str, list[tuple[str, int, PendingAlert]]], now_micros: int
) -> None:
    new = {(record.event_id, alert.id) for record in written for alert in record.alerts}
    place = {alert.id: at for at, alert in enumerate(alert for record in written for alert in record.alerts)}
    rows = [
        # A microsecond apart, so that deliveries of one batch keep the order they were raised in.
        (alert.id, destination, alert.subscription, now_micros + place[alert.id], "pending", 0, now_micros)
        for event_id, alerts in owned.items()
        for _, _, alert in alerts
        if (event_id, alert.id) in new
        for destination in dict.fromkeys(alert.destinations)
    ]
    columns = "alert_id, destination, subscription, created_at, state, attempts, due_at"
    db.execute_many(f"INSERT INTO delivery ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", rows)


def _with_alerts(record: Record, owned: dict[str, list[tuple[str, int, PendingAlert]]]) -> Record:
    mine = [
        alert
        for article_id, version, alert in owned.get(record.event_id, ())
        if (article_id, version) == (record.article_id, record.version)
    ]
    return replace(record, alerts=tuple(mine))


def _listed(names: Iterable[str]) -> str:
    return orjson.dumps(list(names)).decode()


def listed_names(text: str) -> tuple[str, ...]:
    """The names of a stored list, as in the column `feeds`."""
    return tuple(orjson.loads(text))
