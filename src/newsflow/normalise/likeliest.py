"""The likeliest language of a text in one script, by what CLD2 makes of its letters and how frequent its words are.

CLD2 knows some 160 languages, and says itself whether it is sure. Where it is, it is hardly ever wrong in texts of
some length, but for relatives and for languages that it does not know. The frequency of words is surer in short texts
and tells relatives. Each language gets a cost in nats, as if the text were drawn from it; one is said only where it
stands out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from newsflow.normalise.language_words import marks_of, relatives, word_costs, words_of
from newsflow.normalise.scripts import lacked_letters

# ruff: noqa: SIM905 - rows of words read best as rows

LISTED = {
    "Arab": ("ar", "fa", "ur"),
    "Cyrl": ("bg", "mk", "ru", "sr", "uk"),
    "Deva": ("hi",),
    "Hebr": ("he",),
    "Latn": tuple("bs ca cs da de en es fi fil fr hr hu id is it lt lv ms nl no pl pt ro sk sl sr sv tr vi".split()),
}
"""The languages of a script that have a list of words."""
NEIGHBOURS = {
    "ceb": "fil", "co": "it", "crs": "fr", "fy": "nl", "ht": "fr", "mfe": "fr", "oc": "ca", "rm": "it", "sco": "en",
    "war": "fil",
}  # fmt: skip
"""Languages without a list, and the one with a list that their words are like: CLD2 errs to them in short texts."""
TAGS = {"iw": "he", "tl": "fil", "jw": "jv", "zh-Hant": "zh", "bh": "bho", "un": "und"}
"""What CLD2 calls otherwise than we do."""
NEVER = frozenset("ia ie tlh vo xx-Bugi xx-Goth zzp".split())
# Answers that are more often wrong than right in short texts, as hardly any news is written in these languages.
_SELDOM = frozenset("aa ay bi crs gv haw ik iu kha kl la lif na sa sco sg su za".split())
# Scripts of so many languages that a guess among those without a list is more often wrong than right.
_GUESSED_AT = frozenset({"Arab", "Latn"})
_SHOUTED = re.compile(r"\b[A-ZÀ-ÖØ-ÞĀ-ŽА-ЯЁЂ-Џ]{4,}\b")
# Names look English in all languages: without one of its small words a text is hardly a sentence in English.
_ENGLISH = frozenset(
    "after against amid and are back before but by could does first for from gets has have her his how into its more of"
    " off our out over says she should than that the their they this to under was what when who why will with would you"
    " your".split()
)

CLEAR_CHARS = 150
"""In texts this long CLD2 is right where it is sure, but for relatives."""
FEW_WORDS = 5
FLOOR, UNSURE_FLOOR, NAMES_FLOOR, OWN_FLOOR = 0.25, 0.55, 0.8, 0.5
"""How likely what is said must be: where CLD2 is sure or agrees, else, of names alone, and among relatives."""
SHARPNESS = 0.6
"""How much less likely a language gets by a nat that a text costs more. Words depend on each other in long texts."""

# What a word costs. The words of a text cost 6 to 12 each in its own language, where that has a list.
SURE_COST, GUESS_COST = 7.5, 10.0
"""In a language without a list: where CLD2 is sure of it, where it guesses."""
OWN_COST, OWN_MARK, LEAST_MARKS = 12.8, 20.0, 2
"""In a language that only we have marks of, where CLD2 is not sure, and what it costs less for each of them."""
NOBODYS_COST = {"Arab": 13.2, "": 14.0}
"""In none that we know, by script. Berber in Arabic letters is full of Arabic words."""
SURE_NOBODYS_COST = 16.0
"""The same where CLD2 is sure of one."""
NAMES_COST = 0.7
"""More in English where CLD2 is not sure: its list has names of all the world."""

# What a text costs more or less.
SURE_BONUS, GUESS_BONUS, MARK = 6.0, 0.5, 5.0
"""Less: in the language that CLD2 is sure of; a word, up to that, where it guesses; for each word that marks it."""
RELATIVE_COST, LACKED = 4.0, 2.0
"""More: in a language without a list than in its relative; for a letter that the language does not have."""
RARE = {
    "Arab": {"shi": 6.0},
    "Cyrl": {"be": 2.3, "kk": 2.3, "ky": 2.3, "mk": 2.3, "sr": 2.3, "tg": 2.3, "uk": 1.0},
    "Latn": {"bs": 2.0, "sr": 1.0},
}
"""More in languages with less news than their relatives: of a tenth, 2.3."""
# `mlijeko` and `mjesto`, where Serbian mostly has `mleko` and `mesto`.
_IJEKAVIAN = frozenset({"bs", "hr"})
_JAT = re.compile(r"\w+ije[bcčćdđfghklmnprsštvzž]\w*|\w*(?:[cdmpstv]|(?<!o)b)je\w+")


@dataclass(frozen=True, slots=True)
class Guess:
    """What CLD2 says; `sure` when it says so itself."""

    tag: str
    sure: bool


@lru_cache(maxsize=4)  # of an article in Arabic letters it is asked twice
def guess(text: str, script: str) -> Guess:
    """What CLD2 says of a text. It must hold no control characters, lone surrogates or noncharacters."""
    import pycld2

    sure, _, found = pycld2.detect(text, isPlainText=True)
    if found[0][1] == "un":
        sure, _, found = False, 0, pycld2.detect(text, isPlainText=True, bestEffort=True)[2]
    tag = TAGS.get(found[0][1], found[0][1])
    if tag == "ku" and script == "Arab":
        tag = "ckb"
    if tag in NEVER or (tag in _SELDOM and not (sure and len(text) >= CLEAR_CHARS)):
        tag = "und"
    return Guess(tag, sure and tag != "und")


def likeliest(text: str, script: str, candidates: frozenset[str] | None = None) -> tuple[str, float]:
    """(tag, confidence) of the likeliest language, (`und`, 0) where none is; of Cyrillic ones only the candidates."""
    lowered = _SHOUTED.sub(lambda match: match.group().lower(), text)
    found = guess(lowered, script)
    near = _family(found.tag) if found.sure and len(text) >= CLEAR_CHARS else frozenset()
    if near == {found.tag}:
        return found.tag, 0.99
    words = words_of(lowered)
    costs = _Costs(words, found, script).of(text, near)
    if candidates:
        costs = {tag: cost for tag, cost in costs.items() if tag in candidates}
    costs["und"] = len(words) * (
        SURE_NOBODYS_COST if found.sure and script != "Arab" else NOBODYS_COST.get(script, NOBODYS_COST[""])
    )
    best = min(costs, key=costs.__getitem__)
    known, own = _shares(best, costs, len(words))
    told = own >= OWN_FLOOR or _head(best) in LISTED.get(script, ()) or len(text) >= CLEAR_CHARS
    if best == "und" or known < _floor(best, lowered, words, found, script) or not told:
        return "und", 0.0
    return best, known * own


def _shares(best: str, costs: dict[str, float], words: int) -> tuple[float, float]:
    """How likely the text is in the best language or a relative of it, and how likely it is then in that one."""
    sharpness = SHARPNESS / math.sqrt(max(1, words))
    shares = {tag: math.exp(sharpness * (costs[best] - cost)) for tag, cost in costs.items()}
    heads: dict[str, float] = {}
    for tag, share in shares.items():
        heads[_head(tag)] = max(heads.get(_head(tag), 0.0), share)
    return 1 / sum(heads.values()), 1 / sum(share for tag, share in shares.items() if _head(tag) == _head(best))


def _floor(best: str, text: str, words: Sequence[str], found: Guess, script: str) -> float:
    capitalised = len(words) > 1 and not any(word[0].islower() for word in text.split())
    if capitalised and script == "Latn" and len(words) <= FEW_WORDS:
        return NAMES_FLOOR
    if best == "en" and len(words) > FEW_WORDS and _ENGLISH.isdisjoint(words):
        return NAMES_FLOOR
    # A guess of CLD2 that the words agree with is hardly ever wrong.
    return FLOOR if found.sure or best == found.tag or script == "Cyrl" or len(words) <= FEW_WORDS else UNSURE_FLOOR


class _Costs:
    """What a text costs in each language that it may be in."""

    def __init__(self, words: Sequence[str], found: Guess, script: str) -> None:
        self.words, self.found, self.script = words, found, script
        self.marked = marks_of(words)
        self.bonus = SURE_BONUS if found.sure else min(SURE_BONUS, GUESS_BONUS * len(words))
        related = script == "Cyrl" or (script == "Latn" and len(_family(found.tag)) > 1)
        if related and found.tag in LISTED[script]:
            self.bonus /= 3  # words tell a language from its relatives better than CLD2 does

    def of(self, text: str, near: frozenset[str]) -> dict[str, float]:
        """The costs; in those near alone where there are any."""
        costs = word_costs(self.words, [tag for tag in LISTED.get(self.script, ()) if not near or tag in near])
        self._add_what_cld2_says(costs)
        if "en" in costs and not self.found.sure:
            costs["en"] += NAMES_COST * len(self.words)
        for tag in costs if self.script == "Latn" else ():
            costs[tag] += LACKED * lacked_letters(text, tag)
        for tag in costs.keys() & _IJEKAVIAN:
            costs[tag] -= MARK * len(_JAT.findall(text.lower()))
        self._add_relatives(costs, near)
        rare = RARE.get(self.script, {})
        return {tag: cost + rare.get(tag, 0.0) - MARK * self.marked[tag] for tag, cost in costs.items()}

    def _add_what_cld2_says(self, costs: dict[str, float]) -> None:
        tag, sure = self.found.tag, self.found.sure
        if tag in costs:
            costs[tag] -= self.bonus
        elif (neighbour := NEIGHBOURS.get(tag)) in costs:
            costs[tag] = costs[neighbour] - self.bonus
        elif sure or (tag != "und" and (self.script not in _GUESSED_AT or self.marked[tag])):
            costs[tag] = len(self.words) * (SURE_COST if sure else GUESS_COST)

    def _add_relatives(self, costs: dict[str, float], near: frozenset[str]) -> None:
        for tag, relative in relatives().items():
            if (tag in costs and tag != self.found.tag) or (near and tag not in near):
                continue
            if relative in costs:
                base = costs[relative]
                if tag == "gl" and "es" in costs:  # between the two
                    base = (base + min(base, costs["es"])) / 2
                costs[tag] = base + (-self.bonus if tag == self.found.tag else RELATIVE_COST)
            elif tag not in costs and not self.found.sure and self.marked[tag] >= LEAST_MARKS:
                costs[tag] = len(self.words) * OWN_COST - (OWN_MARK - MARK) * self.marked[tag]


def _head(tag: str) -> str:
    """The relative that a language is told from by its marks, else itself."""
    return relatives().get(tag) or tag


@cache
def _family(tag: str) -> frozenset[str]:
    """A language and those that are told from it by their marks."""
    return frozenset({tag, _head(tag)} | {each for each in relatives() if _head(each) == _head(tag)})
