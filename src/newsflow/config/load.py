"""Configuration: the defaults, then a YAML file, then `NEWSFLOW_*`, then flags; checked whole before launch.

A variable of the environment names its place with two underscores between the steps:
`NEWSFLOW_KAFKA__BOOTSTRAP_SERVERS`, `NEWSFLOW_LEDGER__URL`. Its value is read as YAML (`[a, b]`, `true`, `12`).
Relative paths in a file count from that file's folder; all others from the working directory.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from newsflow.config.settings import Config, Destination, Kafka, LedgerSettings, Limits, Security, Sources
from newsflow.errors import ConfigError
from newsflow.trends.bursts import BurstRule, TrendSettings
from newsflow.trends.windows import WindowRule
from newsflow.yamlfile import Place, YamlFile, dotted, parse_yaml, read_yaml

# The settings of the job trends: read from the checked configuration, and laid over what all jobs share.


JOB = "trends"
MAIN_JOB = "ingest"
"""What the main job is called where nobody says otherwise."""


def build_trends(members: Mapping[str, Any]) -> TrendSettings:
    """The section `trends` as values; raises `ConfigError` for settings that do not fit together."""
    bursts = members["bursts"]
    rule = BurstRule(**{**bursts, "dimensions": tuple(bursts["dimensions"])})
    if rule.end_ratio > rule.ratio:
        message = f"end_ratio {rule.end_ratio} is above ratio {rule.ratio}: a burst would end as it is raised"
        raise ConfigError(message, path="trends.bursts.end_ratio")
    if rule.warm_up_days > rule.baseline_days:
        message = f"warm_up_days {rule.warm_up_days} > baseline_days {rule.baseline_days}: nothing could be raised"
        raise ConfigError(message, path="trends.bursts.warm_up_days")
    try:
        windows = WindowRule(
            size_s=members["window_s"],
            period_s=members["period_s"],
            grace_s=members["grace_s"],
            lateness_s=round(members["lateness_h"] * 3_600),
        )
    except ValueError as error:
        raise ConfigError(str(error), path="trends.period_s") from error
    return TrendSettings(members["input_topic"], members["group"], members["fresh_h"], windows, rule)


def config_of(job: str, config: Config) -> Config:
    """The configuration of a job by its name: `trends` reads another topic, in another group, and sends no alerts.

    One file serves all jobs so; others than `trends` get it as it is. A file that names its main job names this one
    too (`eu.trends`), so that two of them have a place on one cluster.
    """
    if job != JOB:
        return config
    name = JOB if config.job in (MAIN_JOB, JOB) else f"{config.job}.{JOB}"
    kafka = replace(config.kafka, input_topic=config.trends.input_topic, group=config.trends.group)
    return replace(config, job=name, kafka=kafka, destinations=())


PREFIX = "NEWSFLOW_"
_URLS_OF_FILES = ("sqlite", "parquet", "jsonl")
PATH_LISTS: tuple[tuple[str, str], ...] = (("sources", "paths"), ("topics", "paths"), ("routes", "paths"))


@dataclass(frozen=True, slots=True)
class Origin:
    """One settled value: its dotted name, the value, and where it comes from."""

    name: str
    value: Any
    origin: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """A checked configuration, and where each of its values came from."""

    config: Config
    origins: tuple[Origin, ...]


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
    origins: dict[Place, str] = {}
    for layer, origin in _layers(file, environ, flags or {}):
        layer.check(config_schema())
        _merge(merged, layer.value, origins, origin)
    return Loaded(_build(merged), tuple(_list_origins(merged, origins)))


def config_schema() -> dict[str, Any]:
    """The JSON Schema of the configuration file."""
    text = resources.files("newsflow.config").joinpath("config.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def _layers(file: Path | None, environ: Mapping[str, str], flags: Mapping[str, Any]) -> Iterator[tuple[YamlFile, str]]:
    defaults = resources.files("newsflow.config").joinpath("defaults.yaml").read_text(encoding="utf-8")
    yield parse_yaml(defaults, "defaults.yaml"), "default"
    if file is not None:
        document = read_yaml(file)
        if document.value is None:
            document.value = {}
        document.check(config_schema())
        _anchor_paths(document.value, file.parent)
        yield document, str(file)
    for name, text in sorted(environ.items()):
        if name.startswith(PREFIX) and "__" in name:
            place = tuple(step.lower() for step in name[len(PREFIX) :].split("__"))
            yield YamlFile(_nested(place, _read_value(name, text)), {}, name), name
    for dotted_name, value in flags.items():
        if value is not None:
            yield YamlFile(_nested(tuple(dotted_name.split(".")), value), {}, "command line"), "command line"


def _read_value(name: str, text: str) -> Any:
    """An environment value as YAML; text that is none (`host:1,host:2` is) stays text."""
    try:
        return parse_yaml(text, name).value if text[:1] in "[{" or text in ("true", "false") or _number(text) else text
    except ConfigError:
        return text


def _number(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal() and text.isascii()


def _nested(place: Place, value: Any) -> dict[str, Any]:
    for step in reversed(place):
        value = {step: value}
    assert isinstance(value, dict)
    return value


def _anchor_paths(value: dict[str, Any], folder: Path) -> None:
    for section, name in PATH_LISTS:
        paths = value.get(section, {}).get(name)
        if paths:
            value[section][name] = [str(folder / path) for path in paths]
    applied = value.get("topics", {}).get("applied")
    if applied:
        value["topics"]["applied"] = str(folder / applied)
    if "url" in value.get("ledger", {}):
        value["ledger"]["url"] = _anchored_url(value["ledger"]["url"], folder)
    for name, url in value.get("stores", {}).items():
        value["stores"][name] = _anchored_url(url, folder)


def _anchored_url(url: str, folder: Path) -> str:
    """A URL whose path is relative, from the file's folder on; an absolute path has four slashes."""
    scheme, mark, path = url.partition(":///")
    anchored = mark and scheme in _URLS_OF_FILES and path and not path.startswith("/")
    return f"{scheme}:///{folder / path}" if anchored else url


def _merge(
    into: dict[str, Any], layer: Mapping[str, Any], origins: dict[Place, str], origin: str, at: Place = ()
) -> None:
    for key, value in layer.items():
        place = (*at, key)
        if isinstance(value, Mapping) and value:
            _merge(into.setdefault(key, {}), value, origins, origin, place)
        else:
            into[key] = value
            origins[place] = origin


def _list_origins(merged: Mapping[str, Any], origins: Mapping[Place, str], at: Place = ()) -> Iterator[Origin]:
    for key in sorted(merged):
        place, value = (*at, key), merged[key]
        if isinstance(value, Mapping) and value:
            yield from _list_origins(value, origins, place)
        else:
            yield Origin(dotted(place), value, origins.get(place, "default"))


def _build(merged: Mapping[str, Any]) -> Config:
    kafka = merged["kafka"]
    security = Security(**kafka["security"])
    _check_security(security)
    return Config(
        job=merged["job"],
        kafka=Kafka(**{**kafka, "security": security}),
        ledger=LedgerSettings(**merged["ledger"]),
        sources=Sources(tuple(merged["sources"]["paths"]), merged["sources"]["closed"]),
        topic_paths=tuple(merged["topics"]["paths"]),
        topics_applied=merged["topics"]["applied"],
        route_paths=tuple(merged["routes"]["paths"]),
        destinations=tuple(
            (name, Destination(**value)) for name, value in sorted(merged["alerts"]["destinations"].items())
        ),
        limits=Limits(**merged["limits"]),
        stores=tuple(sorted(merged["stores"].items())),
        trends=build_trends(merged["trends"]),
    )


def _check_security(security: Security) -> None:
    at = "kafka.security"
    if security.protocol.startswith("SASL") and not (
        security.sasl_mechanism and security.username and security.password
    ):
        raise ConfigError(f"{security.protocol} needs sasl_mechanism, username and password", path=at)
    if not security.protocol.startswith("SASL") and security.sasl_mechanism:
        raise ConfigError(f"sasl_mechanism is set, but protocol {security.protocol} does not use SASL", path=at)
