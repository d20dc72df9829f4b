"""The values of the rule language: a rule as an editor wrote it, checked, with references resolved; and which languages
of terms are looked for in an article.

An expression is a `Term`, `AnyOf`, `AllOf`, `NoneOf` or `Near`. All values are frozen and know nothing of files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from newsflow.model.languages import COVERED_BY, MALAY, SAME_LANGUAGE, SERBO_CROATIAN, primary_subtag
from newsflow.tagging.places.gazetteer import gazetteer_version

MEANING_REVISION = 3
"""Part of every rule version: raised when the same rule text starts to match other texts."""

TermField = Literal["title", "lead", "body"]
Case = Literal["smart", "certain", "any"]


_FIRST_FIELDS = 9
"""Fields of a term that are part of every rule version."""


class Term(NamedTuple):
    """A word or phrase. `text` as written (`~` inflected, `*` open end); `language` empty for every language."""

    text: str
    language: str = ""
    weight: float = 1.0
    case: Case = "smart"
    field: TermField | None = None
    bare: bool = False
    """Without proclitics."""
    unless: tuple[str, ...] = ()
    """Longer phrases: a hit that is part of one of them does not count."""
    needs: tuple[str, ...] = ()
    """Words of which the article must hold one, else no hit of this term counts."""
    without: tuple[str, ...] = ()
    """Words of which the article must hold none, else no hit of this term counts."""
    exact: bool = False
    """Spelt as written: accents, hamzas, ة and ى are not folded."""
    definite: bool = True
    """Found behind the article of Arabic and Hebrew too."""


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True when one of them is."""

    of: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class AllOf:
    """True when each of them is."""

    of: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class NoneOf:
    """True when none of them is."""

    of: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Near:
    """One hit of each operand in one field, at most `within` tokens between them in sum; in order if `ordered`."""

    of: tuple[Expression, ...]
    within: int
    ordered: bool = False


Expression = Term | AnyOf | AllOf | NoneOf | Near


@dataclass(frozen=True, slots=True)
class Example:
    """A text beside a rule that must, or must not, be tagged with it."""

    text: str
    language: str
    matches: bool
    line: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """One topic or saved search.

    Tagged when its conditions hold, `require` (if any) is true, and the score of its terms reaches `threshold`.
    """

    id: str
    names: tuple[tuple[str, str], ...] = ()
    scheme: str = "newsflow"
    code: str = ""
    terms: tuple[Term, ...] = ()
    require: Expression | None = None
    threshold: float = 3.0
    mentions: bool = False
    places: bool = False
    """Names of places of its country count too."""
    sources: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    examples: tuple[Example, ...] = field(default=(), compare=False)
    file: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)

    def meaning(self) -> dict[str, Any]:
        """What decides matches, and nothing else: neither names nor examples nor where it stands in a file."""
        return {
            "revision": MEANING_REVISION,
            "id": self.id,
            "scheme": self.scheme,
            "code": self.code,
            "terms": [_plain(term) for term in self.terms],
            "require": _plain(self.require),
            "threshold": self.threshold,
            "mentions": self.mentions,
            "conditions": [self.sources, self.languages, self.sections],
        } | ({"places": gazetteer_version()} if self.places else {})

    def version(self) -> str:
        """12 hex digits over the meaning: equal for rules that match alike by their text."""
        text = json.dumps(self.meaning(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def set_version(versions: Iterable[tuple[str, str]]) -> str:
    """12 hex digits over the meaning of all rules, given as ids and versions in any order."""
    text = "\n".join(sorted(identity + version for identity, version in versions))
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


def _plain(value: Expression | None) -> Any:
    """An expression as JSON values."""
    if value is None:
        return None
    if isinstance(value, Term):
        plain = [*value[:_FIRST_FIELDS]]
        # A term that does not use them has the version it had before there were any.
        return plain + ["exact"] * value.exact + ["indefinite"] * (not value.definite)
    kind = {AnyOf: "any", AllOf: "all", NoneOf: "none", Near: "near"}[type(value)]
    extra = [value.within, value.ordered] if isinstance(value, Near) else []
    return {kind: [_plain(part) for part in value.of], "extra": extra}


def terms_of(expression: Expression | None) -> Iterator[Term]:
    """Every term of an expression, from left to right."""
    if isinstance(expression, Term):
        yield expression
    elif expression is not None:
        for part in expression.of:
            yield from terms_of(part)


# Which terms are looked for in an article of a language.

_CODES = (
    "af am ar az be bg bn bs ca ckb cs cy da de el en es et eu fa fi fil fr ga gl gu ha he hi hr hu hy id is it ja ka "
    "kk km kn ko ky lo lt lv mk ml mn mr ms my ne nl no pa pl ps pt ro ru si sk sl so sq sr sv sw ta te tg th tk tr ug "
    "uk ur uz vi yo zh zu"
)
_LATIN_CODES = (
    "af az bs ca cs cy da de en es et eu fi fil fr ga gl ha hr hu id is it lt lv ms nl no pl pt ro sk sl so sq sv sw "
    "tk tr uz vi yo zu"
)

LANGUAGES = frozenset(_CODES.split())
"""Languages whose country names we ship. An article in another one is searched as one of unknown language."""

LATIN = frozenset(_LATIN_CODES.split())
"""Of these, written in Latin letters: names of one are common words of another."""

WHEN_UNKNOWN = (LANGUAGES - LATIN) | {"en", "fr"}
"""Looked for in an article of unknown language."""

_SAME = SAME_LANGUAGE | COVERED_BY
_TOGETHER = {code: group for group in (SERBO_CROATIAN, MALAY) for code in group}
"""Languages that detectors take for each other, and that share their names."""


@lru_cache(maxsize=1024)
def rule_language(tag: str) -> str:
    """The language of a BCP 47 tag as rules name it; `und` when it says nothing."""
    base = primary_subtag(tag)
    return _SAME.get(base, base) or "und"


@lru_cache(maxsize=1024)
def languages_searched(tag: str) -> frozenset[str]:
    """Languages whose terms count in an article of this language; the empty one is every term without a language."""
    base = rule_language(tag)
    if base in _TOGETHER:
        return _TOGETHER[base] | {"", base}
    if base in LANGUAGES:
        return frozenset({"", base})
    return WHEN_UNKNOWN | {"", base}
