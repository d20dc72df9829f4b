"""What is told of an article beside its text: its topics, and what of it shows which story it belongs to.

It is a function of the article and the rules alone, so that several workers tell what one process would.
"""

from __future__ import annotations

import base64
import logging
import math
import pickle
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import orjson

from newsflow.errors import TimeLimitError
from newsflow.ingest.item import broken
from newsflow.ledger.story_adoption import countries_of
from newsflow.ledger.story_rows import Vector, pack_signals
from newsflow.model import Article, Mention, Reason, Rejected, TopicMatch
from newsflow.model.codec import mention_from_json, topic_from_json
from newsflow.model.languages import base_language
from newsflow.sandbox.pool import Answer, Tools, Workers
from newsflow.sandbox.worker import WorkerTimeoutError
from newsflow.stories import Signals, encode, gist, is_encoded, read_signals
from newsflow.tagging import RuleSet

log = logging.getLogger(__name__)

TAG, STORY = "TagTopics", "SettleStories"
"""Stages, as dead letters name them."""
SHARED = 16
"""Fewer articles are sooner told of here than handed over. So many at most go to a worker at once."""
_one_at_a_time = threading.Lock()
"""The encoder is not known to be safe to share between threads."""


class Question(NamedTuple):
    """`story`: whether the article may be new to the stories; `meaning`: whether they ask for what it means too."""

    article: Article
    story: bool
    meaning: bool


@dataclass(frozen=True, slots=True)
class Said:
    """What is told of an article: `report` is what shows its story, packed. A `failure` is of the article alone."""

    topics: tuple[TopicMatch, ...] = ()
    mentions: tuple[Mention, ...] = ()
    report: bytes = b""
    failure: Rejected | None = None


def tell(
    questions: Sequence[Question], rules: RuleSet, limit_s: float, beat: Callable[[], object] = lambda: None
) -> list[Said]:
    """One answer a question, in order. `limit_s`: seconds that finding the topics of one may take."""
    said: list[Said] = []
    signals: dict[int, Signals] = {}
    for number, question in enumerate(questions):
        try:
            tags = rules.tag(question.article, limit_s)
            said.append(Said(tags.topics, tags.mentions))
        except Exception as error:  # one article must never fail its batch
            said.append(Said(failure=broken(TAG, error)))
        else:
            try:
                if question.story:
                    signals[number] = _signals(question.article, said[-1])
            except Exception as error:  # as above
                said[-1] = replace(said[-1], failure=broken(STORY, error))
        beat()
    meant = [number for number in signals if questions[number].meaning]
    vectors = dict(zip(meant, encoded([questions[number].article for number in meant]), strict=True))
    for number, found in signals.items():
        said[number] = replace(said[number], report=pack_signals(found, vectors.get(number)))
    return said


def _signals(article: Article, said: Said) -> Signals:
    tagged = replace(article, topics=said.topics, mentions=said.mentions)
    return read_signals(base_language(article.language), article.title, article.body, countries_of(tagged))


def encoded(articles: Sequence[Article]) -> list[Vector | None]:
    """What each article means; None in a language that the encoder does not know."""
    known = [number for number, article in enumerate(articles) if is_encoded(article.language)]
    texts = [
        gist(base_language(article.language), article.title, article.body)
        for article in (articles[number] for number in known)
    ]
    with _one_at_a_time:
        found = dict(zip(known, encode(texts), strict=True))
    return [found.get(number) for number in range(len(articles))]


# The same by workers.


def tell_by(
    workers: Workers,
    questions: Sequence[Question],
    rules: RuleSet,
    tools: Callable[[RuleSet], Tools],
    limit_s: float,
    beat: Callable[[], object],
) -> list[Said]:
    """As `tell`, shared out where it is worth it. Raises `SandboxError` when no worker can be started."""
    if workers.number == 1 or len(questions) < SHARED:
        return tell(questions, rules, limit_s, beat)
    size = min(SHARED, math.ceil(len(questions) / (2 * workers.number)))
    parts = [questions[at : at + size] for at in range(0, len(questions), size)]
    work = partial(_told, limit_s)
    # What takes its time says so itself; a worker that still does not answer hangs.
    futures = [workers.submit(work, part, limit_s=3 * limit_s, tools=tools(rules), urgent=True) for part in parts]
    said: list[Said] = []
    try:
        for future in futures:
            said += [_read(answer, limit_s) for answer in future.result()]
            beat()
    finally:
        for future in futures:
            future.cancel()
    return said


def tools_of(rules: RuleSet) -> Tools:
    """What a worker needs to tell of articles by these rules."""
    return Tools(_hold, pickle.dumps(rules.tables, protocol=5))


_held: list[RuleSet] = []


def _hold(tables: bytes) -> None:
    rules = RuleSet(pickle.loads(tables))
    rules.prepare()
    _held[:] = [rules]


def _told(limit_s: float, questions: Sequence[Question]) -> list[orjson.Fragment]:
    return [orjson.Fragment(_written(said)) for said in tell(questions, _held[0], limit_s)]


def _written(said: Said) -> bytes:
    try:
        return orjson.dumps(replace(said, report=base64.b64encode(said.report).decode()))  # type: ignore[arg-type]
    except TypeError as error:  # text that has no form in UTF-8
        return orjson.dumps(Said(failure=broken(TAG, error)))


def _read(answer: Answer, limit_s: float) -> Said:
    if isinstance(answer, WorkerTimeoutError):
        return Said(failure=broken(TAG, TimeLimitError(f"its topics were not found within {limit_s:g} s")))
    if isinstance(answer, Exception):
        return Said(failure=broken(TAG, answer))
    failure: dict[str, Any] | None = answer["failure"]
    return Said(
        tuple(map(topic_from_json, answer["topics"])),
        tuple(map(mention_from_json, answer["mentions"])),
        base64.b64decode(answer["report"]),
        None if failure is None else Rejected(**{**failure, "reason": Reason(failure["reason"])}),
    )
