"""New versions of stored articles under other rules: made of what stands still, published once, never over an edit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from newsflow.ingest.retag import (
    Proposal,
    PublishedRetaggings,
    Retagged,
    Retagging,
    keep_retaggings,
    pending_retaggings,
    publish_retaggings,
    retaggings_after,
)
from newsflow.ledger import Ledger
from newsflow.model import Action, Article, Candidate, Outcome, PublishedVersion, TopicMatch
from newsflow.model.codec import decode_article, encode_article
from newsflow.testing import Clock
from tests.ledger.ledger_helpers import ARABIC, HARBOUR, RIVER, Wire


def publish(ledger: Ledger, candidate: Candidate, *feeds: str) -> Article:
    """What the job does with one event; returns the article as it was recorded."""
    [decision] = ledger.decide([candidate])
    article = decision.article
    assert article is not None
    [stored] = ledger.record(
        [PublishedVersion(candidate.event.event_id, article.id, article.version, encode_article(article), feeds)]
    )
    return decode_article(stored.value)


def next_version(article: Article, *topics: str, rules: str = "abc") -> Proposal:
    matches = tuple(TopicMatch(topic, "iso3166", "XX", 3.0, "r1", ()) for topic in topics)
    newer = replace(article, version=article.version + 1, action=Action.REPLACE, topics=matches)
    return Proposal(Retagged(newer), encode_article(newer), topics, topics, rules)


def drain(ledger: Ledger, limit: int = 100) -> list[Retagging]:
    taken: list[Retagging] = []
    while publish_retaggings(ledger, taken.extend, limit).total:
        pass
    return taken


def test_a_new_version_is_recorded_and_published_once(ledger: Ledger, wire: Wire, clock: Clock) -> None:
    article = publish(ledger, wire.publish(), "syria")
    clock.move(hours=1)
    retag = next_version(article, "russia")
    assert keep_retaggings(ledger, [retag]) == [True]
    latest = ledger.latest_article(article.id)
    assert latest is not None
    assert (latest.version, latest.value, latest.feeds) == (2, retag.value, ("russia", "syria"))
    assert pending_retaggings(ledger) == 1
    [sent] = drain(ledger)
    assert (sent.article_id, sent.version, sent.value, sent.feeds) == (article.id, 2, retag.value, ("russia", "syria"))
    assert (sent.decided_at, sent.event.event_id) == (clock(), latest.event_id)
    assert drain(ledger) == []
    assert pending_retaggings(ledger) == 0
    assert ledger.outcomes() == {Outcome.ADDED: 1}, "no raw event made it"


def test_the_next_edit_has_the_next_version(ledger: Ledger, wire: Wire) -> None:
    article = publish(ledger, wire.publish(), "syria")
    keep_retaggings(ledger, [next_version(article, "russia")])
    edit = wire.publish(body=HARBOUR + " New words.", fetched=5)
    [decision] = ledger.decide([edit])
    assert decision.article is not None
    assert (decision.outcome, decision.article.version) == (Outcome.REPLACED, 3)
    assert decision.feeds == ("syria", "russia")
    [repeat] = ledger.decide([wire.publish(body=HARBOUR + " New words.", fetched=6)])
    assert repeat.outcome is Outcome.REPEAT
    [end] = ledger.decide([wire.withdraw(fetched=9)])
    assert end.article is not None
    assert end.article.version == 4


def test_events_of_before_are_answered_as_before(ledger: Ledger, wire: Wire) -> None:
    first, repeat = wire.publish(), wire.publish(fetched=1)
    before = ledger.decide([first])
    publish(ledger, first)
    before += ledger.decide([repeat])
    article = ledger.current_article(before[0].article.id)  # type: ignore[union-attr]
    assert article is not None
    assert keep_retaggings(ledger, [next_version(article, "russia")]) == [True]
    assert ledger.decide([first, repeat]) == before


@pytest.mark.parametrize("meanwhile", ["edit", "withdrawal", "unrecorded edit", "retagging"])
def test_what_changed_meanwhile_is_left(ledger: Ledger, wire: Wire, clock: Clock, meanwhile: str) -> None:
    article = publish(ledger, wire.publish(), "syria")
    retag = next_version(article, "russia")
    edit = wire.publish(body=HARBOUR + " New words.", fetched=5)
    if meanwhile == "edit":
        publish(ledger, edit)
    elif meanwhile == "withdrawal":
        publish(ledger, wire.withdraw(fetched=5))
    elif meanwhile == "unrecorded edit":
        ledger.decide([edit])
    else:
        keep_retaggings(ledger, [next_version(article, "libya", rules="def")])
    clock.move(hours=1)
    before = ledger.latest_article(article.id)
    assert keep_retaggings(ledger, [retag]) == [False]
    assert ledger.latest_article(article.id) == before


def test_withdrawn_copies_and_unknown_articles_are_left(ledger: Ledger, wire: Wire) -> None:
    original = publish(ledger, wire.publish())
    copy = publish(ledger, wire.publish("https://tarsen.example/copy", source="tarsen"))
    withdrawn = publish(ledger, wire.publish("https://velmora-post.example/river", body=RIVER))
    gone = publish(ledger, wire.withdraw("https://velmora-post.example/river", fetched=3))
    assert copy.duplicate_of == original.id
    retags = [next_version(each, "russia") for each in (copy, withdrawn, gone, replace(original, id="f" * 32))]
    assert keep_retaggings(ledger, retags) == [False] * 4
    assert [stored.article_id for stored in ledger.current_versions()] == [original.id]


def test_young_versions_are_left(ledger: Ledger, wire: Wire, clock: Clock) -> None:
    article = publish(ledger, wire.publish())
    clock.move(minutes=4)
    assert keep_retaggings(ledger, [next_version(article, "russia")], timedelta(minutes=5)) == [False]
    clock.move(minutes=1)
    assert keep_retaggings(ledger, [next_version(article, "russia")], timedelta(minutes=5)) == [True]


def test_a_failed_publication_stays_pending_and_comes_again_the_same(
    open_one: Callable[[], Ledger], wire: Wire, clock: Clock
) -> None:
    ledger = open_one()
    articles = [publish(ledger, wire.publish(f"https://velmora-post.example/{n}", body=f"Note {n}.")) for n in range(5)]
    assert keep_retaggings(ledger, [next_version(each, "russia") for each in articles]) == [True] * 5
    seen: list[Retagging] = []

    def broken(retaggings: Sequence[Retagging]) -> None:
        seen.extend(retaggings)
        raise ConnectionError("the broker is away")

    with pytest.raises(ConnectionError):
        publish_retaggings(ledger, broken, 3)
    clock.move(hours=2)
    other = open_one()
    assert pending_retaggings(other) == 5
    again = drain(other, 2)
    assert sorted(again, key=lambda each: each.article_id)[:3] == sorted(seen, key=lambda each: each.article_id)[:3]
    assert len(again) == 5


def test_an_edit_before_publication_makes_it_needless(ledger: Ledger, wire: Wire) -> None:
    article = publish(ledger, wire.publish(), "syria")
    keep_retaggings(ledger, [next_version(article, "russia")])
    edited = publish(ledger, wire.publish(body=HARBOUR + " New words.", fetched=5), "libya")
    latest = ledger.latest_article(edited.id)
    assert latest is not None
    assert (latest.version, set(latest.feeds)) == (3, {"libya", "russia", "syria"}), "its feeds hear of the edit"
    assert publish_retaggings(ledger, lambda _: pytest.fail("an edit must not be overwritten")) == PublishedRetaggings(
        superseded=1
    )


def test_no_edit_is_recorded_while_a_publication_is_under_way(open_one: Callable[[], Ledger], wire: Wire) -> None:
    ledger, job = open_one(), open_one()
    article = publish(ledger, wire.publish(), "syria")
    keep_retaggings(ledger, [next_version(article, "russia")])
    edit = threading.Thread(target=publish, args=(job, wire.publish(body=HARBOUR + " New words.", fetched=5)))
    seen: list[int] = []

    def slowly(retaggings: Sequence[Retagging]) -> None:
        edit.start()
        edit.join(0.5)
        seen.append(retaggings[0].version)
        assert edit.is_alive(), "an edit that is recorded now could be published before"

    assert publish_retaggings(ledger, slowly).published == 1
    edit.join()
    assert seen == [2]
    latest = ledger.latest_article(article.id)
    assert latest is not None
    assert latest.version == 3


def test_who_repeats_an_old_version_learns_of_the_one_behind_it(ledger: Ledger, wire: Wire) -> None:
    article = publish(ledger, wire.publish(), "syria")
    other = publish(ledger, wire.publish("https://velmora-post.example/river", body=RIVER))
    keep_retaggings(ledger, [next_version(article, "russia")])
    [pending] = drain(ledger)
    assert retaggings_after(ledger, {article.id: 1, other.id: 1}) == {article.id: pending}
    assert retaggings_after(ledger, {article.id: 2}) == {}
    assert retaggings_after(ledger, {}) == {}
    publish(ledger, wire.publish(body=HARBOUR + " New words.", fetched=5))
    assert retaggings_after(ledger, {article.id: 1}) == {}, "the edit comes again by itself"


def test_current_versions_since(ledger: Ledger, wire: Wire, clock: Clock) -> None:
    urls = [f"https://velmora-post.example/{n}" for n in range(1203)]
    candidates = [wire.publish(url, body=f"Note number {n} of the day.") for n, url in enumerate(urls)]
    decisions = ledger.decide(candidates)
    articles = [decision.article for decision in decisions if decision.article is not None]
    ledger.record(
        [
            PublishedVersion(candidate.event.event_id, article.id, 1, encode_article(article))
            for candidate, article in zip(candidates, articles, strict=True)
        ]
    )
    clock.move(hours=5)
    keep_retaggings(ledger, [next_version(articles[7], "russia")])
    found = {stored.article_id: stored.version for stored in ledger.current_versions()}
    assert found == {article.id: 2 if article is articles[7] else 1 for article in articles}
    assert [s.article_id for s in ledger.current_versions(since=clock() - timedelta(hours=1))] == [articles[7].id]


def test_pruning_takes_them_along(ledger: Ledger, wire: Wire, clock: Clock) -> None:
    article = publish(ledger, wire.publish())
    keep_retaggings(ledger, [next_version(article, "russia")])
    clock.move(days=200)
    ledger.prune(timedelta(days=90))
    assert pending_retaggings(ledger) == 0
    assert drain(ledger) == []


def test_edits_and_retaggings_at_one_moment(open_one: Callable[[], Ledger], clock: Clock) -> None:
    """Two processes, one article: versions never collide, none is lost, and the last one has the last text."""
    jobs, editors = open_one(), open_one()
    wire = Wire()
    rounds = 60
    article = publish(jobs, wire.publish(language="ar", body=ARABIC), "syria")
    made: list[bool] = []
    texts = [f"{ARABIC} نص {number}" for number in range(rounds)]

    def edit() -> None:
        for number, text in enumerate(texts):
            publish(jobs, wire.publish(language="ar", body=text, fetched=number + 1), "syria")

    def retag() -> None:
        for number in range(rounds):
            current = editors.latest_article(article.id)
            assert current is not None
            made.extend(
                keep_retaggings(editors, [next_version(decode_article(current.value), "russia", rules=str(number))])
            )
            drain(editors)

    threads = [threading.Thread(target=work) for work in (edit, retag)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stored = list(jobs.articles(ids=[article.id]))
    assert [each.version for each in stored] == list(range(1, rounds + 2 + sum(made)))
    assert decode_article(stored[-1].value).body == texts[-1]
    held = jobs.known(article.id)
    assert held is not None
    assert held.version == stored[-1].version
    bodies = [decode_article(each.value).body for each in stored]
    assert [body for place, body in enumerate(bodies) if place == 0 or bodies[place - 1] != body] == [ARABIC, *texts]
