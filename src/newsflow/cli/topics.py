"""`newsflow topics`: test, lint, explain, compare and apply topic rules; retag stored articles by them."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsflow.cli.apply import apply, history, rollback
from newsflow.cli.articles import (
    IN_FORCE,
    Input,
    RulesArgument,
    RulesOption,
    article_of,
    configured_profiles,
    file_argument,
    known_topic,
    load_given,
    load_named,
    read_inputs,
    rules_in_force,
)
from newsflow.cli.options import (
    ConfigOption,
    LedgerOption,
    Output,
    OutputOption,
    ReplaceOption,
    SinceOption,
    SourceOption,
    TopicOption,
    settings,
)
from newsflow.cli.output import EXIT_FAILED, data, data_json, emit, few, isolate, one_line, tell
from newsflow.cli.retag import retag

if TYPE_CHECKING:
    from newsflow.model import Article, Evidence
    from newsflow.tagging import RuleSet
    from newsflow.tagging.diff import Diff, Sample
    from newsflow.tagging.explain import Explanation, Requirement

app = typer.Typer(no_args_is_help=True, help="Topic rules: test, lint, explain, diff, apply, roll back, retag.")
for command in (apply, history, rollback, retag):
    app.command()(command)

_CONTEXT_CHARS = 40
_ON, _OFF = "\x1b[1;32m", "\x1b[0m"
_MAX_LINES = 20

ON = "Articles or raw events (JSON, one a line), or 'ledger'; - for standard input."
VERDICTS = {"topic": "is about it", "mention": "only mentions it", "none": "is not tagged with it"}


@app.command("test")
def run_tests(
    paths: RulesArgument = None,
    topic: TopicOption = None,
    config: ConfigOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Run the examples beside the rules."""
    from newsflow.tagging.lint import run_examples

    rules = load_given(paths, config)
    known_topic(rules, topic)
    results = [result for result in run_examples(rules) if topic in (None, result.rule.id)]
    failed = [result for result in results if not result.passed]
    for result in failed:
        example = result.example
        wanted = f"the topic {result.rule.id}" if example.matches else f"nothing of {result.rule.id}"
        members: dict[str, Any] = {
            "rule": result.rule.id,
            "language": example.language,
            "text": example.text,
            "found": result.found,
        }
        members |= {"wanted": "topic" if example.matches else "nothing", "file": result.rule.file, "line": example.line}
        where = f"{result.rule.file}:{example.line}"
        emit(output, members, f"{where}: {example.language}: {result.found}, wanted {wanted}: {example.text}")
    tell(f"{len(results)} examples, {len(failed)} failed; rules {rules.version}")
    if failed:
        example, rule = failed[0].example, failed[0].rule
        given = "".join(f" --rules {shlex.quote(str(path))}" for path in paths or ())
        asked = f"newsflow topics explain -{given} --topic {rule.id} --language {example.language}"
        told = f"ask why: printf %s {shlex.quote(example.text)} | {asked}"
        tell(told)  # As one line, to be copied.
        raise typer.Exit(EXIT_FAILED)


@app.command("lint")
def lint_rules(
    paths: RulesArgument = None,
    strict: Annotated[bool, typer.Option("--strict", help="Fail when there is any finding.")] = False,
    config: ConfigOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Point at dead terms, overlaps with the rules in force, missing languages and examples."""
    from dataclasses import asdict

    from newsflow.tagging import load_rules
    from newsflow.tagging.lint import lint

    rules = around = load_given(paths, config)
    if paths:
        around = load_rules([*rules_in_force(settings(config).config).paths, *paths], later_replaces=True)
    findings = lint(around, only={rule.id for rule in rules.rules})
    for finding in findings:
        where = f"{finding.file}:{finding.line}"
        emit(output, asdict(finding), f"{where}: {finding.rule}: {finding.kind}: {finding.message}")
    tell(f"{len(findings)} findings")
    if findings and strict:
        raise typer.Exit(EXIT_FAILED)


@app.command("explain")
def explain_article(
    file: Annotated[Path, file_argument("Articles or raw events (JSON, one or one a line), or a page or a text")],
    topic: TopicOption = None,
    language: Annotated[
        str, typer.Option("--language", help="Language of a text that is neither JSON nor a page.")
    ] = "und",
    source: SourceOption = None,
    rules: RulesOption = None,
    config: ConfigOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Say for each tag, and with --topic for a missing one, what counted, what did not and why."""
    from newsflow.model import Article

    loaded = load_given(rules, config)
    known_topic(loaded, topic)
    profiles, failed = configured_profiles(config), False
    for given in read_inputs(file):
        article = article_of(given, profiles, source=source, language=language)
        if isinstance(article, Article):
            _explain(loaded, article, given, topic, output)
        else:
            failed = True
            tell(f"{given.where}: neither article.v1 nor raw-article.v1: {article.reason}: {article.message}")
    if failed:
        raise typer.Exit(EXIT_FAILED)


def _explain(rules: RuleSet, article: Article, given: Input, topic: str | None, output: Output) -> None:
    from newsflow.tagging.explain import explain

    shown = [topic] if topic else [match.id for match in rules.match(article)]
    if given.is_json and output is Output.TEXT:
        data(f"{given.where}: {isolate(article.title or '(no title)', 100)}")
    for rule_id in shown:
        explanation = explain(rules, article, rule_id)
        if output is Output.JSON:
            data_json(explanation.as_json() | {"article": article.id or given.where})
        else:
            for line in explanation_text(explanation, article, colour=sys.stdout.isatty()):
                data(line)
    if not shown:
        tell("no topic was seen; --topic ID says why one is missing")


@app.command("diff")
def diff_topics(
    old: Annotated[str, typer.Argument(help="Rule file or folder as it is; or 'in-force', or 'shipped'.")],
    new: Annotated[
        str, typer.Argument(help="Rule file or folder as it would be, after 'in-force' as `apply` would make it.")
    ],
    on: Annotated[str, typer.Option("--on", metavar="FILE", help=ON)],
    since: SinceOption = None,
    replace: ReplaceOption = False,
    samples: Annotated[int, typer.Option("--samples", min=0, help="Articles shown of each list.")] = 5,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show which articles a change of rules would tag otherwise, and what that means a day."""
    from newsflow.cli.articles import stored_articles
    from newsflow.tagging.diff import diff_rules

    before = load_named(old, config)
    after = load_named(new, config) if replace or old != IN_FORCE else _applied_over(new, config)
    found = diff_rules(before, after, stored_articles(on, since, config, ledger))
    if output is Output.JSON:
        data_json(found.as_json(samples))
    else:
        for line in diff_lines(found, samples):
            data(line)


def _applied_over(new: str, config: Path | None) -> RuleSet:
    """The rules in force with others over them, as they would be applied."""
    from newsflow.tagging import RuleSet
    from newsflow.tagging.applied import plan_apply

    if new == IN_FORCE:
        return load_named(new, config)
    return RuleSet(plan_apply(rules_in_force(settings(config).config), [new]).rules)


def explanation_text(explanation: Explanation, article: Article, *, colour: bool) -> Iterator[str]:
    """The lines of one explanation; `colour` marks hits by terminal colours, else by brackets."""
    from newsflow.model import PlaceEvidence

    score = f"score {explanation.score:g} of {explanation.threshold:g}"
    short = f", {explanation.missing:g} short" if explanation.missing else ""
    yield f"{explanation.rule} {explanation.version}: the article {VERDICTS[explanation.verdict]}; {score}{short}"
    yield from (f"  condition not met: {reason}" for reason in explanation.unmet)
    if explanation.requirement is not None:
        yield from _requirement(explanation.requirement, 1)
    if not explanation.counted:
        yield f"  nothing counted, of {explanation.terms_searched} terms searched in this language"
    for counted in explanation.counted[:_MAX_LINES]:
        shown = in_context(article, counted.evidence, colour)
        kind = f", {counted.evidence.kind}" if isinstance(counted.evidence, PlaceEvidence) else ""
        yield f"  +{counted.points:g} {counted.place}: {shown}  ({counted.evidence.term}{kind})"
    for excluded in explanation.excluded[:_MAX_LINES]:
        yield f"  not counted: {in_context(article, excluded.evidence, colour)}: {excluded.reason}"
    hidden = max(0, len(explanation.counted) - _MAX_LINES) + max(0, len(explanation.excluded) - _MAX_LINES)
    if hidden:
        yield f"  and {hidden} more; -o json shows all"


def _requirement(requirement: Requirement, depth: int) -> Iterator[str]:
    if blockers := requirement.is_none and requirement.blockers():
        yield f"{'  ' * depth}blocked by: {', '.join(blockers)} (none)"
        return
    yield f"{'  ' * depth}{'holds' if requirement.holds else 'fails'}: {requirement.text}"
    if requirement.is_none:  # None of its parts stands there, which is as it should be.
        return
    for part in requirement.parts[:_MAX_LINES]:
        yield from _requirement(part, depth + 1)


def in_context(article: Article, evidence: Evidence, colour: bool) -> str:
    """A hit with the words around it, as one line that keeps its direction to itself."""
    text = article.title if evidence.field == "title" else article.body
    before = one_line(text[max(0, evidence.start - _CONTEXT_CHARS) : evidence.start])
    after = one_line(text[evidence.end : evidence.end + _CONTEXT_CHARS])
    hit = one_line(text[evidence.start : evidence.end])
    # The parts are cleaned one by one: the colours must survive what makes foreign text harmless.
    marked = f"{_ON}{hit}{_OFF}" if colour else f"[{hit}]"
    left = " " if text[evidence.start - 1 : evidence.start].isspace() else ""
    right = " " if text[evidence.end : evidence.end + 1].isspace() else ""
    return f"\u2068{before}{left}{marked}{right}{after}\u2069"


def diff_lines(found: Diff, samples: int) -> Iterator[str]:
    """The lines of a difference between rule sets: what changed, and of rules that change no article only the names."""
    span = f"{found.days:.1f} days" if found.days is not None else "too short a time for rates"
    yield f"{found.articles} articles, {span}; {len(found.changes)} topics changed"
    for change in found.changes.values():
        if not (change.gained or change.lost):
            continue
        yield f"{change.topic} (rule {change.status}): {_rates(change.before, change.after, found.days)}"
        if change.alerts_before != change.alerts_after:
            yield f"  alert grade: {_rates(change.alerts_before, change.alerts_after, found.days)}"
        yield from _samples("gained", change.gained, samples)
        yield from _samples("lost", change.lost, samples)
    for status in ("added", "changed", "removed"):
        quiet = [each for each in found.changes.values() if each.status == status and not (each.gained or each.lost)]
        if quiet:
            yield f"rules {status}, and none of these articles changes: {few([each.topic for each in quiet])}"


def _rates(before: int, after: int, days: float | None) -> str:
    from newsflow.tagging.diff import a_day

    rate = a_day(after, days)
    return f"{before} → {after} articles" + (f", {rate:g} a day" if rate is not None else "")


def _samples(word: str, articles: Sequence[Sample], samples: int) -> Iterator[str]:
    if articles:
        yield f"  {word} {len(articles)}:"
    for sample in articles[:samples]:
        yield f"    {sample.id} {isolate(sample.title, 80)}"
