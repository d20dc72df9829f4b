"""The tables of trends: articles as they are counted, counts of slices, windows as published, bursts, an outbox."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from newsflow.ledger.database import Database, Row, from_micros, storable, to_micros
from newsflow.ledger.story_links import leads_to
from newsflow.trends.baseline import Expected
from newsflow.trends.bursts import Burst, BurstState, Observation
from newsflow.trends.counting import Cell, Contribution, WindowRule
from newsflow.trends.records import PublishedCount, TrendRecord

_ARTICLE_COLUMNS = "article_id, version, slice, source, story, cells"


class TrendTables:
    """The tables of one grid of windows, within a transaction of the ledger."""

    def __init__(self, db: Database, rule: WindowRule) -> None:
        self._db, self._rule, self._layout = db, rule, rule.layout

    def lock(self) -> None:
        """Wait until no other transaction counts or closes, in any process."""
        self._db.lock(["trends"])

    def closed(self) -> int | None:
        rows = self._rows("SELECT closed FROM trend_clock WHERE layout = ?")
        return int(rows[0][0]) if rows else None

    def set_closed(self, end: int) -> None:
        """Note that a window was closed, unless a newer one was."""
        sql = (
            "INSERT INTO trend_clock (layout, closed) VALUES (?, ?) ON CONFLICT (layout) DO UPDATE "
            "SET closed = excluded.closed WHERE excluded.closed > trend_clock.closed"
        )
        self._db.execute(sql, [self._layout, end])

    def articles(self, ids: Iterable[str]) -> dict[str, Contribution]:
        """Articles as they are counted, by id."""
        sql = f"SELECT {_ARTICLE_COLUMNS} FROM trend_article WHERE layout = ? AND article_id {{in_texts}}"
        return {row[0]: _contribution(row) for row in self._rows(sql, self._db.list_of(sorted(set(ids))))}

    def window_articles(self, end: int) -> list[Contribution]:
        """The articles that a window counts, by id."""
        sql = (
            f"SELECT {_ARTICLE_COLUMNS} FROM trend_article "
            "WHERE layout = ? AND slice >= ? AND slice < ? AND cells <> '[]' ORDER BY article_id"
        )
        return [_contribution(row) for row in self._rows(sql, end - self._rule.size_s, end)]

    def keep_articles(self, held: Iterable[Contribution]) -> None:
        sql = (
            f"INSERT INTO trend_article (layout, {_ARTICLE_COLUMNS}) "
            "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (layout, article_id) DO UPDATE SET version = excluded.version, "
            "source = excluded.source, story = excluded.story, cells = excluded.cells"
        )
        rows = [
            (self._layout, each.article_id, each.version, each.slice_start, each.source, each.story,
             orjson.dumps(each.cells).decode())
            for each in held
        ]  # fmt: skip
        self._db.execute_many(sql, rows)

    def add(self, deltas: Mapping[tuple[int, Cell], int]) -> None:
        """Change counts by slice and name; every window that holds the slice is due to be looked at again."""
        sql = (
            "INSERT INTO trend_count (layout, dimension, name, slice, articles, due) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (layout, dimension, name, slice) DO UPDATE "
            "SET articles = trend_count.articles + excluded.articles, due = excluded.due"
        )
        rows = [
            (self._layout, *cell, start, by, self._rule.ends(start)[0]) for (start, cell), by in sorted(deltas.items())
        ]
        self._db.execute_many(sql, rows)

    def next_due(self, upto: int | None) -> int | None:
        """The end of the first window that is to be looked at, not after `upto`."""
        ((due,),) = self._rows("SELECT MIN(due) FROM trend_count WHERE layout = ? AND due IS NOT NULL")
        return None if due is None or (upto is not None and due > upto) else int(due)

    def due_slices(self, slices: Iterable[int]) -> frozenset[int]:
        """Those of the slices that a window is still to look at."""
        sql = "SELECT DISTINCT slice FROM trend_count WHERE layout = ? AND slice {in_numbers} AND due IS NOT NULL"
        return frozenset(int(row[0]) for row in self._rows(sql, self._db.list_of(sorted(slices))))

    def due_cells(self, end: int) -> list[Cell]:
        """The names whose counts changed since the window was looked at, in order."""
        sql = "SELECT DISTINCT dimension, name FROM trend_count WHERE layout = ? AND due = ? ORDER BY 1, 2"
        return [(dimension, name) for dimension, name in self._rows(sql, end)]

    def looked_at(self, end: int) -> None:
        """The window was looked at: each count it was due for is now due for the next one that holds its slice."""
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
        rows = self._rows(sql, end - self._rule.size_s, end)
        return {(dimension, name): int(articles) for dimension, name, articles in rows}

    def published(self, end: int) -> dict[Cell, PublishedCount]:
        """What was last published of a window."""
        sql = "SELECT dimension, name, articles, revision FROM trend_window WHERE layout = ? AND window_end = ?"
        return {(row[0], row[1]): PublishedCount(int(row[2]), int(row[3])) for row in self._rows(sql, end)}

    def publish(self, end: int, counts: Mapping[Cell, PublishedCount]) -> None:
        sql = (
            "INSERT INTO trend_window (layout, window_end, dimension, name, articles, revision) "
            "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (layout, window_end, dimension, name) DO UPDATE "
            "SET articles = excluded.articles, revision = excluded.revision"
        )
        self._db.execute_many(sql, [(self._layout, end, *cell, *count) for cell, count in sorted(counts.items())])

    def histories(self, ends: Sequence[int], dimensions: Iterable[str]) -> dict[Cell, dict[int, int]]:
        """The published counts of windows: by name, and then by their ends. What is not there was never counted."""
        sql = (
            "SELECT window_end, dimension, name, articles FROM trend_window "
            "WHERE layout = ? AND window_end {in_numbers} AND dimension {in_texts}"
        )
        found: dict[Cell, dict[int, int]] = {}
        rows = self._rows(sql, self._db.list_of(ends), self._db.list_of(sorted(dimensions)))
        for end, dimension, name, articles in rows:
            found.setdefault((dimension, name), {})[int(end)] = int(articles)
        return found

    def totals(self, after: int) -> dict[int, dict[Cell, int]]:
        sql = (
            "SELECT window_end, dimension, name, articles FROM trend_window WHERE layout = ? AND window_end > ? "
            "ORDER BY window_end"
        )
        windows: dict[int, dict[Cell, int]] = {}
        for end, dimension, name, articles in self._rows(sql, after):
            windows.setdefault(int(end), {})[dimension, name] = int(articles)
        return windows

    def stories(self, end: int) -> dict[str, int]:
        """The stories of a window, as its articles name them, by the number of these."""
        sql = (
            "SELECT story, COUNT(*) FROM trend_article WHERE layout = ? AND slice >= ? AND slice < ? "
            "AND story <> '' AND cells <> '[]' GROUP BY story"
        )
        return {story: int(articles) for story, articles in self._rows(sql, end - self._rule.size_s, end)}

    def leads_to(self, stories: Iterable[str]) -> dict[str, str]:
        """For stories that were merged into others: the id that they go on under now."""
        return leads_to(self._db, stories)

    def set_largest_story(self, end: int, articles: int) -> None:
        sql = (
            "INSERT INTO trend_peak (layout, window_end, articles) VALUES (?, ?, ?) "
            "ON CONFLICT (layout, window_end) DO UPDATE SET articles = excluded.articles"
        )
        self._db.execute(sql, [self._layout, end, articles])

    def largest_stories(self, ends: Sequence[int]) -> dict[int, int]:
        """Their sizes, by the ends of their windows."""
        sql = "SELECT window_end, articles FROM trend_peak WHERE layout = ? AND window_end {in_numbers}"
        return {int(end): int(articles) for end, articles in self._rows(sql, self._db.list_of(ends))}

    def bursts(self) -> list[Burst]:
        rows = self._rows("SELECT state FROM trend_burst WHERE layout = ? ORDER BY raised_end, id")
        return [_burst(orjson.loads(row[0])) for row in rows]

    def keep_burst(self, burst: Burst) -> None:
        sql = (
            "INSERT INTO trend_burst (layout, id, dimension, name, raised_end, last_end, state) "
            "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (layout, id) DO UPDATE "
            "SET last_end = excluded.last_end, state = excluded.state"
        )
        state = orjson.dumps(burst).decode()
        row = [self._layout, burst.id, burst.dimension, burst.name, burst.raised.end, burst.last_end, state]
        self._db.execute(sql, row)

    def put_out(self, records: Sequence[TrendRecord]) -> None:
        ((last,),) = self._rows("SELECT COALESCE(MAX(number), 0) FROM trend_outbox WHERE layout = ?")
        rows = [
            (self._layout, each.id, number, each.kind, each.series, to_micros(each.decided_at), each.value)
            for number, each in enumerate(records, start=int(last) + 1)
        ]
        columns = "layout, id, number, kind, series, settled_at, value"
        self._db.execute_many(f"INSERT INTO trend_outbox ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def outbox(self, limit: int) -> list[TrendRecord]:
        sql = "SELECT id, kind, series, settled_at, value FROM trend_outbox WHERE layout = ? ORDER BY number LIMIT ?"
        return [
            TrendRecord(record_id, kind, series, from_micros(int(decided_at)), bytes(value))
            for record_id, kind, series, decided_at, value in self._rows(sql, limit)
        ]

    def take_out(self, ids: Sequence[str]) -> None:
        """Remove records from the outbox; another process may have done so before."""
        sql = "DELETE FROM trend_outbox WHERE layout = ? AND id {in_texts}"
        self._db.execute(sql, [self._layout, self._db.list_of(ids)])

    def forget(self, slices_upto: int, windows_upto: int) -> None:
        """Forget articles and counts of slices that began up to a time, and windows that ended up to another."""
        for table, column, upto in (
            ("trend_article", "slice", slices_upto),
            ("trend_count", "slice", slices_upto),
            ("trend_window", "window_end", windows_upto),
            ("trend_peak", "window_end", windows_upto),
            ("trend_burst", "last_end", windows_upto),
        ):
            self._db.execute(f"DELETE FROM {table} WHERE layout = ? AND {column} <= ?", [self._layout, upto])

    def _rows(self, sql: str, *parameters: Any) -> list[Row]:
        """What a query gives whose first parameter is the grid."""
        return self._db.query(sql, [self._layout, *parameters])


def storable_contribution(each: Contribution) -> Contribution:
    """With text that both databases take: a language or an id may hold anything that JSON can."""
    cells = tuple((dimension, storable(name)) for dimension, name in each.cells)
    return replace(each, article_id=storable(each.article_id), story=storable(each.story), cells=cells)


def _contribution(row: Row) -> Contribution:
    article_id, version, start, source, story, cells = row
    pairs = tuple((dimension, name) for dimension, name in orjson.loads(cells))
    return Contribution(article_id, int(version), int(start), source, story, pairs)


def _burst(members: dict[str, Any]) -> Burst:
    """The burst of a stored state: its fields as JSON."""
    raised = members["raised"]
    seen = Observation(**{**raised, "expected": Expected(**raised["expected"]), "sample": tuple(raised["sample"])})
    return Burst(**{**members, "raised": seen, "state": BurstState(members["state"])})
