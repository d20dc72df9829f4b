"""The written forms of a term in a language: proclitics, endings and plurals, expanded when rules are built.

A form is a folded pattern with a space before it (see `newsflow.tagging.text`), one after it unless anything may
follow, and the length of the proclitic that is not part of what is shown as evidence.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from itertools import product
from typing import NamedTuple

from newsflow.model.languages import primary_subtag
from newsflow.tagging.text import fold, fold_cased, unfolded

Ending = tuple[str, int, tuple[str, ...]]
"""An ending, how many of its letters go, and what may stand in their place."""


def _read_endings() -> tuple[dict[str, list[Ending]], frozenset[str]]:
    """The endings by language, and the languages of which they are those of names alone."""
    found: dict[str, list[Ending]] = {}
    names_only: set[str] = set()
    rows: list[Ending] = []
    for line in files("newsflow.tagging").joinpath("endings.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            rows = []
            kind, _, languages = line.strip("[]").rpartition(":")
            found |= dict.fromkeys(languages.split(), rows)
            names_only.update(languages.split() if kind else ())
        elif line and not line.startswith("#"):
            endings, _, forms = line.partition(": ")
            put = tuple("" if form == "-" else form for form in forms.split())
            for ending in endings.replace("*", "|").split():
                kept, _, replaced = ending.rpartition("|")
                rows.append((kept + replaced, len(replaced), put))
    return found, frozenset(names_only)


_ENDINGS, OF_NAMES = _read_endings()
"""OF_NAMES: languages for which `~` has a table of the endings of names."""

LANGUAGES = frozenset(_ENDINGS) - OF_NAMES
"""Languages for which `~` has a table of the endings of any word."""
_ROMANCE, _SHORT_CHARS = ("es", "it", "pt"), 4
"""A word of up to so many letters keeps its last s there."""


def inflect(word: str, language: str) -> list[str]:
    """The forms of a word, itself among them, without repeats. A language without a table gives the word alone."""
    if language == "sr" and (word.isascii() or "a" <= word[-1:] <= "z"):
        language = "hr"
    for ending, cut, forms in _ENDINGS.get(language, ()) if word else ():
        if word.endswith(ending) and not (ending == "s" and len(word) <= _SHORT_CHARS and language in _ROMANCE):
            stem = word[: len(word) - cut]
            return list(dict.fromkeys(filter(None, [word, *(stem + form for form in forms)])))
    return [word] if word else []


class Form(NamedTuple):
    """One written form. `skip` counts folded characters of a proclitic; `capitals` are places that must be upper case,
    counted from the pattern's start."""

    pattern: str
    skip: int
    capitals: tuple[int, ...]


INFLECTED, OPEN = "~", "*"
WITH_PROCLITICS = frozenset(("ar", "fa", "he"))

_ARABIC_CONJUNCTIONS = ("", "و", "ف")
_ARABIC_PREPOSITIONS = ("", "ب", "ل", "ك")
_PERSIAN_PROCLITICS = ("", "و", "ب", "به")
_HEBREW_PROCLITICS = {
    has_article: tuple(
        dict.fromkeys(map("".join, product(("", "ו"), ("", "ש", "כש"), ("", *"בלמכ", *(("ה", "מה") * has_article)))))
    )
    for has_article in (True, False)
}
"""By whether the article may be among them."""


@lru_cache(maxsize=65536)
def _arabic_proclitics(word: str, has_article: bool, definite: bool) -> tuple[tuple[str, int], ...]:
    """(form, skip) for a folded Arabic word: conjunction, preposition and article; the article merges with l-.

    `has_article`: the word was written with one, so it is not looked for without. `definite`: one may be added.
    """
    bare = word[2:] if has_article else word
    forms: dict[str, int] = {}
    for conjunction, preposition in product(_ARABIC_CONJUNCTIONS, _ARABIC_PREPOSITIONS):
        if not has_article:
            forms.setdefault(conjunction + preposition + bare, len(conjunction + preposition))
        if not (has_article or definite):
            continue
        if preposition == "ل":
            merged = "ل" + bare if bare.startswith("ل") else "لل" + bare
            forms.setdefault(conjunction + merged, len(conjunction))
        else:
            forms.setdefault(f"{conjunction}{preposition}ال{bare}", len(conjunction + preposition))
    return tuple(forms.items())


def _with_proclitics(word: str, language: str, has_article: bool, definite: bool) -> tuple[tuple[str, int], ...]:
    """(form, length of what precedes the word) of the first word of a term."""
    if language == "ar":
        return _arabic_proclitics(word, has_article, definite)
    if language == "he":
        return tuple((clitic + word, len(clitic)) for clitic in _HEBREW_PROCLITICS[definite])
    return tuple((clitic + word, len(clitic)) for clitic in _PERSIAN_PROCLITICS)


def _word_forms(word: str, language: str) -> list[str]:
    """Cased, folded forms of one written word; a trailing `*` stays as the mark of an open end."""
    if word.endswith(INFLECTED):
        return inflect(word[:-1], language)
    return [word]


def _folded(word: str) -> str:
    """The folded word, cased, with inner spaces where it holds several tokens."""
    open_end = OPEN if word.endswith(OPEN) else ""
    return fold_cased(word.removesuffix(OPEN)).strip() + open_end


def spellings(term: str, language: str) -> list[str]:
    """The inflected spellings of a term, folded and cased, before any proclitic. A lone "&" is not a word of it."""
    words = [[_folded(form) for form in _word_forms(word, language)] for word in term.split()]
    words = [[form for form in forms if form] for forms in words if any(forms)]
    return list(dict.fromkeys(" ".join(choice) for choice in product(*words)))


@lru_cache(maxsize=4096)
def exact_spellings(term: str, language: str) -> frozenset[str]:
    """The inflected spellings of a term, not folded but for case, an open end without its mark."""
    words = [_word_forms(word, language) for word in term.split()]
    return frozenset(unfolded(" ".join(choice).removesuffix(OPEN)) for choice in product(*words))


_SCRIPTS = (
    ("ar", "\u0600", "\u06ff"),
    ("he", "\u0590", "\u05ff"),
    ("ru", "\u0400", "\u04ff"),
    ("ko", "\uac00", "\ud7a3"),
)


def forms_language(term: str, language: str) -> str:
    """The language whose forms a term takes: its own, else the one its script suggests."""
    if language:
        return primary_subtag(language)
    letter = next((char for char in term if char.isalpha()), "")
    return next((code for code, low, high in _SCRIPTS if low <= letter <= high), "en")


def expand(term: str, language: str, *, case: bool = True, bare: bool = False, definite: bool = True) -> Iterator[Form]:
    """All forms of a term. `case` false ignores its capitals, `bare` leaves proclitics out, not `definite` that one."""
    # Told from the spelling: folded, "ألمانيا" would begin like an article too.
    has_article = language == "ar" and term.startswith("ال") and len(term.split()[0]) > 4
    for spelling in spellings(term, language):
        open_end = spelling.endswith(OPEN)
        cased = spelling.removesuffix(OPEN)
        lower = cased.casefold()
        capitals: tuple[int, ...] = ()
        if case and lower != cased:
            capitals = tuple(i + 1 for i, char in enumerate(cased) if char.isupper())
        tail = "" if open_end else " "
        if bare or language not in WITH_PROCLITICS:
            yield Form(f" {lower}{tail}", 0, capitals)
            continue
        first, space, rest = lower.partition(" ")
        for form, skip in _with_proclitics(first, language, has_article, definite):
            yield Form(f" {form}{space}{rest}{tail}", skip, capitals if not skip else ())


def has_word(term: str) -> bool:
    """Whether anything of a term is left once folded."""
    return bool(fold(term.replace(INFLECTED, "").replace(OPEN, "")).strip())
