"""`newsflow kafka`: the declared topics and those a broker has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml

from newsflow.cli.articles import rules_in_force
from newsflow.cli.options import (
    BootstrapOption,
    ConfigOption,
    DryRunOption,
    Output,
    OutputOption,
    VerboseOption,
    set_up_logging,
    settings,
)
from newsflow.cli.output import data, data_json, emit, tell
from newsflow.errors import UsageError
from newsflow.model.topics import TopicSpec

# The declared topics as resources of Strimzi, whose Topic Operator makes a cluster's topics agree with them.


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


if TYPE_CHECKING:
    from newsflow.config.settings import Config
    from newsflow.model.topics import TopicSpec

app = typer.Typer(no_args_is_help=True, help="Kafka topics: declared and on the broker.")

DECLARATIONS = "Declarations of topics; the shipped kafka-topics.yaml by default."
_CLUSTER = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class RenderFormat(StrEnum):
    """What the declared topics are rendered as."""

    STRIMZI = "strimzi"


@app.command()
def apply(
    dry_run: DryRunOption = False,
    topics: Annotated[Path | None, typer.Option("--file", help=DECLARATIONS)] = None,
    rules: Annotated[
        list[Path] | None,
        typer.Option("--rules", help="Rule files or folders about to be applied: make their feeds too."),
    ] = None,
    config: ConfigOption = None,
    bootstrap_servers: BootstrapOption = None,
    output: OutputOption = Output.TEXT,
    verbose: VerboseOption = 0,
) -> None:
    """Create the declared topics, a feed for each tagging rule and each subscription that asks for one among them, and
    alter those that differ.

    Nothing is deleted and partitions never become fewer.
    """
    set_up_logging(verbose)
    from newsflow.kafka.admin import TopicAction, apply_topics, diff_topics
    from newsflow.kafka.settings import KafkaSettings

    loaded = settings(config, bootstrap_servers)
    specs = declared(loaded.config, topics, rules)
    changes = (diff_topics if dry_run else apply_topics)(KafkaSettings.of(loaded.config.kafka), specs)
    for change in changes:
        members = {name: getattr(change, name) for name in ("topic", "name", "before", "after")}
        emit(output, {"step": change.action} | members, str(change))
    done = sum(change.action is not TopicAction.KEPT for change in changes)
    tell(f"{len(specs)} topics declared, {done} changes {'to be made' if dry_run else 'made'}")


@app.command()
def render(
    cluster: Annotated[str, typer.Option(help="Name of the Kafka resource that the topics belong to.")],
    form: Annotated[RenderFormat, typer.Option("--format", help="strimzi: KafkaTopic resources.")] = (
        RenderFormat.STRIMZI
    ),
    replicas: Annotated[
        int | None, typer.Option(min=1, max=32_767, help="Copies of each partition; the broker's default without.")
    ] = None,
    topics: Annotated[Path | None, typer.Option("--file", help=DECLARATIONS)] = None,
    config: ConfigOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Print the declared topics as resources of Kubernetes, for clusters whose topics Strimzi looks after.

    For such a cluster use this instead of `apply`: Strimzi takes back what others change.
    """
    if not _CLUSTER.fullmatch(cluster):
        raise UsageError(
            f"--cluster {cluster!r}: accepted are up to 63 of a-z, 0-9 and -, a letter or digit at both ends"
        )
    specs = declared(settings(config).config, topics)
    if output is Output.JSON:
        for resource in _resources(specs, cluster, replicas):
            data_json(resource)
    else:
        data({RenderFormat.STRIMZI: render_topics}[form](specs, cluster, replicas).removesuffix("\n"))


@app.command()
def topics(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Only these; * stands for anything: 'news.topic.*'.")
    ] = None,
    config: ConfigOption = None,
    bootstrap_servers: BootstrapOption = None,
    output: OutputOption = Output.TEXT,
    verbose: VerboseOption = 0,
) -> None:
    """List the topics of the broker: partitions, records, clean-up, and what is declared of them."""
    set_up_logging(verbose)
    from newsflow.kafka.admin import record_counts, topic_states
    from newsflow.kafka.settings import KafkaSettings

    loaded = settings(config, bootstrap_servers)
    kafka = KafkaSettings.of(loaded.config.kafka)
    described = {spec.name: spec.description for spec in declared(loaded.config)}
    states = [state for state in topic_states(kafka) if _wanted(state.name, names)]
    counts = record_counts(kafka, [state.name for state in states])
    rows: list[dict[str, Any]] = [
        {
            "topic": state.name,
            "partitions": state.partitions,
            "records": counts[state.name],
            "cleanup": state.config.get("cleanup.policy", ""),
            "description": described.get(state.name, "(not declared)"),
        }
        for state in states
    ]
    width = max((len(row["topic"]) for row in rows), default=0)
    for row in rows:
        size = f"{row['partitions']:>3} partitions  {row['records']:>9,} records"
        emit(output, row, f"{row['topic']:<{width}}  {size}  {row['cleanup']:<14}  {row['description']}")
    if names and not rows:
        tell(f"the broker has no topic {' or '.join(names)}")
    missing = sorted(name for name in set(described) - {state.name for state in states} if _wanted(name, names))
    if missing:
        tell(f"declared and not there: {', '.join(missing)}; `newsflow kafka apply` creates them")


def _wanted(topic: str, names: list[str] | None) -> bool:
    from fnmatch import fnmatchcase

    return not names or any(fnmatchcase(topic, name) for name in names)


def declared(config: Config, file: Path | None = None, rules: list[Path] | None = None) -> tuple[TopicSpec, ...]:
    """The declared topics, with a feed for each topic id of the tagging rules and routes in force, and of `rules`,
    which are to be applied; and for each subscription that asks for one."""
    from newsflow.model.topics import declared_topics
    from newsflow.routing import load_routes
    from newsflow.tagging import read_rules

    known = [*rules_in_force(config).rules(), *(read_rules(rules) if rules else ())]
    routes = load_routes([Path(path) for path in config.route_paths] or None)
    routed = {feed for route in routes.routes for feed in route.feeds}
    own = {each.id for each in routes.subscriptions if each.feed}
    return declared_topics({rule.id for rule in known} | routed, file, own)
