"""Paragraphs of plain text: lines that were cut at a width are joined again; tables, verse and lists keep theirs.

A text is wrapped when the shape of its lines says so: there is a width that most lines fill, so that the next line's
first word would not have fitted any more, and that none exceeds. Blank lines and indents mark its paragraphs.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from newsflow.normalise.characters import one_newline, tidy_text
from newsflow.normalise.lines import ends_sentence, is_code

LEAST_WIDTH, MOST_WIDTH = 30, 132
"""Columns that texts are wrapped at; lines of other widths are cut by something else."""
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uff60\u0e00-\u0eff]")
_WIDE = re.compile("[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff00-\uff60]")
_ITEM = re.compile(r"(?:[-*•·–—▪●◦]|\d{1,2}[.)])\s")
_COLUMNS = re.compile(r"\S(?:\t| {3,})\s*\S")
_HYPHEN = re.compile(r"[^\W\d_]-$")
SOFT_HYPHEN = "\u00ad"


MAX_LINES = 20_000


@dataclass(slots=True)
class _Line:
    text: str
    width: int
    begins: bool
    """Whether it begins a paragraph by its indent, or as an item of a list."""
    fixed: bool
    """Whether it is a row of a table, or code."""
    soft: bool
    """Whether it ends with a soft hyphen."""


def paragraphs(text: str) -> tuple[list[list[str]], int]:
    """The tidy lines of a text, a list for what blank lines set apart, and how many lines beyond 20,000 were left out.

    In wrapped text a line is a paragraph.
    """
    lines, beyond = _first_lines(one_newline(text).split("\n"))
    blocks = [list(_runs(_measured(block))) for block in _blocks(lines)]
    width = _wrapped_at([run for block in blocks for run in block])
    return [list(_unwrapped(block, width or _wrapped_at(block))) for block in blocks], beyond


def _first_lines(lines: list[str]) -> tuple[list[str], int]:
    if len(lines) <= MAX_LINES:
        return lines, 0
    filled = [index for index, line in enumerate(lines) if line and not line.isspace()]
    if len(filled) <= MAX_LINES:
        return lines, 0
    return lines[: filled[MAX_LINES]], len(filled) - MAX_LINES


def _blocks(lines: Sequence[str]) -> Iterator[list[tuple[str, str]]]:
    """The lines between blank lines, as they came and tidied."""
    block: list[tuple[str, str]] = []
    for raw, tidy in zip([*lines, ""], [*tidy_text("\n".join(lines)).split("\n"), ""], strict=True):
        if tidy := tidy.strip():
            block.append((raw.rstrip(), tidy))
        elif block:
            yield block
            block = []


def _measured(block: Sequence[tuple[str, str]]) -> Iterator[_Line]:
    indents = [len(raw) - len(raw.lstrip()) for raw, _ in block]
    least, in_item = min(indents), False
    for (raw, text), indent in zip(block, indents, strict=True):
        is_item = _ITEM.match(text) is not None
        is_row = len(raw) <= MOST_WIDTH and (_COLUMNS.search(raw) is not None or is_code(text))
        yield _Line(text, _width(raw), is_item or (indent > least and not in_item), is_row, raw.endswith(SOFT_HYPHEN))
        in_item = is_item or (in_item and indent > least)


def _width(text: str) -> int:
    """Columns a line takes; of one that is too long to be wrapped, any number that is too large."""
    if text.isascii() or len(text) > 2 * MOST_WIDTH:
        return len(text)
    return len(text) - sum(map(bool, map(unicodedata.combining, text))) + len(_WIDE.findall(text))


def _runs(lines: Iterable[_Line]) -> Iterator[list[_Line]]:
    """The lines from one that begins a paragraph to the next."""
    run: list[_Line] = []
    for line in lines:
        if run and (line.begins or line.fixed or run[-1].fixed):
            yield run
            run = []
        run.append(line)
    yield run


def _wrapped_at(runs: Sequence[Sequence[_Line]]) -> int | None:
    """The width that most lines fill and none exceeds, or None where the lines are no wrapped prose."""
    breaks = [pair for run in runs for pair in pairwise(run) if LEAST_WIDTH <= pair[0].width <= MOST_WIDTH]
    if len(breaks) < 2:
        return None
    fills = [0] * (MOST_WIDTH + 2)  # how many more lines fill this width than the one below it
    for line, after in breaks:
        fills[line.width] += 1
        fills[min(MOST_WIDTH + 1, line.width + _word_width(after.text))] -= 1
    filled = list(accumulate(fills[:-1]))
    width = max(range(MOST_WIDTH + 1), key=filled.__getitem__)
    wider = sum(line.width > width and " " in line.text for run in runs for line in run)
    full = [(line, after) for line, after in breaks if _is_full(line, after, width)]
    if len(full) < 2 or 2 * len(full) <= len(breaks) + wider:
        return None
    # Prose is cut within its sentences, and before any word; verse begins its lines with a capital.
    within = sum(not ends_sentence(line.text) for line, _ in full)
    return width if 2 * within >= len(full) and not all(after.text[:2].istitle() for _, after in full) else None


def _is_full(line: _Line, after: _Line, width: int) -> bool:
    """Whether the next line's first word would not have fitted."""
    return line.soft or line.width <= width < line.width + _word_width(after.text)


def _word_width(text: str) -> int:
    """Columns of the first word and the space before it; in scripts without spaces, of the first sign."""
    if _UNSPACED.match(text):
        return 2 * (1 + (len(text) > 1 and unicodedata.category(text[1]).startswith("P")))
    return _width(text[: MOST_WIDTH + 1].split(" ", 1)[0]) + 1


def _unwrapped(runs: Sequence[Sequence[_Line]], width: int | None) -> Iterator[str]:
    for run in runs:
        full = 0 if width is None else sum(_is_full(line, after, width) for line, after in pairwise(run))
        if width is None or 2 * full < len(run) - 1 or len(run) == 1:
            yield from (line.text for line in run)
        else:
            yield from _joined(run, width)


def _joined(run: Sequence[_Line], width: int) -> Iterator[str]:
    parts = [run[0].text]
    for line, after in pairwise(run):
        ends = (ends_sentence(line.text) or line.text.endswith(":")) and not _is_full(line, after, width)
        if ends:
            yield "".join(parts)
            parts = [after.text]
        else:
            parts += [_between(line, after), after.text]
    yield "".join(parts)


def _between(line: _Line, after: _Line) -> str:
    if line.soft or (_HYPHEN.search(line.text) and after.text[0].islower()):
        return ""
    return "" if _UNSPACED.match(line.text[-1]) and _UNSPACED.match(after.text[0]) else " "
