"""Pages and texts a second, beside bare trafilatura and a bare loop: `python benchmarks/normalise.py [--data DIR]`.

Without data the pages are made by rule; with data they are those of `pages/`, or of `aeb/` where that is not there. The
contenders take turns, round by round, so that what else the machine does falls on all alike; the median round counts.
CPU time is measured, and wall time for pages through worker processes.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.pages import page_files
from newsflow.model import RawArticle
from newsflow.normalise import detect_language, extract_html, normalise
from newsflow.normalise.encodings import decode_bytes
from newsflow.sandbox import Normaliser, SandboxLimits

URL = "https://merrow.example/a/1"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SENTENCE = "The harbour council of Merrow met on Tuesday and agreed to repair the {} sea wall before winter number {}."
ARABIC = "أعلن مجلس ميناء مرو يوم الثلاثاء أنه سيرمم الجدار البحري رقم {} قبل حلول الشتاء في المدينة القديمة {}."


WITH_METADATA = "bare trafilatura (fast, metadata)"
"""As one calls it who wants what `extract_html` gives."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="labelled data: pages of pages/ or aeb/, texts of ant_ar.jsonl")
    parser.add_argument("--pages", type=int, default=200, help="at most so many pages, from all sets alike")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    pages, texts = _pages(arguments.data), _texts(arguments.data)
    pages = pages[:: -(-len(pages) // arguments.pages)]
    size = statistics.median(len(page) for page in pages)
    print(f"{len(pages)} pages (median {size:.0f} characters)")
    _report(_measure(_page_contenders(pages), len(pages), arguments.rounds), WITH_METADATA)
    limits = SandboxLimits()
    print(f"  {f'through {limits.workers} worker processes':<40} {sandboxed(pages, limits):10.0f} /s of wall time")
    size = statistics.median(len(text) for text in texts)
    print(f"\n{len(texts)} short texts (median {size:.0f} characters)")
    _report(_measure(_text_contenders(texts), len(texts), arguments.rounds), "bare loop (split and hash)")


def _page_contenders(pages: Sequence[str]) -> dict[str, Callable[[], object]]:
    import trafilatura

    raws = [_raw(page, "text/html", number) for number, page in enumerate(pages)]
    return {
        "bare trafilatura (fast)": lambda: [trafilatura.extract(page, fast=True) for page in pages],
        "bare trafilatura (fast, no comments)": lambda: [
            trafilatura.extract(page, fast=True, include_comments=False) for page in pages
        ],
        WITH_METADATA: lambda: [
            trafilatura.bare_extraction(page, URL, fast=True, include_comments=False, with_metadata=True)
            for page in pages
        ],
        "extract_html": lambda: [extract_html(page, URL) for page in pages],
        "extract_html and detect_language": lambda: [_with_language(page) for page in pages],
        "normalise": lambda: [normalise(raw, None, NOW) for raw in raws],
    }


def _with_language(page: str) -> str:
    found = extract_html(page, URL)
    return detect_language(f"{found.title}\n{found.body}")[0]


def _text_contenders(texts: Sequence[str]) -> dict[str, Callable[[], object]]:
    raws = [_raw(text, "text/plain", number) for number, text in enumerate(texts)]
    return {
        "bare loop (split and hash)": lambda: [
            hashlib.blake2b(" ".join(text.split()).encode()).digest() for text in texts
        ],
        "normalise": lambda: [normalise(raw, None, NOW) for raw in raws],
    }


def _measure(contenders: dict[str, Callable[[], object]], count: int, rounds: int) -> dict[str, float]:
    """Items a CPU second of each contender: the median round."""
    for run in contenders.values():
        run()
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            start = time.process_time()
            run()
            seconds[name].append(time.process_time() - start)
    return {name: count / statistics.median(taken) for name, taken in seconds.items()}


def _report(rates: dict[str, float], base: str) -> None:
    for name, rate in rates.items():
        print(f"  {name:<40} {rate:10.0f} /s   {rate / rates[base]:6.2f} of {base}")


def sandboxed(pages: Sequence[str], limits: SandboxLimits) -> float:
    """Pages a second of wall time through worker processes."""
    jobs = [(_raw(page, "text/html", number), None, NOW) for number, page in enumerate(pages)]
    with Normaliser(limits) as normaliser:
        normaliser.normalise_many(jobs)
        start = time.perf_counter()
        normaliser.normalise_many(jobs * 3)
        return 3 * len(jobs) / (time.perf_counter() - start)


def _raw(content: str, content_type: str, number: int) -> RawArticle:
    return RawArticle("merrow-post", NOW, content_type, content, url=f"https://merrow.example/a/{number}")


def _pages(data: Path | None) -> list[str]:
    if data is not None and (data / "pages").is_dir():
        return [decode_bytes(gzip.decompress(file.read_bytes())) for file in page_files(data / "pages")]
    if data is not None and (data / "aeb" / "html").is_dir():
        files = sorted((data / "aeb" / "html").glob("*.html.gz"))
        return [gzip.decompress(file.read_bytes()).decode("utf-8", "replace") for file in files]
    return [_made_page(number) for number in range(40)]


def _made_page(number: int) -> str:
    links = "".join(
        f"<li class='menu-item'><a href='/n/{each}'>Tides and ferries {each}</a></li>" for each in range(120)
    )
    teasers = "".join(
        f"<div class='teaser'><h3><a href='/t/{each}'>Other news {each}</a></h3></div>" for each in range(60)
    )
    body = "".join(f"<p>{' '.join(SENTENCE.format(each, number) for _ in range(4))}</p>" for each in range(12))
    head = (
        f"<title>Harbour wall {number} | Merrow Post</title><meta property='og:title' content='Harbour wall {number}'>"
    )
    return (
        f"<html lang='en'><head>{head}<script>{'var a=1;' * 2000}</script></head><body><nav><ul>{links}</ul></nav>"
        f"<article><h1>Harbour wall {number}</h1>{body}</article><aside>{teasers}</aside><footer>© Merrow</footer>"
    )


def _texts(data: Path | None) -> list[str]:
    if data is not None and (data / "ant_ar.jsonl").is_file():
        rows = [json.loads(line) for line in (data / "ant_ar.jsonl").read_text(encoding="utf-8").splitlines()]
        return [f"{row['title']}\n\n15 ديسمبر 2024، 5:21 م\n\n{row['body']}" for row in rows]
    return [
        f"ترميم الجدار البحري {number}\n\n15 ديسمبر 2024، 5:21 م\n\n"
        + "\n".join(ARABIC.format(number, each) for each in range(6))
        for number in range(400)
    ]


if __name__ == "__main__":
    main()
