"""How good normalisation is, on labelled data: `newsflow eval normalise --data DIR`.

Each part skips where its file is not in DIR.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .encodings import evaluate_encodings
from .labelled import evaluate_dates, evaluate_languages, evaluate_titles, evaluate_urls
from .pages import evaluate_pages
from .real_pages import evaluate_real_pages
from .refusals import evaluate_refusals
from .scoreboard import Row
from .texts import evaluate_texts

FILES = (
    "pages/",
    "aeb/",
    "texts/",
    "ntrex/",
    "cldr_dates.jsonl",
    "ant_ar.jsonl",
    "bsnlp2021_slavic.jsonl",
    "udhr.jsonl",
    "fundus_titles.jsonl",
    "url_gold*.json",
)
"""What is looked for in the data folder."""


def evaluate(data: Path) -> Iterator[Row]:
    """The rows of the scoreboard."""
    parts = (
        evaluate_pages,
        evaluate_real_pages,
        evaluate_refusals,
        evaluate_texts,
        evaluate_encodings,
        evaluate_dates,
        evaluate_languages,
        evaluate_titles,
        evaluate_urls,
    )
    for part in parts:
        yield from part(data)
