"""`newsflow run`: run a job on Kafka or on files, here or on a Beam runner. `newsflow deliver` runs one of them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsflow.cli.options import (
    DETACH,
    PARALLELISM,
    BootstrapOption,
    ConfigOption,
    FlinkMasterOption,
    FollowOption,
    LedgerOption,
    Output,
    OutputOption,
    QuietOption,
    SinksOption,
    VerboseOption,
    for_job,
    set_up_logging,
    settings,
)
from newsflow.cli.output import tell
from newsflow.errors import UsageError
from newsflow.secrets import secrets_of
from newsflow.shown import keep_secret

if TYPE_CHECKING:
    from newsflow.config.load import Loaded

INPUT = "Raw events instead of Kafka, one a line (.jsonl, .jsonl.gz); - for standard input."


class Runner(StrEnum):
    """Where a job runs."""

    LOCAL = "local"
    PRISM = "prism"
    FLINK = "flink"


UntilCaughtUpOption = Annotated[
    bool, typer.Option("--until-caught-up", help="Read to the end offsets seen at the start, then exit.")
]
_BEAM_RUNNERS = {Runner.PRISM: "PrismRunner", Runner.FLINK: "FlinkRunner"}


def run(
    context: typer.Context,
    job: Annotated[
        str, typer.Argument(help="A shipped job (ingest, deliver, trends), or a .py file with build(pipeline, job).")
    ],
    until_caught_up: UntilCaughtUpOption = False,
    follow: FollowOption = False,
    input_file: Annotated[Path | None, typer.Option("--input", metavar="FILE", help=INPUT)] = None,
    output_dir: Annotated[
        Path | None, typer.Option("--output", help="Write to files in this folder instead of Kafka; with --input.")
    ] = None,
    partitions: Annotated[
        str | None, typer.Option(help="Only these partitions, as in 0,2,5: to split a topic between processes.")
    ] = None,
    sinks: SinksOption = None,
    runner: Annotated[
        Runner, typer.Option(help="Where to run: here, on Beam's Prism, or on a Flink cluster.")
    ] = Runner.LOCAL,
    flink_master: FlinkMasterOption = None,
    parallelism: Annotated[int | None, typer.Option(min=1, help=PARALLELISM)] = None,
    restore: Annotated[
        str | None, typer.Option(metavar="PATH", help="On Flink: begin where this savepoint or checkpoint ended.")
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", help=DETACH)] = False,
    ledger: LedgerOption = None,
    heartbeat: Annotated[
        Path | None, typer.Option(help="Touch this file as the local loop turns: its age is for a probe.")
    ] = None,
    config: ConfigOption = None,
    bootstrap_servers: BootstrapOption = None,
    output: OutputOption = Output.TEXT,
    verbose: VerboseOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Run a job. Options of Beam follow after --, as in: run ingest --runner prism -- --prism_location=prism."""
    set_up_logging(verbose, quiet)
    keep_secret(*secrets_of(" ".join(context.args)))
    beam_args = _with_runner(list(context.args), runner)
    named, on_flink = _names_runner(beam_args), _is_flink(beam_args)
    if not on_flink and (flink_master or parallelism or restore or detach):
        raise UsageError("--flink-master, --parallelism, --restore and --detach go with --runner flink")
    files = _files(input_file, output_dir)
    _check_end(files is not None, named, until_caught_up, follow)
    if heartbeat is not None and (files is not None or named):
        raise UsageError("--heartbeat is of the local runner on Kafka: no other run has a loop that could hang")
    if files is not None and ledger is None:
        ledger = _own_ledger(files[1], settings(config))
    loaded = for_job(job, settings(config, bootstrap_servers, ledger)).config
    from newsflow.cli import launch
    from newsflow.ingest.deliver import chosen_sinks
    from newsflow.runners.job import load_job

    definition = load_job(job)
    if on_flink:
        if partitions is not None:
            raise UsageError("--partitions is for jobs that run here; on Flink say --parallelism")
        from newsflow.cli.jobs import start

        start(job, loaded, flink_master, parallelism, restore, beam_args, sinks=sinks, detach=detach, output=output)
        return
    chosen = None if partitions is None else _partitions(partitions)
    if definition.per_sink and files is not None:
        raise UsageError("a job that delivers reads what was published on Kafka: leave out --input and --output")
    if sinks is not None and not definition.per_sink:
        raise UsageError(f"--sinks is for jobs that deliver; {job} writes to topics")
    to = chosen_sinks(loaded, sinks) if definition.per_sink else ()
    if files is not None:
        done = launch.on_files(definition, loaded, *files, quiet=quiet, beam_args=beam_args)
    elif named:
        done = launch.on_runner(definition, loaded, to, beam_args)
    else:
        done = launch.locally(
            *(definition, loaded, to, chosen), follow=follow, quiet=quiet, beam_args=beam_args, heartbeat=heartbeat
        )
    launch.report(done, output)


def _own_ledger(folder: Path, loaded: Loaded) -> str:
    """The ledger of a run on files, which is a trial: what it decides is not to be known to the jobs on Kafka."""
    from newsflow.ingest.files import LEDGER

    own = folder / LEDGER
    configured = next(each for each in loaded.origins if each.name == "ledger.url")
    if configured.origin != "default":
        said = f"a run on files has its own ledger ({own}); that of {configured.origin} is left alone"
        tell(f"{said}: --ledger URL uses another")
    return f"sqlite:///{own.absolute()}"


def _files(input_file: Path | None, output_dir: Path | None) -> tuple[Path, Path] | None:
    if (input_file is None) != (output_dir is None):
        raise UsageError("--input and --output go together: raw events from a file, results into a folder")
    return None if input_file is None or output_dir is None else (input_file, output_dir)


def _check_end(on_files: bool, named_runner: bool, until_caught_up: bool, follow: bool) -> None:
    if on_files:
        if until_caught_up or follow or named_runner:
            raise UsageError("a run on files ends by itself: leave out --until-caught-up, --follow and --runner")
    elif named_runner:
        if until_caught_up:
            raise UsageError("--until-caught-up is for the local runner; a Beam runner reads endlessly (--follow)")
    elif until_caught_up and follow:
        raise UsageError("--until-caught-up ends the job and --follow does not: accepted is one of them")
    elif not (until_caught_up or follow):
        raise UsageError("say when to stop: --until-caught-up or --follow (or --input FILE --output DIR)")


def _with_runner(beam_args: list[str], runner: Runner) -> list[str]:
    if runner is Runner.LOCAL:
        return beam_args
    if _names_runner(beam_args):
        raise UsageError("the runner is named twice: by --runner and after --")
    return [f"--runner={_BEAM_RUNNERS[runner]}", *beam_args]


def _is_flink(beam_args: list[str]) -> bool:
    return any(argument.lower() in ("--runner=flinkrunner", "--runner=flink") for argument in beam_args)


def _names_runner(beam_args: list[str]) -> bool:
    return any(argument.startswith("--runner") for argument in beam_args)


def _partitions(text: str) -> list[int]:
    try:
        return sorted({int(part) for part in text.split(",")})
    except ValueError:
        raise UsageError(f"--partitions {text!r}: accepted are numbers with commas between, as in 0,2,5") from None


def deliver(
    context: typer.Context,
    until_caught_up: UntilCaughtUpOption = False,
    follow: FollowOption = False,
    sinks: SinksOption = None,
    config: ConfigOption = None,
    bootstrap_servers: BootstrapOption = None,
    ledger: LedgerOption = None,
    output: OutputOption = Output.TEXT,
    verbose: VerboseOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Deliver published articles to stores and the alert planner: `newsflow run deliver` by its shorter name."""
    run(
        *(context, "deliver", until_caught_up, follow),
        sinks=sinks,
        config=config,
        bootstrap_servers=bootstrap_servers,
        ledger=ledger,
        output=output,
        verbose=verbose,
        quiet=quiet,
    )
