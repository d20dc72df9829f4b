from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsflow.dedup import Fingerprint, fingerprint
from newsflow.ledger import Ledger, open_ledger
from newsflow.model import Action, Article, Candidate, Decision, Outcome, Reason
from newsflow.testing import Clock
from tests.ledger.ledger_helpers import ARABIC, HARBOUR, RIVER, START, Wire

EDITED = HARBOUR.replace("310 thousand", "290 thousand")


def decide_one(ledger: Ledger, candidate: Candidate) -> Decision:
    [decision] = ledger.decide([candidate])
    return decision


def article(decision: Decision) -> Article:
    assert decision.article is not None
    return decision.article


def test_new_article(ledger: Ledger, wire: Wire) -> None:
    candidate = wire.publish()
    decision = decide_one(ledger, candidate)
    settled = article(decision)
    assert (decision.outcome, decision.decided_at) == (Outcome.ADDED, START)
    assert (settled.version, settled.action, settled.first_seen) == (1, Action.ADD, START)
    assert settled.story
    assert settled.origin is not None
    assert settled.origin.event_id == candidate.event.event_id


def test_same_event_gets_the_same_answer_whatever_changed_meanwhile(ledger: Ledger, wire: Wire, clock: Clock) -> None:
    events = [wire.publish(), wire.publish(), wire.publish(body=EDITED), wire.reject(), wire.withdraw()]
    first = ledger.decide(events)
    clock.move(hours=5)
    again = [ledger.decide([event])[0] for event in reversed(events)]
    assert again[::-1] == first
    assert sum(ledger.outcomes().values()) == len(events)


def test_one_event_twice_in_a_batch_counts_once(ledger: Ledger, wire: Wire) -> None:
    candidate = wire.publish()
    first, second = ledger.decide([candidate, candidate])
    assert first == second
    assert ledger.outcomes() == {Outcome.ADDED: 1}


@pytest.mark.parametrize("together", [True, False])
def test_states_of_one_article(ledger: Ledger, wire: Wire, together: bool) -> None:
    events = [
        wire.publish(fetched=10),
        wire.publish(fetched=20),
        wire.publish(body=EDITED, fetched=30),
        wire.publish(fetched=15),
        wire.withdraw(fetched=40),
        wire.withdraw(fetched=41),
        wire.publish(body=EDITED, fetched=35),
        wire.publish(body=EDITED, fetched=50),
    ]
    decisions = ledger.decide(events) if together else [decide_one(ledger, event) for event in events]
    assert [(each.outcome, each.article and each.article.version) for each in decisions] == [
        (Outcome.ADDED, 1),
        (Outcome.REPEAT, 1),
        (Outcome.REPLACED, 2),
        (Outcome.STALE, 2),
        (Outcome.WITHDRAWN, 3),
        (Outcome.REPEAT, 3),
        (Outcome.STALE, 3),
        (Outcome.REPLACED, 4),
    ]
    assert len({each.article.id for each in decisions if each.article}) == 1


def test_the_bytes_that_are_held_are_a_repeat_whatever_a_release_makes_of_them(ledger: Ledger, wire: Wire) -> None:
    first, second = wire.publish(), wire.publish(fetched=1, body=RIVER)
    copy = wire.publish("https://tarsen.example/copy", source="tarsen")
    assert [each.outcome for each in ledger.decide([first, copy])] == [Outcome.ADDED, Outcome.DUPLICATE]

    def made_anew(candidate: Candidate) -> Decision:
        """The same bytes, of which this release makes another text."""
        body = article_of(candidate).body + " The mayor spoke too."
        event = replace(candidate.event, offset=wire.event().offset)
        return decide_one(ledger, replace(candidate, event=event, result=replace(article_of(candidate), body=body)))

    for candidate in (first, copy):
        again = made_anew(candidate)
        assert (again.outcome, article(again).version) == (Outcome.REPEAT, 1)
    assert decide_one(ledger, second).outcome is Outcome.REPLACED
    assert made_anew(second).outcome is Outcome.REPEAT
    assert decide_one(ledger, wire.withdraw(fetched=2)).promoted is not None
    promoted = made_anew(copy)
    assert (promoted.outcome, article(promoted).version) == (Outcome.REPEAT, 2)


def article_of(candidate: Candidate) -> Article:
    assert isinstance(candidate.result, Article)
    return candidate.result


def test_replacement_says_what_changed(ledger: Ledger, wire: Wire) -> None:
    ledger.decide([wire.publish()])
    change = decide_one(ledger, wire.publish(body=EDITED, title="Dredging resumes at last")).change
    assert change is not None
    assert change.title
    assert 0 < change.body_share < 0.1


def test_withdrawal_carries_the_last_text(ledger: Ledger, wire: Wire) -> None:
    ledger.decide([wire.publish()])
    gone = article(decide_one(ledger, wire.withdraw()))
    assert (gone.action, gone.version, gone.body) == (Action.WITHDRAW, 2, HARBOUR)


def test_withdrawal_before_its_article(ledger: Ledger, wire: Wire) -> None:
    early = decide_one(ledger, wire.withdraw(fetched=10))
    assert (early.outcome, early.article) == (Outcome.WITHDRAWN, None)
    assert decide_one(ledger, wire.publish(fetched=5)).outcome is Outcome.STALE
    later = decide_one(ledger, wire.publish(fetched=15))
    assert (later.outcome, article(later).version) == (Outcome.ADDED, 1)


def test_page_that_moves_but_keeps_its_guid_is_the_same_article(ledger: Ledger, wire: Wire) -> None:
    first = decide_one(ledger, wire.publish("https://a.example/old", guid="n-17"))
    moved = decide_one(ledger, wire.publish("https://a.example/new", guid="n-17"))
    assert moved.outcome is Outcome.REPEAT
    by_new_url = decide_one(ledger, wire.publish("https://a.example/new", body=RIVER))
    assert by_new_url.outcome is Outcome.REPLACED
    assert article(first).id == article(moved).id == article(by_new_url).id


def test_guid_of_another_source_is_another_article(ledger: Ledger, wire: Wire) -> None:
    ledger.decide([wire.publish(None, guid="1")])
    other = decide_one(ledger, wire.publish(None, RIVER, guid="1", source="tarsen-times"))
    assert other.outcome is Outcome.ADDED


@pytest.mark.parametrize(("body", "language"), [(HARBOUR, "en"), (ARABIC, "ar"), ("Short note.", "en")])
def test_exact_copy_in_another_outlet(ledger: Ledger, wire: Wire, body: str, language: str) -> None:
    first = decide_one(ledger, wire.publish(body=body, language=language))
    copy = decide_one(ledger, wire.publish("https://b.example/1", body, source="b", language=language))
    assert copy.outcome is Outcome.DUPLICATE
    assert copy.duplicate is not None
    assert (copy.duplicate.method, copy.duplicate.original.id) == ("exact", article(first).id)
    assert article(copy).duplicate_of == article(first).id
    assert article(copy).story == article(first).story


LONG_HEADLINE = "Harbour council of Merrow agrees to repair the old wall"


@pytest.mark.parametrize(
    ("title", "source", "minutes", "outcome"),
    [
        (LONG_HEADLINE, "b", 60, Outcome.DUPLICATE),
        (LONG_HEADLINE, "b", 2 * 24 * 60, Outcome.ADDED),
        ("Weather forecast", "b", 60, Outcome.ADDED),
        ("Weather forecast", "velmora-post", 2 * 24 * 60, Outcome.DUPLICATE),
    ],
)
def test_equal_headlines_without_a_text(
    ledger: Ledger, wire: Wire, title: str, source: str, minutes: float, outcome: Outcome
) -> None:
    first = decide_one(ledger, wire.publish(body="", title=title))
    other = decide_one(ledger, wire.publish("https://b.example/1", "", title=title, source=source, fetched=minutes))
    assert other.outcome is outcome
    assert (article(other).story == article(first).story) is (outcome is Outcome.DUPLICATE)


def test_publisher_version_outranks_the_time_of_fetching(ledger: Ledger, wire: Wire) -> None:
    ledger.decide([wire.publish(version="7", fetched=10)])
    assert decide_one(ledger, wire.publish(body=EDITED, version="6", fetched=20)).outcome is Outcome.STALE
    assert decide_one(ledger, wire.publish(body=EDITED, version="8", fetched=5)).outcome is Outcome.REPLACED


def test_rejected_event_is_counted_and_indexed(ledger: Ledger, wire: Wire) -> None:
    candidate = wire.reject(Reason.BAD_URL, "scheme 'ftp\x00'; accepted: http and https")
    decision = decide_one(ledger, candidate)
    assert decision.outcome is Outcome.DEAD_LETTERED
    assert ledger.reasons() == {Reason.BAD_URL: 1}
    [letter] = ledger.dead_letters()
    assert (letter.event_id, letter.rejected) == (candidate.event.event_id, decision.rejected)
    assert ledger.dead_letters(reason=Reason.NO_TEXT) == []


def test_article_that_has_no_bytes_is_a_dead_letter_and_spoils_nobody(ledger: Ledger, wire: Wire) -> None:
    broken, fine = ledger.decide([wire.publish(body="lone \ud800 surrogate"), wire.publish("https://b.example/")])
    assert (broken.outcome, fine.outcome) == (Outcome.DEAD_LETTERED, Outcome.ADDED)
    assert broken.rejected is not None
    assert broken.rejected.reason is Reason.TRANSFORM_ERROR


def test_amended_event_is_a_dead_letter_and_no_repeat_when_sent_again(ledger: Ledger, wire: Wire) -> None:
    candidate = wire.publish()
    decide_one(ledger, candidate)
    failure = wire.reject(Reason.TRANSFORM_ERROR, "the matcher failed").result
    assert not isinstance(failure, Article)
    [amended] = ledger.amend([(candidate.event.event_id, failure)])
    assert amended is not None
    assert (amended.outcome, amended.rejected) == (Outcome.DEAD_LETTERED, failure)
    assert ledger.decide([candidate]) == [amended]
    assert ledger.amend([(candidate.event.event_id, failure)]) == [amended]
    assert ledger.outcomes() == {Outcome.DEAD_LETTERED: 1}
    copy = decide_one(ledger, wire.publish("https://b.example/1", source="b"))
    assert copy.outcome is Outcome.ADDED, "nobody was given the first"
    again = decide_one(ledger, wire.publish())
    assert again.outcome in (Outcome.REPLACED, Outcome.DUPLICATE)


def test_amended_withdrawal_leaves_everything_as_it_was(ledger: Ledger, wire: Wire) -> None:
    urls = [f"https://{name}.example/1" for name in "abc"]
    first, *_ = ledger.decide([wire.publish(url, source=url) for url in urls])
    withdrawal = wire.withdraw(urls[0])
    promoted = decide_one(ledger, withdrawal).promoted
    failure = wire.reject(Reason.TRANSFORM_ERROR).result
    assert promoted is not None
    assert not isinstance(failure, Article)
    ledger.amend([(withdrawal.event.event_id, failure)])
    assert decide_one(ledger, wire.publish("https://d.example/1", source="d")).duplicate is not None
    assert decide_one(ledger, wire.publish(urls[0], source=urls[0])).outcome is Outcome.REPEAT
    again = decide_one(ledger, wire.withdraw(urls[0]))
    assert (again.outcome, article(again).id) == (Outcome.WITHDRAWN, article(first).id)
    assert again.promoted is not None
    assert (again.promoted.id, again.promoted.version) == (promoted.id, promoted.version + 1)


def test_amended_edit_is_an_edit_when_sent_again(ledger: Ledger, wire: Wire) -> None:
    first, edit = wire.publish(), wire.publish(body=EDITED)
    ledger.decide([first, edit])
    failure = wire.reject(Reason.TRANSFORM_ERROR).result
    assert not isinstance(failure, Article)
    ledger.amend([(edit.event.event_id, failure)])
    again = decide_one(ledger, wire.publish(body=EDITED))
    assert (again.outcome, article(again).version) == (Outcome.REPLACED, 3)
    with pytest.raises(KeyError, match="never decided"):
        ledger.amend([("0" * 32, failure)])


def test_event_is_found_by_id_and_by_place(ledger: Ledger, wire: Wire) -> None:
    candidate = wire.publish()
    decide_one(ledger, candidate)
    event = candidate.event
    found = ledger.event(event.event_id)
    assert found is not None
    assert (found.outcome, found.version) == ("added", 1)
    assert ledger.events_at(event.topic, event.partition, event.offset) == [found]
    assert ledger.event("0" * 32) is None


def test_hostile_texts_are_kept_or_dead_lettered_and_answered_alike(ledger: Ledger, wire: Wire) -> None:
    nasty = ["\x00", "a\x00b", "\ufffe", "'; DROP TABLE event; --", "\u202egnp.exe", "x" * 100_000, "%s ? {in_texts}"]
    events = [
        wire.publish(
            f"https://a.example/{text}",
            text,
            title=text,
            source=text,
            guid=text,
            language=text,
            version=text,
            agency=text,
        )
        for text in nasty
    ]
    events += [wire.withdraw(f"https://a.example/{text}", guid=text) for text in nasty]
    events.append(wire.publish("https://lone.example/", title="\udc80", source="lone"))
    events += [wire.reject(message=f"{text}\udc80") for text in nasty]
    decisions = ledger.decide(events)
    assert ledger.decide(events) == decisions
    assert sum(ledger.outcomes().values()) == len(events)
    assert decisions[0].outcome is Outcome.ADDED


def test_article_that_breaks_the_fingerprint_spoils_nobody(
    ledger: Ledger, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    from newsflow.ledger import steps as preparing

    def broken(title: str, body: str) -> Fingerprint:
        if body == RIVER:
            raise RuntimeError("too deep")
        return fingerprint(title, body)

    monkeypatch.setattr(preparing, "fingerprint", broken)
    bad, good = ledger.decide([wire.publish(body=RIVER), wire.publish("https://b.example/")])
    assert (bad.outcome, good.outcome) == (Outcome.DEAD_LETTERED, Outcome.ADDED)
    assert bad.rejected is not None
    assert "too deep" in bad.rejected.message


@pytest.mark.property
@given(st.lists(st.tuples(st.text(), st.text(), st.text(max_size=3), st.text(max_size=3), st.booleans()), max_size=8))
def test_any_texts_are_decided_and_answered_alike(rows: list[tuple[str, str, str, str, bool]]) -> None:
    ledger, wire = open_ledger("sqlite://"), Wire()
    events = [
        wire.withdraw(url or None, guid=guid)
        if withdraw
        else wire.publish(url or None, body, title=title, guid=guid, language=guid)
        for title, body, url, guid, withdraw in rows
    ]
    decisions = ledger.decide(events)
    assert [ledger.decide([event])[0] for event in events] == decisions
    assert sum(ledger.outcomes().values()) == len(events)
    ledger.close()


def test_topic_of_a_file_with_a_broken_name(ledger: Ledger) -> None:
    wire = Wire(topic="news-\udcff\x00.jsonl")
    candidate = wire.publish()
    first = ledger.decide([candidate])
    assert ledger.decide([candidate]) == first
    found = ledger.event(candidate.event.event_id)
    assert found is not None
    assert found.topic == "news-\ufffd\ufffd.jsonl"
