"""Free rules: conditions on the text of an article, in the language of topic rules, written where they are needed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import orjson

from newsflow.errors import ConfigError
from newsflow.model import Article
from newsflow.tagging import RuleSet
from newsflow.tagging.document import Document, Steps, with_refs
from newsflow.tagging.load import shipped_catalogue
from newsflow.tagging.parse import RuleParser
from newsflow.tagging.rule import Rule
from newsflow.yamlfile import Place, YamlFile

ACCEPTED = ("all", "any", "include", "near", "none", "ordered", "sections", "terms", "threshold", "within")
_SHOWN_CHARS = 120


@dataclass(frozen=True, slots=True)
class FreeRule:
    """A rule without a topic of its own. Its id derives from what it means, so equal rules are one."""

    rule: Rule
    text: str = field(compare=False)
    """As it was written, for people, shortened."""


class FreeRules:
    """Free rules of many conditions, looked for in one pass over an article. Safe to share between threads."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        unique = {rule.id: rule for rule in rules}
        self.ids = frozenset(unique)
        self._set = RuleSet(unique.values())

    def met_by(self, article: Article) -> frozenset[str]:
        """Ids of the rules that hold."""
        return frozenset(judged.item.rule.id for judged in self._set.judge(article)[0] if judged.about)


@lru_cache(maxsize=256)
def rules_of(*rules: Rule) -> FreeRules:
    """The compiled rules, compiled once a process."""
    return FreeRules(rules)


def read_rule(file: YamlFile, value: Any, place: Place) -> FreeRule:
    """The rule at `place` of a file. Raises `ConfigError` that points into the file."""
    if not isinstance(value, dict):
        raise file.error(f"a rule is a mapping; accepted: {', '.join(ACCEPTED)}", place)
    for key in value:
        if key not in ACCEPTED:
            raise file.error(f"unknown {key!r}; accepted: {', '.join(ACCEPTED)}", (*place, key))
    document = _Inside(file.file, with_refs({"id": "free", **value}), {}, file.line(place) or 1, file, place)
    rule = RuleParser(document, lambda name: shipped_catalogue().resolve(name)).parse()
    # A place in a file is no part of what a rule is.
    rule = replace(rule, id=f"free-{rule.version()}", file="", line=0)
    return FreeRule(rule, _shown(value))


@dataclass(frozen=True, slots=True)
class _Inside(Document):
    """A rule that is part of another file: its errors name their place there."""

    around: YamlFile = field(default_factory=lambda: YamlFile(None, {}, ""))
    place: Place = ()

    def fail(self, message: str, steps: Steps = ()) -> ConfigError:
        """The error for a value, to be raised by the caller."""
        return self.around.error(message, (*self.place, *steps))


def _shown(value: Any) -> str:
    text = orjson.dumps(value).decode()
    return text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"
