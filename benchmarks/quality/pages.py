"""Bodies of news pages: with their tags, and after these were stripped in four ways."""

from __future__ import annotations

import gzip
import html
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from .scoreboard import Row
from .shingles import Score, mean_score, page_score

_HIDDEN = re.compile(r"<(script|style|noscript)\b.*?</\1\s*>|<!--.*?-->", re.IGNORECASE | re.DOTALL)
_BLOCK = re.compile(
    r"</?(?:p|div|h[1-6]|li|ul|ol|br|tr|td|section|article|header|footer|nav|aside|main|blockquote|figure|figcaption|title)\b"
    r"[^>]*>",
    re.IGNORECASE,
)
_TAG = re.compile(r"<[^>]+>")

STRIPPERS: dict[str, Callable[[str], str]] = {
    "block tags to lines": lambda page: html.unescape(_TAG.sub("", _BLOCK.sub("\n", _HIDDEN.sub("", page)))),
    "every tag to a line": lambda page: html.unescape(_TAG.sub("\n", _HIDDEN.sub("", page))),
    "lines of the source": lambda page: html.unescape(_TAG.sub("", _HIDDEN.sub("", page))),
    "scripts left in": lambda page: html.unescape(_TAG.sub("\n", page)),
}


def evaluate_pages(data: Path) -> Iterator[Row]:
    """Body F1 beside bare trafilatura in the same run; `data` holds `aeb/` as the Article Extraction Benchmark does."""
    folder = data / "aeb"
    if not (folder / "ground-truth.json").is_file():
        return
    import trafilatura

    from newsflow.normalise import clean_text, extract_html

    gold = json.loads((folder / "ground-truth.json").read_text(encoding="utf-8"))
    pages = {name: read_page(folder, name) for name in gold}
    texts = {name: entry["articleBody"] for name, entry in gold.items()}
    urls = {name: entry.get("url") for name, entry in gold.items()}

    bare = {name: trafilatura.extract(page, url=urls[name], fast=True) or "" for name, page in pages.items()}
    lean = {
        name: trafilatura.extract(page, url=urls[name], fast=True, include_comments=False) or ""
        for name, page in pages.items()
    }
    ours = {name: extract_html(page, urls[name]).body for name, page in pages.items()}
    floor = max(_f1(texts, bare), _f1(texts, lean))
    yield _row("bare trafilatura (fast)", texts, bare)
    yield _row("bare trafilatura (fast, no comments)", texts, lean)
    yield _row("extract_html", texts, ours, max(floor, 0.96))
    for name, strip in STRIPPERS.items():
        found = {key: clean_text(strip(page)).body for key, page in pages.items()}
        yield _row(f"clean_text, {name}", texts, found, 0.82)


def read_page(folder: Path, name: str) -> str:
    return gzip.decompress((folder / "html" / f"{name}.html.gz").read_bytes()).decode("utf-8", "replace")


def _scores(gold: dict[str, str], found: dict[str, str]) -> dict[str, Score]:
    return {name: page_score(text, found[name]) for name, text in gold.items()}


def _f1(gold: dict[str, str], found: dict[str, str]) -> float:
    return mean_score(_scores(gold, found).values()).f1


def _row(name: str, gold: dict[str, str], found: dict[str, str], goal: float | None = None) -> Row:
    scores = _scores(gold, found)
    mean = mean_score(scores.values())
    worst = sorted(scores, key=lambda key: scores[key].f1)
    misses = tuple(f"{key[:12]} P {scores[key].precision:.2f} R {scores[key].recall:.2f}" for key in worst)
    return Row("body F1", name, mean.f1, len(gold), goal, f"P {mean.precision:.4f} R {mean.recall:.4f}", misses)
