"""Are the parameters of `clean_text` fitted to their pages? `python -m benchmarks.quality.halves --data DIR`

For each of some random halves of the pages the best parameters of a grid are chosen, and measured on the other half,
beside those that are shipped. Takes some minutes.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
from collections.abc import Iterator
from pathlib import Path

from newsflow.normalise import blocks, clean_text

from .pages import STRIPPERS, read_page
from .shingles import Score, mean_score, page_score

GRID = {
    "NO_SENTENCE_FACTOR": (0.5, 0.75, 1.0),
    "MERGE_SHARE": (0.15, 0.25),
    "MERGE_GAP_LINES": (8, 14),
    "THRESHOLD_WORDS": (14, 16),
}
SPLITS = 6
Scores = list[dict[str, Score]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a folder that holds aeb/")
    folder = parser.parse_args().data / "aeb"
    gold = {
        name: entry["articleBody"] for name, entry in json.loads((folder / "ground-truth.json").read_text()).items()
    }
    texts = [{name: strip(read_page(folder, name)) for name in gold} for strip in STRIPPERS.values()]
    shipped = _scores(gold, texts)
    tried = [_scores(gold, texts) for _ in _settings()]
    chosen, as_shipped = [], []
    for here, there in _halves(sorted(gold)):
        best = max(tried, key=lambda scores: _f1(scores, here))
        chosen.append(_f1(best, there))
        as_shipped.append(_f1(shipped, there))
    print(f"shipped, all pages: {_f1(shipped, list(gold)):.4f}")
    print(f"chosen on one half, measured on the other: {sum(chosen) / len(chosen):.4f} ({len(chosen)} halves)")
    print(f"shipped, measured on the same halves: {sum(as_shipped) / len(as_shipped):.4f}")


def _settings() -> Iterator[None]:
    """Set the parameters of each point of the grid in turn; afterwards they are what they were."""
    before = {name: getattr(blocks, name) for name in GRID}
    for values in itertools.product(*GRID.values()):
        for name, value in zip(GRID, values, strict=True):
            setattr(blocks, name, value)
        yield
    for name, value in before.items():
        setattr(blocks, name, value)


def _scores(gold: dict[str, str], texts: list[dict[str, str]]) -> Scores:
    return [{name: page_score(gold[name], clean_text(text).body) for name, text in way.items()} for way in texts]


def _f1(scores: Scores, names: list[str]) -> float:
    return sum(mean_score([way[name] for name in names]).f1 for way in scores) / len(scores)


def _halves(names: list[str]) -> Iterator[tuple[list[str], list[str]]]:
    for seed in range(SPLITS):
        shuffled = random.Random(seed).sample(names, len(names))
        middle = len(names) // 2
        yield shuffled[:middle], shuffled[middle:]
        yield shuffled[middle:], shuffled[:middle]


if __name__ == "__main__":
    main()
