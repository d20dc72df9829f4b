"""The second job: published articles in; rows in stores and alerts out; what a sink will never take, as dead letters.

It is apart from `ingest`, so that no sink ever holds the feeds. It is built once for each sink, which then has its own
position in the log: one that is slow or unavailable holds no other. The order is the design: the sink has a batch, then
its dead letters are written, then the position moves on. Whatever kills the job before that brings the same records
again, which every sink knows by (article id, version).
"""

from __future__ import annotations

import apache_beam as beam

from newsflow.runners.job import Job
from newsflow.runners.read import ReadPublished
from newsflow.runners.transforms import DeliverTo, WriteDeadLetters

PER_SINK = True


def build(pipeline: beam.Pipeline, job: Job) -> None:
    """Add the stages to `pipeline`, once for each sink of the job."""
    for sink in job.sinks:
        (
            pipeline
            | f"ReadPublished-{sink}" >> ReadPublished(job, sink)
            | f"DeliverTo-{sink}" >> DeliverTo(job, sink)
            | f"WriteDeadLetters-{sink}" >> WriteDeadLetters(job.config)
        )
