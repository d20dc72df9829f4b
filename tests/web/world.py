"""A small world to look at: a ledger, a store, articles about two topics in four languages, some of them hostile."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import urllib3

from newsflow.config.settings import ReaderSettings, ServeSettings
from newsflow.ledger import Ledger, open_ledger
from newsflow.ledger.letters import save_letters, save_said
from newsflow.model import Article, Candidate, Evidence, Mention, PendingAlert, PublishedVersion, TopicMatch
from newsflow.model.codec import encode_article
from newsflow.model.letter import Letter, Said, State
from newsflow.stores.contract import StoreRow
from newsflow.stores.sqlite import SqliteStore
from tests.ledger.ledger_helpers import ARABIC, RIVER, Wire
from tests.ledger.test_stories import ferry, run, strike

if TYPE_CHECKING:
    from newsflow.web.replaying import Replays

ALL, SYRIA = "token-for-everything-1", "token-for-syria-only-1"
HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)> \u202egnp.exe\u202c \x07 & \ufffe ' + "ש" * 4000
SECRET = "Kestrelmoor"
"""A word that only articles about another topic have."""

LETTERS = tuple(
    Letter(
        f"{number:032x}", "raw.dlq", 0, number, 1_772_000_000_000 + number, "no-text", "Normalise", HOSTILE, "quay", "", "", "", 1,
        ("raw", 0, number), 12,
    )
    for number in range(2)
)  # fmt: skip
"""Dead letters of the index: one that is open, one that was sent again."""


def topic(name: str, article: Article | None = None, term: str = "") -> TopicMatch:
    evidence: tuple[Evidence, ...] = ()
    if article is not None and term and (at := article.body.find(term)) >= 0:
        evidence = (Evidence(term, "body", at, at + len(term), term, 1.0),)
    return TopicMatch(name, "iso3166", name[:2].upper(), 3.5, "1", evidence)


@dataclass
class World:
    """`ids` by a short name."""

    folder: Path
    ledger: Ledger
    store: SqliteStore
    wire: Wire
    ids: dict[str, str]

    @property
    def ledger_url(self) -> str:
        return f"sqlite:///{self.folder}/ledger.sqlite3"

    @property
    def store_url(self) -> str:
        return f"sqlite:///{self.folder}/store.sqlite3"

    def publish(self, name: str, candidate: Candidate, *topics: str, term: str = "") -> Article:
        [article] = run(self.ledger, [candidate])
        mentions = (Mention("russia", "RU", 1),)
        tagged = replace(article, topics=tuple(topic(each, article, term) for each in topics), mentions=mentions)
        self.store.write([StoreRow(tagged, encode_article(tagged))])
        self.ids.setdefault(name, tagged.id)
        return tagged


@contextlib.contextmanager
def made_world(folder: Path) -> Iterator[World]:
    ledger = open_ledger(f"sqlite:///{folder}/ledger.sqlite3")
    store = SqliteStore(folder / "store.sqlite3")
    with closing(ledger), store:
        world = World(folder, ledger, store, Wire(), {})
        wire = world.wire
        world.publish("ferry", ferry(wire, 1), "syria", term="Ostrovanka")
        world.publish("ferry-2", ferry(wire, 2, minute=30), "syria", "russia")
        world.publish("ferry-3", ferry(wire, 3, minute=40), "russia")
        world.publish("strike", strike(wire, 1, minute=50), "russia")
        world.publish(
            "secret", wire.publish("https://b.example/2", f"{SECRET} votes.", title=SECRET, source="b"), "russia"
        )
        arabic = wire.publish(
            "https://sahel.example/1", ARABIC, title="خط جديد للحافلات", source="barid-sahel", language="ar"
        )
        world.publish("arabic", arabic, "syria", term="النورس")
        hostile = wire.publish("https://h.example/1", HOSTILE, title=HOSTILE, source="h", guid="javascript:alert(1)")
        world.publish("hostile", hostile, "syria")
        world.publish(
            "river", wire.publish("https://r.example/1", RIVER, title="River", source="r"), "syria", term="Tarsen"
        )
        later = RIVER.replace("73 flooded cellars", "81 flooded cellars") + " The army sent two boats."
        world.publish(
            "river", wire.publish("https://r.example/1", later, title="River", source="r", fetched=5), "syria"
        )
        ledger.decide([wire.publish("https://copy.example/1", later, title="River", source="copycat", fetched=9)])
        ledger.decide([wire.reject()])
        world.publish(
            "gone", wire.publish("https://g.example/1", "Quellwort here.", title="Quellwort", source="g"), "syria"
        )
        world.publish("gone", wire.withdraw("https://g.example/1", fetched=20))
        raise_alert(world)
        ledger.transact(lambda db: save_letters(db, LETTERS))
        ledger.transact(
            lambda db: save_said(db, [(LETTERS[1].id, Said(State.REPLAYED, ledger.now(), "desk", HOSTILE))])
        )
        yield world


def raise_alert(world: World) -> None:
    from newsflow.alerts.build import sample_alert
    from newsflow.alerts.values import Severity, encode_alert

    alert = sample_alert("desk", Severity.WARNING, "topic syria", world.ledger.now())
    event = next(world.ledger.articles(ids=[world.ids["secret"]]))
    stored = PublishedVersion(event.event_id, "a" * 32, 1, event.value, (), (PendingAlert(alert.id, "desk", encode_alert(alert), ("pager",)),))  # fmt: skip
    world.ledger.record([stored])


class Client:
    """Asks a server as one reader."""

    def __init__(self, base: str, token: str | None = ALL) -> None:
        self.base, self.headers = base, {"Authorization": f"Bearer {token}"} if token else {}

    def get(self, path: str, **headers: str) -> urllib3.BaseHTTPResponse:
        with urllib3.PoolManager(retries=False) as pool:
            return pool.request("GET", self.base + path, headers=self.headers | headers)

    def json(self, path: str) -> Any:
        answer = self.get(path)
        assert answer.status == 200, (path, answer.status, answer.data[:300])
        return json.loads(answer.data)


@contextlib.contextmanager
def serving(world: World, replays: Replays | None = None, **settings: Any) -> Iterator[str]:
    """A real server for a world; its address."""
    import uvicorn

    from newsflow.web.access import Access
    from newsflow.web.app import make_app
    from newsflow.web.library import Library

    served = ServeSettings(**({"requests_per_minute": 1_000_000} | settings))
    library = Library(world.ledger_url, world.store_url, desks=2)
    app = make_app(library, Access(served), full_text=served.full_text, streams=served.streams, replays=replays)
    config = uvicorn.Config(app, port=0, log_level="warning", ws="none", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    with closing(library), closing(config.bind_socket()) as socket:
        socket.listen()
        thread = threading.Thread(target=server.run, args=([socket],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{socket.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def readers(folder: Path) -> tuple[tuple[str, ReaderSettings], ...]:
    """One who sees everything, and one who sees one topic."""
    for name, token in (("all", ALL), ("syria", SYRIA)):
        (folder / name).write_text(token)
    only = ReaderSettings(f"file:{folder / 'syria'}", ("syria",))
    return (("all", ReaderSettings(f"file:{folder / 'all'}")), ("syria", only))
