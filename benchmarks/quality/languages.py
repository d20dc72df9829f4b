"""How well languages are told: `newsflow eval languages --data DIR`.

The same news in 120 languages (`ntrex/docs.jsonl.gz`), read as the start of an article, as a headline, as a flash of
one line and with an English headline quoted; beside pycld2 and py3langid, where they are installed, in the same run.
Shares are means over languages. `right` is the language of the text, `another` a wrong one; the rest is `und`.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .labelled import evaluate_languages, read_lines
from .scoreboard import Row

FILES = ("ntrex/docs.jsonl.gz", "cases/language.jsonl", "ant_ar.jsonl", "bsnlp2021_slavic.jsonl", "udhr.jsonl")
"""What is looked for in the data folder."""

START_CHARS = 300
SURE = 0.95

LABELS = {
    "afr": "af", "amh": "am", "arb": "ar", "aze": "az", "bak": "ba", "bel": "be", "ben": "bn", "bod": "bo", "bos": "bs",
    "bul": "bg", "cat": "ca", "ces": "cs", "cym": "cy", "dan": "da", "deu": "de", "div": "dv", "dzo": "dz", "ell": "el",
    "eng": "en", "est": "et", "eus": "eu", "ewe": "ee", "fao": "fo", "fij": "fj", "fin": "fi", "fra": "fr", "fuc": "ff",
    "gle": "ga", "glg": "gl", "guj": "gu", "hau": "ha", "heb": "he", "hin": "hi", "hrv": "hr", "hun": "hu", "hye": "hy",
    "ibo": "ig", "ind": "id", "isl": "is", "ita": "it", "jpn": "ja", "kan": "kn", "kat": "ka", "kaz": "kk", "khm": "km",
    "kin": "rw", "kir": "ky", "kmr": "ku", "kor": "ko", "lao": "lo", "lav": "lv", "lit": "lt", "ltz": "lb", "mal": "ml",
    "mar": "mr", "mkd": "mk", "mlg": "mg", "mlt": "mt", "mon": "mn", "mri": "mi", "msa": "ms", "mya": "my", "nde": "nd",
    "nep": "ne", "nld": "nl", "nno": "nn", "nob": "no", "nya": "ny", "orm": "om", "pan": "pa", "pol": "pl", "por": "pt",
    "pus": "ps", "ron": "ro", "rus": "ru", "sin": "si", "slk": "sk", "slv": "sl", "smo": "sm", "sna": "sn", "snd": "sd",
    "som": "so", "spa": "es", "sqi": "sq", "srp": "sr", "ssw": "ss", "swa": "sw", "swe": "sv", "tah": "ty", "tam": "ta",
    "tat": "tt", "tel": "te", "tgk": "tg", "tha": "th", "tir": "ti", "ton": "to", "tsn": "tn", "tuk": "tk", "tur": "tr",
    "uig": "ug", "ukr": "uk", "urd": "ur", "uzb": "uz", "ven": "ve", "vie": "vi", "wol": "wo", "xho": "xh", "yor": "yo",
    "zho": "zh", "zul": "zu",
    # Hassaniya is written as Arabic, Dari as Persian, Cantonese as Chinese: we have no tags for these.
    "fas": "fa", "prs": "fa", "mey": "ar", "yue": "zh",
}  # fmt: skip
"""Our tag for what the file labels; a label without an entry is the tag."""
SAME = {"nb": "no", "tl": "fil", "iw": "he", "zh-Hant": "zh", "un": "und", "jw": "jv"}
"""What a peer calls otherwise."""
ALSO = {"nso": {"st"}}
"""What is right besides: the texts labelled `nso` are Southern Sotho (`hore`, `tsa`; Northern has `gore`, `tša`)."""

NAMES = (
    "Marla Quenby", "Tobias Ferrand, Inga Sollner", "Merrow Harbour Trust", "Ana Belmonte - Luca Ferraris 2:1",
    "Port Selwyn", "Nils Oddvar Brekke", "Kofi Antwi-Danso", "Jean-Luc Moreau / Claire Delacourt", "Lake Ostrava",
    "Harbourside Rovers",
    "Okoro v. Lindqvist", "Sanderling Holdings", "Miguel Arteaga", "Yusuf Demirel", "Brightwater FC 3-0 Eastmoor Town",
    "Piet van der Meulen", "Aoife Ní Bhraonáin", "Zsófia Kertész", "Tran Minh Duc", "Delphine Okafor & Sons",
)  # fmt: skip
"""Names of persons, firms, clubs and places, all invented: in no language."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document of the file: the language of its label, what counts as right, and whether choices were made on it."""

    label: str
    right: frozenset[str]
    chosen_on: bool
    texts: dict[str, str]


@dataclass
class Tally:
    """What was said of the texts of one kind."""

    by_language: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    sure: Counter[bool] = field(default_factory=Counter)
    misses: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def share(self, outcome: str) -> float:
        shares = [counts[outcome] / counts.total() for counts in self.by_language.values()]
        return sum(shares) / max(1, len(shares))

    def languages_right(self, least: float = 0.9) -> int:
        return sum(counts["right"] / counts.total() >= least for counts in self.by_language.values())

    @property
    def count(self) -> int:
        return sum(counts.total() for counts in self.by_language.values())


Detect = Callable[[str], tuple[str, float]]


def evaluate(data: Path) -> Iterator[Row]:
    """The rows of the scoreboard."""
    if (data / FILES[0]).is_file():
        documents = read_documents(data / FILES[0])
        yield from _ours(documents)
        for name, detect in peers():
            yield from _peer(name, detect, documents)
    if (data / FILES[1]).is_file():
        yield _cases(read_lines(data / FILES[1]))
    yield from evaluate_languages(data)


def read_documents(path: Path) -> list[Document]:
    """All documents, with their texts by kind."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    english = {row["doc"]: row["title"] for row in rows if row["lang"] == "eng"}
    return [_document(row, english[row["doc"]]) for row in rows]


def _document(row: dict[str, Any], english: str) -> Document:
    label = row["lang"].partition("-")[0]
    tag = LABELS.get(label, label)
    chosen_on = hashlib.sha256(row["doc"].encode()).digest()[0] % 2 == 1
    texts = {
        "start of the article": "\n".join([row["title"], *row["paragraphs"]])[:START_CHARS],
        "headline": row["title"],
        "flash of one line": row["paragraphs"][0],
        "with an English headline": f"{row['paragraphs'][0]} “{english}”",
    }
    return Document(label, frozenset({tag} | ALSO.get(label, set())), chosen_on, texts)


def peers() -> Iterator[tuple[str, Detect]]:
    """The detectors that are installed beside ours, each with all the languages it knows."""
    if importlib.util.find_spec("pycld2"):
        import pycld2

        def cld2(text: str) -> tuple[str, float]:
            readable = "".join(char if char.isprintable() else " " for char in text)
            sure, _, found = pycld2.detect(readable, isPlainText=True)
            return found[0][1], found[0][2] / 100 if sure else 0.0

        yield "pycld2", cld2
    if importlib.util.find_spec("py3langid"):
        langid: Any = importlib.import_module("py3langid.langid")
        identifier = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)

        def py3langid(text: str) -> tuple[str, float]:
            tag, share = identifier.rank(text)[0]
            return str(tag), float(share)

        yield "py3langid", py3langid


def tally(kind: str, documents: Iterable[Document], detect: Detect) -> Tally:
    """What a detector says of the texts of a kind."""
    found = Tally()
    detect("A few words in English, so that what is read once is read.")
    detect("Несколько слов по-русски")
    for document in documents:
        text = document.texts[kind]
        before = time.process_time()
        said, confidence = detect(text)
        found.seconds += time.process_time() - before
        tag = SAME.get(said, said)
        if tag == "ku" and "ckb" in document.right:
            tag = "ckb"  # a peer's one tag for Kurdish
        outcome = "right" if tag in document.right else "und" if tag == "und" else "another"
        found.by_language[document.label][outcome] += 1
        if tag != "und" and confidence >= SURE:
            found.sure[outcome == "right"] += 1
        if outcome != "right":
            found.misses.append(f"{document.label} -> {tag} ({confidence:.2f}): {text[:80]!r}")
    return found


GOALS = {"start of the article": (0.93, 0.98, 108), "headline": (0.88, 0.96, None)}
"""The least that is right, that is not another, and languages of which nine in ten are right."""
LEAST_A_SECOND = 2500.0


def _ours(documents: Sequence[Document]) -> Iterator[Row]:
    from newsflow.normalise import detect_language

    held_back = [document for document in documents if not document.chosen_on]
    for kind in documents[0].texts:
        goals = GOALS.get(kind, (None, None, None))
        found = tally(kind, documents, detect_language)
        yield from _shares("", kind, found, goals)
        yield from _shares(
            ", documents not chosen on", kind, tally(kind, held_back, detect_language), (None, None, None)
        )
        if kind in GOALS:
            goal = LEAST_A_SECOND if kind == "start of the article" else None
            note = f"{found.seconds / found.count * 1000:.3f} ms each"
            yield Row("languages", f"{kind}, texts a CPU second", found.count / found.seconds, found.count, goal, note)
    sure = [tally(kind, held_back, detect_language).sure for kind in GOALS]
    right, wrong = sum(each[True] for each in sure), sum(each[False] for each in sure)
    name = f"answers of {SURE} and more that are right, documents not chosen on"
    yield Row("languages", name, right / max(1, right + wrong), right + wrong, 0.985)
    named = [name for name in NAMES if detect_language(name)[0] != "und"]
    yield Row("languages", "names alone, nothing said", 1 - len(named) / len(NAMES), len(NAMES), None, "", tuple(named))


def _shares(
    suffix: str, kind: str, found: Tally, goals: tuple[float | None, float | None, int | None]
) -> Iterator[Row]:
    right, not_another, languages = goals
    note = f"another {found.share('another'):.3f}, und {found.share('und'):.3f}"
    yield Row(
        "languages", f"{kind}{suffix}, right", found.share("right"), found.count, right, note, tuple(found.misses)
    )
    if not suffix:
        yield Row("languages", f"{kind}, not another", 1 - found.share("another"), found.count, not_another)
        count = len(found.by_language)
        yield Row("languages", f"{kind}, languages at .9", found.languages_right(), count, languages)


def _peer(name: str, detect: Detect, documents: Sequence[Document]) -> Iterator[Row]:
    for kind in documents[0].texts:
        found = tally(kind, documents, detect)
        note = (
            f"another {found.share('another'):.3f}, {found.languages_right()} languages at .9,"
            f" {found.seconds / found.count * 1000:.3f} ms"
        )
        yield Row("languages", f"{name}: {kind}, right", found.share("right"), found.count, None, note)


def _cases(rows: Sequence[dict[str, Any]]) -> Row:
    from newsflow.normalise import detect_language

    said = [(row, detect_language(row["text"])) for row in rows]
    misses = [
        f"{row['expected']} -> {tag} ({share:.2f}): {row['text']!r}"
        for row, (tag, share) in said
        if tag != row["expected"]
    ]
    return Row("languages", "small cases", 1 - len(misses) / max(1, len(rows)), len(rows), 1.0, "", tuple(misses))
