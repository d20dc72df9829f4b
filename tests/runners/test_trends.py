"""The job trends as a pipeline: its windows close when event time says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.direct.direct_runner import BundleBasedDirectRunner
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
from apache_beam.testing.test_stream import TestStream as ScriptedStream
from apache_beam.testing.util import assert_that, equal_to

from newsflow.config.load import load_config
from newsflow.config.settings import Config
from newsflow.errors import UsageError
from newsflow.runners.job import Job, load_job
from newsflow.runners.trends import CloseWindows

pytestmark = pytest.mark.pipeline


@pytest.fixture
def config(tmp_path: Path) -> Config:
    flags = {"ledger.url": f"sqlite:///{tmp_path}/ledger.sqlite3", "trends.grace_s": 60}
    return load_config(environ={}, flags=flags).config


def test_files_have_no_event_time(config: Config) -> None:
    with pytest.raises(UsageError, match="trends reads Kafka"):
        load_job("trends").build(beam.Pipeline(runner=FnApiRunner()), Job(config, "lines", "kafka"))


class Stamp(beam.DoFn):
    """What came, and the watermark it came behind."""

    def process(self, end: int, at: Any = beam.DoFn.TimestampParam) -> Any:
        yield end, int(at)


def test_a_window_closes_when_the_watermark_has_passed_its_end_and_grace(config: Config) -> None:
    early, late = ("1000", 1_000), ("2000", 2_000)
    stream = (
        ScriptedStream()
        .advance_watermark_to(0)
        .add_elements([early, late, early])
        .advance_watermark_to(1_059)
        .add_elements([early, ("1100", 1_100)])  # within the grace: not over, so not closed twice
        .advance_watermark_to(1_060)  # 1000 and the grace of 60 s
        .advance_watermark_to(1_900)
        .add_elements([early])  # late: it is over, so that its correction comes at once
        .advance_watermark_to(5_000)
        .advance_watermark_to_infinity()
    )
    with beam.Pipeline(runner=BundleBasedDirectRunner(), options=PipelineOptions([], streaming=True)) as pipeline:
        closed = (
            pipeline
            | "Markers" >> stream.with_output_types(tuple[str, int])
            | "CloseWindows" >> CloseWindows(Job(config, "endless", "kafka"))
            | "Stamp" >> beam.ParDo(Stamp())
        )
        assert_that(closed, equal_to([(1_000, 1_060), (1_100, 1_160), (1_000, 1_060), (2_000, 2_060)]))
