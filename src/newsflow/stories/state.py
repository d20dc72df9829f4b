"""Stories as they stand, decided one report after another in one order: same reports in, same stories out."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from newsflow.stories.counts import UNIT, DayCounts
from newsflow.stories.postings import Postings
from newsflow.stories.rule import DEFAULT_STORY_RULE, HOUR, Likeness, StoryRule, needed
from newsflow.stories.signals import KEYS_OFTEN, NUMBER, SCORE, WORDS_OFTEN, Signals, cost_of, kind_of
from newsflow.stories.story import Member, Story, compare, vector_keys

MOST_READ = 250
"""Reports that share a key, from the rarest key on: where a day is dense, common keys add nothing."""
LOOKED_AT = 16
"""Stories that are compared with a report: those it shares the most with, in words and otherwise."""
ALSO = 3
"""Further stories that a report could join, of which each may turn out to be one with the story it joined."""
WORDS_SEARCHED, KEYS_SEARCHED = 24, 20
"""The rarest: a report is found by these."""
COPIED_WORDS, COPIED_FIGURES, LEAST_COPIED = 0.8, 0.75, 16
"""Of a copy's most telling words and figures, by weight, what the report has that it copies; and of how many words at
least, since two happenings may have one short title. Of labelled pairs that is nine copies of ten, and one form that is
filled in anew of six."""
_VECTOR_WEIGHT = UNIT * UNIT // 50
"""Of one key of a vector, where words weigh the square of their weight."""


@dataclass(frozen=True, slots=True)
class Report:
    """An article to be decided. `at` is event time in microseconds; `vector` what `encode` made of it."""

    article: str
    at: int
    language: str
    """Base language."""
    signals: Signals
    vector: NDArray[np.int8] | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """What was decided. `figure` is None for a story of its own, and for that of a report that this one copies."""

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
        self._postings = Postings()
        self._first_day = 0
        self._number_of: dict[str, int] = {}
        """Reports are numbered in the order of their decisions, and so are the ids of stories."""
        self._decided_as = array("I")
        """Stories by the number of the report: as they were decided, or as an editor split them. Four bytes a report
        are never forgotten."""
        self._ids: dict[int, str] = {}
        self._id_number: dict[str, int] = {}
        self._ids_numbered = 0
        self._merged: dict[str, str] = {}
        self.stories: dict[str, Story] = {}

    def settle(self, report: Report) -> Settled:
        """Decide the story of a report, and merge stories that it shows to be one."""
        member = self._weigh(report)
        keys = search_keys(member)
        found = self._found(member, keys)
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
            if story.likeness_of(other, self._rule).figure(self._rule) >= asked:
                ended, story = self._merge(story, other)
                merged.append((ended, story.id))
        return Settled(story.id, False, likeness, figure, tuple(merged), decided, member)

    def would_join(self, report: Report) -> str:
        """The id of the story that a report would get if it came next. Changes nothing."""
        member = self._weigh(report)
        found = self._found(member, search_keys(member))
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

    def story_of(self, article: str) -> Story | None:
        """The living story of an article."""
        number = self._number_of.get(article)
        return None if number is None else self.stories.get(self.leads_to(self._ids[self._decided_as[number]]))

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
            self._decided_as[self._number_of[each.article]] = self._number_of_id(part.id)
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
        self._ids = {number: story for number, story in self._ids.items() if self.leads_to(story) in self.stories}
        self._id_number = {story_id: number for number, story_id in self._ids.items()}
        self._number_of = {
            article: number for article, number in self._number_of.items() if self._decided_as[number] in self._ids
        }
        self._postings.forget(before)

    def _weigh(self, report: Report) -> Member:
        day, language, signals = day_of(report.at), report.language, report.signals
        words = self._counts.weigh(language, day, signals.words, WORDS_OFTEN)
        keys = self._counts.weigh(language, day, signals.keys, KEYS_OFTEN)
        vector = None if report.vector is None else self._counts.centre(language, day, report.vector)
        costs = {term: cost_of(signals.keys[term]) for term in keys}
        return Member(report.article, report.at, language, words, keys, costs, vector)

    def _count(self, member: Member, vector: NDArray[np.int8] | None) -> None:
        """What is of a day that is forgotten counts no more, in a state that is made again too."""
        if day_of(member.at) >= self._first_day:
            self._counts.add(member.language, day_of(member.at), [*member.words, *member.keys], vector)

    def _take(self, story: Story, report: Report, member: Member, keys: Mapping[int, int]) -> None:
        self._count(member, report.vector)
        self._enter(story, member, story.id, keys)

    def _enter(self, story: Story, member: Member, decided: str, keys: Mapping[int, int]) -> None:
        number = self._number_of[member.article] = len(self._decided_as)
        self._decided_as.append(self._number_of_id(decided))
        story.add(member)
        if (day := day_of(member.at)) >= self._first_day:
            self._postings.add(number, day, keys)

    def _number_of_id(self, story_id: str) -> int:
        number = self._id_number.setdefault(story_id, self._ids_numbered)
        if number == self._ids_numbered:
            self._ids[number] = story_id
            self._ids_numbered += 1
        return number

    def _found(self, member: Member, keys: Mapping[int, int]) -> Sequence[tuple[float | None, Story, Likeness | None]]:
        """The stories that a report may join, the best first; that of a report that it copies is the only one."""
        # Of days that are forgotten, a state that was made again knows less.
        days = [day for day in days_around(member.at, self._rule.window_h) if day >= self._first_day]
        words = {key: weight for key, weight in keys.items() if key in member.words}
        others = {key: weight for key, weight in keys.items() if key not in words}
        # Each for itself: reports in the same language share more than translations do.
        of_report: defaultdict[int, int] = defaultdict(int)
        near = self._sharing(days, words, of_report)
        if (copied := self._copied(days, words, others, of_report)) is not None and self._is_near(copied, member):
            return [(None, copied, None)]
        ids = dict.fromkeys([*near, *self._sharing(days, others)])
        found = [story for story_id in ids if self._is_near(story := self.stories[story_id], member)]
        return self._ranked(member, found)

    def _is_near(self, story: Story, member: Member) -> bool:
        window_us = self._rule.window_h * HOUR
        return story.first - window_us <= member.at <= story.last + window_us

    def _copied(
        self, days: Sequence[int], words: Mapping[int, int], others: Mapping[int, int], shared: Mapping[int, int]
    ) -> Story | None:
        """The story of the report that one with these keys copies. `shared`: what others have in common with it."""
        if len(words) < LEAST_COPIED:
            return None
        least = COPIED_WORDS * sum(words.values())
        figures = {key: weight for key, weight in others.items() if kind_of(key) in (NUMBER, SCORE)}
        held = {number: 0 for number, weight in shared.items() if weight >= least}
        for key, numbers in self._postings.find(days, figures) if held else ():
            for number in held.keys() & set(numbers):
                held[number] += figures[key]
        least = COPIED_FIGURES * sum(figures.values())
        found = min(
            (number for number, weight in held.items() if weight >= least), key=lambda n: (-shared[n], n), default=None
        )
        return None if found is None else self.stories[self.leads_to(self._ids[self._decided_as[found]])]

    def _sharing(
        self, days: Sequence[int], keys: Mapping[int, int], of_report: defaultdict[int, int] | None = None
    ) -> list[str]:
        """The stories with the most in common: those of the reports that share the rarest of these keys. `of_report`
        is told how much that is for each report."""
        weights: defaultdict[int, int] = defaultdict(int)
        decided_as = self._decided_as.__getitem__
        read = 0
        for key, numbers in self._postings.find(days, keys):
            weight = keys[key]
            if of_report is not None:
                for number in numbers:
                    of_report[number] += weight
            for story in set(map(decided_as, numbers)):
                weights[story] += weight
            if (read := read + len(numbers)) >= MOST_READ:
                break
        least = sorted(weights.values(), reverse=True)[: 2 * LOOKED_AT][-1:]
        by_weight = sorted((-weight, self._ids[story]) for story, weight in weights.items() if weight >= least[0])
        ids = dict.fromkeys(self.leads_to(story_id) for _, story_id in by_weight[: 2 * LOOKED_AT])
        return list(ids)[:LOOKED_AT]

    def _ranked(self, member: Member, candidates: Sequence[Story]) -> list[tuple[float, Story, Likeness]]:
        """The stories that the report may join: the one whose demand it exceeds the most comes first."""
        if not candidates:
            return []
        likenesses = compare(member, candidates, self._rule)
        figures = likenesses.figures(self._rule)
        above = np.round(figures - needed(self._rule, np.array([story.size for story in candidates])), 4)
        places = sorted((above >= 0).nonzero()[0].tolist(), key=lambda place: (-above[place], candidates[place].id))
        return [(float(figures[place]), candidates[place], likenesses.at(place)) for place in places]

    def _merge(self, left: Story, right: Story) -> tuple[str, Story]:
        """The one that began first goes on."""
        kept, ended = sorted((left, right), key=lambda story: (story.first, story.id))
        kept.absorb(ended)
        self._merged[ended.id] = kept.id
        del self.stories[ended.id]
        return ended.id, kept


def search_keys(member: Member) -> dict[int, int]:
    """What a report is found by, and how much it says to have that in common."""
    keys: dict[int, int] = {}
    for weights, most in ((member.words, WORDS_SEARCHED), (member.keys, KEYS_SEARCHED)):
        for weight, term in sorted([(-weight, term) for term, weight in weights.items()])[:most]:
            keys[term] = weight * weight
    if member.vector is not None:
        keys |= dict.fromkeys(vector_keys(member.vector), _VECTOR_WEIGHT)
    return dict(sorted(keys.items(), key=lambda item: (-item[1], item[0])))


def days_around(at: int, window_h: int) -> list[int]:
    """The days within so many hours of an event time: its own, those before it, those after it."""
    day, first, last = (day_of(at + hours * HOUR) for hours in (0, -window_h, window_h))
    return [*range(day, first - 1, -1), *range(day + 1, last + 1)]


def day_of(at: int) -> int:
    """The day of an event time, counted from 1970."""
    return at // (24 * HOUR)
