"""The tables of trends: articles as they are counted, counts of slices, windows as published. Within a transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import orjson

from newsflow.ledger.database import Database, storable
from newsflow.trends.bursts import Burst
from newsflow.trends.counting import Cell, Contribution
from newsflow.trends.records import burst_from_json, burst_to_json
from newsflow.trends.windows import WindowRule

Published = tuple[int, int]
"""Articles and revision."""


@dataclass(frozen=True, slots=True)
class CountedArticle:
    """An article of a window, as evidence."""

    id: str
    source: str
    story: str
    cells: tuple[Cell, ...]


class TrendTables:
    """The tables of one grid."""

    def __init__(self, db: Database, rule: WindowRule) -> None:
        self._db, self._rule, self._layout = db, rule, rule.layout

    def closed(self) -> int | None:
        """The end of the newest closed window; None when none was closed."""
        rows = self._db.query("SELECT closed FROM trend_clock WHERE layout = ?", [self._layout])
        return int(rows[0][0]) if rows else None

    def set_closed(self, end: int) -> None:
        """Note that a window was closed; of an older one nothing is noted."""
        sql = (
            "INSERT INTO trend_clock (layout, closed) VALUES (?, ?) ON CONFLICT (layout) DO UPDATE "
            "SET closed = excluded.closed WHERE excluded.closed > trend_clock.closed"
        )
        self._db.execute(sql, [self._layout, end])

    def articles(self, ids: Iterable[str]) -> dict[str, Contribution]:
        """What is held of articles, by id."""
        wanted = self._db.list_of(sorted(set(ids)))
        sql = (
            "SELECT article_id, version, slice, source, story, cells FROM trend_article "
            "WHERE layout = ? AND article_id {in_texts}"
        )
        return {
            row[0]: Contribution(row[0], int(row[1]), int(row[2]), row[3], row[4], _cells(row[5]))
            for row in self._db.query(sql, [self._layout, wanted])
        }

    def keep_articles(self, held: Iterable[Contribution]) -> None:
        """Store articles as they are counted now."""
        sql = (
            "INSERT INTO trend_article (layout, article_id, version, slice, source, story, cells) "
            "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (layout, article_id) DO UPDATE SET version = excluded.version, "
            "source = excluded.source, story = excluded.story, cells = excluded.cells"
        )
        rows = [
            (self._layout, each.article_id, each.version, each.slice_start, each.source, storable(each.story),
             orjson.dumps(each.cells).decode())
            for each in held
        ]  # fmt: skip
        self._db.execute_many(sql, rows)

    def add(self, deltas: Mapping[tuple[int, Cell], int]) -> None:
        """Change counts by slice and cell; every window that holds the slice is due to be looked at again."""
        sql = (
            "INSERT INTO trend_count (layout, dimension, name, slice, articles, due) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (layout, dimension, name, slice) DO UPDATE "
            "SET articles = trend_count.articles + excluded.articles, due = excluded.due"
        )
        rows = [
            (self._layout, dimension, name, start, by, self._rule.first_end(start))
            for (start, (dimension, name)), by in sorted(deltas.items())
        ]
        self._db.execute_many(sql, rows)

    def next_due(self, upto: int | None) -> int | None:
        """The end of the first window that is to be looked at, not after `upto`."""
        rows = self._db.query("SELECT MIN(due) FROM trend_count WHERE layout = ? AND due IS NOT NULL", [self._layout])
        due = rows[0][0]
        return None if due is None or (upto is not None and due > upto) else int(due)

    def due_slices(self, slices: Iterable[int]) -> frozenset[int]:
        """Those of the slices that a window is still to look at."""
        sql = "SELECT DISTINCT slice FROM trend_count WHERE layout = ? AND slice {in_numbers} AND due IS NOT NULL"
        rows = self._db.query(sql, [self._layout, self._db.list_of(sorted(slices))])
        return frozenset(int(row[0]) for row in rows)

    def due_cells(self, end: int) -> list[Cell]:
        """Whose counts changed since the window was looked at, in order."""
        sql = "SELECT DISTINCT dimension, name FROM trend_count WHERE layout = ? AND due = ? ORDER BY 1, 2"
        return [(row[0], row[1]) for row in self._db.query(sql, [self._layout, end])]

    def looked_at(self, end: int) -> None:
        """The window was looked at: each count it was due for goes on to the next one that holds its slice."""
        sql = (
            "UPDATE trend_count SET due = CASE WHEN due >= slice + ? THEN NULL ELSE due + ? END "
            "WHERE layout = ? AND due = ?"
        )
        self._db.execute(sql, [self._rule.size_s, self._rule.period_s, self._layout, end])

    def sums(self, end: int) -> dict[Cell, int]:
        """The counts of a window as they are now."""
        sql = (
            "SELECT dimension, name, SUM(articles) FROM trend_count WHERE layout = ? AND slice >= ? AND slice < ? "
            "GROUP BY dimension, name"
        )
        rows = self._db.query(sql, [self._layout, end - self._rule.size_s, end])
        return {(dimension, name): int(articles) for dimension, name, articles in rows}

    def published(self, end: int) -> dict[Cell, Published]:
        """What was last published of a window."""
        sql = "SELECT dimension, name, articles, revision FROM trend_window WHERE layout = ? AND window_end = ?"
        return {(row[0], row[1]): (int(row[2]), int(row[3])) for row in self._db.query(sql, [self._layout, end])}

    def publish(self, end: int, counts: Mapping[Cell, Published]) -> None:
        """Note what is published of a window."""
        sql = (
            "INSERT INTO trend_window (layout, window_end, dimension, name, articles, revision) "
            "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (layout, window_end, dimension, name) DO UPDATE "
            "SET articles = excluded.articles, revision = excluded.revision"
        )
        self._db.execute_many(sql, [(self._layout, end, *cell, *found) for cell, found in sorted(counts.items())])

    def histories(self, ends: Sequence[int], dimensions: Iterable[str]) -> dict[Cell, dict[int, int]]:
        """The published counts of windows: by name, and then by their ends. What is not there was never counted."""
        sql = (
            "SELECT window_end, dimension, name, articles FROM trend_window "
            "WHERE layout = ? AND window_end {in_numbers} AND dimension {in_texts}"
        )
        wanted = [self._db.list_of(list(ends)), self._db.list_of(sorted(dimensions))]
        found: dict[Cell, dict[int, int]] = {}
        for end, dimension, name, articles in self._db.query(sql, [self._layout, *wanted]):
            found.setdefault((dimension, name), {})[int(end)] = int(articles)
        return found

    def stories(self, end: int) -> dict[str, int]:
        """The stories of a window by the number of their articles."""
        sql = (
            "SELECT story, COUNT(*) FROM trend_article WHERE layout = ? AND slice >= ? AND slice < ? "
            "AND story <> '' AND cells <> '[]' GROUP BY story"
        )
        rows = self._db.query(sql, [self._layout, end - self._rule.size_s, end])
        return {story: int(articles) for story, articles in rows}

    def set_peak(self, end: int, articles: int) -> None:
        """Note the size of a window's largest story."""
        sql = (
            "INSERT INTO trend_peak (layout, window_end, articles) VALUES (?, ?, ?) "
            "ON CONFLICT (layout, window_end) DO UPDATE SET articles = excluded.articles"
        )
        self._db.execute(sql, [self._layout, end, articles])

    def peaks(self, ends: Sequence[int]) -> dict[int, int]:
        """The sizes of the largest stories, by window."""
        sql = "SELECT window_end, articles FROM trend_peak WHERE layout = ? AND window_end {in_numbers}"
        rows = self._db.query(sql, [self._layout, self._db.list_of(list(ends))])
        return {int(end): int(articles) for end, articles in rows}

    def window_articles(self, end: int) -> list[CountedArticle]:
        """The articles that a window counts, by id."""
        sql = (
            "SELECT article_id, source, story, cells FROM trend_article "
            "WHERE layout = ? AND slice >= ? AND slice < ? AND cells <> '[]' ORDER BY article_id"
        )
        rows = self._db.query(sql, [self._layout, end - self._rule.size_s, end])
        return [CountedArticle(row[0], row[1], row[2], _cells(row[3])) for row in rows]

    def bursts(self) -> list[Burst]:
        """All bursts that are remembered, the oldest first."""
        sql = "SELECT state FROM trend_burst WHERE layout = ? ORDER BY raised_end, id"
        return [burst_from_json(orjson.loads(row[0])) for row in self._db.query(sql, [self._layout])]

    def keep_burst(self, burst: Burst) -> None:
        """Store a burst as it stands now."""
        sql = (
            "INSERT INTO trend_burst (layout, id, dimension, name, raised_end, last_end, state) "
            "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (layout, id) DO UPDATE "
            "SET last_end = excluded.last_end, state = excluded.state"
        )
        state = orjson.dumps(burst_to_json(burst)).decode()
        row = [self._layout, burst.id, burst.dimension, burst.name, burst.raised.end, burst.last_end, state]
        self._db.execute(sql, row)

    def forget(self, slices_upto: int, windows_upto: int) -> None:
        """Forget articles and counts of slices that began up to a time, and windows that ended up to another."""
        for table in ("trend_article", "trend_count"):
            self._db.execute(f"DELETE FROM {table} WHERE layout = ? AND slice <= ?", [self._layout, slices_upto])
        for table in ("trend_window", "trend_peak"):
            self._db.execute(f"DELETE FROM {table} WHERE layout = ? AND window_end <= ?", [self._layout, windows_upto])
        self._db.execute("DELETE FROM trend_burst WHERE layout = ? AND last_end <= ?", [self._layout, windows_upto])


def _cells(text: str) -> tuple[Cell, ...]:
    return tuple((dimension, name) for dimension, name in orjson.loads(text))
