"""Reads files of routes. An error names the file, the line and what would be accepted."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from newsflow.alerts.values import Severity
from newsflow.routing.policies import read_policy, read_schedule, zone_problem
from newsflow.routing.routes import Routes
from newsflow.routing.values import Match, Route, Subscription, read_rule
from newsflow.yamlfile import ValuePath, YamlDocument, parse_yaml, read_yaml


def load_routes(
    paths: Sequence[Path] | None = None,
    *,
    topics: Collection[str] | None = None,
    destinations: Collection[str] | None = None,
) -> Routes:
    """Return what the files say, in their order; without any, the shipped routes.

    Where `topics` (or `destinations`) are given, a name that is not among them is an error.
    Raises `ConfigError`.
    """
    files = [read_yaml(Path(path)) for path in paths or ()] or [_shipped()]
    for file in files:
        file.check(_schema())
    routes, subscriptions = _entries(files, "routes"), _entries(files, "subscriptions")
    debug = [file.part(("debug",)) for file in files if "debug" in file.value]
    if len(debug) > 1:
        raise debug[1].error(f"the debug feed is already asked for in {debug[0].file}")
    for entries in (routes, subscriptions):
        _refuse_same_ids(entries)
    for entry in (*debug, *routes, *subscriptions):
        _refuse_unknown_names(entry, topics, destinations)
        _refuse_unknown_zones(entry)
    return Routes(
        routes=tuple(map(_route, routes)),
        subscriptions=tuple(map(_subscription, subscriptions)),
        debug=_match(debug[0]) if debug else None,
    )


@cache
def _schema() -> Any:
    return json.loads(resources.files("newsflow.routing").joinpath("routes.schema.json").read_text("utf-8"))


def _shipped() -> YamlDocument:
    text = resources.files("newsflow.routing").joinpath("default.yaml").read_text("utf-8")
    return parse_yaml(text, "newsflow/routing/default.yaml")


def _entries(files: Iterable[YamlDocument], kind: str) -> list[YamlDocument]:
    return [file.part((kind, index)) for file in files for index in range(len(file.value.get(kind, ())))]


def _route(entry: YamlDocument) -> Route:
    value = entry.value
    feeds = value.get("feeds", ())
    return Route(
        id=value["id"],
        match=_match(entry),
        every_topic=feeds == "topics",
        feeds=() if feeds == "topics" else tuple(feeds),
        stores=tuple(value.get("stores", ())),
        copies=value.get("copies", False),
        stop=value.get("stop", False),
    )


def _subscription(entry: YamlDocument) -> Subscription:
    value = entry.value
    alert = value.get("alert", {})
    return Subscription(
        id=value["id"],
        match=_match(entry),
        description=value.get("description", ""),
        feed=value.get("feed", False),
        copies=value.get("copies", False),
        alert_to=tuple(alert.get("to", ())),
        severity=Severity(alert.get("severity", Severity.WARNING)),
        policy=read_policy(alert),
    )


def _match(entry: YamlDocument) -> Match:
    value = entry.value.get("match", {})
    topics, story = value.get("topics", {}), value.get("story_size", {})
    if story.get("min", 0) > story.get("max", story.get("min", 0)):
        raise entry.error("no story is so large and so small; accepted: min up to max", ("match", "story_size"))
    return Match(
        tagged=value.get("tagged"),
        topics_any=frozenset(topics.get("any", ())),
        topics_all=frozenset(topics.get("all", ())),
        topics_none=frozenset(topics.get("none", ())),
        min_score=float(value.get("min_score", 0)),
        languages=tuple(value.get("languages", ())),
        sources=tuple(value.get("sources", ())),
        not_sources=tuple(value.get("not_sources", ())),
        story_min=story.get("min", 0),
        story_max=story.get("max", 0),
        rule=read_rule(entry.part(("match", "rule"))) if "rule" in value else None,
        one_in=int(value.get("sample", "1 in 1").removeprefix("1 in ")),
        schedule=read_schedule(entry.value.get("schedule", ())),
    )


def _refuse_same_ids(entries: Iterable[YamlDocument]) -> None:
    first: dict[str, YamlDocument] = {}
    for entry in entries:
        known = first.setdefault(entry.value["id"], entry)
        if known is not entry:
            where = f"{known.file}:{known.line(('id',))}"
            raise entry.error(f"the id {entry.value['id']!r} is already taken at {where}", ("id",))


def _refuse_unknown_names(
    entry: YamlDocument, topics: Collection[str] | None, destinations: Collection[str] | None
) -> None:
    for part, names in entry.value.get("match", {}).get("topics", {}).items():
        _refuse_unknown(entry, ("match", "topics", part), "topic", names, topics)
    if (feeds := entry.value.get("feeds", ())) != "topics":
        _refuse_unknown(entry, ("feeds",), "topic", feeds, topics)
    _refuse_unknown(entry, ("alert", "to"), "destination", entry.value.get("alert", {}).get("to", ()), destinations)


def _refuse_unknown(
    entry: YamlDocument, path: ValuePath, what: str, names: Sequence[str], known: Collection[str] | None
) -> None:
    if known is None:
        return
    for index, name in enumerate(names):
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known)) or 'none'}"
            raise entry.error(f"there is no {what} {name!r}; {hint}", (*path, index))


def _refuse_unknown_zones(entry: YamlDocument) -> None:
    alert, schedule = entry.value.get("alert", {}), entry.value.get("schedule", ())
    zoned: list[tuple[Mapping[str, Any], ValuePath]] = [
        (alert.get(part, {}), ("alert", part)) for part in ("quiet_hours", "digest")
    ]
    if isinstance(schedule, Mapping):
        zoned.append((schedule, ("schedule",)))
    else:
        zoned += [(span, ("schedule", index)) for index, span in enumerate(schedule)]
    for value, path in zoned:
        if problem := zone_problem(value.get("zone", "UTC")):
            raise entry.error(problem, (*path, "zone"))
