"""Stored articles under other rules, as new versions."""

from __future__ import annotations

from dataclasses import dataclass, replace

from newsflow.model import Action, Article
from newsflow.tagging.ruleset import RuleSet


@dataclass(frozen=True, slots=True)
class Retagged:
    """An article's next version. `changed` are the ids of topics it gained, lost, or holds under another rule."""

    article: Article
    changed: frozenset[str]


def retag_articles(rules: RuleSet, article: Article) -> Retagged | None:
    """The article with the tags of `rules`, as its next version; None when it would be tagged as it is.

    Scores and evidence alone make no new version: they follow from the text and the rule's version.
    """
    tags = rules.tag(article)
    before = {(topic.id, topic.rule_version) for topic in article.topics}
    after = {(topic.id, topic.rule_version) for topic in tags.topics}
    if before == after:
        return None
    changed = frozenset(topic for topic, _ in before ^ after)
    newer = replace(
        article, version=article.version + 1, action=Action.REPLACE, topics=tags.topics, mentions=tags.mentions
    )
    return Retagged(newer, changed)
