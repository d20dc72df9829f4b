"""The public face of tagging: `load_rules`, `RuleSet.match` and `RuleSet.tag`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from newsflow.model import Article, Evidence, Mention, TopicMatch
from newsflow.tagging.compile import CompiledRule, compile_rules
from newsflow.tagging.load import RulePath, read_rules, shipped_rules_path
from newsflow.tagging.match import Hit, LanguageView, Scan, conditions_hold, holds, score_of, scored_hits
from newsflow.tagging.places import ALERT_SCORE
from newsflow.tagging.rule import Rule

MAX_EVIDENCE = 100
"""Spans kept of one tag; all hits count for its score."""


@dataclass(frozen=True, slots=True)
class Tags:
    """What an article is about, strongest first, and what it only mentions."""

    topics: tuple[TopicMatch, ...] = ()
    mentions: tuple[Mention, ...] = ()


class RuleSet:
    """Compiled rules. Immutable to its users, safe to share between threads; build it once a process."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        """Raises ValueError when two rules have one id."""
        self.rules: tuple[Rule, ...] = tuple(rules)
        self._tables = compile_rules(self.rules)
        if len(self._tables.by_id) != len(self.rules):
            raise ValueError("two rules have the same id")
        self._views: dict[str, LanguageView] = {}
        text = "\n".join(sorted(item.rule.id + item.version for item in self._tables.rules))
        self.version = hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
        """12 hex digits over the meaning of all rules, whatever their order."""

    def __len__(self) -> int:
        return len(self.rules)

    def rule(self, rule_id: str) -> CompiledRule | None:
        """The compiled rule of an id."""
        index = self._tables.by_id.get(rule_id)
        return None if index is None else self._tables.rules[index]

    def scan(self, article: Article) -> Scan:
        """What the article holds of all terms, for explanations."""
        view = self._views.get(article.language)
        if view is None:
            view = self._views[article.language] = LanguageView(self._tables, article.language)
        return Scan(self._tables, view, article)

    def tag(self, article: Article) -> Tags:
        """Topics the article is about (strongest first, then by id) and those it mentions. Pure: same in, same out."""
        scan = self.scan(article)
        topics: list[TopicMatch] = []
        mentions: list[Mention] = []
        for index in scan.candidates():
            item = self._tables.rules[index]
            if not conditions_hold(item, article) or (item.require is not None and not holds(item.require, scan)):
                continue
            hits = scored_hits(item, scan)
            if not hits:
                continue
            score = score_of(hits)
            if score >= item.rule.threshold:
                topics.append(topic_match(item, hits, score, scan))
            elif item.rule.mentions:
                mentions.append(Mention(item.rule.id, item.rule.code, len(hits)))
        topics.sort(key=lambda topic: (-topic.score, topic.id))
        mentions.sort(key=lambda mention: (-mention.count, mention.id))
        return Tags(tuple(topics), tuple(mentions))

    def match(self, article: Article) -> list[TopicMatch]:
        """The topics the article is about, strongest first."""
        return list(self.tag(article).topics)


def topic_match(item: CompiledRule, hits: list[Hit], score: float, scan: Scan) -> TopicMatch:
    """The tag that a rule gives for its hits."""
    rule = item.rule
    evidence = tuple(evidence_of(hit, scan) for hit in hits[:MAX_EVIDENCE])
    return TopicMatch(rule.id, rule.scheme, rule.code, score, item.version, evidence)


def evidence_of(hit: Hit, scan: Scan) -> Evidence:
    """The span of a hit in the emitted text."""
    field, start, end = scan.text.original_span(*hit.span)
    text = (scan.text.title if field == "title" else scan.text.body)[start:end]
    return Evidence(scan.tables.leaves[hit.leaf].key.text, field, start, end, text, hit.weight)


def is_alert_grade(topic: TopicMatch, title_chars: int = 0) -> bool:
    """Whether a tag is strong enough to alert someone: twice the usual score, with a hit in the title.

    `title_chars` is the length of the article's title; without a title the top of the body stands for it.
    """
    in_title = any(item.field == "title" for item in topic.evidence)
    return topic.score >= ALERT_SCORE and (in_title or title_chars == 0)


def load_rules(paths: Iterable[RulePath] | RulePath | None = None) -> RuleSet:
    """The rule set of files and folders; without paths, the shipped one.

    Raises ConfigError with file, line, place within the file and what would be accepted.
    """
    given = [shipped_rules_path()] if paths is None else [paths] if isinstance(paths, RulePath) else list(paths)
    return RuleSet(read_rules(given))
