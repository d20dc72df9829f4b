"""The public face of tagging: `load_rules`, `RuleSet.match` and `RuleSet.tag`; and stored articles tagged anew."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from newsflow.errors import ConfigError, TimeLimitError, in_words
from newsflow.model import Article, Evidence, Mention, NamedPlace, PlaceEvidence, TopicMatch
from newsflow.resources import SHIPPED
from newsflow.tagging.compile import CompiledRule, Tables, compile_rules
from newsflow.tagging.load import RulePath, read_rules, rule_files, shipped_rules_path
from newsflow.tagging.match import ScoredHit, conditions_hold, judged_hits, score_of
from newsflow.tagging.patterns import LeafId, Searched, new_tuple
from newsflow.tagging.places.find import Finder, Found
from newsflow.tagging.places.gazetteer import gazetteer
from newsflow.tagging.places.named import PlaceOf, places_named
from newsflow.tagging.places.weigh import FEWER, beside, is_about, place_hits
from newsflow.tagging.prepared import keep_tables, key_of, read_tables
from newsflow.tagging.rule import Rule, languages_searched, rule_language, set_version
from newsflow.tagging.scan import ALERT_SCORE, Scan, Span

MAX_EVIDENCE = 100
"""Spans kept of one tag; all hits count for its score."""
LIMIT_S = 10.0
"""What judging one article may take."""


@dataclass(frozen=True, slots=True)
class Tags:
    """What an article is about, strongest first, what it only mentions, the places it names, and that of its
    dateline."""

    topics: tuple[TopicMatch, ...] = ()
    mentions: tuple[Mention, ...] = ()
    places: tuple[NamedPlace, ...] = ()
    dateline: NamedPlace | None = None

    def on(self, article: Article) -> Article:
        """The article with these tags in place of its own."""
        return replace(article, topics=self.topics, mentions=self.mentions, places=self.places, dateline=self.dateline)


class Judgement(NamedTuple):
    """What a rule makes of an article."""

    item: CompiledRule
    hits: list[ScoredHit]
    score: float
    about: bool
    """Whether the score reaches the rule's threshold or, where names of places count, outweighs others enough."""


class RuleSet:
    """Compiled rules. Immutable to its users, safe to share between threads; build it once a process."""

    def __init__(self, rules: Iterable[Rule] | Tables, key: str = "") -> None:
        """Of rules, or of tables that were compiled before; `key`: under which they may be kept
        (`newsflow.tagging.prepared`). Raises ValueError when two rules have one id."""
        self.key = key
        self.tables = rules if isinstance(rules, Tables) else compile_rules(rules)
        self.rules = tuple(item.rule for item in self.tables.rules)
        if len(self.tables.by_id) != len(self.rules):
            raise ValueError("two rules have the same id")
        self._searched: dict[frozenset[str], Searched] = {}
        places, first = self.tables.places, self.tables.vocabulary.terms
        self._finder = Finder(places, gazetteer(), first) if places is not None else None
        """Of names of places, where they count for a rule."""
        self._place_of = PlaceOf(self.tables.leaves)
        self._placed: dict[str, list[int]] = {}
        """Numbers of the rules for which names of places count, by country."""
        for number, rule in enumerate(self.rules):
            if rule.places:
                self._placed.setdefault(rule.code, []).append(number)
        self.version = set_version((item.rule.id, item.version) for item in self.tables.rules)
        """12 hex digits over the meaning of all rules, whatever their order."""

    def __len__(self) -> int:
        return len(self.rules)

    def rule(self, rule_id: str) -> CompiledRule | None:
        index = self.tables.by_id.get(rule_id)
        return None if index is None else self.tables.rules[index]

    def prepare(self) -> None:
        """Make now what the first articles would wait for."""
        self.tables.vocabulary.build()

    def scan(self, article: Article) -> Scan:
        """What the article holds of all terms, for explanations."""
        vocabulary = self.tables.vocabulary
        # Only languages of terms: else each made-up tag would be remembered.
        languages = languages_searched(article.language) & vocabulary.languages
        searched = self._searched.get(languages)
        if searched is None:
            searched = self._searched[languages] = Searched(vocabulary, languages)
        return Scan(self.tables, searched, article)

    def places(self, scan: Scan) -> list[Found]:
        """The names of places in an article, where they count for a rule."""
        if self._finder is None or not scan.name_hits:
            return []
        return self._finder.find(scan.text, scan.name_hits, rule_language(scan.article.language))

    def judge(self, article: Article, limit_s: float = LIMIT_S) -> tuple[list[Judgement], Scan]:
        """Every rule whose conditions hold and of which something counts, in the order of the rules. Of those that
        are no mentions, some that stay below their threshold are left out.

        Raises `TimeLimitError` after `limit_s` seconds of processor time: one rule takes little, all may take long.
        """
        scan = self.scan(article)
        # From here: the first article waits for what is built once. No thread works longer than the clock goes on, and
        # to ask for the clock costs a tenth.
        until_s, earliest_s = time.thread_time() + limit_s, time.monotonic() + limit_s
        candidates, rules = scan.candidates(), self.tables.rules
        found: dict[int, Judgement] = {}
        for number, leaves in candidates.items():
            if time.monotonic() > earliest_s and time.thread_time() > until_s:
                raise TimeLimitError(f"its topics were not found within {limit_s:g} s")
            item = rules[number]
            if item.needs_threshold and scan.most_points(leaves, item.weights) < item.rule.threshold:
                continue
            hits = judged_hits(item, leaves, scan)
            if hits:
                score = score_of(hits)
                found[number] = new_tuple(Judgement, (item, hits, score, score >= item.rule.threshold))
        if places := self.places(scan):
            self._add_places(found, candidates, places, scan)
        _compare(found)
        return [found[number] for number in sorted(found)], scan

    def _add_places(
        self,
        found: dict[int, Judgement],
        candidates: Mapping[int, Sequence[LeafId]],
        places: Sequence[Found],
        scan: Scan,
    ) -> None:
        """Add what names of places say to what was found."""
        named: list[tuple[Span, str]] = []
        for item, hits, *_ in found.values():
            if item.rule.places:
                code = item.rule.code
                named += [(hit[0], code) for hit in hits]
        for code, hits in place_hits(scan, places, rule_language(scan.article.language), named).items():
            for number in self._placed.get(code, ()):
                item, judged = self.tables.rules[number], found.get(number)
                if judged is None and (item.require is not None or not conditions_hold(item, scan.article)):
                    continue
                if more := beside(item, candidates.get(number, ()), hits, scan):
                    both = sorted(more if judged is None else judged.hits + more)
                    about = judged is not None and judged.about
                    found[number] = new_tuple(Judgement, (item, both, score_of(both), about))

    def tag(self, article: Article, limit_s: float = LIMIT_S) -> Tags:
        """Topics the article is about (strongest first, then by id), those it mentions, and the places it names by
        which countries are told. Pure: same in, same out. Raises `TimeLimitError`."""
        found, scan = self.judge(article, limit_s)
        evidence = _EvidenceOf(scan)
        topics: list[TopicMatch] = []
        mentions: list[Mention] = []
        named: list[tuple[str, list[ScoredHit]]] = []
        for judged in found:
            item, hits, _, about = judged
            rule = item.rule
            if about:
                topics.append(topic_match(judged, evidence))
            elif rule.mentions:
                mentions.append(Mention(rule.id, rule.code, len(hits)))
            if rule.places:
                named.append((rule.code, hits))
        topics.sort(key=lambda topic: (-topic.score, topic.id))
        mentions.sort(key=lambda mention: (-mention.count, mention.id))
        places, dateline = places_named(named, self._place_of, evidence) if named else ((), None)
        return Tags(tuple(topics), tuple(mentions), places, dateline)

    def match(self, article: Article) -> list[TopicMatch]:
        """Every topic seen, with its evidence: what the article is about first, strongest first, then what it
        mentions, whose score stays below the rule's threshold. `tag` tells the two apart."""
        found, scan = self.judge(article)
        kept = [judged for judged in found if judged.about or judged.item.rule.mentions]
        kept.sort(key=lambda judged: (not judged.about, -judged.score, judged.item.rule.id))
        evidence = _EvidenceOf(scan)
        return [topic_match(judged, evidence) for judged in kept]


def _compare(found: dict[int, Judgement]) -> None:
    """Take countries as what the article is about that reach their threshold by names of places, or outweigh others
    with less."""
    doubtful = [
        number
        for number, (item, _, score, about) in found.items()
        if not about and score >= FEWER * (rule := item.rule).threshold and rule.places
    ]
    if not doubtful:
        return
    total = sum(_scores_by_country(found.values()).values())
    for number in doubtful:
        item, hits, score, _ = found[number]
        if is_about(score, item.rule.threshold, total):
            found[number] = Judgement(item, hits, score, True)


def _scores_by_country(judged: Iterable[Judgement]) -> dict[str, float]:
    """Of the rules for which names of places count, the highest score of each country."""
    scores: dict[str, float] = {}
    for item, _, score, _ in judged:
        rule = item.rule
        if rule.places and score > scores.get(rule.code, 0.0):
            scores[rule.code] = score
    return scores


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
    item, hits, score, _ = judged
    rule = item.rule
    evidence = tuple([evidence_by_hit[hit] for hit in hits[:MAX_EVIDENCE]])
    return TopicMatch(rule.id, rule.scheme, rule.code, score, item.version, evidence)


def evidence_of(hit: ScoredHit, scan: Scan) -> Evidence:
    """The span of a hit in the emitted text."""
    (first, stop, skip, leaf), weight, _ = hit
    text = scan.text
    field, start, end = text.original_span(first, stop, skip)
    written = (text.title if field == "title" else text.body)[start:end]
    if leaf < 0:
        kind = gazetteer().place(~leaf).kind
        return PlaceEvidence(gazetteer().term(~leaf), field, start, end, written, weight, kind)
    return Evidence(scan.tables.leaves[leaf].key.text, field, start, end, written, weight)


def is_alert_grade(topic: TopicMatch, article: Article) -> bool:
    """Whether a tag is strong enough to alert someone: twice the usual score, and a hit in the title.

    Without a title, what stands at the top of the body has been scored as one, and the score decides.
    """
    in_title = any(item.field == "title" for item in topic.evidence)
    return topic.score >= ALERT_SCORE and (in_title or not article.title.strip())


def load_rules(paths: Iterable[RulePath] | RulePath | None = None, *, later_replaces: bool = False) -> RuleSet:
    """The rule set of files and folders; without paths, the shipped one.

    Raises ConfigError with file, line, path and what would be accepted.
    """
    given = [shipped_rules_path()] if paths is None else [paths] if isinstance(paths, RulePath) else list(paths)
    files = rule_files(given)
    content = key_of(files)
    key = content + "-later-replaces" * later_replaces
    tables = read_tables(key)
    rules = RuleSet(read_rules(given, later_replaces=later_replaces) if tables is None else tables, key)
    if tables is None and content == key_of(files):  # else a file has changed meanwhile
        keep_tables(key, rules.tables)
    return rules


# A rule set that follows its files: looked at between batches, replaced only by one that loads.


logger = logging.getLogger(__name__)

POINTER_NAME = "applied.json"
FOLLOWS = "topic rules %s are in force, applied as %s: the shipped rules among them follow the installed release"


class Pointer(NamedTuple):
    """What was last applied: its version at that time, its files and folders, and the entry of the history."""

    version: str
    paths: tuple[Path, ...]
    """Later ones replace earlier ones. None where the configured rules count again."""
    entry: str

    @property
    def follows_release(self) -> bool:
        return Path(SHIPPED) in self.paths


NOTHING_APPLIED = Pointer("", (), "")

Signature = tuple[tuple[str, int, int, int], ...]


class RuleSource:
    """The current rule set of some paths, or of what was last applied.

    `pointer` names a file that `newsflow topics apply` writes; where it names rules, they count and `paths` do not.
    Not safe for threads; one a process and stage.
    """

    def __init__(self, paths: Iterable[RulePath] | None = None, pointer: Path | None = None) -> None:
        self._paths = [shipped_rules_path()] if paths is None else [Path(path) for path in paths]
        self._pointer = pointer
        self._signature: Signature | None = None
        self._rules: RuleSet | None = None

    def current(self) -> RuleSet:
        """The rule set to tag the next batch with.

        The first call raises ConfigError when the rules do not load. Later, rules that do not load are logged as an
        error once, and the set before them is kept.
        """
        signature = self._look()
        if self._rules is not None and signature == self._signature:
            return self._rules
        try:
            applied = self._applied()
            rules = load_rules(applied.paths or self._paths, later_replaces=bool(applied.paths))
        except ConfigError as error:
            if self._rules is None:
                raise
            logger.error("new topic rules do not load, version %s stays: %s", self._rules.version, error)
        else:
            if self._rules is not None and rules.version != self._rules.version:
                logger.warning("topic rules %s replace %s", rules.version, self._rules.version)
            if applied.follows_release and rules.version != applied.version:
                logger.warning(FOLLOWS, rules.version, applied.version)
            self._rules = rules
        # Taken before loading: what changed meanwhile shows at the next look.
        self._signature = signature
        return self._rules

    def _applied(self) -> Pointer:
        return read_pointer(self._pointer) if self._pointer else NOTHING_APPLIED

    def _look(self) -> Signature:
        """Name, time, size and inode of every file that counts; equal when nothing changed."""
        found = [self._pointer] if self._pointer else []
        try:
            found += rule_files(self._applied().paths or self._paths)
        except ConfigError:
            found += [Path("unreadable")]
        return tuple(_stamp(path) for path in found)


def _stamp(path: Path) -> tuple[str, int, int, int]:
    try:
        state = path.stat()
    except OSError:
        return (str(path), 0, 0, 0)
    return (str(path), state.st_mtime_ns, state.st_size, state.st_ino)


def read_pointer(file: Path) -> Pointer:
    """What was last applied; `NOTHING_APPLIED` where nothing was. Raises ConfigError for a pointer that is not one."""
    try:
        return as_pointer(json.loads(file.read_text(encoding="utf-8")), file.parent)
    except FileNotFoundError:
        return NOTHING_APPLIED
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ConfigError(f"not a pointer to applied rules: {in_words(error)}", file=str(file)) from error


def as_pointer(value: Mapping[str, Any], folder: Path) -> Pointer:
    """What a pointer under `folder` says. Raises KeyError, TypeError or AttributeError for what is not one."""
    paths = tuple(Path(item) if item == SHIPPED else folder / item for item in value["paths"])
    return Pointer(str(value.get("version", "")), paths, str(value.get("entry", "")))
