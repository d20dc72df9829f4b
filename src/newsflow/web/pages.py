"""The pages: what each shows, from what it is asked for. Templates say how."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import jinja2
import yaml

from newsflow.dedup.explain import explain
from newsflow.ingest import trace as lives
from newsflow.model.codec import article_from_json
from newsflow.shown import lines, one_line
from newsflow.stores.reading import Change
from newsflow.web import api
from newsflow.web.answers import Endpoint, Parameter, ProblemError, cursor_of, place_in
from newsflow.web.api import Asked, check_topic, wanted_of
from newsflow.web.feeds import web_address
from newsflow.web.library import Desk, alert_members, place_of_alert
from newsflow.web.served import Json, excerpt
from newsflow.web.texts import Span, direction, edits, marked

HOURS = 48
STORIES, NEWEST, PAGE, LETTERS = 20, 20, 50, 200
TITLE_CHARS = 300
VERSION = {"type": "integer", "minimum": 1}


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its endpoint answers with what the template is filled with."""

    endpoint: Endpoint
    template: str


def render(template: str, asked: Asked, path: str, values: Json) -> bytes:
    """The page as HTML. `path` is where it stands, for the navigation."""
    made = _environment().get_template(template).render(values, path=path, reader=asked.reader)
    return made.encode("utf-8", "replace")


@cache
def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("newsflow.web"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        line=lambda text, chars=TITLE_CHARS: one_line(text or "", chars) or "…",
        lines=lines,
        dir=direction,
        instant=_instant_text,
        link=web_address,
        excerpt=excerpt,
        without_cursor=lambda values: {name: each for name, each in values.items() if name != "cursor"},
    )
    return made


def _instant_text(at: datetime | str | int) -> str:
    """`at` as a number: milliseconds since 1970."""
    if isinstance(at, int):
        at = datetime.fromtimestamp(at / 1000, UTC)
    found = datetime.fromisoformat(at) if isinstance(at, str) else at
    return found.astimezone(UTC).strftime("%Y-%m-%d %H:%M") if found.tzinfo else found.strftime("%Y-%m-%d %H:%M")


def now(desk: Desk, asked: Asked, values: Json) -> Json:
    topic, language = values.get("topic"), values.get("language")
    check_topic(asked, topic)
    newest = desk.articles.newest(wanted_of(asked, values), NEWEST)
    seen = asked.seen
    return {
        "fresh": sum(each.number > seen for each in newest) if seen else 0,
        "seen": seen,
        "stories": desk.stories(asked.reader, topic, language)[:STORIES],
        "topics": api.topics(desk, asked, {})["items"],
        "newest": newest,
        "values": values,
    }


def topics(desk: Desk, asked: Asked, _: Json) -> Json:
    return {"topics": api.topics(desk, asked, {})["items"]}


def topic(desk: Desk, asked: Asked, values: Json) -> Json:
    name = values["id"]
    check_topic(asked, name)
    if desk.articles.changed_at(name) is None:
        raise ProblemError(404, f"there is no topic {name!r}")
    end = desk.now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    since = end - timedelta(hours=HOURS)
    seen = desk.articles.seen(name, since)
    counts = Counter((at - since) // timedelta(hours=1) for _, at in seen)
    bursts = desk.bursts(name)
    hours = [
        {
            "at": since + timedelta(hours=hour),
            "articles": counts[hour],
            "burst": any(_overlaps(since + timedelta(hours=hour), *each) for each in bursts),
        }
        for hour in range(HOURS)
    ]
    return {
        "name": name,
        "hours": hours,
        "most": max(counts.values(), default=0),
        "total": len(seen),
        "sources": Counter(source for source, _ in seen).most_common(20),
        "stories": desk.stories(asked.reader, name)[:STORIES],
        "newest": desk.articles.newest(wanted_of(asked, {"topic": name}), NEWEST),
    }


def _overlaps(hour: datetime, raised: datetime, ended: datetime | None) -> bool:
    return raised < hour + timedelta(hours=1) and (ended is None or ended > hour)


def story(desk: Desk, asked: Asked, values: Json) -> Json:
    found = desk.story(asked.reader, values["id"])
    if found is None:
        raise ProblemError(404, f"there is no story {values['id']!r}")
    agencies: dict[str, list[str]] = {}
    for each in found.articles:
        if each.known.agency:
            agencies.setdefault(each.known.agency, []).append(each.known.source)
    return {"seen": found, "agencies": agencies, "languages": Counter(each.known.language for each in found.articles)}


def article(desk: Desk, asked: Asked, values: Json) -> Json:
    found = _current(desk, asked, values["id"])
    members = found.members
    scope = asked.reader.scope
    shown = [each for each in members["topics"] if scope is None or each["id"] in scope]
    whole = asked.full_text or scope is None
    spans = {
        field: [
            Span(each["start"], each["end"], f"{topic['id']}: {each['term']}")
            for topic in shown
            for each in topic["evidence"]
            if each["field"] == field
        ]
        for field in ("title", "body")
    }
    known = desk.ledger.known(found.id)
    return {
        "change": found,
        "article": members,
        "title": marked(members["title"], spans["title"]),
        "body": marked(members["body"], spans["body"]) if whole else None,
        "topics": shown,
        "mentions": [each for each in members["mentions"] if scope is None or each["id"] in scope],
        "versions": api.versions(desk, asked, values)["items"],
        "duplicates": desk.duplicates(asked.reader, PAGE, original=found.id),
        "maker": desk.maker(found.id) if scope is None else None,
        "known": known,
    }


def _current(desk: Desk, asked: Asked, article_id: str) -> Change:
    found = desk.articles.article(article_id, asked.reader.scope)
    if found is None:
        raise ProblemError(404, f"there is no article {article_id!r}, or it was withdrawn")
    return found


def changes(desk: Desk, asked: Asked, values: Json) -> Json:
    _only_whole(asked)
    found = {each["version"]: each for each in desk.articles.versions(_current(desk, asked, values["id"]).id)}
    if asked.reader.scope is not None:
        found = {
            number: each
            for number, each in found.items()
            if any(topic["id"] in asked.reader.scope for topic in each["topics"])
        }
    numbers = sorted(found)
    after = values.get("to", numbers[-1])
    before = values.get("from", max([each for each in numbers if each < after], default=numbers[0]))
    for number in (before, after):
        if number not in found:
            raise ProblemError(404, f"there is no version {number}; there are {', '.join(map(str, numbers))}")
    left, right = found[before], found[after]
    return {
        "article": right, "before": before, "after": after, "numbers": numbers,
        "title": edits(left["title"], right["title"]), "body": edits(left["body"], right["body"]),
    }  # fmt: skip


def compare(desk: Desk, asked: Asked, values: Json) -> Json:
    """An article beside a copy of it: what both have, and what was exchanged."""
    _only_whole(asked)
    left = article_from_json(_current(desk, asked, values["id"]).members)
    known = desk.ledger.known(values["other"])
    right = desk.ledger.current_article(values["other"])
    if known is None or right is None or known.withdrawn or known.duplicate_of != left.id:
        raise ProblemError(404, f"{values['other']!r} is not a copy of this article")
    found = explain(left, right)
    sides = []
    for mine, other in ((left, right), (right, left)):
        passages = explain(mine, other).passages
        sides.append((mine, marked(mine.body, [Span(each.start, each.end, "in both") for each in passages])))
    return {"found": found, "sides": sides, "left": left}


def _only_whole(asked: Asked) -> None:
    if asked.reader.scope is not None and not asked.full_text:
        raise ProblemError(403, "whole texts are not for this token")


def alerts(desk: Desk, _: Asked, values: Json) -> Json:
    found = desk.alerts(PAGE + 1, before=place_in(values))
    last = found[PAGE - 1] if len(found) > PAGE else None
    following = last and cursor_of(place_of_alert(last))
    return {"alerts": [(each, alert_members(each)) for each in found[:PAGE]], "next": following}


def dead_letters(desk: Desk, _: Asked, __: Json) -> Json:
    letters = desk.letters(LETTERS)
    known = {each.origin for each in letters}
    unread = [each for each in desk.dead_letters(LETTERS) if (each.topic, each.partition, each.offset) not in known]
    return {"letters": letters, "unread": unread, "reasons": desk.ledger.reasons()}


def trace(desk: Desk, _: Asked, values: Json) -> Json:
    asked = values.get("q", "").strip()
    return {"asked": asked, "lives": lives.trace(desk.ledger, asked) if asked else []}


def sources(desk: Desk, _: Asked, __: Json) -> Json:
    since = desk.now() - api.RECENT
    return {"sources": desk.sources(since), "findings": desk.findings(), "now": desk.now()}


def duplicates(desk: Desk, asked: Asked, values: Json) -> Json:
    found = desk.duplicates(asked.reader, PAGE + 1, before=place_in(values))
    titles = desk.articles.lines({each.original for each in found}, asked.reader.scope)
    following = cursor_of(found[PAGE - 1].place) if len(found) > PAGE else None
    return {"duplicates": found[:PAGE], "titles": titles, "next": following}


def status(desk: Desk, asked: Asked, _: Json) -> Json:
    return {
        "outcomes": desk.ledger.outcomes(),
        "reasons": desk.ledger.reasons(),
        "rows": desk.rows(),
        "places": desk.places(),
        "backlog": desk.backlog(),
        "last": desk.articles.newest(wanted_of(asked, {}), 1),
    }


def search(desk: Desk, asked: Asked, values: Json) -> Json:
    check_topic(asked, values.get("topic"))
    filters = {name: value for name, value in values.items() if name != "cursor" and value != ""}
    found = desk.articles.newest(wanted_of(asked, filters), PAGE + 1, values.get("cursor")) if filters else []
    return {
        "values": values,
        "found": found[:PAGE],
        "asked_for": bool(filters),
        "next": found[PAGE - 1].number if len(found) > PAGE else None,
        "topics": api.topics(desk, asked, {})["items"],
        "subscription": _subscription(filters),
    }


def _subscription(filters: Json) -> str:
    """The subscription that asks for what a search asks for; without what only a search knows, as times."""
    match: Json = {}
    if "topic" in filters:
        match["topics"] = {"any": [filters["topic"]]}
    for name in ("language", "source"):
        if name in filters:
            match[f"{name}s"] = [filters[name]]
    if words := filters.get("q", "").split():
        match["rule"] = {"all": words}
    made = {"subscriptions": [{"id": "my-subscription", "match": match, "feed": True}]}
    return yaml.safe_dump(made, sort_keys=False, allow_unicode=True) if match else ""


Answer = Callable[[Desk, Asked, Json], Json]


def _page(path: str, answer: Answer, template: str, *parameters: Parameter, everything: bool = False) -> Page:
    return Page(Endpoint(path, "", answer, {}, parameters, everything), f"{template}.html")


def _optional(each: Parameter) -> Parameter:
    """As a form sends it: a field that was left empty is there, and empty."""
    return Parameter(each.name, {"anyOf": [{"const": ""}, each.schema]}, each.description)


_ID: Any = Parameter("id", api.TOPIC.schema, "", "path")
_OTHER = Parameter("other", api.TOPIC.schema, "", "path")
_FORM = tuple(map(_optional, api.FILTERS))
PAGES = (
    _page("/", now, "now", _optional(api.TOPIC), _optional(api.LANGUAGE)),
    _page("/topics", topics, "topics"),
    _page("/topics/{id}", topic, "topic", _ID),
    _page("/stories/{id}", story, "story", _ID),
    _page("/articles/{id}", article, "article", _ID),
    _page(
        "/articles/{id}/changes", changes, "changes", _ID, Parameter("from", VERSION, ""), Parameter("to", VERSION, "")
    ),
    _page("/articles/{id}/beside/{other}", compare, "beside", _ID, _OTHER),
    _page("/duplicates", duplicates, "duplicates", api.PLACE),
    _page("/search", search, "search", *_FORM, api.NUMBER),
    _page("/alerts", alerts, "alerts", api.PLACE, everything=True),
    _page("/dead-letters", dead_letters, "dead-letters", everything=True),
    _page(
        "/trace",
        trace,
        "trace",
        Parameter("q", {"type": "string", "maxLength": 2000, "pattern": api.NO_NUL}, ""),
        everything=True,
    ),
    _page("/sources", sources, "sources", everything=True),
    _page("/status", status, "status", everything=True),
)
