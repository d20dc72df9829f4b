"""Settles the stories of a batch: asks the ledger by what was read of each new article, before it is locked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from newsflow.ingest.emit import story_record
from newsflow.ingest.item import STORED, Item, OutputRecord
from newsflow.ingest.runtime import Runtime
from newsflow.ledger.database import to_micros
from newsflow.ledger.story_rows import Asked, Place, Told
from newsflow.ledger.story_telling import AT_ONCE
from newsflow.model import Action, Article
from newsflow.model.languages import base_language


def settle(items: Sequence[Item], runtime: Runtime) -> list[Item]:
    """Items whose articles say the story they tell of. Raises `LedgerError`: then nothing of the batch was settled."""
    asked = [_asked(item, article) for item in items if (article := _settled_article(item)) is not None]
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


def _place(article: Article) -> Place:
    return article.id, article.version


def _asked(item: Item, article: Article) -> Asked:
    event = item.event
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
        report=item.report,
        later=int(item.promoted),
    )


def _telling(item: Item, told: dict[Place, Told]) -> Item:
    article, decision = _settled_article(item), item.decision
    if article is None or decision is None:
        return item
    story = told[_place(article)]
    article = replace(article, story=story.story, story_size=story.size)
    return replace(item, decision=replace(decision, article=article, former_stories=story.former))
