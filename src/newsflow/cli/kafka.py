"""`newsflow kafka`: the declared topics and those a broker has."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsflow.cli.articles import paths_in_force
from newsflow.cli.options import (
    BootstrapOption,
    ConfigOption,
    Output,
    OutputOption,
    VerboseOption,
    set_up_logging,
    settings,
)
from newsflow.cli.output import data, emit, tell
from newsflow.errors import UsageError

if TYPE_CHECKING:
    from newsflow.config.settings import Config
    from newsflow.model.topics import TopicSpec

app = typer.Typer(no_args_is_help=True, help="Kafka topics: declared and on the broker.")

_CLUSTER = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class RenderFormat(StrEnum):
    """What the declared topics are rendered as."""

    STRIMZI = "strimzi"


@app.command()
def apply(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would change, and change nothing.")] = False,
    topics: Annotated[
        Path | None, typer.Option("--file", help="Declarations to apply; the shipped kafka-topics.yaml by default.")
    ] = None,
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
    topics: Annotated[
        Path | None, typer.Option("--file", help="Declarations to render; the shipped kafka-topics.yaml by default.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Print the declared topics as resources of Kubernetes, for clusters whose topics Strimzi looks after.

    For such a cluster use this instead of `apply`: Strimzi takes back what others change.
    """
    from newsflow.kafka.strimzi import render_topics

    if not _CLUSTER.fullmatch(cluster):
        raise UsageError(
            f"--cluster {cluster!r}: accepted are up to 63 of a-z, 0-9 and -, a letter or digit at both ends"
        )
    text = {RenderFormat.STRIMZI: render_topics}[form](declared(settings(config).config, topics), cluster, replicas)
    data(text.removesuffix("\n"))


@app.command()
def topics(
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
    states = topic_states(kafka)
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
    missing = sorted(set(described) - {state.name for state in states})
    if missing:
        tell(f"declared and not there: {', '.join(missing)}; `newsflow kafka apply` creates them")


def declared(config: Config, file: Path | None = None, rules: list[Path] | None = None) -> tuple[TopicSpec, ...]:
    """The declared topics, with a feed for each topic id of the tagging rules and routes in force, and of `rules`,
    which are to be applied; and for each subscription that asks for one."""
    from newsflow.model.topics import declared_topics
    from newsflow.routing import load_routes
    from newsflow.tagging import read_rules

    known = [*read_rules(paths_in_force(config)), *(read_rules(rules) if rules else ())]
    routes = load_routes([Path(path) for path in config.route_paths] or None)
    routed = {feed for route in routes.routes for feed in route.feeds}
    own = {each.id for each in routes.subscriptions if each.feed}
    return declared_topics({rule.id for rule in known} | routed, file, own)
