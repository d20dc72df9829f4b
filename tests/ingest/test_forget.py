"""A takedown: no text of the article is left where newsflow keeps it, what was decided stays, and it comes back no more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from newsflow.alerts.outbox import Outbox
from newsflow.archive.archive import Archive, Wanted
from newsflow.archive.pages import PutAside
from newsflow.config.load import load_config
from newsflow.dedup.decide import KnownArticle
from newsflow.errors import UsageError
from newsflow.ingest.forget import Forgotten, forget, planned
from newsflow.ingest.item import OutputRecord
from newsflow.ingest.runtime import Runtime
from newsflow.ingest.steps import process
from newsflow.ledger import Ledger
from newsflow.ledger.database import Row
from newsflow.ledger.tables import load_versions
from newsflow.model import Event, Outcome
from newsflow.model.claim import Blob
from newsflow.model.codec import decode_article
from newsflow.model.schemas import violations
from newsflow.sources.items import raw_event as sources_raw_event
from newsflow.stores.contract import StoreRow
from newsflow.stores.registry import open_store
from newsflow.testing import Clock, raw_event

RULES = "id: harbours\nany: [harbour]\n"
ROUTES = """
version: 1
routes: [{id: all, feeds: topics, stores: [lines, table]}]
subscriptions:
  - {id: desk, match: {topics: {any: [harbours]}}, alert: {to: [hook]}}
  - {id: calm, match: {topics: {any: [harbours]}}, alert: {to: [hook], cool_down: 1h}}
"""
SECRET = "Marguerita Quellenbach"
TEXT = (
    f"The harbour of Dorrin was bought by {SECRET} on Monday, its council said, for 12 million, and she will dredge it."
)


class Scene:
    def __init__(self, folder: Path, ledger_url: str) -> None:
        (folder / "rules.yaml").write_text(RULES)
        (folder / "routes.yaml").write_text(ROUTES)
        stores = {"lines": f"jsonl:///{folder}/lines", "table": f"sqlite:///{folder}/table.sqlite3"}
        members = {
            "ledger": {"url": ledger_url}, "stores": stores, "topics": {"paths": ["rules.yaml"], "applied": "applied"},
            "routes": {"paths": ["routes.yaml"]}, "stories": {"encoder": "none"}, "limits": {"record_bytes": 100_000},
            "blobs": {"url": f"folder:///{folder}/blobs", "shared": True},
            "alerts": {"fresh_h": 0, "destinations": {"hook": {"type": "webhook", "url": "https://hook.example/"}}},
        }  # fmt: skip
        (folder / "newsflow.yaml").write_bytes(orjson.dumps(members))
        self.folder, self.clock, self.offset, self.written = folder, Clock(), 0, list[OutputRecord]()
        self.runtime = Runtime(load_config(folder / "newsflow.yaml", environ={}).config, clock=self.clock)

    @property
    def ledger(self) -> Ledger:
        return self.runtime.ledger

    def come(self, text: str = TEXT, source: str = "velmora-post", **members: object) -> list[str]:
        self.clock.move(minutes=1)
        self.offset += 1
        value = raw_event(
            source=source, url=f"https://{source}.example/bought", title=f"{SECRET} buys a harbour", content=text,
            fetched_at=f"{self.clock():%Y-%m-%dT%H:%M:%SZ}", authors=[SECRET], **members,
        )  # fmt: skip
        items = process([Event("news.article.raw.v1", 0, self.offset, 0, None, orjson.dumps(value))], self.runtime)
        rows = [
            StoreRow.read(item.published.value)
            for item in items
            if item.published and item.decision and item.decision.outcome is not Outcome.DUPLICATE
        ]
        for _, url in self.runtime.config.stores:
            with open_store(url) as store:
                assert store.write(rows) == []
        self.runtime.planner.take([row.article for row in rows], self.clock())
        return [item.decision.outcome for item in items if item.decision and not item.promoted]

    def known(self, source: str = "velmora-post") -> KnownArticle:
        rows = self.ledger.transact(
            lambda db: db.query("SELECT id FROM article WHERE source = ?", [source]), writes=False
        )
        found = self.ledger.known(rows[0][0])
        assert found is not None
        return found

    def versions(self) -> list[bytes]:
        article_id = self.known().id
        found = self.ledger.transact(lambda db: load_versions(db, [article_id]), writes=False)
        return [each.article for each in found.values()]

    def forget(self, why: str = "asked for", behind: int = 0, source: str = "velmora-post") -> Forgotten:
        self.written.clear()
        return forget(self.runtime, self.known(source), "mara@desk", why, self.write, lambda _: behind)

    def write(self, records: Sequence[OutputRecord]) -> None:
        self.written += records

    def everything(self) -> bytes:
        """All that the ledger and the stores say."""

        def rows(name: str) -> list[Row]:
            return self.ledger.transact(lambda db: db.query(f"SELECT * FROM {name}"), writes=False)

        texts = ("article", "article_version", "emission", "unrecorded_article", "alert", "alert_story", "text_print")
        fields = [field for name in (*texts, "story_log") for row in rows(name) for field in row]
        files = [*self.folder.glob("lines/**/*"), *self.folder.glob("table*")]
        held = [bytes(each) if isinstance(each, bytes | memoryview) else str(each).encode() for each in fields]
        return b"".join([*held, *(path.read_bytes() for path in files if path.is_file())])


@pytest.fixture
def scene(tmp_path: Path, ledger_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    monkeypatch.chdir(tmp_path)
    built = Scene(tmp_path, ledger_url)
    yield built
    built.runtime.close()


def test_nothing_of_its_text_is_left(scene: Scene) -> None:
    scene.come()
    scene.come(TEXT + " She paid at once.")
    assert SECRET.encode() in scene.everything()
    plan = planned(scene.ledger, scene.runtime.config, scene.known())
    assert "ledger: the text of 2 versions would be removed, that they were would stay" in plan
    assert SECRET.encode() in scene.everything(), "a plan changes nothing"

    done = scene.forget()
    assert SECRET.encode() not in scene.everything()
    assert done.removed == {
        "texts in the ledger": 2, "versions in store lines": 2, "versions in store table": 2, "blobs": 0,
        "raw events in the archive": 0,
    }  # fmt: skip
    withdrawal = next(each for each in scene.written if each.kind == "article" and each.value)
    article = decode_article(withdrawal.value or b"")
    assert (article.action, article.version, article.title, article.body) == ("withdraw", 3, "", "")
    assert not [*violations("article", orjson.loads(withdrawal.value or b""))]
    assert next(each.topic for each in scene.written if each.value is None) == "news.article.v1"
    assert "news.topic.harbours.v1" in {each.topic for each in scene.written}
    assert all(SECRET.encode() not in (each.value or b"") for each in scene.written)
    alerts = Outbox(scene.ledger).alerts()
    assert {each.subscription for each in alerts} == {"desk", "calm"}
    assert len(scene.versions()) == 3
    assert {"news.article.raw.v1 0:1", "news.topic.harbours.v1"} <= {each.partition(",")[0] for each in done.left}


def test_asked_again_it_does_the_same_and_says_what_is_left(scene: Scene) -> None:
    scene.come()
    first = scene.forget("asked for by its author", behind=4)
    written = [(each.topic, each.key, each.value, each.headers) for each in scene.written]
    assert "store lines: its reader is 4 records behind, and may still write it: ask again" in first.left
    scene.clock.move(days=8)
    again = scene.forget("")
    assert (again.takedown.why, again.takedown.by) == ("asked for by its author", "mara@desk")
    assert again.takedown.at == first.takedown.at
    assert again.left == []
    assert again.removed["texts in the ledger"] == 0
    assert [(each.topic, each.key, each.value, each.headers) for each in scene.written if each.kind != "story"] == [
        each for each in written if each[0] != "news.story.v1"
    ]


def test_what_comes_of_it_later_is_passed_over_and_outlives_pruning(scene: Scene) -> None:
    scene.come()
    scene.forget()
    assert scene.come() == ["stale"]
    assert scene.come(TEXT + " And more.", version="99") == ["stale"]
    scene.clock.move(days=200)
    scene.ledger.prune(timedelta(days=90))
    assert scene.come(TEXT + " And more again.") == ["stale"]
    assert SECRET.encode() not in scene.everything()


def test_a_copy_is_another_article_and_is_named(scene: Scene) -> None:
    scene.come()
    assert scene.come(source="tarsen-post") == ["duplicate"]
    copy = scene.known("tarsen-post")
    assert any(copy.id in line for line in planned(scene.ledger, scene.runtime.config, scene.known()))
    scene.forget(source="tarsen-post")
    scene.forget()
    assert SECRET.encode() not in scene.everything()


def test_it_wants_a_reason(scene: Scene) -> None:
    scene.come()
    with pytest.raises(UsageError, match="say why"):
        scene.forget("")
    assert SECRET.encode() in scene.everything()


@pytest.mark.parametrize("step", ["erase_text", "process", "tell_stories", "close_door"])
def test_killed_anywhere_it_is_done_by_the_next(scene: Scene, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.come()

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(f"newsflow.ingest.forget.{step}", die)
        with pytest.raises(KeyboardInterrupt):
            scene.forget()
    done = scene.forget()
    assert done.takedown.why == "asked for"
    assert SECRET.encode() not in scene.everything()
    assert {each.topic for each in scene.written} >= {"news.article.v1", "news.topic.harbours.v1"}
    assert scene.come() == ["stale"]


def test_a_blob_goes_with_it(scene: Scene) -> None:
    words = " ".join(f"{SECRET} harbour {number}" for number in range(5000))
    scene.come(words)
    [value] = scene.versions()
    blob = scene.runtime.blobs.put(value)
    assert scene.forget().removed["blobs"] == 1
    assert [each.blob for each in scene.runtime.blobs.blobs() if each.blob.digest == blob.digest] == []


def test_the_archive_and_its_pages_go_with_it(scene: Scene) -> None:
    """By its address, and by the one that its page said was its own; what others sent stays."""
    runtime, ledger = scene.runtime, scene.ledger
    archive = Archive(lambda: runtime.blobs, ledger)
    aside = PutAside(lambda: runtime.blobs, ledger, 1_000)
    page = f"<html><body><p>{TEXT}</p>{'<br>' * 500}</body></html>"

    def came(path: str, source: str = "velmora-post", **members: str) -> tuple[bytes, bytes]:
        hints = {"source": source, "url": f"https://{source}.example/{path}", "title": SECRET, **members}
        return sources_raw_event(
            hints, {"content": page, "content_is": "page", "content_type": "text/html"}, scene.clock()
        )

    theirs, moved, others = came("bought"), came("b?id=7", guid="g-7"), came("bought", "tarsen-post")
    archive.keep(value for _, value in (theirs, moved, others))
    travelled = [aside([each])[0] for each in (theirs, others)]
    assert [Blob.named(orjson.loads(value)["dataref"]) for _, value in travelled] == [
        Blob(Blob.of(page.encode()).digest)
    ] * 2
    scene.come(guid="g-7")
    plan = planned(ledger, runtime.config, scene.known())
    assert "archive: 2 raw events, or pages that they name, would be removed" in plan
    done = scene.forget()
    assert done.removed["raw events in the archive"] == 2
    assert done.removed["blobs"] == 0, "another article's record names that page"
    assert [archive.value(each) for each in archive.entries(Wanted())] == [others[1]]
    assert archive.keep([theirs[1], moved[1]]) == 0
    # Of its own pages nothing is left, and what came of it since goes too.
    alone = came("bought", lead=TEXT)
    [(_, value)] = aside([(alone[0], alone[1].replace(b"<br>", b"<hr>"))])
    blob = Blob.named(orjson.loads(value)["dataref"])
    assert blob is not None
    assert scene.forget("").removed["blobs"] == 1
    assert blob.digest not in {each.blob.digest for each in runtime.blobs.blobs()}
