"""`newsflow jobs`: what runs on a Flink cluster; stop it with a savepoint, restore it, cancel it."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsflow.cli.common import (
    BootstrapOption,
    ConfigOption,
    FlinkMasterOption,
    Output,
    OutputOption,
    SinksOption,
    VerboseOption,
    console,
    data,
    data_json,
    set_up_logging,
    settings,
    settled,
    tell,
)
from newsflow.errors import FlinkError, UsageError

if TYPE_CHECKING:
    from newsflow.config.settings import Config
    from newsflow.runners.flink_rest import FlinkCluster, FlinkJob
    from newsflow.runners.pages import Page

app = typer.Typer(no_args_is_help=True, help="Jobs on a Flink cluster: list, stop, cancel, restore.")

_WATCH_S = 2.0
PATIENCE_S = 60.0
"""A bundle that waits longer for a store would be in the way of checkpoints, savepoints and a cancelled job's end."""
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
        console.print(f"no job {'at' if everything else 'runs at'} {cluster.master}")


@app.command()
def stop(
    which: WhichArgument,
    savepoint: Annotated[
        bool, typer.Option("--savepoint", help="Keep where it is, to go on from there: the one way to stop.")
    ] = False,
    directory: Annotated[
        str | None, typer.Option(help="Folder or URL for the savepoint; else the cluster's state.savepoints.dir.")
    ] = None,
    flink_master: FlinkMasterOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Stop a job with a savepoint; prints the savepoint's path when it is whole. If it fails, the job runs on."""
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
    parallelism: Annotated[int | None, typer.Option(min=1, help="How many workers at once; may differ.")] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Return when the job runs.")] = False,
    ledger: Annotated[str | None, typer.Option(help="URL of the ledger, postgresql://…")] = None,
    flink_master: FlinkMasterOption = None,
    config: ConfigOption = None,
    bootstrap_servers: BootstrapOption = None,
    output: OutputOption = Output.TEXT,
    verbose: VerboseOption = 0,
) -> None:
    """Start a job where a savepoint or checkpoint ended. Options of Beam follow after --, as for run."""
    set_up_logging(verbose)
    loaded = settled(job, settings(config, bootstrap_servers, ledger__url=ledger))
    beam_args = [*context.args, *([] if parallelism is None else [f"--parallelism={parallelism}"])]
    start(job, loaded.config, flink_master, path, beam_args, sinks=sinks, detach=detach, output=output)


def start(
    name: str,
    config: Config,
    flink_master: str | None,
    restore_from: str | None,
    beam_args: list[str],
    *,
    sinks: str | None = None,
    detach: bool,
    output: Output,
) -> None:
    """Submit a job, say its id, and unless detached watch it until it ends."""
    from newsflow.runners.flink import submit
    from newsflow.runners.flink_rest import flink_name
    from newsflow.runners.job import Job
    from newsflow.runners.pages import load_job

    page, cluster, called = load_job(name), cluster_of(flink_master), flink_name(config.job, Path(name).stem)
    sink = _sink(name, page, config, sinks)
    if sink:
        called += f".{sink}"
    if restore_from is not None:
        beam_args = [*beam_args, f"--savepoint_path={restore_from}"]
    laid = Job(config, "endless", "kafka", sinks=(sink,) if sink else (), patience_s=PATIENCE_S)
    topic = laid.published(sink).topic if sink else laid.raw.topic
    # Where a user's page reads is its own affair.
    job = submit(page.build, laid, called, cluster, beam_args, wants="" if name.endswith(".py") else topic)
    _say(output, {"job": job.id, "name": job.name, "state": job.state}, job.id)
    tell(f"{job.name} runs at {cluster.master} ({job.tasks} tasks)")
    if not detach:
        _watch(cluster, job)


def _sink(name: str, page: Page, config: Config, sinks: str | None) -> str:
    """The sink that a job of this page delivers to; "" for a page that is not laid once for each sink."""
    from newsflow.ingest.deliver import sink_on_flink

    if page.per_sink:
        return sink_on_flink(config, sinks)
    if sinks is not None:
        raise UsageError(f"--sinks is for jobs that deliver; {name} writes to topics")
    return ""


def cluster_of(flink_master: str | None) -> FlinkCluster:
    """The cluster named by the option or by NEWSFLOW_FLINK_MASTER."""
    from newsflow.runners.flink_rest import FlinkCluster

    master = flink_master or os.environ.get(MASTER_VARIABLE)
    if not master:
        raise UsageError(f"which cluster? Say --flink-master HOST:PORT, or set {MASTER_VARIABLE}")
    return FlinkCluster(master)


def _watch(cluster: FlinkCluster, job: FlinkJob) -> None:
    """Say what becomes of a job; an interrupt ends the watching alone."""
    state = job.state
    try:
        while not job.ended:
            time.sleep(_WATCH_S)
            try:
                job = cluster.job(job.id)
            except FlinkError as error:
                tell(f"{error}; watching on")
                continue
            if job.state != state:
                state = job.state
                tell(f"{job.name}: {state} {cluster.last_failure(job.id)}")
    except KeyboardInterrupt:
        tell(f"{job.name} runs on; `newsflow jobs stop {job.id[:8]} --savepoint` stops it")
        return
    if job.state == "FAILED":
        raise FlinkError(f"{job.name} failed: {cluster.last_failure(job.id)}")


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
