"""The shipped jobs as pipelines: their step labels are stable. Runners that would lose data are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner

from newsflow.config.load import load_config
from newsflow.errors import UsageError
from newsflow.runners.endless import Positions, PositionsCoder
from newsflow.runners.job import Job, SinkKind, SourceKind, job_names, load_job
from newsflow.runners.on_beam import check_runner

AVAILABLE, ENDLESS = ("Start", "ReadBatches"), ("ReadEndless/Start", "ReadEndless/ListSplits", "ReadEndless/ReadSplit")
SOURCES: dict[SourceKind, tuple[str, ...]] = {"available": AVAILABLE, "endless": ENDLESS}
STEPS: dict[str, tuple[str, ...]] = {
    "ingest": (
        "Normalise/NormaliseBatch",
        "Deduplicate/DecideBatch",
        "TagTopics/TagBatch",
        "Route/RouteBatch",
        "Route/RecordBatch",
        "Route/CountOutcomes",
        "WriteArticles/WriteBatch",
    ),
    "deliver": (
        "DeliverTo-articles/TakeBatch",
        "WriteDeadLetters-articles/WriteBatch",
        "DeliverTo-alerts/TakeBatch",
        "WriteDeadLetters-alerts/WriteBatch",
    ),
    "trends": ("CountArticles/CountBatch", "PublishTrends/CloseAndWrite"),
}
READERS = {
    "ingest": ("ReadArticles",),
    "deliver": ("ReadPublished-articles", "ReadPublished-alerts"),
    "trends": ("ReadArticles",),
}
CLOSING: dict[SourceKind, str] = {"available": "CloseWindows/AtEndOfRun", "endless": "CloseWindows/AwaitWatermark"}
"""How the job trends learns that a window is over; nothing else depends on the source."""

KEEPS = ("ReadSplit", "AwaitWatermark")
"""Steps of which Flink keeps something between bundles: where a split has got to, and the timers of windows."""


def labels(name: str, source: SourceKind = "available", sink: SinkKind = "kafka") -> list[str]:
    pipeline = beam.Pipeline(runner=FnApiRunner())
    job = Job(load_config(environ={}).config, source, sink, sinks=("articles", "alerts"))
    load_job(name).build(pipeline, job)
    proto = pipeline.to_runner_api()
    return [t.unique_name for t in proto.components.transforms.values() if not t.subtransforms and t.unique_name]


@pytest.mark.pipeline
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("name", STEPS)
def test_labels_are_what_savepoints_know(name: str, source: SourceKind) -> None:
    reading = [f"{reader}/{step}" for reader in READERS[name] for step in SOURCES[source]]
    expected = {*reading, *STEPS[name], *([CLOSING[source]] if name == "trends" else ())}
    assert set(labels(name, source)) == expected


@pytest.mark.pipeline
def test_what_holds_a_position_in_a_savepoint_names_no_class() -> None:
    """Flink keeps what coders encoded, under labels; a class that was renamed would not be found again."""
    pipeline = beam.Pipeline(runner=FnApiRunner())
    load_job("trends").build(pipeline, Job(load_config(environ={}).config, "endless"))
    components = pipeline.to_runner_api().components

    def urns(transform: Any) -> list[str]:
        (collection,) = transform.inputs.values()
        coder = components.coders[components.pcollections[collection].coder_id]
        return [coder.spec.urn, *(components.coders[each].spec.urn for each in coder.component_coder_ids)]

    kept = {t.unique_name: urns(t) for t in components.transforms.values() if t.unique_name.endswith(KEEPS)}
    assert kept == {
        "ReadArticles/ReadEndless/ReadSplit": ["beam:coder:bytes:v1"],
        "CloseWindows/AwaitWatermark": ["beam:coder:kv:v1", "beam:coder:string_utf8:v1", "beam:coder:varint:v1"],
    }
    assert b"newsflow" not in PositionsCoder().encode(Positions({0: 7}))


@pytest.mark.pipeline
def test_nothing_shuffles_on_the_hot_path() -> None:
    for name in ("ingest", "deliver"):
        assert not [each for each in labels(name) if "GroupByKey" in each or "Reshuffle" in each or "Window" in each]


def test_every_job_has_a_definition() -> None:
    assert job_names() == ["deliver", "ingest", "trends"]
    assert [load_job(name).per_sink for name in job_names()] == [True, False, False]
    with pytest.raises(UsageError, match=r"there are: .*ingest"):
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
