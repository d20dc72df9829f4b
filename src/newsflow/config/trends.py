"""The settings of the job trends: read from the checked configuration, and laid over what all jobs share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from newsflow.config.settings import Config
from newsflow.errors import ConfigError
from newsflow.trends.bursts import BurstRule
from newsflow.trends.settings import TrendSettings
from newsflow.trends.windows import WindowRule

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
