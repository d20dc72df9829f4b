"""Says in one sentence why a value is not what its schema asks for, and what would be accepted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from newsflow.contracts.schemas import load_schema, validator

MAX_SHOWN_CHARS = 60
MAX_VIOLATIONS = 3
MAX_LOOKED_AT = 50
TELLING = ("type", "enum", "required", "anyOf", "format", "pattern", "not", "maxLength")
"""Keywords, the one whose failure says most first."""


def explain(name: str, value: Any) -> str:
    """Return what is wrong with `value` (parsed JSON) by the schema `name`: its first few violations.

    Of several at one place the most telling is named. Values are shown cut short: a message never carries a whole
    article.
    """
    sentences: dict[str, tuple[int, str]] = {}
    # A hostile value can break the contract a million times.
    for error in islice(validator(name).iter_errors(value), MAX_LOOKED_AT):
        place, keyword = _dotted(error.instance_path), error.kind.name
        weight = TELLING.index(keyword) if keyword in TELLING else len(TELLING)
        # Two missing members, or a missing one and a missing choice, are two things to know.
        place += f" {error.schema_path}" if keyword in ("required", "anyOf") else ""
        if weight < sentences.get(place, (len(TELLING) + 1, ""))[0]:
            sentence = _sentence(load_schema(name), list(error.schema_path), list(error.instance_path), value)
            sentences[place] = (weight, sentence)
    shown = [sentence for _, sentence in sentences.values()]
    more = len(shown) - MAX_VIOLATIONS
    return "; ".join(shown[:MAX_VIOLATIONS]) + (f"; and {more} more" if more > 0 else "")


def _sentence(schema: Any, schema_path: list[Any], path: list[Any], value: Any) -> str:
    keyword_at = next(i for i in range(len(schema_path) - 1, -1, -1) if isinstance(schema_path[i], str))
    keyword = schema_path[keyword_at]
    node = _follow(schema, schema_path[:keyword_at])
    found, where = _follow(value, path), _dotted(path)
    accepted = _accepted(keyword, node, found)
    if keyword == "required":
        return accepted if not path else f"{where}: {accepted}"
    if keyword == "anyOf" and not path:
        return accepted
    return f"{where} is {_shown(found, keyword)}; accepted: {accepted}"


def _accepted(keyword: str, node: Mapping[str, Any], found: Any) -> str:
    rule = node[keyword]
    match keyword:
        case "required":
            missing = [name for name in rule if name not in found]
            return f"{', '.join(missing)} is missing" if len(missing) == 1 else f"{', '.join(missing)} are missing"
        case "anyOf":
            return " or ".join(", ".join(option.get("required", ("?",))) for option in rule) + " is required"
        case "enum":
            return ", ".join(map(str, rule))
        case "type":
            return " or ".join([rule] if isinstance(rule, str) else rule)
        case "minLength" | "maxLength":
            return f"{'at least' if keyword == 'minLength' else 'up to'} {rule:,} characters"
        case "maxItems":
            return f"up to {rule:,} items"
        case _:
            return str(node.get("description", f"what {keyword} {rule!r} allows")).rstrip(".")


def _shown(found: Any, keyword: str) -> str:
    if keyword in ("minLength", "maxLength"):
        return f"{len(found):,} characters long"
    if keyword == "maxItems":
        return f"{len(found):,} items long"
    if isinstance(found, dict | list):
        return "an object" if isinstance(found, dict) else "an array"
    text = "null" if found is None else repr(found)
    return text if len(text) <= MAX_SHOWN_CHARS else text[: MAX_SHOWN_CHARS - 1] + "…"


def _follow(value: Any, path: Sequence[Any]) -> Any:
    for step in path:
        value = value[step]
    return value


def _dotted(path: Sequence[Any]) -> str:
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text or "the value"
