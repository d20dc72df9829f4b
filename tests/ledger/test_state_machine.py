"""Any order of publishing, editing, repeating, withdrawing and replaying, against the model of the rules."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from newsflow.ledger import Ledger, open_ledger
from newsflow.model import Candidate, Decision
from newsflow.testing import Clock
from tests.ledger.ledger_helpers import START, Wire
from tests.ledger.ledger_model import Answer, Model, make_texts

TEXTS = make_texts()
PLACES = 6

operations = st.tuples(
    st.sampled_from(["publish", "publish", "publish", "publish", "withdraw"]),
    st.integers(0, PLACES - 1),
    st.integers(0, len(TEXTS) - 1),
    st.integers(-5, 10) | st.just(-2_900),
)
Operation = tuple[str, int, int, int]


class Newsroom:
    """Sends operations to a ledger and to the model, and compares the answers."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self.ledger, self.clock, self.model, self.wire = ledger, clock, Model(), Wire()
        self.minute = 0
        self.sent: list[Candidate] = []
        self.decisions: list[Decision] = []
        self.ids: dict[str, str] = {}
        self.stories: dict[str, str] = {}
        self.outcomes: Counter[str] = Counter()

    def send(self, batch: list[Operation]) -> None:
        self.clock.move(minutes=1)
        candidates, answers = [], []
        for kind, place, text, minutes in batch:
            self.minute += max(minutes, 0)
            fetched = self.minute + min(minutes, 0)
            url = f"https://outlet-{place}.example/story"
            if kind == "withdraw":
                candidates.append(self.wire.withdraw(url, fetched=fetched))
            else:
                candidates.append(
                    self.wire.publish(url, TEXTS[text], title="A note", source=f"outlet-{place}", fetched=fetched)
                )
            self.ids.setdefault(url, _identity(candidates[-1]))
            # The model knows the articles by the ids of the ledger, which break ties between equals.
            name = self.ids[url]
            answers.append(
                self.model.withdraw(name, fetched)
                if kind == "withdraw"
                else self.model.publish(name, TEXTS[text], fetched, START + timedelta(minutes=fetched))
            )
        decisions = self.ledger.decide(candidates)
        for decision, answer in zip(decisions, answers, strict=True):
            self.compare(decision, answer)
            self.outcomes[decision.outcome.value] += 1
        self.sent += candidates
        self.decisions += decisions

    def compare(self, decision: Decision, answer: Answer) -> None:
        article, promoted = decision.article, decision.promoted
        found = Answer(
            decision.outcome.value,
            None if article is None else article.id,
            None if article is None else article.version,
            None if article is None else article.duplicate_of,
            answer.story,
            None if promoted is None else promoted.id,
        )
        assert found == answer
        if article is not None and answer.story is not None:
            assert self.stories.setdefault(answer.story, article.story or "") == article.story
        if promoted is not None:
            assert promoted.duplicate_of is None

    def wait(self, hours: int) -> None:
        self.clock.move(hours=hours)
        self.minute += 60 * hours

    def replay(self, numbers: list[int]) -> None:
        self.clock.move(minutes=1)
        places = [number % len(self.sent) for number in numbers]
        assert self.ledger.decide([self.sent[place] for place in places]) == [self.decisions[p] for p in places]

    def check_sums(self) -> None:
        assert {outcome.value: events for outcome, events in self.ledger.outcomes().items()} == dict(self.outcomes)


def _identity(candidate: Candidate) -> str:
    from newsflow.dedup.identity import identity_keys
    from newsflow.model import Article

    assert isinstance(candidate.result, Article)
    return identity_keys(candidate.result)[0]


class LedgerMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        clock = Clock(START)
        self.room = Newsroom(open_ledger("sqlite://", clock=clock), clock)

    @rule(batch=st.lists(operations, min_size=1, max_size=4))
    def send(self, batch: list[Operation]) -> None:
        self.room.send(batch)

    @rule(hours=st.sampled_from([1, 30, 71, 73]))
    def wait(self, hours: int) -> None:
        self.room.wait(hours)

    @precondition(lambda self: self.room.sent)
    @rule(numbers=st.lists(st.integers(0, 1000), min_size=1, max_size=5))
    def replay(self, numbers: list[int]) -> None:
        self.room.replay(numbers)

    @invariant()
    def sums_hold(self) -> None:
        self.room.check_sums()

    def teardown(self) -> None:
        self.room.ledger.close()


LedgerMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


TestLedgerMachine = pytest.mark.property(LedgerMachine.TestCase)


def random_batches(seed: int, count: int) -> list[list[Operation]]:
    """Newcomers all the time, so that there are always copies; originals are withdrawn often."""
    draw = random.Random(seed)

    def one(newest: int) -> Operation:
        if draw.random() < 0.25:
            return "withdraw", draw.randint(0, newest), 0, draw.randint(0, 10)
        place = draw.randint(max(0, newest - 12), newest)
        family = place % 2 * 4
        text = draw.randrange(len(TEXTS)) if draw.random() < 0.2 else draw.randrange(family, family + 4)
        return "publish", place, text, draw.randint(-3, 10)

    return [[one(number) for _ in range(draw.randint(1, 5))] for number in range(count)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_long_random_history_on_each_database(ledger: Ledger, clock: Clock, seed: int) -> None:
    room = Newsroom(ledger, clock)
    for batch in random_batches(seed, 80):
        room.send(batch)
        room.wait(1)
    room.replay(list(range(len(room.sent))))
    room.check_sums()
    assert room.outcomes["duplicate"] > 30
    assert sum(decision.promoted is not None for decision in room.decisions) >= 3
