"""The schema.org article a page describes in JSON-LD."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import orjson

MAX_SCRIPTS, MAX_CHARS, MAX_NODES, MAX_DEPTH = 30, 2_000_000, 5_000, 12
_ARTICLE = re.compile(
    r"(?:News|Report|Blog|Live|Opinion|Analysis|Review|Reportage|Background|Scholarly|Social).*|Article"
)
_CDATA = re.compile(r"^\s*(?://)?\s*<!\[CDATA\[|(?://)?\s*\]\]>\s*$|^\s*<!--|-->\s*$")
_CONTROL = re.compile("[\x00-\x1f]+")
_TRAILING_COMMA = re.compile(r",\s*([}\]])")


def find_article(scripts: list[str]) -> dict[str, Any]:
    """The first node of an article type (a news article before others), or an empty dict."""
    found: dict[str, Any] = {}
    for script in scripts[:MAX_SCRIPTS]:
        for node in _nodes(_load(script)):
            types = node.get("@type")
            names = [
                name.rpartition("/")[2]
                for name in (types if isinstance(types, list) else [types])
                if isinstance(name, str)
            ]
            if any(_ARTICLE.fullmatch(name) or name in ("VideoObject", "WebPage") for name in names):
                if any("Article" in name or "Posting" in name for name in names):
                    return node
                found = found or (node if "VideoObject" in names else {})
    return found


def _load(script: str) -> Any:
    if len(script) > MAX_CHARS:
        return None
    text = _CDATA.sub("", script).strip().rstrip(";")
    for attempt in (text, _CONTROL.sub(" ", text), _TRAILING_COMMA.sub(r"\1", _CONTROL.sub(" ", text))):
        try:
            return orjson.loads(attempt)
        except orjson.JSONDecodeError:
            continue
    return None


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Objects of a JSON-LD value, outer before inner, within limits."""
    stack: list[tuple[Any, int]] = [(value, 0)]
    seen = 0
    while stack and seen < MAX_NODES:
        item, depth = stack.pop()
        seen += 1
        if depth > MAX_DEPTH:
            continue
        if isinstance(item, list):
            stack.extend((each, depth + 1) for each in reversed(item))
        elif isinstance(item, dict):
            yield item
            stack.extend((item[key], depth + 1) for key in ("mainEntity", "@graph", "hasPart") if key in item)


def text_of(value: Any) -> str:
    """A string member as plain text: entities resolved (twice: publishers escape twice), empty when it is none."""
    if isinstance(value, list):
        value = next((item for item in value if isinstance(item, str)), "")
    if isinstance(value, dict):
        value = value.get("@value") or value.get("name") or ""
    return html.unescape(html.unescape(value)) if isinstance(value, str) else ""


def names_of(value: Any) -> list[str]:
    """Names of persons or organisations: strings, objects with `name`, or lists of them."""
    if isinstance(value, list):
        return [name for item in value[:20] for name in names_of(item)]
    if isinstance(value, dict):
        value = value.get("name")
        return names_of(value) if isinstance(value, list) else [text_of(value)] if isinstance(value, str) else []
    return [text_of(value)] if isinstance(value, str) else []
