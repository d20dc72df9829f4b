"""One article's life as the ledger has it: what came in, what was decided, who got it and who was told.

The ledger alone is asked. Dead letters are those that its index knew when it was last read on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from newsflow.alerts.build import story_key
from newsflow.alerts.outbox import LoggedAlert, alerts_about
from newsflow.alerts.planner import withheld_of
from newsflow.dedup.decide import KnownArticle
from newsflow.dedup.identity import url_keys
from newsflow.ledger import Ledger, StoredVersion
from newsflow.ledger.database import Database, from_micros
from newsflow.ledger.letters import Wanted, find_letters
from newsflow.ledger.reading import events_at, events_of, retaggings_of, versions_of
from newsflow.ledger.story_links import story_of
from newsflow.ledger.story_rows import log_of
from newsflow.ledger.tables import (
    DecidedEvent,
    Version,
    decode_detail,
    load_articles,
    load_copies,
    load_events,
    load_identities,
    load_versions,
)
from newsflow.model import Article, Outcome
from newsflow.model.codec import decode_article
from newsflow.model.letter import SINK, Letter, State, canonical_address

Place = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened to an article. `kind` is one word, `text` says it to people, `detail` to programs."""

    at: datetime
    kind: str
    text: str
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Life:
    """What became of what was asked for. Without an `article`: of events that never were one. `story`: the story as it
    goes on; `refused`: sinks that did not take a version, with the message."""

    article: Article | None
    known: KnownArticle | None
    story: str | None
    copies: tuple[KnownArticle, ...]
    steps: tuple[Step, ...]
    alerts: tuple[LoggedAlert, ...] = ()
    feeds: tuple[str, ...] = ()
    refused: dict[str, str] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """In a word: `published`, `withdrawn`, `held back`, `dead-lettered`, or `unknown` for a withdrawal alone."""
        if self.known is None:
            return "dead-lettered"
        if self.known.withdrawn:
            return "withdrawn" if self.known.version else "unknown"
        return "held back" if self.known.duplicate_of else "published"


def trace(ledger: Ledger, asked: str) -> list[Life]:
    """The lives of what has this URL, article id, event id or letter id, or came from this place (`TOPIC:PARTITION:
    OFFSET`); none where the ledger knows nothing of it."""
    return ledger.transact(lambda db: _Trace(db).lives(asked), writes=False)


class _Trace:
    """Looks things up in one transaction."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def lives(self, asked: str) -> list[Life]:
        articles, letters = set[str](), list[Letter]()
        if "://" in asked:
            articles.update(load_identities(self._db, url_keys(asked)).values())
            letters = find_letters(self._db, Wanted(address=canonical_address(asked)))
        else:
            articles.update(load_articles(self._db, [asked]))
            found = [*load_events(self._db, [asked]).values(), *self._at(_place(asked))]
            letters = find_letters(self._db, Wanted(id=asked))
            letters += find_letters(self._db, Wanted(origin=place)) if (place := _place(asked)) is not None else []
            for event in found:
                articles.update(filter(None, [event.article_id]))
                letters += find_letters(self._db, Wanted(origin=(event.topic, event.partition, event.offset)))
        alone = dict[str, Letter]()
        for letter in letters:
            led_to = self._articles_after(letter)
            articles |= led_to
            if not led_to:
                alone[letter.id] = letter
        lives = [self._article(article_id) for article_id in sorted(articles)]
        return lives + ([self._never(list(alone.values()))] if alone else [])

    def _at(self, place: Place | None) -> list[DecidedEvent]:
        return [] if place is None else events_at(self._db, *place)

    def _articles_after(self, letter: Letter) -> set[str]:
        """The articles that a letter became when it was sent again; that which a sink refused is one already."""
        if letter.sink and letter.article_id:
            return {letter.article_id}
        if letter.said is None or letter.said.to is None:
            return set()
        found = {event.article_id for event in self._at(letter.said.to) if event.article_id}
        for later in find_letters(self._db, Wanted(origin=letter.said.to)):
            found |= self._articles_after(later)
        return found

    def _never(self, letters: Sequence[Letter]) -> Life:
        """Events that never became an article."""
        steps = [step for letter in letters for step in self._letter_steps(letter)]
        for letter in letters:  # What they were sent again as, and failed as.
            to = None if letter.said is None else letter.said.to
            later = find_letters(self._db, Wanted(origin=to)) if to is not None else []
            steps += [step for each in later if each not in letters for step in self._letter_steps(each)]
        return Life(None, None, None, (), _in_order(steps))

    def _article(self, article_id: str) -> Life:
        known = load_articles(self._db, [article_id])[article_id]
        versions = [version for _, version in sorted(load_versions(self._db, [article_id]).items())]
        recorded = versions_of(self._db, [article_id])
        article = next((decode_article(each.article) for each in reversed(versions) if each.article), None)
        events = {event.event_id: event for event in events_of(self._db, article_id)}
        refused = find_letters(self._db, Wanted(article_id=article_id))
        steps = [
            *self._event_steps(events.values(), {each.event_id: each for each in versions}),
            *self._version_steps(known, versions, events),
            *self._story_steps(article_id),
            *(_recorded(each) for each in recorded if each.feeds or not _is_copy(events.get(each.event_id))),
            *(step for letter in refused for step in self._letter_steps(letter)),
        ]
        alerts = alerts_about(self._db, article_id, min((step.at for step in steps), default=known.seen_at))
        steps += [step for alert in alerts for step in _alert_steps(alert)]
        story = story_of(self._db, article_id)
        key = story if article is None else story_of(self._db, story_key(article))
        steps += [_withheld(*each) for each in withheld_of(self._db, {story, key})]
        return Life(
            article=article,
            known=known,
            story=story,
            copies=tuple(load_copies(self._db, article_id).values()),
            steps=_in_order(steps),
            alerts=tuple(alerts),
            feeds=tuple(dict.fromkeys(feed for each in recorded for feed in each.feeds)),
            refused={each.sink: each.message for each in refused if each.state in (State.OPEN, State.PARKED)},
        )

    def _event_steps(self, events: Iterable[DecidedEvent], made: dict[str, Version]) -> Iterator[Step]:
        for event in events:
            place = (event.topic, event.partition, event.offset)
            for letter in find_letters(self._db, Wanted(to=place)):
                yield from self._before(letter)
            detail = {
                "event": event.event_id,
                "place": list(place),
                "event_at": _instant(event.event_at),
                "version": event.version,
            }
            yield Step(event.decided_at, event.outcome, _said_of(event, made.get(event.event_id)), detail)

    def _before(self, letter: Letter) -> Iterator[Step]:
        """The dead letters that an event was before it was sent again."""
        yield from self._letter_steps(letter)
        for earlier in find_letters(self._db, Wanted(to=letter.origin)):
            yield from self._before(earlier)

    def _letter_steps(self, letter: Letter) -> Iterator[Step]:
        detail = {name: getattr(letter, name) for name in ("reason", "stage", "attempt")}
        detail |= {"letter": letter.id, "place": list(letter.origin)}
        at = datetime.fromtimestamp(letter.written_ms / 1000, UTC)
        kind = "refused" if letter.sink else "dead-lettered"
        where = f"by {letter.sink}" if letter.sink else f"in {letter.stage}"
        yield Step(at, kind, f"{letter.reason}, {where}: {letter.message}", detail)
        if (said := letter.said) is not None:
            why = f": {said.why}" if said.why else ""
            to = ""
            if said.to is not None:
                to = f" to {said.to[0].removeprefix(SINK)}" if said.to[0].startswith(SINK) else " to its topic"
            yield Step(said.at, said.state, f"letter {said.state}{to} by {said.by}{why}", {"letter": letter.id})

    def _version_steps(
        self, known: KnownArticle, versions: Sequence[Version], events: dict[str, DecidedEvent]
    ) -> Iterator[Step]:
        """Versions that no event of the article made."""
        retagged = retaggings_of(self._db, known.id)
        for version in versions:
            detail = {"version": version.version, "event": version.event_id}
            if (found := retagged.get(version.version)) is not None:
                rules, state = found
                text = f"version {version.version}: tagged anew by rules {rules} ({state})"
                yield Step(version.decided_at, "retagged", text, detail | {"rules": rules, "state": state})
            elif version.event_id not in events:
                text = f"version {version.version}: published in place of its original, which was withdrawn"
                yield Step(version.decided_at, "promoted", text, detail)

    def _story_steps(self, article_id: str) -> Iterator[Step]:
        for entry in log_of(self._db, [article_id]):
            size = entry.told_size
            text = {
                "join": f"in story {entry.story}, " + ("alone" if size == 1 else f"as one of {size} articles"),
                "edit": f"its new text is in story {entry.story}",
                "withdraw": f"withdrawn in story {entry.story}",
                "return": f"back in story {entry.story}",
                "split": f"left story, by an editor's word, for {entry.story}",
            }[entry.kind]
            yield Step(from_micros(entry.settled_at), f"story-{entry.kind}", text, {"story": entry.story})


def _said_of(event: DecidedEvent, version: Version | None) -> str:
    """What an event did to its article."""
    fetched = "" if event.event_at is None else f", fetched {_instant(event.event_at)}"
    came = f"{event.topic} {event.partition}:{event.offset}{fetched}"
    detail = None if version is None else decode_detail(version.detail)
    if event.outcome == Outcome.ADDED:
        return f"new, version {event.version}; from {came}"
    if event.outcome == Outcome.REPLACED:
        change = detail.change if detail else None
        changed = ", its title" if change and change.title else ""
        changed += f", {change.body_share:.0%} of its body" if change and change.body_share else ""
        return f"another text, version {event.version}{changed}; from {came}"
    if event.outcome == Outcome.WITHDRAWN:
        promoted = f"; {detail.promoted[0]} took its place" if detail and detail.promoted else ""
        return f"withdrawn by its publisher, version {event.version}{promoted}; from {came}"
    if event.outcome == Outcome.DUPLICATE and detail and (link := detail.duplicate):
        how = link.method + ("" if link.method == "exact" else f", Jaccard {link.jaccard:.2f}")
        return f"held back: says what {link.original.id} of {link.original.source} said ({how}); from {came}"
    said = {Outcome.REPEAT: "came again, the same", Outcome.STALE: "an older state of it came, and was passed over"}
    return f"{said.get(Outcome(event.outcome), event.outcome)}; from {came}"


def _is_copy(event: DecidedEvent | None) -> bool:
    return event is not None and event.outcome == Outcome.DUPLICATE


def _recorded(stored: StoredVersion) -> Step:
    to = f"feeds {', '.join(stored.feeds)}" if stored.feeds else "no feed"
    detail = {"version": stored.version, "feeds": list(stored.feeds)}
    return Step(stored.recorded_at, "published", f"version {stored.version} published, to {to}", detail)


def _alert_steps(alert: LoggedAlert) -> Iterator[Step]:
    yield Step(alert.created_at, "alert", f"alert {alert.id[:12]} raised for {alert.subscription}", {"alert": alert.id})
    for each in alert.deliveries:
        detail = {"alert": alert.id, "destination": each.destination, "state": each.state, "attempts": each.attempts}
        why = f": {each.error}" if each.error else ""
        at = each.sent_at if each.state == "sent" and each.sent_at else max(each.due_at, alert.created_at)
        text = {
            "sent": f"alert sent to {each.destination}",
            "pending": f"alert waits for {each.destination}" + (f", tried {each.attempts} times{why}" if why else ""),
            "failed": f"alert was refused by {each.destination}{why}",
            "old": f"alert kept from {each.destination}: the article came too late to be news",
        }[each.state]
        yield Step(at, f"alert-{each.state}", text, detail)


def _withheld(subscription: str, reason: str, words: str, until: datetime) -> Step:
    text = f"alert for {subscription} {words}, until {_instant(until)}"
    return Step(until, "alert-withheld", text, {"subscription": subscription, "reason": reason})


def _instant(at: datetime | None) -> str | None:
    return None if at is None else f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _in_order(steps: Iterable[Step]) -> tuple[Step, ...]:
    """By time; of one time as they were found. What was found twice is told once."""
    unique: list[Step] = []
    for step in steps:
        if step not in unique:
            unique.append(step)
    return tuple(sorted(unique, key=lambda step: step.at))


def _place(text: str) -> Place | None:
    topic, _, rest = text.partition(":")
    partition, _, offset = rest.partition(":")
    return (topic, int(partition), int(offset)) if partition.isdecimal() and offset.isdecimal() else None
