"""The densest block of long lines: where the article is on a page that lost its tags."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from newsflow.normalise.characters import compile_folded, fold
from newsflow.normalise.lines import ends_sentence, has_letters, is_code, why_dropped
from newsflow.normalise.words import UNSPACED

# ruff: noqa: E501 - rows of words read best as rows


# Chosen on halves of tag-stripped pages, measured on the other halves (docs/reference/quality.md): before changing one, see
# benchmarks/quality/normalise.py.
THRESHOLD_WORDS = 14
SENTENCE_BONUS = 4
NO_SENTENCE_FACTOR = 0.75
CAP_WORDS = 60
BOILERPLATE, BARRIER = -15.0, -80.0
MERGE_SHARE, MERGE_GAP_LINES, LOOK_LINES = 0.15, 14, 48
REPEATED_WORDS = 8
COMMENTS_SHARE = 0.1
PAGE_MARKS = frozenset({"share-bar", "read-also", "promotion", "footer"})
LAST_SENTENCES, LAST_WORDS = 20, 2

_JOINED_AFTER = ",.;:)]”’»،؛!?%؟"
_JOINED_BEFORE = "(“‘«[$€£"
_BARRIER = compile_folded(
    r"(?:top rated |all |reader |view (?:all )?|read (?:all )?|show |\d+ |leave (?:a |your )?|post (?:a )?|add (?:a )?)?"
    r"(?:comments?|responses|replies)\b.{0,25}|(?:leave|post|write|add) an? (?:reply|comment).{0,30}|about the author.{0,20}"
    r"|sponsored.{0,30}|tags?:.{0,60}|filed under.{0,60}"
    r"|(?:التعليقات|تعليقات|اضف تعليق\w*|اترك تعليق\w*|اكتب تعليق\w*|كلمات (?:مفتاحية|دلالية)|وسوم|الوسوم)\b.{0,40}"
    r"|(?:комментарии|теги|коментарі)\b.{0,40}|(?:kommentare|commentaires|comentarios|comentários|yorumlar|komentarze)\b.{0,20}"
)
_COMMENTS = compile_folded(
    r".{0,12}\b(?:comments?|responses|replies|تعليق\w*|التعليقات|комментари\w*|коментарі|kommentare|commentaires|yorumlar)\b"
)


def count_words(text: str) -> float:
    """Words; in scripts without spaces, about two and a half characters are one."""
    words = len(text.split())
    return words if text.isascii() else words + len(UNSPACED.findall(text)) / 2.5


def join_fragments(lines: Sequence[str]) -> list[str]:
    """Lines joined where an inline tag cut them: one that goes on in lower case or with closing punctuation."""
    joined: list[str] = []
    for line in lines:
        last = joined[-1] if joined else ""
        if last and len(last) < 2_000 and (line[0] in _JOINED_AFTER or last[-1] in _JOINED_BEFORE):
            joined[-1] = last + line
        elif last and line[0].islower() and _goes_on(last):
            joined[-1] = f"{last} {line}"
        else:
            joined.append(line)
    return joined


def _goes_on(line: str) -> bool:
    """Whether a line in a script with cases ends within a sentence."""
    cased = any(char.islower() or char.isupper() for char in line[-3:])
    return cased and not ends_sentence(line) and len(line) < 2_000


def densest_block(lines: Sequence[str]) -> tuple[int, int] | None:
    """(first, end) of the lines that hold the article, or None when no line is long enough to tell."""
    scores = _scores(lines)
    best, span = _best_run(scores, 0, len(scores))
    if span is None:
        return None
    best, span = _before_comments(lines, scores, best, span)
    first, end = span
    while (after := _near_run(scores, end, min(len(scores), end + LOOK_LINES), best)) and _joins(scores, end, after[0]):
        end = after[1]
    while (before := _near_run(scores, max(0, first - LOOK_LINES), first, best)) and _joins(scores, before[1], first):
        first = before[0]
    return first, _with_last_sentences(lines, end)


def _with_last_sentences(lines: Sequence[str], end: int) -> int:
    """The end of a block, moved past the short sentences that follow it."""
    for line in lines[end : end + LAST_SENTENCES]:
        if not ends_sentence(line) or count_words(line) < LAST_WORDS or why_dropped(line) is not None:
            break
        end += 1
    return end


def _before_comments(
    lines: Sequence[str], scores: Sequence[float], best: float, span: tuple[int, int]
) -> tuple[float, tuple[int, int]]:
    """A smaller block above the comments, where the best one is among the comments."""
    for index in range(span[0]):
        if scores[index] <= BARRIER and _COMMENTS.match(fold(lines[index])):
            value, earlier = _best_run(scores, 0, index)
            if earlier is not None and value >= COMMENTS_SHARE * best:
                return value, earlier
            break
    return best, span


def shows_page(lines: Sequence[str]) -> bool:
    """Whether lines are those of a page: it says things again, goes on to comments, has furniture of two kinds, or some
    among lines that are mostly no sentences. One kind does not make a page: an article may end with a request to
    subscribe."""
    if any(has_letters(lines[index]) for index in repeated(lines)) or any(map(_is_barrier, lines)):
        return True
    found = [furniture(line) for line in lines]
    kinds = set(found) - {None}
    own = [line for line, why in zip(lines, found, strict=True) if why is None]
    return len(kinds) >= 2 or (len(kinds) == 1 and 2 * sum(map(ends_sentence, own)) <= len(own))


def furniture(line: str) -> str | None:
    """Why a line is one of a page around its article, not one that belongs to an article, as a caption may."""
    why = why_dropped(line)
    return why if why in PAGE_MARKS else "code" if is_code(line) else None


def _is_barrier(line: str) -> bool:
    return len(line) < 70 and _BARRIER.fullmatch(fold(line)) is not None


def repeated(lines: Sequence[str]) -> set[int]:
    """Indexes of repetitions: long lines that stood before, short ones that stand three times."""
    counts = Counter(lines)
    seen: set[str] = set()
    found = set()
    for index, line in enumerate(lines):
        if (count_words(line) >= REPEATED_WORDS and line in seen) or (counts[line] >= 3 and len(line) < 60):
            found.add(index)
        seen.add(line)
    return found


def _scores(lines: Sequence[str]) -> list[float]:
    again = repeated(lines)
    return [_score(line, again=index in again) for index, line in enumerate(lines)]


def _score(line: str, *, again: bool) -> float:
    words = count_words(line)
    capped = min(words, CAP_WORDS)
    if again:
        return -capped if words >= REPEATED_WORDS else BOILERPLATE
    if _is_barrier(line):
        return BARRIER
    why = why_dropped(line)
    if (why is not None and why != "no-words") or is_code(line):
        return BOILERPLATE
    if ends_sentence(line):
        return capped - THRESHOLD_WORDS + SENTENCE_BONUS
    return NO_SENTENCE_FACTOR * capped - THRESHOLD_WORDS


def _best_run(scores: Sequence[float], low: int, high: int) -> tuple[float, tuple[int, int] | None]:
    """The run within [low, high) with the greatest sum above zero."""
    best, span, total, start = 0.0, None, 0.0, low
    for index in range(low, high):
        if total <= 0:
            total, start = 0.0, index
        total += scores[index]
        if total > best:
            best, span = total, (start, index + 1)
    return best, span


def _near_run(scores: Sequence[float], low: int, high: int, best: float) -> tuple[int, int] | None:
    """The best run within [low, high), if it weighs enough beside the block."""
    value, span = _best_run(scores, low, high)
    return span if value > MERGE_SHARE * best else None


def _joins(scores: Sequence[float], end: int, first: int) -> bool:
    """Whether the gap between two runs is short and holds no barrier."""
    return first - end <= MERGE_GAP_LINES and min(scores[end:first], default=0.0) > BARRIER
