"""Where the words of an event went: in, kept, and dropped by reason. They add up.

A word is what stands between spaces; of scripts without spaces each letter counts as one more. Of text the words in are
those of the text, without tags. Of a page they are those that its reader sees (what scripts and styles hold does not
count), or those that were accounted for, where these are more, as of a text that stands in JSON-LD alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

SAMPLE_STEP, LONG_CHARS = 64, 1_000_000
Count = Callable[[str], int]
UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0eff]")
_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Words:
    """`total` is `kept` and the sum of `dropped`."""

    total: int = 0
    kept: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)

    def refused(self, reason: str) -> Words:
        """The same, where nothing was published after all."""
        return Words(self.total, 0, {reason: self.total}) if self.total else self

    def renamed(self, old: str, new: str) -> Words:
        """The same with another name for a reason."""
        return Words(self.total, self.kept, {new if why == old else why: n for why, n in self.dropped.items()})

    def counters(self, label: str) -> Counter[str]:
        """`words.in.LABEL`, `words.kept.LABEL`, `words.dropped.REASON.LABEL`; what is none is left out."""
        counts = Counter({f"words.in.{label}": self.total, f"words.kept.{label}": self.kept})
        counts.update({f"words.dropped.{why}.{label}": number for why, number in self.dropped.items()})
        return +counts


NO_WORDS = Words()


def counter_for(text: str) -> Count:
    """How words of a text are counted, and of its parts, so that the parts add up to the whole."""
    return count_unspaced if not text.isascii() and UNSPACED.search(text[::SAMPLE_STEP]) else count_spaced


def count_spaced(text: str) -> int:
    """Of a text that was made to be large no list of words is held."""
    return len(text.split()) if len(text) < LONG_CHARS else sum(1 for _ in _WORD.finditer(text))


def count_unspaced(text: str) -> int:
    return count_spaced(text) + sum(1 for _ in UNSPACED.finditer(text))


def accounted(count: Count, total: int, kept: Iterable[str], dropped: Iterable[tuple[str, str]], rest: str) -> Words:
    """The account of texts that were kept and dropped (with the reason); what is not among them went for `rest`."""
    held = sum(map(count, kept))
    gone: Counter[str] = Counter()
    for text, why in dropped:
        gone[why] += count(text)
    gone[rest] += max(0, total - held - gone.total())
    return Words(held + gone.total(), held, dict(+gone))
