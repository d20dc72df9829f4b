"""Which language a text is in."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

LANGUAGES = tuple(
    "ar az be bg bn bs ca cs da de el en es et fa fi fr he hi hr hu hy id it ja ka kk ko ku ky lt lv mk ms nl no pl ps "
    "pt ro ru sdh sk sl sq sr sv sw ta tg th tr uk ur uz vi zh".split()
)
"""The languages served: what `detect_language` may answer, beside `und`."""

MAX_CHARS = 600
FLOOR = 0.5
_NOISE = re.compile(r"https?://\S+|\S+@\S+|[@#]\w+|\d+")


def detect_language(text: str) -> tuple[str, float]:
    """(BCP 47 tag, confidence from 0 to 1) of a text; (`und`, confidence) when it cannot be told."""
    sample = _NOISE.sub(" ", text[:MAX_CHARS])
    if not any(char.isalpha() for char in sample):
        return "und", 0.0
    tag, confidence = _identifier().classify(sample)
    return (str(tag), float(confidence)) if confidence >= FLOOR else ("und", float(confidence))


@lru_cache(maxsize=1)
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(list(LANGUAGES))
    return identifier
