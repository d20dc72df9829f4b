"""Decides, for one subscription, which alerts go out: when an article comes, and when time passes.

Nothing that waits is queued as it was: a story that may be told again is told as it then stands, so that whoever
was spared ten alerts in the night gets one good one in the morning.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from newsflow.alerts.state import HOUR, Held, StoryState, SubscriberState
from newsflow.alerts.values import Alert, AlertArticle, Policy, Severity, Step, Why, alert_id
from newsflow.model import Article

DIGEST_STORIES = 50
"""Stories that one digest lists; more are counted in its words."""
_TOGETHER = frozenset({"digest", "quiet", "cap", "muted"})
_WORDS = {
    "digest": "of this digest",
    "quiet": "held back in quiet hours",
    "cap": "held back over the cap of alerts an hour",
    "muted": "held back while muted",
}


@dataclass(frozen=True, slots=True)
class Desk:
    """One subscription's alerts: who it is, what it asked for, and its policy. Pure: `now` (UTC) is given."""

    subscription: str
    rule: str
    severity: Severity = Severity.WARNING
    policy: Policy = field(default_factory=Policy)
    topics: frozenset[str] = frozenset()

    def article(
        self, story: StoryState, subscriber: SubscriberState, article: Article, now: datetime
    ) -> tuple[StoryState, SubscriberState, list[Alert]]:
        """Take in a version of an article that matches, or that the story knows. A version known is passed over."""
        if story.knows(article):
            return story, subscriber, []
        name = story_name(article)
        story = story.with_article(article, self.topics)
        step = self.due(story)
        if step is None:
            return story, subscriber.release(name), []
        held = self._gate(step, story, subscriber, now)
        if held is not None:
            return story, subscriber.hold(name, held), []
        alert = self._alert(name, story, step, now)
        return story.tell(now), subscriber.release(name).sending(now), [alert]

    def tick(
        self, stories: Mapping[str, StoryState], subscriber: SubscriberState, now: datetime
    ) -> tuple[dict[str, StoryState], SubscriberState, list[Alert]]:
        """Let out what has waited long enough. `stories` must have every story that waits; returns those changed."""
        changed: dict[str, StoryState] = {}
        alerts: list[Alert] = []
        together: dict[str, list[str]] = {}
        for name, held in list(subscriber.held.items()):
            if held.until > now:
                continue
            step = self.due(stories[name])
            if step is None:
                subscriber = subscriber.release(name)
                continue
            again = self._gate(step, stories[name], subscriber.release(name), now, released=held.reason)
            if again is not None:
                subscriber = subscriber.release(name).hold(name, again)
            elif held.reason in _TOGETHER:
                together.setdefault(held.reason, []).append(name)
            else:
                changed[name] = stories[name].tell(now)
                alerts.append(self._alert(name, stories[name], step, now))
                subscriber = subscriber.release(name).sending(now)
        for reason, names in together.items():
            over = self._over_cap(subscriber, now)
            if over is not None:
                for name in names:
                    subscriber = subscriber.release(name).hold(name, over)
                continue
            alerts.append(self._together(reason, {name: stories[name] for name in names}, now))
            changed |= {name: stories[name].tell(now) for name in names}
            for name in names:
                subscriber = subscriber.release(name)
            subscriber = subscriber.sending(now)
        return changed, subscriber, alerts

    def next_tick(self, subscriber: SubscriberState) -> datetime | None:
        """Return when `tick` next has something to do; None while nothing waits."""
        return min((held.until for held in subscriber.held.values()), default=None)

    def due(self, story: StoryState) -> Step | None:
        """Return what there is to tell of a story now, time aside."""
        told, sources = story.told, len(story.origins)
        if told is None or told.over:
            # A story that comes back after its end is told as an update: its first alert was long ago.
            back = Step.FIRST if told is None else Step.UPDATE
            return back if sources >= max(self.policy.sources, 1) else None
        if sources == 0:
            return Step.WITHDRAWN
        more = self.policy.update_sources and sources >= told.sources + self.policy.update_sources
        country = self.policy.new_country and bool(story.countries - told.countries)
        retraction = self.policy.retraction and bool(story.withdrawn - told.withdrawn)
        return Step.UPDATE if more or country or retraction else None

    def _gate(
        self, step: Step, story: StoryState, subscriber: SubscriberState, now: datetime, released: str = ""
    ) -> Held | None:
        """Why a step may not be told now. `released` is what it waited for and is over."""
        policy = self.policy
        if subscriber.muted_until is not None and subscriber.muted_until > now:
            return Held("muted", subscriber.muted_until)
        if policy.digest is not None and not released:
            return Held("digest", policy.digest.next_after(now))
        quiet = policy.quiet.ends(now) if policy.quiet is not None else None
        if quiet is not None and self._severity(story) is not Severity.CRITICAL:
            return Held("quiet", quiet)
        if step is Step.UPDATE and story.told is not None and story.told.at + policy.cool_down > now:
            return Held("cool-down", story.told.at + policy.cool_down)
        return self._over_cap(subscriber, now)

    def _over_cap(self, subscriber: SubscriberState, now: datetime) -> Held | None:
        cap, recent = self.policy.cap_per_hour, [at for at in subscriber.sent if at > now - HOUR]
        return Held("cap", recent[-cap] + HOUR) if cap and len(recent) >= cap else None

    def _severity(self, story: StoryState) -> Severity:
        enough = self.policy.critical_sources
        return Severity.CRITICAL if enough and len(story.origins) >= enough else self.severity

    def _alert(self, name: str, story: StoryState, step: Step, now: datetime) -> Alert:
        why = Why(self.rule, story.spans, self._story_words(story, step), story.origins)
        return Alert(
            id=alert_id(self.subscription, name, _step_key(step, story)),
            subscription=self.subscription,
            step=step,
            severity=self._severity(story),
            story=name,
            articles=story.listed,
            why=why,
            at=now,
        )

    def _together(self, reason: str, stories: Mapping[str, StoryState], now: datetime) -> Alert:
        """One alert of several stories; a single one comes as what it is, but in a digest."""
        if len(stories) == 1 and reason != "digest":
            ((name, story),) = stories.items()
            step = self.due(story)
            assert step is not None
            return self._alert(name, story, step, now)
        keys = [f"{name}\n{_step_key(self.due(story) or Step.UPDATE, story)}" for name, story in stories.items()]
        listed = list(stories.values())[:DIGEST_STORIES]
        more = f", of which {DIGEST_STORIES} are listed" if len(stories) > DIGEST_STORIES else ""
        return Alert(
            id=alert_id(self.subscription, "\n".join(sorted(keys)), Step.DIGEST),
            subscription=self.subscription,
            step=Step.DIGEST,
            severity=max((self._severity(story) for story in stories.values()), key=list(Severity).index),
            story=None,
            articles=tuple(_headline(story) for story in listed),
            why=Why(
                rule=self.rule,
                spans=tuple(story.spans[0] for story in listed if story.spans),
                story=f"{len(stories)} {'story' if len(stories) == 1 else 'stories'} {_WORDS[reason]}{more}",
                sources=tuple(sorted({origin for story in stories.values() for origin in story.origins})),
            ),
            at=now,
        )

    def _story_words(self, story: StoryState, step: Step) -> str:
        sources = f"{len(story.origins)} independent source{'' if len(story.origins) == 1 else 's'}"
        told = story.told
        if step is Step.WITHDRAWN:
            return "every article of the story was withdrawn"
        if told is None:
            return f"{sources}, {self.policy.sources} asked for"
        parts = [f"{sources}, {told.sources} when last told"]
        if story.countries - told.countries:
            parts.append("new: " + ", ".join(sorted(story.countries - told.countries)))
        if story.withdrawn - told.withdrawn:
            parts.append(f"{len(story.withdrawn - told.withdrawn)} withdrawn since")
        return "; ".join(parts)


def story_name(article: Article) -> str:
    """Return what an alert's id calls the story: the story's id, or that of the article that has none."""
    return article.story or article.id


def _headline(story: StoryState) -> AlertArticle:
    return story.listed[0]


def _step_key(step: Step, story: StoryState) -> str:
    """What tells the steps of a story apart: the article versions it is made of, never the time."""
    if step is Step.FIRST:
        return step.value
    made_of = "\n".join(f"{name} {member.version}" for name, member in sorted(story.members.items()))
    return f"{step}:{hashlib.blake2b(made_of.encode('utf-8', 'surrogatepass'), digest_size=8).hexdigest()}"
