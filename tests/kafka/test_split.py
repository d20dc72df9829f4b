"""The contract of the endless source's reader, against a scripted consumer: gaps, truncation, offsets out of range,
new partitions, restarts without rebalance, commits, and a watermark that never goes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.errors import KafkaTimeoutError, LogTruncationError, OffsetOutOfRangeError
from kafka.structs import OffsetAndMetadata

from newsflow.errors import KafkaError
from newsflow.kafka.split import COMMIT_S, IDLE_CHECK_S, LOOK_S, STALL_CHECKS, Reading, SplitReader
from newsflow.kafka.watermarks import DISORDER_MS

TOPIC = "t"
NOW = 1_000_000.0
QUIET_S = 60.0


class ScriptedConsumer:
    """A consumer over scripted logs: `logs[p]` maps offsets to record times in ms, `ends[p]` is the log's end."""

    def __init__(self, logs: dict[int, dict[int, int]], ends: dict[int, int] | None = None) -> None:
        self.logs = logs
        self.ends = ends or {p: max(log, default=-1) + 1 for p, log in logs.items()}
        self.begins: dict[int, int] = {}
        self.stored: dict[int, int] = {}
        self.marks: dict[int, str] = {}
        self.at: dict[int, int] = {}
        self.assignments: list[list[int]] = []
        self.seeks: list[tuple[int, int]] = []
        self.commits: list[dict[int, int]] = []
        self.commit_fails = False
        self.away = self.mute = self.stuck = False
        self.leaderless: set[int] = set()
        self.truncated: dict[int, int | None] = {}
        self.truncated_at_position: dict[int, int] = {}
        self.closed = False
        self.id: str | None = "first"
        self.ce_times: dict[int, str] = {}

    def topic_id(self, topic: str, timeout_ms: float) -> str | None:
        if self.away or self.mute:
            raise KafkaTimeoutError("no answer")
        return self.id

    def assign(self, partitions: Sequence[Any]) -> None:
        self.assignments.append([tp.partition for tp in partitions])
        self.at = {}

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return set(self.logs) or None

    def committed(self, partition: Any, metadata: bool) -> Any:
        offset, mark = self.stored.get(partition.partition), self.marks.get(partition.partition, "")
        return None if offset is None else OffsetAndMetadata(offset, mark, -1)

    def beginning_offsets(self, partitions: Sequence[Any], timeout_ms: int) -> Mapping[Any, int]:
        if any(tp.partition in self.leaderless for tp in partitions):
            raise KafkaTimeoutError("no leader")
        return {tp: self.begins.get(tp.partition, 0) for tp in partitions}

    def end_offsets(self, partitions: Sequence[Any], timeout_ms: int) -> Mapping[Any, int]:
        if self.away or self.mute:
            raise KafkaTimeoutError("no answer")
        return {tp: self.ends[tp.partition] for tp in partitions}

    def position(self, partition: Any) -> int | None:
        if partition.partition in self.truncated_at_position:
            offset = self.truncated_at_position.pop(partition.partition)
            raise LogTruncationError({partition: OffsetAndMetadata(offset, "", -1)})
        return self.at.get(partition.partition)

    def seek(self, partition: Any, offset: int, epoch: int) -> None:
        self.seeks.append((partition.partition, offset))
        self.at[partition.partition] = offset

    def poll(self, timeout_ms: int = 0, max_records: int | None = None) -> Mapping[Any, Sequence[Any]]:
        if self.away or self.stuck:
            return {}
        if self.truncated:
            points, self.truncated = self.truncated, {}
            raise LogTruncationError(
                {
                    TopicPartition(TOPIC, p): None if offset is None else OffsetAndMetadata(offset, "", -1)
                    for p, offset in points.items()
                }
            )
        found: dict[Any, list[Any]] = {}
        left = max_records or 500
        for partition, at in self.at.items():
            if not self.begins.get(partition, 0) <= at <= self.ends[partition]:
                raise OffsetOutOfRangeError({TopicPartition(TOPIC, partition): at})
            there = [o for o in sorted(self.logs[partition]) if at <= o < self.ends[partition]]
            offsets = there[:left]
            left -= len(offsets)
            if offsets:
                times = self.logs[partition]
                found[TopicPartition(TOPIC, partition)] = [
                    record(partition, o, times[o], self.ce_times.get(o)) for o in offsets
                ]
                self.at[partition] = offsets[-1] + 1
            elif not there:
                self.at[partition] = self.ends[partition]  # gaps and markers at the end are passed over
        return found

    def commit_async(self, offsets: Mapping[Any, Any], callback: Callable[[Any, Any], None]) -> Any:
        if self.commit_fails:
            callback(offsets, KafkaTimeoutError("no coordinator"))
            return
        self.commits.append({tp.partition: meta.offset for tp, meta in offsets.items()})
        self.marks.update({tp.partition: meta.metadata for tp, meta in offsets.items()})
        callback(offsets, None)

    def close(self) -> None:
        self.closed = True


def record(partition: int, offset: int, timestamp: int, ce_time: str | None = None) -> Any:
    headers, value = [("ce_time", ce_time.encode())] if ce_time else [], b"%d" % offset
    return SimpleNamespace(
        topic=TOPIC, partition=partition, offset=offset, timestamp=timestamp, key=None, value=value, headers=headers
    )


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def log(*offsets: int, at_ms: int = int(NOW * 1000) - 60_000) -> dict[int, int]:
    return dict.fromkeys(offsets, at_ms)


def places(reading: Reading) -> list[tuple[int, int]]:
    return [(event.partition, event.offset) for event in reading.events]


def reader(consumer: ScriptedConsumer, clock: Clock | None = None, index: int = 0, count: int = 1) -> SplitReader:
    return SplitReader(consumer, TOPIC, index, count, clock or Clock(), QUIET_S)


def test_a_new_group_starts_at_the_first_record_and_says_where_to_go_on() -> None:
    consumer = ScriptedConsumer({0: log(0, 1, 2), 1: log(0)})
    reading = reader(consumer).read({}, 500)
    assert sorted(places(reading)) == [(0, 0), (0, 1), (0, 2), (1, 0)]
    assert reading.positions == {0: 3, 1: 1}


def test_a_split_reads_its_own_partitions_alone() -> None:
    consumer = ScriptedConsumer({p: log(0) for p in range(5)})
    assert places(reader(consumer, index=1, count=2).read({}, 500)) == [(1, 0), (3, 0)]


def test_a_cold_start_goes_on_at_the_committed_offset() -> None:
    consumer = ScriptedConsumer({0: log(0, 1, 2)})
    consumer.stored[0] = 2
    assert places(reader(consumer).read({}, 500)) == [(0, 2)]


def test_positions_of_the_runner_come_before_committed_offsets() -> None:
    consumer = ScriptedConsumer({0: log(0, 1, 2)})
    consumer.stored[0] = 3
    assert places(reader(consumer).read({0: 1}, 500)) == [(0, 1), (0, 2)]


def test_an_attempt_that_failed_is_read_again_without_joining_anything() -> None:
    consumer = ScriptedConsumer({0: log(0, 1, 2)})
    source = reader(consumer)
    first = source.read({0: 0}, 2)
    assert places(source.read(first.positions, 2)) == [(0, 2)]
    assert places(source.read({0: 0}, 2)) == places(first) == [(0, 0), (0, 1)]
    assert consumer.assignments == [[0]]


def test_what_a_failed_attempt_read_before_its_first_checkpoint_is_read_again() -> None:
    consumer = ScriptedConsumer({0: log(0, 1)})
    source = reader(consumer)
    assert source.read({}, 500).positions == {0: 2}
    assert places(source.read({}, 500)) == [(0, 0), (0, 1)]


def test_a_partition_found_by_a_failed_attempt_is_read_again_from_its_start() -> None:
    clock = Clock()
    consumer = ScriptedConsumer({0: log(0)})
    source = reader(consumer, clock)
    checkpoint = source.read({}, 500).positions
    consumer.logs[1], consumer.ends[1] = log(0, 1), 2
    clock.now += LOOK_S
    assert source.read(checkpoint, 500).positions == {0: 1, 1: 2}
    assert places(source.read(checkpoint, 500)) == [(1, 0), (1, 1)]


def test_a_new_partition_that_does_not_answer_yet_does_not_hold_up_the_others() -> None:
    clock = Clock()
    consumer = ScriptedConsumer({0: log(0)})
    source = reader(consumer, clock)
    positions = source.read({}, 500).positions
    consumer.logs[1], consumer.ends[1] = log(0), 1
    consumer.logs[0][1], consumer.ends[0] = 1, 2
    consumer.leaderless = {1}
    clock.now += LOOK_S
    reading = source.read(positions, 500)
    assert (places(reading), reading.positions) == ([(0, 1)], {0: 2})
    consumer.leaderless = set()
    assert places(source.read(reading.positions, 500)) == [(1, 0)]


def test_a_poll_that_fails_half_way_moves_no_other_partition() -> None:
    consumer = ScriptedConsumer({0: log(0, 1), 1: log(7)})
    consumer.begins[1] = 7
    source = reader(consumer)
    reading = source.read({0: 0, 1: 3}, 500)  # partition 0 was read when 1 was found out of range
    assert reading.positions == {0: 0, 1: 7}
    assert sorted(places(source.read(reading.positions, 500))) == [(0, 0), (0, 1), (1, 7)]


def test_reading_on_does_not_seek() -> None:
    consumer = ScriptedConsumer({0: log(0, 1, 2, 3)})
    source = reader(consumer)
    positions = source.read({}, 1).positions
    consumer.seeks.clear()
    for _ in range(3):
        positions = source.read(positions, 1).positions
    assert (positions, consumer.seeks) == ({0: 4}, [])


def test_gaps_and_transaction_markers_are_passed_over() -> None:
    consumer = ScriptedConsumer({0: log(0, 7)}, ends={0: 11})
    source = reader(consumer)
    reading = source.read({}, 500)
    assert places(reading) == [(0, 0), (0, 7)]
    assert source.read(reading.positions, 500).positions == {0: 11}


def test_what_retention_deleted_is_counted_and_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    consumer = ScriptedConsumer({0: log(7, 8), 1: log(0)})
    consumer.begins[0] = 7
    source = reader(consumer)
    reading = source.read({0: 4, 1: 0}, 500)
    assert reading.positions == {0: 7, 1: 0}
    assert sorted(places(source.read(reading.positions, 500))) == [(0, 7), (0, 8), (1, 0)]
    assert "3 records were deleted before they were read" in caplog.text


def test_what_retention_deleted_before_a_cold_start_is_counted_too(caplog: pytest.LogCaptureFixture) -> None:
    consumer = ScriptedConsumer({0: log(7)})
    consumer.begins[0], consumer.stored[0] = 7, 5
    assert places(reader(consumer).read({}, 500)) == [(0, 7)]
    assert "2 records were deleted before they were read" in caplog.text


def test_a_topic_made_anew_is_read_from_its_start_and_committed_anew(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    consumer = ScriptedConsumer({0: log(*range(50))})
    source = reader(consumer, clock)
    source.finished(source.read({}, 500).positions)
    consumer.logs[0], consumer.ends[0], consumer.id = log(0, 1), 2, "second"
    reading = source.read({0: 50}, 500)
    assert (reading.events, reading.positions) == ([], {0: 0})
    reading = source.read(reading.positions, 500)
    assert places(reading) == [(0, 0), (0, 1)]
    clock.now += COMMIT_S
    source.finished(reading.positions)
    assert consumer.commits == [{0: 50}, {0: 2}]
    assert "made anew" in caplog.text


@pytest.mark.parametrize(("point", "first"), [(3, 3), (None, 0)])
def test_what_brokers_truncated_is_read_again_from_there(
    point: int | None, first: int, caplog: pytest.LogCaptureFixture
) -> None:
    consumer = ScriptedConsumer({0: log(*range(6))})
    source = reader(consumer)
    positions = source.read({}, 500).positions
    consumer.truncated = {0: point}
    assert source.read(positions, 500).positions == {0: first}
    assert places(source.read({0: first}, 500))[0] == (0, first)
    assert "truncated" in caplog.text


def test_a_truncation_seen_only_after_the_poll_loses_nothing_of_it() -> None:
    consumer = ScriptedConsumer({0: log(0, 1), 1: log(0, 1)})
    source = reader(consumer)
    positions = source.read({}, 1).positions
    consumer.truncated_at_position = {1: 0}
    assert source.read(positions, 500).positions == positions | {1: 0}
    assert sorted(places(source.read(positions | {1: 0}, 500))) == [(0, 1), (1, 0), (1, 1)]


def test_new_partitions_join_from_their_start_while_running() -> None:
    clock = Clock()
    consumer = ScriptedConsumer({0: log(0), 1: log(0)})
    source = reader(consumer, clock, index=1, count=2)
    positions = source.read({}, 500).positions
    consumer.logs |= {2: log(0), 3: log(0, 1)}
    consumer.ends |= {2: 1, 3: 2}
    assert source.read(positions, 500).positions == {1: 1}, "it does not look at each call"
    clock.now += LOOK_S
    reading = source.read(positions, 500)
    assert places(reading) == [(3, 0), (3, 1)]
    assert reading.positions == {1: 1, 3: 2}


def test_a_reader_elsewhere_takes_new_partitions_over_with_their_positions() -> None:
    consumer = ScriptedConsumer({0: log(0, 1), 1: log(0, 1)})
    assert sorted(places(reader(consumer).read({0: 1, 1: 2}, 500))) == [(0, 1)]


def test_a_topic_that_vanishes_for_a_moment_is_waited_for() -> None:
    clock = Clock()
    consumer = ScriptedConsumer({0: log(0)})
    source = reader(consumer, clock)
    positions = source.read({}, 500).positions
    logs, consumer.logs = consumer.logs, {}
    clock.now += LOOK_S
    consumer.away = True
    assert source.read(positions, 500).positions == positions
    consumer.logs = logs
    assert source.read(positions, 500).positions == positions


def test_a_missing_topic_names_the_command_that_lists_those_that_are_there() -> None:
    with pytest.raises(KafkaError, match="newsflow kafka topics"):
        reader(ScriptedConsumer({})).read({}, 500)


def test_offsets_are_committed_when_they_moved_and_not_too_often() -> None:
    clock = Clock()
    consumer = ScriptedConsumer({0: log(*range(9))})
    source = reader(consumer, clock)
    source.finished({0: 3})
    source.finished({0: 5})
    source.finished({0: 5})
    assert consumer.commits == [{0: 3}]
    source.read({0: 5}, 1)
    assert consumer.commits == [{0: 3}]
    clock.now += COMMIT_S
    source.read({0: 6}, 1)
    assert consumer.commits == [{0: 3}, {0: 5}], "a reader that goes on commits what its bundles left"
    clock.now += COMMIT_S
    source.finished({0: 4})
    source.read({0: 7}, 1)
    assert consumer.commits == [{0: 3}, {0: 5}], "an older bundle finalised late moves nothing"


def test_positions_have_moved_at_first_and_when_they_are_others() -> None:
    source = reader(ScriptedConsumer({0: log(*range(9))}))
    assert source.moved({0: 5}), "a new process does not know what the one before committed"
    assert not source.moved({0: 5})
    assert source.moved({0: 6})
    assert source.moved({0: 5}), "an attempt that begins again"


def test_a_failed_commit_is_made_up_for() -> None:
    clock = Clock()
    consumer = ScriptedConsumer({0: log(0, 1, 2)})
    source = reader(consumer, clock)
    consumer.commit_fails = True
    source.finished({0: 2})
    consumer.commit_fails = False
    clock.now += COMMIT_S
    source.read({0: 2}, 1)
    assert consumer.commits == [{0: 2}]


def test_the_watermark_is_that_of_the_partition_furthest_behind() -> None:
    now_ms = int(NOW * 1000)
    consumer = ScriptedConsumer({0: {0: now_ms - 9_000}, 1: {0: now_ms - 5_000}}, ends={0: 5, 1: 5})
    assert reader(consumer).read({}, 500).watermark_ms == now_ms - 9_000 - DISORDER_MS


def test_a_split_says_how_far_it_is_to_whoever_has_its_events() -> None:
    clock = Clock()
    source = reader(ScriptedConsumer({0: log(0), 1: {}}), clock)
    source.read({}, 500)
    there, found = source.next_places(frozenset({0}))
    assert there == {0, 1}
    assert {partition: offset for partition, (_, offset) in found.items()} == {0: 1, 1: 0}
    assert source.next_places(frozenset({5})) == (there, {}), "its events are in hand elsewhere"
    source.read({0: 1, 1: 0}, 500)
    assert source.next_places(frozenset({5}))[1].keys() == {0, 1}


def test_the_watermark_never_goes_back() -> None:
    now_ms = int(NOW * 1000)
    consumer = ScriptedConsumer({0: {0: now_ms - 5_000, 1: now_ms - 900_000, 2: 0}})
    source = reader(consumer)
    positions, marks = {0: 0}, []
    for _ in range(3):
        reading = source.read(positions, 1)
        positions = reading.positions
        marks.append(reading.watermark_ms)
    assert marks == [now_ms - 5_000 - DISORDER_MS] * 3


def test_a_record_from_the_future_does_not_make_the_others_late() -> None:
    now_ms = int(NOW * 1000)
    consumer = ScriptedConsumer({0: {0: now_ms + 10**12}})
    assert reader(consumer).read({}, 500).watermark_ms == now_ms - DISORDER_MS


def test_partitions_follow_the_clock_once_the_broker_has_said_they_are_empty_and_nothing_came_for_a_while() -> None:
    clock = Clock()
    consumer = ScriptedConsumer({0: log(0), 1: {}})
    source = reader(consumer, clock)
    consumer.mute = True
    reading = source.read({}, 500)
    assert reading.watermark_ms is None, "of partition 1 nothing is known yet"
    clock.now += QUIET_S
    reading = source.read(reading.positions, 500)
    assert reading.watermark_ms is None, "nobody has said that it is empty"
    consumer.mute = False
    clock.now += IDLE_CHECK_S
    reading = source.read(reading.positions, 500)
    assert reading.watermark_ms == int(clock.now * 1000)


def test_a_partition_that_is_read_to_its_end_holds_the_watermark_until_nothing_came_for_a_while() -> None:
    """A backfill is written a little slower than it is read."""
    clock, day_ms = Clock(), 86_400_000
    consumer = ScriptedConsumer({0: {0: int(NOW * 1000) - 9 * day_ms}})
    source = reader(consumer, clock)
    reading = source.read({}, 500)
    for day in range(8, 0, -1):
        clock.now += QUIET_S - IDLE_CHECK_S
        reading = source.read(reading.positions, 500)
        assert reading.events == []
        assert reading.watermark_ms == int(NOW * 1000) - (day + 1) * day_ms - DISORDER_MS
        at = len(consumer.logs[0])
        consumer.logs[0][at], consumer.ends[0] = int(NOW * 1000) - day * day_ms, at + 1
        reading = source.read(reading.positions, 500)
        assert reading.watermark_ms == int(NOW * 1000) - day * day_ms - DISORDER_MS
    clock.now += QUIET_S
    assert source.read(reading.positions, 500).watermark_ms == int(clock.now * 1000)


def test_event_time_is_that_of_the_event_and_not_of_its_record() -> None:
    now_ms = int(NOW * 1000)
    consumer = ScriptedConsumer({0: {0: now_ms - 100, 1: now_ms - 50}})
    consumer.ce_times = {0: "1970-01-09T00:00:00Z", 1: "1970-01-10T00:00:00Z"}
    reading = reader(consumer).read({}, 500)
    assert reading.watermark_ms == 9 * 86_400_000 - DISORDER_MS


def test_an_idle_partition_whose_broker_no_longer_answers_holds_the_watermark() -> None:
    clock = Clock()
    consumer = ScriptedConsumer({0: log(0), 1: {}})
    source = reader(consumer, clock)
    reading = source.read({}, 500)
    clock.now += QUIET_S
    reading = source.read(reading.positions, 500)
    idle_ms = int(clock.now * 1000)
    assert reading.watermark_ms == idle_ms
    consumer.mute = True
    clock.now += 3_600
    consumer.logs[0][1], consumer.ends[0] = int(clock.now * 1000), 2
    assert source.read(reading.positions, 500).watermark_ms == idle_ms


def test_a_silent_partition_is_looked_at_though_another_never_falls_silent() -> None:
    clock = Clock()
    consumer = ScriptedConsumer({0: {n: int(NOW * 1000) for n in range(100)}, 1: {}})
    source = reader(consumer, clock)
    consumer.mute = True
    reading = source.read({}, 1)
    assert reading.watermark_ms is None
    consumer.mute = False
    clock.now += QUIET_S
    reading = source.read(reading.positions, 1)
    assert reading.events
    assert reading.watermark_ms == int(NOW * 1000) - DISORDER_MS


def test_an_outage_is_not_silence() -> None:
    clock = Clock()
    consumer = ScriptedConsumer({0: log(0)})
    source = reader(consumer, clock)
    before = source.read({}, 500)
    consumer.away = True
    clock.now += 3600
    during = source.read(before.positions, 500)
    assert during.watermark_ms == before.watermark_ms
    consumer.away = False
    consumer.logs[0][1], consumer.ends[0] = int(clock.now * 1000) - 1_800_000, 2
    after = source.read(before.positions, 500)
    assert after.watermark_ms is not None
    assert after.events[0].timestamp_ms > after.watermark_ms, "what came in meanwhile is not late"


def test_a_consumer_that_is_stuck_is_not_taken_for_silence() -> None:
    consumer, clock = ScriptedConsumer({0: log(0, 1)}), Clock()
    split = reader(consumer, clock)
    at = split.read({}, 1).positions
    consumer.stuck = True
    for _ in range(STALL_CHECKS - 1):
        clock.now += IDLE_CHECK_S
        assert not split.read(at, 500).events
    clock.now += IDLE_CHECK_S
    with pytest.raises(KafkaError, match=r"the brokers have more than \[\(0, 1\)\], and nothing came in 120 s"):
        split.read(at, 500)


@pytest.mark.parametrize("still", ["read", "away", "called seldom"])
def test_what_is_no_stall(still: str) -> None:
    """All is read; nobody says that there is more; or the process was busy elsewhere between two calls."""
    consumer, clock = ScriptedConsumer({0: log(0, 1)}), Clock()
    split = reader(consumer, clock)
    at = split.read({}, 500 if still == "read" else 1).positions
    consumer.away, consumer.stuck = still == "away", still == "called seldom"
    for _ in range(STALL_CHECKS // 2 if still == "called seldom" else 3 * STALL_CHECKS):
        clock.now += 60 if still == "called seldom" else IDLE_CHECK_S
        assert not split.read(at, 500).events
    consumer.away = consumer.stuck = False
    assert len(split.read(at, 500).events) == (still != "read")


def test_a_new_partition_holds_the_watermark_until_something_is_known_of_it() -> None:
    clock = Clock()
    consumer = ScriptedConsumer({0: {0: int(NOW * 1000)}})
    source = reader(consumer, clock)
    before = source.read({}, 500)
    consumer.logs[1], consumer.ends[1] = {0: int(NOW * 1000) - 1_000}, 1
    clock.now += LOOK_S
    consumer.logs[0][1], consumer.ends[0] = int(clock.now * 1000), 2
    held = source.read(before.positions, 1)
    assert held.watermark_ms == before.watermark_ms
    assert places(source.read(held.positions, 500)) == [(1, 0)]


def test_closing_closes_the_consumer() -> None:
    consumer = ScriptedConsumer({0: log(0)})
    reader(consumer).close()
    assert consumer.closed
