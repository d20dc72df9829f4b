"""The endless source as Beam sees it: positions, splits, bundles that end by themselves, one consumer a split."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from apache_beam.io.watermark_estimators import ManualWatermarkEstimator
from apache_beam.runners.sdf_utils import RestrictionTrackerView, ThreadsafeRestrictionTracker

from newsflow.config.load import load_config
from newsflow.errors import KafkaError
from newsflow.ingest.runtime import close_runtimes, runtime_for
from newsflow.kafka.reader import TopicPosition
from newsflow.kafka.split import Reading, Split, SplitReaders
from newsflow.model import Event
from newsflow.runners import endless
from newsflow.runners.endless import Positions, PositionsCoder, PositionsTracker, key_group, split_names, split_of

CONFIG = load_config(environ={}).config
POSITION = TopicPosition("t", "g")
FIRST, OTHER = (POSITION, Split(0, 1)), (POSITION, Split(1, 2))


def test_positions_travel_as_json() -> None:
    coder = PositionsCoder()
    for positions in (Positions(), Positions({0: 1, 12: 1 << 40}), Positions({3: 0}, closed=True)):
        assert coder.decode(coder.encode(positions)) == positions
    assert coder.encode(Positions({10: 2, 9: 1})) == b'{"offsets":{"9":1,"10":2},"closed":false}'


def test_a_split_leaves_what_is_claimed_and_passes_on_the_rest() -> None:
    tracker = PositionsTracker(Positions({0: 5}))
    assert tracker.try_claim(Positions({0: 8}))
    assert tracker.try_split(0) == (Positions({0: 8}, closed=True), Positions({0: 8}))
    assert not tracker.try_claim(Positions({0: 9}))
    assert tracker.current_restriction() == Positions({0: 8}, closed=True)
    assert tracker.check_done()


def test_what_has_no_end_is_split_nowhere_else_and_only_once() -> None:
    tracker = PositionsTracker(Positions({0: 5}))
    assert tracker.try_split(0.5) is None
    assert tracker.try_split(0) is not None
    assert tracker.try_split(0) is None


def test_a_bundle_that_forgets_the_rest_is_found_out() -> None:
    with pytest.raises(ValueError, match="without passing on"):
        PositionsTracker(Positions({0: 5})).check_done()


def test_split_names_hash_as_beam_and_flink_do() -> None:
    # As KeyGroupRangeAssignment.assignToKeyGroup(FlinkKey.of(…), 128) said of them, Beam 2.70, Flink 1.19.
    known = {b"0/1~550": 64, b"0/2~37": 32, b"1/2~151": 96, b"2/4~452": 80, b"5/6~229": 117}
    assert {name: key_group(name) for name in known} == known


@pytest.mark.parametrize("total", [1, 2, 3, 4, 6, 12, 50, 128, 200])
def test_splits_spread_over_any_number_of_workers(total: int) -> None:
    names = split_names(total)
    assert [split_of(name) for name in names] == [Split(index, total) for index in range(total)]
    for workers in (1, 2, 3, 4, 8):
        loads = [0] * workers
        for name in names:
            loads[key_group(name) * workers // 128] += 1
        assert max(loads) - min(loads) <= (1 if total <= 128 else 2), (total, workers, loads)


class ScriptedReader:
    """Gives what it is told to, and notes where it was asked to read from."""

    def __init__(self, batches: list[int], size: int = 10) -> None:
        self.batches, self.size = batches, size
        self.asked: list[tuple[dict[int, int], int]] = []
        self.done: list[dict[int, int]] = []
        self.stood: dict[int, int] = {}

    def read(self, positions: Mapping[int, int], most: int, marks: Mapping[int, str]) -> Reading:
        self.asked.append((dict(positions), most))
        start = positions.get(0, 0)
        count = min(self.batches.pop(0) if self.batches else 0, most)
        events = [Event("t", 0, start + n, 1_000 + start + n, None, b"x" * self.size) for n in range(count)]
        return Reading(events, {0: start + count}, 1_000 + start + count if count else None)

    def moved(self, positions: Mapping[int, int]) -> bool:
        return positions != self.stood

    def finished(self, positions: Mapping[int, int], marks: Mapping[int, str]) -> None:
        self.done.append(dict(positions))

    def close(self) -> None:
        pass


class Bundle:
    """One call of `ReadSplit.process`, as a runner makes it."""

    def __init__(self, positions: Positions, watermark: Any = None) -> None:
        self.tracker = ThreadsafeRestrictionTracker(PositionsTracker(positions))
        self.estimator = ManualWatermarkEstimator(watermark)
        self.callbacks: list[Any] = []

    def register(self, callback: Any) -> None:
        self.callbacks.append(callback)

    def run(self) -> list[Any]:
        work = endless.ReadSplit(CONFIG, POSITION)
        work.setup()
        return list(work.process(SPLIT, self, RestrictionTrackerView(self.tracker), self.estimator))

    @property
    def residual(self) -> tuple[Positions, float]:
        status = self.tracker.deferred_status()
        assert status is not None
        residual, delay = status
        return residual, delay.micros / 1e6


SPLIT = b"0/1~550"


@pytest.fixture
def readers() -> Iterator[SplitReaders]:
    """Those of the process."""
    yield runtime_for(CONFIG).split_readers
    close_runtimes()


@pytest.fixture
def scripted(readers: SplitReaders) -> Callable[[ScriptedReader], ScriptedReader]:
    def use(reader: ScriptedReader) -> ScriptedReader:
        readers._readers[FIRST] = (reader, 1e12)  # type: ignore[assignment]
        return reader

    return use


def test_a_silent_split_ends_its_bundle_at_once_and_comes_back_later(scripted: Any) -> None:
    reader = scripted(ScriptedReader([0]))
    reader.stood = {0: 7}
    bundle = Bundle(Positions({0: 7}))
    assert bundle.run() == []
    residual, delay_s = bundle.residual
    assert residual == Positions({0: 7})
    assert 0 < delay_s <= endless.IDLE_POLL_S
    assert bundle.callbacks == [], "nothing moved, nothing to commit"


def test_a_silent_split_in_a_new_process_commits_what_the_one_before_may_not_have(scripted: Any) -> None:
    reader = scripted(ScriptedReader([0]))
    bundle = Bundle(Positions({0: 7}))
    assert bundle.run() == []
    [commit] = bundle.callbacks
    commit()
    assert reader.done == [{0: 7}]


def test_a_bundle_reads_on_until_there_is_nothing(scripted: Any) -> None:
    reader = scripted(ScriptedReader([3, 2, 0]))
    bundle = Bundle(Positions({0: 7}))
    batches = bundle.run()
    assert [len(batch.value) for batch in batches] == [3, 2]
    assert [float(batch.timestamp) for batch in batches] == [1.007, 1.010]
    assert bundle.residual[0] == Positions({0: 12})
    assert [asked for asked, _ in reader.asked] == [{0: 7}, {0: 10}, {0: 12}]
    [commit] = bundle.callbacks
    assert reader.done == []
    commit()
    assert reader.done == [{0: 12}]


def test_a_bundle_ends_by_records(scripted: Any) -> None:
    reader = scripted(ScriptedReader([500] * 99))
    assert sum(len(batch.value) for batch in Bundle(Positions()).run()) == endless.BUNDLE_RECORDS
    assert len(reader.asked) == endless.BUNDLE_RECORDS // 500


def test_a_bundle_ends_by_bytes(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endless, "BUNDLE_BYTES", 1_000)
    scripted(ScriptedReader([4] * 99, size=100))
    bundle = Bundle(Positions())
    assert sum(len(batch.value) for batch in bundle.run()) == 12
    residual, delay_s = bundle.residual
    assert residual == Positions({0: 12})
    assert delay_s <= 0


def test_a_bundle_ends_by_time(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endless, "BUNDLE_S", 0.0)
    scripted(ScriptedReader([1] * 99))
    assert len(Bundle(Positions()).run()) == 1


def test_what_was_read_after_the_runner_took_the_rest_is_left_to_it(scripted: Any) -> None:
    bundle = Bundle(Positions({0: 5}))

    class Late(ScriptedReader):
        def read(self, positions: Mapping[int, int], most: int, marks: Mapping[int, str]) -> Reading:
            if len(self.asked) == 1:
                assert bundle.tracker.try_split(0) is not None
            return super().read(positions, most, marks)

    scripted(Late([2, 2, 2]))
    assert sum(len(batch.value) for batch in bundle.run()) == 2
    assert bundle.tracker.current_restriction() == Positions({0: 7}, closed=True)


def test_the_watermark_of_a_job_never_goes_back_when_a_reader_begins_anew(scripted: Any) -> None:
    from apache_beam.utils.timestamp import Timestamp

    scripted(ScriptedReader([3]))
    bundle = Bundle(Positions(), Timestamp(5_000))
    bundle.run()
    assert bundle.estimator.current_watermark() == Timestamp(5_000)


def test_one_reader_serves_all_instances_of_a_process(monkeypatch: pytest.MonkeyPatch, readers: SplitReaders) -> None:
    made: list[ScriptedReader] = []

    def make(*_: Any) -> ScriptedReader:
        made.append(ScriptedReader([]))
        return made[-1]

    monkeypatch.setattr(SplitReaders, "_make", make)
    threads = [threading.Thread(target=readers.get, args=(FIRST,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    readers.get(OTHER)
    assert len(made) == 2


def test_readers_of_splits_that_went_elsewhere_are_closed(
    monkeypatch: pytest.MonkeyPatch, readers: SplitReaders
) -> None:
    closed: list[str] = []

    class Old(ScriptedReader):
        def close(self) -> None:
            closed.append("old")

    readers._readers[OTHER] = (Old([]), -1e9)  # type: ignore[assignment]
    monkeypatch.setattr(SplitReaders, "_make", lambda *_: ScriptedReader([]))
    readers.get(FIRST)
    assert closed == ["old"]
    readers.finished(OTHER, {1: 5}, {})  # its bundle may be finalised after it left: nothing happens


def test_a_reader_that_failed_is_closed_and_not_used_again(
    scripted: Any, monkeypatch: pytest.MonkeyPatch, readers: SplitReaders
) -> None:
    closed: list[str] = []

    class Stuck(ScriptedReader):
        def read(self, positions: Mapping[int, int], most: int, marks: Mapping[int, str]) -> Reading:
            raise KafkaError("nothing came")

        def close(self) -> None:
            closed.append("stuck")

    scripted(Stuck([]))
    with pytest.raises(KafkaError, match="nothing came"):
        Bundle(Positions()).run()
    assert closed == ["stuck"]
    fresh = ScriptedReader([])
    monkeypatch.setattr(SplitReaders, "_make", lambda *_: fresh)
    assert readers.get(FIRST) is fresh  # type: ignore[comparison-overlap]
