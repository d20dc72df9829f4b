"""The index of dead letters, on both databases."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from newsflow.ledger import Ledger
from newsflow.ledger.letters import (
    Wanted,
    count_letters,
    find_letters,
    forget_before,
    forget_index,
    load_read,
    save_letters,
    save_read,
    save_said,
)
from newsflow.model.letter import Letter, Said, State

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NOON_MS = round(NOON.timestamp() * 1000)
HOUR_MS = 3_600_000
PLAIN = Letter(
    *("a" * 32, "raw.dlq", 0, 0, NOON_MS, "no-text", "Normalise", "nothing there", "quay-times", "", "", "", 1),
    origin=("raw", 0, 7),
    size_bytes=12,
)


def filled(ledger: Ledger) -> list[Letter]:
    letters = [
        PLAIN,
        replace(
            PLAIN, id="b" * 32, offset=1, written_ms=NOON_MS - 2 * HOUR_MS, reason="malformed-json", source="nul\x00"
        ),
        replace(PLAIN, id="c" * 32, offset=2, written_ms=NOON_MS - 50 * HOUR_MS, attempt=3),
        replace(
            PLAIN, id="d" * 32, topic="art.dlq", written_ms=NOON_MS - 900 * HOUR_MS, sink="archive", message="\ud800"
        ),
    ]
    ledger.transact(lambda db: save_letters(db, letters))
    return letters


def ids(found: Iterable[Letter]) -> str:
    return "".join(each.id[0] for each in found)


def test_letters_are_found_by_all_that_is_asked(ledger: Ledger) -> None:
    filled(ledger)

    def find(limit: int = 10, **wanted: object) -> str:
        return ids(ledger.transact(lambda db: find_letters(db, Wanted(**wanted), limit), writes=False))  # type: ignore[arg-type]

    assert find() == "abcd"
    assert find(2) == "ab"
    assert find(states=[State.OPEN]) == "abd"
    assert find(states=[State.PARKED]) == "c"
    assert find(reason="no-text", source="quay-times") == "acd"
    assert find(source="nul\x00") == "b"
    assert find(sink="archive") == "d"
    assert find(since_ms=NOON_MS - 3 * HOUR_MS) == "ab"
    assert find(begins="cc") == "c"
    assert find(begins="%") == ""
    assert find(origin=("raw", 0, 7)) == "abcd"
    first = ledger.transact(lambda db: find_letters(db, Wanted(begins="a"))[0], writes=False)
    assert first == PLAIN


def test_the_last_word_on_a_letter_holds_whenever_the_letter_comes(ledger: Ledger) -> None:
    parked = Said(State.PARKED, NOON, "mara@desk", "wait")
    sent = Said(State.REPLAYED, NOON, "mara@desk", to=("raw", 1, 90))
    ledger.transact(lambda db: save_said(db, [("a" * 32, parked), ("a" * 32, sent), ("b" * 32, parked)]))
    filled(ledger)
    ledger.transact(lambda db: save_said(db, [("c" * 32, replace(sent, to=("sink:archive", 0, 0)))]))
    found = ledger.transact(lambda db: find_letters(db, Wanted()), writes=False)
    assert [each.state for each in found] == [State.REPLAYED, State.PARKED, State.REPLAYED, State.OPEN]
    assert found[0].said == sent
    assert ids(ledger.transact(lambda db: find_letters(db, Wanted(to=("raw", 1, 90))), writes=False)) == "a"


def test_letters_are_counted_by_what_they_share(ledger: Ledger) -> None:
    filled(ledger)

    def count(*by: str) -> list[tuple[object, ...]]:
        groups = ledger.transact(lambda db: count_letters(db, Wanted(), by, NOON_MS), writes=False)
        return [(*group.names, group.letters) for group in groups]

    assert count("reason") == [("no-text", 3), ("malformed-json", 1)]
    assert count("age") == [("older", 1), ("within the day", 1), ("within the hour", 1), ("within the week", 1)]
    assert count("state", "age")[0] == ("open", "older", 1)
    assert count("reason", "sink")[0] == ("no-text", "", 2)
    [group] = ledger.transact(lambda db: count_letters(db, Wanted(sink="archive"), ["stage"], NOON_MS), writes=False)
    assert (group.oldest_ms, group.newest_ms) == (NOON_MS - 900 * HOUR_MS,) * 2


def test_what_kafka_has_no_longer_leaves_and_the_index_begins_anew(ledger: Ledger) -> None:
    letters = filled(ledger)
    ledger.transact(lambda db: save_read(db, {("raw.dlq", 0): 3, ("art.dlq", 0): 1}))
    assert ledger.transact(lambda db: forget_before(db, {("raw.dlq", 0): 2, ("art.dlq", 0): 0})) == 2
    assert ids(ledger.transact(lambda db: find_letters(db, Wanted()), writes=False)) == "cd"
    ledger.transact(lambda db: save_letters(db, [replace(letters[2], offset=9)]))
    again = ledger.transact(lambda db: find_letters(db, Wanted(begins="c")), writes=False)
    assert [each.offset for each in again] == [2], "written twice, it stays at its first place"
    ledger.transact(forget_index)
    assert ledger.transact(load_read, writes=False) == {}
