"""What people are shown: text of others as harmless characters, and never a secret.

Every door to a terminal, a log, a mail header or a chat goes through here. Imports nothing of newsflow.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote, unquote

MASK = "***"
FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"
_PARTS_OF_WORDS = frozenset(
    # Joiners, which Persian, Indic scripts and emoji need; Arabic and Syriac signs before a number.
    [0x200C, 0x200D, *range(0x0600, 0x0606), 0x06DD, 0x070F, 0x0890, 0x0891, 0x08E2, 0x110BD, 0x110CD]
)


class _Table(dict[int, int | str]):
    """What a character becomes, by its category; filled as characters are met."""

    def __init__(self, kept: str, mark: str = "") -> None:
        """`kept` stay although they control; other format characters become `mark`."""
        super().__init__({ord(char): char for char in kept})
        self._mark = mark

    def __missing__(self, code: int) -> int | str:
        category = unicodedata.category(chr(code))
        found: int | str = code
        if category in ("Cc", "Cs"):
            found = "\ufffd"
        elif category in ("Zl", "Zp"):
            found = " "
        elif category == "Cf" and code not in _PARTS_OF_WORDS:
            found = self._mark
        self[code] = found
        return found


_LINE = _Table("")
_LINES = _Table("\n\t" + FIRST_STRONG_ISOLATE + POP_ISOLATE)
_SAME_LENGTH = _Table("\n", "\ufffd")
_MARKUP = {ord(char): ord(char) + 0xFEE0 for char in "<>&@*_~`|[]\\#"}


def one_line(text: str, max_chars: int = 0) -> str:
    """Return `text` without what would move the cursor, colour the screen or turn the direction around.

    Line ends and tabs become spaces, control characters U+FFFD, format characters go but for those that words are
    written with. Cut at `max_chars` (0: not).
    """
    plain = " ".join(" ".join(text.split()).translate(_LINE).split())
    return plain if not max_chars or len(plain) <= max_chars else plain[: max_chars - 1] + "…"


def isolate(text: str, max_chars: int = 0) -> str:
    """Return `text` as one line whose direction does not affect the text around it.

    A right-to-left title then leaves the columns beside it in place. https://unicode.org/reports/tr9/
    """
    return f"{FIRST_STRONG_ISOLATE}{one_line(text, max_chars)}{POP_ISOLATE}"


def lines(text: str) -> str:
    """Return `text` as by `one_line`, its lines, tabs and what it isolates kept: for text that is put together here."""
    return text.translate(_LINES)


def same_length(text: str) -> str:
    """Return `text` with U+FFFD for each control and format character, lines kept: places in it stay what they are."""
    return text.translate(_SAME_LENGTH)


def chat_text(text: str) -> str:
    """Return one line that no chat reads as markup, a mention or a link with another text: signs that could begin one
    become their wide forms."""
    return one_line(text).translate(_MARKUP)


def chat_url(url: str) -> str:
    """Return a URL that no chat reads as more than that: what could end it or begin markup is percent-encoded."""
    return quote(url, safe=":/?#$&+,=%~-._")


def json_text(text: str) -> str:
    """Return JSON that says the same, with escapes for what a terminal would obey or hide."""
    if text.isascii() and "\x7f" not in text:
        return text
    return "".join(char if _LINES[ord(char)] in (char, ord(char)) else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04x}" for at in range(0, len(units), 2))


# Secrets: whoever resolves one says so here, and no message, log line or answer of a partner shows it from then on.

SHORTEST = 4
"""A shorter secret would hide ordinary words; it is masked only where it is known to stand."""
_secrets: dict[str, None] = {}
_pattern: re.Pattern[str] | None = None


def keep_secret(*texts: str) -> None:
    """Mask these texts, as they are and as they stand in URLs, in all that is shown from now on."""
    global _pattern
    new = {form for text in texts for form in (text, quote(text, safe=""), unquote(text), repr(text)[1:-1])}
    if not (new := {form for form in new if len(form) >= SHORTEST and form not in _secrets}):
        return
    _secrets.update(dict.fromkeys(new))
    _pattern = re.compile("|".join(re.escape(each) for each in sorted(_secrets, key=len, reverse=True)))


def without_secrets(text: str) -> str:
    """Return `text` with the secrets that this process knows masked."""
    return text if _pattern is None else _pattern.sub(MASK, text)
