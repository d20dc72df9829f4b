"""Every common word through all shipped rules: the sweep behind `newsflow eval sweeps`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import wordfreq

from newsflow.model import TopicMatch
from newsflow.tagging import RuleSet
from newsflow.tagging.lint import text_article
from newsflow.tagging.rule import languages_searched
from newsflow.tagging.text import fold

MOST = 50_000
LISTS = tuple(sorted(wordfreq.available_languages("best")))
_TAGS = {"nb": ("no",), "sh": ("sr", "hr")}
"""Languages of articles that a list serves, where it is not called as they are."""

SENTENCES = {
    "ar": "كتب المعلم {} فوق اللوح", "bg": "Учителят написа {} на дъската", "bn": "শিক্ষক বোর্ডে {} লিখলেন",
    "ca": "El mestre va escriure {} a la pissarra", "cs": "Učitel napsal {} na tabuli", "da": "Læreren skrev {} op",
    "de": "Der Lehrer schrieb {} an", "el": "Ο δάσκαλος έγραψε {} στον πίνακα", "en": "The teacher wrote {} there",
    "es": "El maestro escribió {} en la pizarra", "fa": "معلم {} را روی تخته نوشت", "fi": "Opettaja kirjoitti {} taululle",
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
    term: str
    ways: tuple[str, ...]


def ways(word: str, code: str) -> Iterator[tuple[str, str, str]]:
    """Each way of writing a word: its name, a title and a body."""
    start = word[:1].upper() + word[1:]
    sentence = SENTENCES[code]
    yield "alone", "", word
    yield "title", start, ""
    if word.upper() != word:
        yield "capitals", word.upper(), ""
    yield "start", "", f"{start} {sentence.partition('{}')[2].strip()}."
    yield "within", "", f"{sentence.format(word)}."


def words_of(code: str, most: int = MOST) -> list[str]:
    return [word for word in wordfreq.top_n_list(code, most, "best") if fold(word).strip()]


def suspects(rules: RuleSet, words: Sequence[str], tag: str) -> list[str]:
    """Words in which a form of any term of the language stands, its conditions aside."""
    vocabulary = rules.tables.vocabulary
    languages = languages_searched(tag) & vocabulary.languages
    ends: list[int] = []
    parts: list[str] = []
    length = 0
    for word in words:
        folded = fold(word)
        parts.append(folded)
        length += len(folded)
        ends.append(length)
    text = "".join(parts)
    hit = bytearray(length + 1)
    known: dict[int, bool] = {}
    for pattern, start, _ in vocabulary.hits(text):
        if pattern not in known:
            known[pattern] = bool(vocabulary.entries(pattern, languages))
        if known[pattern]:
            hit[start] = 1
    begins = [0, *ends[:-1]]
    return [word for word, begin, end in zip(words, begins, ends, strict=True) if any(hit[begin:end])]


def sweep(rules: RuleSet, code: str, words: Sequence[str]) -> Iterator[Found]:
    """What is found in words of one list, written in five ways."""
    for tag in _TAGS.get(code, (code,)):
        for word in suspects(rules, words, tag):
            found: dict[tuple[str, str], list[str]] = {}
            for way, title, body in ways(word, code):
                for match in rules.match(text_article(body, tag, title)):
                    found.setdefault((match.id, match.evidence[0].term), []).append(way)
            for (topic, term), by in found.items():
                yield Found(tag, word, topic, term, tuple(by))
