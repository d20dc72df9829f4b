"""From documents to rules: checks every value, resolves `!ref`, and says what would be accepted."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

from newsflow.errors import did_you_mean
from newsflow.model.languages import tag_problem
from newsflow.tagging.forms import has_word
from newsflow.tagging.rule import AllOf, AnyOf, Case, Example, Expression, Near, NoneOf, Rule, Term, TermField
from newsflow.yamlfile import REF, ValuePath, YamlDocument

Resolver = Callable[[str], "Rule | None"]

_RULE_KEYS = (
    "id names scheme code description include terms any all none near within ordered threshold mentions places sources "
    "languages sections examples override abstract"
)
RULE_KEYS = frozenset(_RULE_KEYS.split())
TERM_KEYS = frozenset(Term._fields) - {"text"} | {"term"}
EXPRESSION_KEYS = frozenset(("any", "all", "none", "near", "within", "ordered"))

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_COUNTRY = re.compile("[A-Z]{2}")
MAX_TERM_CHARS = 200
MAX_WITHIN = 1000
_EVERY_LANGUAGE = "*"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_ref(value: Any) -> bool:
    """Whether a value is `!ref countries/SY`, in JSON `{"!ref": "countries/SY"}`: another rule's terms."""
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get(REF), str)


class RuleParser:
    """Parses one document. `resolve` gives the rule a reference names, or None."""

    def __init__(self, document: YamlDocument, resolve: Resolver) -> None:
        self.doc, self.resolve = document, resolve

    def parse(self) -> Rule:
        """The rule. Raises ConfigError with file, line and what would be accepted."""
        value = self.doc.value
        if not isinstance(value, dict):
            raise self.doc.error("a rule is a mapping with at least `id` and one of `terms`, `any`, `all`, `near`")
        self._known_keys(value, RULE_KEYS, ())
        terms = (*self._included(value), *self._terms(value.get("terms"), ("terms",)))
        require = self._requirement(value, ())
        if not terms and not any(True for _ in _positive(require)):
            raise self.doc.error("nothing here can match: give `terms`, `any`, `all` or `near` with at least one term")
        return Rule(
            id=self._id(value),
            names=self._names(value.get("names")),
            scheme=self._string(value, "scheme", "newsflow"),
            code=self._code(value),
            terms=terms,
            require=require,
            threshold=self._number(value, "threshold", 3.0 if terms else 0.0, (), low=0.0),
            mentions=self._flag(value, "mentions", value.get("scheme") == "iso3166", ()),
            places=self._flag(value, "places", value.get("scheme") == "iso3166" and "code" in value, ()),
            sources=self._strings(value.get("sources"), ("sources",)),
            languages=self._wanted_languages(value.get("languages")),
            sections=tuple(item.casefold() for item in self._strings(value.get("sections"), ("sections",))),
            examples=self._examples(value.get("examples")),
            file=self.doc.file,
            line=self.doc.line() or 0,
        )

    def _known_keys(self, value: Mapping[str, Any], known: frozenset[str], path: ValuePath) -> None:
        for key in value:
            if key not in known:
                hint = did_you_mean(key, known)
                said = (f"unknown key {key!r}", f"accepted: {', '.join(sorted(known))}", hint)
                raise self.doc.error("; ".join(filter(None, said)), (*path, key))

    def _id(self, value: Mapping[str, Any]) -> str:
        found = value.get("id")
        if not isinstance(found, str) or not _ID.fullmatch(found):
            raise self.doc.error(f"{found!r} is not an id; accepted: a to z, 0 to 9 and -, at most 63 of them", ("id",))
        return found

    def _string(self, value: Mapping[str, Any], key: str, default: str) -> str:
        found = value.get(key, default)
        if not isinstance(found, str | int) or isinstance(found, bool):
            raise self.doc.error(f"{found!r} is not a text", (key,))
        return str(found)

    def _code(self, value: Mapping[str, Any]) -> str:
        code = self._string(value, "code", "")
        if code and value.get("scheme") == "iso3166" and not _COUNTRY.fullmatch(code):
            raise self.doc.error(f"{code!r} is not a code of ISO 3166; accepted: two capitals, as SY", ("code",))
        return code

    def _number(self, value: Mapping[str, Any], key: str, default: float, path: ValuePath, *, low: float) -> float:
        found = value.get(key, default)
        if not _is_number(found) or not low <= found <= 1000:
            raise self.doc.error(f"{found!r} is not accepted; give a number from {low:g} to 1000", (*path, key))
        return float(found)

    def _flag(self, value: Mapping[str, Any], key: str, default: bool, path: ValuePath) -> bool:
        found = value.get(key, default)
        if not isinstance(found, bool):
            raise self.doc.error(f"{found!r} is not accepted; give true or false", (*path, key))
        return found

    def _choice(self, value: Mapping[str, Any], key: str, choices: Sequence[str], path: ValuePath) -> str | None:
        found = value.get(key)
        if found is not None and found not in choices:
            raise self.doc.error(f"{found!r} is not accepted; one of {', '.join(choices)}", (*path, key))
        return found

    def _strings(self, value: Any, path: ValuePath) -> tuple[str, ...]:
        if value is None:
            return ()
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list) or not all(isinstance(item, str) and item.strip() for item in items):
            raise self.doc.error(f"{value!r} is not accepted; give a text or a list of texts", path)
        return tuple(items)

    def _names(self, value: Any) -> tuple[tuple[str, str], ...]:
        if value is None:
            return ()
        if isinstance(value, str):
            return (("en", value),)
        if not isinstance(value, dict) or not all(isinstance(name, str) for name in value.values()):
            raise self.doc.error("names are a text, or one text for each language", ("names",))
        return tuple(value.items())

    def _target(self, name: str, path: ValuePath) -> Rule:
        target = self.resolve(name)
        if target is None:
            raise self.doc.error(f"{REF} {name}: no such rule; give an id, or folder/code as countries/SY", path)
        return target

    def _referred(self, value: Any, language: str, path: ValuePath) -> tuple[Term, ...]:
        """The terms of the rule that a `!ref` names, those that count in a language."""
        return tuple(term for term in self._target(value[REF], path).terms if term.language in (language, ""))

    def _included(self, value: Mapping[str, Any]) -> tuple[Term, ...]:
        names = self._strings(value.get("include"), ("include",))
        return tuple(term for name in names for term in self._target(name, ("include",)).terms)

    def _terms(self, value: Any, path: ValuePath) -> tuple[Term, ...]:
        """`terms`: a reference, a list for every language, or a list for each language."""
        if value is None:
            return ()
        if _is_ref(value):
            return self._target(value[REF], path).terms
        if isinstance(value, list):
            return self._term_list(value, "", path)
        if not isinstance(value, dict):
            raise self.doc.error("give a list of terms, or one list for each language", path)
        found: list[Term] = []
        for language, items in value.items():
            found += self._term_list(items, self._language(language, (*path, language)), (*path, language))
        return tuple(found)

    def _language(self, value: Any, path: ValuePath) -> str:
        if value == _EVERY_LANGUAGE:
            return ""
        if problem := tag_problem(value):
            raise self.doc.error(problem, path)
        return str(value).lower()

    def _wanted_languages(self, value: Any) -> tuple[str, ...]:
        """`languages`, of any case and with - or _. For every language there is no such condition."""
        path: ValuePath = ("languages",)
        found = [self._language(item.lower().replace("_", "-"), path) for item in self._strings(value, path)]
        if "" in found:
            raise self.doc.error("* is not accepted here; a rule without `languages` is for every one", path)
        return tuple(found)

    def _term_list(self, value: Any, language: str, path: ValuePath) -> tuple[Term, ...]:
        if _is_ref(value):
            return self._referred(value, language, path)
        if not isinstance(value, list):
            raise self.doc.error("give a list of terms", path)
        found: list[Term] = []
        for index, item in enumerate(value):
            found += self._term(item, language, (*path, index))
        return tuple(found)

    def _term(self, value: Any, language: str, path: ValuePath) -> tuple[Term, ...]:
        if _is_ref(value):
            return self._referred(value, language, path)
        if isinstance(value, float):
            raise self.doc.error(f"{value!r} is not a term; accepted: a text, here in quotes, as '1.50'", path)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if isinstance(value, str):
            return (Term(self._phrase(value, path), language),)
        if isinstance(value, dict):
            self._known_keys(value, TERM_KEYS, path)
        if not isinstance(value, dict) or "term" not in value:
            raise self.doc.error(f"{value!r} is not a term; give a text, or a mapping with `term`", path)
        language = self._language(value["language"], (*path, "language")) if "language" in value else language
        field: TermField | None = self._choice(value, "field", get_args(TermField), path)  # type: ignore[assignment]
        weight = self._number(value, "weight", 1.0, path, low=0.0)
        case = self._choice(value, "case", get_args(Case), path) or "smart"
        bare = self._flag(value, "bare", False, path)
        how = (self._flag(value, "exact", False, path), self._flag(value, "definite", True, path))
        unless, needs, without = (self._phrases(value, key, path) for key in ("unless", "needs", "without"))
        words = self._strings(value["term"], (*path, "term"))
        return tuple(
            Term(self._phrase(text, (*path, "term")), language, weight, case, field, bare, unless, needs, without, *how)  # type: ignore[arg-type]
            for text in words
        )

    def _phrases(self, value: Mapping[str, Any], key: str, path: ValuePath) -> tuple[str, ...]:
        return tuple(self._phrase(text, (*path, key)) for text in self._strings(value.get(key), (*path, key)))

    def _phrase(self, text: str, path: ValuePath) -> str:
        text = " ".join(text.split())
        if len(text) > MAX_TERM_CHARS:
            raise self.doc.error(f"a term of {len(text)} characters; at most {MAX_TERM_CHARS} are accepted", path)
        if not has_word(text):
            raise self.doc.error(f"{text!r} holds no letter or digit, so it cannot be found in a text", path)
        for word in text.split():
            if "*" in word[:-1] or "~" in word[:-1]:
                raise self.doc.error(f"{word!r}: * and ~ are accepted at a word's end only", path)
            if word.endswith("*") and (word == "*" or word != text.split()[-1]):
                raise self.doc.error(f"{text!r}: * is accepted at the end of the last word only", path)
        return text

    def _requirement(self, value: Mapping[str, Any], path: ValuePath) -> Expression | None:
        """`any`, `all`, `none` and `near` of one mapping, joined by and."""
        parts: list[Expression] = []
        for key, kind in (("any", AnyOf), ("all", AllOf), ("none", NoneOf)):
            if key in value:
                parts.append(kind(self._expressions(value[key], (*path, key))))
        if "near" in value:
            parts.append(self._near(value, path))
        elif "within" in value or "ordered" in value:
            raise self.doc.error("`within` and `ordered` go with `near`", path)
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts)) if parts else None

    def _near(self, value: Mapping[str, Any], path: ValuePath) -> Near:
        operands = tuple(map(_flat, self._expressions(value["near"], (*path, "near"))))
        if len(operands) < 2 or any(not isinstance(part, Term | AnyOf) for part in operands):
            raise self.doc.error("`near` takes two or more terms, or `any` lists of terms", (*path, "near"))
        if any(not isinstance(term, Term) for part in operands if isinstance(part, AnyOf) for term in part.of):
            raise self.doc.error("an `any` within `near` takes terms only", (*path, "near"))
        within = value.get("within", 10)
        if not isinstance(within, int) or isinstance(within, bool) or not 0 <= within <= MAX_WITHIN:
            raise self.doc.error(f"{within!r} is not accepted; words between, 0 to {MAX_WITHIN}", (*path, "within"))
        return Near(operands, within, self._flag(value, "ordered", False, path))

    def _expressions(self, value: Any, path: ValuePath) -> tuple[Expression, ...]:
        items = value if isinstance(value, list) else [value]
        if not items:
            raise self.doc.error("an empty list; give at least one term or expression", path)
        found: list[Expression] = []
        for index, item in enumerate(items):
            found += self._expression(item, (*path, index) if isinstance(value, list) else path)
        return tuple(found)

    def _expression(self, value: Any, path: ValuePath) -> tuple[Expression, ...]:
        if _is_ref(value):
            return (AnyOf(self._target(value[REF], path).terms),)
        if isinstance(value, dict) and "term" not in value:
            self._known_keys(value, EXPRESSION_KEYS | {"term"}, path)
            nested = self._requirement(value, path)
            if nested is None:
                raise self.doc.error("an empty expression; give any, all, none, near or term", path)
            return (nested,)
        terms = self._term(value, "", path)
        return terms if len(terms) == 1 else (AnyOf(terms),)

    def _examples(self, value: Any) -> tuple[Example, ...]:
        if value is None:
            return ()
        if not isinstance(value, dict):
            raise self.doc.error("examples are, for each language, lists under `match` and `not`", ("examples",))
        found: list[Example] = []
        for language, lists in value.items():
            path: ValuePath = ("examples", language)
            code = self._language(language, path) or "und"
            if not isinstance(lists, dict):
                raise self.doc.error("give lists under `match` and `not`", path)
            self._known_keys(lists, frozenset(("match", "not")), path)
            for key in lists:
                for index, text in enumerate(self._strings(lists[key], (*path, key))):
                    line = self.doc.line((*path, key, index)) or 0
                    found.append(Example(text, code, key == "match", line))
        return tuple(found)


def _flat(expression: Expression) -> Expression:
    """An `any` within an `any`, which a term of several texts is, as its terms."""
    if not isinstance(expression, AnyOf):
        return expression
    return AnyOf(tuple(term for part in expression.of for term in (part.of if isinstance(part, AnyOf) else (part,))))


def _positive(expression: Expression | None) -> Sequence[Term]:
    """Terms that can make an expression true: not those under `none`."""
    if isinstance(expression, NoneOf) or expression is None:
        return ()
    if isinstance(expression, Term):
        return (expression,)
    return [term for part in expression.of for term in _positive(part)]
