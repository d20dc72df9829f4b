"""Reads files of routes. An error names the file, the line and what would be accepted."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from newsflow.alerts import Severity
from newsflow.routing.policies import read_policy, zone_problem
from newsflow.routing.routes import Routes
from newsflow.routing.values import Match, Route, Subscription
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
        routes=tuple(_route(each) for file in files for each in file.value.get("routes", ())),
        subscriptions=tuple(_subscription(each) for file in files for each in file.value.get("subscriptions", ())),
    )


@cache
def _schema() -> Any:
    return json.loads(resources.files("newsflow.routing").joinpath("routes.schema.json").read_text("utf-8"))


def _shipped() -> YamlFile:
    text = resources.files("newsflow.routing").joinpath("default.yaml").read_text("utf-8")
    return parse_yaml(text, "newsflow/routing/default.yaml")


def _route(value: Mapping[str, Any]) -> Route:
    feeds = value.get("feeds", ())
    return Route(
        id=value["id"],
        match=_match(value.get("match", {})),
        every_topic=feeds == "topics",
        feeds=() if feeds == "topics" else tuple(feeds),
        stores=tuple(value.get("stores", ())),
        copies=value.get("copies", False),
        stop=value.get("stop", False),
    )


def _subscription(value: Mapping[str, Any]) -> Subscription:
    alert = value.get("alert", {})
    return Subscription(
        id=value["id"],
        match=_match(value.get("match", {})),
        description=value.get("description", ""),
        feed=value.get("feed", False),
        copies=value.get("copies", False),
        alert_to=tuple(alert.get("to", ())),
        severity=Severity(alert.get("severity", Severity.WARNING)),
        policy=read_policy(alert),
    )


def _match(value: Mapping[str, Any]) -> Match:
    topics = value.get("topics", {})
    return Match(
        tagged=value.get("tagged"),
        topics_any=frozenset(topics.get("any", ())),
        topics_all=frozenset(topics.get("all", ())),
        topics_none=frozenset(topics.get("none", ())),
        min_score=float(value.get("min_score", 0)),
        languages=tuple(value.get("languages", ())),
        sources=tuple(value.get("sources", ())),
        not_sources=tuple(value.get("not_sources", ())),
        one_in=int(value.get("sample", "1 in 1").removeprefix("1 in ")),
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
    for index, each in enumerate(file.value.get("subscriptions", ())):
        for part in ("quiet_hours", "digest"):
            zone = each.get("alert", {}).get(part, {}).get("zone", "UTC")
            if problem := zone_problem(zone):
                raise file.error(problem, ("subscriptions", index, "alert", part, "zone"))


def _topic_names(value: Any) -> Iterator[tuple[str, Place]]:
    for kind in ("routes", "subscriptions"):
        for index, each in enumerate(value.get(kind, ())):
            for part, names in each.get("match", {}).get("topics", {}).items():
                for at, name in enumerate(names):
                    yield name, (kind, index, "match", "topics", part, at)
            feeds = each.get("feeds", ())
            for at, name in enumerate(() if feeds == "topics" else feeds):
                yield name, (kind, index, "feeds", at)


def _destination_names(value: Any) -> Iterator[tuple[str, Place]]:
    for index, each in enumerate(value.get("subscriptions", ())):
        for at, name in enumerate(each.get("alert", {}).get("to", ())):
            yield name, ("subscriptions", index, "alert", "to", at)
