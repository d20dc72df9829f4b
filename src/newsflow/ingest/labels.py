"""Names of sources in the names of counters: so many and no more."""

from __future__ import annotations

MOST_LABELS = 200
OTHERS = "_others"
"""No source has such an id."""


class Labels:
    """The first 200 sources that a process meets go by their ids, the rest by one name. A counter for each of ever more
    sources would fill the memory of the engine and of what watches it."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def of(self, source: str) -> str:
        """What a source is called in the name of a counter."""
        if source not in self._known:
            if len(self._known) >= MOST_LABELS:
                return OTHERS
            self._known.add(source)
        return source
