"""One wrapper for all stages: an article that breaks a stage becomes a dead letter, its batch goes on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

from newsflow.model import Reason, Rejected

log = logging.getLogger(__name__)

In = TypeVar("In")
Out = TypeVar("Out")


def each(
    values: Iterable[In], stage: str, work: Callable[[In], Out], failed: Callable[[In, Rejected], Out]
) -> list[Out]:
    """`work` on every value, in order; where it raises, `failed` with a `transform-error`.

    Only `Exception`: running out of memory, an exit and an interrupt end the bundle, as they must.
    """
    results: list[Out] = []
    for value in values:
        try:
            results.append(work(value))
        except Exception as error:
            log.warning("%s: a %s became a dead letter", stage, type(error).__name__, exc_info=True)
            results.append(failed(value, broken(stage, error)))
    return results


def broken(stage: str, error: BaseException) -> Rejected:
    """The `transform-error` for an exception that a stage did not expect."""
    kind = type(error)
    return Rejected(
        reason=Reason.TRANSFORM_ERROR,
        message=f"{stage} failed on this article: {kind.__name__}: {str(error)[:500]}",
        stage=stage,
        error_class=f"{kind.__module__}.{kind.__qualname__}",
    )
