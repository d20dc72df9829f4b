"""How well countries are found: `newsflow eval topics --data DIR`.

Arabic sentences with nations marked (newsfane_ar_sentences.txt, a token a line with its tag), and Slavic articles with
their place names (bsnlp2021_slavic.jsonl). A country counts as found when the article is about it or mentions it. The
Slavic gold has names of countries only: what we find by an adjective or a capital counts against us there, and what
the gazetteer finds by a town or an institution alone is neither right nor wrong.
Where the founding page is (seed/*.txt), its topics are checked too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from babel import Locale

from newsflow.tagging import RuleSet, load_rules, shipped_rules_path
from newsflow.tagging.lint import text_article
from newsflow.tagging.text import fold

from .scoreboard import Row
from .words import names_of_places

FILES = ("newsfane_ar_sentences.txt", "bsnlp2021_slavic.jsonl")
"""What is looked for in the data folder."""

ARABIC_GOAL = 0.93
SLAVIC_GOALS = {"ru": 0.87, "pl": 0.75, "uk": 0.75}

_MORE_ARABIC = {
    "أمريكا": "US", "أميركا": "US", "الولايات المتحدة الأمريكية": "US", "بريطانيا": "GB", "كوريا": "KR",
    "الكونغو": "CD", "الإمارات": "AE", "فلسطين": "PS", "سوريا": "SY", "روسيا البيضاء": "BY", "عمان": "OM",
    "الصين الشعبية": "CN", "المملكة المغربية": "MA", "سريلانكا": "LK", "تايلند": "TH",
}  # fmt: skip
_MORE_RUSSIAN = {"США": "US", "РФ": "RU", "Великобритания": "GB", "Англия": "GB", "КНР": "CN", "ОАЭ": "AE",
                 "Южная Корея": "KR", "соединить Штат": "US", "соединить Штат Америка": "US", "Белоруссия": "BY",
                 "Российская Федерация": "RU", "российский Федерация": "RU"}  # fmt: skip
_MIN_STEM = 5


@dataclass
class Tally:
    """Counts of one collection."""

    right: int = 0
    wrong: int = 0
    missed: int = 0
    misses: list[str] = field(default_factory=list)

    def add(self, gold: set[str], found: set[str], where: str) -> None:
        """Count one text."""
        self.right += len(gold & found)
        self.wrong += len(found - gold)
        self.missed += len(gold - found)
        self.misses += [f"missed {code}: {where}" for code in sorted(gold - found)]
        self.misses += [f"wrong {code}: {where}" for code in sorted(found - gold)]

    @property
    def recall(self) -> float:
        return self.right / max(1, self.right + self.missed)

    @property
    def precision(self) -> float:
        return self.right / max(1, self.right + self.wrong)

    @property
    def f1(self) -> float:
        return 2 * self.right / max(1, 2 * self.right + self.wrong + self.missed)


def evaluate(data: Path) -> Iterator[Row]:
    """The rows of the scoreboard."""
    rules = load_rules()
    if (data / FILES[0]).exists():
        yield from _arabic(rules, data / FILES[0])
    if (data / FILES[1]).exists():
        yield from _slavic(rules, data / FILES[1])
    for page in sorted((data / "seed").glob("*-ar.txt")):
        yield _founding_page(rules, page)


def found_in(rules: RuleSet, text: str, language: str, title: str = "") -> set[str]:
    """ISO codes of the countries that a text is about or mentions."""
    return {code for code, _ in _matches(rules, text, language, title)}


def _matches(rules: RuleSet, text: str, language: str, title: str) -> Iterator[tuple[str, bool]]:
    """Codes of countries, and whether each was found by names of the gazetteer alone."""
    places = names_of_places()
    for match in rules.match(text_article(text, language, title)):
        if match.scheme == "iso3166":
            yield match.code, all(item.term in places for item in match.evidence)


def gold_names(language: str) -> dict[str, str]:
    """Codes by folded name: CLDR's, and the commonest others."""
    territories = Locale.parse(language).territories
    names = {fold(name).strip(): code for code, name in territories.items() if len(code) == 2 and code != "EU"}
    alternatives = (shipped_rules_path().parent / "cldr" / "alternatives.txt").read_text(encoding="utf-8")
    for code, others in re.findall(rf"^(\w+) {language}:(.*)$", alternatives, re.MULTILINE):
        names |= {fold(name).strip(): code for name in others.split(";")}
    more = {"ar": _MORE_ARABIC, "ru": _MORE_RUSSIAN}.get(language, {})
    return names | {fold(name).strip(): code for name, code in more.items()}


def _arabic(rules: RuleSet, file: Path) -> Iterator[Row]:
    names = gold_names("ar")
    tally, unknown = Tally(), 0
    for tokens in _sentences(file):
        nations = _nations(tokens)
        gold = {names[nation] for nation in nations if nation in names}
        unknown += sum(nation not in names for nation in nations)
        text = " ".join(word for word, _ in tokens)
        # Adjectives and cities are not marked as nations here, so only recall can be told.
        tally.add(gold, found_in(rules, text, "ar") & gold, text[:90])
    note = f"{unknown} marked nations are no countries of today or misspelt beyond reading"
    yield Row(
        "topics",
        "Arabic countries, recall",
        tally.recall,
        tally.right + tally.missed,
        ARABIC_GOAL,
        note,
        tuple(tally.misses),
    )


def _sentences(file: Path) -> Iterator[list[tuple[str, str]]]:
    current: list[tuple[str, str]] = []
    for line in [*file.read_text(encoding="utf-8").splitlines(), ""]:
        word, _, tag = line.partition("\t")
        if tag:
            current.append((word.strip("\u200e"), tag))
        elif current:
            yield current
            current = []


def _nations(tokens: Iterable[tuple[str, str]]) -> list[str]:
    found: list[str] = []
    inside = False
    for word, tag in tokens:
        if tag == "B-Nation":
            found.append(word)
        elif tag == "I-Nation" and inside:
            found[-1] += " " + word
        inside = tag.endswith("-Nation")
    return [fold(name).strip() for name in found]


def _slavic(rules: RuleSet, file: Path) -> Iterator[Row]:
    tallies: dict[str, Tally] = {}
    names: dict[str, dict[str, str]] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        language = row["lang"]
        known = names.setdefault(language, gold_names(language))
        places = [entity[:2] for entity in row["entities"] if entity[2] == "LOC"]
        gold = {code for form, lemma in places if (code := _code(form, lemma, known))}
        matches = _matches(rules, row["body"], language, row["title"] or "")
        found = {code for code, by_places in matches if code in gold or not by_places}
        tallies.setdefault(language, Tally()).add(gold, found, row["id"])
    for language, tally in sorted(tallies.items()):
        note = f"precision {tally.precision:.3f}, recall {tally.recall:.3f}"
        count = tally.right + tally.missed
        goal = SLAVIC_GOALS.get(language)
        yield Row("topics", f"countries in {language}, F1", tally.f1, count, goal, note, tuple(tally.misses))


def _code(form: str, lemma: str, names: dict[str, str]) -> str | None:
    """The country a marked place is: by its lemma or form, else by the stem of a one-word name."""
    for text in (lemma, form):
        if (folded := fold(text).strip()) in names:
            return names[folded]
    word = fold(form).strip()
    stem = word[: max(_MIN_STEM, len(word) - 2)]
    near = {code for name, code in names.items() if name.startswith(stem) and abs(len(name) - len(word)) < 3}
    return near.pop() if len(near) == 1 and len(word) >= _MIN_STEM else None


def _founding_page(rules: RuleSet, page: Path) -> Row:
    """1 when the page's topics are as they should be: Syria and Russia first, Libya a mention, no Western Sahara."""
    lines = [line.strip() for line in page.read_text(encoding="utf-8").splitlines() if line.strip()]
    title = next(line for line in lines if "تفاصيل" in line)
    body = "\n".join(line for line in lines[lines.index(title) + 2 :] if len(line) > 60)
    tags = rules.tag(text_article(body, "ar", title))
    first = {topic.id for topic in tags.topics[:2]}
    mentions = {mention.id for mention in tags.mentions}
    seen = {topic.id for topic in tags.topics} | mentions
    right = first == {"syria", "russia"} and "libya" in mentions and "western-sahara" not in seen
    return Row("topics", "the founding page", float(right), 1, 1.0, ", ".join(sorted(seen)))
