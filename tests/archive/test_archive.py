"""What is kept comes back as it was, each once, wherever it is killed; and only what is old, or taken down, goes."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import orjson
import pytest
from fastwarc.warc import ArchiveIterator, WarcRecordType

from newsflow.archive.archive import PREFIX, Archive, Wanted
from newsflow.archive.segments import LINES, PAGES, digest_of, pack, unpack
from newsflow.blobs import BlobMissingError, BlobStore
from newsflow.dedup.identity import url_keys, url_name
from newsflow.errors import SinkError
from newsflow.ledger import Ledger
from newsflow.ledger.takedown import Takedown, begin_takedown
from newsflow.sources.items import raw_event
from newsflow.testing import Clock

AT = datetime(2025, 3, 3, 6, tzinfo=UTC)
ODD = "https://post.example/a b?<x>\r\nWARC-Type: warcinfo"


def page(number: int, text: str = "A ferry.", **members: Any) -> bytes:
    hints = {"source": "post", "url": f"https://post.example/n/{number}", "guid": f"n-{number}", "title": "Fähre"}
    content = f"<html><h1>{number} ميناء</h1><p>{text}</p></html>"
    return raw_event(hints | members, {"content": content, "content_is": "page", "content_type": "text/html"}, AT)[1]


def wire(number: int) -> bytes:
    hints = {"source": "wire", "guid": f"urn:wire:{number}", "authors": ["Mira Sand"]}
    return raw_event(hints, {"content": "One\nTwo", "content_is": "article", "content_type": "text/plain"}, AT)[1]


def withdrawal(number: int) -> bytes:
    return raw_event({"source": "wire", "guid": f"urn:wire:{number}"}, {"action": "withdraw"}, AT)[1]


EVENTS = [page(1), wire(1), page(2), withdrawal(1), page(3, url=ODD), page(4, "WARC/1.0\r\n\r\n\x00")]


@pytest.fixture
def archive(store: BlobStore, ledger: Ledger) -> Archive:
    return Archive(lambda: store, ledger)


def kept(archive: Archive, wanted: Wanted | None = None) -> list[bytes]:
    return [archive.value(each) for each in archive.entries(wanted or Wanted())]


def files(store: BlobStore) -> dict[str, bytes]:
    """All files of the archive that are in a store, by their names."""
    from pyarrow.fs import FileSelector

    selector = FileSelector(store._path("archive"), recursive=True, allow_not_found=True)
    found = store._file_system.get_file_info(selector)
    names = [info.path.rpartition("/archive/")[2] for info in found if info.is_file and info.size]
    return {name: store.read_file(PREFIX + name) for name in names}


def copies(store: BlobStore) -> list[bytes]:
    """Every event in every file that is there, as another program would read them."""
    found = []
    for name, data in files(store).items():
        if name.endswith(LINES):
            found += gzip.decompress(data).splitlines()
        else:
            kinds = WarcRecordType.resource | WarcRecordType.metadata
            records = [each.reader.read() for each in ArchiveIterator(BytesIO(data), record_types=kinds)]
            for text, told in zip(records[::2], records[1::2], strict=True):
                found.append(orjson.dumps({**orjson.loads(told), "content": text.decode()}))
    return found


@pytest.mark.parametrize("value", EVENTS)
def test_an_event_comes_back_to_the_byte(value: bytes) -> None:
    packed = pack(value, orjson.loads(value))
    assert unpack(packed.kind, packed.data) == value
    for broken in (packed.data[: len(packed.data) // 2], b"nothing"):
        with pytest.raises(ValueError, match="not a record of the archive"):
            unpack(packed.kind, broken)


def test_pages_are_records_that_any_reader_of_warc_reads() -> None:
    packed = pack(EVENTS[4], orjson.loads(EVENTS[4]))
    assert packed.kind == PAGES
    [one] = ArchiveIterator(BytesIO(packed.data), record_types=WarcRecordType.resource, verify_digests=True)
    assert one.headers["WARC-Target-URI"] == "https://post.example/a%20b?%3Cx%3E%0D%0AWARC-Type:%20warcinfo"
    assert (one.record_date, one.headers["Content-Type"]) == (AT, "text/html; charset=utf-8")
    odd_order = orjson.dumps({"content": "<p>x</p>", "content_is": "page", "url": "https://post.example/1"}) + b" "
    assert pack(odd_order, orjson.loads(odd_order)).kind == LINES, "what would not come back as it was is kept as it is"


def test_what_is_kept_is_there_once_by_day_and_in_order(archive: Archive, store: BlobStore, clock: Clock) -> None:
    assert archive.keep(EVENTS) == len(EVENTS)
    clock.move(hours=1)
    later = page(1, "It sails twice.")
    assert archive.keep([*EVENTS, later, later]) == 1
    assert set(kept(archive)) == {*EVENTS, later}
    assert sorted(copies(store)) == sorted({*EVENTS, later})
    assert {name[:10] for name in files(store)} == {"2026-11-29", "2026-11-30"}
    assert kept(archive, Wanted(names=url_keys("http://www.post.example/n/1?utm_source=x"))) == [EVENTS[0], later]
    assert kept(archive, Wanted(source="wire", until=clock())) == [EVENTS[1], EVENTS[3]]
    assert kept(archive, Wanted(since=clock())) == kept(archive, Wanted(digest=digest_of(later)[:8])) == [later]


def test_more_than_a_page_of_entries_is_read_in_order(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("newsflow.archive.archive._PAGE", 3)
    values = [wire(number) for number in range(8)]
    archive.keep(values[:5])
    archive.keep(values[5:])
    assert sorted(kept(archive)) == sorted(values)
    assert sorted(kept(archive, Wanted(source="wire"))) == sorted(values)


class Killed(BaseException):
    """What happens to a process."""


@dataclass
class Dying:
    """Kills at the operation of a number, before or after it; not while `at` is 0."""

    at: int
    after: bool
    done: int = 0
    reached: bool = False

    def __call__(self, work: Callable[..., Any]) -> Callable[..., Any]:
        def operation(*given: Any, **named: Any) -> Any:
            self.done += 1
            due = self.done == self.at
            self.reached = self.reached or due
            if due and not self.after:
                raise Killed
            result = work(*given, **named)
            if due:
                raise Killed
            return result

        return operation

    def arm(self, at: int) -> None:
        self.at, self.done = at, 0


def deaths(ledger: Ledger, store: BlobStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, Dying]]:
    """One death at each operation on ledger and store, before and after it, as long as there are so many."""
    for at in range(1, 20):
        for after in (False, True):
            dying = Dying(0, after)
            with monkeypatch.context() as patch:
                patch.setattr(ledger, "transact", dying(ledger.transact))
                for name in ("put_file", "remove_file"):
                    patch.setattr(store, name, dying(getattr(store, name)))
                yield at, dying
            if not dying.reached:
                assert at > 2
                return


def again(work: Callable[[], object], at: int, dying: Dying) -> None:
    """Do it, die on the way, and do it again."""
    dying.arm(at)
    with suppress(Killed):
        work()
    dying.arm(0)
    work()


def test_killed_anywhere_nothing_half_written_counts_and_nothing_is_there_twice(
    archive: Archive, store: BlobStore, ledger: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = list[bytes]()
    for number, (at, dying) in enumerate(deaths(ledger, store, monkeypatch)):
        clock.move(seconds=1)
        now, batch = Wanted(since=clock()), [page(number), wire(number)]
        dying.arm(at)
        with suppress(Killed):
            archive.keep(batch)
        dying.arm(0)
        counted = kept(archive, now)
        assert set(counted) <= set(batch), "what counts can be read"
        assert len(set(counted)) == len(counted)
        archive.keep(batch)
        assert sorted(kept(archive, now)) == sorted(batch)
        values += batch
    assert sorted(copies(store)) == sorted(values)


def test_another_batch_after_a_kill(archive: Archive, store: BlobStore, clock: Clock, ledger: Ledger) -> None:
    """Its event counts once, though it is in a file that nobody ended; which goes a day later."""
    with pytest.MonkeyPatch.context() as patch:
        put = store.put_file
        patch.setattr(store, "put_file", Dying(1, after=True)(put))
        with pytest.raises(Killed):
            archive.keep([wire(1)])
    assert kept(archive) == []
    archive.keep([wire(1), wire(2)])
    assert sorted(kept(archive)) == sorted([wire(1), wire(2)])
    assert archive.prune(None, None) == 0, "it might still be being written"
    clock.move(days=2)
    assert archive.prune(None, None) == 1
    assert sorted(copies(store)) == sorted([wire(1), wire(2)])


def test_a_file_that_took_too_long_is_written_again(
    archive: Archive, store: BlobStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = store.put_file

    def slow(name: str, value: bytes) -> None:
        clock.move(days=2)
        assert archive.prune(None, None) == 1
        put(name, value)

    with monkeypatch.context() as patch:
        patch.setattr(store, "put_file", slow)
        with pytest.raises(SinkError, match="written again"):
            archive.keep([wire(1)])
    assert files(store) == {}
    archive.keep([wire(1)])
    assert kept(archive) == copies(store) == [wire(1)]


def test_age_and_size_apply_to_the_archive_alone(archive: Archive, store: BlobStore, clock: Clock) -> None:
    blob = store.put(b"what a record, a dead letter or an article points to")
    for number in range(4):
        archive.keep([wire(number)])
        clock.move(days=3)
    assert archive.prune(None, None) == 0
    assert archive.prune(timedelta(days=10), None) == 1
    assert kept(archive) == [wire(1), wire(2), wire(3)]
    size = sum(map(len, files(store).values()))
    assert archive.prune(None, size) == 0
    assert archive.prune(None, size - 1) == 1
    assert kept(archive) == sorted(copies(store)) == [wire(2), wire(3)]
    archive.keep([wire(4)])
    assert archive.prune(timedelta(0), 1) == 2
    assert kept(archive) == [wire(4)], "what is of the last day stays"
    assert store.get(blob, 1_000) == b"what a record, a dead letter or an article points to"


def test_killed_while_it_prunes(
    archive: Archive, store: BlobStore, ledger: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, (at, dying) in enumerate(deaths(ledger, store, monkeypatch)):
        archive.keep([wire(number)])
        clock.move(days=5)
        again(lambda: archive.prune(timedelta(days=2), None), at, dying)
        assert kept(archive) == copies(store) == []


def test_what_is_cut_out_is_in_no_file_and_the_rest_stays(
    archive: Archive, store: BlobStore, ledger: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    staying = list[bytes]()
    for number, (at, dying) in enumerate(deaths(ledger, store, monkeypatch)):
        clock.move(seconds=1)
        now, batch = Wanted(since=clock()), [page(10 * number + each) for each in range(3)] + [wire(number)]
        archive.keep(batch)
        doomed = archive.named([url_name(f"https://post.example/n/{10 * number + 1}")])
        assert doomed == [digest_of(batch[1])]
        again(lambda doomed=doomed: archive.forget(doomed), at, dying)  # type: ignore[misc]
        assert sorted(kept(archive, now)) == sorted([batch[0], batch[2], batch[3]])
        staying += [batch[0], batch[2], batch[3]]
    assert sorted(copies(store)) == sorted(staying)


def test_what_comes_of_an_article_that_was_taken_down_is_not_kept(archive: Archive, ledger: Ledger) -> None:
    def take_down(db: Any) -> None:
        db.insert("identity", "name, article_id", [(url_name("https://post.example/n/1"), "a1")])
        begin_takedown(db, Takedown("a1", ledger.now(), "desk", "asked for", ledger.now()))

    ledger.transact(take_down)
    assert archive.keep([page(1), page(2)]) == 1
    assert kept(archive) == [page(2)]


def test_a_damaged_or_missing_file_is_told(archive: Archive, store: BlobStore) -> None:
    archive.keep([wire(1)])
    [name] = files(store)
    [entry] = archive.entries(Wanted())
    store.put_file(PREFIX + name, gzip.compress(wire(2) + b"\n"))
    with pytest.raises(BlobMissingError, match="other bytes"):
        archive.value(entry)
    store.remove_file(PREFIX + name)
    with pytest.raises(BlobMissingError, match="is not in"):
        archive.value(entry)
