"""What may be removed from the blob store: only what neither the ledger nor any record can still name."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

from newsflow.blobs import BlobStore
from newsflow.config.load import load_config
from newsflow.ingest.unnamed import longest_retention, remove_unnamed
from newsflow.ledger import Ledger
from newsflow.model import PendingAlert, PublishedVersion
from newsflow.model.claim import Blob
from newsflow.testing import Clock


def test_what_the_ledger_holds_and_what_is_young_stays(ledger: Ledger, clock: Clock, tmp_path: Path) -> None:
    assert longest_retention() >= timedelta(days=30), "dead letters stay for so long"
    clock.now = datetime.now(UTC)
    folder = tmp_path / "blobs"
    store = BlobStore(f"folder:///{folder}")
    config = load_config(environ={}, flags={"blobs.url": f"folder:///{folder}", "blobs.shared": True}).config
    assert remove_unnamed(config, ledger) == 0
    article, alert, forgotten, young = (orjson.dumps({"id": name}) for name in ("aa", "bb", "cc", "dd"))
    ledger.record([PublishedVersion("e1", "a1", 1, article, (), (PendingAlert("alert-1", "desk", alert, ("hook",)),))])
    for value in (article, alert, forgotten):
        old = clock.now - longest_retention() - timedelta(hours=1)
        os.utime(folder / store.put(value).dataref, (old.timestamp(), old.timestamp()))
    store.put(young)
    assert remove_unnamed(config, ledger) == 1
    assert {stored.blob for stored in store.blobs()} == set(map(Blob.of, (article, alert, young)))
    # Put again, it is young again.
    assert remove_unnamed(config, ledger) == 0


def test_a_store_out_of_reach_is_left_for_another_time(ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / "sha256").write_text("not a folder")
    url = {"blobs.url": f"folder:///{tmp_path}/blobs", "ledger.url": "postgresql://db.example/news"}
    assert remove_unnamed(load_config(environ={}, flags=url).config, ledger) == 0
    assert remove_unnamed(load_config(environ={}, flags=url | {"blobs.shared": True}).config, ledger) == 0
