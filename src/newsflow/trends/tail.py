"""How unlikely a count is: the upper tail of the negative binomial distribution."""

from __future__ import annotations

import math

_ENOUGH = 1e-12
"""Terms smaller than this share of their sum no longer matter."""


def tail_log10(count: int, mean: float, dispersion: float) -> float:
    """log10 of P(X >= count), X negative binomial with this mean and a variance of `dispersion` times the mean.

    `mean` > 0, `dispersion` > 1 (at 1 it would be a Poisson distribution). 0.0 for a count of 0. Summed term by
    term from `count` on; a count below the mean gives 0.0, as nobody asks how unlikely that is.
    """
    if count <= mean:
        return 0.0
    size = mean / (dispersion - 1)
    share = 1 - 1 / dispersion
    first = (
        math.lgamma(count + size)
        - math.lgamma(size)
        - math.lgamma(count + 1)
        - size * math.log(dispersion)
        + count * math.log(share)
    )
    return min(0.0, (first + math.log(_sum_from(count, size, share))) / math.log(10))


def _sum_from(count: int, size: float, share: float) -> float:
    """The sum of the terms from `count` on, the first one taken as 1. Their ratios fall towards `share` < 1."""
    total = term = 1.0
    while term > _ENOUGH * total:
        term *= share * (count + size) / (count + 1)
        total += term
        count += 1
    return total
