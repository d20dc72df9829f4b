"""The ledgers that 0.1 left go up and back without jobs: not a value of theirs changes."""

from __future__ import annotations

import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from newsflow.ledger import open_ledger
from newsflow.ledger.database import Database
from newsflow.ledger.opening import migrate, open_database, take_back
from newsflow.model.codec import decode_article
from newsflow.tools.postgres import LocalPostgres
from tests.postgres_helpers import new_database
from tests.upgrade.make_state import state_file
from tests.upgrade.state import load_dump

_ORDER = {
    "alert": "id", "alert_story": "subscription, story", "alert_subscriber": "subscription", "article": "id",
    "article_version": "article_id, version", "dead_letter": "event_id", "delivery": "alert_id, destination",
    "emission": "article_id, version", "event": "event_id", "identity": "name", "language": "language",
    "migration": "number", "pruned_outcome": "outcome, reason", "retagging": "article_id, version",
    "text_print": "language, text_no", "trend_article": "layout, article_id",
}  # fmt: skip


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A ledger as 0.1 left it."""
    with tarfile.open(state_file(request.param)) as tar:
        tar.extractall(tmp_path, filter="data")
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.sqlite3"
    server: LocalPostgres = request.getfixturevalue("postgres")
    url = new_database(server)
    load_dump(tmp_path / "database.sql", url)
    return url


def rows(db: Database) -> dict[str, list[tuple[object, ...]]]:
    def read() -> dict[str, list[tuple[object, ...]]]:
        tables = {name: db.query(f"SELECT * FROM {name} ORDER BY {order}") for name, order in _ORDER.items()}
        return {name: [tuple(row) for row in found] for name, found in tables.items()}

    return db.run(read, writes=False)


def test_up_and_back_leaves_every_row(url: str) -> None:
    with closing(open_database(url)) as db:
        before = rows(db)
        assert len(before["event"]) == 270
        assert [each.number for each in migrate(db)] == [6, 7, 8, 9, 10, 11, 12, 13, 14, 15]
        assert [each.number for each in take_back(db, 5)] == [15, 14, 13, 12, 11, 10, 9, 8, 7, 6]
        assert rows(db) == before


def test_what_this_release_decided_is_in_the_tables_of_01(url: str) -> None:
    """A version whose bytes this release has in one table alone is given back to 0.1 with them, tagged or not."""
    with closing(open_ledger(url)) as ledger:
        recorded, unrecorded = list(ledger.articles())[:2]

        def as_this_release_has_them(db: Database) -> None:
            place = "WHERE article_id = ? AND version = ?"
            for each in (recorded, unrecorded):
                db.execute(f"UPDATE article_version SET article = ? {place}", [b"", each.article_id, each.version])
            db.execute(f"DELETE FROM emission {place}", [unrecorded.article_id, unrecorded.version])
            values = [(unrecorded.article_id, unrecorded.version, unrecorded.value)]
            db.insert("unrecorded_article", "article_id, version, article", values)

        ledger.transact(as_this_release_has_them)
    with closing(open_database(url)) as db:
        take_back(db, 5)
        stored = db.run(lambda: db.query("SELECT article_id, version, article FROM article_version"), writes=False)
    by_place = {(row[0], row[1]): bytes(row[2]) for row in stored}
    assert all(decode_article(value).source for value in by_place.values())
    for each in (recorded, unrecorded):
        assert by_place[each.article_id, each.version] == each.value


def test_reasons_that_01_does_not_know_are_those_it_gives(url: str) -> None:
    with closing(open_database(url)) as db:
        migrate(db)
        before = reasons(db)

        def as_this_release_decides() -> None:
            db.execute("UPDATE event SET reason = ? WHERE reason = ?", ["blob-missing", "schema-violation"])
            db.execute("UPDATE dead_letter SET reason = ? WHERE reason = ?", ["blob-missing", "schema-violation"])
            rows = [("dead-lettered", "schema-violation", 2), ("dead-lettered", "blob-missing", 3)]
            db.insert("pruned_outcome", "outcome, reason, events", rows)

        db.run(as_this_release_decides)
        assert reasons(db) != before
        take_back(db, 5)
        assert reasons(db) == before
        pruned = db.run(lambda: db.query("SELECT outcome, reason, events FROM pruned_outcome"), writes=False)
    assert [tuple(row) for row in pruned] == [("dead-lettered", "schema-violation", 5)]


def reasons(db: Database) -> list[tuple[str, str]]:
    sql = "SELECT {0}.event_id, {0}.reason FROM {0} WHERE {0}.reason IS NOT NULL ORDER BY {0}.event_id"
    return db.run(
        lambda: [(row[0], row[1]) for table in ("event", "dead_letter") for row in db.query(sql.format(table))],
        writes=False,
    )
