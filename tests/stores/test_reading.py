"""What readers of a store find: current articles by filter and number, changes in order, nothing of what was withdrawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from newsflow.errors import ConfigError, LedgerError, SinkError
from newsflow.ledger.database import Row
from newsflow.model import Action
from newsflow.stores.contract import Store, StoreRow
from newsflow.stores.postgresql import PostgresStore
from newsflow.stores.reading import ArticleReader, Wanted
from newsflow.stores.sqlite import SqliteStore
from tests.postgres_helpers import new_database
from tests.stores.store_harness import NOON, row

SYRIA, RUSSIA = row("x").article.topics
Opened = tuple[Store, Callable[[], ArticleReader]]


@pytest.fixture(params=["sqlite", "postgresql"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    if request.param == "sqlite":
        url, store = f"sqlite:///{tmp_path}/s.sqlite3", SqliteStore(tmp_path / "s.sqlite3")
    else:
        url = new_database(request.getfixturevalue("postgres"))
        store = PostgresStore(url)  # type: ignore[assignment]
    with store:
        yield store, lambda: ArticleReader(url, retry_for_s=1)


def ids(found: object) -> list[str]:
    return [each.id for each in found]  # type: ignore[attr-defined]


def at(name: str, hour: int, **changes: object) -> StoreRow:
    made = row(name, **changes)  # type: ignore[arg-type]
    return row(name, made.article.version, made.article.action, first_seen=NOON.replace(hour=hour), **{
        key: value for key, value in changes.items() if key not in ("version", "action")
    })  # fmt: skip


def test_filters_and_pages(opened: Opened) -> None:
    store, read = opened
    with pytest.raises(SinkError, match="cannot be read"):
        read()
    store.write([
        at("a", 1, topics=(SYRIA,), language="ar", title="أُعلنت المدرسةُ", body=""),
        at("b", 2, topics=(RUSSIA,), language="ar-EG", source="lantern"),
        at("c", 3, topics=(SYRIA, RUSSIA), language="en", story="story-2"),
        at("d", 4, topics=(), language="ru"),
    ])  # fmt: skip
    with closing(read()) as reader:
        assert ids(reader.newest(Wanted(), 10)) == ["d", "c", "b", "a"]
        assert ids(reader.newest(Wanted(topic="syria"), 10)) == ["c", "a"]
        assert ids(reader.newest(Wanted(frozenset(["russia"])), 10)) == ["c", "b"]
        assert ids(reader.newest(Wanted(frozenset(["russia"]), topic="syria"), 10)) == ["c"]
        assert ids(reader.newest(Wanted(frozenset()), 10)) == []
        assert ids(reader.newest(Wanted(language="ar"), 10)) == ["b", "a"]
        assert ids(reader.newest(Wanted(source="lantern"), 10)) == ["b"]
        assert ids(reader.newest(Wanted(story="story-2"), 10)) == ["c"]
        assert ids(reader.newest(Wanted(since=NOON.replace(hour=2), until=NOON.replace(hour=4)), 10)) == ["c", "b"]
        assert ids(reader.newest(Wanted(words="اعلنت مدرسه"), 10)) == [], "the article has it with another prefix"
        assert ids(reader.newest(Wanted(words="اعلنت المدرسه"), 10)) == ["a"]
        assert ids(reader.newest(Wanted(words="\"'&|!():* \\"), 10)) == []
        assert ids(reader.articles(["a", "b"], frozenset(["syria"]))) == ["a"]
        assert reader.lines(["a", "c"], frozenset(["russia"]))["c"][1] == ("russia",)
        assert reader.topics(NOON.replace(hour=2)) == [("russia", 2, 2), ("syria", 2, 1)]
        page = reader.newest(Wanted(), 2)
        store.write([at("e", 5)])
        assert ids(reader.newest(Wanted(), 2, before=page[-1].number)) == ["b", "a"], "what comes moves no page"


def test_who_follows_hears_of_each_change_once_and_of_what_is_gone(opened: Opened) -> None:
    store, read = opened
    store.write(
        [
            row("a", title="Kerzenlicht", topics=(SYRIA,)),
            row("bb", topics=(SYRIA, RUSSIA)),
            row("ccc", topics=(RUSSIA,)),
        ]
    )
    with closing(read()) as reader:
        begun = reader.last_number()
        assert (begun, ids(reader.after(None, None, 0, 10))) == (3, ["a", "bb", "ccc"])
        store.write([row("a", 2, Action.WITHDRAW), row("bb", 2, topics=(RUSSIA,)), row("bb", 1)])
        heard = reader.after(frozenset(["syria"]), None, begun, 10)
        assert [(each.id, each.withdrawn, set(each.members)) for each in heard] == [
            ("a", True, {"id", "version", "action"}), ("bb", True, {"id", "version", "action"}),
        ]  # fmt: skip
        assert [(each.id, each.withdrawn) for each in reader.after(None, "russia", begun, 10)] == [("bb", False)]
        assert reader.after(frozenset(["syria"]), "russia", 0, 10) == []
        assert reader.after(None, None, reader.last_number(), 10) == []
        assert reader.article("a") is None
        assert reader.versions("a") == [], "no version of a withdrawn text is shown"
        assert [each["version"] for each in reader.versions("bb")] == [1, 2]
        assert reader.newest(Wanted(words="kerzenlicht"), 10) == []


def test_it_only_reads_and_only_what_is_up_to_date(opened: Opened) -> None:
    store, read = opened
    store.write([row("a")])
    with closing(read()) as reader, pytest.raises(LedgerError, match=r"(?i)read-?only"):
        reader._query("DELETE FROM article RETURNING id")
    with pytest.raises(ConfigError, match="SQLite and PostgreSQL only"):
        ArticleReader("jsonl:///somewhere")


def test_one_article_is_found_without_going_through_all_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SqliteStore(tmp_path / "s.sqlite3") as store:
        store.write([row(f"a-{number}") for number in range(50)])
    with closing(ArticleReader(f"sqlite:///{tmp_path}/s.sqlite3")) as reader:
        query, plans = reader._query, list[str]()

        def explained(sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
            plans.extend(each[3] for each in query(f"EXPLAIN QUERY PLAN {sql}", parameters))
            return query(sql, parameters)

        monkeypatch.setattr(reader, "_query", explained)
        assert reader.article("a-7") is not None
    assert plans
    assert not [each for each in plans if each.startswith("SCAN c")], plans
