"""Which language a text is in: by its script, its letters, then by what CLD2 and the text's words say together.

CLD2 knows some 160 languages by their letters. The frequency of the words in each language is surer in short texts and
between relatives, where there is a list of them. Where both are silent or at odds, nothing is said.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from newsflow.model.languages import SERBO_CROATIAN
from newsflow.normalise.scripts import (
    CYRILLIC,
    ONE_LANGUAGE,
    arabic_letters,
    cyrillic_candidates,
    lacked_letters,
    main_script,
    mend_lookalikes,
    only_script,
)
from newsflow.normalise.words import marks_of, relatives, word_costs, words_of

# ruff: noqa: SIM905 - rows of words read best as rows

LISTED = {
    "Latn": tuple("bs ca cs da de en es fi fil fr hr hu id is it lt lv ms nl no pl pt ro sk sl sr sv tr vi".split()),
    "Cyrl": tuple("bg mk ru sr uk".split()),
    "Arab": ("ar", "fa", "ur"),
    "Deva": ("hi",),
    "Hebr": ("he",),
}
"""The languages of a script that have a list of words."""
_TAGS = {"iw": "he", "tl": "fil", "jw": "jv", "zh-Hant": "zh", "bh": "bho", "un": "und"}
# Languages without a list, and the one with a list that their words are like: CLD2 errs to them in short texts.
_NEIGHBOURS = {
    "ceb": "fil", "co": "it", "crs": "fr", "fy": "nl", "ht": "fr", "mfe": "fr", "oc": "ca", "rm": "it", "sco": "en", "war": "fil",
}  # fmt: skip
_NEVER = frozenset("ia ie tlh vo xx-Bugi xx-Goth zzp".split())
# Answers of CLD2 that are more often wrong than right, as hardly any news is written in these languages.
_SELDOM = frozenset("aa ay bi crs gv haw ik iu kha kl la lif na sa sco sg su za".split())
LANGUAGES = tuple(
    sorted(
        {language for listed in LISTED.values() for language in listed}
        | CYRILLIC
        | set(ONE_LANGUAGE.values())
        | set(
            "af ak am as ay az bem bho bn bo br bs ceb ckb co cy dz ee eo et eu ff fj fo fy ga gd gl gn ha hmn ht ig ja jv ks ku"
            " lb lg ln mfe mg mi mr mt nd ne nn nr nso ny oc om pnb ps qu rm rn rw sd shi skr sm sn so sq ss st sw ti tk tn to"
            " ts ty ug ve war wo xh yi yo zh zu".split()
        )
        | _SELDOM
    )
)
"""What `detect_language` may answer, besides `und`."""

SAMPLE_CHARS = 280
MIN_LETTERS = 4
# Scripts of so many languages that a guess among those without a list is more often wrong than right.
_GUESSED_AT = frozenset({"Arab", "Latn"})
_OWN_ARABIC_LETTERS = frozenset({"ckb", "ps", "sd", "ug"})
FLOOR, UNSURE_FLOOR = 0.25, 0.55
"""What must be likelier than this to be said: where CLD2 is sure, where it is not."""
_NOISE = re.compile(r"https?://\S+|(?<!\S)@?[^\s@]+@\S+|[@#]\w+|[\d_]+")
# What UTF-8 must not hold, and what CLD2 does not take: control characters, lone surrogates, noncharacters.
_UNFIT = re.compile("[^\t\n -~\u00a0-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd]")
_SHOUTED = re.compile(r"\b[A-ZÀ-ÖØ-ÞĀ-ŽА-ЯЁЂ-Џ]{4,}\b")
_HARAKAT = re.compile("[\u064b-\u0652\u0670\u0640]")
_URDU = re.compile(r"(?<!\w)(?:کے|کی|کا|کو|میں|ہے|ہیں|اور|سے|نے|پر|اس|یہ|کہ|گا|تھا)(?!\w)")
_PUNJABI = re.compile(r"(?<!\w)(?:دے|دی|دا|نوں|وچ|اے|تے|نال|توں|نیں|ایہہ|ہووے|کرن|لئی|اوہ|جے|دیاں)(?!\w)")
_SARAIKI = re.compile(
    r"(?<!\w)(?:کوں|وچ|دے|دی|دا|تے|کنوں|ہن|ڈے|کیتے|ہئے|ہے|جو|تھیوے|اوندے|ایں|نہ|کہیں)(?!\w)|[ٻڄݙڳݨڋڻڔ]"
)

# What a word costs, in nats. The words of a text in a language with a list cost 6 to 12 in it.
SURE_COST, GUESS_COST = 7.5, 10.0
"""In a language without a list: where CLD2 is sure of it, where it guesses."""
NOBODYS_COST, ARABIC_NOBODYS_COST = 14.0, 13.2
"""In none that we know. Berber in Arabic letters is full of Arabic words."""
# `mlijeko` and `mjesto`, where Serbian mostly has `mleko` and `mesto`.
_IJEKAVIAN = frozenset({"bs", "hr"})
_JAT = re.compile(r"\w+ije[bcčćdđfghjklmnprsštvzž]\w*|\w*(?:[cdmpstv]|(?<!o)b)je\w+")
SURE_BONUS, MARK = 6.0, 5.0
"""What a text costs less in the language that CLD2 is sure of, and for each word that marks a language."""
GUESS_BONUS, MOST_GUESS_BONUS = 0.5, 6.0
"""The same a word, where CLD2 guesses."""
OWN_COST, OWN_MARK, LEAST_MARKS = 12.8, 20.0, 2
"""In a language that only we have marks of, and how much a mark of it says."""
LACKED = 2.0
"""What a text costs more in a language for each letter that the language does not have."""
NAMES_COST = 0.7
"""What a word costs more in English where CLD2 is not sure: the list of English has names of all the world."""
RARE = {"be": 2.3, "bs": 2.0, "kk": 2.3, "ky": 2.3, "mk": 2.3, "shi": 6.0, "sr": 1.0, "tg": 2.3}
"""What a text costs more in languages with a tenth of the news that their relatives have."""
RELATIVE_COST = 4.0
"""What a text costs more in a language without a list than in its relative, marks apart."""
CLEAR_CHARS = 150
"""Of a text this long CLD2 is not sure and wrong, but for relatives."""
SHARPNESS = 0.6
"""How much less likely a language gets by a nat that a text costs more; of longer texts words depend on each other."""


@dataclass(frozen=True, slots=True)
class Guess:
    """What CLD2 says; `sure` when it says so itself."""

    tag: str
    sure: bool


def detect_language(text: str) -> tuple[str, float]:
    """(BCP 47 tag, confidence from 0 to 1) of a text; (`und`, confidence) when it cannot be told.

    Of a long text the beginning and the middle are read. Kurdish is `ku` in Latin letters, `ckb` in Arabic.
    """
    sample = unicodedata.normalize("NFC", _UNFIT.sub(" ", _NOISE.sub(" ", _sample(text))))
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
        tag, confidence = _read_cyrillic(sample)
    else:
        tag, confidence = likeliest(only_script(sample, script), script)
    return tag, round(confidence, 3)


def _sample(text: str) -> str:
    if len(text) <= 2 * SAMPLE_CHARS:
        return text
    middle = len(text) // 2
    return f"{text[:SAMPLE_CHARS]} {text[middle : middle + SAMPLE_CHARS // 2]}"


def guess(text: str, script: str) -> Guess:
    """What CLD2 says of a text that has no unfit characters."""
    import pycld2

    sure, _, found = pycld2.detect(text, isPlainText=True)
    if found[0][1] == "un":
        sure, _, found = False, 0, pycld2.detect(text, isPlainText=True, bestEffort=True)[2]
    tag = _TAGS.get(found[0][1], found[0][1])
    if tag == "ku" and script == "Arab":
        tag = "ckb"
    if tag in _NEVER or (tag in _SELDOM and not (sure and len(text) >= CLEAR_CHARS)):
        tag = "und"
    return Guess(tag, sure and tag != "und")


def likeliest(text: str, script: str, candidates: frozenset[str] | None = None) -> tuple[str, float]:
    """(tag, confidence) of the likeliest language of a text in one script; of Cyrillic ones only the candidates."""
    cased, text = text, _SHOUTED.sub(lambda match: match.group().lower(), text)
    found = guess(text, script)
    words = words_of(text)
    near = family(found.tag) if found.sure and len(text) >= CLEAR_CHARS else frozenset()
    if near == {found.tag}:
        return found.tag, 0.99
    costs = _costs(cased, words, found, script, near)
    if candidates:
        costs = {tag: cost for tag, cost in costs.items() if tag in candidates or tag not in CYRILLIC}
    costs["und"] = (ARABIC_NOBODYS_COST if script == "Arab" else NOBODYS_COST + 2 * found.sure) * len(words)
    best = min(costs, key=costs.__getitem__)
    sharpness = SHARPNESS / math.sqrt(max(1, len(words)))
    shares = {tag: math.exp(sharpness * (costs[best] - cost)) for tag, cost in costs.items()}
    # Relatives share what speaks for all of them: whether it is one of them is another question than which.
    heads: dict[str, float] = {}
    for tag, share in shares.items():
        heads[head(tag)] = max(heads.get(head(tag), 0.0), share)
    known = 1 / sum(heads.values())
    own = 1 / sum(share for tag, share in shares.items() if head(tag) == head(best))
    # A guess of CLD2 that the words agree with is hardly ever wrong.
    floor = FLOOR if found.sure or best == found.tag or script == "Cyrl" or len(words) <= 5 else UNSURE_FLOOR
    return (best if known >= floor else "und"), known * own


def _costs(text: str, words: Sequence[str], found: Guess, script: str, near: frozenset[str]) -> dict[str, float]:
    """What the text costs in each language that it may be in, in nats; `near` alone where it is some."""
    marked = marks_of(words)
    costs = word_costs(words, [tag for tag in LISTED.get(script, ()) if not near or tag in near])
    bonus = SURE_BONUS if found.sure else min(MOST_GUESS_BONUS, GUESS_BONUS * len(words))
    if script == "Latn" and found.tag in costs and len(family(found.tag)) > 1:
        bonus /= 3  # its words tell a language from its relatives better than CLD2 does
    if found.tag in costs:
        costs[found.tag] -= bonus
    elif (neighbour := _NEIGHBOURS.get(found.tag)) in costs:
        costs[found.tag] = costs[neighbour] - bonus
    elif found.sure or (found.tag != "und" and (script not in _GUESSED_AT or marked[found.tag])):
        costs[found.tag] = len(words) * (SURE_COST if found.sure else GUESS_COST)
    if "en" in costs and not found.sure:
        costs["en"] += NAMES_COST * len(words)
    for tag in costs if script == "Latn" else ():
        costs[tag] += LACKED * lacked_letters(text, tag)
    for tag in costs.keys() & _IJEKAVIAN:
        costs[tag] -= MARK * len(_JAT.findall(text.lower()))
    for tag, relative in relatives().items():
        if tag in costs and tag != found.tag or (near and tag not in near):
            continue
        if relative in costs:
            costs[tag] = costs[relative] + (RELATIVE_COST if tag != found.tag else -bonus)
        if not found.sure and marked[tag] >= LEAST_MARKS and tag not in costs:
            costs[tag] = len(words) * OWN_COST - (OWN_MARK - MARK) * marked[tag]
    return {tag: cost + RARE.get(tag, 0.0) - MARK * marked[tag] for tag, cost in costs.items()}


def head(tag: str) -> str:
    """The relative that a language is told from by its marks, else itself."""
    return relatives().get(tag) or tag


@cache
def family(tag: str) -> frozenset[str]:
    """A language and those that are told from it by their marks."""
    return frozenset({tag, head(tag)} | {each for each in relatives() if head(each) == head(tag)})


def _read_arabic(text: str, letters: Counter[str]) -> tuple[str, float]:
    total = letters["letters"]
    text = only_script(_HARAKAT.sub("", text), "Arab")
    found = guess(text, "Arab")
    if found.sure and found.tag in _OWN_ARABIC_LETTERS:
        return likeliest(text, "Arab")
    if letters["ug"] > 0.08 * total and letters["ug"] > letters["ckb"] and re.search("[ۈۋڭ]|ئۇ|ھە", text):
        return "ug", 0.99
    if letters["ckb"] > 0.04 * total and letters["ckb"] >= letters["ur"]:
        return "ckb", 0.99
    if letters["sd"] <= max(letters["skr"], 0.01 * total) and (letters["ur"] > 0.02 * total or letters["skr"] > 0.01 * total):
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


def _read_cyrillic(text: str) -> tuple[str, float]:
    text = only_script(mend_lookalikes(text), "Cyrl")
    return likeliest(text, "Cyrl", cyrillic_candidates(text))
