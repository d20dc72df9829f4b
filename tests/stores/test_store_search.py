"""What each store offers beyond the contract: full text, topics, compaction."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from newsflow.errors import SinkError
from newsflow.model import Action
from newsflow.stores.jsonl import JsonLinesStore
from newsflow.stores.parquet import ParquetStore
from newsflow.tools.postgres import LocalPostgres
from tests.postgres_helpers import new_database
from tests.stores.store_harness import (
    FolderHarness,
    JsonLinesHarness,
    OpenSearchHarness,
    ParquetHarness,
    PostgresHarness,
    SqliteHarness,
    row,
    shown,
)


def test_full_text_and_topics_in_sqlite(tmp_path: Path) -> None:
    harness = SqliteHarness(tmp_path)
    with harness.open() as store:
        store.write([row("a", title="مرفأ النورس"), row("b", title="Порт открыт"), row("c", title="Порт закрыт")])
        store.write([row("c", 2, Action.WITHDRAW), row("b", 2, title="Гавань открыта", topics=())])
    find = (
        "id FROM article_search JOIN article ON no = article_search.rowid WHERE article_search MATCH '{}' ORDER BY id"
    )
    assert harness.query(find.format("مرفأ")) == [("a",)]
    assert harness.query(find.format("title : порт")) == []
    assert harness.query(find.format("гавань")) == [("b",)]
    assert harness.query("topic, article_id FROM article_topic ORDER BY 1") == [("russia", "a"), ("syria", "a")]
    assert harness.query("count(*) FROM article_search") == [(3,)]


def test_full_text_and_topics_in_postgresql(postgres: LocalPostgres) -> None:
    harness = PostgresHarness(new_database(postgres))
    with harness.open() as store:
        store.write([row("a", title="مرفأ النورس"), row("b", title="Порт открыт"), row("c", title="Порт закрыт")])
        store.write([row("c", 2, Action.WITHDRAW), row("b", 2, title="Гавань открыта", topics=())])
    find = "id FROM article WHERE search @@ websearch_to_tsquery('simple', '{}') ORDER BY id"
    assert harness.query(find.format("مرفأ")) == [("a",)]
    assert harness.query(find.format("гавань")) == [("b",)]
    assert harness.query(find.format("закрыт")) == []
    assert harness.query("topic, article_id FROM article_topic ORDER BY 1") == [("russia", "a"), ("syria", "a")]
    assert harness.query("article ->> 'title' FROM article_version WHERE (id, version) = ('b', 1)") == [
        ("Порт открыт",)
    ]
    harness.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_changes_are_numbered_and_spellings_are_folded(
    tmp_path: Path, request: pytest.FixtureRequest, kind: str
) -> None:
    harness: SqliteHarness | PostgresHarness
    if kind == "sqlite":
        harness = SqliteHarness(tmp_path)
        find = "id FROM article JOIN article_search ON article_search.rowid = no WHERE article_search MATCH '{}'"
    else:
        harness = PostgresHarness(new_database(request.getfixturevalue("postgres")))
        find = "id FROM article WHERE search @@ websearch_to_tsquery('simple', '{}')"
    with harness.open() as store:
        store.write([row("bb"), row("a", title="أُعلنت مدرسةٌ", body="")])
        store.write([row("a", 2, Action.WITHDRAW), row("bb", topics=())])  # the first is a version, the second is not
        store.write([row("bb", 3, title="المدرسة"), row("bb", 2)])
    assert harness.query("no, article_id, version FROM article_change ORDER BY no") == [
        (1, "a", 1), (2, "bb", 1), (3, "a", 2), (4, "bb", 3),
    ]  # fmt: skip
    topics = "no FROM article_change_topic WHERE topic = 'syria' ORDER BY no"
    assert harness.query(topics) == [(1,), (2,), (3,), (4,)], "who follows a topic hears that an article has left it"
    assert harness.query(find.format("المدرسه")) == [("bb",)]
    assert harness.query(find.format("المدرسة")) == [("bb",)]
    assert harness.query(find.format("اعلنت")) == [], "a withdrawn text is not found"
    harness.close()


def test_full_text_by_language_in_opensearch(store_opensearch: str) -> None:
    harness = OpenSearchHarness(store_opensearch, "search")
    with harness.open() as store:
        assert (
            store.write(
                [row("a", title="المرافئ السورية", language="ar"), row("b", title="Порты закрыты", language="ru")]
            )
            == []
        )
        store.write([row("c", title="Портов нет", language="ru"), row("c", 2, Action.WITHDRAW, language="ru")])
    assert [hit["_id"] for hit in harness.search("search-1", {"match": {"text.ar": "سوري"}})] == ["a"]
    assert [hit["_id"] for hit in harness.search("search-1", {"match": {"text.ru": "порт"}})] == ["b"]
    assert sorted(hit["_id"] for hit in harness.search("search-1", {"term": {"topics.id": "syria"}})) == ["a", "b"]
    harness.close()


def test_a_very_long_body_is_kept_whole(postgres: LocalPostgres) -> None:
    harness = PostgresHarness(new_database(postgres))
    body = " ".join(f"слово{at}" for at in range(300_000))
    with harness.open() as store:
        assert store.write([row("a", body=body)]) == []
    assert harness.query("length(body) FROM article") == [(len(body),)]
    harness.close()


@pytest.mark.parametrize("kind", [ParquetHarness, JsonLinesHarness])
def test_compaction_merges_and_keeps_what_is_shown(tmp_path: Path, kind: type[FolderHarness]) -> None:
    harness = kind(tmp_path)
    rows = [row(name, version) for version in (1, 2, 3) for name in ("a", "e", "i", "m")]
    with harness.open() as store:
        assert isinstance(store, ParquetStore | JsonLinesStore)
        for each in rows:
            store.write([each])
        done = store.compact()
        assert (done.files_before, done.files_after, done.rows, done.leftovers) == (12, len(store.files()), 12, 0)
        assert done.files_after < 12
        assert harness.versions() == sorted(each.key for each in rows)
        assert harness.current() == shown(rows)
        assert sorted(store.paths()) == sorted(harness.folder.glob("date=*/language=*/*"))
        assert store.compact().files_after == done.files_after
        store.write(rows)
        assert len(store.files()) == done.files_after, "what was compacted is still known"


@pytest.mark.parametrize("kind", [ParquetHarness, JsonLinesHarness])
def test_what_a_crash_left_over_does_not_count_and_compaction_removes_it(
    tmp_path: Path, kind: type[FolderHarness], monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = kind(tmp_path)
    with harness.open() as store:
        assert isinstance(store, ParquetStore | JsonLinesStore)
        store.write([row("a")])
        with monkeypatch.context() as patch:
            patch.setattr(store, "_publish", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                store.write([row("b")])
        assert harness.versions() == [("a", 1)]
        assert store.compact().leftovers == 1
        store.write([row("b")])
    assert harness.versions() == [("a", 1), ("b", 1)]


def test_partitions_are_hive_and_the_language_tag_is_kept(tmp_path: Path) -> None:
    harness = ParquetHarness(tmp_path)
    with harness.open() as store:
        store.write([row("a", language="ar-EG"), row("b", language="../../x"), row("c", language="und")])
    found = harness.query("SELECT id, date::text, language, language_tag, topics[1].id FROM {} ORDER BY id")
    assert found == [
        ("a", "2026-03-01", "ar-EG", "ar-EG", "syria"),
        ("b", "2026-03-01", "und", "../../x", "syria"),
        ("c", "2026-03-01", "und", "und", "syria"),
    ]


@pytest.mark.parametrize(
    "text", ["{\n", "[]\n", '{"files":[{"odd":1}]}\n', '{"version":3,"kind":"jsonl","generation":1}\n']
)
def test_a_broken_manifest_is_an_error_and_not_an_empty_store(tmp_path: Path, text: str) -> None:
    store = JsonLinesStore(tmp_path)
    store.write([row("a")])
    (tmp_path / "manifest.jsonl").write_text(text)
    with pytest.raises(SinkError, match="not a manifest"):
        store.write([row("b")])


def test_a_schema_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    import sqlite3

    harness = SqliteHarness(tmp_path)
    with harness.open() as store:
        store.write([row("a")])
    connection = sqlite3.connect(harness.path, isolation_level=None)
    connection.execute("INSERT INTO store_migration VALUES (99, 'later')")
    connection.close()
    with harness.open() as store, pytest.raises(SinkError, match="use the newer release"):
        store.write([row("b")])


def test_the_documented_queries_of_parquet_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    duckdb = pytest.importorskip("duckdb")
    page = Path(__file__).resolve().parents[2] / "docs" / "reference" / "stores.md"
    blocks = re.findall(r"```sql[^\n]*\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    pattern, manifest = [block for block in blocks if "read_parquet" in block]
    with ParquetStore(tmp_path / "articles") as store:
        store.write([row("a"), row("bb")])
        store.write([row("bb", 2, Action.WITHDRAW), row("ccc")])
    monkeypatch.chdir(tmp_path)
    with duckdb.connect() as connection:
        assert sorted(each[0] for each in connection.execute(pattern).fetchall()) == ["a", "ccc"]
        setting, asking = manifest.strip().rstrip(";").split(";\n")
        connection.execute(setting)
        found = sorted((each[0], each[1]) for each in connection.execute(asking).fetchall())
    assert found == [("a", 1), ("bb", 1), ("bb", 2), ("ccc", 1)]
