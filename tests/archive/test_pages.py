"""What is large travels beside its record, and what enters is kept before it is published."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from newsflow.archive.archive import Archive, Wanted
from newsflow.archive.pages import PutAside, forget_notes
from newsflow.blobs import BlobStore
from newsflow.errors import KafkaError, SinkError
from newsflow.ingest.claims import Claimed
from newsflow.ledger import Ledger
from newsflow.model import RawArticle
from newsflow.model.raw import parse_raw
from newsflow.sources.items import raw_event
from newsflow.sources.outlets import Entrance
from newsflow.testing import Clock

AT = datetime(2025, 3, 3, 6, tzinfo=UTC)
Pair = tuple[bytes, bytes]


def page(number: int, chars: int, letter: str = "x") -> Pair:
    hints = {"source": "post", "url": f"https://post.example/n/{number}", "title": "A ferry"}
    text = {"content": letter * chars, "content_is": "page", "content_type": "text/html"}
    return raw_event(hints, text, AT)


def test_what_is_larger_is_named_by_its_event_the_same_each_time(store: BlobStore, ledger: Ledger) -> None:
    aside = PutAside(lambda: store, ledger, 1_000)
    small, large, bytes_count = page(1, 1_000), page(2, 1_001), page(3, 600, "م")
    travelling = aside([small, large, bytes_count])
    assert travelling[0] == small
    assert [key for key, _ in travelling] == [small[0], large[0], bytes_count[0]]
    reader = Claimed(lambda: store, 10_000)
    for (_, value), content in zip(travelling[1:], ("x" * 1_001, "م" * 600), strict=True):
        raw = parse_raw(value)
        assert isinstance(raw, RawArticle)
        assert (raw.content_is, raw.title, raw.fetched_at, len(value) < 400) == ("page", "A ferry", AT, True)
        assert raw.dataref is not None
        assert reader.text(raw.dataref, "test") == content
    assert aside([large, bytes_count]) == travelling[1:]
    withdrawal = raw_event({"source": "post", "guid": "x" * 2_000}, {"action": "withdraw"}, AT)
    assert aside([withdrawal]) == [withdrawal]


class Broken:
    """Takes events only while it is well."""

    def __init__(self) -> None:
        self.taken: list[Pair] = []
        self.well = False

    def write(self, events: Iterable[Pair]) -> None:
        if not self.well:
            raise KafkaError("away")
        self.taken += events

    def close(self) -> None: ...


def test_what_cannot_be_published_is_kept_once_all_the_same(store: BlobStore, ledger: Ledger) -> None:
    archive, outlet = Archive(lambda: store, ledger), Broken()
    entrance = Entrance(outlet, PutAside(lambda: store, ledger, 1_000), archive.keep)
    events = [page(1, 5), page(2, 5_000)]
    for _ in range(2):
        with pytest.raises(KafkaError):
            entrance.write(iter(events))
    outlet.well = True
    entrance.write(iter(events))
    assert sorted(archive.value(each) for each in archive.entries(Wanted())) == sorted(value for _, value in events)
    assert outlet.taken[0] == events[0]
    assert "dataref" in orjson.loads(outlet.taken[1][1])


def test_nothing_is_published_that_could_not_be_kept(ledger: Ledger) -> None:
    def away(_: Iterable[bytes]) -> Any:
        raise SinkError("the blob store is away")

    outlet = Broken()
    outlet.well = True
    with pytest.raises(SinkError):
        Entrance(outlet, list, away).write([page(1, 5)])
    assert outlet.taken == []


def test_whose_pages_were_is_forgotten_after_they_went(store: BlobStore, ledger: Ledger, clock: Clock) -> None:
    aside = PutAside(lambda: store, ledger, 1_000)
    aside([page(1, 2_000), page(2, 3_000)])
    clock.move(days=100)
    aside([page(1, 2_000)])
    clock.move(days=100)
    forget_notes(ledger, timedelta(days=180))

    def left() -> int:
        return len(ledger.transact(lambda db: db.query("SELECT dataref FROM page_blob"), writes=False))

    assert left() == 1
    clock.move(days=100)
    forget_notes(ledger, timedelta(days=180))
    assert left() == 0
