"""The bounded reader against a scripted consumer: gaps, retention, a topic made anew, bounds, restarts, the merge."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka import TopicPartition
from kafka.errors import LogTruncationError, OffsetOutOfRangeError
from kafka.structs import OffsetAndMetadata

from newsflow.errors import KafkaError, UsageError
from newsflow.kafka.reader import AvailableReader, RunLimits

TOPIC = "t"


class ScriptedConsumer:
    """A consumer over lists of offsets: `logs[p]` are the offsets that hold a record, `ends[p]` the log's end."""

    def __init__(self, logs: dict[int, list[int]], ends: dict[int, int], begins: dict[int, int] | None = None) -> None:
        self.logs, self.ends, self.begins = logs, ends, begins or {}
        self.stored: dict[Any, int] = {}
        self.marks: dict[Any, str] = {}
        self.positions: dict[Any, int] = {}
        self.paused: set[Any] = set()
        self.commits: list[dict[int, int]] = []
        self.closed = False
        self.seeks: list[int] = []
        self.id = "first"
        self.times: dict[tuple[int, int], int] = {}
        """Of records at a partition and offset, in ms; 1 for others."""
        self.ce_times: dict[tuple[int, int], str] = {}
        self.random: Random | None = None
        """Cuts fetches at will."""
        self.raises: Exception | None = None
        """After the poll has moved the consumer."""

    def topic_id(self, topic: str, timeout_ms: float) -> str | None:
        return self.id

    def assign(self, partitions: Sequence[Any]) -> None:
        self.positions = {tp: self.stored.get(tp, self.begins.get(tp.partition, 0)) for tp in partitions}

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return set(self.ends) or None

    def committed(self, partition: Any, metadata: bool) -> Any:
        offset, mark = self.stored.get(partition), self.marks.get(partition, "")
        return None if offset is None else OffsetAndMetadata(offset, mark, -1)

    def beginning_offsets(self, partitions: Sequence[Any], timeout_ms: float) -> Mapping[Any, int]:
        return {tp: self.begins.get(tp.partition, 0) for tp in partitions}

    def end_offsets(self, partitions: Sequence[Any], timeout_ms: float) -> Mapping[Any, int]:
        return {tp: self.ends[tp.partition] for tp in partitions}

    def position(self, partition: Any) -> int | None:
        return self.positions[partition]

    def seek(self, partition: Any, offset: int, epoch: int) -> None:
        self.seeks.append(offset)
        self.positions[partition] = offset

    def poll(self, timeout_ms: int = 0, max_records: int | None = None) -> Mapping[Any, Sequence[Any]]:
        found: dict[Any, list[Any]] = {}
        left = max_records or 500
        order = list(self.positions.items())
        if self.random:
            self.random.shuffle(order)
        for tp, position in order:
            if tp in self.paused:
                continue
            there = [o for o in self.logs[tp.partition] if o >= position]
            if self.random and self.random.random() < 0.3:
                continue
            offsets = there[: self.random.randint(0, left) if self.random else left]
            left -= len(offsets)
            if offsets:
                found[tp] = [self._record(tp.partition, offset) for offset in offsets]
                self.positions[tp] = offsets[-1] + 1
            elif not there and self.ends[tp.partition] > position:
                self.positions[tp] = self.ends[tp.partition]  # what holds no record is passed over
        if self.raises:
            error, self.raises = self.raises, None
            raise error
        return found

    def _record(self, partition: int, offset: int) -> Any:
        ce_time = self.ce_times.get((partition, offset))
        headers = [("ce_time", ce_time.encode())] if ce_time else []
        return record(partition, offset, self.times.get((partition, offset), 1), headers)

    def commit(self, offsets: Mapping[Any, Any]) -> None:
        self.commits.append({tp.partition: meta.offset for tp, meta in offsets.items()})
        self.stored.update({tp: meta.offset for tp, meta in offsets.items()})
        self.marks.update({tp: meta.metadata for tp, meta in offsets.items()})

    def pause(self, *partitions: Any) -> None:
        self.paused |= set(partitions)

    def resume(self, *partitions: Any) -> None:
        self.paused -= set(partitions)

    def close(self) -> None:
        self.closed = True


def record(partition: int, offset: int, timestamp: int = 1, headers: Sequence[Any] = ()) -> Any:
    value = b"%d" % offset
    return SimpleNamespace(
        topic=TOPIC, partition=partition, offset=offset, timestamp=timestamp, key=None, value=value, headers=headers
    )


def reader(consumer: ScriptedConsumer, **limits: Any) -> AvailableReader:
    return AvailableReader(consumer, TOPIC, RunLimits(**limits))


def read(source: AvailableReader, until: Mapping[int, int] | None = None) -> list[tuple[int, int]]:
    source.plan(until)
    return [(event.partition, event.offset) for batch in source.batches() for event in batch]


def test_reads_every_record_once_and_commits_only_when_told() -> None:
    consumer = ScriptedConsumer({0: [0, 1, 2], 1: [0]}, {0: 3, 1: 1})
    source = reader(consumer)
    assert sorted(read(source)) == [(0, 0), (0, 1), (0, 2), (1, 0)]
    assert consumer.commits == []
    assert source.finish() == 4
    assert consumer.commits == [{0: 3, 1: 1}]
    assert source.plan().empty


def test_a_run_that_is_not_finished_is_read_again() -> None:
    source = reader(ScriptedConsumer({0: [0, 1]}, {0: 2}))
    assert read(source) == read(source) == [(0, 0), (0, 1)]


def test_gaps_and_markers_at_the_end_do_not_hold_a_run_up() -> None:
    consumer = ScriptedConsumer({0: [0, 5]}, {0: 9})
    source = reader(consumer)
    assert read(source) == [(0, 0), (0, 5)]
    source.finish()
    assert consumer.commits == [{0: 9}]


def test_what_retention_deleted_is_said_and_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    consumer = ScriptedConsumer({0: [7, 8]}, {0: 9}, {0: 7})
    consumer.stored[TopicPartition(TOPIC, 0)] = 4
    assert read(reader(consumer)) == [(0, 7), (0, 8)]
    assert "3 records were deleted before they were read" in caplog.text


def test_a_topic_made_anew_is_read_from_its_start(caplog: pytest.LogCaptureFixture) -> None:
    consumer = ScriptedConsumer({0: [0]}, {0: 1})
    consumer.stored[TopicPartition(TOPIC, 0)] = 50
    assert read(reader(consumer)) == [(0, 0)]
    assert "made anew" in caplog.text


def test_until_is_not_overrun() -> None:
    consumer = ScriptedConsumer({0: [0, 1, 2, 3]}, {0: 2})
    source = reader(consumer)
    until = source.end_offsets()
    consumer.ends[0] = 4
    assert read(source, until) == [(0, 0), (0, 1)]
    source.finish()
    assert consumer.commits == [{0: 2}]
    assert source.plan(until).empty
    assert read(source) == [(0, 2), (0, 3)]


def test_limits_end_a_run_after_a_batch_and_the_next_goes_on() -> None:
    source = reader(ScriptedConsumer({0: list(range(10))}, {0: 10}), batch_records=4, records=6)
    assert len(read(source)) == 6
    source.finish()
    assert [offset for _, offset in read(source)] == [6, 7, 8, 9]


def test_stop_ends_the_run_after_its_batch() -> None:
    source = reader(ScriptedConsumer({0: list(range(10))}, {0: 10}), batch_records=2)
    source.plan()
    batches = source.batches()
    assert len(next(batches)) == 2
    source.stop()
    assert list(batches) == []
    assert source.finish() == 2


def test_new_partitions_are_taken_up() -> None:
    consumer = ScriptedConsumer({0: [0], 1: [0]}, {0: 1})
    source = reader(consumer)
    assert read(source) == [(0, 0)]
    source.finish()
    consumer.ends[1] = 1
    assert read(source) == [(1, 0)]


def test_a_missing_topic_names_the_command_that_lists_those_that_are_there() -> None:
    with pytest.raises(KafkaError, match="newsflow kafka topics"):
        reader(ScriptedConsumer({}, {})).plan()


def test_only_the_partitions_asked_for() -> None:
    consumer = ScriptedConsumer({0: [0], 1: [0]}, {0: 1, 1: 1})
    assert read(AvailableReader(consumer, TOPIC, RunLimits(), [1])) == [(1, 0)]
    with pytest.raises(KafkaError, match=r"none of \[7\]"):
        AvailableReader(consumer, TOPIC, RunLimits(), [7]).plan()


def test_what_does_not_exist_is_refused_before_the_first_run() -> None:
    consumer = ScriptedConsumer({0: [0], 1: [0]}, {0: 1, 1: 1})
    AvailableReader(consumer, TOPIC, RunLimits(), [0, 1]).check()
    with pytest.raises(UsageError, match=r"has partitions \[0, 1\], and not \[7\]"):
        AvailableReader(consumer, TOPIC, RunLimits(), [1, 7]).check()
    with pytest.raises(KafkaError, match="newsflow kafka topics"):
        reader(ScriptedConsumer({}, {})).check()


def test_another_process_of_the_same_group_is_said(caplog: pytest.LogCaptureFixture) -> None:
    consumer = ScriptedConsumer({0: [0]}, {0: 1})
    source = reader(consumer)
    read(source)
    source.finish()
    consumer.logs[0], consumer.ends[0] = [0, 1], 2
    read(source)
    source._look_again_s = 0.0
    source.finish()
    assert not caplog.records, "what this one committed is no other's"
    consumer.stored[TopicPartition(TOPIC, 0)] = 3  # by somebody else
    consumer.logs[0], consumer.ends[0] = [0, 1, 2, 3], 4
    read(source)
    source._look_again_s = 0.0
    source.finish()
    assert "t/0: this job had committed 2 and finds 3: another process commits for its consumer group" in caplog.text


Times = list[list[int | None]]
"""By partition and offset: when a record was written; None where there is none."""
_times = st.lists(st.lists(st.integers(0, 9) | st.none(), max_size=12), min_size=1, max_size=4)


def written(times: Times) -> ScriptedConsumer:
    """A consumer of these records; the first time of a partition is that of its first record."""
    logs = {p: [o for o, at in enumerate(log) if at is not None] for p, log in enumerate(times)}
    consumer = ScriptedConsumer(logs, {p: len(log) for p, log in enumerate(times)})
    consumer.times = {(p, o): at or 0 for p, log in enumerate(times) for o, at in enumerate(log) if at is not None}
    return consumer


def merged(times: Times) -> list[tuple[int, int]]:
    """Always the first of the records that are left: the one written first, else that of the first partition."""
    left = [[(at or 0, p, o) for o, at in enumerate(log) if at is not None] for p, log in enumerate(times)]
    order = []
    while heads := [log[0] for log in left if log]:
        _, partition, offset = min(heads)
        left[partition].pop(0)
        order.append((partition, offset))
    return order


@given(_times, st.integers(1, 5), st.integers(1, 7), st.integers(0, 9), st.randoms(use_true_random=False))
def test_bounded_runs_hand_out_the_merge_however_fetches_and_runs_are_cut(
    times: Times, batch_records: int, records: int, size_bytes: int, random: Random
) -> None:
    """Runs end by any of their limits, or are told to stop; some fail, and are read again."""
    consumer = written(times)
    consumer.random = random
    source = reader(consumer, batch_records=batch_records, records=records, size_bytes=size_bytes)
    until = source.end_offsets()
    for log in consumer.logs.values():
        log.append(99)  # what comes later is not read
    consumer.ends = dict.fromkeys(consumer.ends, 100)
    found: list[tuple[int, int]] = []
    while not source.plan(until).empty:
        batches = source.batches()
        handed: list[tuple[int, int]] = []
        for batch in batches:
            assert 0 < len(batch) <= batch_records
            handed += [(event.partition, event.offset) for event in batch]
            if random.random() < 0.2:
                source.stop()
        source._stop.clear()
        if random.random() < 0.2:
            continue  # it failed: nothing of it is written
        source.finish()
        found += handed
        done = source.finished
        for partition, written_there in enumerate(times):
            unread = [o for p, o in merged(times)[len(found) :] if p == partition]
            assert done[partition] <= min(unread, default=len(written_there)), "committed is what was handed out"
    assert found == merged(times)
    assert source.finished == until


@given(_times, st.integers(1, 5), st.randoms(use_true_random=False))
def test_what_a_bounded_run_handed_out_comes_before_all_that_follows(
    times: Times, batch_records: int, random: Random
) -> None:
    """By the latest record time so far of its partition, the partition and the offset: the order of stories."""
    consumer = written(times)
    consumer.random = random
    source = reader(consumer, batch_records=batch_records)
    order, latest = [], dict.fromkeys(range(len(times)), 0)
    for partition, offset in merged(times):
        latest[partition] = max(latest[partition], times[partition][offset] or 0)
        order.append((latest[partition], partition, offset))
    assert order == sorted(order)
    source.plan(source.end_offsets())
    passed = dict.fromkeys(range(len(times)), (0, 0))
    count = 0
    for batch in source.batches():
        for at, partition, offset in order[count : count + len(batch)]:
            passed[partition] = at, offset + 1
        count += len(batch)
        there, found = source.next_places()
        assert there == passed.keys()
        places = {
            p: (max(found[p][0], at), found[p][1]) if p in found else (at, offset) for p, (at, offset) in passed.items()
        }
        reached = min((at, partition, offset) for partition, (at, offset) in places.items())
        assert all(each < reached for each in order[:count])
        assert all(each >= reached for each in order[count:])
    assert count == len(order)


def test_records_whose_time_is_unknown_come_first() -> None:
    source = reader(written([[5, 0], [0, 7], [3]]), records=2)
    until = source.end_offsets()
    found = []
    while not source.plan(until).empty:
        found += [(event.partition, event.offset) for batch in source.batches() for event in batch]
        source.finish()
    assert found == [(1, 0), (2, 0), (0, 0), (0, 1), (1, 1)]


def test_what_was_fetched_is_kept_for_the_next_run_and_within_bounds() -> None:
    """One partition is written after all others: it is not read ahead of them without end."""
    consumer = written([list(range(100)), list(range(1_000, 1_100))])
    source = reader(consumer, batch_records=10, records=20)
    until = source.end_offsets()
    ahead: list[int] = []
    while not source.plan(until).empty:
        ahead += [consumer.positions[TopicPartition(TOPIC, 1)] - source._reached[1] for _ in source.batches()]
        source.finish()
    assert max(ahead) <= 20, "a look-ahead that is full, and what one poll adds to it"
    assert consumer.seeks == [0, 0], "nothing is fetched twice"


def test_large_records_are_not_read_ahead_by_number_alone() -> None:
    consumer = written([list(range(50)), list(range(100, 150)), list(range(100, 150))])
    source = reader(consumer, batch_records=10, size_bytes=5)
    until = source.end_offsets()
    while not source.plan(until).empty:
        for _ in source.batches():
            held = [events for events in source._ahead.values() if events.events]
            assert sum(len(each.events) for each in held) <= 5 + 10
        source.finish()


@pytest.mark.parametrize("error", [KafkaError("refused"), OffsetOutOfRangeError({TopicPartition(TOPIC, 0): 3})])
def test_a_poll_that_raises_after_it_moved_the_consumer_loses_nothing(error: Exception) -> None:
    times: Times = [[1, 4, 5], [2, 3, 6]]
    consumer = written(times)
    source = reader(consumer, batch_records=2)
    until = source.end_offsets()
    source.plan(until)
    batches = source.batches()
    found = [(event.partition, event.offset) for event in next(batches)]
    consumer.raises = error
    try:
        found += [(event.partition, event.offset) for batch in batches for event in batch]
        source.finish()
    except KafkaError:
        found = []  # nothing of the run is written
    while not source.plan(until).empty:
        found += [(event.partition, event.offset) for batch in source.batches() for event in batch]
        source.finish()
    assert found == merged(times)


def test_what_brokers_cut_off_before_it_was_handed_out_was_not_processed(caplog: pytest.LogCaptureFixture) -> None:
    times: Times = [[1, 2, 8, 9], [3, 4, 5, 6]]
    consumer = written(times)
    source = reader(consumer, batch_records=3, records=3)
    until = source.end_offsets()
    source.plan(until)
    found = [(event.partition, event.offset) for batch in source.batches() for event in batch]
    source.finish()
    source.plan(until)
    consumer.raises = LogTruncationError({TopicPartition(TOPIC, 0): OffsetAndMetadata(3, "", -1)})
    while not source.plan(until).empty:
        found += [(event.partition, event.offset) for batch in source.batches() for event in batch]
        source.finish()
    assert found == merged(times)
    assert "truncated" not in caplog.text


def test_a_topic_made_anew_drops_what_was_fetched_of_the_old_one() -> None:
    consumer = written([[1, 2, 3, 4], [1, 2, 3, 4]])
    source = reader(consumer, batch_records=2, records=2)
    source._lineage._clock = lambda: float("inf")  # asked at every turn
    until = source.end_offsets()
    assert read(source, until) == [(0, 0), (1, 0)]
    source.finish()
    consumer.id = "second"
    assert read(source, until) == [(0, 0), (1, 0)]


def test_following_takes_what_a_poll_gives_as_it_comes() -> None:
    consumer = written([[9, 9], [1, 1]])
    assert read(reader(consumer)) == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_a_partition_read_to_its_end_is_known_up_to_when_its_end_was_looked_up() -> None:
    consumer = ScriptedConsumer({0: [0, 1], 1: []}, {0: 2, 1: 0})
    source = reader(consumer)
    read(source)
    source.finish()
    for _ in range(2):  # idle, and still time passes
        before_ms = time.time_ns() // 1_000_000
        assert read(source) == []
        assert before_ms <= source.read_until_ms(0) <= time.time_ns() // 1_000_000


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def test_a_partition_holds_event_time_until_nothing_came_from_it_for_a_while() -> None:
    consumer = written([[now_ms(), now_ms()], []])
    consumer.ce_times = {(0, 0): "2024-05-01T00:00:00Z", (0, 1): "2024-05-02T00:00:00Z"}
    source = reader(consumer)
    began_ms = now_ms()
    read(source)
    source.finish()
    assert source.read_until_ms(60) == 0, "of the second nothing is known yet"
    source._heard_ms[1] -= 60_000
    newest_ms = 1_714_608_000_000
    assert source.read_until_ms(60) == newest_ms
    assert read(source) == []
    assert source.read_until_ms(60) == newest_ms, "read to its end, a moment ago"
    source._heard_ms[0] -= 60_000
    assert read(source) == []
    assert source.read_until_ms(60) >= began_ms
    consumer.logs[0].append(2)
    consumer.ends[0], consumer.ce_times[0, 2] = 3, "2024-05-03T00:00:00Z"
    consumer.times[0, 2] = now_ms()
    assert read(source) == [(0, 2)]
    assert source.read_until_ms(60) == newest_ms + 86_400_000


def test_a_partition_read_to_its_bound_no_longer_holds_event_time() -> None:
    consumer = written([[now_ms()], []])
    consumer.ce_times = {(0, 0): "2024-05-01T00:00:00Z"}
    source = reader(consumer)
    began_ms = now_ms()
    until = source.end_offsets()
    assert read(source, until) == [(0, 0)]
    assert source.read_until_ms(60) >= began_ms


def test_a_time_in_the_future_counts_as_now() -> None:
    consumer = written([[now_ms() + 10**9, 1]])
    source = reader(consumer, batch_records=1, records=1)
    read(source)
    assert source.read_until_ms(60) <= now_ms()


def test_a_partition_cut_short_is_known_up_to_its_last_record_and_holds_back_the_others() -> None:
    consumer = ScriptedConsumer({0: [0, 1, 2, 3], 1: []}, {0: 4, 1: 0})
    source = reader(consumer, batch_records=2, records=2)
    read(source)
    assert source.read_until_ms(0) == 1


def test_what_a_failed_run_had_read_is_not_known_to_the_next() -> None:
    consumer = ScriptedConsumer({0: [0, 1], 1: [0, 1, 2]}, {0: 2, 1: 3})
    source = reader(consumer, batch_records=5, records=3)
    read(source)
    consumer.logs[0] = [0, 1, 2, 3, 4, 5]
    consumer.ends[0] = 6
    read(source)  # the retry does not reach partition 1
    assert source.read_until_ms(0) == 0


def test_a_bounded_run_knows_no_more_than_when_its_bounds_were_looked_up() -> None:
    consumer = ScriptedConsumer({0: [0, 1]}, {0: 2})
    source = reader(consumer)
    until = source.end_offsets()
    looked_ms = time.time_ns() // 1_000_000
    consumer.logs[0].append(2)
    consumer.ends[0] = 3
    time.sleep(0.005)
    assert read(source, until) == [(0, 0), (0, 1)]
    assert source.read_until_ms(0) <= looked_ms
