"""Foreign text on a terminal: one line, harmless, and in its own direction."""

from __future__ import annotations

import unicodedata

FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"
_BIDI = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C])


def isolate(text: str, max_chars: int = 0) -> str:
    """Return `text` as one line whose direction does not leak into what stands around it.

    A right-to-left title then leaves the columns beside it where they are. https://unicode.org/reports/tr9/
    """
    return f"{FIRST_STRONG_ISOLATE}{one_line(text, max_chars)}{POP_ISOLATE}"


def one_line(text: str, max_chars: int = 0) -> str:
    """Return `text` without what would move the cursor, colour the screen or turn the direction around.

    Line ends and tabs become spaces, control characters U+FFFD, direction marks go. Cut at `max_chars` (0: not).
    """
    plain = " ".join(text.translate(_BIDI).split())
    plain = "".join("\ufffd" if unicodedata.category(char) in ("Cc", "Cs") else char for char in plain)
    return plain if not max_chars or len(plain) <= max_chars else plain[: max_chars - 1] + "…"
