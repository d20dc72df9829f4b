from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from benchmarks.quality.dedup import evaluate
from benchmarks.quality.dedup_corpus import read_corpora, template_pairs, twin_pairs
from benchmarks.quality.dedup_pairs import accepted_pairs, online_pairs
from newsflow.dedup import Relation, compare, fingerprint, relate
from tests.ledger.ledger_helpers import HARBOUR, RIVER

WORDS = [
    f"{first}{last}" for first in ("mar", "tol", "sen", "vid", "kra", "bel") for last in ("ano", "ire", "usk", "elo")
]


def write(path: Path, rows: list[dict[str, str]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def family(seed: int, count: int) -> list[str]:
    """A text and ever more changed copies of it."""
    draw = random.Random(seed)
    text = [draw.choice(WORDS) + str(draw.randrange(40)) for _ in range(120)]
    copies = []
    for _ in range(count):
        copies.append(" ".join(text))
        for _ in range(8):
            text[draw.randrange(len(text))] = "changed"
    return copies


def test_accepted_pairs_are_all_of_them() -> None:
    texts = [each for seed in range(8) for each in family(seed, 8)] + ["Short.", "Short.", "Other."]
    prints, languages = [fingerprint("", text) for text in texts], ["en"] * len(texts)
    expected = {
        (left, right): relation
        for left in range(len(texts))
        for right in range(left + 1, len(texts))
        if (relation := relate(compare(prints[left], prints[right]))) is not Relation.NONE
    }
    assert accepted_pairs(prints, languages) == expected
    assert len(expected) > 100
    assert set(expected.values()) == {Relation.DUPLICATE, Relation.RELATED}
    duplicates = {pair for pair, relation in expected.items() if relation is Relation.DUPLICATE}
    found = online_pairs(prints, languages)
    assert found <= duplicates
    assert len(found) >= 0.985 * len(duplicates)


def test_rows_of_a_small_corpus(tmp_path: Path) -> None:
    day = "2031-05-04T09:00:00Z"
    rows = [
        {"id": "a", "body": HARBOUR, "title": "Dredging of the channel resumes", "source": "one", "published": day},
        {
            "id": "b",
            "body": HARBOUR + " More.",
            "title": "Dredging of the Channel resumes",
            "source": "two",
            "published": day,
        },
        {"id": "c", "body": RIVER, "title": "River leaves its old banks", "source": "one", "published": day},
        {"id": "d", "body": "Rain 12.", "title": "Weather for 4 May, north", "source": "one", "published": day},
        {"id": "e", "body": "Sun 17.", "title": "Weather for 5 May, north", "source": "one", "published": day},
    ]
    write(tmp_path / "own.jsonl", rows)
    (tmp_path / "own.truth").write_text("b a\n", "utf-8")
    write(tmp_path / "titles.jsonl", [{"title": "no body"}])
    [corpus] = read_corpora(tmp_path)
    assert (twin_pairs(corpus), template_pairs(corpus), corpus.planted) == ({(0, 1)}, {(3, 4)}, {(0, 1)})
    found = {row.name: row.value for row in evaluate(tmp_path)}
    of_names = {name for name in found if name.endswith(("one article", "two articles"))}
    assert len(of_names) == 4
    assert {name: value for name, value in found.items() if name not in of_names} == {
        "duplicate pairs, recall": 1.0,
        "duplicate pairs, precision": 1.0,
        "held back, of those with an earlier duplicate": 1.0,
        "held back for a right original": 1.0,
        "planted pairs, recall": 1.0,
        "planted pairs, precision": 1.0,
        "title twins, duplicates": 1.0,
        "title twins, duplicates or related": 1.0,
        "templates left alone": 1.0,
        "random pairs left alone": pytest.approx(9 / 9),
    }


def test_folder_without_articles_gives_no_rows(tmp_path: Path) -> None:
    write(tmp_path / "titles.jsonl", [{"title": "no body"}])
    assert list(evaluate(tmp_path)) == []
