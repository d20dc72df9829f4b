"""Counts over time: published articles in; counts of windows, corrections and bursts out.

Time is when an article was first seen. The counts live in the ledger, so that every article counts once, by its newest
version, whatever comes twice, late or out of order, and whichever engine runs the job; the engine's watermark says when
a window is over. What is written was decided in the ledger before.
"""

from __future__ import annotations

import apache_beam as beam

from newsflow.runners.job import Job
from newsflow.runners.read import ReadArticles
from newsflow.runners.trends import CloseWindows, CountArticles, PublishTrends

IDLE_RUN_S = 5.0
"""Windows end also when nothing comes."""


def build(pipeline: beam.Pipeline, job: Job) -> None:
    """Add the stages of the job to `pipeline`."""
    (
        pipeline
        | "ReadArticles" >> ReadArticles(job)
        | "CountArticles" >> CountArticles(job.config)
        | "CloseWindows" >> CloseWindows(job)
        | "PublishTrends" >> PublishTrends(job.config)
    )
