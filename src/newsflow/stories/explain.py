"""Why two articles are, or are not, of one story by themselves. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from newsflow.stories.counts import DayCounts
from newsflow.stories.rarity import NAT
from newsflow.stories.rule import DEFAULT_STORY_RULE, HOUR, Likeness, StoryRule, needed
from newsflow.stories.signals import KEYS_OFTEN, WORDS_OFTEN, Signals, cost_of, kind_of
from newsflow.stories.state import Report
from newsflow.stories.story import Member, Story, compare

_KINDS = ("words", "names", "numbers", "scores", "countries")


@dataclass(frozen=True, slots=True)
class Shared:
    """A term that both hold, as each writes it, and how unlikely that is by chance, in nats."""

    kind: str
    left: str
    right: str
    nats: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """What links two articles, what keeps them apart, and the figure. `verdict` is one sentence."""

    likeness: Likeness
    figure: float
    needed: float
    verdict: str
    links: tuple[Shared, ...]
    """The rarest first."""
    only_left: tuple[str, ...]
    only_right: tuple[str, ...]
    """Names, numbers, scores and countries that the other does not have, the rarest first."""


def explain_pair(left: Report, right: Report, rule: StoryRule = DEFAULT_STORY_RULE) -> Explanation:
    """Compare two articles as if there were no others. In a story, the means over its articles decide, and terms weigh
    less where many articles of these days have them."""
    members = [_weigh(each) for each in (left, right)]
    story = Story(left.article)
    story.add(members[0])
    likeness = compare(members[1], [story], rule).at(0)
    figure, least = likeness.figure(rule), needed(rule, 1)
    return Explanation(
        likeness,
        figure,
        least,
        _verdict(likeness, figure, least, abs(left.at - right.at) / HOUR, rule),
        tuple(sorted(_links(left.signals, right.signals), key=lambda each: (-each.nats, each.kind, each.left))),
        _only(left.signals, right.signals),
        _only(right.signals, left.signals),
    )


def _weigh(report: Report) -> Member:
    counts, signals = DayCounts(), report.signals
    words = counts.weigh(report.language, 0, signals.words, WORDS_OFTEN)
    keys = counts.weigh(report.language, 0, signals.keys, KEYS_OFTEN)
    vector = None if report.vector is None else counts.centre(report.language, 0, report.vector)
    costs = {term: cost_of(signals.keys[term]) for term in keys}
    return Member(report.article, report.at, report.language, words, keys, costs, vector)


def _verdict(likeness: Likeness, figure: float, least: float, hours: float, rule: StoryRule) -> str:
    if hours > rule.window_h:
        return f"not compared: they are {hours:.0f} hours apart (at most {rule.window_h})"
    parts = []
    if likeness.vector is not None:
        parts.append(f"meaning {likeness.vector:.2f}")
    if likeness.words is not None:
        parts.append(f"words {likeness.words:.2f}")
    parts.append(f"names, numbers and places {likeness.keys:.2f}")
    against = [f"{hours:.0f} hours apart"] if hours >= 1 else []
    if likeness.other_names:
        against.append("both give names, and none is the same")
    if likeness.other_scores:
        against.append("both give scores, and none is the same")
    if likeness.is_other_form(rule):
        against.append("both fill in one form, with other figures")
    verdict = "one story" if figure >= least else "not one story by themselves"
    return f"{verdict}: {figure:.2f} (at least {least:.2f}); {', '.join(parts)}" + (
        f"; against it: {', '.join(against)}" if against else ""
    )


def _links(left: Signals, right: Signals) -> list[Shared]:
    return [
        Shared(
            _KINDS[kind_of(term)],
            left.shown[term],
            right.shown[term],
            min(cost_of(ours[term]), cost_of(theirs[term])) / NAT,
        )
        for ours, theirs in ((left.words, right.words), (left.keys, right.keys))
        for term in ours.keys() & theirs.keys()
    ]


def _only(ours: Signals, theirs: Signals) -> tuple[str, ...]:
    alone = sorted((-cost_of(told), ours.shown[term]) for term, told in ours.keys.items() if term not in theirs.keys)
    return tuple(dict.fromkeys(shown for _, shown in alone))
