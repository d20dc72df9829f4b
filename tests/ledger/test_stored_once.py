"""An article's bytes are in one place at a time, and whoever needs them finds them, whichever place that is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from newsflow.ledger import Ledger
from newsflow.model import Article, Candidate, Decision, Mention, Outcome, PublishedVersion, TopicMatch
from newsflow.model.codec import decode_article, encode_article
from tests.ledger.ledger_helpers import HARBOUR, Wire

TAGS = (TopicMatch("syria", "iso3166", "SY", 3.0, "r1", ()),)
COPY = "https://tarsen.example/copy"


def record(ledger: Ledger, *pairs: tuple[Candidate, Decision]) -> list[bytes]:
    """Record decisions with tags, as the job does; the bytes that are published."""
    versions = []
    for candidate, decision in pairs:
        article = decision.article
        assert article is not None
        tagged = replace(article, topics=TAGS, mentions=(Mention("libya", "LY", 1),))
        value = encode_article(article if decision.outcome is Outcome.WITHDRAWN else tagged)
        versions.append(PublishedVersion(candidate.event.event_id, article.id, article.version, value, ("syria",)))
    return [each.value for each in ledger.record(versions)]


def bytes_by_table(ledger: Ledger) -> dict[str, int]:
    """Articles that each table has bytes of."""
    places = {"article_version": "article", "unrecorded_article": "article", "emission": "value"}
    return {
        table: ledger.transact(
            lambda db, sql=f"SELECT COUNT(*) FROM {table} WHERE LENGTH({column}) > 0": db.query(sql)[0][0]  # type: ignore[misc]
        )
        for table, column in places.items()
    }


def test_bytes_move_when_they_are_recorded(ledger: Ledger, wire: Wire) -> None:
    first, edit = wire.publish(), wire.publish(body=HARBOUR + " New words.", fetched=5)
    decisions = ledger.decide([first, edit])
    assert bytes_by_table(ledger) == {"article_version": 0, "unrecorded_article": 2, "emission": 0}
    record(ledger, (first, decisions[0]))
    assert bytes_by_table(ledger) == {"article_version": 0, "unrecorded_article": 1, "emission": 1}
    record(ledger, (edit, decisions[1]), (first, decisions[0]))
    assert bytes_by_table(ledger) == {"article_version": 0, "unrecorded_article": 0, "emission": 2}


@pytest.mark.parametrize("recorded", [False, True])
def test_answers_are_the_same_before_and_after_recording(
    open_one: Callable[[], Ledger], wire: Wire, recorded: bool
) -> None:
    ledger = open_one()
    events = [
        wire.publish(),
        wire.publish(COPY, source="tarsen"),
        wire.publish(fetched=1),
        wire.publish(body=HARBOUR + " New words.", fetched=2),
        wire.withdraw(fetched=3),
        wire.publish(body=HARBOUR + " Back again.", fetched=4),
    ]
    decisions = ledger.decide(events)
    assert decisions[4].promoted is not None
    if recorded:
        made = [pair for pair in zip(events, decisions, strict=True) if pair[1].outcome is not Outcome.REPEAT]
        record(ledger, *made)
        record(ledger, (events[4], Decision(Outcome.ADDED, decisions[4].decided_at, decisions[4].promoted)))
    assert open_one().decide(events) == decisions


def test_what_a_dead_worker_left_is_there_for_another(open_one: Callable[[], Ledger], wire: Wire) -> None:
    """A worker decides an original and its copy, and dies. Another one edits, withdraws, promotes; then the first
    batch comes again."""
    dead, other = open_one(), open_one()
    original, copy = wire.publish(), wire.publish(COPY, source="tarsen")
    decided = dead.decide([original, copy])
    edit, end = wire.publish(body=HARBOUR + " New words.", fetched=2), wire.withdraw(fetched=3)
    edited, withdrawn = other.decide([edit])[0], other.decide([end])[0]
    assert edited.change is not None, "compared with a text that is not recorded"
    assert withdrawn.article is not None
    assert withdrawn.article.body == HARBOUR + " New words."
    assert withdrawn.promoted is not None
    assert (withdrawn.promoted.source, withdrawn.promoted.body) == ("tarsen", HARBOUR)
    late = record(other, (edit, edited), (end, withdrawn))
    assert [decode_article(value).version for value in late] == [2, 3]
    assert open_one().decide([original, copy, edit, end]) == [*decided, edited, withdrawn]
    first = record(other, (original, decided[0]), (copy, decided[1]))
    assert record(other, (original, decided[0]), (copy, decided[1])) == first


def test_a_ledger_of_the_first_release_is_read_on(open_one: Callable[[], Ledger], wire: Wire) -> None:
    """It has the bytes as decided in one table, and as recorded in another."""
    ledger = open_one()
    first, alone = wire.publish(), wire.publish("https://tarsen.example/other", body="Short and other words.")
    decisions = ledger.decide([first, alone])
    record(ledger, (first, decisions[0]))
    articles = [decision.article for decision in decisions if decision.article is not None]

    def as_then(article: Article) -> None:
        sql = "UPDATE article_version SET article = ? WHERE article_id = ? AND version = ?"
        ledger.transact(lambda db: db.execute(sql, [encode_article(article), article.id, article.version]))

    for article in articles:
        as_then(article)
    ledger.transact(lambda db: db.execute("DELETE FROM unrecorded_article"))
    again = open_one()
    assert again.decide([first, alone]) == decisions
    tagged, untagged = (again.current_article(article.id) for article in articles)
    assert tagged is not None
    assert (tagged.topics, untagged) == (TAGS, articles[1])
    [end] = again.decide([wire.withdraw("https://tarsen.example/other", fetched=3)])
    assert end.article is not None
    assert end.article.body == "Short and other words."
