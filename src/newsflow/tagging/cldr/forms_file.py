"""Reads forms.txt and alternatives.txt."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
OWN_LANGUAGES = ("en", "ar", "ru", "fr")

TermData = str | dict[str, Any]
_CONDITION = re.compile(r"\s+([<?-])\s+")
_KEYS = {"<": "unless", "?": "needs", "-": "without"}


@dataclass(slots=True)
class Forms:
    """Our forms of one country. `cldr` false: its CLDR names in our own languages are not used."""

    cldr: bool = True
    terms: dict[str, list[TermData]] = field(default_factory=dict)


def _lines(name: str) -> list[str]:
    text = (HERE / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def read_term(text: str) -> TermData:
    """`x < a, b` as a term with conditions; `=x` without proclitics."""
    head, *rest = _CONDITION.split(text.strip())
    if not rest and not head.startswith("="):
        return head
    term: dict[str, Any] = {"term": head.lstrip("=")}
    if head.startswith("="):
        term["bare"] = True
    for sign, values in zip(rest[::2], rest[1::2], strict=True):
        term[_KEYS[sign]] = [value.strip() for value in values.split(",")]
    return term


def read_forms() -> dict[str, Forms]:
    """Forms by country code."""
    found: dict[str, Forms] = {}
    for line in _lines("forms.txt"):
        code, *columns = (part.strip() for part in line.split("|"))
        forms = Forms(cldr=not code.endswith("!"))
        for language, column in zip(OWN_LANGUAGES, columns, strict=True):
            forms.terms[language] = [read_term(text) for text in column.split(";") if text.strip()]
        found[code.rstrip("!")] = forms
    return found


def read_alternatives() -> dict[tuple[str, str], list[str]]:
    """Further names by code and language."""
    found: dict[tuple[str, str], list[str]] = {}
    for line in _lines("alternatives.txt"):
        head, _, names = line.partition(":")
        code, language = head.split()
        found.setdefault((code, language), []).extend(name.strip() for name in names.split(";"))
    return found
