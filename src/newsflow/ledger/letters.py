"""The index of dead letters: rows that follow the topics in which letters, and what was said of them, lie."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from newsflow.ledger.database import Database, Row, from_micros, storable, to_micros
from newsflow.model.letter import PARKED_AT, Letter, Said, State

_LETTER = (
    "id, topic, partition_no, offset_no, written_at, reason, stage, message, source, sink, address, article_id, "
    "attempt, origin_topic, origin_partition, origin_offset, size_bytes"
)
_SAID = "id, state, why, by_whom, changed_at, to_topic, to_partition, to_offset"
_STATE = f"COALESCE(s.state, CASE WHEN l.attempt >= {PARKED_AT} THEN '{State.PARKED}' ELSE '{State.OPEN}' END)"
_JOINED = "FROM letter l LEFT JOIN letter_state s ON s.id = l.id"
GROUPS = {
    "reason": "l.reason",
    "stage": "l.stage",
    "source": "l.source",
    "sink": "l.sink",
    "state": _STATE,
    "age": "CASE WHEN l.written_at > ? - 3600000 THEN 'within the hour' "
    "WHEN l.written_at > ? - 86400000 THEN 'within the day' "
    "WHEN l.written_at > ? - 604800000 THEN 'within the week' ELSE 'older' END",
}
"""What letters can be counted by."""
Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which letters are meant: all that is given holds. `states` none: any; `since_ms`: written then or later."""

    states: Sequence[State] = ()
    reason: str | None = None
    stage: str | None = None
    source: str | None = None
    sink: str | None = None
    since_ms: int = 0
    id: str | None = None
    article_id: str | None = None
    address: str | None = None
    begins: str = ""
    """The beginning of an id."""
    origin: tuple[str, int, int] | None = None
    """Where the record was that failed."""
    to: tuple[str, int, int] | None = None
    """Where it was published again."""

    def clause(self, db: Database) -> tuple[str, list[object]]:
        """The condition in SQL, with its parameters."""
        parts, parameters = ["l.written_at >= ?"], list[object]([self.since_ms])
        for name in ("reason", "stage", "source", "sink", "id", "article_id", "address"):
            if (value := getattr(self, name)) is not None:
                parts.append(f"l.{name} = ?")
                parameters.append(storable(value))
        if self.states:
            parts.append(f"{_STATE} {{in_texts}}")
            parameters.append(db.list_of([state.value for state in self.states]))
        if self.begins:
            parts.append("SUBSTR(l.id, 1, ?) = ?")
            parameters += [len(self.begins), self.begins]
        for name, place in (("l.origin", self.origin), ("s.to", self.to)):
            if place is not None:
                parts.append(f"{name}_topic = ? AND {name}_partition = ? AND {name}_offset = ?")
                parameters += place
        return " AND ".join(parts), parameters


@dataclass(frozen=True, slots=True)
class Group:
    """Letters that have the same `names`."""

    names: tuple[str, ...]
    letters: int
    oldest_ms: int
    newest_ms: int


def load_read(db: Database) -> dict[Place, int]:
    """The next offset to be read, by topic and partition."""
    return {(topic, partition): at for topic, partition, at in db.query("SELECT * FROM letter_read")}


def save_letters(db: Database, letters: Iterable[Letter]) -> None:
    """Keep letters; one that was written twice is kept at its first place."""
    rows = [
        (storable(each.id), each.topic, each.partition, each.offset, each.written_ms,
         *map(storable, (each.reason, each.stage, each.message, each.source, each.sink, each.address, each.article_id)),
         each.attempt, storable(each.origin[0]), *each.origin[1:], each.size_bytes)
        for each in letters
    ]  # fmt: skip
    db.insert("letter", _LETTER, rows, "ON CONFLICT (id) DO NOTHING")


def save_said(db: Database, said: Iterable[tuple[str, Said]]) -> None:
    """Keep what was said of letters, by their ids; the last word holds."""
    rows = [
        (storable(letter_id), each.state.value, storable(each.why), storable(each.by), to_micros(each.at),
         *((None,) * 3 if each.to is None else (storable(each.to[0]), *each.to[1:])))
        for letter_id, each in said
    ]  # fmt: skip
    update = ", ".join(f"{name} = excluded.{name}" for name in _SAID.split(", ")[1:])
    db.insert("letter_state", _SAID, rows, f"ON CONFLICT (id) DO UPDATE SET {update}")


def save_read(db: Database, offsets: Mapping[Place, int]) -> None:
    rows = [(*place, at) for place, at in sorted(offsets.items())]
    update = "ON CONFLICT (topic, partition_no) DO UPDATE SET next_offset = excluded.next_offset"
    db.insert("letter_read", "topic, partition_no, next_offset", rows, update)


def forget_index(db: Database) -> None:
    """Empty the index, to be read from the beginning."""
    for table in ("letter", "letter_state", "letter_read"):
        db.execute(f"DELETE FROM {table}")


def forget_before(db: Database, offsets: Mapping[Place, int]) -> int:
    """Leave out letters that Kafka no longer has: those before these offsets. How many they were."""
    behind = "topic = ? AND partition_no = ? AND offset_no < ?"
    return sum(db.execute(f"DELETE FROM letter WHERE {behind}", [*place, at]) for place, at in offsets.items())


def find_letters(db: Database, wanted: Wanted, limit: int = 1_000_000) -> list[Letter]:
    """Letters, the newest first."""
    where, parameters = wanted.clause(db)
    columns = ", ".join(f"l.{name}" for name in _LETTER.split(", "))
    said = ", ".join(f"s.{name}" for name in _SAID.split(", ")[1:])
    order = "ORDER BY l.written_at DESC, l.topic, l.partition_no, l.offset_no DESC LIMIT ?"
    rows = db.query(f"SELECT {columns}, {said} {_JOINED} WHERE {where} {order}", [*parameters, limit])
    return [_letter(row) for row in rows]


def _letter(row: Row) -> Letter:
    return Letter(*[*row[:13], row[13:16], row[16], _said(row[17:])])


def _said(row: Row) -> Said | None:
    state, why, by, at, *to = row
    return None if state is None else Said(State(state), from_micros(at), by, why, tuple(to) if to[0] else None)


def count_letters(db: Database, wanted: Wanted, by: Sequence[str], now_ms: int) -> list[Group]:
    """How many letters there are by these names of `GROUPS`, the most first."""
    where, parameters = wanted.clause(db)
    names = ", ".join(GROUPS[name] for name in by)
    numbers = ", ".join(str(number + 1) for number in range(len(by)))
    counted = "COUNT(*), MIN(l.written_at), MAX(l.written_at)"
    sql = f"SELECT {names}, {counted} {_JOINED} WHERE {where} GROUP BY {numbers} ORDER BY {len(by) + 1} DESC, {numbers}"
    rows = db.query(sql, [*[now_ms] * names.count("?"), *parameters])
    return [Group(tuple(row[: len(by)]), *map(int, row[len(by) :])) for row in rows]
