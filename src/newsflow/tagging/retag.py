"""Stored articles under other rules, as new versions."""

from __future__ import annotations

from dataclasses import dataclass, replace

from newsflow.model import Action, Article
from newsflow.tagging.ruleset import RuleSet


@dataclass(frozen=True, slots=True)
class Retagged:
    """An article's next version, and the ids of topics that differ from the version before.

    `gained` and `lost` are what it is about now and was not, or was and is not; `other_rule` what it is about as
    before, by a rule of another meaning; `mentions` what it began or ceased to only mention.
    """

    article: Article
    gained: frozenset[str]
    lost: frozenset[str]
    other_rule: frozenset[str] = frozenset()
    mentions: frozenset[str] = frozenset()

    @property
    def changed(self) -> frozenset[str]:
        """All of them."""
        return self.gained | self.lost | self.other_rule | self.mentions


def retag_articles(rules: RuleSet, article: Article) -> Retagged | None:
    """The article with the tags of `rules`, as its next version; None when it would be tagged as it is.

    Scores, counts and evidence alone make no new version: they follow from the text and the rule's version.
    """
    tags = rules.tag(article)
    before = {topic.id: topic.rule_version for topic in article.topics}
    after = {topic.id: topic.rule_version for topic in tags.topics}
    mentions = {mention.id for mention in article.mentions} ^ {mention.id for mention in tags.mentions}
    if before == after and not mentions:
        return None
    newer = replace(
        article, version=article.version + 1, action=Action.REPLACE, topics=tags.topics, mentions=tags.mentions
    )
    return Retagged(
        newer,
        gained=frozenset(after.keys() - before.keys()),
        lost=frozenset(before.keys() - after.keys()),
        other_rule=frozenset(topic for topic in before.keys() & after.keys() if before[topic] != after[topic]),
        mentions=frozenset(mentions - before.keys() - after.keys()),
    )
