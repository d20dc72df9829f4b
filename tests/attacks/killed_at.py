"""Runs the newsflow command and ends it by SIGKILL at one place of the way of a batch, at the time it is there.

python killed_at.py PLACE TIME ARGUMENTS…
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

PLACES = ("before-deciding", "after-deciding", "after-recording", "while-publishing", "before-committing")


def main(place: str, at: int) -> None:
    from kafka import KafkaProducer

    from newsflow.cli import main as newsflow
    from newsflow.kafka.producer import BatchWriter
    from newsflow.kafka.reader import AvailableReader
    from newsflow.ledger import Ledger

    left = at

    def die(*_: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def half_way(writer: Any, *_: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            time.sleep(0.2)  # what was sent before is out
            os.kill(os.getpid(), signal.SIGKILL)

    owner, name, before, after = {
        "before-deciding": (Ledger, "decide", die, None),
        "after-deciding": (Ledger, "decide", None, die),
        "after-recording": (Ledger, "record", None, die),
        "while-publishing": (BatchWriter, "send", half_way, None),
        "before-committing": (AvailableReader, "finish", die, None),
        "before-sending-again-counts": (KafkaProducer, "commit_transaction", die, None),
        "after-sending-again-counts": (KafkaProducer, "commit_transaction", None, die),
    }[place]
    setattr(owner, name, around(getattr(owner, name), before, after))
    newsflow()


def around(original: Callable[..., Any], before: Any, after: Any) -> Callable[..., Any]:
    def wrapped(*arguments: Any, **more: Any) -> Any:
        before and before(*arguments)
        result = original(*arguments, **more)
        after and after()
        return result

    return wrapped


if __name__ == "__main__":
    chosen, time_text = sys.argv[1:3]
    del sys.argv[1:3]
    main(chosen, int(time_text))
