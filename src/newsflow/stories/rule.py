"""The rule: what links a report to a story, what keeps it apart, and the figure that decides."""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

HOUR = 3_600_000_000
"""Microseconds: event times are whole numbers of them."""

HEADLINE_WORDS, TEXT_WORDS = 16, 48


@dataclass(frozen=True, slots=True)
class StoryRule:
    """Weights of likenesses that are cosines: 1 for the same, 0 for what shares nothing. Each is the mean over the
    members of a story, so one look-alike does not carry a report into a large story. So is the sum: of the members in
    the report's language by one set of weights, of the others by that for abroad."""

    vector: float = 0.52
    words: float = 0.34
    keys: float = 0.14
    """Of a headline and members in its own language."""
    text_vector: float = 0.22
    text_words: float = 0.88
    """Of a text and such members: what it says often tells more there than a vector of its first lines."""
    of_a_word: float = 0.08
    """What one word adds to the likeness of two texts at most: reports that one word makes alike have a subject in
    common, and not what happened."""
    vector_abroad: float = 0.70
    keys_abroad: float = 0.20
    """Of a headline and members in other languages: words cannot say anything there."""
    text_vector_abroad: float = 0.75
    text_keys_abroad: float = 0.15
    """Of such a text."""
    words_alone: float = 1.05
    keys_beside: float = 0.30
    text_words_alone: float = 1.15
    keys_alone: float = 1.80
    """Where one of the two has no vector: words with keys, or keys alone as far as `enough_keys` are shared."""
    enough_keys: float = 12.0
    """Nats: three rare names."""
    an_hour: float = 0.003
    """What each hour between the report and the middle of the story takes off."""
    others: float = 0.10
    """What other names take off, and what other scores do: both name people and places, and none is the same; both
    tell a score, and no one. Within a language."""
    form: float = 0.70
    """Words so alike are one text, or a form that is filled in: where both give figures, and less than a third of them
    are the same, it tells another happening each time."""
    other_figures: float = 1.0
    """What that takes off: more than anything that links."""
    figures_told: float = 5.0
    """Nats of figures that both must have for that: one of three digits."""
    names_told: float = 8.0
    names_shared: float = 3.0
    """Nats of names that a report must have for that, and less than which count as none."""
    joins: float = 0.22
    first_joins: float = 0.28
    """What a large story asks of a report, and what one report asks of another."""
    window_h: int = 72


DEFAULT_STORY_RULE = StoryRule()


@dataclass(frozen=True, slots=True)
class Likeness:
    """What links and what keeps apart. None: nothing to compare."""

    vector: float | None
    words: float | None
    keys: float
    keys_shared: float
    """Nats."""
    hours: float
    other_names: bool
    other_scores: bool
    other_figures: bool = False
    text: float = 0.0
    """From 0, where one side is a headline, to 1, where both are whole texts."""
    own: float = 1.0
    """Which share of a story's reports is in the report's language: for the others words say nothing."""

    def is_other_form(self, rule: StoryRule) -> bool:
        """Whether both fill in one form, with other figures."""
        return self.other_figures and (self.words or 0.0) >= rule.form

    def figure(self, rule: StoryRule) -> float:
        """One number, to four places: from `joins` on it is one story."""
        values = [np.nan if value is None else value for value in astuple(self)]
        return float(Likenesses(*np.array(values, np.float64)[:, None]).figures(rule)[0])


Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Likenesses:
    """Those of one report and many stories, each a row of values; NaN: nothing to compare."""

    vector: Values
    words: Values
    keys: Values
    keys_shared: Values
    hours: Values
    other_names: Values
    other_scores: Values
    other_figures: Values
    text: Values
    own: Values

    def figures(self, rule: StoryRule) -> Values:
        vector, words, keys, text = self.vector, self.words, self.keys, self.text
        abroad = (rule.vector_abroad + text * (rule.text_vector_abroad - rule.vector_abroad)) * vector + (
            rule.keys_abroad + text * (rule.text_keys_abroad - rule.keys_abroad)
        ) * keys
        at_home = (
            (rule.vector + text * (rule.text_vector - rule.vector)) * vector
            + (rule.words + text * (rule.text_words - rule.words)) * words
            + (1 - text) * rule.keys * keys
        )
        own = np.where(np.isnan(words), 0.0, self.own)
        value = np.where(own > 0, own * at_home, 0.0) + (1 - own) * abroad
        if (unread := np.isnan(vector)).any():
            alone = rule.keys_alone * keys * np.minimum(1.0, self.keys_shared / rule.enough_keys)
            words_alone = rule.words_alone + text * (rule.text_words_alone - rule.words_alone)
            beside = words_alone * words + (1 - text) * rule.keys_beside * keys
            value = np.where(unread, np.where(np.isnan(words), alone, beside), value)
        form = self.other_figures * (np.nan_to_num(words) >= rule.form)
        others = rule.others * (self.other_names + self.other_scores) + rule.other_figures * form
        return np.round(value - rule.an_hour * self.hours - others, 4)

    def at(self, place: int) -> Likeness:
        vector, words = float(self.vector[place]), float(self.words[place])
        return Likeness(
            None if math.isnan(vector) else vector,
            None if math.isnan(words) else words,
            float(self.keys[place]),
            float(self.keys_shared[place]),
            float(self.hours[place]),
            bool(self.other_names[place]),
            bool(self.other_scores[place]),
            bool(self.other_figures[place]),
            float(self.text[place]),
            float(self.own[place]),
        )


def text_share(words: Values) -> Values:
    """How far so many words are a text: from the longest headlines to a paragraph."""
    return np.clip((words - HEADLINE_WORDS) / (TEXT_WORDS - HEADLINE_WORDS), 0.0, 1.0)


def needed(rule: StoryRule, size: int | NDArray[np.int64]) -> Any:
    """What a story of so many reports asks of the next one."""
    return rule.joins + (rule.first_joins - rule.joins) / size
