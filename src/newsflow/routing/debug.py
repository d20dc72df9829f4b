"""The debug.v1 value: who got an article, and why everyone else did not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from newsflow.model import Article, Decision
from newsflow.routing.values import Routed, Verdict


def encode_debug(article: Article, decision: Decision, routed: Routed, verdicts: Iterable[Verdict]) -> bytes:
    """Return the debug.v1 bytes of what routing said of an article. The same answer gives the same bytes."""
    about: dict[str, Any] = {
        "id": article.id,
        "version": article.version,
        "outcome": decision.outcome.value,
        "source": article.source,
        "language": article.language,
        "title": article.title,
        "story": article.story,
        "story_size": article.story_size,
    }
    members = {name: value for name, value in about.items() if value is not None}
    return orjson.dumps(members | routed_to_json(article, routed, verdicts))


def routed_to_json(article: Article, routed: Routed, verdicts: Iterable[Verdict]) -> dict[str, Any]:
    """Return where an article goes, and what every route and subscription said of it, as JSON members."""
    return {
        "topics": {topic.id: topic.score for topic in article.topics},
        "feeds": list(routed.feeds),
        "stores": list(routed.stores),
        "alerts": [{"subscription": each.subscription, "to": list(each.destinations)} for each in routed.alerts],
        "verdicts": [
            {"kind": each.kind, "id": each.id, "taken": each.taken, "reasons": list(each.reasons)} for each in verdicts
        ],
    }
