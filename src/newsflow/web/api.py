"""The API: what can be asked for under `/v1`, and its description as OpenAPI 3.1, which is made from the same table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from newsflow import __version__
from newsflow.model.headers import instant_text
from newsflow.stores.reading import Wanted
from newsflow.web.access import Reader
from newsflow.web.answers import Endpoint, Parameter, ProblemError, cursor_of, place_in
from newsflow.web.library import Desk, place_of_alert
from newsflow.web.served import (
    Json,
    alert_json,
    article_json,
    change_json,
    duplicate_json,
    schemas,
    story_json,
)

T = TypeVar("T")
RECENT = timedelta(hours=24)
PREFIX = "/v1"

NO_NUL = "^[^\\u0000]*$"
_ID = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": NO_NUL}
_INSTANT = {"type": "string", "format": "date-time"}
LIMIT = Parameter("limit", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}, "At most so many.")
NUMBER = Parameter("cursor", {"type": "integer", "minimum": 0}, "`next` of the page before.")
PLACE = Parameter(
    "cursor", {"type": "string", "pattern": "^[0-9]{1,18}-[0-9a-zA-Z]{1,100}$"}, "`next` of the page before."
)
TOPIC = Parameter("topic", _ID, "Id of a topic: only its articles.")
LANGUAGE = Parameter("language", {"type": "string", "pattern": "^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$"}, "BCP 47 tag.")
FILTERS = (
    TOPIC,
    LANGUAGE,
    Parameter("source", _ID, "Id of a source."),
    Parameter("story", _ID, "Id of a story, as the articles have it."),
    Parameter(
        "q",
        {"type": "string", "maxLength": 500, "pattern": NO_NUL},
        "Words that all stand in it, however they are written.",
    ),
    Parameter("since", _INSTANT, "First seen then or later."),
    Parameter("until", _INSTANT, "First seen before then."),
)
AFTER = Parameter("after", {"type": "integer", "minimum": 0}, "The number behind which to begin; else from now on.")


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, and whether whole texts are for all. `seen`: the last change that was there at the last visit; 0 where
    that is not known."""

    reader: Reader
    full_text: bool
    seen: int = 0


def wanted_of(asked: Asked, values: Json) -> Wanted:
    since, until = (values.get(name) and _instant(name, values[name]) for name in ("since", "until"))
    return Wanted(
        asked.reader.scope, values.get("topic"), values.get("source"), values.get("language"), values.get("story"),
        values.get("q", ""), since or None, until or None,
    )  # fmt: skip


def _instant(name: str, text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):  # a leap second, which the format allows; a year before the first
        raise ProblemError(400, f"{name}: {text!r} is not an instant that is known here") from None


def check_topic(asked: Asked, topic: str | None) -> None:
    """What is not for a reader is not there for it. Raises ProblemError."""
    if topic is not None and asked.reader.scope is not None and topic not in asked.reader.scope:
        raise ProblemError(404, f"there is no topic {topic!r}")


def _list(found: Sequence[T], limit: int, member: Callable[[T], Json], cursor: Callable[[T], str]) -> Json:
    """A page; `found` has one more where there is another page."""
    shown = found[:limit]
    page: Json = {"items": [member(each) for each in shown]}
    if len(found) > limit:
        page["next"] = cursor(shown[-1])
    return page


def articles(desk: Desk, asked: Asked, values: Json) -> Json:
    check_topic(asked, values.get("topic"))
    limit = values.get("limit", 50)
    found = desk.articles.newest(wanted_of(asked, values), limit + 1, values.get("cursor"))
    return _list(
        found,
        limit,
        lambda each: change_json(each, asked.reader, full_text=asked.full_text),
        lambda each: str(each.number),
    )


def article(desk: Desk, asked: Asked, values: Json) -> Json:
    found = desk.articles.article(values["id"], asked.reader.scope)
    if found is None:
        raise ProblemError(404, f"there is no article {values['id']!r}, or it was withdrawn")
    return change_json(found, asked.reader, full_text=asked.full_text)


def versions(desk: Desk, asked: Asked, values: Json) -> Json:
    article(desk, asked, values)
    found = desk.articles.versions(values["id"])
    # A version that was about none of the reader's topics is none of its business.
    return {
        "items": [
            article_json(each, asked.reader, full_text=asked.full_text)
            for each in found
            if asked.reader.scope is None or any(topic["id"] in asked.reader.scope for topic in each["topics"])
        ]
    }


def stories(desk: Desk, asked: Asked, values: Json) -> Json:
    check_topic(asked, values.get("topic"))
    found = desk.stories(asked.reader, values.get("topic"), values.get("language"))
    return {"items": [story_json(each) for each in found[: values.get("limit", 50)]]}


def story(desk: Desk, asked: Asked, values: Json) -> Json:
    found = desk.story(asked.reader, values["id"])
    if found is None:
        raise ProblemError(404, f"there is no story {values['id']!r}")
    return story_json(found, whole=True)


def topics(desk: Desk, asked: Asked, _: Json) -> Json:
    found = desk.articles.topics(desk.now() - RECENT)
    return {
        "items": [
            {"id": topic, "articles": articles, "recent": recent}
            for topic, articles, recent in found
            if asked.reader.scope is None or topic in asked.reader.scope
        ]
    }


def trend(desk: Desk, asked: Asked, values: Json) -> Json:
    check_topic(asked, values["id"])
    bursts = [
        {"raised_at": instant_text(raised)} | ({"ended_at": instant_text(ended)} if ended else {})
        for raised, ended in desk.bursts(values["id"])
    ]
    counts = desk.counts(values["id"], values.get("hours", 48))
    windows = [{"end": instant_text(end), "articles": number} for end, number in counts]
    return {"topic": values["id"], "windows": windows, "bursts": bursts}


def duplicates(desk: Desk, asked: Asked, values: Json) -> Json:
    limit = values.get("limit", 50)
    found = desk.duplicates(asked.reader, limit + 1, original=values.get("original"), before=place_in(values))
    return _list(found, limit, duplicate_json, lambda each: cursor_of(each.place))


def alerts(desk: Desk, _: Asked, values: Json) -> Json:
    limit = values.get("limit", 50)
    found = desk.alerts(limit + 1, before=place_in(values))
    return _list(found, limit, alert_json, lambda each: cursor_of(place_of_alert(each)))


def alert(desk: Desk, _: Asked, values: Json) -> Json:
    found = desk.alert(values["id"])
    if found is None:
        raise ProblemError(404, f"there is no alert {values['id']!r}")
    return alert_json(found)


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _page_of(name: str) -> Json:
    properties = {
        "items": {"type": "array", "items": _ref(name)},
        "next": {"type": "string", "description": "Cursor of the next page; not there on the last one."},
    }
    return {"type": "object", "properties": properties, "required": ["items"]}


_WINDOW = {
    "type": "object",
    "properties": {"end": _INSTANT, "articles": {"type": "integer"}},
    "required": ["end", "articles"],
}
_BURST = {"type": "object", "properties": {"raised_at": _INSTANT, "ended_at": _INSTANT}, "required": ["raised_at"]}
_TREND = {
    "type": "object",
    "properties": {
        "topic": _ID,
        "windows": {"type": "array", "items": _WINDOW},
        "bursts": {"type": "array", "items": _BURST},
    },
    "required": ["topic", "windows", "bursts"],
}


def _by_id(of: str) -> Parameter:
    return Parameter("id", _ID, f"Id of {of}.", "path")


HOURS = Parameter("hours", {"type": "integer", "minimum": 1, "maximum": 24 * 28}, "How far back; 48 unless given.")
ORIGINAL = Parameter("original", _ID, "Id of an article: only its copies.")
ENDPOINTS = (
    Endpoint("/articles", "Articles, the last changed first", articles, _page_of("Article"), (*FILTERS, LIMIT, NUMBER)),
    Endpoint("/articles/{id}", "One article as it stands", article, _ref("Article"), (_by_id("the article"),)),
    Endpoint("/articles/{id}/versions", "Its versions", versions, _page_of("Version"), (_by_id("the article"),)),
    Endpoint("/stories", "Stories with the latest reports, those of most independent sources first", stories,
             _page_of("Story"), (TOPIC, LANGUAGE, LIMIT)),
    Endpoint("/stories/{id}", "One story", story, _ref("Story"), (_by_id("a story, or of one of its articles"),)),
    Endpoint("/topics", "Topics with their articles, and those of the last day", topics, _page_of("Topic")),
    Endpoint("/topics/{id}/trend", "Counts over time and bursts", trend, _TREND, (_by_id("the topic"), HOURS)),
    Endpoint("/duplicates", "Reports that were held back, the newest first", duplicates, _page_of("Duplicate"),
             (ORIGINAL, LIMIT, PLACE)),
    Endpoint("/alerts", "Alerts, the newest first, and what became of them", alerts, _page_of("Alert"),
             (LIMIT, PLACE), everything=True),
    Endpoint("/alerts/{id}", "One alert", alert, _ref("Alert"), (_by_id("the alert"),), everything=True),
)  # fmt: skip


STREAM = Endpoint(
    "/stream", "What changes, as it changes: server-sent events `article` and `withdrawn`", lambda *_: None, {},
    (TOPIC, AFTER),
)  # fmt: skip


def description(*, needs_token: bool) -> Json:
    """The OpenAPI document."""
    paths = {PREFIX + each.path: {"get": _operation(each)} for each in ENDPOINTS}
    paths[PREFIX + STREAM.path] = {"get": _stream_operation()}
    security: Json = {"security": [{"bearer": []}, {"basic": []}]} if needs_token else {}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "newsflow",
            "version": __version__,
            "description": "News that was normalised, deduplicated and tagged.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic", "description": "The token is the password."},
            },
        },
        **security,
    }


def _operation(endpoint: Endpoint) -> Json:
    with_place = any(each.place == "path" for each in endpoint.parameters)
    refused = [
        400,
        401,
        429,
        503,
        *([403] if endpoint.everything else []),
        *([404] if _may_be_missing(endpoint) else []),
    ]
    assert not with_place or 404 in refused
    return {
        "summary": endpoint.summary,
        "operationId": endpoint.path.strip("/").replace("/", "_").replace("{id}", "one"),
        "parameters": [_parameter(each) for each in endpoint.parameters],
        "responses": {
            "200": {"description": "What was asked for.", "content": {"application/json": {"schema": endpoint.result}}},
            "304": {"description": "It is the one whose ETag was sent."},
            **_refusals(refused),
        },
    }


def _may_be_missing(endpoint: Endpoint) -> bool:
    return any(each.place == "path" or each is TOPIC for each in endpoint.parameters)


def _parameter(each: Parameter) -> Json:
    return {
        "name": each.name, "in": each.place, "required": each.place == "path", "description": each.description,
        "schema": each.schema,
    }  # fmt: skip


def _refusals(statuses: Sequence[int]) -> Json:
    content = {"application/problem+json": {"schema": _ref("Problem")}}
    return {str(status): {"description": "What is wrong, in words.", "content": content} for status in sorted(statuses)}


def _stream_operation() -> Json:
    last: Any = {
        "name": "Last-Event-ID", "in": "header", "required": False, "schema": {"type": "string"},
        "description": "The number of the last event that was read: goes before `after`.",
    }  # fmt: skip
    return {
        "summary": STREAM.summary,
        "operationId": "stream",
        "parameters": [*map(_parameter, STREAM.parameters), last],
        "responses": {
            "200": {
                "description": "Events without end.",
                "content": {"text/event-stream": {"schema": {"type": "string"}}},
            },
            **_refusals([400, 401, 404, 429, 503]),
        },
    }
