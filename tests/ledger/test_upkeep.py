"""Migrations, opening, pruning."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from newsflow.alerts.outbox import Outbox
from newsflow.errors import ConfigError, LedgerError
from newsflow.ledger import Ledger, Pruned, mask_url, open_ledger, pruning
from newsflow.ledger.database import Database
from newsflow.ledger.opening import (
    MIGRATIONS,
    applied_migrations,
    migrate,
    open_database,
    pending_migrations,
    take_back,
)
from newsflow.ledger.tables import remake_prints
from newsflow.migrations import Migration, MigrationSet
from newsflow.model import Outcome, PendingAlert, PublishedVersion, Reason
from newsflow.testing import Clock
from tests.ledger.ledger_helpers import HARBOUR, RIVER, Wire


def test_migrations_are_numbered_without_a_gap() -> None:
    numbers = [each.number for each in MIGRATIONS.shipped()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert all(each.statements() for each in MIGRATIONS.shipped())


def test_migrating_twice_changes_nothing(ledger_url: str) -> None:
    db = open_database(ledger_url)
    assert len(db.run(lambda: pending_migrations(db))) == len(MIGRATIONS.shipped())
    assert [each.number for each in migrate(db)] == [each.number for each in MIGRATIONS.shipped()]
    assert migrate(db) == []
    assert db.run(lambda: applied_migrations(db)) == [each.number for each in MIGRATIONS.shipped()]
    db.close()


def test_half_a_migration_is_none(ledger_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Migration(1, "0001_broken", "CREATE TABLE one (a TEXT);\nCREATE TABEL two (b TEXT);\n")
    monkeypatch.setattr(MigrationSet, "shipped", lambda _: [broken])
    db = open_database(ledger_url)
    with pytest.raises(LedgerError):
        migrate(db)
    assert not db.run(lambda: db.has_table("one"))
    db.close()


def test_ledger_of_a_newer_release_is_refused(ledger_url: str) -> None:
    db = open_database(ledger_url)
    migrate(db)
    db.run(lambda: db.execute("INSERT INTO migration (number, name) VALUES (9999, '9999_future')"))
    db.close()
    with pytest.raises(LedgerError, match="use the newer release"):
        open_ledger(ledger_url)


@pytest.mark.parametrize(
    "url", ["", "ledger.sqlite3", "sqlite://relative.sqlite3", "sqlite:///", "mysql://h/d", "sqlite:/x"]
)
def test_url_that_names_no_ledger_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="accepted: sqlite:///"):
        open_ledger(url)


def test_window_must_be_positive(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="more than 0"):
        open_ledger(f"sqlite:///{tmp_path}/l.sqlite3", window_h=0)


def test_wrong_login_is_said_at_once(request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue("postgres")
    with pytest.raises(LedgerError, match="does not exist"):
        open_ledger(server.url.replace("postgres@", "nobody-here@"), retry_for_s=30)


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("postgresql://u:secret@h/d", "postgresql://u:***@h/d"),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
        ("sqlite:////x", "sqlite:////x"),
    ],
)
def test_password_is_masked(url: str, masked: str) -> None:
    assert mask_url(url) == masked


def fill(ledger: Ledger, wire: Wire, clock: Clock) -> list[PublishedVersion]:
    """An old article with an undelivered and a delivered alert, an old dead letter; a new article."""
    old, bad = wire.publish(), wire.reject()
    decision, _ = ledger.decide([old, bad])
    assert decision.article is not None
    alerts = tuple(PendingAlert(name * 32, "desk", b"{}", ("hook",)) for name in "ab")
    record = PublishedVersion(old.event.event_id, decision.article.id, 1, b"{}", ("syria",), alerts)
    ledger.record([record])
    Outbox(ledger).mark_sent("b" * 32, "hook", clock())
    clock.move(days=40)
    ledger.decide([wire.publish("https://b.example/", RIVER)])
    return [record]


def test_prune_forgets_the_old_and_keeps_the_sums(ledger: Ledger, wire: Wire, clock: Clock) -> None:
    [record] = fill(ledger, wire, clock)
    before = ledger.outcomes()
    assert ledger.prune(timedelta(days=30)) == Pruned(texts=1, articles=1, events=2, alerts=1)
    assert ledger.prune(timedelta(days=30)).total == 0
    assert ledger.outcomes() == before == {Outcome.ADDED: 2, Outcome.DEAD_LETTERED: 1}
    assert ledger.reasons() == {Reason.MALFORMED_JSON: 1}
    assert ledger.latest_article(record.article_id) is None
    assert ledger.dead_letters() == []
    assert [each.id for each in Outbox(ledger).lease()] == ["a" * 32]
    again = ledger.decide([wire.publish()])[0]
    assert (again.outcome, again.article and again.article.version) == (Outcome.ADDED, 1)


def test_prune_forgets_every_name_of_an_article(ledger: Ledger, wire: Wire, clock: Clock) -> None:
    ledger.decide([wire.withdraw("https://a.example/first", guid="7")])
    ledger.decide([wire.publish("https://a.example/first", guid="7", fetched=1)])
    ledger.decide([wire.publish("https://a.example/moved", guid="7", fetched=2)])
    clock.move(days=10)
    assert ledger.prune(timedelta(days=9)).articles == 1
    again = ledger.decide([wire.publish(url, RIVER) for url in ("https://a.example/moved", "https://a.example/first")])
    assert [each.outcome for each in again] == [Outcome.ADDED, Outcome.DUPLICATE]
    assert len({each.article.id for each in again if each.article}) == 2


def test_prune_never_cuts_into_the_window(ledger: Ledger, wire: Wire, clock: Clock) -> None:
    ledger.decide([wire.publish()])
    clock.move(hours=71)
    assert ledger.prune(timedelta(0)).total == 0
    copy = ledger.decide([wire.publish("https://b.example/", source="b")])[0]
    assert copy.outcome is Outcome.DUPLICATE


def test_copy_behind_the_window_is_an_article_of_its_own(ledger: Ledger, wire: Wire, clock: Clock) -> None:
    ledger.decide([wire.publish()])
    clock.move(hours=72, minutes=1)
    later = ledger.decide([wire.publish("https://b.example/", source="b", fetched=72 * 60 + 1)])[0]
    assert later.outcome is Outcome.ADDED


def test_windows_go_by_the_time_of_events_and_not_by_the_clock(ledger: Ledger, wire: Wire, clock: Clock) -> None:
    """A year comes in an hour, and then what was late: each is compared with the texts of its own days."""
    for day in (0, 200, 4):
        clock.move(minutes=1)
        [found] = ledger.decide([wire.publish(f"https://day-{day}.example/", source=f"s{day}", fetched=day * 1440)])
        assert found.outcome is Outcome.ADDED
    for day, original in ((198, 200), (1, 0), (202, 200), (6, 4)):
        [found] = ledger.decide([wire.publish(f"https://copy-{day}.example/", source=f"c{day}", fetched=day * 1440)])
        assert found.outcome is Outcome.DUPLICATE
        assert found.duplicate is not None
        assert found.duplicate.original.source == f"s{original}"
    assert ledger.prune(timedelta(days=1)).total == 0  # by the clock it was all written just now


def test_texts_are_kept_for_what_is_late_by_a_window(ledger: Ledger, wire: Wire, clock: Clock) -> None:
    ledger.decide([wire.publish(fetched=0)])
    clock.move(hours=143)
    ledger.prune(timedelta(days=9))
    [late] = ledger.decide([wire.publish("https://b.example/", source="b", fetched=71 * 60)])
    assert late.outcome is Outcome.DUPLICATE
    clock.move(hours=2)
    assert ledger.prune(timedelta(days=9)).texts == 1


def test_two_that_prune_at_once_count_what_they_forget_once(
    open_one: Callable[[], Ledger], wire: Wire, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledgers = [open_one(), open_one()]
    ledgers[0].decide([wire.publish(f"https://a.example/{number}", f"Note {number}.") for number in range(100)])
    clock.move(days=100)
    keep = pruning._keep_sums

    def keep_slowly(*arguments: Any) -> None:
        time.sleep(0.5)  # long enough for the other to have found the same events
        keep(*arguments)

    monkeypatch.setattr(pruning, "_keep_sums", keep_slowly)
    with ThreadPoolExecutor(2) as pool:
        pruned = list(pool.map(lambda ledger: ledger.prune(timedelta(days=90)).events, ledgers))
    assert sorted(pruned) == [0, 100]
    assert ledgers[0].outcomes() == {Outcome.ADDED: 100}


def test_prune_in_many_steps(ledger: Ledger, wire: Wire, clock: Clock) -> None:
    events = [wire.publish(f"https://a.example/{number}", f"Note {number}.") for number in range(1100)]
    ledger.decide(events)
    clock.move(days=100)
    assert ledger.prune(timedelta(days=90)) == Pruned(texts=1100, articles=1100, events=1100)


def test_two_ledgers_see_what_the_other_decided(open_one: Callable[[], Ledger], wire: Wire) -> None:
    one, two = open_one(), open_one()
    first = one.decide([wire.publish()])[0].article
    assert first is not None
    copy = two.decide([wire.publish("https://b.example/", HARBOUR + " More.", source="b")])[0]
    third = one.decide([wire.publish("https://c.example/", HARBOUR + " Others.", source="c")])[0]
    assert [each.duplicate and each.duplicate.original.id for each in (copy, third)] == [first.id, first.id]
    assert copy.article is not None
    story = two.story(copy.article.story or "")
    assert story is not None
    assert (story.size, story.independent_sources) == (3, 3)


def test_original_is_found_behind_a_crowd_of_its_copies(ledger: Ledger, wire: Wire) -> None:
    for start in range(0, 200, 40):
        ledger.decide([wire.publish(f"https://o.example/{start + at}", source="o") for at in range(40)])
    outcomes = ledger.outcomes()
    assert outcomes == {Outcome.ADDED: 1, Outcome.DUPLICATE: 199}


def test_fingerprints_of_other_rules_are_made_anew_by_a_migration(
    open_one: Callable[[], Ledger], ledger_url: str, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with a release whose fingerprints are others: those that are there are of its rules from then on, and what is
    forgotten is compared no more."""
    ledger = open_one()
    ledger.decide([wire.publish(), wire.publish("https://b.example/", RIVER, source="b")])
    before = ledger.transact(_prints)

    def spoil(db: Database) -> None:
        db.execute("UPDATE text_print SET keys = ?, shingles = ?, text_hash = ?", [b"", b"", b"other"])

    def forget(db: Database) -> None:
        db.execute("DELETE FROM article_version WHERE article_id = ?", [before[1][0]])

    ledger.transact(spoil)
    assert ledger.transact(_prints) != before
    with closing(open_database(ledger_url)) as db:
        take_back(db, 5)
    monkeypatch.setattr("newsflow.ledger.tables.PRINT_VERSION", 2)
    again = open_one()
    assert [each[:-1] for each in again.transact(_prints)] == [each[:-1] for each in before]
    assert {each[-1] for each in again.transact(_prints)} == {2}
    again.transact(spoil)
    again.transact(forget)
    monkeypatch.setattr("newsflow.ledger.tables.PRINT_VERSION", 3)
    while again.transact(remake_prints):
        pass
    assert [each[0] for each in again.transact(_prints)] == [before[0][0]]
    copy = again.decide([wire.publish("https://c.example/", source="c")])[0]
    assert copy.outcome is Outcome.DUPLICATE


def _prints(db: Database) -> list[tuple[object, ...]]:
    sql = "SELECT article_id, text_hash, shingles, numbers, keys, print_version FROM text_print ORDER BY text_no"
    return [tuple(bytes(each) if isinstance(each, memoryview) else each for each in row) for row in db.query(sql)]
