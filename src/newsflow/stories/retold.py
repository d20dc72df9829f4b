"""Which reports of a story tell again, without credit, what a news agency told. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from newsflow.stories.counts import UNIT
from newsflow.stories.story import Member
from newsflow.stories.vectors import LENGTH

LEAST_WORDS = 16
"""Of both: two outlets may give one happening the same headline."""
SAME_WORDS = 0.8
"""Cosine, in one language. Of labelled copies .94 have it, of 323 pairs of reports on the same news two."""
SAME_MEANING = 0.65
"""Cosine, in two. Of translations of a document .70 have it, of 131 pairs of reports on the same news nine."""
MOST_COMPARED = 20
"""Reports with credit that each of the others is compared with, the first ones settled."""


def find_retold(credited: Iterable[tuple[Member, str]], others: Sequence[Member]) -> dict[str, str]:
    """The agency whose report each of these articles tells again, by article. `credited`: reports of the same story
    that credit an agency, in the order in which they were settled, each with its agency."""
    compared = list(islice(credited, MOST_COMPARED))
    found = {
        each.article: next((agency for report, agency in compared if _tells_again(each, report)), None)
        for each in others
    }
    return {article: agency for article, agency in found.items() if agency is not None}


def _tells_again(one: Member, other: Member) -> bool:
    if min(len(one.words), len(other.words)) < LEAST_WORDS:
        return False
    if one.language == other.language:
        shared = sum(weight * other.words[term] for term, weight in one.words.items() if term in other.words)
        return shared >= SAME_WORDS * UNIT * UNIT
    if one.vector is None or other.vector is None:
        return False
    return int(one.vector.astype(int) @ other.vector.astype(int)) >= SAME_MEANING * LENGTH * LENGTH
