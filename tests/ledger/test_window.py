"""What a process remembers of texts: no more than their window holds."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from newsflow.ledger import open_ledger
from newsflow.model import Outcome
from newsflow.testing import Clock
from tests.ledger.ledger_helpers import HARBOUR, Wire


def test_texts_beyond_the_window_are_forgotten(wire: Wire, clock: Clock, tmp_path: Path) -> None:
    with closing(open_ledger(f"sqlite:///{tmp_path}/ledger.sqlite3", clock=clock, window_h=1)) as ledger:
        held = []
        for hour in range(0, 60, 3):
            body = HARBOUR.replace("310 thousand", f"{hour} thousand")
            copies = [wire.publish(f"https://port.example/{hour}-{n}", body) for n in range(4)]
            outcomes = [ledger.decide([each])[0].outcome for each in copies]
            assert outcomes == [Outcome.ADDED, *[Outcome.DUPLICATE] * 3]
            held.append(len(ledger._decider._texts._prints))
            clock.move(hours=3)
        assert max(held) == held[0] == held[-1] > 0
