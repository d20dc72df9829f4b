"""What the ledger is asked about an event, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from newsflow.model.article import Article
from newsflow.model.event import Event, Outcome, Rejected


@dataclass(frozen=True, slots=True)
class Candidate:
    """One event, normalised or rejected, on its way to a decision.

    A withdrawal is an `Article` with `action` withdraw and neither title nor body.
    `fetched_at` (UTC) is the event's time, and orders the states of one article; None where nobody knows it.
    `publisher_version` is the publisher's own, a hint. `raw_digest` names what the text was made of, "" where unknown:
    the same again is a repeat, whatever another release makes of it. `source` is "" where it cannot be read. `words_in`
    came in, and `words_kept` stayed.
    """

    event: Event
    result: Article | Rejected
    fetched_at: datetime | None = None
    publisher_version: str | None = None
    raw_digest: str = ""
    source: str = ""
    words_in: int = 0
    words_kept: int = 0


@dataclass(frozen=True, slots=True)
class ArticleRef:
    """Names one article."""

    id: str
    source: str
    url: str | None
    guid: str | None


@dataclass(frozen=True, slots=True)
class DuplicateLink:
    """Why an article was held back: which original, by which method, how alike (0 to 1)."""

    copy: ArticleRef
    original: ArticleRef
    method: str
    """`exact` or `near`."""
    jaccard: float
    containment: float
    numbers: float
    """Share of the smaller set of number tokens that both hold; 1 when there are none."""


@dataclass(frozen=True, slots=True)
class TextChange:
    """What a new version changed: whether the title did, and the share (0 to 1) of the body that is new or gone."""

    title: bool
    body_share: float


@dataclass(frozen=True, slots=True)
class Decision:
    """The ledger's answer about one event; asked again about it, the same answer.

    `article` is identified (id, version, action, first_seen, story) and not yet tagged; None for an event that
    was dead-lettered. For a repeat or a stale event it is what came in, under the id and version that are known.
    For a withdrawal it is the last version's article with the action withdraw and version + 1.
    It is None for the withdrawal of an article that was never seen: there is nothing to send.
    `feeds` are those that were sent any earlier version of the article (topic ids, and `subscriber.<id>` for the
    feeds of single subscribers), as far as they are recorded yet: `Ledger.record` adds those that were since.
    `event_at` is the event's time, the time of the decision where it has none.
    `change` says what a new version changed. `promoted` is the copy that takes the place of a withdrawn
    original, a version of its own, to be tagged, routed, recorded and published as well. `former_stories` are the ids
    that lead on to its story.
    """

    outcome: Outcome
    decided_at: datetime
    article: Article | None = None
    feeds: tuple[str, ...] = ()
    duplicate: DuplicateLink | None = None
    rejected: Rejected | None = None
    change: TextChange | None = None
    promoted: Article | None = None
    at: datetime | None = None
    former_stories: tuple[str, ...] = ()

    @property
    def event_at(self) -> datetime:
        return self.at or self.decided_at


@dataclass(frozen=True, slots=True)
class PendingAlert:
    """An alert to be kept in the outbox: `value` is the alert.v1 bytes, `destinations` who must get it.

    One that is `old` is kept, and sent to nobody; unless it `follows` the alert of that id, and that one was sent.
    `told_as`: the ids that the first alert of its story has where it was told under another id, before that was merged:
    then there is no other first one, and what follows goes on under that id.
    """

    id: str
    subscription: str
    value: bytes
    destinations: tuple[str, ...] = ()
    old: bool = False
    follows: str = ""
    told_as: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PublishedVersion:
    """An article version as it is published, kept in the ledger before any of it goes out.

    `value` is the article.v1 bytes, tags included; `feeds` where it goes: topic ids, and
    `subscriber.<id>` for the feeds of single subscribers.
    """

    event_id: str
    article_id: str
    version: int
    value: bytes
    feeds: tuple[str, ...] = ()
    alerts: tuple[PendingAlert, ...] = ()
