"""What becomes of an event about an article, seen beside what is held of that article. Pure rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise

from newsflow.dedup.fingerprint import matching_tokens
from newsflow.dedup.similarity import DEFAULT_RULE, Relation, Rule, Similarity, relate
from newsflow.model import Article, Change


@dataclass(slots=True)
class Held:
    """What is held of an article now. Mutable: a batch works on its own copies."""

    id: str
    source: str
    url: str | None
    guid: str | None
    agency: str | None
    language: str
    """Base language of the current text."""
    version: int
    """0: a withdrawal that came before its article."""
    content_hash: str
    publisher_version: str | None
    fetched_at: datetime | None
    """The latest time at which the publisher was seen to show the current state."""
    first_seen: datetime
    seen_at: datetime
    """When it was last heard of."""
    story: str
    duplicate_of: str | None
    """Id of the original it is held back for."""
    withdrawn: bool
    accepted: bool
    """Whether any version was ever accepted, and so may have reached a reader."""
    text_no: int
    """The number of its current text within its language."""
    names: tuple[str, ...] = ()
    """All identity names that lead to it."""

    @property
    def living(self) -> bool:
        """Published and not withdrawn: others may be duplicates of it."""
        return not self.withdrawn and self.duplicate_of is None


@dataclass(frozen=True, slots=True)
class Incoming:
    """What an event says of the state of its article."""

    withdraw: bool
    content_hash: str
    fetched_at: datetime | None
    publisher_version: str | None


class Step(StrEnum):
    """What to do with an event."""

    CREATE = "create"
    """The article is new; look for look-alikes."""
    EDIT = "edit"
    """Known, with another text."""
    RETURN = "return"
    """Known and withdrawn, and there again."""
    REPEAT = "repeat"
    STALE = "stale"
    WITHDRAW = "withdraw"
    WITHDRAW_UNKNOWN = "withdraw-unknown"
    """Remembered, so that an older state that comes late is not published."""


def next_step(held: Held | None, incoming: Incoming) -> Step:
    """The step that an event asks for; `held` is None when nothing is known of its article."""
    if held is None:
        return Step.WITHDRAW_UNKNOWN if incoming.withdraw else Step.CREATE
    same = held.withdrawn if incoming.withdraw else not held.withdrawn and held.content_hash == incoming.content_hash
    if same:
        return Step.REPEAT
    if is_older(incoming, held):
        return Step.STALE
    if incoming.withdraw:
        return Step.WITHDRAW
    if held.version == 0:
        return Step.CREATE
    return Step.RETURN if held.withdrawn else Step.EDIT


def is_older(incoming: Incoming, held: Held) -> bool:
    """Whether an event tells of a state before the one that is held.

    The publisher's own version numbers decide where both are whole numbers and differ (a cache may hand out
    an old page late); otherwise the time it was fetched. At equal times the one that came later is the newer.
    """
    ours, theirs = _whole_number(held.publisher_version), _whole_number(incoming.publisher_version)
    if ours is not None and theirs is not None and ours != theirs:
        return theirs < ours
    if incoming.fetched_at is None or held.fetched_at is None:
        return False
    return incoming.fetched_at < held.fetched_at


def _whole_number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) <= 18 else None


# From the look-alikes of a text to its original and its story. Pure rules.


@dataclass(frozen=True, slots=True)
class Tie:
    """How alike a text is to one text of another article."""

    article: Held
    similarity: Similarity
    relation: Relation


def make_tie(article: Held, similarity: Similarity, rule: Rule = DEFAULT_RULE) -> Tie:
    """The tie that the rule sees."""
    return Tie(article, similarity, relate(similarity, rule))


def choose_original(ties: Iterable[Tie]) -> Tie | None:
    """The original that a text is a duplicate of: of the living articles that it duplicates the first one seen.

    Copies that are held back are no originals: whoever is held back must be near what readers were given.
    """
    found = [tie for tie in ties if tie.relation is Relation.DUPLICATE and tie.article.living]
    return min(found, key=_by_age, default=None)


def choose_story(ties: Iterable[Tie]) -> str | None:
    """The story that a text joins: that of its closest tie, duplicates before related, withdrawn articles too."""
    found = [tie for tie in ties if tie.relation is not Relation.NONE and tie.article.story]
    closest = min(found, key=lambda tie: (-tie.relation, -_closeness(tie.similarity), *_by_age(tie)), default=None)
    return None if closest is None else closest.article.story


def _by_age(tie: Tie) -> tuple[object, ...]:
    return tie.article.first_seen, tie.article.id, -_closeness(tie.similarity)


def _closeness(similarity: Similarity) -> float:
    return 2.0 if similarity.exact else max(similarity.jaccard, similarity.containment)


# What a new version of an article changed.


def describe_change(before: Article, after: Article) -> Change:
    """Whether the title changed, and the share of the body that is new or gone, by pairs of neighbouring words."""
    return Change(title=before.title != after.title, body_share=round(_changed_share(before.body, after.body), 3))


def _changed_share(before: str, after: str) -> float:
    left, right = _pairs(before), _pairs(after)
    longer = max(left.total(), right.total())
    return 1 - (left & right).total() / longer if longer else 0.0


def _pairs(text: str) -> Counter[tuple[str, str]]:
    tokens = ["", *matching_tokens(text), ""]
    return Counter(pairwise(tokens))
