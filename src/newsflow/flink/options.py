"""The options a newsflow job gets on Flink: safe ones where nobody said otherwise, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Sequence

from newsflow.config.settings import Config
from newsflow.errors import ConfigError, UsageError
from newsflow.ledger import mask_url
from newsflow.secrets import resolve

WORKER = "newsflow-worker"

SAFE: dict[str, str] = {
    # Every ten seconds what is written is made durable; after a failure so much is read again.
    "checkpointing_interval": "10000",
    "min_pause_between_checkpoints": "1000",
    # A database that is away for minutes holds a checkpoint up; that is no reason to give it up.
    "checkpoint_timeout_millis": "900000",
    # Kept when the job is cancelled or fails for good: `newsflow jobs restore` goes on from it.
    "externalized_checkpoints_enabled": "",
    "retain_externalized_checkpoints_on_cancellation": "",
    # Without it Beam's source is called once in many seconds while little comes in.
    "max_bundle_time_mills": "100",
    # In practice for ever: what fails is tried again from the last checkpoint. A cluster may have set "none".
    "number_of_execution_retries": "2147483647",
    "execution_retry_delay": "3000",
    # A switch, which turns chaining off: Flink names operators after what they are chained to, and a savepoint taken
    # with one worker could not be restored with two. There is nothing to gain by it: all stages are one operator.
    "operator_chaining": "",
    # Splits are named for so many key groups (newsflow.beam.splits), and a savepoint can be rescaled within them.
    "max_parallelism": "128",
}

_REFUSED: dict[str, str] = {
    "flink_submit_uber_jar": "jobs sent so cannot be cancelled by Beam, and are not by newsflow: leave it out; "
    "newsflow starts a job server itself (NEWSFLOW_FLINK_JOB_SERVER) or takes --job_endpoint=HOST:PORT",
    "output_executable_path": "it writes a jar and starts nothing: leave it out",
    "shutdown_sources_after_idle_ms": "it ends the endless source, and with it the job: leave it out",
    "save_main_session": "the workers have newsflow installed; pickling this process's state breaks them: leave it out",
}


def flink_options(beam_args: Sequence[str], config: Config, master: str, name: str, slots: int) -> list[str]:
    """Beam's options for one job: the user's, then whatever they did not say; `slots` are free on the cluster.

    They are checked (`check_options`).
    """
    check_options(beam_args, config)
    given = _given(beam_args)
    options = [argument for argument in beam_args if _name(argument) not in ("runner", "flink_master")]
    defaults = SAFE | _worker(given) | {"job_name": name, "parallelism": str(max(slots, 1))}
    options += [_option(key, value) for key, value in defaults.items() if key not in given]
    return ["--runner=PortableRunner", "--streaming", f"--flink_master={master}", *options]


def check_options(beam_args: Sequence[str], config: Config) -> None:
    """Raises `UsageError` or `ConfigError` for what would lose data or stop by itself, with the remedy."""
    _check_ledger(config)
    _check_given(_given(beam_args))


def _check_ledger(config: Config) -> None:
    try:
        url = resolve(config.ledger.url)
    except ConfigError:
        return  # A secret that only the workers have; theirs to find.
    if url.startswith("sqlite"):
        raise ConfigError(
            f"{mask_url(url)} is refused on Flink: every worker would decide in a file of its own, and "
            "take repeats and copies for new; accepted: postgresql://USER@HOST/DATABASE, or env:NAME with such a URL",
            path="ledger.url",
        )


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


def _worker(given: dict[str, str]) -> dict[str, str]:
    if given.get("environment_type", "PROCESS").upper() != "PROCESS":
        return {}
    return {"environment_type": "PROCESS", "environment_config": json.dumps({"command": WORKER})}


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


def _option(key: str, value: str) -> str:
    return f"--{key}={value}" if value else f"--{key}"
