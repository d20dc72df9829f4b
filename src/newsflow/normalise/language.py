"""Which language a text is in: by its script, its letters, then by what CLD2 and the text's words say together."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from newsflow.normalise.likeliest import guess, likeliest
from newsflow.normalise.scripts import (
    ONE_LANGUAGE,
    arabic_letters,
    cyrillic_candidates,
    main_script,
    mend_lookalikes,
    only_script,
)

# ruff: noqa: SIM905 - rows of codes read best as rows

LANGUAGES = tuple(
    sorted(
        set(ONE_LANGUAGE.values())
        | set(
            "aa ab af ak am ar as ay az ba be bem bg bho bi bn bo br bs ca ceb ckb co crs cs cy da de dz ee en eo "
            "es et eu fa ff fi fil fj fo fr fy ga gd gl gn gv ha haw he hi hmn hr ht hu id ig ik is it iu ja jv "
            "kha kk kl ks ku ky la lb lg lif ln lt lv mfe mg mi mk mn mr ms mt na nd ne nl nn no nr nso ny oc om "
            "pl pnb ps pt qu rm rn ro ru rw sa sco sd sg shi sk skr sl sm sn so sq sr ss st su sv sw tg ti tk tn "
            "to tr ts tt ty ug uk ur uz ve vi war wo xh yi yo za zh zu".split()
        )
    )
)
"""What `detect_language` may answer, besides `und`."""

SAMPLE_CHARS = 280
MIN_LETTERS = 4
_NOISE = re.compile(r"https?://\S+|(?<!\S)@?[^\s@]+@\S+|[@#]\w+|[\d_]+")
# What UTF-8 must not hold, and what CLD2 does not take: control characters, lone surrogates, noncharacters.
_UNFIT = re.compile("[^\t\n -~\u00a0-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd]")
# The language of nearly all news in a script, where nothing tells another.
_COMMONEST = {"Beng": "bn", "Deva": "hi", "Ethi": "am", "Hebr": "he", "Tibt": "bo"}
_DOUBTFUL = 0.6
_OWN_LETTERS = frozenset({"ckb", "ps", "sd", "ug"})
_HARAKAT = re.compile("[\u064b-\u0652\u0670\u0640]")
_URDU = re.compile(r"(?<!\w)(?:کے|کی|کا|کو|میں|ہے|ہیں|اور|سے|نے|پر|اس|یہ|کہ|گا|تھا)(?!\w)")
_PUNJABI = re.compile(r"(?<!\w)(?:دے|دی|دا|نوں|وچ|اے|تے|نال|توں|نیں|ایہہ|ہووے|کرن|لئی|اوہ|جے|دیاں)(?!\w)")
_SARAIKI = re.compile(
    r"(?<!\w)(?:کوں|وچ|دے|دی|دا|تے|کنوں|ہن|ڈے|کیتے|ہئے|ہے|جو|تھیوے|اوندے|ایں|نہ|کہیں)(?!\w)|[ٻڄݙڳݨڋڻڔ]"
)


def detect_language(text: str) -> tuple[str, float]:
    """(BCP 47 tag, confidence from 0 to 1) of a text; (`und`, 0) when it cannot be told.

    Of a long text the beginning and the middle are read. Kurdish is `ku` in Latin letters, `ckb` in Arabic.
    """
    sample = _UNFIT.sub(" ", unicodedata.normalize("NFC", _NOISE.sub(" ", _sample(text))))
    chars = Counter(sample)
    script, share = main_script(chars)
    if not script or sum(count for char, count in chars.items() if char.isalpha()) < MIN_LETTERS:
        return "und", 0.0
    if script in ONE_LANGUAGE:
        return ONE_LANGUAGE[script], round(share, 3)
    if script in ("Hani", "Kana"):
        kana = sum(count for char, count in chars.items() if "\u3040" <= char <= "\u30ff")
        return "ja" if kana >= 2 else "zh", round(share, 3)
    if script == "Arab":
        tag, confidence = _read_arabic(sample, arabic_letters(chars))
    elif script == "Cyrl":
        text = only_script(mend_lookalikes(sample), script)
        tag, confidence = likeliest(text, script, cyrillic_candidates(text))
    else:
        tag, confidence = likeliest(only_script(sample, script), script)
    if tag == "und" and script in _COMMONEST:
        tag, confidence = _COMMONEST[script], _DOUBTFUL
    return tag, round(confidence, 3)


def _sample(text: str) -> str:
    if len(text) <= 2 * SAMPLE_CHARS:
        return text
    middle = len(text) // 2
    return f"{text[:SAMPLE_CHARS]} {text[middle : middle + SAMPLE_CHARS // 2]}"


def _read_arabic(text: str, letters: Counter[str]) -> tuple[str, float]:
    total = letters["letters"]
    text = only_script(_HARAKAT.sub("", text), "Arab")
    found = guess(text, "Arab")
    if found.sure and found.tag in _OWN_LETTERS:
        return likeliest(text, "Arab")
    if letters["ug"] > 0.08 * total and letters["ug"] > letters["ckb"] and re.search("[ۈۋڭ]|ئۇ|ھە", text):
        return "ug", 0.99
    if letters["ckb"] > 0.04 * total and letters["ckb"] >= letters["ur"]:
        return "ckb", 0.99
    sindhi = letters["sd"] > max(letters["skr"], 0.01 * total)
    if not sindhi and (letters["ur"] > 0.02 * total or letters["skr"] > 0.01 * total):
        return _urdu_or_punjabi(text, letters["skr"] / total)
    return likeliest(text, "Arab")


def _urdu_or_punjabi(text: str, saraiki_share: float) -> tuple[str, float]:
    counts = {"ur": len(_URDU.findall(text)), "pnb": len(_PUNJABI.findall(text)), "skr": len(_SARAIKI.findall(text))}
    if saraiki_share > 0.008:
        return "skr", 0.95
    if re.search(r"(?<!\w)(?:کوں|کنوں|کیتے)(?!\w)", text):
        counts["skr"] *= 2
    if counts["ur"] >= max(counts["pnb"], counts["skr"]):
        return "ur", 0.97
    return ("skr", 0.9) if counts["skr"] > counts["pnb"] else ("pnb", 0.9)
