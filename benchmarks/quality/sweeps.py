"""All common words and all names of countries through the shipped rules: `python -m benchmarks.quality.sweeps`.

It prints a table of what was tried, what was tagged, what of it was granted by a reviewed list, and what is wrong; with
`--write` it writes the table into docs/reference/quality.md. It ends with 1 where something is wrong.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from newsflow.tagging import RuleSet, load_rules

from .names import Name, names, problem, terms
from .words import LISTS, granted, is_granted, sweep, ways, words_of

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "quality.md"
BEGIN, END = "<!-- sweeps: written by benchmarks/quality/sweeps.py -->\n", "<!-- end of sweeps -->\n"


class Sweep(NamedTuple):
    """What came of one sweep."""

    name: str
    tried: int
    tagged: int
    listed: int
    wrong: tuple[str, ...]
    cpu_s: float


def of_words(rules: RuleSet, step: int = 1) -> Sweep:
    """Every word, or every so manieth, of every list, written in five ways."""
    start, tried, tagged, listed = time.process_time(), 0, 0, 0
    wrong: list[str] = []
    for code in LISTS:
        words = words_of(code)[step // 2 :: step]
        tried += sum(len(list(ways(word, code))) for word in words)
        for found in sweep(rules, code, words):
            tagged += 1
            listed += found.word in granted().get((found.language, found.topic), ())
            if not is_granted(found):
                wrong.append(f"{found.language} {found.topic}: {found.word} [{found.term}] {', '.join(found.ways)}")
    return Sweep("common words", tried, tagged, listed, tuple(wrong), time.process_time() - start)


def _of_names(name: str, given: Callable[[RuleSet], Iterator[Name]], rules: RuleSet, step: int) -> Sweep:
    start, tried = time.process_time(), 0
    wrong: list[str] = []
    for number, each in enumerate(given(rules)):
        if number % step == step // 2:
            tried += 1
            if said := problem(rules, each):
                wrong.append(f"{each.language} {each.form}, {' '.join(sorted(each.codes))}: {said}")
    return Sweep(name, tried, tried - len(wrong), 0, tuple(wrong), time.process_time() - start)


def of_names(rules: RuleSet, step: int = 1) -> Sweep:
    return _of_names("names of CLDR in the forms of grammar", names, rules, step)


def of_terms(rules: RuleSet, step: int = 1) -> Sweep:
    return _of_names("terms of the rules in all their forms", terms, rules, step)


def table(sweeps: list[Sweep]) -> str:
    lines = ["| sweep | tried | tagged | of these by the list | wrong | CPU time |", "|---|---|---|---|---|---|"]
    for each in sweeps:
        counts = f"{each.tried:,} | {each.tagged:,} | {each.listed or ''} | {len(each.wrong)}"
        lines.append(f"| {each.name} | {counts} | {each.cpu_s:.0f} s |")
    return "\n".join(lines) + "\n"


def main() -> int:
    rules = load_rules()
    sweeps = [of_words(rules), of_names(rules), of_terms(rules)]
    print(table(sweeps), end="")
    wrong = [line for each in sweeps for line in each.wrong]
    print("\n".join(wrong), end="\n" * bool(wrong))
    if "--write" in sys.argv[1:]:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n{table(sweeps)}\n{END}{rest.partition(END)[2]}", encoding="utf-8")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
