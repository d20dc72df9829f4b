"""Submit a job to a Flink cluster, and watch it come up."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions

from newsflow.beam.job import Job
from newsflow.beam.local import Build
from newsflow.config.settings import Config
from newsflow.errors import ConfigError, FlinkError, KafkaError
from newsflow.flink.jobserver import JobServer
from newsflow.flink.names import same_job, stamped
from newsflow.flink.options import check_options, flink_options
from newsflow.flink.rest import FlinkCluster, FlinkJob
from newsflow.kafka.admin import topic_names
from newsflow.kafka.settings import KafkaSettings

log = logging.getLogger(__name__)

COME_UP_S = 180.0
TASK_MANAGERS_S = 60.0
_POLL_S = 0.5


def submit(
    build: Build, job: Job, name: str, cluster: FlinkCluster, beam_args: Sequence[str], *, wants: str = ""
) -> FlinkJob:
    """Hand the job to the cluster; returns it when all its tasks run. Blocks meanwhile. `wants`: a topic that must be
    there.

    Raises `UsageError` or `ConfigError` for what is refused, `FlinkError` when it runs already or does not come up,
    `KafkaError` when the topic is missing.
    """
    check_options(beam_args, job.config)
    this = stamped(name)
    slots = _check_cluster(cluster, name)
    if wants:
        _check_topic(job.config, wants)
    arguments = flink_options(beam_args, job.config, cluster.master, this, slots)
    given = PipelineOptions(arguments).view_as(PortableOptions).job_endpoint
    with nullcontext() if given else JobServer(cluster.master) as server:
        endpoint = [] if server is None else [f"--job_endpoint={server.endpoint}"]
        pipeline = beam.Pipeline(options=PipelineOptions([*arguments, *endpoint]))
        build(pipeline, job)
        try:
            pipeline.run()
            return _come_up(cluster, this)
        except Exception as error:
            if isinstance(error, FlinkError) or server is None:
                raise
            raise FlinkError(f"the job was not taken: {_last_line(error)}; {server.said_last()}") from error


def _check_cluster(cluster: FlinkCluster, name: str) -> int:
    """How many slots are free; refuses a cluster without any, and a job that runs already."""
    overview = _overview_with_slots(cluster)
    running = [each for each in cluster.jobs() if not each.ended and same_job(each.name, name)]
    if running:
        raise FlinkError(
            f"job {name} is {running[0].state} already ({running[0].id}), and two would do the work twice. "
            f"`newsflow jobs stop {running[0].id[:8]} --savepoint` stops it; or give this one a name (job: in the "
            "configuration) and a group of its own"
        )
    return int(overview.get("slots-available", 0))


def _check_topic(config: Config, topic: str) -> None:
    """Refuses a topic that is missing: workers would find out, again and again. What cannot be looked up from here is
    theirs to find."""
    try:
        known = topic_names(KafkaSettings.of(config.kafka))
    except (ConfigError, KafkaError) as error:
        log.warning("whether topic %s exists could not be looked up from here: %s", topic, error)
        return
    if topic not in known:
        raise KafkaError(f"topic {topic} does not exist; `newsflow kafka apply` creates it")


def _overview_with_slots(cluster: FlinkCluster) -> dict[str, Any]:
    """What the cluster says of itself once a TaskManager is there: those started with it come a little later."""
    deadline = time.monotonic() + TASK_MANAGERS_S
    while not (overview := cluster.overview()).get("slots-total"):
        if time.monotonic() > deadline:
            raise FlinkError(f"Flink at {cluster.master} has no TaskManager: start one, it is where the work is done")
        time.sleep(_POLL_S)
    return overview


def _come_up(cluster: FlinkCluster, name: str) -> FlinkJob:
    """Wait for the job, which Beam's job server hands over a little later."""
    deadline = time.monotonic() + COME_UP_S
    seen: FlinkJob | None = None
    while time.monotonic() < deadline:
        seen = next((job for job in cluster.jobs() if job.name == name), None)
        if seen is not None and seen.working:
            return seen
        if seen is not None and seen.ended:
            raise FlinkError(f"job {name} {seen.state}: {cluster.last_failure(seen.id) or 'Flink does not say why'}")
        time.sleep(_POLL_S)
    if seen is None:
        raise FlinkError(f"job {name} did not reach Flink at {cluster.master} within {COME_UP_S:g} s")
    overview = cluster.overview()
    why = cluster.last_failure(seen.id) or (
        f"{seen.tasks_running} of {seen.tasks} tasks run; {overview.get('slots-available')} of "
        f"{overview.get('slots-total')} slots are free"
    )
    raise FlinkError(f"job {name} ({seen.id}) is {seen.state} after {COME_UP_S:g} s: {why}")


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:300]
