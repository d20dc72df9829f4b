"""The main job: raw article events in; articles, topic feeds, duplicates, alerts and dead letters out.

The order is the design: nothing is decided on unclean text; nothing is tagged that will not be published or
kept; and nothing is written before the ledger holds what is written, so that a retry writes the same bytes. What became
of stories is written last, when all of a bundle is.
Every event leaves each stage, also one that failed: as a dead letter it is decided, recorded and written too.
"""

from __future__ import annotations

import apache_beam as beam

from newsflow.runners.job import Job
from newsflow.runners.read import ReadArticles
from newsflow.runners.transforms import Deduplicate, Normalise, Route, TagTopics, WriteArticles

DECIDES_ALL = True
"""The ledger knows every event that it read, so that one which is older than the group's offsets shows at the start."""

IDLE_RUN_S = 2.0
"""Stories that wait for a partition that another process reads are settled also when nothing comes to this one."""


def build(pipeline: beam.Pipeline, job: Job) -> None:
    """Add the stages of the job to `pipeline`."""
    (
        pipeline
        | "ReadArticles" >> ReadArticles(job)
        | "Normalise" >> Normalise(job.config)
        | "Deduplicate" >> Deduplicate(job.config)
        | "TagTopics" >> TagTopics(job.config)
        | "Route" >> Route(job.config)
        | "WriteArticles" >> WriteArticles(job)
    )
