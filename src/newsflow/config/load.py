"""Configuration: the defaults, the broker that `newsflow dev up` started here, a YAML file, `NEWSFLOW_*`, flags: each
over the one before, and checked whole before launch.

A variable names its setting with two underscores for each dot: `NEWSFLOW_KAFKA__BOOTSTRAP_SERVERS`. A value that is a
list, a mapping, a number, `true` or `false` is read as YAML. Relative paths in a file count from that file's folder;
all others from the working directory.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from newsflow.config.settings import (
    ArchiveSettings,
    BlobSettings,
    Config,
    Destination,
    JobLimits,
    Kafka,
    LedgerSettings,
    OidcSettings,
    PollSettings,
    ReaderSettings,
    SchemaRegistry,
    Security,
    ServeSettings,
    Sources,
    StorySettings,
    WebSubSettings,
)
from newsflow.errors import ConfigError, dotted, raise_all
from newsflow.resources import SHIPPED
from newsflow.trends.bursts import BurstRule, TrendSettings
from newsflow.trends.counting import WindowRule
from newsflow.yamlfile import ValuePath, YamlDocument, parse_yaml, read_yaml

PREFIX = "NEWSFLOW_"
MAIN_JOB, TRENDS_JOB = "ingest", "trends"
LOCAL_BROKER, _SERVERS = Path(".newsflow/kafka/broker.json"), ("kafka", "bootstrap_servers")
_NOT_ANCHORED = ("postgresql", "postgres", "file")
"""Schemes that may have three slashes and yet no path of a store: a database by its local socket, and a reference."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting by its dotted name, its value, and where that comes from."""

    name: str
    value: Any
    origin: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """A checked configuration, and where each of its values came from."""

    config: Config
    origins: tuple[Setting, ...]


def load_config(
    file: Path | None = None,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
) -> Loaded:
    """Put the layers together and check the whole; raises `ConfigError` with file, line and path.

    `file` falls back to `NEWSFLOW_CONFIG`. `flags` are dotted names to values; None means not given.
    """
    environ = os.environ if environ is None else environ
    if file is None and environ.get("NEWSFLOW_CONFIG"):
        file = Path(environ["NEWSFLOW_CONFIG"])
    merged: dict[str, Any] = {}
    origins: dict[ValuePath, str] = {}
    layers: dict[str, YamlDocument] = {}
    wrong: list[ConfigError] = []
    for layer, origin in _layers(file, environ, flags or {}):
        try:
            layer.check(config_schema())
        except ConfigError as error:
            wrong.append(error)
            continue
        if file is not None and origin == str(file):
            _anchor_paths(layer.value, file.parent)
        _merge(merged, layer.value, origins, origin)
        layers[origin] = layer
    raise_all(wrong)
    for message, paths in _contradictions(merged):
        # The setting that somebody made is the one to look at, not a default that it does not agree with.
        at = next((path for path in paths if origins.get(path, "default") != "default"), paths[0])
        wrong.append(layers[origins[at]].error(message, at))
    raise_all(wrong)
    return Loaded(_build(merged), tuple(_list_origins(merged, origins)))


def config_schema() -> Any:
    return json.loads(resources.files("newsflow.config").joinpath("config.schema.json").read_text(encoding="utf-8"))


def config_of(job: str, config: Config) -> Config:
    """The configuration of a job by its name: `trends` reads another topic, in another group, and sends no alerts.

    One file serves all jobs so; others than `trends` get it as it is. A file that names its main job names this one
    too (`eu.trends`), so that two of them have a place on one cluster.
    """
    if job != TRENDS_JOB:
        return config
    name = TRENDS_JOB if config.job in (MAIN_JOB, TRENDS_JOB) else f"{config.job}.{TRENDS_JOB}"
    kafka = replace(config.kafka, input_topic=config.trends.input_topic, group=config.trends.group)
    return replace(config, job=name, kafka=kafka, destinations=())


def _layers(
    file: Path | None, environ: Mapping[str, str], flags: Mapping[str, Any]
) -> Iterator[tuple[YamlDocument, str]]:
    defaults = resources.files("newsflow.config").joinpath("defaults.yaml").read_text(encoding="utf-8")
    yield parse_yaml(defaults, "defaults.yaml"), "default"
    if port := _port_of_local_broker():
        servers = f"127.0.0.1:{port}"
        yield YamlDocument(_nested(_SERVERS, servers), {}, str(LOCAL_BROKER)), str(LOCAL_BROKER)
    if file is not None:
        document = read_yaml(file)
        if document.value is None:
            document = replace(document, value={})
        yield document, str(file)
    for name, text in sorted(environ.items()):
        if name.startswith(PREFIX) and "__" in name:
            path = name.removeprefix(PREFIX).lower().split("__")
            yield YamlDocument(_nested(path, _read_value(name, text)), {}, name), name
    for name, value in flags.items():
        if value is not None:
            yield YamlDocument(_nested(name.split("."), value), {}, "command line"), "command line"


def _port_of_local_broker() -> int | None:
    """The port of the broker that `newsflow dev up` started in this working directory."""
    try:
        recorded = json.loads(LOCAL_BROKER.read_text())
        return recorded["port"] if type(recorded["port"]) is int else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _read_value(name: str, text: str) -> Any:
    """An environment value as YAML where it looks like it, else (`host:1,host:2`) as text."""
    number = text.replace(".", "", 1).isdecimal() and text.isascii()
    try:
        return parse_yaml(text, name).value if text[:1] in "[{" or text in ("true", "false") or number else text
    except ConfigError:
        return text


def _nested(path: Sequence[str], value: Any) -> Any:
    for step in reversed(path):
        value = {step: value}
    return value


def _anchor_paths(value: dict[str, Any], folder: Path) -> None:
    for section in ("sources", "topics", "routes"):
        if paths := value.get(section, {}).get("paths"):
            value[section]["paths"] = [path if path == SHIPPED else str(folder / path) for path in paths]
    if feeds := value.get("poll", {}).get("feeds"):
        value["poll"]["feeds"] = [str(folder / path) for path in feeds]
    if applied := value.get("topics", {}).get("applied"):
        value["topics"]["applied"] = str(folder / applied)
    for section in ("ledger", "blobs"):
        if "url" in value.get(section, {}):
            value[section]["url"] = _anchored_url(value[section]["url"], folder)
    if copy := value.get("serve", {}).get("copy"):
        value["serve"]["copy"] = _anchored_url(copy, folder)
    for name, url in value.get("stores", {}).items():
        value["stores"][name] = _anchored_url(url, folder)


def _anchored_url(url: str, folder: Path) -> str:
    """A URL whose path is relative, from the file's folder on; an absolute path has four slashes."""
    scheme, mark, path = url.partition(":///")
    anchored = mark and scheme not in _NOT_ANCHORED and path and not path.startswith("/")
    return f"{scheme}:///{folder / path}" if anchored else url


def _merge(
    into: dict[str, Any], layer: Mapping[str, Any], origins: dict[ValuePath, str], origin: str, at: ValuePath = ()
) -> None:
    for key, value in layer.items():
        if isinstance(value, Mapping):
            _merge(into.setdefault(key, {}), value, origins, origin, (*at, key))
        else:
            into[key] = value
        origins[(*at, key)] = origin


def _list_origins(merged: Mapping[str, Any], origins: Mapping[ValuePath, str], at: ValuePath = ()) -> Iterator[Setting]:
    for key, value in sorted(merged.items()):
        if isinstance(value, Mapping) and value:
            yield from _list_origins(value, origins, (*at, key))
        else:
            yield Setting(dotted((*at, key)), value, origins.get((*at, key), "default"))


def _build(merged: Mapping[str, Any]) -> Config:
    kafka = merged["kafka"]
    security = Security(**kafka["security"])
    registry = SchemaRegistry(**kafka["registry"]) if kafka.get("registry") else None
    return Config(
        job=merged["job"],
        kafka=Kafka(**{**kafka, "security": security, "registry": registry}),
        ledger=LedgerSettings(**merged["ledger"]),
        blobs=BlobSettings(**merged["blobs"]),
        sources=Sources(tuple(merged["sources"]["paths"]), merged["sources"]["closed"]),
        topic_paths=tuple(merged["topics"]["paths"]),
        topics_applied=merged["topics"]["applied"],
        route_paths=tuple(merged["routes"]["paths"]),
        destinations=tuple(
            (name, Destination(**value)) for name, value in sorted(merged["alerts"]["destinations"].items())
        ),
        limits=JobLimits(**merged["limits"]),
        stores=tuple(sorted(merged["stores"].items())),
        alerts_fresh_h=merged["alerts"]["fresh_h"],
        trends=_build_trends(merged["trends"]),
        stories=StorySettings(**merged["stories"]),
        workers=merged.get("run", {}).get("workers"),
        metrics_listen=merged["metrics"].get("listen"),
        log_format=merged["log"]["format"],
        poll=_build_poll(merged["poll"]),
        serve=_build_serve(merged["serve"]),
        archive=ArchiveSettings(**merged["archive"]),
    )


def _build_serve(members: Mapping[str, Any]) -> ServeSettings:
    readers = (
        (name, ReaderSettings(reader["token"], tuple(reader.get("topics", ())), reader.get("replay", False)))
        for name, reader in sorted(members["readers"].items())
    )
    oidc = OidcSettings(**members["oidc"]) if members.get("oidc") else None
    return ServeSettings(**{**members, "readers": tuple(readers), "oidc": oidc})


def _contradictions(merged: Mapping[str, Any]) -> Iterator[tuple[str, list[ValuePath]]]:
    """What is wrong between settings each of which is right by itself, and which these are."""
    security, trends, bursts = merged["kafka"]["security"], merged["trends"], merged["trends"]["bursts"]
    protocol, asked = security["protocol"], ("sasl_mechanism", "username", "password")
    at: ValuePath = ("kafka", "security")
    if protocol.startswith("SASL") and (missing := [name for name in asked if not security.get(name)]):
        yield f"{protocol} needs sasl_mechanism, username and password; missing: {', '.join(missing)}", [at]
    if not protocol.startswith("SASL") and security.get("sasl_mechanism"):
        yield f"sasl_mechanism is set, but protocol {protocol} does not use SASL", [(*at, "sasl_mechanism")]
    end, ratio, warm_up, baseline = (bursts[name] for name in ("end_ratio", "ratio", "warm_up_days", "baseline_days"))
    at = ("trends", "bursts")
    if end > ratio:
        message = f"end_ratio {end} is above ratio {ratio}: a burst would end as it is raised"
        yield message, [(*at, "end_ratio"), (*at, "ratio")]
    if warm_up > baseline:
        message = f"warm_up_days {warm_up} is above baseline_days {baseline}: nothing could be raised"
        yield message, [(*at, "warm_up_days"), (*at, "baseline_days")]
    yield from _poll_contradictions(merged["poll"])
    try:
        _windows(trends)
    except ValueError as error:
        yield str(error), [("trends", name) for name in ("period_s", "window_s", "grace_s", "lateness_h")]


def _poll_contradictions(poll: Mapping[str, Any]) -> Iterator[tuple[str, list[ValuePath]]]:
    bounds = ("least_s", "start_s", "most_s")
    if not poll["least_s"] <= poll["start_s"] <= poll["most_s"]:
        shown = ", ".join(f"{name} {poll[name]}" for name in bounds)
        yield f"{shown}; accepted: values in this order", [("poll", name) for name in bounds]
    if list(poll["again_h"]) != sorted(poll["again_h"]):
        yield f"again_h {poll['again_h']} is not in order; accepted: hours, the least first", [("poll", "again_h")]


def _windows(trends: Mapping[str, Any]) -> WindowRule:
    """Raises ValueError for windows that are not a whole number of periods."""
    return WindowRule(
        size_s=trends["window_s"],
        period_s=trends["period_s"],
        grace_s=trends["grace_s"],
        lateness_s=round(trends["lateness_h"] * 3_600),
    )


def _build_poll(members: Mapping[str, Any]) -> PollSettings:
    lists = {name: tuple(members[name]) for name in ("feeds", "again_h")}
    websub = WebSubSettings(**members["websub"]) if members.get("websub") else None
    return PollSettings(**{**members, **lists, "websub": websub})


def _build_trends(members: Mapping[str, Any]) -> TrendSettings:
    bursts = members["bursts"]
    rule = BurstRule(**{**bursts, "dimensions": tuple(bursts["dimensions"])})
    return TrendSettings(members["input_topic"], members["group"], members["fresh_h"], _windows(members), rule)
