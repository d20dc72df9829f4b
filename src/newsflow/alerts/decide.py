"""Decides, for one subscription, which alerts go out: when an article comes, and when time passes.

What waits is not a queue of events: a story whose alert may go out again is described as it stands then, so that
whoever was spared ten alerts in the night gets one good one in the morning.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from newsflow.alerts.build import story_key
from newsflow.alerts.state import HOUR, StoryState, SubscriberState, WithheldAlert
from newsflow.alerts.values import Alert, AlertStep, Policy, Severity, Why, alert_id
from newsflow.model import Article

DIGEST_STORIES = 50
"""Stories that one digest lists; the others are only counted."""
_TOGETHER = {
    "digest": "of this digest",
    "quiet": "held back in quiet hours",
    "cap": "held back over the cap of alerts an hour",
    "muted": "held back while muted",
}
"""Reasons whose stories go out in one alert, and how it describes them."""


def in_words(reason: str) -> str:
    """Why an alert waits."""
    return {"digest": "waits for its digest", "cool-down": "waits out its cool-down"}.get(reason) or _TOGETHER[reason]


@dataclass(frozen=True, slots=True)
class SubscriptionPlanner:
    """The alerts of one subscription: `rule` is its condition in words, `topics` those whose evidence counts.

    Pure: `now` (UTC) is given.
    """

    subscription: str
    rule: str
    severity: Severity = Severity.WARNING
    policy: Policy = field(default_factory=Policy)
    topics: frozenset[str] = frozenset()

    def take(
        self, story: StoryState, subscriber: SubscriberState, article: Article, now: datetime, old: bool = False
    ) -> tuple[StoryState, SubscriberState, list[Alert]]:
        """Take in a version of an article that matches, or that the story knows. A known version changes nothing.

        What is `old` begins no story: its alert is given for the record, and the story goes on as untold.
        """
        if story.knows(article):
            return story, subscriber, []
        key = story_key(article)
        story = story.with_article(article, self.topics)
        step = self.due(story)
        if step is None:
            return story, subscriber.release(key), []
        if old and step is AlertStep.FIRST:
            waits = key in subscriber.withheld
            return story, subscriber, [] if waits else [self._alert(key, story, step, now)]
        withheld = self._gate(step, story, subscriber, now)
        if withheld is not None:
            return story, subscriber.withhold(key, withheld), []
        alert = self._alert(key, story, step, now)
        return story.alerted(now), subscriber.release(key).sending(now), [alert]

    def tick(
        self, stories: Mapping[str, StoryState], subscriber: SubscriberState, now: datetime
    ) -> tuple[dict[str, StoryState], SubscriberState, list[Alert]]:
        """Send what has waited long enough. `stories` must have every story that waits; returns those changed."""
        changed: dict[str, StoryState] = {}
        alerts: list[Alert] = []
        together: dict[str, list[str]] = {}
        for key, waiting in list(subscriber.withheld.items()):
            if waiting.until > now:
                continue
            step, others = self.due(stories[key]), subscriber.release(key)
            if step is None:
                subscriber = others
                continue
            again = self._gate(step, stories[key], others, now, released=waiting.reason)
            if again is not None:
                subscriber = others.withhold(key, again)
            elif waiting.reason in _TOGETHER:
                together.setdefault(waiting.reason, []).append(key)
            else:
                changed[key] = stories[key].alerted(now)
                alerts.append(self._alert(key, stories[key], step, now))
                subscriber = others.sending(now)
        for reason, keys in together.items():
            over_cap = self._over_cap(subscriber, now)
            for key in keys:
                subscriber = subscriber.release(key)
                if over_cap is not None:
                    subscriber = subscriber.withhold(key, over_cap)
            if over_cap is None:
                alerts.append(self._together(reason, {key: stories[key] for key in keys}, now))
                changed |= {key: stories[key].alerted(now) for key in keys}
                subscriber = subscriber.sending(now)
        return changed, subscriber, alerts

    def due(self, story: StoryState) -> AlertStep | None:
        """Return which alert the state of a story calls for now, time aside."""
        last, sources = story.last_alert, len(story.origins)
        if last is None or last.over:
            # A story that comes back after its end makes an update: its first alert was long ago.
            back = AlertStep.FIRST if last is None else AlertStep.UPDATE
            return back if sources >= max(self.policy.sources, 1) else None
        if sources == 0:
            return AlertStep.WITHDRAWN
        more = self.policy.update_sources and sources >= last.sources + self.policy.update_sources
        country = self.policy.new_country and bool(story.countries - last.countries)
        retraction = self.policy.retraction and bool(story.withdrawn - last.withdrawn)
        return AlertStep.UPDATE if more or country or retraction else None

    def _gate(
        self, step: AlertStep, story: StoryState, subscriber: SubscriberState, now: datetime, released: str = ""
    ) -> WithheldAlert | None:
        """Why an alert may not go out now. `released` is the reason it waited for until now."""
        policy, last = self.policy, story.last_alert
        if subscriber.muted_until is not None and subscriber.muted_until > now:
            return WithheldAlert("muted", subscriber.muted_until)
        if policy.digest is not None and not released:
            return WithheldAlert("digest", policy.digest.next_after(now))
        quiet = policy.quiet.ends(now) if policy.quiet is not None else None
        if quiet is not None and self._severity(story) is not Severity.CRITICAL:
            return WithheldAlert("quiet", quiet)
        if step is AlertStep.UPDATE and last is not None and last.at + policy.cool_down > now:
            return WithheldAlert("cool-down", last.at + policy.cool_down)
        return self._over_cap(subscriber, now)

    def _over_cap(self, subscriber: SubscriberState, now: datetime) -> WithheldAlert | None:
        cap, recent = self.policy.cap_per_hour, [at for at in subscriber.sent if at > now - HOUR]
        return WithheldAlert("cap", recent[-cap] + HOUR) if cap and len(recent) >= cap else None

    def _severity(self, story: StoryState) -> Severity:
        enough = self.policy.critical_sources
        return Severity.CRITICAL if enough and len(story.origins) >= enough else self.severity

    def _alert(self, key: str, story: StoryState, step: AlertStep, now: datetime) -> Alert:
        key = story.told_as or key
        return Alert(
            id=alert_id(self.subscription, key, _step_key(step, story)),
            subscription=self.subscription,
            step=step,
            severity=self._severity(story),
            story=key,
            at=now,
            articles=story.listed,
            why=Why(self.rule, story.spans, self._story_sentence(story, step), story.origins),
        )

    def _together(self, reason: str, stories: Mapping[str, StoryState], now: datetime) -> Alert:
        """One alert of several stories. A single one gets its own alert, unless a digest was asked for."""
        steps = {key: self.due(story) or AlertStep.UPDATE for key, story in stories.items()}
        if len(stories) == 1 and reason != "digest":
            ((key, story),) = stories.items()
            return self._alert(key, story, steps[key], now)
        keys = sorted(f"{key}\n{_step_key(steps[key], story)}" for key, story in stories.items())
        listed = list(stories.values())[:DIGEST_STORIES]
        more = f", of which {DIGEST_STORIES} are listed" if len(stories) > DIGEST_STORIES else ""
        return Alert(
            id=alert_id(self.subscription, "\n".join(keys), AlertStep.DIGEST),
            subscription=self.subscription,
            step=AlertStep.DIGEST,
            severity=max((self._severity(story) for story in stories.values()), key=list(Severity).index),
            story=None,
            at=now,
            articles=tuple(story.listed[0] for story in listed),
            why=Why(
                rule=self.rule,
                spans=tuple(story.spans[0] for story in listed if story.spans),
                story=f"{len(stories)} {'story' if len(stories) == 1 else 'stories'} {_TOGETHER[reason]}{more}",
                sources=tuple(sorted({origin for story in stories.values() for origin in story.origins})),
            ),
        )

    def _story_sentence(self, story: StoryState, step: AlertStep) -> str:
        sources = f"{len(story.origins)} independent source{'' if len(story.origins) == 1 else 's'}"
        last = story.last_alert
        if step is AlertStep.WITHDRAWN:
            return "every article of the story was withdrawn"
        if last is None:
            return f"{sources}, {self.policy.sources} asked for"
        parts = [f"{sources}, {last.sources} when last told"]
        if story.countries - last.countries:
            parts.append("new: " + ", ".join(sorted(story.countries - last.countries)))
        if story.withdrawn - last.withdrawn:
            parts.append(f"{len(story.withdrawn - last.withdrawn)} withdrawn since")
        return "; ".join(parts)


def _step_key(step: AlertStep, story: StoryState) -> str:
    """What tells the alerts of a story apart: the article versions it is made of, never the time."""
    if step is AlertStep.FIRST:
        return step.value
    made_of = "\n".join(f"{name} {member.version}" for name, member in sorted(story.members.items()))
    return f"{step}:{hashlib.blake2b(made_of.encode('utf-8', 'surrogatepass'), digest_size=8).hexdigest()}"
