"""The likeliest of some languages: what py3langid says of the letters, weighed with how frequent the words are."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from newsflow.normalise.words import word_costs, words_of

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

RANKED_CHARS = 260
SURE, SURE_CHARS = 0.995, 60
"""A text of so many characters that py3langid is so sure of needs no second opinion."""
WORD_WEIGHT = 0.8
LEAST_SHARE, MOST_LANGUAGES = 1e-4, 12
_SHOUTED = re.compile(r"\b[A-ZÀ-ÖØ-ÞĀ-ŽА-ЯЁЂ-Џ]{4,}\b")


def likeliest(text: str, candidates: frozenset[str], rare: frozenset[str] = frozenset()) -> tuple[str, float]:
    """(tag, probability) of the likeliest candidate. `rare` are languages that ten times less news is written in."""
    if len(candidates) == 1:
        return next(iter(candidates)), 0.99
    text = _SHOUTED.sub(lambda match: match.group().lower(), text[:RANKED_CHARS])
    by_letters = {str(tag): float(share) for tag, share in _identifier(candidates).rank(text)[:MOST_LANGUAGES]}
    best = max(by_letters, key=by_letters.__getitem__)
    if by_letters[best] > SURE and len(text) > SURE_CHARS:
        return best, by_letters[best]
    shares = _with_words(text, _with_priors(by_letters, rare))
    best = max(shares, key=shares.__getitem__)
    return best, shares[best]


def _with_priors(shares: dict[str, float], rare: frozenset[str]) -> dict[str, float]:
    weighed = {tag: share * (0.1 if tag in rare else 1.0) for tag, share in shares.items() if share > LEAST_SHARE}
    total = sum(weighed.values())
    return {tag: share / total for tag, share in weighed.items()}


def _with_words(text: str, shares: dict[str, float]) -> dict[str, float]:
    """What languages with a list of words hold together, split anew by these; the others keep what they have."""
    words = words_of(text)
    costs = word_costs(words, tuple(shares)) if words else {}
    if not costs:
        return shares
    scores = {tag: math.log(shares[tag]) - WORD_WEIGHT * cost for tag, cost in costs.items()}
    top, held = max(scores.values()), sum(shares[tag] for tag in scores)
    weights = {tag: math.exp(score - top) for tag, score in scores.items()}
    total = sum(weights.values())
    return {**shares, **{tag: held * weight / total for tag, weight in weights.items()}}


@lru_cache(maxsize=64)
def _identifier(candidates: frozenset[str]) -> LanguageIdentifier:
    from copy import copy

    identifier = copy(_model())
    identifier.set_languages(list(candidates & set(identifier.labels)))
    return identifier


@lru_cache(maxsize=1)
def _model() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
