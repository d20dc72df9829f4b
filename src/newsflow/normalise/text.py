"""Pages that lost their tags: title, date and body found among the lines of headers, captions and footers."""

from __future__ import annotations

from collections.abc import Sequence

from newsflow.model import PublicationDate
from newsflow.normalise.blocks import count_words, densest_block, join_fragments, repeated
from newsflow.normalise.characters import letters_of, repair_text, tidy_lines
from newsflow.normalise.dates import parse_date
from newsflow.normalise.language import detect_language
from newsflow.normalise.lines import Cleaned, clean_lines, find_agency, is_byline, is_code, why_dropped
from newsflow.normalise.title import Site, split_title, strip_site
from newsflow.normalise.values import Dropped, Extracted, SourceProfile

MAX_LINES = 20_000
LOOK_ABOVE_LINES = 15
LOOK_INSIDE_LINES = 2
TITLE_WORDS = (3, 45)


def clean_text(text: str, source: SourceProfile | None = None, headline: str | None = None) -> Extracted:
    """Title, date and body of a page whose tags were stripped, or of a plain article. Linear in time.

    The body is the densest block of long lines; the date is the date line nearest above it, the title the line above
    that, unless a `headline` came with the text. What is left out is in `dropped`, with its reason. The first 20,000
    lines are read.
    """
    every = tidy_lines(repair_text(text))
    lines, beyond = join_fragments(every[:MAX_LINES]), len(every) - MAX_LINES
    if not lines:
        return Extracted()
    block = densest_block(lines)
    if block is None:
        block = (1, len(lines)) if len(lines) > 1 else (0, 1)
    date_at, published = _find_date(lines, block, source)
    first = date_at + 1 if date_at is not None and date_at >= block[0] else block[0]
    title_at = _find_title(lines, min(first, date_at if date_at is not None else first))
    if headline and (title_at is None or _key(lines[title_at]) != _key(headline)):
        title_at = next((index for index in range(first) if _key(lines[index]) == _key(headline)), None)
    title, marks = _title(headline or (lines[title_at] if title_at is not None else ""), source)
    cleaned = _body(lines, (first, block[1]), title, source)
    above = [] if title_at is None else [line for line in lines[title_at + 1 : first] if len(line) <= 90]
    bylines = [line for line in above if is_byline(line)] + cleaned.credits
    body = "\n".join(cleaned.lines)
    return Extracted(
        title=title,
        body=body,
        published=published,
        dates=(published,) if published else (),
        agency=find_agency(body, bylines, [*above, *lines[block[1] : block[1] + 3]]),
        marks=marks,
        dropped=(
            *_dropped(lines, {title_at, date_at}, (first, block[1]), cleaned),
            *([Dropped(f"{beyond} more lines", "beyond-limit")] if beyond > 0 else []),
        ),
    )


def _key(line: str) -> str:
    return letters_of(line) if len(line) < 500 else line


def _find_date(
    lines: Sequence[str], block: tuple[int, int], source: SourceProfile | None
) -> tuple[int | None, PublicationDate | None]:
    """The date line nearest above the block, or within its first lines; then one shortly below it."""
    first, end = block
    above = range(min(first + LOOK_INSIDE_LINES, end) - 1, max(-1, first - LOOK_ABOVE_LINES), -1)
    indexes = [
        index
        for index in (*above, *range(end, min(len(lines), end + 4)))
        if len(lines[index]) <= 120 and any(map(str.isdigit, lines[index]))
    ]
    tags: tuple[str | None, ...] = (source.languages[0],) if source and len(source.languages) == 1 else (None,)
    # A date with these signs may need its language to tell the day from the month.
    if tags == (None,) and any("/" in lines[index] or "-" in lines[index] for index in indexes):
        tags = (None, detect_language(lines[first])[0])
    for index in indexes:
        for tag in tags:
            if date := parse_date(lines[index], tag):
                return (index if index < end else None), date
    return None, None


def _find_title(lines: Sequence[str], before: int) -> int | None:
    """The nearest line above that can be a headline; one that stands twice on the page goes first."""
    above = [index for index in range(before - 1, max(-1, before - LOOK_ABOVE_LINES), -1) if _is_headline(lines[index])]
    twice = [index for index in above[:6] if lines.count(lines[index]) == 2 and count_words(lines[index]) >= 5]
    if twice or above:
        return (twice or above)[0]
    return before - 1 if before > 0 and _is_headline(lines[before - 1], least_words=1) else None


def _is_headline(line: str, least_words: int = TITLE_WORDS[0]) -> bool:
    if not least_words <= count_words(line) <= TITLE_WORDS[1] or len(line) > 400:
        return False
    return why_dropped(line) is None and not is_byline(line) and parse_date(line) is None


def _title(line: str, source: SourceProfile | None) -> tuple[str, tuple[str, ...]]:
    site = Site((source.name,) if source and source.name else ())
    return split_title(strip_site(line, site, suffixes=source.title_suffixes if source else ())) if line else ("", ())


def _body(lines: Sequence[str], span: tuple[int, int], title: str, source: SourceProfile | None) -> Cleaned:
    again = repeated(lines[: span[1]])
    code = {index for index in range(*span) if is_code(lines[index])}
    kept = [lines[index] for index in range(*span) if index not in again and index not in code]
    cleaned = clean_lines(kept, [title], source.drop_lines if source else ())
    cleaned.dropped += [
        Dropped(lines[index], "repeated" if index in again else "code")
        for index in sorted((again | code) & {*range(*span)})
    ]
    return cleaned


def _dropped(
    lines: Sequence[str], used: set[int | None], span: tuple[int, int], cleaned: Cleaned
) -> tuple[Dropped, ...]:
    """What was dropped, in the order of the page: around the body, then within it."""
    around = (index for index in range(len(lines)) if index not in used and not span[0] <= index < span[1])
    outside = [Dropped(lines[index], why_dropped(lines[index]) or "outside-body") for index in around]
    return (*outside, *cleaned.dropped)
