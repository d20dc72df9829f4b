"""The ledger: one object a process, safe to share between threads. It remembers every decision."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from newsflow.dedup.decide import KnownArticle
from newsflow.dedup.similarity import DEFAULT_RULE, Rule
from newsflow.dedup.story import Story, build_story
from newsflow.ledger import pruning, reading, records, story_links, tables
from newsflow.ledger.database import Database, to_micros
from newsflow.ledger.decide import BatchDecider, Failure, amend
from newsflow.ledger.pruning import Pruned
from newsflow.ledger.reading import DeadLetter, StoredVersion
from newsflow.ledger.stories import ReadUpTo, StorySettler
from newsflow.ledger.story_rows import Asked, Told
from newsflow.ledger.story_telling import FactsCache, PublishStories, ToldStory, stories_about, tell_stories
from newsflow.ledger.tables import DecidedEvent
from newsflow.model import Article, Candidate, Decision, Outcome, PublishedVersion, Reason

T = TypeVar("T")
Clock = Callable[[], datetime]

_BEGINNING, _LAST_MICROS = datetime(1970, 1, 1, tzinfo=UTC), 2**63 - 1


def system_clock() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


class Ledger:
    """Every method may block on the database, and raises LedgerError when it does not answer in time; then
    nothing of that call was kept. Built by `open_ledger`."""

    def __init__(
        self,
        db: Database,
        *,
        window: timedelta = timedelta(hours=72),
        clock: Clock = system_clock,
        rule: Rule = DEFAULT_RULE,
    ) -> None:
        self._db, self._clock, self._window, self._lock = db, clock, window, threading.RLock()
        self._decider = BatchDecider(db, window, rule)
        self._settler = StorySettler(db, window)
        self._facts = FactsCache()

    def wait(self, retry_for_s: float) -> None:
        """From now on, wait so long for the database before a call fails."""
        self._db.retry_for_s = retry_for_s

    def decide(self, candidates: Sequence[Candidate]) -> list[Decision]:
        """One decision a candidate, in order, in one transaction. The first answer about an event holds for ever."""
        with self._lock:
            return self._decider.decide(candidates, self._clock()) if candidates else []

    def settle(self, asked: Sequence[Asked], reading: Iterable[ReadUpTo]) -> list[Told]:
        """What article versions say of their stories, in order: see `StorySettler.settle`."""
        with self._lock:
            return self._settler.settle(asked, reading, self._clock())

    def tell_stories(
        self, article_ids: Iterable[str], publish: PublishStories, families: Mapping[str, str] | None = None
    ) -> int:
        """Publish the stories that changed and those of these articles, as they stand: see `tell_stories`."""
        return self.transact(lambda db: tell_stories(db, article_ids, publish, families or {}, self._facts))

    def stories_about(self, article_ids: Iterable[str], families: Mapping[str, str] | None = None) -> list[ToldStory]:
        """The stories of several articles that these are in as they stand, and the ids that lead on to them."""
        return self._read(lambda: stories_about(self._db, article_ids, families or {}, self._facts))

    def amend(self, failures: Sequence[Failure]) -> list[Decision | None]:
        """Take back the decisions about events that failed in a later stage; the dead-letter decisions that now
        hold, None for an event that was recorded before it failed. KeyError for one that was never decided."""
        return self._run(lambda: amend(self._db, failures)) if failures else []

    def record(self, stored: Sequence[PublishedVersion]) -> list[PublishedVersion]:
        """Keep what is about to be published; what is stored of each, in order. The first record of an article
        version holds for ever, with the feeds and alerts it had; publish what is returned."""
        now = to_micros(self._clock())
        return self._run(lambda: records.store_records(self._db, stored, now)) if stored else []

    def outcomes(self) -> dict[Outcome, int]:
        """Number of events by outcome; they sum to the events decided."""
        totals: Counter[Outcome] = Counter()
        for (outcome, _), events in self._read(lambda: reading.count_outcomes(self._db)).items():
            totals[outcome] += events
        return dict(totals)

    def reasons(self) -> dict[Reason, int]:
        """Number of dead letters by reason."""
        counts = self._read(lambda: reading.count_outcomes(self._db))
        return {reason: events for (_, reason), events in counts.items() if reason is not None}

    def event(self, event_id: str) -> DecidedEvent | None:
        """What became of an event; None when it was never decided."""
        return self._read(lambda: tables.load_events(self._db, [event_id]).get(event_id))

    def events_at(self, topic: str, partition: int, offset: int) -> list[DecidedEvent]:
        """The events read at one place, in the order they were decided."""
        return self._read(lambda: reading.events_at(self._db, topic, partition, offset))

    def dead_letters(
        self, *, since: datetime | None = None, reason: Reason | None = None, limit: int = 1000
    ) -> list[DeadLetter]:
        """The index of dead letters, the oldest first."""
        start, name = to_micros(since or _BEGINNING), None if reason is None else reason.value
        return self._read(lambda: reading.dead_letters_page(self._db, start, name, limit))

    def articles(self, *, since: datetime | None = None, ids: Iterable[str] | None = None) -> Iterator[StoredVersion]:
        """Recorded article versions: of `ids`, or all since a time in the order they were recorded. Reads in pages,
        so versions recorded meanwhile may be among them."""
        if ids is None:
            yield from self._pages(since, _LAST_MICROS, living=False)
            return
        unique = list(dict.fromkeys(ids))
        for start in range(0, len(unique), reading.PAGE):
            chunk = unique[start : start + reading.PAGE]
            yield from self._read(lambda chunk=chunk: reading.versions_of(self._db, chunk))  # type: ignore[misc]

    def current_versions(self, *, since: datetime | None = None) -> Iterator[StoredVersion]:
        """The last version of each living article (neither withdrawn nor held back), if it was recorded since then;
        in the order they were recorded. Versions recorded after the call are not among them."""
        return self._pages(since, to_micros(self._clock()), living=True)

    def count_current(self, *, since: datetime) -> int:
        """How many `current_versions` there are."""
        return self._read(lambda: reading.count_current(self._db, to_micros(since)))

    def _pages(self, since: datetime | None, until: int, *, living: bool) -> Iterator[StoredVersion]:
        start, last = to_micros(since or _BEGINNING), None
        while page := self._read(
            lambda last=last: reading.versions_page(self._db, start, until, last, living=living)  # type: ignore[misc]
        ):
            yield from page
            last = page[-1]

    def latest_article(self, article_id: str) -> StoredVersion | None:
        """The newest recorded version of an article; None when none was recorded."""
        return self._read(lambda: reading.latest_version(self._db, article_id))

    def story(self, story_id: str, families: Mapping[str, str] | None = None) -> Story | None:
        """A story as it stands, by its id, that of one that leads on to it, or of one of its articles; None when there
        is none. What nobody settled is of the story that a release before stories put it in. `families`: publisher by
        source."""

        def look() -> Story | None:
            found = story_links.story_of(self._db, story_id)
            settled = story_links.articles_of(self._db, [found])[found]
            articles = settled or tables.load_story(self._db, story_id)
            return build_story(found if settled else story_id, articles, families) if articles else None

        return self._read(look)

    def merge_stories(self, left: str, right: str) -> tuple[str, str]:
        """An editor's word: two stories, each by its id or that of an article, are one. The id that ends, and the one
        that goes on. Raises UsageError where they cannot be."""
        with self._lock:
            return self._settler.merge(left, right, self._clock())

    def split_story(self, story: str, article_ids: Sequence[str]) -> tuple[str, str]:
        """An editor's word: these articles are a story of their own. The ids of the story that they leave, and of
        theirs. Raises UsageError where they cannot be."""
        with self._lock:
            return self._settler.split(story, article_ids, self._clock())

    def known(self, article_id: str) -> KnownArticle | None:
        return self._read(lambda: tables.load_articles(self._db, [article_id]).get(article_id))

    def current_article(self, article_id: str) -> Article | None:
        """The last version of an article, copies that were held back included; None when there is none."""
        known = self.known(article_id)
        if known is None:
            return None
        return self._read(lambda: tables.load_version(self._db, article_id, known.version))

    def prune(
        self,
        retention: timedelta,
        over: Callable[[], bool] = lambda: False,
        told: Callable[[int], object] = lambda _: None,
    ) -> Pruned:
        """Delete texts older than the window, and all that was not heard of within `retention`, in small
        transactions, until `over` says so. Undelivered alerts stay, and so do the sums of outcomes. `told` hears of the
        rows of each step."""

        def step(work: Callable[[], int]) -> int:
            if over():
                return 0
            rows = self._run(work)
            told(rows)
            return rows

        return pruning.prune(self._db, self._clock(), self._window, retention, step)

    def prunable(self, retention: timedelta) -> int:
        """About how many rows `prune` would delete."""
        return self._read(lambda: pruning.prunable(self._db, self._clock(), self._window, retention))

    def transact(self, work: Callable[[Database], T], *, writes: bool = True) -> T:
        """Run `work` in one transaction. It may run more than once; only its last run is kept."""
        with self._lock:
            return self._db.run(lambda: work(self._db), writes=writes)

    def now(self) -> datetime:
        """The ledger's clock: an aware instant in UTC."""
        return self._clock()

    def close(self) -> None:
        """Give the connection back. The ledger cannot be used after."""
        with self._lock:
            self._db.close()

    def _run(self, work: Callable[[], T]) -> T:
        with self._lock:
            return self._db.run(work)

    def _read(self, work: Callable[[], T]) -> T:
        with self._lock:
            return self._db.run(work, writes=False)
