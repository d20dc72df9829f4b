"""Reports for tests: the texts are our own, and so are the meanings, which stand for what an encoder would say."""

from __future__ import annotations

import random

import numpy as np
from numpy.typing import NDArray

from newsflow.stories import Report, read_signals
from newsflow.stories.rule import HOUR
from newsflow.stories.vectors import DIMENSIONS, LENGTH

START_H = 24 * 20_000


def meaning(*about: str, share: float = 0.9) -> NDArray[np.int8]:
    """A vector near the first of these, with a little of the others."""
    weights = [share, *[(1 - share * share) ** 0.5 / max(1, len(about) - 1) ** 0.5] * (len(about) - 1)]
    total = np.zeros(DIMENSIONS)
    for each, weight in zip(about, weights, strict=True):
        draw = random.Random(each)
        direction = np.array([draw.gauss(0, 1) for _ in range(DIMENSIONS)])
        total += weight * direction / np.linalg.norm(direction)
    return np.clip(np.rint(total * LENGTH / np.linalg.norm(total)), -127, 127).astype(np.int8)


def report(
    article: str,
    title: str,
    body: str = "",
    *,
    language: str = "en",
    hour: float = 0.0,
    about: tuple[str, ...] = (),
    countries: tuple[str, ...] = (),
) -> Report:
    vector = meaning(*about) if about else None
    at = round((START_H + hour) * HOUR)
    signals = read_signals(language, title, body, countries)
    return Report(article, at, language, signals, vector)
