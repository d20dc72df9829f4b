"""What a text tells: without its dateline, byline and credit, for where a report is from and whose it is says nothing
of what it says."""

from __future__ import annotations

import re

from newsflow.dedup.words import vocabulary

_HEAD_CHARS, _HEAD_WORDS = 100, 9
_HEAD = re.compile(r"\s*(?P<said>[^\n!?:–—]{2,90}?)\s*(?P<end>:\s|[-–—]+\s|[–—])")
_AGENCY = re.compile(r"\([^()]{2,40}\)|/[^/\n]{2,30}/")
_BYLINE = re.compile(
    r"\s*(?:by|von|por|par|كتب|كتبت|بقلم|автор|авторы|текст)[:\s]+[^\n.]{3,60}(?:\n|:\s)", re.IGNORECASE
)
_TAIL = re.compile(
    r"[\s(\[/*–—-]*(?:(?:(?:additional |further )?(?:reporting|writing|editing|translation|photos?|text) by|by|"
    r"sources?|via|"
    r"credits?:|photos?:|"
    r"تحرير|اعداد|إعداد|كتب|كتبت|بقلم|المصدر|المصادر|تصوير|ترجمه|ترجمة|"
    r"источник|автор|редактор|фото|текст|перевод|подготовил|подготовила|по материалам|"
    r"quelle:|redaktion:|foto:|fuente:|redacción:)(?!\w)[^\n\d]{0,120}|رابط الخبر[^\n]{0,200})\Z",
    re.IGNORECASE,
)
_SIGNED = re.compile(r"(?<=[.!?؟»”\"\s])\s*(?:\([^()\n\d]{2,120}\)|[–—/-]\s*[^\n.\d–—/-]{2,40}/?)[\s.]*\Z")
_SENTENCE_END = re.compile(r"[.!?؟»”\")]\s+(?=\S)")


def told(body: str) -> str:
    """A text without its dateline, byline and credit."""
    start = _head_end(body)
    end = len(body)
    for _ in range(2):
        last = max((found.end() for found in _SENTENCE_END.finditer(body, max(start, end - 300), end - 1)), default=end)
        if last < end and (_TAIL.match(body[last:end]) or _SIGNED.match(body[last:end])):
            end = last
    signed = _SIGNED.search(body, max(start, end - 130), end)
    return body[start : signed.start() + 1 if signed else end]


def _head_end(body: str) -> int:
    start = 0
    if byline := _BYLINE.match(body[:_HEAD_CHARS]):
        start = byline.end()
    for _ in range(3):
        found = _HEAD.match(body[start : start + _HEAD_CHARS])
        if found is None or not _is_dateline(found["said"], found["end"]):
            break
        start += found.end()
    return start


def _is_dateline(said: str, end: str) -> bool:
    words = re.findall(r"\w+", said)
    if len(words) > _HEAD_WORDS or not words:
        return False
    if _AGENCY.search(said) and said.rstrip()[-1:] in ")/":
        return True
    cased = [word for word in words if word[:1].lower() != word[:1].upper()]
    if not cased:
        return len(words) <= 2
    named = all(word[:1].isupper() or word[:1].isdigit() or len(word) <= 2 or word in _MONTHS for word in words)
    return named and (len(words) <= 2 or end.strip() != ":")


_MONTHS = frozenset(month for language in ("ru", "fr", "es") for month in vocabulary(language).months)
