"""Passages that articles of several stories of one source carry have no weight; what is learnt depends on no batch."""

from __future__ import annotations

import pytest

from newsflow.ledger import Ledger, open_ledger
from newsflow.model import Candidate, Decision, Outcome
from tests.ledger.ledger_helpers import Wire

FOOTER = (
    " The council publishes these notices every working day. Readers can find all of them on its page, together with "
    "forms, opening hours and contact details for every department, and can subscribe to receive them by post. Notices "
    "of earlier years are kept in the archive on Quay Street, which is open on weekdays."
)
NOTICES = [
    ("Bakery closes", "A bakery in Mill Lane closes after forty years because no successor was found in the town."),
    ("Birches planted", "Volunteers planted birches along the river to hold the bank where floods carried soil away."),
    ("Ring road works", "Drivers should avoid the ring road while workers replace pipes near the hospital until June."),
    ("Maps on show", "An exhibition of old maps drew crowds to the library, whose director plans another about trade."),
]
OTHER = (
    "Nurses vote",
    "Nurses at the clinic voted for a strike next week after talks on their shifts had failed once more.",
)


def candidates() -> list[Candidate]:
    """Notices of the council, then one that another outlet prints with the same footer, then a copy of that."""
    wire = Wire()
    sent = [("council", title, body + FOOTER) for title, body in NOTICES]
    sent += [("post", OTHER[0], OTHER[1] + FOOTER), ("echo", OTHER[0], "From our desk. " + OTHER[1] + FOOTER)]
    return [
        wire.publish(f"https://{source}.example/{number}", body, title=title, source=source, fetched=number)
        for number, (source, title, body) in enumerate(sent)
    ]


def outcomes(decisions: list[Decision]) -> list[Outcome]:
    return [each.outcome for each in decisions]


EXPECTED = [Outcome.ADDED] * 5 + [Outcome.DUPLICATE]


def test_a_footer_that_a_source_repeats_makes_no_copies(ledger: Ledger) -> None:
    decisions = ledger.decide(candidates())
    assert outcomes(decisions) == EXPECTED
    stories = [each.article.story for each in decisions if each.article is not None]
    assert len(set(stories)) == 5
    assert stories[4] == stories[5]


@pytest.mark.parametrize("size", [1, 2, 4])
def test_what_is_learnt_depends_on_no_batch(size: int) -> None:
    def learnt(ledger: Ledger) -> object:
        return ledger.transact(lambda db: db.query("SELECT language, source, shingles, learnt_at FROM boilerplate"))

    sent, whole, cut = candidates(), open_ledger("sqlite://"), open_ledger("sqlite://")
    decided = [each for at in range(0, len(sent), size) for each in cut.decide(sent[at : at + size])]
    assert outcomes(decided) == outcomes(whole.decide(sent))
    assert learnt(cut) == learnt(whole)
    again = cut.decide(sent)
    assert [each.outcome for each in again] == EXPECTED
    assert learnt(cut) == learnt(whole)


def test_articles_of_one_story_teach_nothing(ledger: Ledger) -> None:
    wire = Wire()
    body = OTHER[1] + FOOTER
    sent = [
        wire.publish(f"https://post.example/{n}", f"{'Updated. ' * n}{body} Part {n} follows.", title="Nurses vote")
        for n in range(4)
    ]
    ledger.decide(sent)
    assert ledger.transact(lambda db: db.query("SELECT source FROM boilerplate")) == []
