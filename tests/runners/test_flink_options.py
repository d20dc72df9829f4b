"""What a job gets on Flink when nobody says otherwise, and what is refused with its remedy."""

from __future__ import annotations

import json

import pytest

from newsflow.config.load import load_config
from newsflow.config.settings import Config
from newsflow.errors import ConfigError, UsageError
from newsflow.runners.flink import SAFE, flink_options

POSTGRES = "postgresql://me@db/ledger"


def config(url: str = POSTGRES, shared: bool = True) -> Config:
    return load_config(environ={}, flags={"ledger.url": url, "blobs.shared": shared}).config


def options(*beam_args: str, url: str = POSTGRES, slots: int = 3) -> dict[str, str]:
    found = flink_options(beam_args, config(url), "jm:8081", "ingest-x", slots)
    return {argument.lstrip("-").partition("=")[0]: argument.partition("=")[2] for argument in found}


def test_safe_where_nothing_was_said() -> None:
    found = options()
    assert found.items() >= SAFE.items()
    assert found["runner"] == "PortableRunner"
    assert (found["flink_master"], found["job_name"], found["parallelism"]) == ("jm:8081", "ingest-x", "3")
    assert json.loads(found["environment_config"]) == {"command": "newsflow-worker"}


@pytest.mark.parametrize("written", [["--checkpointing_interval=3000"], ["--checkpointing_interval", "3000"]])
def test_what_the_user_says_holds(written: list[str]) -> None:
    found = flink_options(["--runner=FlinkRunner", *written], config(), "jm:8081", "x", 1)
    assert [each for each in found if "checkpointing_interval" in each or each == "3000"] == written
    assert [each for each in found if each.startswith("--runner")] == ["--runner=PortableRunner"]


def test_a_pool_of_workers_is_not_given_a_command() -> None:
    found = options("--environment_type=EXTERNAL", "--environment_config=host:50000")
    assert found["environment_config"] == "host:50000"
    assert found["environment_type"] == "EXTERNAL"


@pytest.mark.parametrize(
    ("argument", "remedy"),
    [
        ("--flink_submit_uber_jar", "leave it out"),
        ("--output_executable_path=job.jar", "leave it out"),
        ("--shutdown_sources_after_idle_ms=0", "leave it out"),
        ("--save_main_session", "leave it out"),
        ("--checkpointing_interval=-1", "10000 unless given"),
        ("--checkpointing_interval=0", "10000 unless given"),
        ("--checkpointing_interval=often", "whole number"),
        ("--number_of_execution_retries=0", "leave it out"),
        ("--environment_type=LOOPBACK", "PROCESS"),
        ("--environment_type=embedded", "EXTERNAL"),
    ],
)
def test_what_would_lose_or_end_a_job_is_refused_with_its_remedy(argument: str, remedy: str) -> None:
    with pytest.raises(UsageError, match=remedy):
        options(argument)


def test_a_ledger_of_one_machine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="postgresql://"):
        options(url="sqlite:///ledger.sqlite3")
    monkeypatch.setenv("LEDGER", "sqlite:///ledger.sqlite3")
    with pytest.raises(ConfigError, match="file of its own"):
        options(url="env:LEDGER")
    monkeypatch.delenv("LEDGER")
    assert options(url="env:LEDGER")  # only the workers know it


def test_a_blob_store_of_one_machine_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"blobs\.url: .*blobs\.shared: true"):
        flink_options([], config(shared=False), "jm:8081", "x", 1)
