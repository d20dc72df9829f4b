"""Which language a text is in: by its script, its letters, then the likeliest of the languages left.

py3langid ranks these by letters. Where it is not sure, the frequency of the text's words in each language decides, and
tells close languages apart where letters do not.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from newsflow.model.languages import OTHER_CODE, SERBO_CROATIAN
from newsflow.normalise.scripts import (
    CYRILLIC,
    ONE_LANGUAGE,
    arabic_letters,
    cyrillic_candidates,
    main_script,
    mend_lookalikes,
    only_script,
)

# ruff: noqa: SIM905 - rows of words read best as rows


if TYPE_CHECKING:
    import numpy
    from py3langid.langid import LanguageIdentifier

    Hashes = numpy.ndarray[tuple[int], numpy.dtype[numpy.int64]]
    Costs = numpy.ndarray[tuple[int], numpy.dtype[numpy.float32]]

UNKNOWN_COST = 17.0
"""What a word costs that a list does not have, in nats: one in 24 million. The rarest words listed cost 13.8."""
MAX_WORDS = 40
_WORD = re.compile(r"[^\W\d_]+(?:['’ʼ][^\W\d_]+)*")
_LATIN_OF_SERBIAN = "a b v g d đ e ž z i j k l lj m n nj o p r s t ć u f h c č dž š".split()
_SERBIAN = str.maketrans(dict(zip("абвгдђежзијклљмнњопрстћуфхцчџш", _LATIN_OF_SERBIAN, strict=True)))
RANKED_CHARS = 260
# A text of so many characters, of which py3langid is so sure, needs no second opinion.
SURE, SURE_CHARS = 0.995, 60
WORD_WEIGHT = 0.8
LEAST_SHARE, MOST_LANGUAGES = 1e-4, 12
_SHOUTED = re.compile(r"\b[A-ZÀ-ÖØ-ÞĀ-ŽА-ЯЁЂ-Џ]{4,}\b")
_LATIN = frozenset("az ca cs da de en es et fi fr hr hu id it ku lt lv nl no pl pt ro sk sl sq sv sw tr uz vi".split())
_ARABIC = frozenset({"ar", "fa", "ps", "ug", "ur"})
LANGUAGES = tuple(
    sorted(_LATIN | _ARABIC | CYRILLIC | set(ONE_LANGUAGE.values()) | set("bs ckb ja ko ms pnb skr sr zh".split()))
)
"""What `detect_language` may answer, besides `und`."""

SAMPLE_CHARS = 280
MIN_LETTERS = 4
FLOOR = 0.33
_NOISE = re.compile(r"https?://\S+|(?<!\S)@?[^\s@]+@\S+|[@#]\w+|[\d_]+")
_URDU = re.compile(r"(?<!\w)(?:کے|کی|کا|کو|میں|ہے|ہیں|اور|سے|نے|پر|اس|یہ|کہ|گا|تھا)(?!\w)")
_PUNJABI = re.compile(r"(?<!\w)(?:دے|دی|دا|نوں|وچ|اے|تے|نال|توں|نیں|ایہہ|ہووے|کرن|لئی|اوہ|جے|دیاں)(?!\w)")
_SARAIKI = re.compile(
    r"(?<!\w)(?:کوں|وچ|دے|دی|دا|تے|کنوں|ہن|ڈے|کیتے|ہئے|ہے|جو|تھیوے|اوندے|ایں|نہ|کہیں)(?!\w)|[ٻڄݙڳݨڋڻڔ]"
)
# A tenth of the news that there is in Russian, Ukrainian and Bulgarian. Of Serbian, what is in Cyrillic.
_RARE = frozenset({"be", "kk", "ky", "mk", "sr", "tg"})
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


@dataclass(frozen=True, slots=True, eq=False)
class WordList:
    """The words of a language as sorted hashes, with what each costs: a tenth of the memory of a dictionary."""

    hashes: Hashes
    costs: Costs

    def cost(self, hashes: Hashes) -> float:
        """Minus the logarithm of the probability of these words, each by itself."""
        indexes = self.hashes.searchsorted(hashes).clip(max=len(self.hashes) - 1)
        known = self.hashes[indexes] == hashes
        return float(self.costs[indexes][known].sum()) + UNKNOWN_COST * int((~known).sum())


def words_of(text: str) -> list[str]:
    """The words of a text in lower case; the first 40."""
    return _WORD.findall(text.lower())[:MAX_WORDS]


def word_costs(words: Sequence[str], languages: Sequence[str]) -> dict[str, float]:
    """What these words cost in each of the languages that have a word list, in nats: the least is the likeliest."""
    import numpy

    plain = numpy.array([hash(word) for word in words], dtype=numpy.int64)
    serbian = numpy.array([hash(word.translate(_SERBIAN)) for word in words], dtype=numpy.int64)
    lists = ((language, _word_list(_list_code(language))) for language in languages)
    return {language: found.cost(serbian if language == "sr" else plain) for language, found in lists if found}


def _list_code(language: str) -> str:
    """The list that has a language's words. Serbian, Croatian and Bosnian share one, in Latin letters."""
    return "sh" if language in SERBO_CROATIAN else OTHER_CODE.get(language, language)


@lru_cache(maxsize=64)
def _word_list(code: str) -> WordList | None:
    """A list of words, or None where there is none. Read when it is first needed, in about 20 ms."""
    import gzip
    from importlib.util import find_spec
    from pathlib import Path

    import msgpack
    import numpy

    # wordfreq itself takes longer to import than a list to read, for what it does besides.
    package = find_spec("wordfreq")
    path = Path(str(package and package.origin)).with_name("data") / f"small_{code}.msgpack.gz"
    if not path.is_file():
        return None
    with gzip.open(path) as packed:
        _, *ranks = msgpack.load(packed)
    # The words at index n have the probability 10 ** (-n / 100).
    pairs = [(hash(word), index) for index, words in enumerate(ranks) for word in words]
    hashes = numpy.array([pair[0] for pair in pairs], dtype=numpy.int64)
    costs = numpy.array([pair[1] for pair in pairs], dtype=numpy.float32) * numpy.float32(numpy.log(10) / 100)
    order = hashes.argsort()
    return WordList(hashes[order], costs[order])


def likeliest(text: str, candidates: frozenset[str], rare: frozenset[str] = frozenset()) -> tuple[str, float]:
    """(tag, probability) of the likeliest candidate. Ten times less news is written in the `rare` languages."""
    if len(candidates) == 1:
        return next(iter(candidates)), 0.99
    text = _SHOUTED.sub(lambda match: match.group().lower(), text[:RANKED_CHARS])
    by_letters = {str(tag): float(share) for tag, share in _identifier(candidates).rank(text)[:MOST_LANGUAGES]}
    best = max(by_letters, key=by_letters.__getitem__)
    if by_letters[best] > SURE and len(text) > SURE_CHARS:
        return best, by_letters[best]
    shares = _with_words(text, _with_priors(by_letters, rare))
    best = max(shares, key=shares.__getitem__)
    return best, shares[best]


def _with_priors(shares: dict[str, float], rare: frozenset[str]) -> dict[str, float]:
    weighed = {tag: share * (0.1 if tag in rare else 1.0) for tag, share in shares.items() if share > LEAST_SHARE}
    total = sum(weighed.values())
    return {tag: share / total for tag, share in weighed.items()}


def _with_words(text: str, shares: dict[str, float]) -> dict[str, float]:
    """The shares of the languages with a word list divided anew, by their words; the others keep theirs."""
    words = words_of(text)
    costs = word_costs(words, tuple(shares)) if words else {}
    if not costs:
        return shares
    scores = {tag: math.log(shares[tag]) - WORD_WEIGHT * cost for tag, cost in costs.items()}
    top, divided = max(scores.values()), sum(shares[tag] for tag in scores)
    weights = {tag: math.exp(score - top) for tag, score in scores.items()}
    total = sum(weights.values())
    return {**shares, **{tag: divided * weight / total for tag, weight in weights.items()}}


@lru_cache(maxsize=64)
def _identifier(candidates: frozenset[str]) -> LanguageIdentifier:
    from copy import copy

    identifier = copy(_model())
    identifier.set_languages(list(candidates & set(identifier.labels)))
    return identifier


@cache
def _model() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def detect_language(text: str) -> tuple[str, float]:
    """(BCP 47 tag, confidence from 0 to 1) of a text; (`und`, confidence) when it cannot be told.

    Of a long text the beginning and the middle are read. Kurdish is `ku` in Latin letters, `ckb` in Arabic.
    """
    sample = _NOISE.sub(" ", _sample(text))
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
    else:
        tag, confidence = _read_cyrillic(sample) if script == "Cyrl" else _read_latin(sample)
    return (tag if confidence >= FLOOR else "und"), round(confidence, 3)


def _sample(text: str) -> str:
    if len(text) <= 2 * SAMPLE_CHARS:
        return text
    middle = len(text) // 2
    return f"{text[:SAMPLE_CHARS]} {text[middle : middle + SAMPLE_CHARS // 2]}"


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
    return likeliest(text, cyrillic_candidates(text), _RARE)


def _read_latin(text: str) -> tuple[str, float]:
    tag, confidence = likeliest(only_script(text, "Latn"), _LATIN)
    lowered = text.lower()
    for language, sibling, own, others in _SIBLINGS:
        if tag == language and len(others.findall(lowered)) > len(own.findall(lowered)):
            return sibling, confidence
    return tag, confidence
