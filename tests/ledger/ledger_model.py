"""A simple model of the rules of deduplication: plain sets of words, everything compared with everything.

Written from docs/explanation/deduplication.md, not from the code: it shares no function with it.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

WINDOW = timedelta(hours=72)


def make_texts() -> list[str]:
    """Two families of texts and two short ones. Within a family: the text, a copy with words added and dropped, a copy
    with other numbers,
    and a text that shares about half with it (related)."""
    draw = random.Random(11)
    words = [
        "".join(draw.choices("bcdfglmnprst", k=2)) + draw.choice("aeiou") + draw.choice("nrslt") for _ in range(900)
    ]
    texts = []
    for family in range(2):
        base = [draw.choice(words) for _ in range(150)] + [f"{family}{number}1" for number in range(10)]
        draw.shuffle(base)
        close = [*base[:20], "added", *base[20:90], *base[92:]]
        numbers = [word.replace("1", "7") if word.isdecimal() else word for word in base]
        related = base[:88] + [draw.choice(words) for _ in range(72)]
        texts += [" ".join(each) for each in (base, close, numbers, related)]
    return [*texts, "Details will follow.", "Nothing more is known yet."]


@dataclass
class Text:
    body: str
    at: datetime
    order: int


@dataclass
class ModelArticle:
    id: str
    version: int = 0
    body: str | None = None
    fetched: int = 0
    withdrawn: bool = False
    accepted: bool = False
    original: str | None = None
    story: str | None = None
    first_seen: datetime | None = None
    texts: list[Text] = field(default_factory=list)

    @property
    def living(self) -> bool:
        return self.accepted and not self.withdrawn


@dataclass(frozen=True)
class Answer:
    outcome: str
    article: str | None
    version: int | None
    original: str | None = None
    story: str | None = None
    promoted: str | None = None


def shingles(body: str) -> frozenset[tuple[str, ...]]:
    words = re.findall(r"\w+", body.lower())
    return frozenset(zip(*(words[at:] for at in range(5)), strict=False)) if len(words) >= 20 else frozenset()


def numbers(body: str) -> frozenset[str]:
    return frozenset(re.findall(r"\b\d+\b", body))


def closeness(left: str, right: str) -> tuple[str, float]:
    """("duplicate", "related" or "none", how close)."""
    if left == right:
        return "duplicate", 2.0
    one, two = shingles(left), shingles(right)
    if not one or not two:
        return "none", 0.0
    shared = len(one & two)
    jaccard, containment = shared / len(one | two), shared / min(len(one), len(two))
    fewer = min(len(numbers(left)), len(numbers(right)))
    same_numbers = not fewer or len(numbers(left) & numbers(right)) / fewer >= 0.7
    near = jaccard >= 0.4 or containment >= 0.6
    close = max(jaccard, containment)
    if near and same_numbers:
        return "duplicate", close
    return ("related" if near or jaccard >= 0.3 or containment >= 0.5 else "none"), close


class Model:
    def __init__(self) -> None:
        self.articles: dict[str, ModelArticle] = {}
        self.order = 0

    def publish(self, article_id: str, body: str, fetched: int, at: datetime) -> Answer:
        held = self.articles.get(article_id)
        if held is None or held.version == 0:
            if held is not None and fetched < held.fetched:
                return self._held("stale", held)
            new = ModelArticle(article_id, first_seen=at)
            self.articles[article_id] = new
            return self._version(new, body, fetched, at, "added")
        if not held.withdrawn and held.body == body:
            held.fetched = max(held.fetched, fetched)
            return self._held("repeat", held)
        if fetched < held.fetched:
            return self._held("stale", held)
        return self._version(held, body, fetched, at, "replaced")

    def withdraw(self, article_id: str, fetched: int) -> Answer:
        held = self.articles.get(article_id)
        if held is None:
            self.articles[article_id] = ModelArticle(article_id, withdrawn=True, fetched=fetched)
            return Answer("withdrawn", None, None)
        if held.withdrawn:
            held.fetched = max(held.fetched, fetched)
            return self._held("repeat", held)
        if fetched < held.fetched:
            return self._held("stale", held)
        was_living = held.living
        held.withdrawn, held.version, held.fetched = True, held.version + 1, fetched
        heir = self._promote(held) if was_living else None
        return Answer("withdrawn", held.id, held.version, held.original, held.story, heir)

    def _promote(self, original: ModelArticle) -> str | None:
        copies = [each for each in self.articles.values() if each.original == original.id and not each.withdrawn]
        copies.sort(key=lambda each: (each.first_seen, each.texts[-1].order))
        if not copies:
            return None
        heir = copies[0]
        heir.original, heir.accepted, heir.version = None, True, heir.version + 1
        for copy in copies[1:]:
            copy.original = heir.id
        return heir.id

    def _version(self, article: ModelArticle, body: str, fetched: int, at: datetime, outcome: str) -> Answer:
        ties = self._ties(article, body, at)
        article.withdrawn, article.original = False, None
        if not article.accepted:
            originals = [other for relation, _, other in ties if relation == "duplicate" and other.living]
            first = min(originals, key=lambda each: (each.first_seen, each.id), default=None)
            if first is not None:
                article.original, outcome = first.id, "duplicate"
        if article.version == 0:
            article.story = self._story(ties) or f"story of {article.id}"
        if outcome != "duplicate":
            article.accepted = True
        self.order += 1
        article.version, article.body, article.fetched = article.version + 1, body, fetched
        article.texts.append(Text(body, at, self.order))
        return Answer(outcome, article.id, article.version, article.original, article.story)

    def _ties(self, article: ModelArticle, body: str, at: datetime) -> list[tuple[str, float, ModelArticle]]:
        return [
            (*closeness(body, text.body), other)
            for other in self.articles.values()
            if other is not article
            for text in other.texts
            if abs(at - text.at) <= WINDOW
        ]

    def _story(self, ties: list[tuple[str, float, ModelArticle]]) -> str | None:
        ranks = {"duplicate": 0, "related": 1}
        found = [
            (ranks[how], -close, each.first_seen, each.id, each.story) for how, close, each in ties if how in ranks
        ]
        return min(found)[-1] if found else None

    def _held(self, outcome: str, held: ModelArticle) -> Answer:
        if held.version == 0:
            return Answer(outcome, None, None)
        return Answer(outcome, held.id, held.version, None, held.story)
