# ruff: noqa: SIM905 - rows of words read best as rows
"""Which language a text is in: its script, its letters, then the likeliest of what is left."""

from __future__ import annotations

import re
from collections import Counter

from newsflow.normalise.ranking import likeliest
from newsflow.normalise.scripts import (
    CYRILLIC,
    ONE_LANGUAGE,
    arabic_letters,
    cyrillic_candidates,
    main_script,
    mend_lookalikes,
    only_script,
)

_LATIN = frozenset("az ca cs da de en es et fi fr hr hu id it ku lt lv nl no pl pt ro sk sl sq sv sw tr uz vi".split())
_ARABIC = frozenset({"ar", "fa", "ps", "ug", "ur"})
LANGUAGES = tuple(
    sorted(_LATIN | _ARABIC | CYRILLIC | set(ONE_LANGUAGE.values()) | set("bs ckb ja ko ms pnb skr sr zh".split()))
)
"""What `detect_language` may answer, beside `und`."""

SAMPLE_CHARS = 280
MIN_LETTERS = 4
FLOOR = 0.33
_NOISE = re.compile(r"https?://\S+|\S+@\S+|[@#]\w+|[\d_]+")


def detect_language(text: str) -> tuple[str, float]:
    """(BCP 47 tag, confidence from 0 to 1) of a text; (`und`, confidence) when it cannot be told.

    The first words and the middle of long texts are looked at. Kurdish is `ku` in Latin letters, `ckb` in Arabic.
    """
    sample = _NOISE.sub(" ", _sample(text))
    chars = Counter(sample)
    script, share = main_script(chars)
    if not script or sum(count for char, count in chars.items() if char.isalpha()) < MIN_LETTERS:
        return "und", 0.0
    if script in ONE_LANGUAGE:
        return ONE_LANGUAGE[script], round(share, 3)
    if script in ("Hani", "Kana", "Hang"):
        return _east_asian(chars, script), round(share, 3)
    if script == "Arab":
        tag, confidence = _read_arabic(sample, arabic_letters(chars))
    else:
        tag, confidence = _READERS[script](sample)
    return (tag if confidence >= FLOOR else "und"), round(confidence, 3)


def _sample(text: str) -> str:
    if len(text) <= 2 * SAMPLE_CHARS:
        return text
    middle = len(text) // 2
    return f"{text[:SAMPLE_CHARS]} {text[middle : middle + SAMPLE_CHARS // 2]}"


def _east_asian(chars: Counter[str], script: str) -> str:
    if script == "Hang":
        return "ko"
    return "ja" if sum(count for char, count in chars.items() if "\u3040" <= char <= "\u30ff") >= 2 else "zh"


def _read_arabic(text: str, letters: Counter[str]) -> tuple[str, float]:
    total = letters["letters"]
    if letters["ug"] > 0.08 * total and letters["ug"] > letters["ckb"] and re.search("[ۈۋېڭ]|ئۇ|ھە", text):
        return "ug", 0.99
    if letters["ckb"] > 0.04 * total and letters["ckb"] >= letters["ur"]:
        return "ckb", 0.99
    foreign = sum(letters[language] for language in ("ps", "skr", "ur", "fa", "sd"))
    if foreign <= 0.01 * total and letters["ar"] >= 0.03 * total:
        return "ar", 0.99
    if letters["ur"] > 0.02 * total or letters["skr"] > 0.01 * total:
        return _urdu_or_punjabi(text, letters["skr"] / total)
    return likeliest(only_script(text, "Arab"), _ARABIC)


_URDU = re.compile(r"(?<!\w)(?:کے|کی|کا|کو|میں|ہے|ہیں|اور|سے|نے|پر|اس|یہ|کہ|گا|تھا)(?!\w)")
_PUNJABI = re.compile(r"(?<!\w)(?:دے|دی|دا|نوں|وچ|اے|تے|نال|توں|نیں|ایہہ|ہووے|کرن|لئی|اوہ|جے|دیاں)(?!\w)")
_SARAIKI = re.compile(
    r"(?<!\w)(?:کوں|وچ|دے|دی|دا|تے|کنوں|ہن|ڈے|کیتے|ہئے|ہے|جو|تھیوے|اوندے|ایں|نہ|کہیں)(?!\w)|[ٻڄݙڳݨڋڻڔ]"
)


def _urdu_or_punjabi(text: str, saraiki_share: float) -> tuple[str, float]:
    counts = {"ur": len(_URDU.findall(text)), "pnb": len(_PUNJABI.findall(text)), "skr": len(_SARAIKI.findall(text))}
    if saraiki_share > 0.008:
        return "skr", 0.95
    if re.search(r"(?<!\w)(?:کوں|کنوں|کیتے)(?!\w)", text):
        counts["skr"] *= 2
    if counts["ur"] >= max(counts["pnb"], counts["skr"]):
        return "ur", 0.97
    return ("skr", 0.9) if counts["skr"] > counts["pnb"] else ("pnb", 0.9)


# A tenth of the news that there is in Russian, Ukrainian and Bulgarian; Serbian for what is not in Latin letters.
_RARE = frozenset({"be", "kk", "ky", "mk", "sr", "tg"})


def _read_cyrillic(text: str) -> tuple[str, float]:
    text = only_script(mend_lookalikes(text), "Cyrl")
    return likeliest(text, cyrillic_candidates(text), _RARE)


# Close siblings, told apart by words rather than by the model: (from, to, words of `from`, words of `to`).
_SIBLINGS = (
    (
        "id",
        "ms",
        re.compile(
            r"\b(?:bahwa|karena|setiap|berhak|tidak|adalah|dengan|oleh|kepada|tersebut|akan|yang akan|saat|telah)\b"
        ),
        re.compile(
            r"\b(?:bahawa|kerana|ialah|hendaklah|mana-mana|tiada|berkata|beliau|sebarang|kerajaan|polis|boleh)\b"
        ),
    ),
    (
        "hr",
        "sr",
        re.compile(
            r"\b(?:tko|što|gdje|prije|uvijek|vijest\w*|svijet\w*|tjed\w+|tisuć\w*|predsjed\w+|općin\w*|cijel\w+|mjest\w+|lijep\w*)\b"
        ),
        re.compile(
            r"\b(?:ko|šta|gde|pre|uvek|vest\w*|svet\w*|nedelj\w*|hiljad\w*|predsed\w+|opštin\w*|ceo|cel\w+|mest\w+|lep\w*|deca)\b"
        ),
    ),
)


def _read_latin(text: str) -> tuple[str, float]:
    tag, confidence = likeliest(only_script(text, "Latn"), _LATIN)
    lowered = text.lower()
    for language, sibling, own, others in _SIBLINGS:
        if tag == language and len(others.findall(lowered)) > len(own.findall(lowered)):
            return sibling, confidence
    return tag, confidence


_READERS = {"Cyrl": _read_cyrillic, "Latn": _read_latin}
