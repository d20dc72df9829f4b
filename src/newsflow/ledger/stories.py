"""Settles stories: which happening each article tells of, in one order, however many workers decide at once.

Articles are decided in the order in which they come to a worker. Their stories are settled in another one, which is
the same whoever works: by when their records were written, partition and offset. What a worker is ahead with waits
until all partitions of its topic have come so far. What was settled is a log; each process follows it in memory.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from newsflow.errors import UsageError
from newsflow.ledger import story_links, story_rows
from newsflow.ledger.database import Database, to_micros
from newsflow.ledger.story_rows import (
    EDIT,
    JOIN,
    MERGE,
    RETURN,
    SPLIT,
    WITHDRAW,
    Asked,
    LogRow,
    Place,
    ReadPlace,
    Told,
    Vector,
    pack_member,
    unpack_member,
    unpack_signals,
)
from newsflow.model import Event
from newsflow.model.event import NEVER_MS
from newsflow.stories import DEFAULT_STORY_RULE, Member, Report, Stories
from newsflow.stories.state import day_of

LOCK = "stories"
REMEMBERED_DAYS = 8
"""Days of event time before those of the latest reports; with a longer window, four days more than that."""
_LATEST = 20
"""So many reports in a row must be of later days before earlier ones are forgotten: one wrong clock forgets nothing."""


@dataclass(frozen=True, slots=True)
class ReadUpTo:
    """How far a reader is with a topic: what it has just passed on; all partitions that there are; and of those it
    reads, as far as it knows, before which (record time, offset) nothing more comes. `NEVER_MS` for one that is read to
    the end of a bounded run. Where no partitions are known, as of files, what was passed on is in order as it is."""

    topic: str
    passed: Sequence[Event] = ()
    partitions: Set[int] = frozenset()
    next: Mapping[int, tuple[int, int]] = field(default_factory=dict)


class StoryWindow:
    """The stories that are remembered, as the log has them. Not thread-safe."""

    def __init__(self, window: timedelta) -> None:
        self._days = max(REMEMBERED_DAYS, window // timedelta(days=1) + 5)
        self._rule = replace(DEFAULT_STORY_RULE, window_h=max(1, round(window / timedelta(hours=1))))
        self.forget_all()

    def forget_all(self) -> None:
        """Begin again from the log, as after a transaction of which it is not known whether it was kept."""
        self.stories = Stories(self._rule)
        self.last = self.first_day = 0
        self._latest: deque[int] = deque(maxlen=_LATEST)
        """Days of the latest reports."""
        self._withdrawn: set[str] = set()
        self._withdrawn_of = Counter[str]()
        self._former: defaultdict[str, list[str]] = defaultdict(list)
        """The ids that lead on to a story."""

    def read_on(self, db: Database) -> None:
        """Take in what others settled. To be called while the lock is held."""
        newest = story_rows.last_log_row(db)
        last = 0 if newest is None else newest.log_no
        if last < self.last:  # Another ledger stands at the same address now.
            self.forget_all()
        if newest is None or last == self.last:
            return
        if not self.last or not all(self._follow(row) for row in story_rows.log_pages(db, self.last)):
            self._read_anew(db, newest)

    def _read_anew(self, db: Database, newest: LogRow) -> None:
        self.forget_all()
        rows = db.query("SELECT id, leads_to FROM story WHERE leads_to IS NOT NULL")
        for former, last in rows:
            self._former[last].append(former)
        self.stories.restore(self._members(db), dict(rows), newest.first_day)
        self.stories.forget(newest.first_day)
        self.last, self.first_day = newest.log_no, newest.first_day
        self._count_withdrawn()

    def _members(self, db: Database) -> Iterator[tuple[Member, str, Vector | None]]:
        for row in story_rows.log_pages(db, 0):
            self._note(row)
            if row.kind == JOIN and row.report:
                member, vector = unpack_member(row.article_id, row.event_at, row.language, row.report)
                yield member, row.story, vector

    def _follow(self, row: LogRow) -> bool:
        """Take in one row; False where all is to be read anew."""
        if row.kind == SPLIT:
            return False
        if row.first_day > self.first_day:
            self._forget(row.first_day)
        if row.kind == JOIN:
            member, vector = unpack_member(row.article_id, row.event_at, row.language, row.report)
            self.stories.take_in(member, row.story, vector)
            if row.told == row.article_id != row.story:
                self.add_alias(row.article_id, row.story)
        elif row.kind == MERGE:
            self.merge(row.article_id, row.story)
        self._note(row)
        self.last = row.log_no
        return True

    def _note(self, row: LogRow) -> None:
        if row.kind == JOIN:
            self._latest.append(day_of(row.event_at))
        elif row.kind in (WITHDRAW, RETURN):
            self.mark(row.article_id, withdrawn=row.kind == WITHDRAW)

    def settle(self, report: Report) -> tuple[str, Told, list[tuple[str, str]], bytes]:
        """Decide the story of a report: the id it was decided for, what it says of the story that goes on, what was
        merged, and what is to be kept of the report."""
        settled = self.stories.settle(report)
        for ended, kept in settled.merged:
            self._note_merge(ended, kept)
        self._latest.append(day_of(report.at))
        self.last += 1
        kept_of_it = pack_member(settled.member, report.vector)
        return settled.decided, self.told(settled.story), list(settled.merged), kept_of_it

    def forget_what_is_old(self) -> None:
        """Before a report is settled."""
        if len(self._latest) == _LATEST and (day := min(self._latest) - self._days) > self.first_day:
            self._forget(day)

    def _forget(self, first_day: int) -> None:
        self.first_day = first_day
        self.stories.forget(first_day)
        self._count_withdrawn()

    def _count_withdrawn(self) -> None:
        of = {each: story.id for each in self._withdrawn if (story := self.stories.story_of(each)) is not None}
        self._withdrawn, self._withdrawn_of = set(of), Counter(of.values())

    def merge(self, ended: str, kept: str) -> None:
        if {ended, kept} <= self.stories.stories.keys():
            self.stories.merge(ended, kept)
            self._note_merge(ended, kept)

    def _note_merge(self, ended: str, kept: str) -> None:
        self._withdrawn_of[kept] += self._withdrawn_of.pop(ended, 0)
        self._former[kept] += [ended, *self._former.pop(ended, ())]

    def add_alias(self, article_id: str, story_id: str) -> None:
        """An article was told as a story of its own before it was known to be of another."""
        self._former[self.stories.leads_to(story_id)].append(article_id)

    def told(self, story_id: str) -> Told:
        """What an article says of its story now."""
        return Told(story_id, self.size(story_id), tuple(sorted(self._former.get(story_id, ()))))

    def mark(self, article_id: str, *, withdrawn: bool) -> None:
        """An article was withdrawn, or is there again."""
        if withdrawn == (article_id in self._withdrawn):
            return
        (self._withdrawn.add if withdrawn else self._withdrawn.remove)(article_id)
        if (story := self.stories.story_of(article_id)) is not None:
            self._withdrawn_of[story.id] += 1 if withdrawn else -1

    def is_withdrawn(self, article_id: str) -> bool:
        return article_id in self._withdrawn

    def size(self, story_id: str) -> int:
        """Articles that are not withdrawn."""
        story = self.stories.stories.get(story_id)
        return 0 if story is None else story.size - self._withdrawn_of[story_id]


class StorySettler:
    """Settles stories in one database. Not thread-safe."""

    def __init__(self, db: Database, window: timedelta) -> None:
        self._db, self._window = db, StoryWindow(window)
        self._undone = False
        """The window may hold what no transaction kept."""

    def settle(self, asked: Sequence[Asked], reading: Iterable[ReadUpTo], now: datetime) -> list[Told]:
        """What each version says of its story, in order; in one transaction. The first answer about a version holds.

        `reading`: how far readers are, with the topics of all that is asked for. Raises
        LedgerError; nothing is settled then."""
        topics = {each.topic: each for each in reading}
        told = self._db.run(lambda: self._attempt(asked, topics, now))
        self._undone = False
        return told

    def merge(self, left: str, right: str, now: datetime) -> tuple[str, str]:
        """An editor's word: two stories are one. The id that ends, and the one that goes on. Raises UsageError where
        they are one already, or one of them is not remembered."""

        def work() -> tuple[str, str]:
            ids = [story_links.story_of(self._db, each) for each in (left, right)]
            for given, story_id in zip((left, right), ids, strict=True):
                self._check(given, story_id)
            merged = self._window.stories.merge(*ids)
            if merged is None:
                raise UsageError(f"{left} and {right} are one story already: {ids[0]}")
            story_rows.insert_log(self._db, [self._word(MERGE, *merged, now)])
            self._touch_several([merged[1]])
            story_links.lead_on(self._db, [merged])
            return merged

        return self._alone(work)

    def split(self, identifier: str, article_ids: Sequence[str], now: datetime) -> tuple[str, str]:
        """An editor's word: these articles are a story of their own. The ids of the story that they leave, and of
        theirs. Raises UsageError where they are not of the story, or all of it, or it is not remembered."""

        def work() -> tuple[str, str]:
            story_id = story_links.story_of(self._db, identifier)
            self._check(identifier, story_id)
            joined = [row for row in story_rows.log_of(self._db, article_ids) if row.kind == JOIN and row.report]
            members = [unpack_member(row.article_id, row.event_at, row.language, row.report)[0] for row in joined]
            if missing := sorted(set(article_ids) - {each.article for each in members}):
                raise UsageError(f"{', '.join(missing)}: not in story {story_id}")
            try:
                part = self._window.stories.split(story_id, members)
            except ValueError as error:
                raise UsageError(str(error)) from error
            story_rows.move(self._db, article_ids, part)
            story_rows.insert_log(self._db, [self._word(SPLIT, each.article, part, now) for each in members])
            story_links.stand_alone(self._db, part)
            self._touch_several([story_id, part])
            return story_id, part

        return self._alone(work)

    def _alone(self, work: Callable[[], tuple[str, str]]) -> tuple[str, str]:
        """Run `work` with the window as the log has it, and read that anew the next time: an editor speaks rarely."""

        def locked() -> tuple[str, str]:
            self._db.lock([LOCK])
            self._window.forget_all()
            self._window.read_on(self._db)
            return work()

        try:
            return self._db.run(locked)
        finally:
            self._window.forget_all()

    def _check(self, given: str, story_id: str) -> None:
        if story_id not in self._window.stories.stories:
            raise UsageError(
                f"{given!r} is no story that is remembered, nor an article of one; accepted: stories with a report of "
                "the last days"
            )

    def _word(self, kind: str, subject: str, story_id: str, now: datetime) -> LogRow:
        self._window.last += 1
        at = to_micros(now)
        return LogRow(self._window.last, kind, subject, 0, story_id, story_id, 0, at, at, self._window.first_day)

    def _touch_several(self, story_ids: Iterable[str]) -> None:
        stories = self._window.stories.stories
        story_links.touch(self._db, [(each, stories[each].last) for each in story_ids], [])

    def _attempt(self, asked: Sequence[Asked], reading: Mapping[str, ReadUpTo], now: datetime) -> list[Told]:
        self._db.lock([LOCK])
        if self._undone:
            self._window.forget_all()
        self._undone = True  # until it is known that this transaction is kept
        self._window.read_on(self._db)
        work = _Settling(self._db, self._window, asked, to_micros(now))
        for topic in sorted(reading):
            work.settle_topic(reading[topic])
        return work.save()


class _Settling:
    """One transaction: what it knows, and what it will write."""

    def __init__(self, db: Database, window: StoryWindow, asked: Sequence[Asked], now_micros: int) -> None:
        self._db, self._window, self._asked, self._now = db, window, asked, now_micros
        ids, places = {each.article_id for each in asked}, {each.place for each in asked}
        known = story_rows.log_of(db, ids)
        self._told = {
            (row.article_id, row.version): Told(row.told, row.told_size, story_links.former_before(db, row))
            for row in known
            if (row.article_id, row.version) in places
        }
        self._decided = {row.article_id: row.story for row in known if row.kind == JOIN}
        """Stories of the articles that are asked for, as they were decided."""
        waiting = story_rows.due_of(db, ids)
        originals = story_rows.due_of(db, {each.told.story for each in asked} - ids)
        self._waiting = {each.article_id: each for each in reversed((*originals, *waiting))}
        """The first version of each that waits."""
        self._told |= {each.place: each.told for each in waiting}
        self._new_rows: list[LogRow] = []
        self._merges: list[tuple[str, str]] = []
        self._touched: dict[str, int] = {}
        """Stories that changed, with the time of their latest report here."""
        self._aliases: list[tuple[str, str]] = []
        self._new_due: dict[Place, Asked] = {}
        self._settled_due: list[Place] = []

    def settle_topic(self, read: ReadUpTo) -> None:
        """Settle what all partitions of a topic have come by; give the rest a story to go on with."""
        places = story_rows.load_places(self._db, read.topic)
        times = self._pass(read.passed, places)
        reached = self._reach(places, read)
        story_rows.save_places(self._db, read.topic, places)
        mine = (each for each in self._asked if each.topic == read.topic and each.place not in self._told)
        new = {each.place: replace(each, time_ms=times[each.partition, each.offset]) for each in mine}
        waited = {each.place: each for each in story_rows.due_until(self._db, read.topic, reached[0])}
        self._told |= {each.place: each.told for each in waited.values()}  # what they said while they waited
        self._decided |= story_rows.decided_of(self._db, {each.article_id for each in waited.values()})
        queue = (*sorted(waited.values(), key=lambda each: each.order), *new.values())
        for each in sorted(queue, key=lambda each: each.order) if read.partitions else queue:
            if each.order[:3] < reached:
                self._settle(each)
                self._new_due.pop(each.place, None)
            elif each.place in new:
                self._wait(each)
        self._settled_due += [each.place for each in waited.values() if each.order[:3] < reached]

    def _pass(self, events: Iterable[Event], places: dict[int, ReadPlace]) -> dict[tuple[int, int], int]:
        """Move the places on. Returns the record time of each event, by partition and offset, as one that never goes
        back within a partition."""
        times = {}
        for event in events:
            place = places.setdefault(event.partition, ReadPlace())
            times[event.partition, event.offset] = place.time_ms = max(place.time_ms, event.timestamp_ms)
            place.next_ms, place.next_offset, place.heard_at = place.time_ms, event.offset + 1, self._now
        return times

    def _reach(self, places: dict[int, ReadPlace], read: ReadUpTo) -> tuple[int, int, int]:
        """Up to which order, it not included, nothing more will come."""
        for partition in read.partitions - places.keys():
            places[partition] = ReadPlace(heard_at=self._now)
        for partition, (time_ms, offset) in read.next.items():
            place = places.setdefault(partition, ReadPlace())
            place.next_ms, place.next_offset, place.heard_at = max(time_ms, place.time_ms), offset, self._now
        if not read.partitions:
            return NEVER_MS, 0, 0
        since = self._now - story_rows.SILENT_US
        heard = [(each.next_ms, number, each.next_offset) for number, each in places.items() if each.heard_at > since]
        return min(heard, default=(NEVER_MS, 0, 0))

    # One version.

    def _settle(self, each: Asked) -> None:
        window = self._window
        if each.withdrawn:
            window.mark(each.article_id, withdrawn=True)
            self._add_change(each, WITHDRAW)
        elif self._is_new(each):
            self._join(each)
        else:
            kind = RETURN if window.is_withdrawn(each.article_id) else EDIT
            window.mark(each.article_id, withdrawn=False)
            self._add_change(each, kind)

    def _is_new(self, each: Asked) -> bool:
        if not each.report or each.article_id in self._decided:
            return False
        # What an earlier release put in another's story, and nobody remembers, stays there.
        return each.version == 1 or each.told.story == each.article_id

    def _join(self, each: Asked) -> None:
        self._window.forget_what_is_old()
        decided, now, merged, kept = self._window.settle(_report(each))
        self._decided[each.article_id] = decided
        told = self._told.setdefault(each.place, now)
        self._new_rows.append(self._row(JOIN, each, decided, told, kept))
        if decided != each.article_id:
            self._touch(decided, each.at)
            if told.story == each.article_id:  # It was told as a story of its own, before this was known.
                self._aliases.append((each.article_id, now.story))
                self._window.add_alias(each.article_id, now.story)
        for ended, kept_id in merged:
            self._add_merge(ended, kept_id, each.at)

    def _add_merge(self, ended: str, kept: str, at: int) -> None:
        self._window.last += 1
        row = LogRow(self._window.last, MERGE, ended, 0, kept, kept, 0, at, self._now, self._window.first_day)
        self._new_rows.append(row)
        self._merges.append((ended, kept))
        self._touch(kept, at)

    def _add_change(self, each: Asked, kind: str) -> None:
        told = self._told.setdefault(each.place, self._tell(each))
        self._window.last += 1
        decided = self._decided.get(each.article_id, told.story)
        self._new_rows.append(self._row(kind, each, decided, told, b""))
        self._touch(decided, 0)

    def _row(self, kind: str, each: Asked, story: str, told: Told, report: bytes) -> LogRow:
        return LogRow(
            self._window.last, kind, each.article_id, each.version, story, told.story, told.size, each.at, self._now,
            self._window.first_day, each.language, report,
        )  # fmt: skip

    def _wait(self, each: Asked) -> None:
        """Not yet in order: a story to go on with."""
        told = self._tell_beforehand(each) if self._is_new(each) else self._tell(each)
        self._told[each.place] = told
        waits = each.article_id in self._waiting or self._window.is_withdrawn(each.article_id)
        if each.withdrawn or each.report or waits:
            self._new_due[each.place] = replace(each, told=told)
            self._waiting.setdefault(each.article_id, self._new_due[each.place])
        else:
            self._add_change(each, EDIT)

    def _tell_beforehand(self, each: Asked) -> Told:
        """The story that a report would join: a copy that of its original, though that waits too."""
        original = self._waiting.get(each.told.story)
        told = self._window.told(self._window.stories.would_join(_report(each))) if original is None else original.told
        return replace(told, size=told.size + 1)

    def _tell(self, each: Asked) -> Told:
        """What a later version of an article says of its story."""
        story = self._window.stories.story_of(each.article_id)
        if story is not None:
            return self._window.told(story.id)
        if (waiting := self._waiting.get(each.article_id)) is not None:
            return waiting.told
        if (decided := self._decided.get(each.article_id)) is None:
            return each.told
        story_id = story_links.leads_to(self._db, [decided]).get(decided, decided)
        others = story_links.articles_of(self._db, [story_id])[story_id]
        living = sum(not other.withdrawn for other in others if other.id != each.article_id)
        return Told(story_id, living + (not each.withdrawn))

    def _touch(self, story_id: str, at: int) -> None:
        story_id = self._window.stories.leads_to(story_id)
        self._touched[story_id] = max(self._touched.get(story_id, 0), at)

    # What is written.

    def save(self) -> list[Told]:
        story_rows.insert_log(self._db, self._new_rows)
        story_rows.delete_due(self._db, self._settled_due)
        story_rows.insert_due(self._db, self._new_due.values())
        self._save_stories()
        return [self._told[each.place] for each in self._asked]

    def _save_stories(self) -> None:
        living = self._window.stories.stories
        several = [(each, at) for each, at in self._touched.items() if each in living and living[each].size > 1]
        unknown = [each for each in self._touched if each not in living]
        story_links.touch(self._db, sorted(several), unknown)
        story_links.lead_on(self._db, [*self._merges, *self._aliases])


def _report(each: Asked) -> Report:
    signals, vector = unpack_signals(each.report)
    return Report(each.article_id, each.at, each.language, signals, vector)
