"""Titles: without the site's name, marks such as `(فيديو)` kept apart."""

from __future__ import annotations

import re

from newsflow.normalise.settle import settle_line

_MARK_WORDS = "فيديو|الفيديو|بالفيديو|صور|بالصور|صورة|شاهد|خاص|عاجل|video|photos?|watch|live|видео|фото|vidéo|vídeo"
_MARK = re.compile(rf"\s*[(\[]((?:{_MARK_WORDS})\b[^()\[\]]{{0,20}})[)\]]\s*", re.IGNORECASE)


def split_title(title: str) -> tuple[str, tuple[str, ...]]:
    """A title without its marks, and the marks (`فيديو إرم`)."""
    settled = settle_line(title)
    marks = tuple(match.group(1).strip() for match in _MARK.finditer(settled))
    bare = " ".join(_MARK.sub(" ", settled).split())
    return (bare, marks) if bare else (settled, ())
