"""`newsflow sources health`: which sources are silent, or not as they use to be."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from newsflow.cli.options import (
    BootstrapOption,
    CheckOption,
    ConfigOption,
    LedgerOption,
    Output,
    OutputOption,
    SourceOption,
    settings,
)
from newsflow.cli.output import EXIT_FAILED, emit, isolate, tell

if TYPE_CHECKING:
    from newsflow.config.settings import Config
    from newsflow.health.judge import Finding
    from newsflow.ingest.health import Health
    from newsflow.ledger import Ledger


def health(
    source: SourceOption = None,
    well: Annotated[bool, typer.Option("--well", help="Also list the sources that are well.")] = False,
    check: CheckOption = False,
    publish: Annotated[
        bool, typer.Option("--publish", help="Also write what changed to news.source-health.v1, as a job does.")
    ] = False,
    config: ConfigOption = None,
    bootstrap_servers: BootstrapOption = None,
    ledger: LedgerOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """List the sources that are silent, publish less or more than they use to, or have changed what they send.

    They are judged by event time, at the end of the latest six hours that are over, by what the four weeks before were
    like. A source that has been there for less than two weeks is not judged. A job that follows its topic publishes
    what changed; one on Flink does not: let cron do it with --publish.
    """
    from newsflow.cli.ledger import open_existing
    from newsflow.ingest.health import look

    loaded = settings(config, bootstrap_servers, ledger).config
    with closing(open_existing(loaded)) as opened:
        found = _published(opened, loaded) if publish else look(opened)
    chosen = [each for each in found if source in (None, each.source)]
    ailing = [each for each in chosen if each.findings]
    for each in chosen if well else ailing:
        emit(output, each.value, "\n".join(_lines(each)))
    tell(f"{len(ailing)} of {len(chosen)} sources are not as usual")
    if check and ailing:
        raise typer.Exit(EXIT_FAILED)


def _published(ledger: Ledger, config: Config) -> list[Health]:
    from newsflow.ingest.health import publish_health
    from newsflow.kafka.producer import BatchWriter
    from newsflow.kafka.settings import KafkaSettings

    with closing(BatchWriter(KafkaSettings.of(config.kafka))) as writer:
        return publish_health(ledger, config.job, writer.write)


def _lines(each: Health) -> list[str]:
    name = isolate(each.source)
    return [f"{name}\t{_said(finding)}" for finding in each.findings] or [f"{name}\twell"]


def _said(finding: Finding) -> str:
    from newsflow.ingest.health import instant

    since = f"since {instant(finding.since):%Y-%m-%dT%H:%MZ}"
    return f"{finding.kind}\t{since}\t{finding.now:g}, usual is {finding.usual:g}\tof {finding.events}"
