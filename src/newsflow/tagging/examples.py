"""Runs the examples beside the rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from newsflow.model import Article, PublicationDate
from newsflow.tagging.rule import Example, Rule
from newsflow.tagging.ruleset import RuleSet

_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ExampleResult:
    """One example, run. `passed` false: it was tagged and must not be, or the other way round."""

    rule: Rule
    example: Example
    passed: bool
    found: str
    """`topic`, `mention` or `nothing`."""


def text_article(text: str, language: str, title: str = "") -> Article:
    """An article of nothing but a text, for rules to be tried on."""
    published = PublicationDate(_ANY_TIME, "explicit", "first-seen", "")
    return Article("example", title, text, language, published, _ANY_TIME)


def run_examples(rules: RuleSet) -> Iterator[ExampleResult]:
    """Every example of every rule. A text must give its topic; a counter-example not even a mention of it."""
    for rule in rules.rules:
        for example in rule.examples:
            yield run_example(rules, rule, example)


def run_example(rules: RuleSet, rule: Rule, example: Example) -> ExampleResult:
    """One example under the whole rule set; conditions on source and section are taken as met where there is one."""
    tags = rules.tag(text_article(example.text, example.language))
    topic = any(match.id == rule.id for match in tags.topics)
    mention = any(match.id == rule.id for match in tags.mentions)
    found = "topic" if topic else "mention" if mention else "nothing"
    return ExampleResult(rule, example, topic if example.matches else not (topic or mention), found)
