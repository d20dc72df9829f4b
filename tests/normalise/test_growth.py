"""Texts made to take long: the time that reading and tagging take grows with their length, not with its square.

Each text repeats a small piece, many thousand times. It is read at two lengths, one four times the other: linear work
takes four times as long, quadratic work sixteen. What is fast enough at the greater length passes at once.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from newsflow.model import Article, RawArticle
from newsflow.model.raw import parse_raw
from newsflow.normalise.article import extract_page, normalise
from newsflow.normalise.page.dates import find_dates
from newsflow.normalise.page.metadata import read_metadata
from newsflow.normalise.page.tree import parse_tree
from newsflow.tagging import RuleSet, load_rules
from newsflow.testing import raw_event

pytestmark = pytest.mark.property

NOW = datetime(2025, 6, 1, tzinfo=UTC)
LEAD = "The council of Marrow Bay met on Monday and agreed to widen the harbour road before winter comes. "
SHORT, LONG = 20_000, 80_000
SOON_S = 1.0
"""Less than this for the long text is no growth to speak of: quadratic work on it takes from 4 to 200 s."""
MOST_GROWTH = 10.0

# fmt: off
PIECES = [
    ".", ". ", "!", "。", "?”", "a", "a ", "A ", "1", "1 ", "1,", "1/", "2024-", ":", "; ", "- ", "—", "|", " | ", "#",
    " ", "\t", "\u00a0", "\n", " \n", "a \n", "A.\n", "(", "((", "[ ", '"', "'", "<", "<b>", "</p>", "&amp;", "&", "%20",
    "a\u0301", "\u0301", "\u0651", "ب\u0651\u064e", "\u0640", "\u200d", "ب\u200c", "\u200d ", "\u202e", "\ufffd", "ﷺ ",
    "中", "中文。", "ア", "한", "\u1100\u1161", "😀", "http://", "http://a.", "a@b.", "@a ", "Ð", "Ø§", "ط§",
    "By ", "Photo ", "(AP) ", "(Reuters) - ", "tags: ", "comments ", "copyright ", "10 ", "Monday ", "ديسمبر ", "يوم ",
    "3 hours ago\n", "vor 3 ", "منذ ساعتين\n",
    "Syria ", "Georgia Tech Georgia ", "Niger ", "New York ", "سوريا ", "Россия ", "и ",
]
# fmt: on


@pytest.fixture(scope="module")
def rules() -> RuleSet:
    return load_rules()


def raw_of(content: str) -> RawArticle:
    raw = parse_raw(orjson.dumps(raw_event(title=None, url="https://p.example/1", content=content)), ())
    assert isinstance(raw, RawArticle)
    return raw


def cost_s(raw: RawArticle, rules: RuleSet) -> float:
    """Processor time of reading and tagging."""
    began = time.process_time()
    article = normalise(raw, None, NOW, extract_page)
    if isinstance(article, Article):
        rules.tag(article)
    return time.process_time() - began


def check_growth(raw: Callable[[int], RawArticle], rules: RuleSet) -> None:
    short = cost_s(raw(SHORT), rules)
    long = cost_s(raw(LONG), rules)
    if long > SOON_S and long > MOST_GROWTH * short:  # once more: something else may have run meanwhile
        short = max(short, cost_s(raw(SHORT), rules))
        long = min(long, cost_s(raw(LONG), rules))
    assert long <= max(SOON_S, MOST_GROWTH * short)


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "around", [("", ""), (LEAD, " x"), ("x\n", "\nLast words of it.")], ids=["alone", "in", "lines"]
)
@pytest.mark.parametrize("piece", PIECES)
def test_plain_text(piece: str, around: tuple[str, str], rules: RuleSet) -> None:
    before, behind = around
    check_growth(lambda size: raw_of(before + piece * (size // len(piece)) + behind), rules)


WRAPPED = "    It is a line of some words that\nfills the width of a text column\n"
MARKUP = [
    "<",
    "</",
    "<a ",
    "<a href=",
    "<p>",
    "</p>",
    "<br>",
    "<pre>",
    "</pre>",
    "<td></td>",
    "</td >",
    "&amp;",
    "The post ",
]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("before", ["", "<p>One.</p>"], ids=["alone", "fragment"])
@pytest.mark.parametrize("piece", [*MARKUP, WRAPPED, "- a\n", "a\u00ad\n"])
def test_fragments_and_wrapped_text(piece: str, before: str, rules: RuleSet) -> None:
    check_growth(lambda size: replace(raw_of(before + piece * (size // len(piece))), content_is="article"), rules)


@pytest.mark.parametrize(
    ("first", "last"), [(0x4E00, 0x9FFF), (0xF900, 0xFAD9), (0x1D400, 0x1D7FF), (0x20000, 0x2FA1D)]
)
def test_one_rare_sign_after_another(first: int, last: int, rules: RuleSet) -> None:
    def text(size: int) -> RawArticle:
        draw = random.Random(size)
        return raw_of(LEAD + "".join(chr(draw.randint(first, last)) for _ in range(size)))

    check_growth(text, rules)


def test_very_many_hits_of_a_near(tmp_path: Path) -> None:
    file = tmp_path / "crowd.yaml"
    file.write_text("id: crowd\nany: [alpha, {near: [alpha, beta, gamma, delta], within: 90, ordered: true}]\n")
    # Of each word dozens stand within reach of the others.
    check_growth(lambda size: raw_of(LEAD + "delta gamma beta alpha " * (size // 23)), load_rules(file))


DATED = [
    "<p>20 February 2025</p>",
    "<p>{} February 2025</p>",
    "<b>2025</b>",
    "<b> </b>2025",
    "<div>2025",
    "<div class='date'>20.02.2025",
    "2025-02-20 ",
    "3 hours ago<br>",
    "<h1>20 February 2025</h1>",
    "<h2>",
    "<h3>a - b</h3>",
    "<time datetime='2025-02-20'>x</time>",
    "<time datetime='2025-02-{}'>",
    "<i itemprop='datePublished' content='2025'></i>",
    "<aside><p>2025</p></aside>",
    '<script>"datePublished":"2025-02-20"</script>',
    '"datePublished" : "',
    "<p>{}\u00a0- 2025/</p>",
]


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "frame", ["<h1>Wall</h1>{}", "{}<h1>Wall</h1>", "<script>{}</script>", "<title>{}</title><p>x"]
)
@pytest.mark.parametrize("piece", DATED)
def test_dates_of_pages(piece: str, frame: str) -> None:
    def cost(size: int) -> float:
        content = "".join(piece.format(number) for number in range(size // len(piece)))
        tree = parse_tree(f"<html><body>{frame.format(content)}</body></html>")
        assert tree is not None
        began = time.process_time()
        find_dates(tree, read_metadata(tree), None, f"https://p.example/{content[:8000]}", NOW)
        return time.process_time() - began

    short, long = cost(4 * SHORT), cost(4 * LONG)
    assert long <= max(SOON_S, MOST_GROWTH * short)
