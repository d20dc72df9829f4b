"""The job pages as pipelines: their step labels are stable, and they run on files without a broker."""

from __future__ import annotations

from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner

from newsflow.config.load import load_config
from newsflow.errors import UsageError
from newsflow.runners.job import Job, SinkKind, SourceKind
from newsflow.runners.pages import check_runner, job_names, load_job

INGEST = {
    "ReadArticles/Start",
    "ReadArticles/ReadBatches",
    "Normalise/NormaliseBatch",
    "Deduplicate/DecideBatch",
    "TagTopics/TagBatch",
    "Route/RouteBatch",
    "Route/RecordBatch",
    "Route/CountOutcomes",
    "WriteArticles/WriteBatch",
}


DELIVER = {
    f"{stage}-{sink}/{step}"
    for sink in ("articles", "alerts")
    for stage, step in (
        ("ReadPublished", "Start"),
        ("ReadPublished", "ReadBatches"),
        ("DeliverTo", "TakeBatch"),
        ("WriteDeadLetters", "WriteBatch"),
    )
}


def labels(name: str, source: SourceKind = "available", sink: SinkKind = "kafka") -> list[str]:
    pipeline = beam.Pipeline(runner=FnApiRunner())
    job = Job(load_config(environ={}).config, source, sink, sinks=("articles", "alerts"))
    load_job(name).build(pipeline, job)
    proto = pipeline.to_runner_api()
    return [t.unique_name for t in proto.components.transforms.values() if not t.subtransforms and t.unique_name]


@pytest.mark.pipeline
def test_labels_are_what_savepoints_know() -> None:
    assert set(labels("ingest")) == INGEST
    assert set(labels("deliver")) == DELIVER


@pytest.mark.pipeline
def test_nothing_shuffles_on_the_hot_path() -> None:
    for name in ("ingest", "deliver"):
        assert not [each for each in labels(name) if "GroupByKey" in each or "Reshuffle" in each or "Window" in each]


def test_every_job_is_a_page() -> None:
    assert job_names() == ["deliver", "ingest", "trends"]
    assert [load_job(name).per_sink for name in job_names()] == [True, False, False]
    with pytest.raises(UsageError, match=r"shipped: .*ingest"):
        load_job("none-such")


def test_a_file_without_build_is_no_job(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text('"""Nothing."""\n', encoding="utf-8")
    with pytest.raises(UsageError, match="no function build"):
        load_job(str(tmp_path / "mine.py"))


@pytest.mark.parametrize("runner", ["DirectRunner", "FnApiRunner", "apache_beam.runners.direct.DirectRunner"])
def test_runners_that_never_emit_are_refused(runner: str) -> None:
    with pytest.raises(UsageError, match="is refused"):
        check_runner([f"--runner={runner}"])


def test_other_runners_pass() -> None:
    assert check_runner(["--runner=PrismRunner"]) == "PrismRunner"
