"""What the ledger says of stories: how they are told, an editor's word, what is pruned, and those of an earlier release."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest

from newsflow.alerts.planner import AlertPlanner
from newsflow.alerts.values import Policy
from newsflow.dedup.story import build_story
from newsflow.errors import UsageError
from newsflow.ledger import Ledger
from newsflow.ledger.database import to_micros
from newsflow.ledger.opening import open_database, take_back
from newsflow.ledger.stories import ReadUpTo
from newsflow.ledger.story_adoption import adopt_stories
from newsflow.ledger.story_links import articles_of, retold_in
from newsflow.ledger.story_rows import Asked, Told, pack_signals, unpack_signals
from newsflow.ledger.story_telling import ToldStory
from newsflow.model import Article, Candidate, PublishedVersion
from newsflow.model.codec import encode_article
from newsflow.model.schemas import violations
from newsflow.routing import Match, Routes, Subscription
from newsflow.stories import read_signals
from newsflow.testing import Clock
from tests.ledger.ledger_helpers import START, Wire
from tests.story_helpers import meaning

FERRY = "The ferry Ostrovanka sank near Tarsen on Monday with {} aboard, Captain Halbergstad told the Velmora harbour office"
TAIL = "{} boats searched the sound off Tarsen until {}, and Halbergstad named no cause for what befell the Ostrovanka"
STRIKE = (
    "Miners of Quarrim walked out on Monday over pay, the union's Dragomarin said, and pits at Soldenau stood still"
)


def ferry(wire: Wire, number: int, *, people: int = 214, minute: float = 0, **more: Any) -> Candidate:
    words = " ".join(f"{letter}{number}x{letter * 3}{number * 7}" for letter in "abcdefghijklmnop")
    body = f"{FERRY.format(people)}. {TAIL.format(number + 3, words)}."
    place = f"https://outlet-{number}.example/ferry"
    title = f"Ferry Ostrovanka sinks near Tarsen ({number})"
    return wire.publish(place, body, title=title, source=f"outlet-{number}", fetched=minute, **more)


def strike(wire: Wire, number: int, minute: float = 0) -> Candidate:
    words = " ".join(f"{letter}{number}y{letter * 2}{number * 5}" for letter in "abcdefghijklmnop")
    place = f"https://outlet-{number}.example/strike"
    return wire.publish(
        place, f"{STRIKE}. {words}.", title="Quarrim miners strike", source=f"s-{number}", fetched=minute
    )


def run(ledger: Ledger, candidates: Sequence[Candidate], read: ReadUpTo | None = None) -> list[Article]:
    """Decide, settle and record, as the job does. `read`: how far its reader is."""
    decisions = ledger.decide(candidates)
    asked = [
        _asked(candidate, article)
        for candidate, decision in zip(candidates, decisions, strict=True)
        if (article := decision.article) is not None
    ]
    events = [candidate.event for candidate in candidates]
    told = ledger.settle(asked, [ReadUpTo(events[0].topic, events) if read is None else replace(read, passed=events)])
    articles = []
    for decision, each in zip((d for d in decisions if d.article), told, strict=True):
        assert decision.article is not None
        article = replace(decision.article, story=each.story, story_size=each.size)
        articles.append(article)
        value = encode_article(article)
        ledger.record([PublishedVersion(article.origin.event_id, article.id, article.version, value)])  # type: ignore[union-attr]
    return articles


def _asked(candidate: Candidate, article: Article) -> Asked:
    signals = read_signals(article.language, article.title, article.body)
    event, withdrawn = candidate.event, article.action == "withdraw"
    return Asked(
        article.id, article.version, event.topic, event.partition, event.offset, event.timestamp_ms,
        to_micros(article.first_seen), article.language, Told(article.story or "", article.story_size or 1), withdrawn,
        b"" if withdrawn else pack_signals(signals, None),
    )  # fmt: skip


def run_abroad(ledger: Ledger, candidate: Candidate) -> Article:
    """Settle a report whose text has a meaning."""
    [decision] = ledger.decide([candidate])
    assert decision.article is not None
    asked = _asked(candidate, decision.article)
    signals = unpack_signals(asked.report)[0]
    asked = replace(asked, report=pack_signals(signals, meaning("ferry")))
    [told] = ledger.settle([asked], [ReadUpTo(candidate.event.topic, [candidate.event])])
    return replace(decision.article, story=told.story, story_size=told.size)


def tell(ledger: Ledger, articles: Sequence[Article] = ()) -> dict[str, dict[str, Any]]:
    """What is told, by story."""
    told: list[ToldStory] = []
    ledger.tell_stories([each.id for each in articles], told.extend)
    values = {each.id: orjson.loads(each.value) for each in told}
    for value in values.values():
        assert list(violations("story", value)) == []
    return values


def test_reports_in_other_words_are_one_story_that_grows(ledger: Ledger, wire: Wire) -> None:
    articles = run(ledger, [ferry(wire, 1), strike(wire, 1), ferry(wire, 2, minute=30)])
    assert [each.story for each in articles] == [articles[0].id, articles[1].id, articles[0].id]
    assert [each.story_size for each in articles] == [1, 1, 2]
    told = tell(ledger, articles)
    assert told.keys() == {articles[0].id}  # a story of one report is its article
    assert told[articles[0].id]["size"] == 2
    assert told[articles[0].id]["sources"] == ["outlet-1", "outlet-2"]
    assert told[articles[0].id]["representative"]["why"] == "first"
    assert tell(ledger, articles) == {}
    withdrawal = wire.withdraw("https://outlet-1.example/ferry", fetched=60)
    [gone] = run(ledger, [withdrawal])
    assert (gone.story, gone.story_size) == (articles[0].id, 1)
    story = tell(ledger, [gone])[articles[0].id]
    assert (story["size"], story["sources"], story["independent_sources"]) == (1, ["outlet-2"], 1)
    assert story["representative"]["why"] == "first-that-stands"


def test_a_wire_report_that_is_told_again_without_credit_counts_once(ledger: Ledger, wire: Wire) -> None:
    body = f"{FERRY.format(214)}. {TAIL.format(3, 'midnight fell over the quays of Velmora')}. {FERRY.format(214)}."
    anew = (
        "Le ferry Ostrovanka a coulé lundi près de Tarsen avec 214 passagers, a dit le capitaine Halbergstad au port de "
        "Velmora. Des bateaux ont fouillé le détroit de Tarsen sans que Halbergstad donne une cause pour l'Ostrovanka."
    )
    first = run_abroad(ledger, wire.publish("https://a.example/1", body, source="a"))
    second = run_abroad(ledger, wire.publish("https://b.example/1", anew, source="b", language="fr", fetched=3))
    assert second.story == first.id
    [articles] = ledger.transact(lambda db: articles_of(db, [first.id])).values()
    assert build_story(first.id, articles).independent_sources == 2  # nobody credits an agency
    credit = wire.publish("https://c.example/1", f"{body} Norvik.", source="c", fetched=4, agency="Norvik Wire")
    assert run_abroad(ledger, credit).story == first.id
    story = ledger.story(first.id)
    assert story is not None
    assert {each.source: each.retells for each in story.articles} == {"a": "Norvik Wire", "b": "Norvik Wire", "c": None}
    assert (len(story.sources), story.independent_sources) == (3, 1)
    assert ledger.transact(lambda db: retold_in(db, [first.id])).keys() == {first.id, second.id}


def test_alerts_count_a_wire_report_once(ledger: Ledger, wire: Wire) -> None:
    two = Subscription("two", Match(languages=("en",)), alert_to=("hook",), policy=Policy(sources=2))
    planner = AlertPlanner(Routes(subscriptions=(two,)), ledger)
    body = f"{FERRY.format(214)}. {TAIL.format(3, 'midnight fell over the quays of Velmora')}. {FERRY.format(214)}."
    now = START + timedelta(hours=1)
    reports = [
        wire.publish("https://a.example/1", body, source="a"),
        wire.publish("https://c.example/1", f"{body} Norvik.", source="c", fetched=4, agency="Norvik Wire"),
        ferry(wire, 2, minute=30),
    ]
    articles = [run_abroad(ledger, each) for each in reports]
    assert len({each.story for each in articles}) == 1
    assert planner.take(articles[:1], now) == 0
    assert planner.take(articles[1:2], now) == 0  # the first tells what this one credits
    assert planner.take(articles[2:], now) == 1


def test_what_was_told_is_told_again_until_it_is_written(ledger: Ledger, wire: Wire) -> None:
    articles = run(ledger, [ferry(wire, 1), ferry(wire, 2)])
    seen: list[Sequence[ToldStory]] = []

    def fail(stories: Sequence[ToldStory]) -> None:
        seen.append(stories)
        raise OSError("the broker is unavailable")

    for _ in range(2):
        with pytest.raises(OSError, match="unavailable"):
            ledger.tell_stories([articles[0].id], fail)
    assert seen[0] == seen[1]
    assert len(tell(ledger)) == 1
    assert tell(ledger) == {}


def test_the_first_answer_about_a_version_holds(open_one: Callable[[], Ledger], wire: Wire) -> None:
    candidates = [ferry(wire, number, minute=number) for number in range(1, 4)]
    first = run(open_one(), candidates)
    assert run(open_one(), candidates) == first
    assert [each.story_size for each in first] == [1, 2, 3]


def test_what_waits_for_another_partition_says_for_good_what_it_said_then(ledger: Ledger) -> None:
    wire = Wire(partition=1)  # behind the first of equal record times
    behind = ReadUpTo("news.article.raw.v1", partitions=frozenset({0, 1}))
    original, copy = ferry(wire, 1), ferry(wire, 1, minute=1)
    assert isinstance(copy.result, Article)
    copy = replace(copy, result=replace(copy.result, source="copier", url="https://copier.example/1"))
    candidates = [original, copy, ferry(wire, 2, minute=2)]
    first = run(ledger, candidates, behind)
    ship = first[0].id
    assert [each.story for each in first[:2]] == [ship, ship], "a copy is of its original's story, though that waits"
    assert first[2].story in (ship, first[2].id)
    assert tell(ledger, first) == {}
    [later] = run(ledger, [strike(wire, 1, minute=3)], replace(behind, next=dict.fromkeys((0, 1), (1 << 53, 0))))
    assert (later.story, ledger.story(first[2].id).size) == (later.id, 3)  # type: ignore[union-attr]
    assert run(ledger, candidates, behind) == first
    told = tell(ledger, first)
    assert told[ship]["size"] == 3
    if first[2].story != ship:
        assert told[first[2].id] == {"id": first[2].id, "merged_into": ship}


def test_a_process_follows_what_another_settles(open_one: Callable[[], Ledger], wire: Wire) -> None:
    one, other = open_one(), open_one()
    stories = {
        article.story
        for number in range(1, 7)
        for article in run(one if number % 2 else other, [ferry(wire, number, minute=number)])
    }
    assert len(stories) == 1
    [article] = run(open_one(), [ferry(wire, 9, minute=9)])
    assert (article.story, article.story_size) == (*stories, 7)


def test_an_editors_word_is_kept_and_replayed(open_one: Callable[[], Ledger], wire: Wire) -> None:
    ledger, job = open_one(), open_one()
    reports = [ferry(wire, 1), ferry(wire, 2, minute=1), strike(wire, 1, minute=2), strike(wire, 5, minute=3)]
    articles = run(job, reports)
    ship, miners = articles[0], articles[2]
    tell(job, articles)
    assert ledger.merge_stories(miners.id, ship.id) == (miners.id, ship.id)
    with pytest.raises(UsageError, match="one story already"):
        ledger.merge_stories(miners.id, articles[1].id)
    told = tell(job)
    assert told[miners.id] == {"id": miners.id, "merged_into": ship.id}
    assert told[ship.id]["size"] == 4
    [more] = run(job, [strike(wire, 2, minute=4)])
    assert (more.story, more.story_size) == (ship.id, 5)
    leaving = [miners.id, articles[3].id, more.id]
    story, part = ledger.split_story(ship.id, leaving)
    assert story == ship.id
    assert part not in (ship.id, *(each.id for each in articles[:2]))
    with pytest.raises(UsageError, match="cannot be split"):
        ledger.split_story(part, leaving)
    with pytest.raises(UsageError, match="not in story"):
        ledger.split_story(part, ["nobody"])
    told = tell(job)
    assert (told[ship.id]["size"], told[part]["size"]) == (2, 3)
    for each in (job, open_one()):
        found = run(each, [strike(wire, 3 if each is job else 4, minute=5)])[0]
        assert found.story == part
        assert {member.id for member in each.story(part).articles} >= {*leaving}  # type: ignore[union-attr]


def test_an_editor_cannot_speak_of_what_nobody_knows(ledger: Ledger, wire: Wire) -> None:
    [article] = run(ledger, [ferry(wire, 1)])
    with pytest.raises(UsageError, match="'nobody' is no story"):
        ledger.merge_stories(article.id, "nobody")


def test_what_is_forgotten_is_pruned_and_the_others_stay(
    open_one: Callable[[], Ledger], wire: Wire, clock: Clock
) -> None:
    ledger, day = open_one(), 24 * 60
    old = run(ledger, [ferry(wire, 1), ferry(wire, 2, minute=5), strike(wire, 1)])
    later = [strike(wire, 10 + number, minute=40 * day + number) for number in range(25)]
    clock.move(days=40)
    latest = run(ledger, later)
    assert old[2].story not in {each.story for each in latest}
    held = "SELECT COUNT(*) FROM story_log WHERE LENGTH(report) > 0"
    count = ledger.transact(lambda db: db.query(held)[0][0])
    clock.move(days=7)
    ledger.prune(timedelta(days=90))
    assert ledger.transact(lambda db: db.query(held)[0][0]) == count - 3
    texts = [ferry(wire, 5, minute=40 * day + 50), ferry(wire, 6, minute=40 * day + 51)]
    first, second = (run(each, [text])[0] for each, text in zip((ledger, open_one()), texts, strict=True))
    assert first.story == second.story == first.id  # the ferry of forty days before is another
    assert ledger.story(old[0].id).size == 2  # type: ignore[union-attr]


def test_stories_of_an_earlier_release_go_on(ledger: Ledger, wire: Wire) -> None:
    copy = ferry(wire, 1, minute=1)
    assert isinstance(copy.result, Article)
    copy = replace(copy, result=replace(copy.result, source="copier", url="https://copier.example/1"))
    decided = ledger.decide([ferry(wire, 1), copy, strike(wire, 1), wire.withdraw("https://outlet-1.example/strike")])
    first, second = (decision.article for decision in decided[:2])
    assert first is not None
    assert second is not None
    assert ledger.transact(adopt_stories) == 4
    [more] = run(ledger, [ferry(wire, 2, minute=30)])
    assert (more.story, more.story_size) == (first.story, 3)
    assert tell(ledger, [more])[first.id]["size"] == 3


def test_a_way_back_keeps_what_was_told_and_so_does_the_way_up_again(
    ledger_url: str, open_one: Callable[[], Ledger], wire: Wire
) -> None:
    ledger = open_one()
    articles = run(ledger, [ferry(wire, 1), ferry(wire, 2, minute=1), strike(wire, 1, minute=2)])
    ship, miners = articles[0].id, articles[2].id
    ledger.merge_stories(miners, ship)
    ledger.transact(lambda db: db.execute("INSERT INTO alert_story VALUES ('desk', ?, 1, '{}')", [ship]))
    ledger.close()
    with closing(open_database(ledger_url)) as db:
        assert [each.number for each in take_back(db, 9)] == [15, 14, 13, 12, 11, 10]
        stories = {row[0]: row[1] for row in db.run(lambda: db.query("SELECT id, story FROM article"))}
        assert stories == dict.fromkeys([each.id for each in articles], ship)
        told = db.run(lambda: db.query("SELECT story FROM alert_story ORDER BY story"))
        assert [row[0] for row in told] == sorted([ship, miners])
    again = open_one()
    [more] = run(again, [ferry(wire, 3, minute=30)])
    assert (more.story, more.story_size) == (ship, 4)
    assert tell(again)[miners] == {"id": miners, "merged_into": ship}
