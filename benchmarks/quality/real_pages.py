"""Real pages as people labelled them: bodies, titles, days, authors; ours beside other readers in the same run.

Each set keeps the measure of those who made it.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from .labelled import read_lines
from .readers import OURS, PEERS, Reader, Reading
from .scoreboard import Row
from .shingles import mean_score, page_score

Found = list[tuple[str, dict[str, Any], Reading]]
"""A page's id, its labels, and what a reader found."""
Measured = tuple[str, float, list[str]]
"""The name of a measure, its value, and what was missed."""
GOALS = {
    "aeb, body F1": 0.98,
    "traf, strings F1": 0.945,
    "fundus, body F1": 0.965,
    "fundus, titles": 0.90,
    "fundus, same day": 0.98,
    "fundus, authors": 0.87,
    "dates, right": 0.93,
    "dates, not wrong": 0.96,
}


def evaluate_real_pages(data: Path) -> Iterator[Row]:
    """The sets in `data/pages`, each read by us and by the peers that are installed; our rows name the others."""
    absent = ", ".join(peer.name for peer in PEERS if not peer.is_installed)
    for name, measure in MEASURES.items():
        path = data / "pages" / f"{name}.jsonl"
        if not path.is_file():
            continue
        for reader in (OURS, *(peer for peer in PEERS if peer.is_installed and name in peer.sets)):
            found = _read(path, reader)
            for what, value, misses in measure(found):
                goal = GOALS[f"{name}, {what}"] if reader is OURS else None
                note = f"not installed: {absent}" if absent and reader is OURS else ""
                yield Row(f"pages, {name}", f"{what}, {reader.name}", value, len(found), goal, note, tuple(misses))


def _read(path: Path, reader: Reader) -> Found:
    found = []
    for row in read_lines(path):
        page = gzip.decompress((path.parent / row["file"]).read_bytes())
        url = row["url"] if row["url"].startswith("http") else None
        # A peer that fails on a page has found nothing there. Ours must not fail.
        reading = Reading("", "", ())
        with suppress(*(() if reader is OURS else (Exception,))):
            reading = reader.read(page, url)
        found.append((row["id"], row["gold"], reading))
    return found


def _bodies(found: Found) -> Iterator[Measured]:
    """As the Article Extraction Benchmark does: precision and recall averaged over pages, then F1."""
    pages = [(key, gold, reading.body) for key, gold, reading in found if reading.body is not None]
    if pages:
        scores = {key: page_score(gold["body"], body) for key, gold, body in pages}
        worst = sorted(scores, key=lambda key: scores[key].f1)
        misses = [f"{key}: P {scores[key].precision:.2f} R {scores[key].recall:.2f}" for key in worst]
        yield "body F1", mean_score(scores.values()).f1, misses


def _strings(found: Found) -> Iterator[Measured]:
    """As trafilatura's evaluation does: strings that must and must not be in the text, counted over all pages."""
    right = absent = foreign = 0
    misses = []
    for key, gold, reading in found:
        text = _plain(reading.body or "")
        lacking = [string for string in gold["with"] if _plain(string) not in text]
        too_much = [string for string in gold["without"] if _plain(string) in text]
        right += len(gold["with"]) - len(lacking)
        absent += len(lacking)
        foreign += len(too_much)
        misses += [f"{key}: without {string!r}" for string in lacking]
        misses += [f"{key}: with {string!r}" for string in too_much]
    yield "strings F1", 2 * right / (2 * right + absent + foreign), misses


def _articles(found: Found) -> Iterator[Measured]:
    yield from _bodies(found)
    titles = [(key, _plain(gold["title"]), reading.title) for key, gold, reading in found if reading.title is not None]
    if titles:
        missed = [f"{key}: {title!r}, expected {gold!r}" for key, gold, title in titles if _plain(title) != gold]
        yield "titles", 1 - len(missed) / len(titles), missed
    missed = [
        f"{key}: {reading.date or 'none'}, expected {gold['date']}"
        for key, gold, reading in found
        if not _is_same_day(reading.date, gold["date"])
    ]
    yield "same day", 1 - len(missed) / len(found), missed
    names = [(key, gold["authors"], reading.authors) for key, gold, reading in found if reading.authors is not None]
    if names:
        missed = [f"{key}: {authors}, expected {gold}" for key, gold, authors in names if _set(gold) != _set(authors)]
        yield "authors", 1 - len(missed) / len(names), missed


def _dates(found: Found) -> Iterator[Measured]:
    """Days. A page without a labelled one is right without, wrong with any."""
    days = [
        (key, gold["date"] if isinstance(gold["date"], str) else "", reading.date[:10]) for key, gold, reading in found
    ]
    missed = [f"{key}: {day or 'none'}, expected {gold or 'none'}" for key, gold, day in days if day != gold]
    wrong = [f"{key}: {day}, expected {gold or 'none'}" for key, gold, day in days if day not in ("", gold)]
    yield "right", 1 - len(missed) / len(days), missed
    yield "not wrong", 1 - len(wrong) / len(days), wrong


def _is_same_day(found: str, gold: str) -> bool:
    """Whether a moment is on the labelled day, in the label's zone where both have one."""
    with suppress(ValueError):
        moment, labelled = datetime.fromisoformat(found), datetime.fromisoformat(gold)
        if moment.tzinfo and labelled.tzinfo:
            moment = moment.astimezone(labelled.tzinfo)
        return moment.date() == labelled.date()
    return False


def _set(names: object) -> set[str]:
    return {_plain(name).casefold() for name in names} if isinstance(names, (list, tuple)) else set()


def _plain(text: str) -> str:
    """Spaces as one, and no soft hyphens, which labels took from pages and a reader may leave out."""
    return " ".join(text.replace("\xad", "").split())


MEASURES: dict[str, Callable[[Found], Iterator[Measured]]] = {
    "aeb": _bodies,
    "traf": _strings,
    "fundus": _articles,
    "dates": _dates,
}
