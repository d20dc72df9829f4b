"""Which reports hold a key: by day of event time, so that nothing walks the window, and a day is forgotten at once."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence

NEWEST_PER_KEY = 50
"""A key that many reports hold says little: of a day, and of all days together, the newest are looked at."""

_Day = dict[int, "int | array[int]"]
"""Most keys are held by one report: its number alone, which all its keys share, takes no memory."""


class Postings:
    """Numbers of reports by key. Numbers grow."""

    def __init__(self) -> None:
        self._days: dict[int, _Day] = {}

    def add(self, number: int, day: int, keys: Iterable[int]) -> None:
        held = self._days.setdefault(day, {})
        for key in keys:
            numbers = held.get(key)
            if numbers is None:
                held[key] = number
            elif isinstance(numbers, int):
                held[key] = array("I", (numbers, number))
            else:
                numbers.append(number)
                if len(numbers) > NEWEST_PER_KEY:
                    del numbers[0]

    def find(self, days: Iterable[int], keys: Iterable[int]) -> Iterator[tuple[int, Sequence[int]]]:
        """Each key that reports of these days hold, with the newest of them; `days`: those that count first."""
        looked_at = [held for day in days if (held := self._days.get(day)) is not None]
        for key in keys:
            held_by = [numbers for held in looked_at if (numbers := held.get(key)) is not None]
            found: list[Sequence[int]] = [(each,) if isinstance(each, int) else each for each in held_by]
            if len(found) == 1:
                yield key, found[0]
            elif found:
                together = array("I")
                for newest in found:
                    together.extend(newest[-(NEWEST_PER_KEY - len(together)) :])
                    if len(together) == NEWEST_PER_KEY:
                        break
                yield key, together

    def forget(self, before: int) -> None:
        """Forget the days before this one."""
        self._days = {day: held for day, held in self._days.items() if day >= before}
