"""Articles a second against 250, 10,000 and 100,000 rules: newsflow, Lucene Monitor, a loop of regular expressions.

    python benchmarks/topics.py --data DIR [--sizes 250,10000,100000] [--articles N] [--without-lucene]

DIR holds articles_1000.jsonl (`id`, `body`). Rules are made from the words of the articles: 2 to 4 alternatives, a
third of them phrases, a second required clause, an exclusion, half of them with proximity. All three get the same
articles and rules in the same run, on one thread, and time is CPU time. Lucene gets the text folded and cut into
tokens, so it does not pay for that; newsflow does, and makes evidence too. Matches are compared, rule by rule and
article by article.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from newsflow.model import Article, PublicationDate
from newsflow.tagging import RuleSet, read_rules, shipped_rules_path
from newsflow.tagging.text import fold

HERE = Path(__file__).parent
SEED = 20240601
PASSES = 2
REGEX_LIMIT = 250
COMMON_SHARE = 0.03
"""Words of more than this share of the articles are nobody's search terms."""

Rules = list[dict[str, Any]]
Matches = dict[str, set[str]]


@dataclass(frozen=True)
class Result:
    """What one engine took. Bytes are those its rules keep; None where not measured."""

    engine: str
    rules: int
    build_cpu_s: float
    memory_mb: float | None
    articles_per_cpu_s: float
    matches: int


def read_articles(data: Path) -> list[Article]:
    """The articles of articles_1000.jsonl, titles empty as they come."""
    when = datetime(2024, 1, 1, tzinfo=UTC)
    date = PublicationDate(when, "explicit", "meta", "")
    with (data / "articles_1000.jsonl").open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [Article("bench", "", row["body"], "en", date, when, id=row["id"]) for row in rows]


def make_rules(articles: list[Article], count: int) -> Rules:
    """`count` rules from the words of the articles; the same for the same articles and count."""
    rng = random.Random(SEED)
    texts = [fold(article.body).split() for article in articles]
    spread = Counter(word for text in texts for word in set(text))
    common = {word for word, articles_with in spread.items() if articles_with > COMMON_SHARE * len(texts)}
    return [_make_rule(rng, texts, common, number) for number in range(count)]


def _make_rule(rng: random.Random, texts: list[list[str]], common: set[str], number: int) -> dict[str, Any]:
    text = rng.choice(texts)

    def word() -> str:
        while True:
            found = rng.choice(text if rng.random() < 0.5 else rng.choice(texts))
            if found not in common and len(found) > 2 and found.isalpha():
                return found

    def phrase() -> str:
        while True:
            own = rng.choice(texts)
            place = rng.randrange(len(own) - 1)
            pair = own[place : place + 2]
            if not common.issuperset(pair) and all(part.isalpha() for part in pair):
                return " ".join(pair)

    alternatives = [phrase() if rng.random() < 1 / 3 else word() for _ in range(rng.randint(2, 4))]
    rule: dict[str, Any] = {"id": f"s{number}", "any": alternatives, "all": [word(), word()], "none": [word()]}
    if rng.random() < 0.5:
        rule["within"] = rng.randint(5, 20)
    return rule


def as_newsflow(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule of the benchmark in newsflow's rule language."""
    written: dict[str, Any] = {"id": rule["id"], "none": rule["none"]}
    if "within" in rule:
        return written | {"near": [{"any": rule["any"]}, {"any": rule["all"]}], "within": rule["within"]}
    return written | {"any": rule["any"], "all": [{"any": rule["all"]}]}


def cpu_of(work: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of this process, and what the work gave."""
    start = time.process_time()
    value = work()
    return time.process_time() - start, value


def best_rate(run: Callable[[], Matches], articles: int) -> tuple[float, Matches]:
    """Articles a CPU second, the best of some passes after one to warm up; and the matches."""
    found = run()
    return articles / min(cpu_of(run)[0] for _ in range(PASSES)), found


def run_newsflow(rules: Rules, articles: list[Article], folder: Path) -> tuple[Result, Matches]:
    """newsflow in this process: rules read from a .jsonl file, matched with evidence."""
    file = folder / "rules-newsflow.jsonl"
    file.write_text("".join(json.dumps(as_newsflow(rule)) + "\n" for rule in rules), encoding="utf-8")
    before = resident_mb()
    build, ruleset = cpu_of(lambda: _compiled(file))
    memory = resident_mb() - before
    rate, found = best_rate(lambda: _matches(ruleset, articles), len(articles))
    return Result("newsflow", len(rules), build, memory, rate, sum(map(len, found.values()))), found


def _compiled(path: Path) -> RuleSet:
    """Rules read and compiled, not taken from the cache, and all that the first text would build."""
    rules = RuleSet(read_rules([path]))
    rules.tables.vocabulary.build()
    return rules


def _matches(ruleset: RuleSet, articles: list[Article]) -> Matches:
    return {article.id: {topic.id for topic in ruleset.tag(article).topics} for article in articles}


def resident_mb() -> float:
    """Memory of this process now, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def run_regex(rules: Rules, articles: list[Article]) -> tuple[Result, Matches]:
    """A loop of compiled regular expressions over the folded text, as one would write it first."""
    build, compiled = cpu_of(lambda: [_Regex(rule) for rule in rules])

    def run() -> Matches:
        found = {}
        for article in articles:
            text = fold(article.body)
            found[article.id] = {regex.id for regex in compiled if regex.matches(text)}
        return found

    start = time.process_time()
    found = run()
    rate = len(articles) / (time.process_time() - start)
    return Result("regex loop", len(rules), build, None, rate, sum(map(len, found.values()))), found


class _Regex:
    def __init__(self, rule: dict[str, Any]) -> None:
        self.id: str = rule["id"]
        self.any, self.all, self.none = (self._compile(rule[key]) for key in ("any", "all", "none"))
        self.within: int | None = rule.get("within")

    @staticmethod
    def _compile(terms: list[str]) -> re.Pattern[str]:
        return re.compile(rf"\b(?:{'|'.join(map(re.escape, terms))})\b")

    def matches(self, text: str) -> bool:
        if not self.any.search(text) or not self.all.search(text) or self.none.search(text):
            return False
        return self.within is None or any(self._gaps(text))

    def _gaps(self, text: str) -> Iterator[bool]:
        # Every alternative on its own: one expression finds but one of two that begin at one place.
        for one in self._hits(self.any, text):
            for other in self._hits(self.all, text):
                left, right = sorted((one, other))
                yield left[1] < right[0] and text.count(" ", left[1], right[0]) - 1 <= (self.within or 0)

    @staticmethod
    def _hits(pattern: re.Pattern[str], text: str) -> list[tuple[int, int]]:
        terms = pattern.pattern[5:-3].split("|")
        return [m.span() for term in terms for m in re.finditer(rf"\b{term}\b", text)]


def build_lucene() -> Path | None:
    """The folder of classes and jars of the Java program; None where Java or Maven is missing."""
    if not shutil.which("mvn") or not shutil.which("java"):
        return None
    home = HERE / "lucene-monitor"
    command = ["mvn", "-q", "-B", "package", "dependency:copy-dependencies"]
    subprocess.run(command, cwd=home, check=True, stdout=sys.stderr)
    return home / "target"


def run_lucene(target: Path, rules: Rules, articles: list[Article], folder: Path) -> tuple[Result, Matches]:
    """Lucene Monitor in a process of its own, on the same rules and articles."""
    rule_file, article_file, match_file = folder / "rules.jsonl", folder / "articles.jsonl", folder / "matches.tsv"
    rule_file.write_text("".join(json.dumps(rule) + "\n" for rule in rules), encoding="utf-8")
    texts = ({"id": article.id, "text": fold(article.body).strip()} for article in articles)
    article_file.write_text("".join(json.dumps(text) + "\n" for text in texts), encoding="utf-8")
    path = f"{target / 'classes'}:{target / 'dependency'}/*"
    # A serial collector: no other thread's work is left out of the measured thread's time, or done for it.
    command = ["java", "-Xmx8g", "-XX:+UseSerialGC", "-cp", path, "MonitorBenchmark"]
    arguments = [str(rule_file), str(article_file), str(match_file), str(PASSES)]
    done = subprocess.run([*command, *arguments], check=True, capture_output=True, text=True)
    took = json.loads(done.stdout.strip().splitlines()[-1])
    found = {}
    for line in match_file.read_text(encoding="utf-8").splitlines():
        article, _, ids = line.partition("\t")
        found[article] = set(ids.split())
    memory = took["heap_bytes"] / 1e6
    return Result(
        "Lucene Monitor", len(rules), took["build_cpu_s"], memory, took["articles_per_cpu_s"], took["matches"]
    ), found


def compare(one: Matches, other: Matches) -> int:
    """How many (article, rule) pairs only one of two engines found."""
    return sum(len(one[article] ^ other.get(article, set())) for article in one)


def report(result: Result, first: Result) -> None:
    """One line of the table."""
    memory = "" if result.memory_mb is None else f"{result.memory_mb:,.0f} MB"
    ratio = f"{first.articles_per_cpu_s / result.articles_per_cpu_s:.1f}x" if result is not first else ""
    rate = f"{result.articles_per_cpu_s:>10,.0f}/s  build {result.build_cpu_s:>6.1f} s"
    print(
        f"{result.rules:>8,}  {result.engine:<15} {rate}  {memory:>9}  {result.matches:>8,} matches  {ratio}",
        flush=True,
    )


def run_size(rules: Rules, articles: list[Article], lucene: Path | None) -> bool:
    """All engines with the same rules; false when their matches differ."""
    same = True
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours, found = run_newsflow(rules, articles, folder)
        report(ours, ours)
        if lucene is not None:
            theirs, other = run_lucene(lucene, rules, articles, folder)
            report(theirs, ours)
            same = _agree("Lucene Monitor", found, other) and same
        if len(rules) <= REGEX_LIMIT:
            regex, other = run_regex(rules, articles)
            report(regex, ours)
            same = _agree("the regex loop", found, other) and same
    return same


def _agree(name: str, found: Matches, other: Matches) -> bool:
    differing = compare(found, other)
    if differing:
        print(f"{'':8}  {differing} matches differ from those of {name}")
    return differing == 0


def run_shipped(data: Path, articles: list[Article]) -> None:
    """The rules that come with newsflow, on English and, where they are, Arabic articles."""
    build, ruleset = cpu_of(lambda: _compiled(shipped_rules_path()))
    rate, _ = best_rate(lambda: _matches(ruleset, articles), len(articles))
    print(f"{len(ruleset):>8,}  shipped rules   {rate:>10,.0f}/s  English; build {build:.1f} s")
    file = data / "ant_ar.jsonl"
    if file.exists():
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        arabic = [
            Article("bench", r["title"], r["body"], "ar", articles[0].published, articles[0].first_seen, id=r["id"])
            for r in rows
        ]
        rate, _ = best_rate(lambda: _matches(ruleset, arabic), len(arabic))
        print(f"{len(ruleset):>8,}  shipped rules   {rate:>10,.0f}/s  Arabic")


def main() -> int:
    """Run and print; exit 1 when engines disagree."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("NEWSFLOW_DATA", "data")))
    parser.add_argument("--sizes", default="250,10000,100000")
    parser.add_argument("--articles", type=int, help="match the first N only; rules are made from all the same")
    parser.add_argument("--without-lucene", action="store_true")
    options = parser.parse_args()
    if not (options.data / "articles_1000.jsonl").exists():
        print(f"skipped: no articles_1000.jsonl in {options.data}; --data DIR says where it is", file=sys.stderr)
        return 0
    every = read_articles(options.data)
    articles = every[: options.articles]
    lucene = None if options.without_lucene else build_lucene()
    if lucene is None and not options.without_lucene:
        print("without Lucene Monitor: Java or Maven is missing", file=sys.stderr)
    chars = sum(len(article.body) for article in articles) / len(articles)
    print(f"{len(articles):,} articles of {chars:,.0f} characters; rates are articles a CPU second of one thread")
    run_shipped(options.data, articles)
    same = [run_size(make_rules(every, int(size)), articles, lucene) for size in options.sizes.split(",")]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(f"peak memory of this process {peak:,.0f} MB; matches {'identical' if all(same) else 'differ'}")
    return 0 if all(same) else 1


if __name__ == "__main__":
    sys.exit(main())
