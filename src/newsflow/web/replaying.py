"""What is sent again from the page of dead letters. Everything else that is served only reads: this opens the ledger
and Kafka to write, by itself, and only when somebody who may asks for it."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import closing

from newsflow.config.settings import Config
from newsflow.errors import KafkaError, NewsflowError
from newsflow.ingest.letters import Replayer, read_on, why_not
from newsflow.ingest.runtime import opened
from newsflow.ledger import Ledger, open_ledger
from newsflow.ledger.letters import Wanted, find_letters
from newsflow.model.letter import Letter, State
from newsflow.secrets import resolve
from newsflow.web.answers import ProblemError

log = logging.getLogger(__name__)
READ_EVERY_S = 15.0
PATIENCE_S = 5.0


class Replays:
    """As `newsflow dlq replay ID` does it, one at a time. Safe to share between threads; blocks on Kafka."""

    def __init__(self, config: Config) -> None:
        self._config, self._lock, self._read_at = config, threading.Lock(), -READ_EVERY_S

    def read_on(self) -> None:
        """Bring the index of letters up to date, unless that was done a moment ago; where Kafka or the ledger do not
        answer it stays as it is."""
        with self._lock:
            if time.monotonic() - self._read_at < READ_EVERY_S:
                return
            try:
                with closing(self._ledger()) as ledger:
                    read_on(self._config, ledger, connect_timeout_s=PATIENCE_S)
            except NewsflowError as error:
                log.warning("the index of dead letters is as it was: %s", error)
            self._read_at = time.monotonic()

    def replay(self, letter_id: str, by: str, why: str) -> None:
        """Send an open letter again; who did it and why is said in the topic of letters' states.

        Raises ProblemError for one that is not there or not open, or that cannot be sent again.
        """
        with self._lock, closing(self._ledger()) as ledger:
            self._read_at = -READ_EVERY_S  # whatever comes of it is to be seen
            try:
                self._replay(ledger, letter_id, by, why)
            except KafkaError as error:
                log.warning("%s", error)
                raise ProblemError(503, f"nothing was sent, or the page says that it was: {error}") from error

    def _replay(self, ledger: Ledger, letter_id: str, by: str, why: str) -> None:
        with opened(self._config) as runtime, closing(Replayer(runtime, by)) as replayer:
            # Behind the transaction of whoever sent before: what the index has now is all there is.
            read_on(self._config, ledger, connect_timeout_s=PATIENCE_S)
            letter = self._find(ledger, letter_id)
            if letter.state is not State.OPEN:
                raise ProblemError(409, f"letter {letter_id} is {letter.state}")
            if cause := why_not(letter, self._config):
                raise ProblemError(409, f"letter {letter_id} cannot be sent again: {cause}")
            replayer.replay([letter], why)
            if not replayer.counts["replayed"]:
                raise ProblemError(409, f"letter {letter_id} is gone from Kafka")
            log.info("letter %s sent again by %s", letter_id, by)
            read_on(self._config, ledger, connect_timeout_s=PATIENCE_S)

    def _find(self, ledger: Ledger, letter_id: str) -> Letter:
        found = ledger.transact(lambda db: find_letters(db, Wanted(id=letter_id), 1), writes=False)
        if not found:
            raise ProblemError(404, f"there is no dead letter {letter_id!r}")
        return found[0]

    def _ledger(self) -> Ledger:
        config = self._config.ledger
        return open_ledger(resolve(config.url), retry_for_s=PATIENCE_S, window_h=config.window_h)
