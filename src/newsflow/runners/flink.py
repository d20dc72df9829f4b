"""Submits a job to a Flink cluster with safe options, refuses what would lose data, and watches the job come up."""

from __future__ import annotations

import json
import logging
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions

from newsflow.config.settings import Config
from newsflow.errors import ConfigError, FlinkError, KafkaError, MissingToolError, UsageError
from newsflow.ingest.claims import check_blobs_on_flink
from newsflow.kafka.admin import topic_names
from newsflow.kafka.client import missing_topic
from newsflow.kafka.settings import KafkaSettings
from newsflow.ledger import mask_url
from newsflow.processes import JAVA_OPENS, LOOPBACK, find_java, free_port
from newsflow.runners.flink_rest import FlinkCluster, FlinkJob, same_job, stamped
from newsflow.runners.job import Build, Job
from newsflow.runners.local import last_line
from newsflow.secrets import resolve

# Beam's job server for Flink: translates a pipeline and hands it to the cluster. It is needed only while a job is
# submitted.


VARIABLE = "NEWSFLOW_FLINK_JOB_SERVER"
_MAIN = "org.apache.beam.runners.flink.FlinkJobServerDriver"
_START_S = 120.0


def find_job_server() -> str:
    """The class path that NEWSFLOW_FLINK_JOB_SERVER names: a jar, or a folder of jars. `MissingToolError` without."""
    given = os.environ.get(VARIABLE, "")
    path = Path(given)
    jars = sorted(path.glob("*.jar")) if given and path.is_dir() else []
    if given and (jars or path.is_file()):
        return f"{path}/*" if jars else str(path)
    what = f"{VARIABLE} is {given}, which is not a jar and not a folder of jars" if given else f"{VARIABLE} is not set"
    raise MissingToolError(
        f"{what}: a job goes to Flink through Beam's job server. Name the jar beam-runners-flink-<Flink's version>-"
        "job-server-<Beam's version>.jar from Maven Central, or a running one with -- --job_endpoint=HOST:PORT"
    )


class JobServer:
    """One job server for the cluster at `master`, on loopback, for as long as the context lasts."""

    def __init__(self, master: str, heap: str = "512m") -> None:
        self._class_path, self._java = find_job_server(), find_java("Beam's job server")
        self._master, self._heap = master, heap
        self._port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="newsflow-job-server-"))
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        """For Beam's option `--job_endpoint`."""
        return f"{LOOPBACK}:{self._port}"

    def start(self) -> JobServer:
        """Start it; returns when it listens. Raises `FlinkError` when it does not."""
        jvm = (self._java, f"-Xmx{self._heap}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", *JAVA_OPENS)
        command = [
            *(*jvm, "-cp", self._class_path, _MAIN),
            *("--flink-master", self._master, "--job-host", LOOPBACK, "--job-port", str(self._port)),
            *("--artifact-port", "0", "--expansion-port", "0", "--artifacts-dir", str(self._folder / "artifacts")),
        ]
        with (self._folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._folder)
        deadline = time.monotonic() + _START_S
        while not _listens(self._port):
            if self.process.poll() is not None or time.monotonic() > deadline:
                said = self.said_last()
                self.stop()
                raise FlinkError(f"the job server did not start: {said}")
            time.sleep(0.1)
        return self

    def said_last(self) -> str:
        """The end of its log."""
        return (self._folder / "log").read_text(errors="replace")[-2000:].strip()

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> JobServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def _listens(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True


log = logging.getLogger(__name__)

COME_UP_S = 180.0
TASK_MANAGERS_S = 60.0
_POLL_S = 0.5
WORKER = "newsflow-worker"

SAFE: dict[str, str] = {
    # Every ten seconds what is written is made durable; after a failure so much is read again.
    "checkpointing_interval": "10000",
    "min_pause_between_checkpoints": "1000",
    # A database that is unavailable for minutes holds a checkpoint up; that is no reason to give up the checkpoint.
    "checkpoint_timeout_millis": "900000",
    # Kept when the job is cancelled or fails for good: `newsflow jobs restore` goes on from it.
    "externalized_checkpoints_enabled": "",
    "retain_externalized_checkpoints_on_cancellation": "",
    # Without it Beam's source is called once in many seconds while little comes in.
    "max_bundle_time_mills": "100",
    # For ever: what fails is tried again from the last checkpoint. A cluster may have set "none".
    "number_of_execution_retries": "2147483647",
    "execution_retry_delay": "3000",
    # A switch, which turns chaining off: Flink names operators after what they are chained to, and a savepoint taken
    # with one worker could not be restored with two. There is nothing to gain by it: all stages are one operator.
    "operator_chaining": "",
    # Splits are named for so many key groups (newsflow.runners.endless), and a savepoint can be rescaled within them.
    "max_parallelism": "128",
}

_REFUSED: dict[str, str] = {
    "flink_submit_uber_jar": "jobs sent so cannot be cancelled by Beam, and are not by newsflow: leave it out; "
    "newsflow starts a job server itself (NEWSFLOW_FLINK_JOB_SERVER) or takes --job_endpoint=HOST:PORT",
    "output_executable_path": "it writes a jar and starts nothing: leave it out",
    "shutdown_sources_after_idle_ms": "it ends the endless source, and the job with it: leave it out",
    "save_main_session": "the workers have newsflow installed; pickling this process's state breaks them: leave it out",
}


def flink_options(beam_args: Sequence[str], config: Config, master: str, name: str, slots: int) -> list[str]:
    """Beam's options for one job: the user's, checked as by `check_options`, then a default for whatever they leave
    open; `slots` are free on the cluster."""
    check_options(beam_args, config)
    given = _given(beam_args)
    options = [argument for argument in beam_args if _name(argument) not in ("runner", "flink_master")]
    defaults = SAFE | {"job_name": name, "parallelism": str(max(slots, 1))}
    if given.get("environment_type", "PROCESS").upper() == "PROCESS":
        defaults |= {"environment_type": "PROCESS", "environment_config": json.dumps({"command": WORKER})}
    options += [f"--{key}={value}" if value else f"--{key}" for key, value in defaults.items() if key not in given]
    return ["--runner=PortableRunner", "--streaming", f"--flink_master={master}", *options]


def check_options(beam_args: Sequence[str], config: Config) -> None:
    """Raises `UsageError` or `ConfigError` for what would lose data or stop by itself, with the remedy."""
    _check_given(_given(beam_args))
    try:
        url = resolve(config.ledger.url)
    except ConfigError:
        url = ""  # A secret that only the workers have: they find out.
    if url.startswith("sqlite"):
        raise ConfigError(
            f"{mask_url(url)} is refused on Flink: every worker would decide in a file of its own, and "
            "take repeats and copies for new; accepted: postgresql://USER@HOST/DATABASE, or env:NAME with such a URL",
            path="ledger.url",
        )
    check_blobs_on_flink(config)


def _check_given(given: dict[str, str]) -> None:
    for key, why in _REFUSED.items():
        if key in given and given[key].lower() not in ("false", "-1"):
            raise UsageError(f"--{key} is refused on Flink: {why}")
    if int(_number(given, "checkpointing_interval", 1)) <= 0:
        raise UsageError(
            "--checkpointing_interval below 1 is refused: without checkpoints no offsets are ever committed, and every "
            "restart reads the topic from where the group once began; accepted: milliseconds, 10000 unless given"
        )
    if _number(given, "number_of_execution_retries", 1) == 0:
        raise UsageError(
            "--number_of_execution_retries=0 is refused: the first failure of a worker would end the job; "
            "leave it out to be tried again for ever"
        )
    kind = given.get("environment_type", "PROCESS").upper()
    if kind in ("LOOPBACK", "EMBEDDED"):
        raise UsageError(
            f"--environment_type={kind} is refused on Flink: the work would be done in this command, and end with it; "
            f"accepted: PROCESS (the default, starts {WORKER}), EXTERNAL (a pool: {WORKER} --pool PORT), DOCKER"
        )


def _number(given: dict[str, str], key: str, default: int) -> int:
    text = given.get(key, str(default))
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"--{key}={text}: accepted is a whole number") from None


def _given(beam_args: Sequence[str]) -> dict[str, str]:
    """Options by name, however they are written: `--name=value`, `--name value`, `--name`."""
    found: dict[str, str] = {}
    last = ""
    for argument in beam_args:
        if argument.startswith("--"):
            last = _name(argument)
            found[last] = argument.partition("=")[2]
        elif last:
            found[last] = argument
    return found


def _name(argument: str) -> str:
    return argument.lstrip("-").partition("=")[0].replace("-", "_") if argument.startswith("--") else ""


def submit(
    build: Build, job: Job, name: str, cluster: FlinkCluster, beam_args: Sequence[str], *, wants: str = ""
) -> FlinkJob:
    """Hand the job to the cluster; returns it when all its tasks run. `wants`: a topic that must exist.

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
            raise FlinkError(f"the job was not taken: {last_line(error)}; {server.said_last()}") from error


def _check_cluster(cluster: FlinkCluster, name: str) -> int:
    """How many slots are free; refuses a cluster without any, and a job that runs already."""
    deadline = time.monotonic() + TASK_MANAGERS_S
    while not (overview := cluster.overview()).get("slots-total"):
        # TaskManagers that were started with the cluster come a little later.
        if time.monotonic() > deadline:
            raise FlinkError(f"Flink at {cluster.master} has no TaskManager: start one, it is where the work is done")
        time.sleep(_POLL_S)
    running = [each for each in cluster.jobs() if not each.ended and same_job(each.name, name)]
    if running:
        raise FlinkError(
            f"job {name} is {running[0].state} already ({running[0].id}), and two would do the work twice. "
            f"`newsflow jobs stop {running[0].id[:8]} --savepoint` stops it; or give this one a name (job: in the "
            "configuration) and a group of its own"
        )
    return int(overview.get("slots-available", 0))


def _check_topic(config: Config, topic: str) -> None:
    """Refuses a topic that is missing: workers would find out, again and again. Where it cannot be looked up from here,
    they do."""
    try:
        known = topic_names(KafkaSettings.of(config.kafka))
    except (ConfigError, KafkaError) as error:
        log.warning("whether topic %s exists could not be looked up from here: %s", topic, error)
        return
    if topic not in known:
        raise missing_topic(topic)


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
