"""Dates, languages, titles and URLs against labelled lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from html import escape
from pathlib import Path
from typing import Any

from .scoreboard import Row

MIN_CHARS = 60
# Central Kurdish in its label, Kurmanji in Latin letters in its text: the tag of both is accepted.
SAME_LANGUAGE = {"ckb": {"ckb", "ku"}}


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def evaluate_dates(data: Path) -> Iterator[Row]:
    """CLDR's own forms, read with the locale's language: those that are right, and those that are not wrong."""
    path = data / "cldr_dates.jsonl"
    if not path.is_file():
        return
    from newsflow.normalise import parse_date

    rows = read_lines(path)
    misses, wrong = [], []
    for row in rows:
        found = parse_date(row["text"], row["locale"].partition("_")[0])
        if found is None:
            misses.append(f"{row['locale']}: {row['text']} -> none")
        elif found.at.replace(tzinfo=None).isoformat()[: len(row["iso"])] != row["iso"]:
            wrong.append(f"{row['locale']}: {row['text']} -> {found.at.isoformat()}")
    right = len(rows) - len(misses) - len(wrong)
    yield Row("dates", "right", right / len(rows), len(rows), 1.0, "", (*wrong, *misses))
    yield Row("dates", "not wrong", 1 - len(wrong) / len(rows), len(rows), 1.0, "", tuple(wrong))


def evaluate_languages(data: Path) -> Iterator[Row]:
    """Arabic articles, Slavic titles, and paragraphs of the Declaration of Human Rights."""
    if (path := data / "ant_ar.jsonl").is_file():
        yield _language_row(
            "Arabic articles", ((f"{row['title']}\n{row['body']}", "ar") for row in read_lines(path)), 0.995
        )
    if (path := data / "bsnlp2021_slavic.jsonl").is_file():
        rows = read_lines(path)
        yield _language_row("Slavic titles", ((row["title"], row["lang"]) for row in rows), 0.97)
        lettered = [row for row in rows if sum(map(str.isalpha, row["title"])) >= 10]
        yield _language_row("Slavic titles of 10 letters", ((row["title"], row["lang"]) for row in lettered), None)
    if (path := data / "udhr.jsonl").is_file():
        rows = [row for row in read_lines(path) if len(row["text"]) >= MIN_CHARS]
        yield _language_row(f"UDHR, {MIN_CHARS} characters", ((row["text"], row["lang"]) for row in rows), 0.98)
        strict = [(row["text"], row["lang"]) for row in rows]
        yield _language_row("UDHR, labels as they are", strict, None, exact=True)


def _language_row(name: str, rows: Iterable[tuple[str, str]], goal: float | None, *, exact: bool = False) -> Row:
    from newsflow.normalise import detect_language

    count, misses = 0, []
    for text, label in rows:
        count += 1
        tag, confidence = detect_language(text)
        accepted = {label} if exact else SAME_LANGUAGE.get(label, {label})
        if tag not in accepted:
            misses.append(f"{label} -> {tag} ({confidence:.2f}): {text[:80]!r}")
    return Row("language", name, 1 - len(misses) / max(1, count), count, goal, "", tuple(misses))


def evaluate_titles(data: Path) -> Iterator[Row]:
    """Titles exactly, from the title element, Open Graph and headings of real pages."""
    path = data / "fundus_titles.jsonl"
    if not path.is_file():
        return
    from newsflow.normalise import extract_html

    rows = read_lines(path)
    misses = []
    for row in rows:
        found = extract_html(title_page(row), row["url"]).title
        if _plain(found) != _plain(row["gold_title"]):
            misses.append(f"{found!r}, expected {row['gold_title']!r}")
    yield Row("titles", "exact", 1 - len(misses) / len(rows), len(rows), 0.72, "", tuple(misses))


def title_page(row: dict[str, Any]) -> str:
    """A page with the title element, Open Graph title and headings of a labelled row."""
    meta = f'<meta property="og:title" content="{escape(row["og_title"] or "", quote=True)}">'
    heads = "".join(f"<h1>{escape(head)}</h1>" for head in row["h1"])
    return f"<html><head><title>{escape(row['html_title'] or '')}</title>{meta}</head><body>{heads}</body></html>"


def _plain(text: str) -> str:
    return " ".join(text.split())


def evaluate_urls(data: Path) -> Iterator[Row]:
    """Canonical forms and front pages; a path in lower case is argued against in docs/reference/quality.md."""
    path = next(iter(sorted(data.glob("url_gold*.json"))), None)
    if path is None:
        return
    from newsflow.model.url import is_homepage
    from newsflow.normalise import canonicalise_url

    gold = json.loads(path.read_text(encoding="utf-8"))
    pairs = [(row["url"], row["expected"]) for row in gold.get("normalize", [])]
    yield _url_row("canonical", pairs, lambda url: canonicalise_url(url))
    yield _url_row("canonical, case aside", pairs, lambda url: canonicalise_url(url).lower(), 1.0)
    homes = [(row["url"], str(row["is_homepage"])) for row in gold.get("homepage", [])]
    yield _url_row("front pages", homes, lambda url: str(is_homepage(canonicalise_url(url))))


def _url_row(name: str, pairs: list[tuple[str, str]], found: Callable[[str], str], goal: float | None = None) -> Row:
    misses = []
    for url, expected in pairs:
        try:
            got = found(url)
        except ValueError as error:
            got = str(error)
        if got != expected:
            misses.append(f"{url} -> {got}, expected {expected}")
    return Row("URLs", name, 1 - len(misses) / max(1, len(pairs)), len(pairs), goal, "", tuple(misses))
