"""A store of our own where there is none that can be read: a copy of what the ledger has published."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime, timedelta

from newsflow.errors import NewsflowError, SinkError
from newsflow.ledger import Ledger, StoredVersion
from newsflow.ledger.opening import open_database, pending_migrations
from newsflow.stores.contract import StoreRow, path_of
from newsflow.stores.sqlite import SqliteStore

log = logging.getLogger(__name__)
POLL_S = 1.0
FORGET_EVERY_S = 60.0
OVERLAP = timedelta(seconds=60)
"""Versions are read again for so long: those of another worker may be committed later than their time says."""
AT_ONCE = 500


class LedgerCopy:
    """Keeps the SQLite store at `store_url` as the ledger is, in a thread, within a `with` block. It is filled when the
    block begins. What the ledger has forgotten is forgotten here within a minute."""

    def __init__(self, ledger_url: str, store_url: str) -> None:
        self._ledger_url, self._store_url = ledger_url, store_url
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="copy of the ledger", daemon=True)

    def __enter__(self) -> LedgerCopy:
        self._db = open_database(self._ledger_url, retry_for_s=5, create=False, read_only=True)
        try:
            if self._db.run(lambda: pending_migrations(self._db), writes=False):
                raise SinkError("the ledger is not up to date: run `newsflow ledger migrate`")
            self._store = SqliteStore(path_of(self._store_url))
            self._store.write([])
            self._ledger = Ledger(self._db)
            self._written: OrderedDict[tuple[str, int], datetime] = OrderedDict()
            self._since: datetime | None = None
            self.catch_up()
            self.forget()
        except BaseException:
            self._db.close()
            raise
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._store.close()
        self._db.close()

    def _run(self) -> None:
        forgotten = time.monotonic()
        while not self._stop.wait(POLL_S):
            try:
                self.catch_up()
                if time.monotonic() - forgotten > FORGET_EVERY_S:
                    self.forget()
                    forgotten = time.monotonic()
            except NewsflowError as error:
                log.warning("the copy of the ledger waits: %s", error)

    def catch_up(self) -> None:
        """Take over what was published since the last time."""
        since = self._since and self._since - OVERLAP
        batch: list[StoredVersion] = []
        for stored in self._ledger.articles(since=since):
            if (stored.article_id, stored.version) not in self._written:
                batch.append(stored)
            if len(batch) >= AT_ONCE:
                self._take(batch)
                batch = []
        self._take(batch)
        while self._written and self._since and next(iter(self._written.values())) < self._since - 2 * OVERLAP:
            self._written.popitem(last=False)

    def _take(self, batch: list[StoredVersion]) -> None:
        if not batch:
            return
        for refused in self._store.write([StoreRow.read(each.value) for each in batch]):
            log.warning("article %s is not shown: %s", refused.row.article.id, refused.message)
        self._written.update(((each.article_id, each.version), each.recorded_at) for each in batch)
        self._since = max([each.recorded_at for each in batch] + ([self._since] if self._since else []))

    def forget(self) -> None:
        """Forget the articles that the ledger no longer has."""
        here = self._store.ids()
        for start in range(0, len(here), AT_ONCE):
            self._store.remove(self._missing(here[start : start + AT_ONCE]))

    def _missing(self, ids: list[str]) -> Iterable[str]:
        sql = "SELECT DISTINCT article_id FROM emission WHERE article_id {in_texts}"
        known = {row[0] for row in self._db.run(lambda: self._db.query(sql, [self._db.list_of(ids)]), writes=False)}
        return [each for each in ids if each not in known]
