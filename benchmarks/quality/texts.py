"""Clean articles: how many of their words stay, with and without their headline; and fragments as feeds have them."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from .labelled import read_lines
from .scoreboard import Row

SETS = ("reuters", "saudi", "bsnlp")
KEPT, WHOLE, TITLES = 0.995, 0.997, 0.95
MOSTLY = 0.9
FRAGMENT_CHARS = 250
NOW = datetime(2026, 1, 1, tzinfo=UTC)
_WORD = re.compile(r"\w+")
_TATWEEL = "\u0640"
_SITE = re.compile(r"\s+[|]\s.*")
_SENTENCE = re.compile(r"(?<=[.!?؟。])\s+")


@dataclass(frozen=True)
class Text:
    """An article of one of the sets: what is sent, the hint that goes with it, and what should come of it."""

    content: str
    headline: str | None
    title: str | None
    body: str
    content_type: str = "text/plain"


def evaluate_texts(data: Path) -> Iterator[Row]:
    """`data` holds `texts/`, a file of lines with `title` and `body` a set."""
    sets = {name: path for name in SETS if (path := data / "texts" / f"{name}.jsonl").is_file()}
    if not sets:
        return
    articles = {name: [(row.get("title"), row["body"]) for row in read_lines(path)] for name, path in sets.items()}
    for name, rows in articles.items():
        yield from _words_kept(name, [Text(body, title, title, body) for title, body in rows])
        alone = [Text(f"{title.strip()}\n\n{body}", None, title, body) for title, body in rows if title]
        yield from _words_kept(f"{name}, no hint", alone)
        yield _titles_found(name, alone)
    every = [row for rows in articles.values() for row in rows]
    yield from _words_kept("all", [Text(body, title, title, body) for title, body in every])
    for media_type in ("text/html", "text/plain"):
        for how, tag in (("with tags", True), ("without tags", False)):
            texts = [_fragment(title, body, media_type, tag=tag) for title, body in every]
            yield from _words_kept(f"fragments {how}, {media_type}", texts)


def _fragment(title: str | None, body: str, media_type: str, *, tag: bool) -> Text:
    """The first sentences of an article, as the description of a feed item."""
    sentences: list[str] = []
    for sentence in _SENTENCE.split(" ".join(body.split())):
        sentences.append(sentence)
        if sum(map(len, sentences)) >= FRAGMENT_CHARS:
            break
    text = " ".join(sentences)
    escaped = escape(text, quote=False) if media_type == "text/html" or tag else text
    return Text(f"<p>{escaped}</p>" if tag else escaped, title, title, text, media_type)


def _words_kept(name: str, texts: list[Text]) -> Iterator[Row]:
    from newsflow.model import Article

    kept = total = 0
    shares: list[tuple[float, str]] = []
    for text in texts:
        found = _read(text)
        expected = Counter(_words(text.body))
        read = "" if not isinstance(found, Article) else found.body if text.title else f"{found.title}\n{found.body}"
        got = Counter(_words(read))
        both, count = (expected & got).total(), expected.total()
        kept, total = kept + both, total + count
        shares.append((both / count if count else 1.0, f"{both} of {count} words: {text.title!r}"))
    whole = sum(share >= MOSTLY for share, _ in shares) / max(1, len(shares))
    misses = tuple(miss for share, miss in sorted(shares) if share < 1)
    yield Row("texts", f"{name}: words kept", kept / max(1, total), len(texts), KEPT, "", misses)
    yield Row("texts", f"{name}: articles that keep {MOSTLY:.0%}", whole, len(texts), WHOLE)


def _titles_found(name: str, texts: Iterable[Text]) -> Row:
    from newsflow.model import Article

    count, misses = 0, []
    for text in texts:
        count += 1
        found = _read(text)
        title = found.title if isinstance(found, Article) else ""
        expected = text.title or ""
        if _words(title) not in (_words(expected), _words(_SITE.sub("", expected))):
            misses.append(f"{title!r}, expected {text.title!r}")
    return Row("texts", f"{name}, no hint: titles", 1 - len(misses) / max(1, count), count, TITLES, "", tuple(misses))


def _words(text: str) -> list[str]:
    """The words as they are settled: without what only stretches them."""
    return _WORD.findall(unicodedata.normalize("NFC", text.replace(_TATWEEL, "")))


def _read(text: Text) -> object:
    from newsflow.model import RawArticle
    from newsflow.normalise import normalise

    raw = RawArticle("texts", NOW, text.content_type, text.content, guid="1", title=text.headline)
    return normalise(raw, None, NOW)
