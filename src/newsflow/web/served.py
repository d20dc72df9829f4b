"""What the API says of articles, stories, duplicates and alerts: JSON members, and the schemas that they follow."""

from __future__ import annotations

from typing import Any

from newsflow.alerts.outbox import LoggedAlert
from newsflow.model.headers import instant_text
from newsflow.model.schemas import as_components
from newsflow.stores.reading import Change
from newsflow.web.access import Reader
from newsflow.web.library import SeenDuplicate, SeenStory, alert_members

EXCERPT_CHARS = 300
Json = dict[str, Any]


def excerpt(text: str, max_chars: int = EXCERPT_CHARS) -> str:
    """The beginning of a text on one line, cut between words where it has some."""
    line = " ".join(text.split())
    if len(line) <= max_chars:
        return line
    head = line[: max_chars - 1]
    cut = head.rfind(" ")
    return (head[:cut] if cut > max_chars // 2 else head) + "…"


def article_json(members: Json, reader: Reader, *, full_text: bool) -> Json:
    """An article.v1 value as a reader may see it: of other topics nothing; an excerpt where the text is not for all."""
    shown = dict(members)
    shown["excerpt"] = excerpt(shown["body"])
    if not full_text:
        # What the publisher sent beyond the contract may hold the text once more.
        for name in ("body", "raw"):
            shown.pop(name, None)
    if reader.scope is not None:
        for name in ("topics", "mentions"):
            shown[name] = [each for each in shown[name] if each["id"] in reader.scope]
        for name in ("story_size", "origin", "raw"):
            shown.pop(name, None)
    return shown


def change_json(change: Change, reader: Reader, *, full_text: bool) -> Json:
    """The last change of an article, with its number."""
    members = change.members
    if not change.withdrawn:
        members = article_json(members, reader, full_text=full_text)
    return {"number": change.number, "changed_at": instant_text(change.at), **members}


def story_json(seen: SeenStory, *, whole: bool = False) -> Json:
    story = seen.story
    members: Json = {
        "id": story.id,
        "title": seen.title,
        "size": story.size,
        "grown": seen.grown,
        "sources": list(story.sources),
        "independent_sources": story.independent_sources,
        "languages": list(story.languages),
        "topics": list(seen.topics),
        "first_seen": instant_text(story.first_seen),
        "last_seen": instant_text(seen.last_seen),
    }
    if whole:
        members["articles"] = [
            _without_none(
                {
                    "id": each.known.id,
                    "source": each.known.source,
                    "url": each.known.url,
                    "title": each.title,
                    "language": each.known.language,
                    "agency": each.known.agency,
                    "first_seen": instant_text(each.known.first_seen),
                    "duplicate_of": each.known.duplicate_of,
                    "topics": list(each.topics),
                }
            )
            for each in seen.articles
        ]
    return members


def duplicate_json(each: SeenDuplicate) -> Json:
    members: Json = {
        "copy": _without_none({name: getattr(each.copy, name) for name in ("id", "source", "url", "language")}),
        "original": each.original,
        "first_seen": instant_text(each.copy.first_seen),
    }
    if each.link is not None:
        members |= {name: getattr(each.link, name) for name in ("method", "jaccard", "containment", "numbers")}
    return members


def alert_json(alert: LoggedAlert) -> Json:
    deliveries = [
        _without_none(
            {
                "destination": each.destination,
                "state": each.state,
                "attempts": each.attempts,
                "sent_at": each.sent_at and instant_text(each.sent_at),
                "error": each.error,
            }
        )
        for each in alert.deliveries
    ]
    return {"alert": alert_members(alert), "raised_at": instant_text(alert.created_at), "deliveries": deliveries}


def _without_none(members: Json) -> Json:
    return {name: value for name, value in members.items() if value is not None}


# Schemas, for OpenAPI.

_TEXT, _TEXTS, _COUNT = {"type": "string"}, {"type": "array", "items": {"type": "string"}}, {"type": "integer"}
_INSTANT, _NUMBER = {"type": "string", "format": "date-time"}, {"type": "number"}


def _object(required: Json, **optional: Json) -> Json:
    return {"type": "object", "properties": required | optional, "required": sorted(required)}


def schemas() -> Json:
    """The components of the API's description."""
    article, definitions = as_components("article")
    alert, more = as_components("alert")
    versioned = {
        "allOf": [{"$ref": "#/components/schemas/Version"}],
        "required": ["number", "changed_at"],
        "properties": {"number": _COUNT, "changed_at": _INSTANT},
        "description": "An article as it stands. `number` orders changes as they were stored.",
    }
    version = article | {
        "required": sorted({*article["required"], "excerpt"} - {"body"}),
        "properties": article["properties"]
        | {"excerpt": {"type": "string", "description": "The beginning of the body."}},
        "description": "A version of an article: article.v1, with `excerpt`; with `body` where whole texts may be had.",
    }
    member = _object(
        {"id": _TEXT, "source": _TEXT, "title": _TEXT, "language": _TEXT, "first_seen": _INSTANT, "topics": _TEXTS},
        url=_TEXT, agency=_TEXT, duplicate_of=_TEXT,
    )  # fmt: skip
    story = _object(
        {"id": _TEXT, "title": _TEXT, "size": _COUNT, "grown": _COUNT, "sources": _TEXTS, "languages": _TEXTS,
         "independent_sources": _COUNT, "topics": _TEXTS, "first_seen": _INSTANT, "last_seen": _INSTANT},
        articles={"type": "array", "items": member},
    )  # fmt: skip
    copy = _object({"id": _TEXT, "source": _TEXT, "language": _TEXT}, url=_TEXT)
    duplicate = _object(
        {"copy": copy, "original": _TEXT, "first_seen": _INSTANT},
        method=_TEXT, jaccard=_NUMBER, containment=_NUMBER, numbers=_NUMBER,
    )  # fmt: skip
    delivery = _object({"destination": _TEXT, "state": _TEXT, "attempts": _COUNT}, sent_at=_INSTANT, error=_TEXT)
    raised = _object(
        {"alert": {"$ref": "#/components/schemas/AlertValue"}, "raised_at": _INSTANT,
         "deliveries": {"type": "array", "items": delivery}}
    )  # fmt: skip
    return {
        **definitions,
        **more,
        "Version": version,
        "Article": versioned,
        "Story": story,
        "Topic": _object({"id": _TEXT, "articles": _COUNT, "recent": _COUNT}),
        "Duplicate": duplicate,
        "AlertValue": alert,
        "Alert": raised,
        "Problem": _object({"title": _TEXT, "status": _COUNT, "detail": _TEXT}),
    }
