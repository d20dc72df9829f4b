"""Settles the stories of a batch: reads of each new article what tells which story it belongs to, and asks the ledger.

What is costly is done here, before the ledger is locked. Vectors are encoded once and kept with the report.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from newsflow.ingest.emit import story_record
from newsflow.ingest.item import STORED, Item, OutputRecord, each
from newsflow.ingest.runtime import Runtime
from newsflow.ledger.database import to_micros
from newsflow.ledger.story_adoption import countries_of
from newsflow.ledger.story_rows import Asked, Place, Told, Vector, pack_signals
from newsflow.ledger.story_telling import AT_ONCE
from newsflow.model import Action, Article
from newsflow.model.languages import base_language
from newsflow.stories import Gist, Signals, encode, gist, is_encoded, read_signals

STAGE = "SettleStories"
_one_at_a_time = threading.Lock()
"""The encoder is not known to be safe to share between threads."""


def settle(items: Sequence[Item], runtime: Runtime) -> list[Item]:
    """Items whose articles say the story they tell of. Raises `LedgerError`: then nothing of the batch was settled."""
    signals: dict[Place, Signals] = {}

    def read(item: Item) -> Item:
        if (article := _new_article(item)) is not None:
            language = base_language(article.language)
            signals[_place(article)] = read_signals(language, article.title, article.body, countries_of(article))
        return item

    items = each(items, STAGE, read, Item.fail)
    vectors = _vectors([article for item in items if (article := _new_article(item)) is not None], runtime)
    asked = []
    for item in items:
        if (article := _settled_article(item)) is not None:
            read_of_it = signals.get(_place(article))
            report = b"" if read_of_it is None else pack_signals(read_of_it, vectors.get(_place(article)))
            asked.append(_asked(item, article, report))
    events = {item.event.event_id: item.event for item in items}
    answers = runtime.ledger.settle(asked, runtime.reading([*events.values()]))
    told = {each.place: answer for each, answer in zip(asked, answers, strict=True)}
    return [_telling(item, told) for item in items]


def tell_stories(
    article_ids: Iterable[str], runtime: Runtime, write: Callable[[Sequence[OutputRecord]], object]
) -> None:
    """Write what changed of stories, of those of these articles at least; `write` returns when it is written."""
    while (
        runtime.ledger.tell_stories(
            article_ids,
            lambda stories: write([story_record(story, runtime.config.job) for story in stories]),
            runtime.families,
        )
        >= AT_ONCE
    ):
        article_ids = ()


def _settled_article(item: Item) -> Article | None:
    """The article version of an item, where it has a story."""
    decision = item.decision
    if decision is None or item.failure is not None or decision.outcome not in STORED:
        return None
    return decision.article


def _new_article(item: Item) -> Article | None:
    """The article of an item that may be new to the stories: readers do not have it yet."""
    article = _settled_article(item)
    return article if article is not None and article.action is Action.ADD else None


def _place(article: Article) -> Place:
    return article.id, article.version


def _vectors(articles: Sequence[Article], runtime: Runtime) -> dict[Place, Vector]:
    """Of copies too: whether an article is known to be one depends on which worker was first."""
    known = [article for article in articles if _is_encoded(article, runtime)]
    with _one_at_a_time:
        vectors = encode([_gist(article) for article in known])
    return dict(zip(map(_place, known), vectors, strict=True))


def _is_encoded(article: Article, runtime: Runtime) -> bool:
    return runtime.config.stories.encoder != "none" and is_encoded(article.language)


def _gist(article: Article) -> Gist:
    return gist(base_language(article.language), article.title, article.body)


def _asked(item: Item, article: Article, report: bytes) -> Asked:
    event, decision = item.event, item.decision
    return Asked(
        article_id=article.id,
        version=article.version,
        topic=event.topic,
        partition=event.partition,
        offset=event.offset,
        time_ms=event.timestamp_ms,
        at=to_micros(article.first_seen),
        language=base_language(article.language),
        told=Told(article.story or article.id, article.story_size or 1),
        withdrawn=article.action is Action.WITHDRAW,
        alike=() if decision is None else decision.alike,
        report=report,
        later=int(item.promoted),
    )


def _telling(item: Item, told: dict[Place, Told]) -> Item:
    article, decision = _settled_article(item), item.decision
    if article is None or decision is None:
        return item
    story = told[_place(article)]
    article = replace(article, story=story.story, story_size=story.size)
    return replace(item, decision=replace(decision, article=article, former_stories=story.former))
