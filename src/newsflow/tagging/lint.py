"""What an editor should look at in a rule set, and the examples beside the rules, run.

No finding stops a job: `topics test` and loading do that.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from newsflow.model import Article, PublicationDate
from newsflow.tagging.compile import Tables
from newsflow.tagging.forms import LANGUAGES as INFLECTED_LANGUAGES
from newsflow.tagging.forms import OF_NAMES, forms_language
from newsflow.tagging.patterns import LeafId
from newsflow.tagging.rule import LATIN, Example, Rule, Term, rule_language, terms_of
from newsflow.tagging.ruleset import RuleSet
from newsflow.tagging.scan import FACTORS

FindingKind = Literal[
    "dead-term", "repeated-term", "shared-term", "short-term", "missing-language", "few-examples", "never-enough",
    "unused-condition", "common-word", "pattern", "several-terms", "other-script", "no-forms",
]  # fmt: skip

MIN_MATCHES, MIN_COUNTER = 3, 2
_SHORT_CHARS = 3
_MAX_HOLDERS = 3
_COMMON = 6.8
"""On Zipf's scale: once in 160 words."""
_MOST_OWN = 8
"""Terms in more languages are those of a rule referred to, as every country's: not all need examples."""


_PATTERN = re.compile(r"[\[\]{}|^\\?]|\.[*+]|\)[*+]|[a-z]\$|\w\(\w{1,3}\)")
"""What regular expressions are written with, and terms are not."""
_SEPARATOR = re.compile("[،؛、，；;]")
_SCRIPT_OF = {"el": "GREEK", "he": "HEBREW", "hi": "DEVANAGARI", "hy": "ARMENIAN", "ka": "GEORGIAN", "th": "THAI"}
_SCRIPT_OF |= dict.fromkeys(("ar", "ckb", "fa", "ps", "ur"), "ARABIC")
_SCRIPT_OF |= dict.fromkeys(("be", "bg", "ky", "mk", "ru", "uk"), "CYRILLIC")
_SCRIPT_OF |= dict.fromkeys(LATIN - {"az", "bs", "ha", "ms", "sr", "tk", "uz"}, "LATIN")
"""Of languages that are written in one script alone, as Unicode names its letters."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark on one rule."""

    rule: str
    kind: FindingKind
    message: str
    file: str
    line: int


def lint(rules: RuleSet, languages: Collection[str] = (), *, only: Collection[str] | None = None) -> list[Finding]:
    """Findings in the order of the rules, of those whose ids are in `only`, else of all.

    `languages` are those every hand-written topic should have terms and examples in; else each its own.
    """
    found: list[Finding] = []
    shared = _shared(rules.tables)
    for rule in rules.rules:
        if only is not None and rule.id not in only:
            continue
        found += _terms(rule)
        found += _writing(rule)
        found += _without_effect(rule)
        found += _overlaps(rule, shared)
        # Saved searches and generated rules come as .jsonl: they carry no examples and one language each.
        if not rule.file.endswith(".jsonl"):
            found += _common_words(rule)
            wanted = languages or _own_languages(rule)
            found += _languages(rule, wanted)
            found += _examples(rule, wanted)
    return found


def _finding(rule: Rule, kind: FindingKind, message: str) -> Finding:
    return Finding(rule.id, kind, message, rule.file, rule.line)


def _terms(rule: Rule) -> Iterator[Finding]:
    counts = Counter((term.language, term.text) for term in rule.terms)
    for (language, text), number in counts.items():
        if number > 1:
            yield _finding(rule, "repeated-term", f"{text} stands {number} times under {language or 'every language'}")
    for term in (*rule.terms, *terms_of(rule.require)):
        if term.weight == 0:
            yield _finding(rule, "dead-term", f"{term.text} has weight 0 and never counts")
        if _is_short(term):
            yield _finding(
                rule, "short-term", f"{term.text} is short and matches in any case: set capitals or a phrase"
            )
    most = max((term.weight for term in rule.terms), default=1.0)
    if rule.terms and rule.threshold > 0 and most * max(FACTORS.values()) * 100 < rule.threshold:
        yield _finding(rule, "never-enough", f"no article reaches the threshold {rule.threshold:g}")


def _writing(rule: Rule) -> Iterator[Finding]:
    """Terms that are written as if they meant something else, and so do not count."""
    for term in (*rule.terms, *terms_of(rule.require)):
        language = rule_language(term.language) if term.language else ""
        for text in (term.text, *term.unless, *term.needs, *term.without):
            if _PATTERN.search(text):
                message = "is no pattern here, its signs are passed over: write the words out, or end with ~ or *"
                yield _finding(rule, "pattern", f"{text} {message}")
            if _SEPARATOR.search(text) and len(_term_languages(rule)) <= _MOST_OWN:
                yield _finding(rule, "several-terms", f"{text} is one term: write each of a list as one of its own")
            wanted = _SCRIPT_OF.get(language)
            if wanted and not _is_name(text) and _scripts(text).isdisjoint((wanted, "")):
                yield _finding(rule, "other-script", f"{text} stands under {language}, which is not written so")
            if "~" in text and term.language and not _has_forms(text, term.language):
                message = f"has ~, and no forms are known in {language}: write them out, or end with *"
                yield _finding(rule, "no-forms", f"{text} {message}")


def _has_forms(text: str, language: str) -> bool:
    language = forms_language(text, language)
    return language in INFLECTED_LANGUAGES or (language in OF_NAMES and text[:1] == text[:1].title())


def _without_effect(rule: Rule) -> Iterator[Finding]:
    """Conditions of terms that no text can fail."""
    for term in (*rule.terms, *terms_of(rule.require)):
        if term.case == "certain" and term.text == term.text.lower():
            yield _finding(rule, "unused-condition", f"{term.text} has no capital: `case: certain` does nothing")
        if term.definite:
            continue
        said = "`definite: false` does nothing"
        if forms_language(term.text, term.language) not in ("ar", "he"):
            message = f"{term.text} stands in no language with an article before it: {said}"
            yield _finding(rule, "unused-condition", message)
        elif term.text.startswith("ال"):
            yield _finding(rule, "unused-condition", f"{term.text} has the article itself: {said}")


def _scripts(text: str) -> set[str]:
    """Of its letters; of a text without any, the empty one."""
    return {unicodedata.name(char, "").partition(" ")[0] for char in text if char.isalpha()} or {""}


def _is_name(text: str) -> bool:
    """COVID-19 and NATO are written so in every language."""
    return text.isascii() and text == text.upper()


def _is_short(term: Term) -> bool:
    text = term.text.rstrip("~")
    plain = text.isascii() and text == text.lower() and not term.needs
    return plain and len(text.rstrip("*")) < _SHORT_CHARS


def _common_words(rule: Rule) -> Iterator[Finding]:
    for term in rule.terms:
        word = term.text.rstrip("~")
        capitals = term.case == "smart" and word != word.lower()
        if " " not in word and not (capitals or term.needs) and _frequency(word, term.language or "en") >= _COMMON:
            yield _finding(rule, "common-word", f"{word} stands in most articles: set company (needs) or a phrase")


def _frequency(word: str, language: str) -> float:
    """How often a word is used, on Zipf's scale; 0 where it is not known."""
    import wordfreq

    code = rule_language(language)
    # The lists of these take programs that part their words.
    known = code in wordfreq.available_languages("small") and code not in ("zh", "ja", "ko")
    return float(wordfreq.zipf_frequency(word, code, wordlist="small")) if known else 0.0


Shared = dict[tuple[str, str], set[str]]
"""Ids of the rules that one written form serves, by the language and text of each of their terms."""


def _shared(tables: Tables) -> Shared:
    holders: dict[LeafId, set[str]] = {}
    for item in tables.rules:
        for leaf in item.weights:
            holders.setdefault(leaf, set()).add(item.rule.id)
    found: Shared = {}
    by_pattern: dict[int, list[LeafId]] = {}
    for entry in tables.vocabulary.entries:
        if not entry.skip:
            by_pattern.setdefault(entry.pattern, []).append(entry.leaf)
    for leaves in by_pattern.values():
        keys = {tables.leaves[leaf].key: holders.get(leaf, set()) for leaf in leaves}
        for key in keys:
            served = set().union(*(rules for other, rules in keys.items() if other.language in (key.language, "")))
            if 1 < len(served) <= _MAX_HOLDERS:
                found.setdefault((key.language, key.text), set()).update(served)
    return found


def _overlaps(rule: Rule, shared: Shared) -> Iterator[Finding]:
    for term in rule.terms:
        others = shared.get((term.language, term.text), set()) - {rule.id}
        # A term with conditions of its own has been thought about.
        if others and not (term.unless or term.needs or term.without):
            yield _finding(
                rule, "shared-term", f"{term.language}: {term.text} is found by {', '.join(sorted(others))} too"
            )


def _term_languages(rule: Rule) -> set[str]:
    terms = (*rule.terms, *terms_of(rule.require))
    return {rule_language(term.language) if term.language else "" for term in terms}


def _own_languages(rule: Rule) -> list[str]:
    """Those that a rule has examples in, or terms written for it."""
    terms = _term_languages(rule)
    examples = {rule_language(example.language) for example in rule.examples}
    return sorted((examples | (terms if len(terms) <= _MOST_OWN else set())) - {"", "und"})


def _languages(rule: Rule, wanted: Collection[str]) -> Iterator[Finding]:
    present = _term_languages(rule)
    if "" in present:
        return
    for language in wanted:
        if language not in present:
            yield _finding(rule, "missing-language", f"no terms for {language}")


def _examples(rule: Rule, wanted: Collection[str]) -> Iterator[Finding]:
    if not rule.examples:
        message = f"no examples; at least {MIN_MATCHES} that match and {MIN_COUNTER} that must not are wanted"
        yield _finding(rule, "few-examples", message)
        return
    for language in wanted:
        own = [example for example in rule.examples if rule_language(example.language) == language]
        matches = sum(example.matches for example in own)
        counter = len(own) - matches
        if matches < MIN_MATCHES or counter < MIN_COUNTER:
            message = f"{matches} examples that match and {counter} that must not in {language}; at least "
            yield _finding(rule, "few-examples", f"{message}{MIN_MATCHES} and {MIN_COUNTER} are wanted")


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
