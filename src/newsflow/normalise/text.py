"""Pages that lost their tags: title, date and body found among the lines of headers, captions and footers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from newsflow.model import PublicationDate
from newsflow.normalise.blocks import count_words, densest_block, furniture, join_fragments, repeated, shows_page
from newsflow.normalise.characters import letters_of, tidy_text
from newsflow.normalise.dates import parse_date
from newsflow.normalise.dates.relative import may_count_back
from newsflow.normalise.encodings import repair_text
from newsflow.normalise.feed_note import split_feed_note
from newsflow.normalise.language import detect_language
from newsflow.normalise.lines import (
    Cleaned,
    clean_lines,
    ends_sentence,
    find_agency,
    has_letters,
    is_byline,
    is_code,
    split_code,
    why_dropped,
)
from newsflow.normalise.paragraphs import paragraphs
from newsflow.normalise.title import Site, split_title, strip_site
from newsflow.normalise.values import Dropped, Extracted, SourceProfile
from newsflow.normalise.words import Words, accounted, counter_for

LOOK_ABOVE_LINES = 15
LOOK_INSIDE_LINES = 2
TITLE_WORDS = (3, 45)
# Not that of an abbreviation (U.S.), and not one of an ellipsis.
_FULL_STOP = re.compile(r"(?:(?<![.\s][^\W\d_])(?<!\.)\.|[。।])[\"'”»’)\]]*(?=\s+[^\W\d_]|$)")
DATELINE_WORDS = 6
NAMED_CHARS = 20
"""So much of a headline tells that another line names it; feeds shorten the rest."""
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
HEAD_LINES = 6
"""Of a clean article: its title, date and byline are among so many first lines."""


def clean_text(
    text: str,
    source: SourceProfile | None = None,
    headline: str | None = None,
    content_is: str | None = None,
    now: datetime | None = None,
) -> Extracted:
    """Title, date and body of a page whose tags were stripped, or of a clean article. Linear in time.

    An `article` is kept whole; a `page` is cut; where `content_is` does not say which it is, the text is cut if it
    shows the marks of a page. A `headline` that came with the text is the title; `now` (aware) is when it was fetched,
    for dates that count back. What is left out is in `dropped`, with its reason. The first 20,000 lines are read.
    """
    text = repair_text(text)
    blocks, beyond = paragraphs(text)
    more = [Dropped(f"{beyond} more lines", "beyond-limit")] if beyond else []
    if blocks:
        last, note = split_feed_note(blocks[-1][-1])
        if note and (not headline or _key(headline)[:NAMED_CHARS] in _key(note)):
            blocks[-1][-1:] = [last] if last else []
            more.append(Dropped(note, "feed-note"))
    if content_is != "article":
        blocks = [[part for line in block for part in split_code(line)] for block in blocks]
    lines = join_fragments([line for block in blocks for line in block])
    if content_is == "page" or (content_is is None and shows_page(lines)):
        page, title_line = _cut(lines, source, headline, now)
    else:
        lines = [line for block in blocks for line in join_fragments(block)]
        page, title_line = _whole(lines, source, headline, now, is_article=content_is == "article")
    page = replace(page, dropped=(*page.dropped, *more)) if more else page
    return replace(page, words=_account(text, page, title_line, beyond))


def _account(text: str, page: Extracted, title_line: str, beyond: int) -> Words:
    """Where the words of a text went. Lines that were joined may join words; no more can be gone than lines ended."""
    count, ends = counter_for(text), text.count("\n")
    gone = [(each.text, each.why) for each in page.dropped if each.why != "beyond-limit"]
    rest = "beyond-limit" if beyond else "joined"
    words = accounted(count, count(text), (page.body, title_line), gone, rest)
    if words.dropped.get("joined", 0) > ends:  # what is only invisible signs was no word
        words = accounted(count, count(tidy_text(text)), (page.body, title_line), gone, rest)
    return words if words.dropped.get("joined", 0) <= ends else words.renamed("joined", "unaccounted")


def _whole(
    lines: list[str], source: SourceProfile | None, headline: str | None, now: datetime | None, *, is_article: bool
) -> tuple[Extracted, str]:
    """A clean article, and the line that says its title. Its lines stay, but for that one and its date; furniture goes,
    unless it is said to be an article."""
    why: dict[int, str] = {} if is_article else {at: word for at, line in enumerate(lines) if (word := furniture(line))}
    title_at = _first_headline(lines, headline)
    date_at, published = _find_date(lines, (0, len(lines)), source, range(min(HEAD_LINES, len(lines))), now)
    why |= {at: word for at, word in ((date_at, "date-line"), (title_at, "title")) if at is not None}
    title, marks = _title(headline or _line(lines, title_at), source, guess=False)
    kept = [line for index, line in enumerate(lines) if index not in why]
    if not any(map(has_letters, kept)):
        why |= {at: "no-words" for at in range(len(lines)) if at not in why}
        kept = []
    body = "\n".join(kept)
    page = Extracted(
        title=title,
        body=body,
        published=published,
        dates=(published,) if published else (),
        agency=find_agency(body, filter(is_byline, kept[:HEAD_LINES])),
        marks=marks,
        dropped=(*(Dropped(lines[at], why[at]) for at in sorted(why) if at != title_at),),
    )
    return page, _line(lines, title_at)


def _line(lines: Sequence[str], at: int | None) -> str:
    return "" if at is None else lines[at]


def _first_headline(lines: Sequence[str], headline: str | None) -> int | None:
    """The line that says the headline, or without one the first line where it is one; dates may stand above."""
    head = [index for index, line in enumerate(lines[:HEAD_LINES]) if not _is_date(line)]
    if headline:
        return next((index for index in head if _key(lines[index]) == _key(headline)), None)
    return head[0] if head and is_headline(lines[head[0]], lines[head[0] + 1 :]) else None


def _cut(
    lines: list[str], source: SourceProfile | None, headline: str | None, now: datetime | None
) -> tuple[Extracted, str]:
    """A page that lost its tags, and the line that says its title.

    The body is the densest block of long lines; the date is the date line nearest above it, the title the line above
    that.
    """
    if not lines:
        return Extracted(), ""
    block = densest_block(lines)
    if block is None:
        block = (1, len(lines)) if len(lines) > 1 else (0, 1)
    first, end = block
    near = (
        *range(min(first + LOOK_INSIDE_LINES, end) - 1, max(-1, first - LOOK_ABOVE_LINES), -1),
        *range(end, min(len(lines), end + 4)),
    )
    date_at, published = _find_date(lines, block, source, near, now)
    first = date_at + 1 if date_at is not None and date_at >= block[0] else block[0]
    title_at = _find_title(lines, min(first, date_at if date_at is not None else first))
    if headline and (title_at is None or _key(lines[title_at]) != _key(headline)):
        title_at = next((index for index in range(first) if _key(lines[index]) == _key(headline)), None)
    title, marks = _title(headline or _line(lines, title_at), source)
    cleaned = _body(lines, (first, block[1]), title, source)
    above = [] if title_at is None else [line for line in lines[title_at + 1 : first] if len(line) <= 90]
    bylines = [line for line in above if is_byline(line)] + cleaned.credits
    body = "\n".join(cleaned.lines)
    page = Extracted(
        title=title,
        body=body,
        published=published,
        dates=(published,) if published else (),
        agency=find_agency(body, bylines, [*above, *lines[block[1] : block[1] + 3]]),
        marks=marks,
        dropped=_dropped(lines, title_at, date_at, (first, block[1]), cleaned),
    )
    return page, _line(lines, title_at)


def _key(line: str) -> str:
    return letters_of(line) if len(line) < 500 else line


def _find_date(
    lines: Sequence[str],
    block: tuple[int, int],
    source: SourceProfile | None,
    near: Sequence[int],
    now: datetime | None,
) -> tuple[int | None, PublicationDate | None]:
    """The first date line of `near`, and its date, one that counts back from `now` only where there is no other; one
    below the block is not named."""
    first, end = block
    indexes = [index for index in near if _may_be_date(lines[index])]
    tags: tuple[str | None, ...] = (source.languages[0],) if source and len(source.languages) == 1 else (None,)
    # A date with these signs may need its language to tell the day from the month.
    if tags == (None,) and any("/" in lines[index] or "-" in lines[index] for index in indexes):
        tags = (None, detect_language(lines[first])[0])
    for index in indexes:
        for tag in tags:
            if date := parse_date(lines[index], tag):
                return (index if index < end else None), date
    for index in near if now else ():
        if index < end and may_count_back(lines[index]):
            tag = tags[0] or detect_language(max(lines[first:end], key=len))[0]
            if date := parse_date(lines[index], tag, None, now):
                return index, date
    return None, None


def _may_be_date(line: str) -> bool:
    return len(line) <= 120 and any(map(str.isdigit, line))


def _is_date(line: str) -> bool:
    if may_count_back(line):
        return parse_date(line, None, None, _ANY_TIME) is not None
    return _may_be_date(line) and parse_date(line) is not None


def _find_title(lines: Sequence[str], before: int) -> int | None:
    """The nearest line above that can be a headline; one that stands twice on the page goes first."""
    above = [index for index in range(before - 1, max(-1, before - LOOK_ABOVE_LINES), -1) if _is_headline(lines[index])]
    twice = [index for index in above[:6] if lines.count(lines[index]) == 2 and count_words(lines[index]) >= 5]
    if twice or above:
        return (twice or above)[0]
    return before - 1 if before > 0 and _is_headline(lines[before - 1], least_words=1) else None


def is_headline(line: str, below: Sequence[str] = ()) -> bool:
    """Whether the first line of a clean article is its headline, by what stands below it, and no line of its body.

    A headline is no byline and no dateline and has no full stop at its end; where it stands alone it is one sentence.
    """
    if count_words(line) > TITLE_WORDS[1] or len(line) > 400 or not has_letters(line) or is_byline(line):
        return False
    if count_words(line) <= DATELINE_WORDS and find_agency(f"{line} -") is not None:
        return False
    *within, last = [match.end() for match in _FULL_STOP.finditer(line)] or [0]
    if last == len(line) or (ends_sentence(line) and len(line) > max(map(len, below[:HEAD_LINES]), default=len(line))):
        return False
    return bool(below) or not (within or last)


def _is_headline(line: str, least_words: int = TITLE_WORDS[0]) -> bool:
    if not least_words <= count_words(line) <= TITLE_WORDS[1] or len(line) > 400:
        return False
    return why_dropped(line) is None and not is_byline(line) and not _is_date(line)


def _title(line: str, source: SourceProfile | None, *, guess: bool = True) -> tuple[str, tuple[str, ...]]:
    site = Site((source.name,) if source and source.name else ())
    return (
        split_title(strip_site(line, site, suffixes=source.title_suffixes if source else (), guess=guess))
        if line
        else ("", ())
    )


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
    lines: Sequence[str], title_at: int | None, date_at: int | None, span: tuple[int, int], cleaned: Cleaned
) -> tuple[Dropped, ...]:
    """What was dropped, in the order of the page: around the body, then within it."""
    around = (index for index in range(len(lines)) if index != title_at and not span[0] <= index < span[1])
    why = {date_at: "date-line"}
    outside = [Dropped(lines[index], why.get(index) or why_dropped(lines[index]) or "outside-body") for index in around]
    return (*outside, *cleaned.dropped)
