"""Reads files of routes. An error names the file, the line and what would be accepted."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import time, timedelta
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from newsflow.alerts.values import DailyHours, Digest, Policy, QuietHours, Severity
from newsflow.errors import did_you_mean
from newsflow.model.languages import tag_problem
from newsflow.routing.routes import Routes
from newsflow.routing.values import DAYS, Match, Route, Subscription, read_rule
from newsflow.yamlfile import ValuePath, YamlDocument, parse_yaml, read_yaml

# The parts of a subscription that say when: its alert policy and its schedule.


_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def read_policy(alert: Mapping[str, Any]) -> Policy:
    """The policy of a subscription's `alert`, which its schema has accepted."""
    update, usual = alert.get("update", {}), Policy()
    return Policy(
        sources=alert.get("sources", usual.sources),
        update_sources=update.get("sources", usual.update_sources),
        new_country=update.get("new_country", usual.new_country),
        retraction=update.get("retraction", usual.retraction),
        critical_sources=alert.get("critical_sources", usual.critical_sources),
        cool_down=_duration(alert["cool_down"]) if "cool_down" in alert else usual.cool_down,
        cap_per_hour=alert.get("cap_per_hour", usual.cap_per_hour),
        quiet=QuietHours(*_hours(alert["quiet_hours"])) if "quiet_hours" in alert else None,
        digest=_digest(alert["digest"]) if "digest" in alert else None,
    )


def read_schedule(schedule: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> tuple[DailyHours, ...]:
    """The hours of a `schedule`, which its schema has accepted: one mapping or a list of them."""
    spans = [schedule] if isinstance(schedule, Mapping) else schedule
    return tuple(DailyHours(*_hours(each)) for each in spans)


def zone_problem(name: str) -> str:
    """What is wrong with the name of a time zone; empty when nothing is."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = did_you_mean(name, available_timezones()) or "accepted: names of the IANA database, as 'Asia/Dubai'"
        return f"there is no time zone {name!r}; {hint}"
    return ""


def _hours(value: Mapping[str, Any]) -> tuple[str, time, time, frozenset[int]]:
    days = frozenset(DAYS.index(day) for day in value.get("days", ()))
    return value["zone"], _time(value.get("from", "00:00")), _time(value.get("until", "00:00")), days


def _digest(value: Mapping[str, Any]) -> Digest:
    return Digest(value["every"], _time(value.get("at", "08:00")), value.get("zone", "UTC"))


def _time(text: str) -> time:
    return time.fromisoformat(text.zfill(len("08:00")))


def _duration(text: str) -> timedelta:
    return timedelta(**{_UNITS[text[-1]]: int(text[:-1])})


def load_routes(
    paths: Sequence[Path] | None = None,
    *,
    topics: Collection[str] | None = None,
    destinations: Collection[str] | None = None,
    stores: Collection[str] | None = None,
) -> Routes:
    """Return what the files say, in their order; without any, the shipped routes. Where a file extends those, they come
    first, each replaced by the one of its id in a file.

    Where `topics` (or `destinations`, or `stores`) are given, a name that is not among them is an error; the shipped
    routes name a store that need not be there.
    Raises `ConfigError`.
    """
    files = [read_yaml(Path(path)) for path in paths or ()] or [_shipped()]
    for file in files:
        file.check(_schema())
    base = [_shipped()] if any("extends" in file.value for file in files) else []
    routes, subscriptions = (_over(_entries(base, kind), _entries(files, kind)) for kind in ("routes", "subscriptions"))
    debug = [file.part(("debug",)) for file in files if "debug" in file.value]
    if len(debug) > 1:
        raise debug[1].error(f"the debug feed is already asked for in {debug[0].file}")
    for entry in (*debug, *routes, *subscriptions):
        _refuse_unknown_names(entry, topics, destinations)
        if entry.file != _SHIPPED_NAME:
            _refuse_unknown(entry, ("stores",), "store", entry.value.get("stores", ()), stores)
        _refuse_unknown_zones(entry)
    return Routes(
        routes=tuple(map(_route, routes)),
        subscriptions=tuple(map(_subscription, subscriptions)),
        debug=_match(debug[0]) if debug else None,
    )


_SHIPPED_NAME = "newsflow/routing/default.yaml"


@cache
def _schema() -> Any:
    return json.loads(resources.files("newsflow.routing").joinpath("routes.schema.json").read_text("utf-8"))


def _shipped() -> YamlDocument:
    text = resources.files("newsflow.routing").joinpath("default.yaml").read_text("utf-8")
    return parse_yaml(text, _SHIPPED_NAME)


def _entries(files: Iterable[YamlDocument], kind: str) -> list[YamlDocument]:
    return [file.part((kind, index)) for file in files for index in range(len(file.value.get(kind, ())))]


def _over(base: Sequence[YamlDocument], entries: Sequence[YamlDocument]) -> list[YamlDocument]:
    """The entries after those of the base, of which some are replaced where they stand."""
    _refuse_same_ids(entries)
    by_id = {entry.value["id"]: entry for entry in (*base, *entries)}
    return list(by_id.values())


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
        languages=_languages(entry),
        sources=tuple(value.get("sources", ())),
        not_sources=tuple(value.get("not_sources", ())),
        story_min=story.get("min", 0),
        story_max=story.get("max", 0),
        rule=read_rule(entry.part(("match", "rule"))) if "rule" in value else None,
        one_in=int(value.get("sample", "1 in 1").removeprefix("1 in ")),
        schedule=read_schedule(entry.value.get("schedule", ())),
    )


def _languages(entry: YamlDocument) -> tuple[str, ...]:
    """Of any case and with - or _, as in topic rules."""
    written = entry.value.get("match", {}).get("languages", ())
    for index, tag in enumerate(written):
        if problem := tag_problem(tag.lower().replace("_", "-")):
            raise entry.error(problem, ("match", "languages", index))
    return tuple(tag.replace("_", "-") for tag in written)


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
            hint = did_you_mean(name, known) or f"known: {', '.join(sorted(known)) or 'none'}"
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
