"""Where a job is to run: flags that go together, and those that do not."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from newsflow.cli.app import app
from newsflow.config.load import load_config
from newsflow.errors import ConfigError, FlinkError, NewsflowError, UsageError
from newsflow.runners import on_beam
from newsflow.runners.job import Job

JOB = Job(load_config(environ={}, flags={}).config, "endless")


def refusal(*arguments: str) -> NewsflowError:
    result = CliRunner().invoke(app, ["run", *arguments])
    assert isinstance(result.exception, NewsflowError), result.output
    return result.exception


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["ingest", "--follow", "--flink-master", "jm:8081"], "go with --runner flink"),
        (["ingest", "--follow", "--restore", "file:///sp"], "go with --runner flink"),
        (["ingest", "--runner", "flink"], "which cluster"),
        (["ingest", "--runner", "prism", "--follow", "--", "--runner=FlinkRunner"], "named twice"),
        (["ingest", "--runner", "flink", "--partitions", "0,1"], "say --parallelism"),
        (["ingest", "--runner", "flink", "--until-caught-up"], "reads endlessly"),
        (["deliver", "--runner", "flink", "--flink-master", "jm:8081"], "run `newsflow run deliver --follow"),
        (["deliver", "--follow", "--sinks", "alrts"], "no sink 'alrts'; did you mean 'alerts'? there are: alerts"),
        (["deliver", "--follow", "--sinks", ","], "no sink ','; there are: alerts"),
        (["nothing", "--runner", "flink", "--flink-master", "jm:8081"], "no job 'nothing'"),
        (["ingset", "--follow"], "no job 'ingset'; did you mean 'ingest'? there are: deliver, ingest, trends; or give"),
    ],
)
def test_what_does_not_go_together_is_said(arguments: list[str], why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEWSFLOW_FLINK_MASTER", raising=False)
    error = refusal(*arguments)
    assert isinstance(error, UsageError)
    assert why in str(error)


def test_a_cluster_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSFLOW_BLOBS__SHARED", "true")
    error = refusal("ingest", "--runner", "flink", "--flink-master", "127.0.0.1:9", "--ledger", "postgresql://x@y/z")
    assert isinstance(error, FlinkError)
    assert "no Flink at 127.0.0.1:9" in str(error)


def test_a_ledger_in_a_file_is_refused_before_anything_else() -> None:
    error = refusal("ingest", "--runner", "flink", "--flink-master", "127.0.0.1:9", "--ledger", "sqlite:///x.sqlite3")
    assert isinstance(error, ConfigError)
    assert "refused on Flink" in str(error)


def test_a_blob_store_in_a_folder_is_refused_unless_it_is_shared() -> None:
    error = refusal("ingest", "--runner", "flink", "--flink-master", "127.0.0.1:9", "--ledger", "postgresql://x@y/z")
    assert isinstance(error, ConfigError)
    assert (error.path, "blobs.shared: true" in str(error)) == ("blobs.url", True)
    error = refusal("ingest", "--until-caught-up", "-b", "127.0.0.1:9", "--ledger", "postgresql://x@y/z")
    assert isinstance(error, ConfigError)
    assert (error.path, "s3://" in str(error)) == ("blobs.url", True)


def test_a_job_server_does_not_end_a_healthy_job(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []

    class Pipeline:
        def __init__(self, options: object) -> None:
            seen.append(options)

        def run(self) -> object:
            raise NewsflowError("far enough")

    monkeypatch.setattr("apache_beam.Pipeline", Pipeline)
    for beam_args, timeout_s in ((["--runner=PrismRunner"], on_beam.YEAR_S), (["--job_server_timeout=7"], 7)):
        with pytest.raises(NewsflowError, match="far enough"):
            on_beam.run_on(lambda *_: None, JOB, beam_args)
        assert seen.pop().view_as(on_beam.PortableOptions).job_server_timeout == timeout_s  # type: ignore[attr-defined]


def test_prism_reads_a_topic_as_one_split(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[Job] = []

    def build(_: object, job: Job) -> None:
        built.append(job)
        raise NewsflowError("far enough")

    for runner in ("PrismRunner", "apache_beam.runners.portability.prism_runner.PrismRunner", "PortableRunner"):
        with pytest.raises(NewsflowError, match="far enough"):
            on_beam.run_on(build, JOB, [f"--runner={runner}"])
    assert [job.one_split for job in built] == [True, True, False]
