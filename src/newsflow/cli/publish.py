"""`newsflow publish`: raw events from a file to Kafka, each line as it is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsflow.cli.common import (
    EXIT_FAILED,
    BootstrapOption,
    ConfigOption,
    Output,
    OutputOption,
    QuietOption,
    VerboseOption,
    data,
    data_json,
    set_up_logging,
    settings,
    words,
)

if TYPE_CHECKING:
    from newsflow.cli.publishing import Published


def publish(
    file: Annotated[Path, typer.Argument(help="Raw events, one JSON object a line: FILE.jsonl or FILE.jsonl.gz.")],
    topic: Annotated[str | None, typer.Option(help="Kafka topic; the configured input topic by default.")] = None,
    config: ConfigOption = None,
    bootstrap_servers: BootstrapOption = None,
    output: OutputOption = Output.TEXT,
    verbose: VerboseOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Publish raw events, keyed by source and address. A line that is no raw event is published too, untouched."""
    set_up_logging(verbose, quiet)
    from newsflow.cli.publishing import publish_file
    from newsflow.kafka.settings import KafkaSettings

    kafka = settings(config, bootstrap_servers).config.kafka
    with _progress(quiet) as show:
        done = publish_file(KafkaSettings.of(kafka), file, topic or kafka.input_topic, show)
    _report(done, output)


def _report(done: Published, output: Output) -> None:
    if output is Output.JSON:
        data_json({"topic": done.topic, "published": done.count, "keyless": done.keyless, "too_large": done.too_large})
    else:
        data(f"{done.count} events published to {done.topic}")
    if done.keyless:
        words.print(f"{done.keyless} of them without source and address, so without a key", markup=False)
    if done.too_large:
        shown = ", ".join(f"{number} ({size:,} bytes)" for number, size in done.too_large[:10])
        words.print(f"not published, larger than {done.topic} takes ({done.limit:,} bytes): line {shown}", markup=False)
        sys.exit(EXIT_FAILED)


def _progress(quiet: bool) -> Any:
    return _Progress(words.is_terminal and not quiet)


class _Progress:
    """A running count on a terminal, nothing elsewhere."""

    def __init__(self, live: bool) -> None:
        self._status = words.status("publishing …") if live else None

    def __enter__(self) -> _Progress:
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status is not None:
            self._status.stop()

    def __call__(self, count: int) -> None:
        if self._status is not None:
            self._status.update(f"publishing … {count:,} events")
