"""Reads files of routes. An error names the file, the line and what would be accepted."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from newsflow.alerts.values import Severity
from newsflow.routing.policies import read_policy, read_schedule, zone_problem
from newsflow.routing.routes import Routes
from newsflow.routing.values import Match, Route, Subscription, read_rule
from newsflow.yamlfile import Place, YamlFile, parse_yaml, read_yaml


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
    _refuse_same_ids(files)
    for file in files:
        _refuse_unknown(file, "topic", _topic_names(file.value), topics)
        _refuse_unknown_zones(file)
        _refuse_unknown(file, "destination", _destination_names(file.value), destinations)
    return Routes(
        routes=tuple(_route(file, each, at) for file in files for each, at in _entries(file, "routes")),
        subscriptions=tuple(
            _subscription(file, each, at) for file in files for each, at in _entries(file, "subscriptions")
        ),
        debug=_debug(files),
    )


@cache
def _schema() -> Any:
    return json.loads(resources.files("newsflow.routing").joinpath("routes.schema.json").read_text("utf-8"))


def _shipped() -> YamlFile:
    text = resources.files("newsflow.routing").joinpath("default.yaml").read_text("utf-8")
    return parse_yaml(text, "newsflow/routing/default.yaml")


def _entries(file: YamlFile, kind: str) -> Iterator[tuple[Mapping[str, Any], Place]]:
    for index, each in enumerate(file.value.get(kind, ())):
        yield each, (kind, index)


def _debug(files: Iterable[YamlFile]) -> Match | None:
    asking = [file for file in files if "debug" in file.value]
    if len(asking) > 1:
        raise asking[1].error(f"the debug feed is already asked for in {asking[0].file}", ("debug",))
    return _match(asking[0], asking[0].value["debug"], ("debug",)) if asking else None


def _route(file: YamlFile, value: Mapping[str, Any], at: Place) -> Route:
    feeds = value.get("feeds", ())
    return Route(
        id=value["id"],
        match=_match(file, value, at),
        every_topic=feeds == "topics",
        feeds=() if feeds == "topics" else tuple(feeds),
        stores=tuple(value.get("stores", ())),
        copies=value.get("copies", False),
        stop=value.get("stop", False),
    )


def _subscription(file: YamlFile, value: Mapping[str, Any], at: Place) -> Subscription:
    alert = value.get("alert", {})
    return Subscription(
        id=value["id"],
        match=_match(file, value, at),
        description=value.get("description", ""),
        feed=value.get("feed", False),
        copies=value.get("copies", False),
        alert_to=tuple(alert.get("to", ())),
        severity=Severity(alert.get("severity", Severity.WARNING)),
        policy=read_policy(alert),
    )


def _match(file: YamlFile, entry: Mapping[str, Any], at: Place) -> Match:
    value = entry.get("match", {})
    topics, story = value.get("topics", {}), value.get("story_size", {})
    if story.get("min", 0) > story.get("max", story.get("min", 0)):
        raise file.error("no story is so large and so small; accepted: min up to max", (*at, "match", "story_size"))
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
        rule=read_rule(file, value["rule"], (*at, "match", "rule")) if "rule" in value else None,
        one_in=int(value.get("sample", "1 in 1").removeprefix("1 in ")),
        schedule=read_schedule(entry.get("schedule", ())),
    )


def _refuse_same_ids(files: Iterable[YamlFile]) -> None:
    first: dict[tuple[str, str], str] = {}
    for file in files:
        for kind in ("routes", "subscriptions"):
            for index, each in enumerate(file.value.get(kind, ())):
                place: Place = (kind, index, "id")
                here = f"{file.file}:{file.line(place)}"
                known = first.setdefault((kind, each["id"]), here)
                if known != here:
                    raise file.error(f"the id {each['id']!r} is already taken at {known}", place)


def _refuse_unknown(
    file: YamlFile, what: str, names: Iterable[tuple[str, Place]], known: Collection[str] | None
) -> None:
    if known is None:
        return
    for name, place in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known)) or 'none'}"
            raise file.error(f"there is no {what} {name!r}; {hint}", place)


def _refuse_unknown_zones(file: YamlFile) -> None:
    for zone, place in _zones(file.value):
        if problem := zone_problem(zone):
            raise file.error(problem, (*place, "zone"))


def _zones(value: Any) -> Iterator[tuple[str, Place]]:
    for kind in ("routes", "subscriptions"):
        for index, each in enumerate(value.get(kind, ())):
            for part in ("quiet_hours", "digest"):
                yield each.get("alert", {}).get(part, {}).get("zone", "UTC"), (kind, index, "alert", part)
            schedule = each.get("schedule", ())
            if isinstance(schedule, Mapping):
                yield schedule["zone"], (kind, index, "schedule")
            else:
                yield from ((span["zone"], (kind, index, "schedule", at)) for at, span in enumerate(schedule))


def _topic_names(value: Any) -> Iterator[tuple[str, Place]]:
    yield from _matched_topics(value.get("debug", {}), ("debug",))
    for kind in ("routes", "subscriptions"):
        for index, each in enumerate(value.get(kind, ())):
            yield from _matched_topics(each, (kind, index))
            feeds = each.get("feeds", ())
            for at, name in enumerate(() if feeds == "topics" else feeds):
                yield name, (kind, index, "feeds", at)


def _matched_topics(entry: Any, place: Place) -> Iterator[tuple[str, Place]]:
    for part, names in entry.get("match", {}).get("topics", {}).items():
        for at, name in enumerate(names):
            yield name, (*place, "match", "topics", part, at)


def _destination_names(value: Any) -> Iterator[tuple[str, Place]]:
    for index, each in enumerate(value.get("subscriptions", ())):
        for at, name in enumerate(each.get("alert", {}).get("to", ())):
            yield name, ("subscriptions", index, "alert", "to", at)
