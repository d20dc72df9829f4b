"""Stories as they stand, decided one report after another in one order: same reports in, same stories out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from newsflow.dedup.fingerprint import NearIndex
from newsflow.stories.counts import UNIT, DayCounts
from newsflow.stories.rule import DEFAULT_STORY_RULE, HOUR, Likeness, StoryRule, needed
from newsflow.stories.signals import Signals
from newsflow.stories.story import Member, Probe, Story, mean_cosines, vector_keys

LOOKED_AT = 24
"""Stories that are compared with a report: those it shares the most with."""
ALSO = 3
"""Further stories that a report could join, of which each may turn out to be one with the story it joined."""
WORDS_SEARCHED, KEYS_SEARCHED = 24, 20
"""The rarest: a report is found by these."""
_VECTOR_WEIGHT = 0.02
"""Of one key of a vector, where words weigh the square of their share."""


@dataclass(frozen=True, slots=True)
class Report:
    """An article to be decided. `at` is event time in microseconds; `vector` what `encode` made of it."""

    article: str
    at: int
    language: str
    """Base language."""
    signals: Signals
    vector: NDArray[np.int8] | None = None
    copy_of: str | None = None
    """An article that it copies or shares passages with: it is of that one's story, and words have decided."""
    apart_from: frozenset[str] = frozenset()
    """Articles of one template that report other happenings: it does not join their stories."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What was decided. `figure` is None for a story of its own, or one joined as a copy."""

    story: str
    new: bool
    likeness: Likeness | None
    figure: float | None
    merged: tuple[tuple[str, str], ...]
    """(id that ends, id that goes on), in order; `story` is the one that goes on."""
    decided: str
    """The story that it was decided for, before these merges."""
    member: Member
    """To be kept: `Stories.restore` makes the same state of the members in order."""


class Stories:
    """The living stories of the window. Not thread-safe."""

    def __init__(self, rule: StoryRule = DEFAULT_STORY_RULE) -> None:
        self._rule = rule
        self._counts = DayCounts()
        self._index = NearIndex()
        self._number = 0
        self._first_day = 0
        self._decided_as: dict[int, str] = {}
        """Stories by the number of the report: as they were decided, or as an editor split them."""
        self._number_of: dict[str, int] = {}
        self._merged: dict[str, str] = {}
        self.stories: dict[str, Story] = {}

    def settle(self, report: Report) -> Settled:
        """Decide the story of a report, and merge stories that it shows to be one."""
        member = self._weigh(report)
        keys = search_keys(member)
        if report.copy_of is not None and (known := self.story_of(report.copy_of)) is not None:
            self._take(known, report, member, keys)
            return Settled(known.id, False, None, None, (), known.id, member)
        found = self._found(report, member, keys)
        if not found:
            story = self.stories[report.article] = Story(report.article)
            self._take(story, report, member, keys)
            return Settled(story.id, True, None, None, (), story.id, member)
        figure, story, likeness = found[0]
        decided = story.id
        self._take(story, report, member, keys)
        merged = []
        for _, other, _ in found[1 : 1 + ALSO]:
            asked = needed(self._rule, min(story.size, other.size))
            if story.likeness_of(other).figure(self._rule) >= asked:
                ended, story = self._merge(story, other)
                merged.append((ended, story.id))
        return Settled(story.id, False, likeness, figure, tuple(merged), decided, member)

    def would_join(self, report: Report) -> str:
        """The id of the story that a report would get if it came next. Changes nothing."""
        if report.copy_of is not None and (known := self.story_of(report.copy_of)) is not None:
            return known.id
        member = self._weigh(report)
        found = self._found(report, member, search_keys(member))
        return found[0][1].id if found else report.article

    def adopt(self, report: Report, story_id: str) -> Member:
        """Take in a report whose story is known already, as an earlier release decided it."""
        member = self._weigh(report)
        self.take_in(member, story_id, report.vector)
        return member

    def take_in(self, member: Member, decided: str, vector: NDArray[np.int8] | None) -> None:
        """Take in a report that another process decided, for this story, after all that is here. `vector`: as it was
        encoded."""
        story_id = self.leads_to(decided)
        story = self.stories.setdefault(story_id, Story(story_id))
        self._count(member, vector)
        self._enter(story, member, decided, search_keys(member))

    def _found(self, report: Report, member: Member, keys: Mapping[int, float]) -> list[tuple[float, Story, Likeness]]:
        excluded = {story.id for each in report.apart_from if (story := self.story_of(each)) is not None}
        return self._ranked(member, self._candidates(member, keys, excluded))

    def story_of(self, article: str) -> Story | None:
        """The living story of an article."""
        number = self._number_of.get(article)
        return None if number is None else self.stories.get(self.leads_to(self._decided_as[number]))

    def leads_to(self, story_id: str) -> str:
        """The id that a story goes on under."""
        while story_id in self._merged:
            story_id = self._merged[story_id]
        return story_id

    def merge(self, left: str, right: str) -> tuple[str, str] | None:
        """An editor's word: two stories are one. (Id that ends, id that goes on); None where they are one already."""
        ids = self.leads_to(left), self.leads_to(right)
        if ids[0] == ids[1]:
            return None
        ended, kept = self._merge(self.stories[ids[0]], self.stories[ids[1]])
        return ended, kept.id

    def split(self, story_id: str, leaving: Collection[Member]) -> str:
        """An editor's word: these reports, not all there are, are a story of their own, under the id of the first.
        ValueError where they are none, all, or of another story."""
        story = self.stories[self.leads_to(story_id)]
        strangers = [each.article for each in leaving if self.story_of(each.article) is not story]
        if strangers or not 0 < len(leaving) < story.size:
            raise ValueError(
                f"story {story.id} cannot be split: {strangers or 'none or all of its reports'} would leave"
            )
        by_time = sorted(leaving, key=lambda each: (each.at, each.article))
        taken = self.stories.keys() | self._merged.keys()
        # The first report of the old story gave it its id, and others theirs to stories that it took in.
        part = Story(
            next((each.article for each in by_time if each.article not in taken), f"{by_time[0].article}-split")
        )
        for each in leaving:
            story.remove(each)
            part.add(each)
            self._decided_as[self._number_of[each.article]] = part.id
        self.stories[part.id] = part
        return part.id

    def restore(
        self,
        members: Iterable[tuple[Member, str, NDArray[np.int8] | None]],
        merged: Mapping[str, str],
        first_day: int = 0,
    ) -> None:
        """Make the state again of what was kept: members in the order they were decided, each with the story it was
        decided for (or split to) and its vector as it was encoded; the merges; the day before which all was forgotten.
        Of a story with a later report all members are wanted. Only for a state that is empty."""
        self._merged = dict(merged)
        self._first_day = first_day
        for member, decided, vector in members:
            self.take_in(member, decided, vector)

    def forget(self, before: int) -> None:
        """Forget the stories that have no report of this day of event time (`day_of`) or later, and what earlier days
        counted. Whole days, so that a state that is made again has counted the same; at least a week back."""
        self._first_day = before
        self._counts.forget(before)
        self.stories = {story.id: story for story in self.stories.values() if day_of(story.last) >= before}
        self._merged = {ended: on for ended, on in self._merged.items() if self.leads_to(on) in self.stories}
        kept = {number for number, story_id in self._decided_as.items() if self.leads_to(story_id) in self.stories}
        self._decided_as = {number: story_id for number, story_id in self._decided_as.items() if number in kept}
        self._number_of = {article: number for article, number in self._number_of.items() if number in kept}
        self._index.oldest = min(kept, default=self._number + 1)

    def _weigh(self, report: Report) -> Member:
        day, language, signals = day_of(report.at), report.language, report.signals
        words = self._counts.weigh(language, day, signals.words)
        keys = self._counts.weigh(language, day, signals.keys)
        vector = None if report.vector is None else self._counts.centre(language, day, report.vector)
        costs = {term: signals.keys[term] for term in keys}
        return Member(report.article, report.at, language, words, keys, costs, vector)

    def _count(self, member: Member, vector: NDArray[np.int8] | None) -> None:
        """What is of a day that is forgotten counts no more, in a state that is made again too."""
        if day_of(member.at) >= self._first_day:
            self._counts.add(member.language, day_of(member.at), [*member.words, *member.keys], vector)

    def _take(self, story: Story, report: Report, member: Member, keys: Mapping[int, float]) -> None:
        self._count(member, report.vector)
        self._enter(story, member, story.id, keys)

    def _enter(self, story: Story, member: Member, decided: str, keys: Mapping[int, float]) -> None:
        self._number += 1
        story.add(member)
        self._number_of[member.article] = self._number
        self._decided_as[self._number] = decided
        hashes = np.array(sorted(keys), np.uint32)
        self._index.add([self._number], [hashes], [member.at])

    def _candidates(self, member: Member, keys: Mapping[int, float], excluded: Collection[str]) -> list[Story]:
        span_us = self._rule.window_h * HOUR
        # Of days that are forgotten, a state that was made again knows less.
        first = max(0, member.at - span_us, self._first_day * 24 * HOUR)
        span = first, max(first, member.at + span_us)
        found = self._index.find([np.array(sorted(keys), np.uint32)], [span])[0]
        weights: defaultdict[str, float] = defaultdict(float)
        decided_as = self._decided_as.get
        for key, numbers in sorted(found.items()):
            weight = keys[key]
            for story_id in {story_id for number in numbers if (story_id := decided_as(number))}:
                weights[story_id] += weight
        heaviest = sorted(weights, key=lambda story_id: (-weights[story_id], story_id))[: 2 * LOOKED_AT]
        ids = dict.fromkeys(self.leads_to(story_id) for story_id in heaviest)
        return [self.stories[story_id] for story_id in ids if story_id not in excluded][:LOOKED_AT]

    def _ranked(self, member: Member, candidates: Sequence[Story]) -> list[tuple[float, Story, Likeness]]:
        """The stories that the report may join: the one whose demand it exceeds the most comes first."""
        found = []
        probe = Probe(member)
        for story, vector in zip(candidates, mean_cosines(member, candidates), strict=True):
            likeness = story.likeness(probe, self._rule, vector)
            figure = likeness.figure(self._rule)
            if (above := figure - needed(self._rule, story.size)) >= 0:
                found.append((-round(above, 4), story.id, figure, story, likeness))
        found.sort(key=lambda each: each[:2])
        return [(figure, story, likeness) for _, _, figure, story, likeness in found]

    def _merge(self, left: Story, right: Story) -> tuple[str, Story]:
        """The one that began first goes on."""
        kept, ended = sorted((left, right), key=lambda story: (story.first, story.id))
        kept.absorb(ended)
        self._merged[ended.id] = kept.id
        del self.stories[ended.id]
        return ended.id, kept


def search_keys(member: Member) -> dict[int, float]:
    """What a report is found by, and how much it says to have that in common."""
    keys: dict[int, float] = {}
    for weights, most in ((member.words, WORDS_SEARCHED), (member.keys, KEYS_SEARCHED)):
        for term in sorted(weights, key=lambda term: (-weights[term], term))[:most]:
            keys[term] = (weights[term] / UNIT) ** 2
    if member.vector is not None:
        keys |= dict.fromkeys(vector_keys(member.vector), _VECTOR_WEIGHT)
    return keys


def day_of(at: int) -> int:
    """The day of an event time, counted from 1970."""
    return at // (24 * HOUR)
