"""`newsflow topics apply`, `history`, `rollback`: rules given to running jobs, and taken back.

Nothing is applied before it is said what comes, what goes, and which feeds a job would miss.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsflow.cli.articles import rules_in_force
from newsflow.cli.options import (
    BootstrapOption,
    ConfigOption,
    DryRunOption,
    ForceOption,
    Output,
    OutputOption,
    ReplaceOption,
    settings,
    who,
)
from newsflow.cli.output import EXIT_FAILED, emit, few, tell
from newsflow.resources import SHIPPED

if TYPE_CHECKING:
    from newsflow.config.settings import Config
    from newsflow.tagging.applied import Entry, Plan
    from newsflow.tagging.rule import Rule

PATIENCE_S = 3.0

FolderOption = Annotated[
    Path | None, typer.Option("--folder", help="Where running jobs look; else the configured `topics.applied`.")
]
FeedsOption = Annotated[bool, typer.Option("--create-feeds", help="Make the feeds that the broker lacks.")]


def apply(
    paths: Annotated[list[Path], typer.Argument(help="Rule files or folders, or 'shipped': added to those in force.")],
    replace: ReplaceOption = False,
    create_feeds: FeedsOption = False,
    force: ForceOption = False,
    dry_run: DryRunOption = False,
    folder: FolderOption = None,
    config: ConfigOption = None,
    bootstrap_servers: BootstrapOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Add rules to those in force; running jobs take them up between two batches.

    A rule of the same id is replaced, none is removed. `shipped` stands for the rules of the installed release, and
    goes on doing so after an upgrade; of all other files a copy is kept. `newsflow topics rollback` undoes it.
    Where examples fail or the broker lacks feeds, nothing is applied without --force.
    """
    from newsflow.tagging.applied import plan_apply

    loaded = settings(config, bootstrap_servers).config
    plan = plan_apply(rules_in_force(loaded, folder), paths, replace=replace)
    target = folder or Path(loaded.topics_applied)
    _apply(plan, loaded, target, create_feeds, force, dry_run, output)
    if config is None and not dry_run and not target.is_absolute() and not os.environ.get("NEWSFLOW_CONFIG"):
        tell(f"without a configuration file (--config), only jobs started in {Path.cwd()} look there")


def rollback(
    version: Annotated[
        str | None,
        typer.Argument(help="A version of the history, or 'configured'; else what was in force before."),
    ] = None,
    create_feeds: FeedsOption = False,
    force: ForceOption = False,
    dry_run: DryRunOption = False,
    folder: FolderOption = None,
    config: ConfigOption = None,
    bootstrap_servers: BootstrapOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Put rules back in force that were so before. A second time without VERSION undoes the first."""
    from newsflow.tagging.applied import plan_rollback, state_to_restore, version_of

    loaded = settings(config, bootstrap_servers).config
    target = folder or Path(loaded.topics_applied)
    state = state_to_restore(target, version)
    plan = plan_rollback(rules_in_force(loaded, folder), state)
    now = version_of(plan.rules)
    if state.version not in ("", now):
        reason = "the shipped rules among them are those of this release" if state.follows_release else "files changed"
        tell(f"what was version {state.version} is {now} now: {reason}")
    _apply(plan, loaded, target, create_feeds, force, dry_run, output)


def history(folder: FolderOption = None, config: ConfigOption = None, output: OutputOption = Output.TEXT) -> None:
    """List what was applied, the last first: when, by whom, and what it changed."""
    from newsflow.tagging.applied import history as entries

    target = folder or Path(settings(config).config.topics_applied)
    listed = list(entries(target))
    for number, entry in enumerate(listed):
        members = {name: getattr(entry, name) for name in entry.__slots__ if name not in ("before", "paths")}
        emit(output, members | {"in_force": number == 0}, _entry_text(entry, number == 0))
    if not listed:
        tell(f"nothing was applied under {target}: jobs run {rules_in_force(settings(config).config, folder)}")
    elif listed[-1].number and listed[-1].before is not None:
        tell("what was applied before is no longer on record")


def _entry_text(entry: Entry, current: bool) -> str:
    """One entry as a line, and its changes below."""
    who = f"{entry.by}, newsflow {entry.release}" if entry.by else f"by newsflow {entry.release}, which kept no record"
    what = f"{entry.action} {' '.join(entry.given)}".rstrip()
    lines = [f"{'*' if current else ' '} {entry.version}  {entry.at}  {who}: {what}"]
    changes = {"added": entry.added, "replaced": entry.replaced, "removed": entry.removed}
    return "\n".join([*lines, *(f"    {name}: {', '.join(ids)}" for name, ids in changes.items() if ids)])


def _apply(
    plan: Plan, config: Config, folder: Path, create_feeds: bool, force: bool, dry_run: bool, output: Output
) -> None:
    from newsflow.tagging.applied import version_of

    version, ids = version_of(plan.rules), {rule.id for rule in plan.rules}
    _tell_changes(plan)
    published = _published(config, ids)
    if silent := [topic for topic in plan.added if topic not in published]:
        tell(f"no route publishes what is about these new topics, so nobody gets their feeds: {', '.join(silent)}")
    failed, missing = _failing_examples(plan.to_try), _missing_feeds(config, _feeds(published), create_feeds)
    if failed:
        tell(f"{failed} examples fail (newsflow topics test)")
    if missing:
        told = "" if create_feeds else "; a job with an article for one stops. --create-feeds makes them"
        tell(f"feeds that the broker lacks: {few(sorted(missing), 20)}{told}")
    if (failed or (missing and not create_feeds)) and not force:
        tell("nothing was applied; --force applies anyway")
        raise typer.Exit(EXIT_FAILED)
    members = {"version": version, "rules": len(ids), "missing_feeds": sorted(missing), "dry_run": dry_run}
    emit(output, members | {name: list(getattr(plan, name)) for name in ("added", "replaced", "removed")}, version)
    if dry_run:
        tell(f"{len(ids)} rules, version {version}, would be in force; this was a dry run")
        return
    if create_feeds and missing:
        _create_feeds(config, published, missing)
    _carry_out(plan, folder)
    tell(f"{len(ids)} rules, version {version}, applied under {folder}; `newsflow topics rollback` undoes it")


def _carry_out(plan: Plan, folder: Path) -> None:
    from datetime import UTC, datetime

    from newsflow import __version__
    from newsflow.tagging.applied import carry_out

    carry_out(plan, folder, at=datetime.now(UTC), by=who(), release=__version__)


def _tell_changes(plan: Plan) -> None:
    if not plan.before.pointer.paths:
        tell(f"no rules are applied: jobs run {plan.before}")
        if plan.action == "apply" and any(str(path) != SHIPPED for path in plan.before.configured):
            tell("they are copied: later changes of those files count once they are applied too")
    elif not plan.before.pointer.entry and plan.action == "apply":
        tell(
            "release 0.1 applied what is in force, with a copy of any shipped rules; "
            "`newsflow topics apply shipped` lets those of this release take its place"
        )
    if plan.unreadable:
        tell(f"the rules in force do not load, so it cannot be said what changes: {plan.unreadable}")
        return
    shipped = tuple(topic for topic in plan.replaced if topic in plan.shipped)
    own = tuple(topic for topic in plan.replaced if topic not in plan.shipped)
    changes = {"added": plan.added, "replaced": own, "replaced (shipped)": shipped, "removed": plan.removed}
    for name, ids in changes.items():
        if ids:
            tell(f"{name}: {', '.join(ids)}")
    if not any(changes.values()):
        tell("no rule changes")


def _published(config: Config, ids: set[str]) -> frozenset[str]:
    from newsflow.routing import load_routes

    return load_routes([Path(path) for path in config.route_paths]).published(ids)


def _failing_examples(rules: Iterable[Rule]) -> int:
    from newsflow.tagging import RuleSet
    from newsflow.tagging.lint import run_examples

    return sum(not result.passed for result in run_examples(RuleSet(rules)))


def _feeds(topics: Iterable[str]) -> set[str]:
    """The Kafka topics of the feeds of these topics. Raises ConfigError for an id that cannot be part of a name."""
    from newsflow.errors import ConfigError
    from newsflow.model.names import topic_feed

    try:
        return set(map(topic_feed, topics))
    except ValueError as error:
        raise ConfigError(f"a route publishes its articles, and it can have no feed: {error}") from error


def _missing_feeds(config: Config, feeds: set[str], needed: bool) -> set[str]:
    """Those that the broker lacks. A broker that does not answer is an error only where that is `needed`."""
    from dataclasses import replace

    from newsflow.errors import KafkaError
    from newsflow.kafka.admin import topic_names
    from newsflow.kafka.settings import KafkaSettings

    try:
        return feeds - topic_names(replace(KafkaSettings.of(config.kafka), connect_timeout_s=PATIENCE_S))
    except KafkaError as error:
        if needed:
            raise
        tell(f"whether the broker has the feeds of these rules could not be looked at: {error}")
        return set()


def _create_feeds(config: Config, topics: Iterable[str], feeds: set[str]) -> None:
    from newsflow.kafka.admin import apply_topics
    from newsflow.kafka.settings import KafkaSettings
    from newsflow.model.topics import declared_topics

    specs = [spec for spec in declared_topics(topics) if spec.name in feeds]
    for change in apply_topics(KafkaSettings.of(config.kafka), specs):
        tell(str(change))
