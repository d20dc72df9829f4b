"""Marks, and what both readers do when the topic under them was made anew, cut, or is of newsflow 0.1."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka import TopicPartition
from kafka.errors import (
    CommitFailedError,
    KafkaTimeoutError,
    LogTruncationError,
    OffsetMetadataTooLargeError,
    OffsetOutOfRangeError,
)
from kafka.errors import KafkaError as ClientError
from kafka.structs import OffsetAndMetadata

from newsflow.kafka.lineage import LOOK_AT_RECORD_S, LOOK_S, Lineage, Mark, digest
from newsflow.kafka.reader import AvailableReader, RunLimits
from newsflow.kafka.split import COMMIT_S, SplitReader
from newsflow.model import Event

TOPIC = "t"
ZERO = TopicPartition(TOPIC, 0)


class Log:
    """One partition of one topic at a time, as a broker has it: made anew at will, with or without a topic id."""

    def __init__(self, *values: str) -> None:
        self.id: str | None = "id-1"
        self.epoch = 0
        self.begin = 0
        self.values = list(values)
        self.committed: dict[str, Any] = {}
        self.partitions = {0}
        self.silent = False
        self.refuses: Exception | None = None
        self.metadata_max = 4096

    def make_anew(self, *values: str, topic_id: str | None = "id-2") -> None:
        self.id, self.values, self.begin, self.epoch = topic_id, list(values), 0, 0


class Consumer:
    """As much of a consumer of `Log` as both readers use."""

    def __init__(self, log: Log) -> None:
        self.log, self.config = log, {"group_id": "g"}
        self.at: int | None = None
        self.epoch = -1
        self.raises: Exception | None = None
        self.polls = 0

    def topic_id(self, topic: str, timeout_ms: float) -> str | None:
        if self.log.silent:
            raise KafkaTimeoutError("no answer")
        return self.log.id

    def partitions_for_topic(self, topic: str) -> set[int]:
        return self.log.partitions

    def assign(self, partitions: Any) -> None:
        self.at = None

    def assignment(self) -> set[Any]:
        return {ZERO}

    def committed(self, partition: Any, metadata: bool) -> Any:
        return self.log.committed.get(TOPIC)

    def commit(self, offsets: Any) -> None:
        if self.log.refuses:
            raise self.log.refuses
        if len(offsets[ZERO].metadata) > self.log.metadata_max:
            raise OffsetMetadataTooLargeError
        self.log.committed[TOPIC] = offsets[ZERO]

    def commit_async(self, offsets: Any, callback: Any) -> None:
        try:
            self.commit(offsets)
        except ClientError as error:
            callback(offsets, error)

    def beginning_offsets(self, partitions: Any, timeout_ms: int = 0) -> Any:
        return {ZERO: self.log.begin}

    def end_offsets(self, partitions: Any, timeout_ms: int = 0) -> Any:
        return {ZERO: len(self.log.values)}

    def position(self, partition: Any) -> int | None:
        return self.at

    def seek(self, partition: Any, offset: int, epoch: int = -1) -> None:
        self.at, self.epoch = offset, epoch

    def pause(self, *partitions: Any) -> None: ...

    def resume(self, *partitions: Any) -> None: ...

    def poll(self, timeout_ms: int = 0, max_records: int = 500) -> Any:
        self.polls += 1
        if self.raises:
            error, self.raises = self.raises, None
            raise error
        assert self.at is not None
        if not self.log.begin <= self.at <= len(self.log.values):
            raise OffsetOutOfRangeError({ZERO: self.at})
        start, found = self.at, self.log.values[self.at :][:max_records]
        self.at += len(found)
        return {ZERO: [_record(start + n, value, self.log.epoch) for n, value in enumerate(found)]} if found else {}

    def close(self) -> None: ...


def _record(offset: int, value: str, epoch: int) -> Any:
    return SimpleNamespace(
        topic=TOPIC, partition=0, offset=offset, timestamp=1, key=None, value=value.encode(), headers=[],
        leader_epoch=epoch,
    )  # fmt: skip


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Bounded:
    """The reader of the local runner."""

    def __init__(self, log: Log) -> None:
        self.log, self.clock, self.counts = log, Clock(), Counter[str]()
        self.begin()

    def begin(self) -> None:
        """As a new process does."""
        self.reader = AvailableReader(Consumer(self.log), TOPIC, RunLimits(), counts=self.counts)
        self.reader._lineage._clock = self.clock

    def read(self) -> list[str]:
        """All there is, and commit it."""
        found: list[str] = []
        for _ in range(3):  # what is found out while reading is acted upon in the next run
            self.reader.plan()
            found += [(event.value or b"").decode() for batch in self.reader.batches() for event in batch]
            self.reader.finish()
        return found


class Endless:
    """The reader of streaming runners, whose positions are kept elsewhere."""

    def __init__(self, log: Log) -> None:
        self.log, self.clock, self.counts = log, Clock(), Counter[str]()
        self.positions: Any = {}
        self.marks: Any = {}
        self.begin()

    def begin(self) -> None:
        self.reader = SplitReader(Consumer(self.log), TOPIC, 0, 1, self.clock)

    def read(self) -> list[str]:
        found: list[str] = []
        for _ in range(4):
            reading = self.reader.read(self.positions, 500, self.marks)
            self.positions, self.marks = reading.positions, reading.marks
            found += [(event.value or b"").decode() for event in reading.events]
            self.counts.update(reading.found)
        return found


@pytest.fixture(params=[Bounded, Endless])
def reading(request: pytest.FixtureRequest) -> Any:
    return request.param(Log(*"abc"))


@given(st.one_of(st.text(), st.none(), st.binary().map(str)))
def test_what_is_no_mark_is_taken_for_none(text: str | None) -> None:
    assert Mark.of(text) == Mark()


def test_a_mark_is_read_as_it_was_written() -> None:
    mark = Mark("id", 3, 1 << 40, "0f")
    assert Mark.of(mark.text()) == mark
    assert len(Mark("x" * 36, 1 << 30, 1 << 50, "f" * 32).text()) < 200, "brokers take 4,096 bytes"
    assert Mark().text() == ""


@pytest.mark.parametrize("again", [("d", "e"), ("d", "e", "f"), ("d", "e", "f", "g")])
@pytest.mark.parametrize("stopped", [False, True])
def test_a_topic_made_anew_during_a_pause_is_read_from_its_start(
    reading: Any, again: tuple[str, ...], stopped: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """However many records it has by then: fewer than before, as many, or more."""
    assert reading.read() == ["a", "b", "c"]
    reading.clock.now += LOOK_S
    assert reading.read() == []
    reading.log.make_anew(*again)
    if stopped:
        reading.begin()
    reading.clock.now += LOOK_S
    assert reading.read() == list(again)
    assert reading.counts["input.made-anew"] == 1
    assert "t/0 was deleted and made anew. The old one was read up to offset 3" in caplog.text


def test_it_is_noticed_within_a_second_though_nothing_shows(reading: Any) -> None:
    reading.read()
    reading.log.make_anew(*"xyz")
    assert reading.read() == []
    reading.clock.now += LOOK_S
    assert reading.read() == ["x", "y", "z"]


def test_what_was_read_of_the_new_one_under_the_old_mark_is_read_again(reading: Any) -> None:
    """It was made anew a moment ago, and grew past the old offset before anybody asked."""
    reading.read()
    reading.log.make_anew(*"uvwxyz")
    assert reading.read() == ["x", "y", "z"]
    reading.begin()  # and then the process ended
    reading.clock.now += LOOK_S
    assert reading.read() == list("uvwxyz")


def test_without_ids_the_last_record_tells(reading: Any) -> None:
    reading.log.id = ""
    assert reading.read() == ["a", "b", "c"]
    reading.clock.now += LOOK_AT_RECORD_S
    reading.read()
    reading.log.values.append("d")
    assert reading.read() == ["d"]
    reading.clock.now += LOOK_AT_RECORD_S
    assert reading.read() == [], "the same topic still"
    reading.log.make_anew(*"vwxyz", topic_id="")
    reading.clock.now += LOOK_AT_RECORD_S
    assert reading.read() == list("vwxyz")
    assert reading.counts["input.made-anew"] == 1


def test_without_ids_a_younger_leader_tells(reading: Any) -> None:
    """The same records at the same offsets, published again: the epochs have begun again."""
    reading.log.id, reading.log.epoch = "", 4
    reading.read()
    reading.clock.now += LOOK_AT_RECORD_S
    reading.read()
    reading.log.make_anew(*"abc", topic_id="")
    reading.clock.now += LOOK_AT_RECORD_S
    assert reading.read() == ["a", "b", "c"]


def test_without_ids_a_record_that_retention_took_tells_nothing(reading: Any) -> None:
    reading.log.id = ""
    reading.read()
    reading.clock.now += LOOK_AT_RECORD_S
    reading.read()
    reading.log.begin = 3
    reading.clock.now += LOOK_AT_RECORD_S
    assert reading.read() == []
    assert not reading.counts


def test_a_broker_that_now_gives_ids_is_believed(reading: Any) -> None:
    reading.log.id = ""
    reading.read()
    reading.log.id = "id-1"
    reading.clock.now += LOOK_AT_RECORD_S
    assert reading.read() == []
    reading.log.make_anew(*"xyz")
    reading.clock.now += LOOK_S
    assert reading.read() == ["x", "y", "z"]


def test_offsets_of_version_0_1_are_taken_as_they_are_and_marked_from_then_on() -> None:
    log = Log(*"abc")
    log.committed[TOPIC] = OffsetAndMetadata(2, "", -1)
    bounded = Bounded(log)
    assert bounded.read() == ["c"]
    assert Mark.of(log.committed[TOPIC].metadata).topic_id == "id-1"
    assert not bounded.counts
    log.make_anew(*"xyz")
    bounded.begin()
    assert bounded.read() == ["x", "y", "z"]


def test_positions_of_a_savepoint_of_version_0_1_get_their_marks() -> None:
    endless = Endless(Log(*"abc"))
    endless.positions = {0: 2}
    assert endless.read() == ["c"]
    assert Mark.of(endless.marks[0]).topic_id == "id-1"


def test_a_bundle_that_is_tried_again_finds_out_again() -> None:
    """The runner hands in the positions of its last checkpoint, with their marks."""
    endless = Endless(Log(*"abc"))
    endless.read()
    checkpoint = endless.positions, endless.marks
    endless.log.make_anew(*"wxyz")
    for _ in range(3):
        endless.clock.now += LOOK_S
        endless.positions, endless.marks = checkpoint
        assert endless.read() == list("wxyz")


def test_a_bundle_of_the_old_topic_that_is_finalised_late_commits_nothing() -> None:
    endless = Endless(Log(*"abc"))
    endless.read()
    late = endless.positions, endless.marks
    endless.log.make_anew(*"x")
    endless.clock.now += LOOK_S
    endless.read()
    endless.reader.finished(*late)
    endless.clock.now += COMMIT_S
    endless.read()
    assert TOPIC not in endless.log.committed
    endless.reader.finished(endless.positions, endless.marks)
    assert (endless.log.committed[TOPIC].offset, Mark.of(endless.log.committed[TOPIC].metadata).topic_id) == (1, "id-2")


def test_a_topic_that_is_missing_for_a_moment_and_brokers_that_do_not_answer_change_nothing(reading: Any) -> None:
    reading.read()
    reading.log.id, before = None, reading.log.id
    reading.clock.now += LOOK_S
    assert reading.read() == []
    reading.log.id = before
    reading.log.values.append("d")
    reading.clock.now += LOOK_S
    assert reading.read() == ["d"]
    assert not reading.counts


@pytest.mark.parametrize("point", [OffsetAndMetadata(1, "", 0), None])
def test_what_the_brokers_cut_off_is_read_again_from_there(
    reading: Any, point: Any, caplog: pytest.LogCaptureFixture
) -> None:
    reading.read()
    reading.log.values[1:] = ["B", "C", "D"]  # written by others after the election
    reading.reader._consumer.raises = LogTruncationError({ZERO: point})
    assert reading.read() == (["B", "C", "D"] if point else ["a", "B", "C", "D"])
    assert reading.counts["input.truncated"] == 1
    assert "t/0 was truncated by its brokers: what was read from offset" in caplog.text


def test_an_offset_beyond_the_end_of_the_same_topic_was_cut_off(reading: Any) -> None:
    reading.read()
    reading.clock.now += LOOK_S
    reading.read()
    del reading.log.values[1:]
    reading.clock.now += LOOK_S
    reading.begin()
    assert reading.read() == ["a"]
    assert reading.counts == {"input.truncated": 1}


def test_where_reading_goes_on_the_epoch_of_the_last_record_is_told_to_the_brokers(reading: Any) -> None:
    reading.log.epoch = 7
    reading.read()
    if isinstance(reading, Endless):
        reading.positions = {0: 2}  # an earlier checkpoint
    else:
        reading.begin()
    reading.read()
    assert reading.reader._consumer.epoch == 7


def test_what_retention_took_under_the_reader_is_counted(reading: Any, caplog: pytest.LogCaptureFixture) -> None:
    reading.read()
    reading.log.values += "defgh"
    reading.log.begin = 7
    assert reading.read() == ["h"]
    assert reading.counts == {"input.deleted": 1, "input.lost": 4}
    assert "t/0: 4 records were deleted before they were read (offsets 3 to 6)" in caplog.text


def test_new_partitions_are_said_and_counted(reading: Any, caplog: pytest.LogCaptureFixture) -> None:
    reading.read()
    reading.log.partitions = {0, 1}
    reading.clock.now += 10
    with pytest.raises((KeyError, AssertionError)):  # this log has one
        reading.read()
    assert "t has new partitions: 1; they are read from their start" in caplog.text


def test_new_partitions_that_a_job_was_told_not_to_read_are_said(caplog: pytest.LogCaptureFixture) -> None:
    bounded = Bounded(Log(*"abc"))
    bounded.reader = AvailableReader(Consumer(bounded.log), TOPIC, RunLimits(), [0], counts=bounded.counts)
    bounded.read()
    bounded.log.partitions = {0, 1}
    assert bounded.read() == []
    assert "but [1] not by this job: its --partitions leave them out" in caplog.text
    assert bounded.counts == {"input.partitions-added": 1}


def test_a_mark_moves_on_only_when_the_brokers_were_asked() -> None:
    log, clock = Log(*"abc"), Clock()
    log.id = ""
    lineage = Lineage(Consumer(log), TOPIC, clock)
    lineage.adopt(0, None)
    assert lineage.look() == []
    lineage.saw(Event(TOPIC, 0, 2, 1, None, b"c"), 5)
    assert lineage.mark(0) == Mark("", 5), "the epoch is that of the last record, the rest is as it was confirmed"
    clock.now += LOOK_AT_RECORD_S
    lineage.look()
    assert lineage.mark(0) == Mark("", 5, 2, digest(_record(2, "c", 5)))


def test_under_an_id_a_mark_names_the_last_record_at_once_and_keeps_the_id_that_was_confirmed() -> None:
    log, clock = Log(*"abc"), Clock()
    lineage = Lineage(Consumer(log), TOPIC, clock)
    lineage.adopt(0, None)
    assert lineage.look() == []
    lineage.saw(Event(TOPIC, 0, 2, 1, None, b"c"), 5)
    assert lineage.mark(0) == Mark("id-1", 5, 2, digest(_record(2, "c", 5)))
    log.make_anew(*"xyz")
    lineage.saw(Event(TOPIC, 0, 1, 1, None, b"y"), 0)
    assert lineage.mark(0) == Mark("id-1", 0, 1, digest(_record(1, "y", 0)))
    clock.now += LOOK_S
    assert lineage.look() == [0]
    assert lineage.mark(0) == Mark("id-2")


def test_what_is_committed_names_the_last_record_before_it(reading: Any) -> None:
    """Of every run, however short: a ledger that was restored without the offsets is told by it."""
    for values in ("ab", "c", "defg"):
        reading.log.values += values
        reading.read()
        if isinstance(reading, Endless):
            done, marks = reading.positions, reading.marks
            reading.log.values.append("ahead")  # and read before the others are finished
            reading.clock.now += COMMIT_S
            reading.read()
            reading.reader.finished(done, marks)
        committed = reading.log.committed[TOPIC]
        last = committed.offset - 1
        mark = Mark.of(committed.metadata)
        assert (mark.topic_id, mark.last) == ("id-1", last)
        assert mark.digest == digest(_record(last, reading.log.values[last], mark.epoch))


def test_a_group_that_another_program_has_joined_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    log = Log(*"abc")
    bounded = Bounded(log)
    log.refuses = CommitFailedError()
    assert bounded.read() == ["a", "b", "c"]
    log.values.append("d")
    assert bounded.read() == ["d"]
    assert caplog.text.count("group g is in use by another program") == 1, "once a minute"
    log.refuses = None
    assert bounded.read() == []
    assert log.committed[TOPIC].offset == 4
    assert "the group's offsets are committed again" in caplog.text


def test_brokers_that_keep_no_text_with_offsets_get_none(reading: Any) -> None:
    reading.log.metadata_max = 0
    reading.read()
    if isinstance(reading, Endless):
        reading.reader.finished(reading.positions, reading.marks)
        reading.clock.now += COMMIT_S
        reading.read()
    assert (reading.log.committed[TOPIC].offset, reading.log.committed[TOPIC].metadata) == (3, "")
