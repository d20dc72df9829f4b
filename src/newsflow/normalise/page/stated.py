"""The body that a page states in JSON-LD, and whether it is the article's."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from newsflow.normalise.characters import letters_of
from newsflow.normalise.page.outline import Outline

MAX_UPDATES, MAX_CHARS, MAX_BLOCKS = 500, 500_000, 300
LEAST_CHARS, TELLING_CHARS = 200, 30
_MUCH_MORE, _OURS, _FOREIGN = 1.5, 0.5, 0.1


def stated_body(node: dict[str, Any]) -> str:
    """The `articleBody` of a JSON-LD node, and the updates of a live blog, each below its headline."""
    parts = [_text(node.get("articleBody"))]
    updates = node.get("liveBlogUpdate")
    for update in updates[:MAX_UPDATES] if isinstance(updates, list) else [updates]:
        if isinstance(update, dict):
            parts += [_text(update.get("headline")), _text(update.get("articleBody"))]
    return "\n".join(filter(None, parts))


def _text(value: Any) -> str:
    """Entities are resolved twice: publishers escape twice."""
    if isinstance(value, list):
        return "\n".join(filter(None, map(_text, (each for each in value[:MAX_UPDATES] if not isinstance(each, list)))))
    if isinstance(value, dict):
        value = value.get("@value")
    return html.unescape(html.unescape(value)) if isinstance(value, str) else ""


def is_fuller(stated: Sequence[str], ours: Sequence[str], outline: Outline | None) -> bool:
    """Whether a stated body is this article's and says much more than the page shows.

    It must hold what was found, and nothing that the page shows as teasers, comments or links: such a body holds more
    than the article.
    """
    found, all_stated = sum(map(len, ours)), sum(map(len, stated))
    if all_stated <= max(LEAST_CHARS, _MUCH_MORE * found):
        return False
    said = letters_of("".join(stated)[:MAX_CHARS])
    first = ours[:MAX_BLOCKS]
    if found >= LEAST_CHARS and _said(first, said) < _OURS * sum(len(letters_of(line)) for line in first):
        return False
    return outline is None or _said(_left_out(outline), said) <= _FOREIGN * len(said)


def _said(lines: Iterable[str], said: str) -> int:
    """How many letters of these lines a text says, by the beginning of each."""
    keys = (letters_of(line) for line in lines)
    return sum(len(key) for key in keys if key[:TELLING_CHARS] in said)


def _left_out(outline: Outline) -> Iterator[str]:
    """Texts that the page shows as foreign; the first ones."""
    foreign = (
        block.text
        for block in outline.blocks
        if len(block.text) >= TELLING_CHARS and (outline.nodes[block.node].out or block.linked > 0.5)
    )
    return (text for text, _ in zip(foreign, range(MAX_BLOCKS), strict=False))
