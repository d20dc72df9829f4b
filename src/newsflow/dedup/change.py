"""What a new version of an article changed."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from newsflow.dedup.matching import matching_tokens
from newsflow.model import Article, Change


def describe_change(before: Article, after: Article) -> Change:
    """Whether the title changed, and the share of the body that is new or gone, by pairs of neighbouring words."""
    return Change(title=before.title != after.title, body_share=round(_changed_share(before.body, after.body), 3))


def _changed_share(before: str, after: str) -> float:
    left, right = _pairs(before), _pairs(after)
    longer = max(left.total(), right.total())
    return 1 - (left & right).total() / longer if longer else 0.0


def _pairs(text: str) -> Counter[tuple[str, str]]:
    tokens = ["", *matching_tokens(text), ""]
    return Counter(pairwise(tokens))
