"""`newsflow tail`: what a topic holds, readable."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from newsflow.cli.common import (
    BootstrapOption,
    ConfigOption,
    Output,
    OutputOption,
    VerboseOption,
    data,
    data_json,
    set_up_logging,
    settings,
    words,
)

if TYPE_CHECKING:
    from newsflow.model import Event


def tail(
    topic: Annotated[str, typer.Argument(help="A Kafka topic, as news.article.v1 or news.article.raw.v1.dlq.")],
    count: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last records to show.")] = 10,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Show what comes, until interrupted.")] = False,
    config: ConfigOption = None,
    bootstrap_servers: BootstrapOption = None,
    output: OutputOption = Output.TEXT,
    verbose: VerboseOption = 0,
) -> None:
    """Show the last records of a topic, one a line; dead letters with their reason."""
    set_up_logging(verbose)
    from newsflow.kafka.latest import TopicTail
    from newsflow.kafka.settings import KafkaSettings

    loaded = settings(config, bootstrap_servers)
    try:
        with TopicTail(KafkaSettings.of(loaded.config.kafka), topic) as records:
            for event in records.last(count):
                _show(event, output)
            sys.stdout.flush()
            if follow:
                for event in records.arriving():
                    _show(event, output)
                    sys.stdout.flush()
    except KeyboardInterrupt:
        words.print("stopped")


def _show(event: Event, output: Output) -> None:
    from newsflow.cli.records import as_line, as_object

    if output is Output.JSON:
        data_json(as_object(event))
    else:
        data(as_line(event))
