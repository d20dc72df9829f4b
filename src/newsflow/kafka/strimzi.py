"""The declared topics as resources of Strimzi, whose Topic Operator makes a cluster's topics agree with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml

from newsflow.model.topics import TopicSpec

API_VERSION = "kafka.strimzi.io/v1"
"""Served since Strimzi 0.49, where it stands beside v1beta2."""
CLUSTER_LABEL = "strimzi.io/cluster"
"""Names the cluster that a topic belongs to; a resource without it belongs to none, and nothing happens."""

_NOTE = """\
# Written by `newsflow kafka render --format strimzi --cluster {cluster}` from schemas/kafka-topics.yaml and the topic
# rules; change those, then run it again. A topic that is deleted here is deleted on the broker, with what it holds.
"""


def topic_resource(spec: TopicSpec, cluster: str, replicas: int | None = None) -> dict[str, Any]:
    """Return the `KafkaTopic` for one declared topic. Without `replicas` the broker's default holds, as in `apply`.

    A declared name is a resource's name too: lower case, in letters, digits, dots and hyphens, under 253 characters.
    """
    wanted: dict[str, Any] = {"partitions": spec.partitions}
    if replicas is not None:
        wanted["replicas"] = replicas
    return {
        "apiVersion": API_VERSION,
        "kind": "KafkaTopic",
        "metadata": {"name": spec.name, "labels": {CLUSTER_LABEL: cluster}},
        "spec": wanted | {"config": {name: _value(spec.config[name]) for name in sorted(spec.config)}},
    }


def render_topics(specs: Iterable[TopicSpec], cluster: str, replicas: int | None = None) -> str:
    """Return all topics as one file of YAML documents, the same for the same declarations."""
    documents = yaml.safe_dump_all(_resources(specs, cluster, replicas), sort_keys=False, explicit_start=True)
    return _NOTE.format(cluster=cluster) + documents


def _resources(specs: Iterable[TopicSpec], cluster: str, replicas: int | None) -> Iterator[Mapping[str, Any]]:
    return (topic_resource(spec, cluster, replicas) for spec in specs)


def _value(text: str) -> int | str:
    """Whole numbers as numbers, as one writes them by hand; the operator hands the broker their text."""
    number = text.removeprefix("-")
    return int(text) if number.isdecimal() and number.isascii() and text == str(int(text)) else text
