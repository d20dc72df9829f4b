"""What is told of an article beside its text: its topics, and what of it shows which story it belongs to.

It is a function of the article and the rules alone, so that several workers tell what one process would.
"""

from __future__ import annotations

import base64
import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import orjson

from newsflow.errors import TimeLimitError
from newsflow.ingest.item import broken
from newsflow.ledger.story_adoption import countries_of
from newsflow.ledger.story_rows import Vector, pack_signals
from newsflow.model import Article, Reason, Rejected
from newsflow.model.codec import mention_from_json, place_from_json, topic_from_json
from newsflow.model.languages import base_language
from newsflow.sandbox.pool import Answer, Tools, Workers
from newsflow.sandbox.worker import WorkerTimeoutError
from newsflow.stories import Signals, encode, gist, is_encoded, read_signals
from newsflow.tagging import RuleSet, Tags
from newsflow.tagging.match import section_of
from newsflow.tagging.prepared import packed, unpacked

TAG, STORY = "TagTopics", "SettleStories"
"""Stages, as dead letters name them."""
SHARED = 16
"""Fewer articles are sooner told of here than handed over. So many at most go to a worker at once."""
REMEMBERED = 2_000
"""Texts of which it is remembered what was told, or that workers were asked about: some 20 MB."""
WORTH = 0.5
"""The least share of a batch that was asked about, for workers to be asked about the next one before it is decided."""
NO_TAGS = Tags()
_one_at_a_time = threading.Lock()
"""The encoder is not known to be safe to share between threads."""


class Question(NamedTuple):
    """`story`: whether the article may be new to the stories."""

    article: Article
    story: bool


@dataclass(frozen=True, slots=True)
class Said:
    """What is told of an article: `report` is what shows its story, packed. A `failure` is of the article alone."""

    tags: Tags = NO_TAGS
    report: bytes = b""
    failure: Rejected | None = None


@dataclass(frozen=True, slots=True)
class Manner:
    """`limit_s`: seconds that finding the topics of one article may take; `meaning`: whether the encoder is asked."""

    limit_s: float
    meaning: bool


def tell(
    questions: Sequence[Question], rules: RuleSet, manner: Manner, beat: Callable[[], object] = lambda: None
) -> list[Said]:
    """One answer a question, in order."""
    said: list[Said] = []
    signals: dict[int, Signals] = {}
    for number, (article, story) in enumerate(questions):
        stage = TAG
        told = Said()
        try:
            told, stage = Said(rules.tag(article, manner.limit_s)), STORY
            if story:
                signals[number] = _signals(article, told)
        except Exception as error:  # one article must never fail its batch
            told = replace(told, failure=broken(stage, error))
        said.append(told)
        beat()
    meant = list(signals) if manner.meaning else []
    vectors = dict(zip(meant, _encoded([questions[number].article for number in meant]), strict=True))
    for number, found in signals.items():
        said[number] = replace(said[number], report=pack_signals(found, vectors.get(number)))
    return said


def _signals(article: Article, told: Said) -> Signals:
    countries = countries_of(told.tags.on(article))
    return read_signals(base_language(article.language), article.title, article.body, countries)


def _encoded(articles: Sequence[Article]) -> list[Vector | None]:
    """What each article means; None in a language that the encoder does not know."""
    known = [number for number, article in enumerate(articles) if is_encoded(article.language)]
    texts = [
        gist(base_language(article.language), article.title, article.body)
        for article in (articles[number] for number in known)
    ]
    with _one_at_a_time:
        found = dict(zip(known, encode(texts), strict=True))
    return [found.get(number) for number in range(len(articles))]


class Teller:
    """Tells of the articles of a job, by its workers where that is worth it, and of equal texts once. Safe to share
    between threads."""

    def __init__(self, workers: Workers, manner: Manner) -> None:
        self._workers, self._manner = workers, manner
        self._lock = threading.Lock()
        self._tools: tuple[RuleSet, Tools] | None = None
        self._known: OrderedDict[Hashable, Said] = OrderedDict()
        self._begun: OrderedDict[Hashable, tuple[Future[list[Answer]], int]] = OrderedDict()
        self._share = 1.0

    @property
    def goes_ahead(self) -> bool:
        """Whether `begin` is worth calling: there are several workers, and most articles were asked about lately."""
        return self._workers.number > 1 and self._share >= WORTH

    def begin(self, articles: Sequence[Article], rules: RuleSet) -> None:
        """Let workers tell of articles that will probably be asked about as new ones."""
        by_source = _asks_source(rules)
        questions = {_key(question := Question(each, True), rules, by_source): question for each in articles}
        with self._lock:
            keys = [key for key in questions if key not in self._known and key not in self._begun]
        if len(keys) < SHARED:
            return
        for at, future in self._submit([questions[key] for key in keys], rules, urgent=False):
            with self._lock:
                self._begun |= {key: (future, place) for place, key in enumerate(keys[at : at + SHARED])}
        with self._lock:
            while len(self._begun) > REMEMBERED:
                self._begun.popitem(last=False)

    def tell(
        self, questions: Sequence[Question], rules: RuleSet, beat: Callable[[], object], of: int | None = None
    ) -> list[Said]:
        """As the function does. `of`: how many articles there were of which these are asked about. Raises
        `SandboxError` when no worker can be started."""
        self._share = len(questions) / of if of else self._share
        by_source = _asks_source(rules)
        keys = [_key(question, rules, by_source) for question in questions]
        with self._lock:
            known = {key: self._known[key] for key in keys if key in self._known}
            begun = {key: self._begun.pop(key) for key in set(keys) & self._begun.keys()}
        for key, (future, place) in begun.items():
            said = _read(future.result()[place], self._manner.limit_s)
            if said.failure is None:  # else it is asked again: it may be asked less, and fail in nothing then
                known[key] = said
            beat()
        new = {key: question for key, question in zip(keys, questions, strict=True) if key not in known}
        told = dict(zip(new, self._told([*new.values()], rules, beat), strict=True))
        with self._lock:
            self._known |= {key: said for key, said in (known | told).items() if said.failure is None}
            for key in known:
                self._known.move_to_end(key)
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        for _ in range(len(keys) - len(new)):
            beat()
        known |= told
        return [known[key] for key in keys]

    def _told(self, questions: list[Question], rules: RuleSet, beat: Callable[[], object]) -> list[Said]:
        workers, manner = self._workers, self._manner
        if workers.number == 1 or len(questions) < SHARED:
            return tell(questions, rules, manner, beat)
        futures = [future for _, future in self._submit(questions, rules, urgent=True)]
        said: list[Said] = []
        try:
            for future in futures:
                said += [_read(answer, manner.limit_s) for answer in future.result()]
                beat()
        finally:
            for future in futures:
                future.cancel()
        return said

    def _submit(
        self, questions: list[Question], rules: RuleSet, *, urgent: bool
    ) -> list[tuple[int, Future[list[Answer]]]]:
        """Hand questions over, and say from which on each answer is. Few that are urgent are shared out evenly."""
        workers, manner = self._workers, self._manner
        size = min(SHARED, math.ceil(len(questions) / (2 * workers.number))) if urgent else SHARED
        work, tools = partial(_answers, manner), self._tools_of(rules)
        # What takes its time says so itself; a worker that still does not answer hangs.
        return [
            (
                at,
                workers.submit(work, questions[at : at + size], limit_s=3 * manner.limit_s, tools=tools, urgent=urgent),
            )
            for at in range(0, len(questions), size)
        ]

    def _tools_of(self, rules: RuleSet) -> Tools:
        """What a worker needs to tell of articles by these rules."""
        with self._lock:
            if self._tools is None or self._tools[0] is not rules:
                self._tools = rules, Tools(_hold, packed(rules.key, rules.tables))
            return self._tools[1]


def _asks_source(rules: RuleSet) -> bool:
    return any(rule.sources for rule in rules.rules)


def _key(question: Question, rules: RuleSet, by_source: bool) -> Hashable:
    """All that the answer depends on. `by_source`: whether a rule asks for the source."""
    article, story = question
    text = article.content_hash or (article.title, article.body)
    source = article.source if by_source else ""
    return text, article.language, source, section_of(article), story, rules.version


# The side of a worker.


_held: list[RuleSet] = []


def _hold(tables: bytes) -> None:
    rules = RuleSet(unpacked(tables))
    rules.prepare()
    _held[:] = [rules]


def _answers(manner: Manner, questions: Sequence[Question]) -> list[orjson.Fragment]:
    return [orjson.Fragment(_written(said)) for said in tell(questions, _held[0], manner)]


def _written(said: Said) -> bytes:
    try:
        return orjson.dumps(replace(said, report=base64.b64encode(said.report).decode()))  # type: ignore[arg-type]
    except TypeError as error:  # text that has no form in UTF-8
        return orjson.dumps(Said(report="", failure=broken(TAG, error)))  # type: ignore[arg-type]


def _read(answer: Answer, limit_s: float) -> Said:
    if isinstance(answer, WorkerTimeoutError):
        return Said(failure=broken(TAG, TimeLimitError(f"its topics were not found within {limit_s:g} s")))
    if isinstance(answer, Exception):
        return Said(failure=broken(TAG, answer))
    failure: dict[str, Any] | None = answer["failure"]
    tags = answer["tags"]
    return Said(
        Tags(
            tuple(map(topic_from_json, tags["topics"])),
            tuple(map(mention_from_json, tags["mentions"])),
            tuple(map(place_from_json, tags["places"])),
            None if tags["dateline"] is None else place_from_json(tags["dateline"]),
        ),
        base64.b64decode(answer["report"]),
        None if failure is None else Rejected(**{**failure, "reason": Reason(failure["reason"])}),
    )
