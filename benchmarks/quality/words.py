"""Every common word of the languages that have a list of them, through all shipped rules: none may be tagged but those
that are granted. A word is granted that is spelt as a term of its language and no commoner there than the country is
elsewhere; the others were looked at one by one, and stand with the reason in `granted.txt`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median

import wordfreq

from newsflow.tagging import RuleSet
from newsflow.tagging.forms import OPEN, WITH_PROCLITICS, exact_spellings, forms_language
from newsflow.tagging.lint import text_article
from newsflow.tagging.places.gazetteer import gazetteer
from newsflow.tagging.places.names import stem_of
from newsflow.tagging.rule import languages_searched
from newsflow.tagging.text import fold, fold_cased, unfolded

MOST = 50_000
LISTS = tuple(sorted(wordfreq.available_languages("best")))
_TAGS = {"nb": ("no",), "sh": ("sr", "hr")}
"""Languages of articles that a list serves, where it is not called as they are."""
LIST_OF = {tag: code for code, tags in _TAGS.items() for tag in tags} | {"bs": "sh"}
"""The list of a language that is not called as it."""
_MOST_COMMON = 1.0
"""How much commoner than its country's names usually are, on Zipf's scale, a word is granted unread."""
_SAME_LETTERS = str.maketrans("يك", "یک")
"""Of an Arabic keyboard and of a Persian one."""
_COMPARED = ("cs", "de", "en", "es", "fr", "it", "nl", "pl", "pt", "ru", "sv")

SENTENCES = {
    "ar": "كتب المعلم {} فوق اللوح", "bg": "Учителят написа {} на дъската", "bn": "শিক্ষক বোর্ডে {} লিখলেন",
    "ca": "El mestre va escriure {} a la pissarra", "cs": "Učitel napsal {} na tabuli", "da": "Læreren skrev {} op",
    "de": "Der Lehrer schrieb {} an", "el": "Ο δάσκαλος έγραψε {} στον πίνακα", "en": "The teacher wrote {} there",
    "es": "El maestro escribió {} en la pizarra", "fa": "معلم {} را روی تخته نوشت",
    "fi": "Opettaja kirjoitti {} taululle",
    "fil": "Isinulat ng guro ang {} doon", "fr": "Le professeur écrit {} au tableau", "he": "המורה כתב {} שם",
    "hi": "शिक्षक ने {} लिखा", "hu": "A tanár felírta: {} szépen", "id": "Guru menulis {} di sana",
    "is": "Kennarinn skrifaði {} upp", "it": "Il maestro scrisse {} sul foglio", "ja": "先生は「{}」と書いた",
    "ko": "선생님이 {} 썼다", "lt": "Mokytojas užrašė {} lentoje", "lv": "Skolotājs uzrakstīja {} uz tāfeles",
    "mk": "Учителот напиша {} на табла", "ms": "Guru menulis {} di sana", "nb": "Læreren skrev {} opp",
    "nl": "De leraar schreef {} op", "pl": "Nauczyciel napisał {} tutaj", "pt": "O professor escreveu {} no quadro",
    "ro": "Profesorul a scris {} pe foaie", "ru": "Учитель написал {} на доске", "sh": "Učitelj je napisao {} ovdje",
    "sk": "Učiteľ napísal {} sem", "sl": "Učitelj je napisal {} tja", "sv": "Läraren skrev {} upp",
    "ta": "ஆசிரியர் {} எழுதினார்", "tr": "Öğretmen {} yazdı", "uk": "Учитель написав {} на дошці",
    "ur": "استاد نے {} لکھا", "vi": "Thầy giáo viết {} lên", "zh": "老师写了“{}”两个字",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """A word that is tagged: the topic, the term that did it, and the ways of writing in which it did."""

    language: str
    word: str
    topic: str
    code: str
    term: str
    ways: tuple[str, ...]


def words_of(code: str, most: int = MOST) -> list[str]:
    """The commonest words of a list, those with a letter or digit."""
    return [word for word in wordfreq.top_n_list(code, most, "best") if fold(word).strip()]


def ways(word: str, code: str) -> Iterator[tuple[str, str, str]]:
    """Each way of writing a word: its name, a title and a body."""
    start, sentence = word[:1].upper() + word[1:], SENTENCES[code]
    yield "alone", "", word
    yield "title", start, ""
    if word.upper() != word:
        yield "capitals", word.upper(), ""
    yield "start", "", f"{start} {sentence.partition('{}')[2].strip()}."
    yield "within", "", f"{sentence.format(word)}."


def suspects(rules: RuleSet, words: Sequence[str], tag: str) -> list[str]:
    """Words in which a form of any term of the language stands, its conditions aside, or the name of a place: no other
    can be tagged."""
    vocabulary = rules.tables.vocabulary
    languages = languages_searched(tag) & vocabulary.languages
    folded = [fold(word) for word in words]
    text = "".join(folded)
    hit = bytearray(len(text))
    known: dict[int, bool] = {}
    for pattern, start, _ in vocabulary.hits(text):
        if pattern not in known:
            known[pattern] = pattern < vocabulary.terms and bool(vocabulary.entries_of(pattern, languages))
        hit[start] |= known[pattern]
    found, begin = [], 0
    for word, part in zip(words, folded, strict=True):
        end = begin + len(part)
        written = text_article(word[:1].upper() + word[1:], tag, word.upper())
        if any(hit[begin:end]) or rules.places(rules.scan(written)):
            found.append(word)
        begin = end
    return found


def sweep(rules: RuleSet, code: str, words: Sequence[str]) -> Iterator[Found]:
    """What is found in words of one list, written in five ways."""
    for tag in _TAGS.get(code, (code,)):
        for word in suspects(rules, words, tag):
            found: dict[tuple[str, str, str], list[str]] = {}
            for way, title, body in ways(word, code):
                for match in rules.match(text_article(body, tag, title)):
                    code_of = match.code if match.scheme == "iso3166" else ""
                    found.setdefault((match.id, code_of, match.evidence[0].term), []).append(way)
            for key, by in found.items():
                yield Found(tag, word, *key, tuple(by))


def is_granted(found: Found) -> bool:
    return found.word in granted().get((found.language, found.topic), ()) or (is_spelt(found) and not is_common(found))


def is_spelt(found: Found) -> bool:
    """Whether a word is a form of the term as it is written, or without its accents; what may stand before and behind
    it aside."""
    language = forms_language(found.term, found.language)
    if found.term in names_of_places():  # they are kept folded
        stem, word = stem_of(found.term.removesuffix(OPEN).casefold()), fold(found.word).strip()
        return stem in (word if language in WITH_PROCLITICS else f" {word}"[: len(stem) + 1])
    word = unfolded(found.word)
    plain = word == fold_cased(word).strip()
    word = word.translate(_SAME_LETTERS)
    for form in exact_spellings(found.term, language):
        for each in (form, fold(form).strip()) if plain else (form,):
            each = each.translate(_SAME_LETTERS)
            starts = each if found.term.endswith("*") else f"{each} "
            ends = (each, _merged(each)) if language in WITH_PROCLITICS else f" {each}"
            if word == each or word.startswith(starts) or word.endswith(ends):
                return True
    return False


@cache
def names_of_places() -> frozenset[str]:
    """The names of the gazetteer, as evidence calls them."""
    return frozenset(gazetteer().terms())


def _merged(form: str) -> str:
    """The Arabic article as it stands behind a preposition that takes its first letter."""
    return f"لل{form[2:]}" if form.startswith("ال") else form


def is_common(found: Found) -> bool:
    """Whether a word is much commoner in its language than the names of the country are in others."""
    if not found.code:
        return False
    if found.language in ("ja", "ko", "zh"):  # wordfreq knows these by parts of words
        return False
    frequency = wordfreq.zipf_frequency(found.word, LIST_OF.get(found.language, found.language))
    return frequency > usual_frequency(found.code) + _MOST_COMMON


@cache
def usual_frequency(code: str) -> float:
    """How often a country is named, by the median of languages in which it is one word."""
    from .names import names_of

    frequencies = (
        wordfreq.zipf_frequency(name, language)
        for language in _COMPARED
        for name, codes in names_of(language).items()
        if code in codes and len(name.split()) == 1
    )
    return median([frequency for frequency in frequencies if frequency] or [3.0])


@cache
def granted() -> dict[tuple[str, str], frozenset[str]]:
    """The words that were looked at, by language and topic."""
    found: dict[tuple[str, str], frozenset[str]] = {}
    for line in Path(__file__).with_name("granted.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            head, _, words = line.partition(": ")
            language, topic = head.split()
            found[language, topic] = found.get((language, topic), frozenset()) | frozenset(words.split())
    return found
