"""Whether the same news gets the same countries and themes in every language: `newsflow eval places --data DIR`.

News documents, each in many languages (`ntrex/docs.jsonl.gz`), and what each is about, as one reader said of the
English (`ntrex/labels.jsonl`). What is only mentioned or touched is neither right nor wrong as a tag. Parity compares
the tags of an article with those of the English one.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from newsflow.model import TopicMatch
from newsflow.tagging import RuleSet, load_rules
from newsflow.tagging.lint import text_article

from . import ambiguity, themes
from .labelled import read_lines
from .languages import LABELS
from .scoreboard import Row
from .topics import Tally

FILES = ("ntrex/docs.jsonl.gz", "ntrex/labels.jsonl")
"""What is looked for in the data folder."""

_COUNTRIES_IN = (
    "eng arb rus fra fas tur spa deu por ita zho-CN jpn kor heb urd hin ukr pol ces nld swe dan nob fin ell ron hun "
    "bul srp-Cyrl srp-Latn hrv ind vie tha ben swa ckb-Arab aze-Latn kaz amh tam"
)
_THEMES_IN = "eng arb rus fra fas tur spa deu por ita zho-CN ukr heb pol ind"
COUNTRIES_IN, THEMES_IN = _COUNTRIES_IN.split(), _THEMES_IN.split()
"""Forty languages, one of them in two scripts, as the file labels them; and fifteen."""

FIRST_GOAL, GOAL, PRECISION_GOAL = 0.86, 0.78, 0.95
FIRST_LANGUAGES = ("eng", "arb", "fra", "rus")
THEMES_GOAL, THEMES_PRECISION_GOAL, SENTENCES_GOAL, AMBIGUITY_GOAL = 0.75, 0.85, 0.9, 0.95
PARITY_GOAL, LACKED_GOAL = 0.85, 0.97
_MOST_MISSED = 4


@dataclass(frozen=True, slots=True)
class Label:
    """What a document is about; what it only touches or mentions is neither right nor wrong."""

    countries: frozenset[str]
    mentioned: frozenset[str]
    themes: frozenset[str]
    touched: frozenset[str]


class Tagged(NamedTuple):
    """What a document is tagged with in a language."""

    countries: frozenset[str]
    themes: frozenset[str]


Texts = Mapping[str, Mapping[str, dict[str, Any]]]
"""Documents by label of language and by id."""


def evaluate(data: Path) -> Iterator[Row]:
    """The rows of the scoreboard."""
    if not all((data / name).is_file() for name in FILES):
        return
    labels, texts, rules = read_labels(data / FILES[1]), read_texts(data / FILES[0]), load_rules()
    tagged = {label: tags_of(rules, label, texts[label]) for label in COUNTRIES_IN}
    yield from _countries(labels, tagged)
    yield from _parity(tagged)
    yield from _themes(labels, tagged)
    yield from _sentences(rules)
    yield from _names_in_doubt(rules)


def read_labels(path: Path) -> dict[str, Label]:
    names = ("about", "mentioned", "themes", "touched")
    return {row["doc"]: Label(*(frozenset(row[name]) for name in names)) for row in read_lines(path)}


def read_texts(path: Path) -> Texts:
    """The documents in the languages of this evaluation."""
    found: dict[str, dict[str, dict[str, Any]]] = {label: {} for label in COUNTRIES_IN}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            if row["lang"] in found:
                found[row["lang"]][row["doc"]] = row
    return found


def tags_of(rules: RuleSet, label: str, documents: Mapping[str, dict[str, Any]]) -> dict[str, Tagged]:
    """What each document is about in a language."""
    language = label.partition("-")[0]
    tag = LABELS.get(language, language)
    return {doc: _tagged(rules.tag(text_article("\n".join(row["paragraphs"]), tag, row["title"])).topics)
            for doc, row in documents.items()}  # fmt: skip


def _tagged(topics: Iterable[TopicMatch]) -> Tagged:
    countries = frozenset(topic.code for topic in topics if topic.scheme == "iso3166")
    return Tagged(countries, frozenset(topic.id for topic in topics if topic.scheme != "iso3166"))


def is_chosen_on(doc: str) -> bool:
    """Whether weights may be chosen on a document; the others measure."""
    return hashlib.sha256(doc.encode()).digest()[0] % 2 == 1


def _tally(labels: Mapping[str, Label], tagged: Mapping[str, Tagged], docs: Collection[str], kind: str) -> Tally:
    tally = Tally()
    for doc in docs:
        label, tags = labels[doc], tagged[doc]
        if kind == "themes":
            tally.add(set(label.themes), set(tags.themes - (label.touched - label.themes)), doc)
        else:
            tally.add(set(label.countries), set(tags.countries - (label.mentioned - label.countries)), doc)
    return tally


def _missed(tally: Tally) -> str:
    """What is missed and what is wrong most."""
    counts = Counter(line.partition(":")[0] for line in tally.misses)
    return ", ".join(f"{what} {count}" for what, count in counts.most_common(_MOST_MISSED))


def _note(tally: Tally) -> str:
    return f"precision {tally.precision:.3f}, recall {tally.recall:.3f}; {_missed(tally)}"


def _countries(labels: Mapping[str, Label], tagged: Mapping[str, Mapping[str, Tagged]]) -> Iterator[Row]:
    tallies = {label: _tally(labels, tagged[label], labels, "countries") for label in COUNTRIES_IN}
    for label, tally in tallies.items():
        goal = FIRST_GOAL if label in FIRST_LANGUAGES else None
        count = tally.right + tally.missed
        yield Row("places", f"countries in {label}, F1", tally.f1, count, goal, _note(tally), tuple(tally.misses))
    yield _mean("countries, mean F1", [tally.f1 for tally in tallies.values()], GOAL)
    held = [doc for doc in labels if not is_chosen_on(doc)]
    halves = [_tally(labels, tagged[label], held, "countries").f1 for label in COUNTRIES_IN]
    yield _mean("countries, mean F1, documents not chosen on", halves)
    least = min(tallies, key=lambda label: tallies[label].precision)
    value = tallies[least].precision
    yield Row("places", "countries, least precision", value, len(tallies), PRECISION_GOAL, f"in {least}")


def _mean(name: str, values: list[float], goal: float | None = None) -> Row:
    return Row("places", name, sum(values) / len(values), len(values), goal, f"least {min(values):.3f}")


def _parity(tagged: Mapping[str, Mapping[str, Tagged]]) -> Iterator[Row]:
    english = tagged["eng"]
    others = [label for label in COUNTRIES_IN if label != "eng"]
    shared = [_share(english, tagged[label]) for label in others]
    lacked = [_share(tagged[label], english) for label in others]
    yield _mean("countries of the English document that its translation gets", shared, PARITY_GOAL)
    yield _mean("countries of a translation that the English document has too", lacked, LACKED_GOAL)


def _share(of: Mapping[str, Tagged], by: Mapping[str, Tagged]) -> float:
    """Of the countries of documents, the share that others of the same news have too."""
    total = sum(len(tags.countries) for tags in of.values())
    return sum(len(tags.countries & by[doc].countries) for doc, tags in of.items()) / max(1, total)


def _themes(labels: Mapping[str, Label], tagged: Mapping[str, Mapping[str, Tagged]]) -> Iterator[Row]:
    tallies = {label: _tally(labels, tagged[label], labels, "themes") for label in THEMES_IN}
    for label, tally in tallies.items():
        count = tally.right + tally.missed
        yield Row("places", f"themes in {label}, F1", tally.f1, count, None, _note(tally), tuple(tally.misses))
    yield _mean("themes, mean F1", [tally.f1 for tally in tallies.values()], THEMES_GOAL)
    held = [doc for doc in labels if not is_chosen_on(doc)]
    halves = [_tally(labels, tagged[label], held, "themes").f1 for label in THEMES_IN]
    yield _mean("themes, mean F1, documents not chosen on", halves)
    precise = [tally.precision for tally in tallies.values() if tally.right + tally.wrong]
    yield _mean("themes, mean precision", precise, THEMES_PRECISION_GOAL)


def _sentences(rules: RuleSet) -> Iterator[Row]:
    """What is found in sentences of our own words, half of them traps."""
    tallies = {language: themes.tally(rules, language) for language in themes.LANGUAGES}
    misses = tuple(f"{language}: {miss}" for language, tally in tallies.items() for miss in tally.misses)
    for name in ("precision", "recall"):
        least = min(tallies, key=lambda language: getattr(tallies[language], name))
        count = sum(1 for language in tallies for _ in themes.sentences(language))
        value = getattr(tallies[least], name)
        yield Row("places", f"themes in sentences, least {name}", value, count, SENTENCES_GOAL, f"in {least}", misses)


def _names_in_doubt(rules: RuleSet) -> Iterator[Row]:
    """Names that can be another's, or a word, in sentences of our own words."""
    for language in ambiguity.LANGUAGES:
        tally, count = ambiguity.tally(rules, language), sum(1 for _ in ambiguity.sentences(language))
        least, misses = min(tally.precision, tally.recall), tuple(tally.misses)
        name = f"names in doubt in {language}, the lesser of precision and recall"
        yield Row("places", name, least, count, AMBIGUITY_GOAL, _note(tally), misses)
