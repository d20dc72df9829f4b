"""The public face of tagging: `load_rules`, `RuleSet.match` and `RuleSet.tag`; and stored articles tagged anew."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from newsflow.model import Article, Evidence, Mention, TopicMatch
from newsflow.tagging.compile import CompiledRule, compile_rules
from newsflow.tagging.load import RulePath, read_rules, shipped_rules_path
from newsflow.tagging.match import ScoredHit, judged_hits, score_of
from newsflow.tagging.patterns import Searched
from newsflow.tagging.rule import Rule, languages_searched
from newsflow.tagging.scan import ALERT_SCORE, Scan

MAX_EVIDENCE = 100
"""Spans kept of one tag; all hits count for its score."""


@dataclass(frozen=True, slots=True)
class Tags:
    """What an article is about, strongest first, and what it only mentions."""

    topics: tuple[TopicMatch, ...] = ()
    mentions: tuple[Mention, ...] = ()


class Judgement(NamedTuple):
    """What a rule makes of an article."""

    item: CompiledRule
    hits: list[ScoredHit]
    score: float

    @property
    def about(self) -> bool:
        """Whether the score reaches the rule's threshold."""
        return self.score >= self.item.rule.threshold


class RuleSet:
    """Compiled rules. Immutable to its users, safe to share between threads; build it once a process."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        """Raises ValueError when two rules have one id."""
        self.rules: tuple[Rule, ...] = tuple(rules)
        self.tables = compile_rules(self.rules)
        if len(self.tables.by_id) != len(self.rules):
            raise ValueError("two rules have the same id")
        self._searched: dict[frozenset[str], Searched] = {}
        text = "\n".join(sorted(item.rule.id + item.version for item in self.tables.rules))
        self.version = hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
        """12 hex digits over the meaning of all rules, whatever their order."""

    def __len__(self) -> int:
        return len(self.rules)

    def rule(self, rule_id: str) -> CompiledRule | None:
        index = self.tables.by_id.get(rule_id)
        return None if index is None else self.tables.rules[index]

    def scan(self, article: Article) -> Scan:
        """What the article holds of all terms, for explanations."""
        vocabulary = self.tables.vocabulary
        # Only languages of terms: else each made-up tag would be remembered.
        languages = languages_searched(article.language) & vocabulary.languages
        searched = self._searched.get(languages)
        if searched is None:
            searched = self._searched[languages] = Searched(vocabulary, languages)
        return Scan(self.tables, searched, article)

    def judge(self, article: Article) -> tuple[list[Judgement], Scan]:
        """Every rule whose conditions hold and of which something counts, in the order of the rules."""
        scan = self.scan(article)
        found: list[Judgement] = []
        for index in scan.candidates():
            item = self.tables.rules[index]
            hits = judged_hits(item, article, scan)
            if hits:
                found.append(Judgement(item, hits, score_of(hits)))
        return found, scan

    def tag(self, article: Article) -> Tags:
        """Topics the article is about (strongest first, then by id) and those it mentions. Pure: same in, same out."""
        found, scan = self.judge(article)
        evidence = _EvidenceOf(scan)
        topics = [topic_match(judged, evidence) for judged in found if judged.about]
        weak = [judged for judged in found if not judged.about and judged.item.rule.mentions]
        mentions = [Mention(judged.item.rule.id, judged.item.rule.code, len(judged.hits)) for judged in weak]
        topics.sort(key=lambda topic: (-topic.score, topic.id))
        mentions.sort(key=lambda mention: (-mention.count, mention.id))
        return Tags(tuple(topics), tuple(mentions))

    def match(self, article: Article) -> list[TopicMatch]:
        """Every topic seen, with its evidence: what the article is about first, strongest first, then what it
        mentions, whose score stays below the rule's threshold. `tag` tells the two apart."""
        found, scan = self.judge(article)
        kept = [judged for judged in found if judged.about or judged.item.rule.mentions]
        kept.sort(key=lambda judged: (not judged.about, -judged.score, judged.item.rule.id))
        evidence = _EvidenceOf(scan)
        return [topic_match(judged, evidence) for judged in kept]


class _EvidenceOf(dict[ScoredHit, Evidence]):
    """The evidence of the hits of one article, each made once however many rules it counts for."""

    def __init__(self, scan: Scan) -> None:
        super().__init__()
        self._scan = scan

    def __missing__(self, hit: ScoredHit) -> Evidence:
        found = self[hit] = evidence_of(hit, self._scan)
        return found


def topic_match(judged: Judgement, evidence_by_hit: Mapping[ScoredHit, Evidence]) -> TopicMatch:
    """The tag that a rule gives for its hits."""
    rule = judged.item.rule
    evidence = tuple([evidence_by_hit[hit] for hit in judged.hits[:MAX_EVIDENCE]])
    return TopicMatch(rule.id, rule.scheme, rule.code, judged.score, judged.item.version, evidence)


def evidence_of(hit: ScoredHit, scan: Scan) -> Evidence:
    """The span of a hit in the emitted text."""
    first, stop, skip, leaf = hit.span
    field, start, end = scan.text.original_span(first, stop, skip)
    text = (scan.text.title if field == "title" else scan.text.body)[start:end]
    return Evidence(scan.tables.leaves[leaf].key.text, field, start, end, text, hit.weight)


def is_alert_grade(topic: TopicMatch, article: Article) -> bool:
    """Whether a tag is strong enough to alert someone: twice the usual score, and a hit in the title.

    Without a title, what stands at the top of the body has been scored as one, and the score decides.
    """
    in_title = any(item.field == "title" for item in topic.evidence)
    return topic.score >= ALERT_SCORE and (in_title or not article.title.strip())


def load_rules(paths: Iterable[RulePath] | RulePath | None = None) -> RuleSet:
    """The rule set of files and folders; without paths, the shipped one.

    Raises ConfigError with file, line, path and what would be accepted.
    """
    given = [shipped_rules_path()] if paths is None else [paths] if isinstance(paths, RulePath) else list(paths)
    return RuleSet(read_rules(given))
