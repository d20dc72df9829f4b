"""Terms to leaves: each term under its conditions once, with the patterns it is found by.

A *leaf* is one term under its conditions, shared by all rules that use it alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from newsflow.tagging.forms import expand, forms_language
from newsflow.tagging.rule import Case, Place, Term

LeafId = int
Clause = frozenset[LeafId]
"""Leaves of which one must be seen."""


class LeafKey(NamedTuple):
    """What makes two uses of a term the same leaf. Weights are a matter of the rule."""

    text: str
    language: str
    case: Case
    field: Place | None
    bare: bool
    unless: tuple[str, ...]
    needs: tuple[str, ...]
    without: tuple[str, ...]


class Entry(NamedTuple):
    """A pattern's meaning for one leaf."""

    pattern: int
    leaf: LeafId
    skip: int
    capitals: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Leaf:
    """One term, compiled. `unless`, `needs` and `without` name helper leaves.

    `simple`: a hit of its pattern is a hit of it, whatever the article.
    """

    id: LeafId
    key: LeafKey
    unless: tuple[LeafId, ...]
    needs: tuple[LeafId, ...]
    without: tuple[LeafId, ...]
    simple: bool

    @property
    def bound(self) -> bool:
        """Whether it takes more than the capitals it wants."""
        return bool(self.key.field or self.unless or self.needs or self.without)


class LeafTable:
    """Hands out leaves and collects the patterns they are found by."""

    def __init__(self) -> None:
        self.leaves: list[Leaf] = []
        self.entries: list[Entry] = []
        self.patterns: dict[str, int] = {}
        """Numbers of patterns, from 0."""
        self._ids: dict[LeafKey, LeafId] = {}

    def of(self, term: Term) -> LeafId:
        """The leaf of a term; made when it is met first."""
        key = LeafKey(term.text, term.language, term.case, term.field, term.bare, term.unless, term.needs, term.without)
        found = self._ids.get(key)
        return self._make(key) if found is None else found

    def _helpers(self, texts: tuple[str, ...], language: str) -> tuple[LeafId, ...]:
        return tuple(self.of(Term(text, language, case="any")) for text in texts)

    def _make(self, key: LeafKey) -> LeafId:
        unless, needs, without = (self._helpers(texts, key.language) for texts in (key.unless, key.needs, key.without))
        identity = len(self.leaves)
        self._ids[key] = identity
        forms = list(expand(key.text, forms_language(key.text, key.language), case=key.case == "smart", bare=key.bare))
        plain = not any(form.capitals for form in forms)
        # The language is no condition here: patterns of other languages are not seen at all.
        simple = plain and not (key.field or unless or needs or without)
        self.leaves.append(Leaf(identity, key, unless, needs, without, simple))
        for form in forms:
            pattern = self.patterns.setdefault(form.pattern, len(self.patterns))
            self.entries.append(Entry(pattern, identity, form.skip, form.capitals))
        return identity
