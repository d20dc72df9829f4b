"""What an event does to its article, and what a text's look-alikes mean for it: its original, its story, what a new
version changed. Pure rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from newsflow.dedup.fingerprint import matching_tokens
from newsflow.dedup.identity import hash_of
from newsflow.dedup.similarity import Relation, Similarity
from newsflow.model import Article, TextChange


@dataclass(slots=True)
class KnownArticle:
    """What is known of an article now. Mutable: a batch works on its own copies."""

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
    """The time of the event that added it."""
    seen_at: datetime
    """When the ledger last wrote of it: by this it is forgotten."""
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
    raw_digest: str = ""
    """What its text was made of, "" where unknown."""
    retells: str | None = None
    """The agency whose report it tells again without credit; asked for where a story is read."""

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
    raw_digest: str = ""


class Transition(StrEnum):
    """What an event does to its article."""

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


def choose_transition(known: KnownArticle | None, incoming: Incoming) -> Transition:
    """The transition that an event asks for; `known` is None when nothing is known of its article."""
    if known is None:
        return Transition.WITHDRAW_UNKNOWN if incoming.withdraw else Transition.CREATE
    same = known.withdrawn if incoming.withdraw else not known.withdrawn and known.content_hash == incoming.content_hash
    if same:
        return Transition.REPEAT
    if is_older(incoming, known):
        return Transition.STALE
    if incoming.withdraw:
        return Transition.WITHDRAW
    if known.version == 0:
        return Transition.CREATE
    if known.withdrawn:
        return Transition.RETURN
    # The same raw content makes no news, though another release makes another text of it.
    return Transition.REPEAT if incoming.raw_digest and incoming.raw_digest == known.raw_digest else Transition.EDIT


def is_older(incoming: Incoming, known: KnownArticle) -> bool:
    """Whether an event tells of a state before the one that is known.

    The publisher's own version numbers decide where both are whole numbers and differ (a cache may hand out
    an old page late); otherwise the time it was fetched. At equal times the one that came later is the newer.
    """
    ours, theirs = _whole_number(known.publisher_version), _whole_number(incoming.publisher_version)
    if ours is not None and theirs is not None and ours != theirs:
        return theirs < ours
    if incoming.fetched_at is None or known.fetched_at is None:
        return False
    return incoming.fetched_at < known.fetched_at


def _whole_number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) <= 18 else None


@dataclass(frozen=True, slots=True)
class Lookalike:
    """How alike a text is to one text of another article."""

    article: KnownArticle
    similarity: Similarity
    relation: Relation


HEADLINE_TOKENS, HEADLINE_WINDOW = 8, timedelta(days=1)


def relate_headlines(title: str, *, same_source: bool, apart: timedelta) -> Relation:
    """What two articles are to each other that say the same headline and nothing else: many a day of many an outlet
    has a `Weather forecast`."""
    telling = len(matching_tokens(title)) >= HEADLINE_TOKENS and abs(apart) <= HEADLINE_WINDOW
    return Relation.DUPLICATE if same_source or telling else Relation.NONE


def choose_original(lookalikes: Iterable[Lookalike]) -> Lookalike | None:
    """The original that a text is a duplicate of: of the living articles that it duplicates the first one seen.

    Copies that are held back are no originals: whoever is held back must be near what readers were given.
    """
    found = [each for each in lookalikes if each.relation is Relation.DUPLICATE and each.article.living]
    return min(found, key=_by_age, default=None)


def choose_story(lookalikes: Iterable[Lookalike]) -> str | None:
    """The story that a text joins: that of its closest look-alike, duplicates first, withdrawn articles too."""
    found = [each for each in lookalikes if each.relation is not Relation.NONE and each.article.story]
    closest = min(found, key=lambda each: (-each.relation, -_closeness(each.similarity), *_by_age(each)), default=None)
    return None if closest is None else closest.article.story


def _by_age(each: Lookalike) -> tuple[object, ...]:
    return each.article.first_seen, each.article.id, -_closeness(each.similarity)


def _closeness(similarity: Similarity) -> float:
    return 2.0 if similarity.exact else max(similarity.jaccard, similarity.containment)


def describe_change(before: Article, after: Article) -> TextChange:
    """Whether the title changed, and the share of the body that is new or gone, by pairs of neighbouring words."""
    left, right = (Counter(pairwise(["", *matching_tokens(each.body), ""])) for each in (before, after))
    share = 1 - (left & right).total() / max(left.total(), right.total())
    return TextChange(title=before.title != after.title, body_share=round(share, 3))


def hash_content(article: Article) -> str:
    """32 hex digits over title and body: equal texts of one article are a repeat. Normalisation's own
    hash where there is one."""
    return article.content_hash or hash_of("content", article.title, article.body)
