"""Planted lives, each told whole, as it was written down that it should be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import orjson
import pytest
from typer.testing import CliRunner

from newsflow.cli.app import app
from newsflow.config.load import load_config
from newsflow.ingest.emit import dead_letter
from newsflow.ingest.retag import keep_retaggings, propose, publish_retaggings
from newsflow.ingest.runtime import Runtime
from newsflow.ingest.steps import process
from newsflow.ingest.trace import trace
from newsflow.ledger.letters import save_letters, save_said
from newsflow.model import Article, Event, Reason, Rejected
from newsflow.model.codec import decode_article
from newsflow.model.letter import Letter, Said, State, letter_of, original_of
from newsflow.model.names import ARTICLE_TOPIC
from newsflow.tagging import load_rules
from newsflow.testing import Clock, raw_event

MINUTE = timedelta(minutes=1)
RULES = "id: harbours\nany: [harbour]\n---\nid: ferries\nany: [ferry]\n"
ROUTES = """
version: 1
routes: [{id: all, feeds: "topics", stores: [archive]}]
subscriptions:
  - {id: desk, match: {topics: {any: [ferries]}}, alert: {to: [hook]}}
  - {id: night, match: {topics: {any: [harbours]}}, alert: {to: [hook], quiet_hours: {zone: UTC, from: 00:00, until: 23:00}}}
"""
SYLLABLES = [
    "bra",
    "den",
    "fol",
    "gri",
    "hul",
    "jat",
    "kem",
    "lor",
    "min",
    "nus",
    "pel",
    "qua",
    "rin",
    "sto",
    "tul",
    "vam",
    "wex",
    "yor",
    "zil",
]


def prose(name: str, about: str = "") -> str:
    """A text that is like no other's."""
    draw = Random(name)
    words = ("".join(draw.choices(SYLLABLES, k=3)) for _ in range(60))
    return (
        f"The council met about the {about or 'roads'} on Monday. The {' and the '.join(words)} were all of them there."
    )


class Scene:
    def __init__(self, folder: Path) -> None:
        (folder / "rules.yaml").write_text(RULES)
        (folder / "other.yaml").write_text("id: islands\nany: [islands]\n")
        (folder / "routes.yaml").write_text(ROUTES)
        self.folder, self.clock, self.offset, self.names = folder, Clock(), -1, dict[str, str]()
        self.file = folder / "newsflow.yaml"
        self.file.write_text(
            "ledger: {url: 'sqlite:///ledger.sqlite3'}\ntopics: {paths: [rules.yaml], applied: applied}\n"
            "routes: {paths: [routes.yaml]}\nstores: {archive: 'jsonl:///archive'}\nkafka: {bootstrap_servers: '127.0.0.1:9'}\n"
            "stories: {encoder: none}\nalerts: {fresh_h: 0, destinations: {hook: {type: webhook, url: 'https://hook.example/'}}}\n"
        )
        self.runtime = Runtime(load_config(self.file, environ={}).config, clock=self.clock)

    def come(self, name: str, about: str = "", **members: object) -> Event:
        """One event, a minute after the one before."""
        self.clock.move(minutes=1)
        self.offset += 1
        value = {
            "source": f"{name}-post", "url": f"https://{name}.example/story", "title": f"What {name} said on Monday of {prose(name).split()[9]}",
            "content": prose(name, about), "fetched_at": f"{self.clock():%Y-%m-%dT%H:%M:%SZ}", **members,
        }  # fmt: skip
        event = Event("raw", 0, self.offset, 0, None, orjson.dumps(raw_event(**value)))
        for item in process([event], self.runtime):
            if isinstance(item.article, Article):
                self.names.setdefault(item.article.id, f"<{item.article.source.removesuffix('-post')}>")
        return event

    def dead(self, event: Event, rejected: Rejected) -> tuple[Letter, Event]:
        made = dead_letter(event, rejected, "ingest", qualifier=rejected.stage)
        at_ms = round(self.clock().timestamp() * 1000)
        record = Event(made.topic, 0, self.offset, at_ms, made.key, made.value, made.headers)
        self.runtime.ledger.transact(lambda db: save_letters(db, [letter_of(record)]))
        return letter_of(record), record

    def say(self, letter: Letter, state: State, why: str = "", to: tuple[str, int, int] | None = None) -> None:
        said = Said(state, self.clock(), "mara@desk", why, to)
        self.runtime.ledger.transact(lambda db: save_said(db, [(letter.id, said)]))

    def told(self, asked: str, began: datetime) -> list[str]:
        """The one life, step by step, with minutes since it began, and names in place of ids."""
        [life] = trace(self.runtime.ledger, asked)
        return [self.readable(f"{(step.at - began) // MINUTE} {step.kind}: {step.text}") for step in life.steps]

    def readable(self, text: str) -> str:
        for article_id, name in self.names.items():
            text = text.replace(article_id, name)
        text = re.sub(r"alert [0-9a-f]{12}", "alert", re.sub(r"rules \w+", "rules R", text))
        return re.sub(r"\d{4}-\d\d-\d\dT", "", text)


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    monkeypatch.chdir(tmp_path)
    built = Scene(tmp_path)
    yield built
    built.runtime.close()


def plain(scene: Scene) -> None:
    scene.come("plain", "ferry")


def edit(scene: Scene) -> None:
    scene.come("edit")
    scene.come("edit", title="What edit said, counted again", content=prose("edit", "harbour"))


def withdrawal(scene: Scene) -> None:
    scene.come("withdrawal", "harbour fees")
    scene.come("withdrawal", action="withdraw", content=None)


def duplicate(scene: Scene) -> None:
    scene.come("first")
    scene.come("duplicate", content=prose("first"), title="What first said on Monday")


def successor(scene: Scene) -> None:
    scene.come("original")
    scene.come("successor", content=prose("original"), title="What original said on Monday")
    scene.come("original", action="withdraw", content=None)


def again(scene: Scene) -> None:
    event = scene.come("again")
    scene.come("again")
    scene.come("again", content=prose("again", "walls"), fetched_at=orjson.loads(event.value or b"")["fetched_at"])
    earlier = f"{scene.clock() - timedelta(hours=2):%Y-%m-%dT%H:%M:%SZ}"
    scene.come("again", content=prose("again", "gates"), fetched_at=earlier)


def replayed(scene: Scene) -> None:
    event = Event("raw", 0, 900, 0, None, orjson.dumps(raw_event(url="https://replayed.example/story?utm_source=x")))
    scene.clock.move(minutes=1)
    letter, record = scene.dead(event, Rejected(Reason.UNKNOWN_SOURCE, "replayed-post has no profile", "Normalise"))
    scene.clock.move(minutes=1)
    scene.say(letter, State.REPLAYED, "it has one now", ("raw", 0, scene.offset + 1))
    assert original_of(letter, record).value == event.value
    scene.come("replayed")


def refused(scene: Scene) -> None:
    scene.come("refused")
    [article_id] = [each for each, name in scene.names.items() if name == "<refused>"]
    scene.clock.move(minutes=1)
    article = Event(
        ARTICLE_TOPIC, 0, 5, 0, article_id.encode(), orjson.dumps({"id": article_id, "source": "refused-post"})
    )
    letter, _ = scene.dead(article, Rejected(Reason.SINK_REJECTED, "no space left", "Store archive"))
    scene.clock.move(minutes=1)
    scene.say(letter, State.REPLAYED, "it has space again", ("sink:archive", 0, 0))


def retagged(scene: Scene) -> None:
    scene.come("retagged", "islands")
    rules, ledger = load_rules([scene.folder / "other.yaml"]), scene.runtime.ledger
    [stored] = [each for each in ledger.current_versions() if decode_article(each.value).source == "retagged-post"]
    scene.clock.move(minutes=1)
    proposal = propose(stored, rules, scene.runtime.routes, scene.clock())
    assert proposal is not None
    assert all(keep_retaggings(ledger, [proposal]))
    publish_retaggings(ledger, lambda _: None)


def held_at_night(scene: Scene) -> None:
    scene.come("night", "harbour")
    [article_id] = [each for each, name in scene.names.items() if name == "<night>"]
    article = scene.runtime.ledger.current_article(article_id)
    assert article is not None
    scene.runtime.planner.take([article], scene.clock())


def never(scene: Scene) -> None:
    scene.clock.move(minutes=1)
    event = Event("raw", 0, 901, 0, None, orjson.dumps(raw_event(url="https://never.example/story", content="")))
    letter, _ = scene.dead(event, Rejected(Reason.NO_TEXT, "nothing reads as an article", "Normalise"))
    scene.clock.move(minutes=1)
    scene.say(letter, State.DROPPED, "a gallery")


LIVES = [
    (plain, "plain", [
        "1 added: new, version 1; from raw 0:0, fetched 09:01:00Z",
        "1 story-join: in story <plain>, alone",
        "1 published: version 1 published, to feeds ferries",
        "1 alert: alert raised for desk",
        "1 alert-pending: alert waits for hook",
    ]),
    (edit, "edit", [
        "1 added: new, version 1; from raw 0:1, fetched 09:02:00Z",
        "1 story-join: in story <edit>, alone",
        "1 published: version 1 published, to no feed",
        "2 replaced: another text, version 2, its title, 1% of its body; from raw 0:2, fetched 09:03:00Z",
        "2 story-edit: its new text is in story <edit>",
        "2 published: version 2 published, to feeds harbours",
    ]),
    (withdrawal, "withdrawal", [
        "1 added: new, version 1; from raw 0:3, fetched 09:04:00Z",
        "1 story-join: in story <withdrawal>, alone",
        "1 published: version 1 published, to feeds harbours",
        "2 withdrawn: withdrawn by its publisher, version 2; from raw 0:4, fetched 09:05:00Z",
        "2 story-withdraw: withdrawn in story <withdrawal>",
        "2 published: version 2 published, to feeds harbours",
    ]),
    (duplicate, "duplicate", [
        "2 duplicate: held back: says what <first> of first-post said (exact); from raw 0:6, fetched 09:07:00Z",
        "2 story-join: in story <first>, as one of 2 articles",
    ]),
    (successor, "successor", [
        "2 duplicate: held back: says what <original> of original-post said (exact); from raw 0:8, fetched 09:09:00Z",
        "2 story-join: in story <original>, as one of 2 articles",
        "3 promoted: version 2: published in place of its original, which was withdrawn",
        "3 story-edit: its new text is in story <original>",
        "3 published: version 2 published, to no feed",
    ]),
    (again, "again", [
        "1 added: new, version 1; from raw 0:10, fetched 09:11:00Z",
        "1 story-join: in story <again>, alone",
        "1 published: version 1 published, to no feed",
        "2 repeat: came again, the same; from raw 0:11, fetched 09:12:00Z",
        "3 stale: an older state of it came, and was passed over; from raw 0:12, fetched 09:11:00Z",
        "4 stale: an older state of it came, and was passed over; from raw 0:13, fetched 07:13:00Z",
    ]),
    (replayed, "replayed", [
        "1 dead-lettered: unknown-source, in Normalise: replayed-post has no profile",
        "2 replayed: letter replayed to its topic by mara@desk: it has one now",
        "3 added: new, version 1; from raw 0:14, fetched 09:17:00Z",
        "3 story-join: in story <replayed>, alone",
        "3 published: version 1 published, to no feed",
    ]),
    (refused, "refused", [
        "1 added: new, version 1; from raw 0:15, fetched 09:18:00Z",
        "1 story-join: in story <refused>, alone",
        "1 published: version 1 published, to no feed",
        "2 refused: sink-rejected, by archive: no space left",
        "3 replayed: letter replayed to archive by mara@desk: it has space again",
    ]),
    (retagged, "retagged", [
        "1 added: new, version 1; from raw 0:16, fetched 09:21:00Z",
        "1 story-join: in story <retagged>, alone",
        "1 published: version 1 published, to no feed",
        "2 retagged: version 2: tagged anew by rules R (published)",
        "2 published: version 2 published, to feeds islands",
    ]),
    (held_at_night, "night", [
        "1 added: new, version 1; from raw 0:17, fetched 09:23:00Z",
        "1 story-join: in story <night>, alone",
        "1 published: version 1 published, to feeds harbours",
        "818 alert-withheld: alert for night held back in quiet hours, until 23:00:00Z",
    ]),
    (never, "never", [
        "1 dead-lettered: no-text, in Normalise: nothing reads as an article",
        "2 dropped: letter dropped by mara@desk: a gallery",
    ]),
]  # fmt: skip


def test_each_life_is_told_whole(scene: Scene) -> None:
    told = {}
    for plant, name, _ in LIVES:
        began = scene.clock()
        plant(scene)
        told[name] = scene.told(f"https://{name}.example/story", began)
    assert told == {name: expected for _, name, expected in LIVES}


def test_one_life_is_found_by_all_its_names_and_told_in_three_forms(scene: Scene) -> None:
    event = scene.come("plain", "ferry")
    [article_id] = scene.names
    lives = {asked: trace(scene.runtime.ledger, asked) for asked in (
        "https://plain.example/story", "http://www.plain.example/story/?utm_source=x", article_id, event.event_id, "raw:0:0",
    )}  # fmt: skip
    assert all(found == lives[article_id] for found in lives.values()), lives
    assert trace(scene.runtime.ledger, "https://plain.example/another") == []

    def command(*arguments: str) -> str:
        done = CliRunner().invoke(app, ["trace", *arguments, "-c", str(scene.file)])
        assert done.exit_code == (0 if arguments[0] == article_id else 1), done.stderr
        return done.stdout

    told = command(article_id, "--topic", "harbours")
    for text in (
        f"{article_id}, version 1, published",
        "What plain said on Monday",
        "ferries ",
        "archive: by its routes",
        "alert waits for hook",
        "harbours",
        "is not tagged with it",
    ):
        assert text in told
    as_json = orjson.loads(command(article_id, "-o", "json"))
    assert as_json["state"] == "published"
    assert [step["kind"] for step in as_json["steps"]] == ["added", "story-join", "published", "alert", "alert-pending"]
    assert as_json["topics"][0]["evidence"][0]["text"] == "ferry"
    command(article_id, "--html", str(scene.folder / "life.html"))
    page = (scene.folder / "life.html").read_text()
    assert "<li class=published>" in page
    assert "http" not in page.replace("https://plain.example/story", ""), "it loads nothing"
    command("https://plain.example/another")


def test_what_others_wrote_is_no_markup_of_the_page(scene: Scene) -> None:
    scene.come("odd", title="<script>alert(1)</script>", source="odd-post")
    [article_id] = scene.names
    CliRunner().invoke(app, ["trace", article_id, "--html", str(scene.folder / "life.html"), "-c", str(scene.file)])
    assert "<script" not in (scene.folder / "life.html").read_text()
