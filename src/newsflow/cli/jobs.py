"""`newsflow jobs`: what runs on a Flink cluster; stop it with a savepoint, restore it, cancel it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsflow.cli.options import (
    DETACH,
    DIRECTORY,
    PARALLELISM,
    BootstrapOption,
    ConfigOption,
    FlinkMasterOption,
    LedgerOption,
    Output,
    OutputOption,
    SinksOption,
    VerboseOption,
    for_job,
    set_up_logging,
    settings,
)
from newsflow.cli.output import data, data_json, tell
from newsflow.errors import FlinkError, UsageError

if TYPE_CHECKING:
    from newsflow.config.settings import Config
    from newsflow.runners.flink_rest import FlinkCluster, FlinkJob

app = typer.Typer(no_args_is_help=True, help="Jobs on a Flink cluster: list, stop, cancel, restore.")

MASTER_VARIABLE = "NEWSFLOW_FLINK_MASTER"
WhichArgument = Annotated[str, typer.Argument(metavar="JOB", help="Id of the job, the start of one, or its name.")]


@app.command("list")
def list_(
    flink_master: FlinkMasterOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Also jobs that have ended.")] = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """List the cluster's jobs, with their last checkpoint and why they were last begun again."""
    cluster = cluster_of(flink_master)
    jobs = [job for job in cluster.jobs() if everything or not job.ended]
    for job in jobs:
        _show(cluster, job, output)
    if not jobs:
        tell(f"no job {'at' if everything else 'runs at'} {cluster.master}")


@app.command()
def stop(
    which: WhichArgument,
    savepoint: Annotated[
        bool, typer.Option("--savepoint", help="Keep where it is, to go on from there: the one way to stop.")
    ] = False,
    directory: Annotated[str | None, typer.Option("--directory", "-d", help=DIRECTORY)] = None,
    flink_master: FlinkMasterOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Stop a job with a savepoint; prints the savepoint's path when it is whole. If it fails, the job runs on.

    The folder of the savepoint may be a URL; without one it is the cluster's state.savepoints.dir.
    """
    if not savepoint:
        raise UsageError("say --savepoint: a job is stopped with one, or given up with `newsflow jobs cancel`")
    cluster = cluster_of(flink_master)
    job = cluster.job(which)
    if job.ended:
        raise FlinkError(f"job {job.name} ({job.id}) has ended already: {job.state}")
    path = cluster.stop(job.id, directory)
    _say(output, {"job": job.id, "name": job.name, "savepoint": path}, path)
    tell(f"stopped {job.name}; `newsflow jobs restore {path}` goes on from there")


@app.command()
def cancel(which: WhichArgument, flink_master: FlinkMasterOption = None, output: OutputOption = Output.TEXT) -> None:
    """Give a job up where it is. Nothing is lost: its last checkpoint is kept, and so are the group's offsets."""
    cluster = cluster_of(flink_master)
    job = cluster.job(which)
    if job.ended:
        raise FlinkError(f"job {job.name} ({job.id}) has ended already: {job.state}")
    cluster.cancel(job.id)
    checkpoint = cluster.last_checkpoint(job.id)
    path = checkpoint.path if checkpoint else ""
    _say(output, {"job": job.id, "name": job.name, "checkpoint": path or None}, path)
    how = f"`newsflow jobs restore {path}`" if path else "`newsflow run` (from the group's offsets)"
    tell(f"cancelled {job.name}; {how} goes on")


@app.command(context_settings={"allow_extra_args": True})
def restore(
    context: typer.Context,
    path: Annotated[str, typer.Argument(help="Savepoint or kept checkpoint, as stop or cancel printed it.")],
    job: Annotated[str, typer.Option(help="The job to restore: a shipped one, or a .py file.")] = "ingest",
    sinks: SinksOption = None,
    parallelism: Annotated[int | None, typer.Option(min=1, help=PARALLELISM)] = None,
    detach: Annotated[bool, typer.Option("--detach", help=DETACH)] = False,
    ledger: LedgerOption = None,
    flink_master: FlinkMasterOption = None,
    config: ConfigOption = None,
    bootstrap_servers: BootstrapOption = None,
    output: OutputOption = Output.TEXT,
    verbose: VerboseOption = 0,
) -> None:
    """Start a job where a savepoint or checkpoint ended. Options of Beam follow after --, as for run."""
    set_up_logging(verbose)
    loaded = for_job(job, settings(config, bootstrap_servers, ledger))
    beam_args = list(context.args)
    start(job, loaded.config, flink_master, parallelism, path, beam_args, sinks=sinks, detach=detach, output=output)


def start(
    name: str,
    config: Config,
    flink_master: str | None,
    parallelism: int | None,
    restore_from: str | None,
    beam_args: list[str],
    *,
    sinks: str | None,
    detach: bool,
    output: Output,
) -> None:
    """Submit a job, say its id, and unless detached watch it until it ends."""
    from newsflow.cli.launch import on_flink
    from newsflow.runners.job import load_job

    given = {"parallelism": parallelism, "savepoint_path": restore_from}
    beam_args = [*beam_args, *(f"--{option}={value}" for option, value in given.items() if value is not None)]
    definition, cluster = load_job(name), cluster_of(flink_master)
    on_flink(name, definition, config, cluster, beam_args, sinks=sinks, detach=detach, output=output)


def cluster_of(flink_master: str | None) -> FlinkCluster:
    """The cluster named by the option or by NEWSFLOW_FLINK_MASTER."""
    from newsflow.runners.flink_rest import FlinkCluster

    master = flink_master or os.environ.get(MASTER_VARIABLE)
    if not master:
        raise UsageError(f"which cluster? Say --flink-master HOST:PORT, or set {MASTER_VARIABLE}")
    return FlinkCluster(master)


def _show(cluster: FlinkCluster, job: FlinkJob, output: Output) -> None:
    checkpoint, failure = cluster.last_checkpoint(job.id), cluster.failure(job.id)
    if output is Output.JSON:
        why = failure and {"at": failure.at.isoformat(), "cause": failure.cause}
        kept = checkpoint and {"number": checkpoint.number, "path": checkpoint.path, "bytes": checkpoint.size_bytes}
        data_json(
            {"job": job.id, "name": job.name, "state": job.state, "started": job.started.isoformat()}
            | {
                "duration_s": job.duration_s,
                "tasks": job.tasks,
                "running": job.tasks_running,
                "checkpoint": kept,
                "failure": why,
            }
        )
        return
    last = "no checkpoint" if checkpoint is None else f"checkpoint {checkpoint.number}, {checkpoint.size_bytes:,} bytes"
    data(f"{job.id}  {job.state:<10} {job.name}  {job.tasks_running}/{job.tasks} tasks  {last}")
    if failure is not None:
        data(f"    {failure.at:%Y-%m-%d %H:%M:%S} UTC: {failure.cause}")


def _say(output: Output, value: dict[str, Any], text: str) -> None:
    if output is Output.JSON:
        data_json(value)
    elif text:
        data(text)
