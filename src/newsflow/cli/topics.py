"""`newsflow topics`: rules tested, checked, explained, compared, applied."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsflow.cli.common import (
    EXIT_FAILED,
    ConfigOption,
    Output,
    OutputOption,
    data,
    data_json,
    settings,
    words,
)
from newsflow.cli.topics_articles import known_topic
from newsflow.cli.topics_retag import retag
from newsflow.cli.topics_rules import RulesArgument, RulesOption, load_given, load_named, paths_in_force

if TYPE_CHECKING:
    from newsflow.config.settings import Config
    from newsflow.model import Article
    from newsflow.tagging.explain import Explanation

app = typer.Typer(no_args_is_help=True, help="Topic rules: test, lint, explain, diff, apply, retag.")

SinceOption = Annotated[str | None, typer.Option("--since", help="How far back: 90m, 36h, 7d.")]


@app.command("test")
def run_tests(
    paths: RulesArgument = None,
    topic: Annotated[str | None, typer.Option("--topic", help="Only this topic's examples.")] = None,
    config: ConfigOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Run the examples that stand beside the rules."""
    from newsflow.tagging.examples import run_examples

    rules = load_given(paths, config)
    known_topic(rules, topic)
    results = [result for result in run_examples(rules) if topic in (None, result.rule.id)]
    failed = [result for result in results if not result.passed]
    for result in failed:
        example = result.example
        wanted = f"the topic {result.rule.id}" if example.matches else f"nothing of {result.rule.id}"
        if output is Output.JSON:
            data_json(
                {"rule": result.rule.id, "language": example.language, "text": example.text, "found": result.found,
                 "wanted": "topic" if example.matches else "nothing", "file": result.rule.file, "line": example.line}
            )  # fmt: skip
        else:
            place = f"{result.rule.file}:{example.line}"
            data(f"{place}: {example.language}: {result.found}, wanted {wanted}: {example.text}")
    words.print(f"{len(results)} examples, {len(failed)} failed; rules {rules.version}")
    if failed:
        raise typer.Exit(EXIT_FAILED)


@app.command("lint")
def lint_rules(
    paths: RulesArgument = None,
    strict: Annotated[bool, typer.Option("--strict", help="Fail when there is any finding.")] = False,
    config: ConfigOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Point at dead terms, overlaps, missing languages and examples."""
    from dataclasses import asdict

    from newsflow.tagging.lint import lint

    findings = lint(load_given(paths, config))
    for finding in findings:
        if output is Output.JSON:
            data_json(asdict(finding))
        else:
            data(f"{finding.file}:{finding.line}: {finding.rule}: {finding.kind}: {finding.message}")
    words.print(f"{len(findings)} findings")
    if findings and strict:
        raise typer.Exit(EXIT_FAILED)


@app.command("explain")
def explain_article(
    file: Annotated[Path, typer.Argument(help="An article: JSON (article.v1 or raw-article.v1) or text; - is stdin.")],
    topic: Annotated[str | None, typer.Option("--topic", help="Also why this topic is missing.")] = None,
    language: Annotated[str, typer.Option("--language", help="Language of a text that is not JSON.")] = "und",
    rules: RulesOption = None,
    config: ConfigOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Say for each tag, and for a missing one, what counted, what did not and why."""
    from newsflow.cli.topics_articles import read_article
    from newsflow.tagging.explain import explain

    loaded = load_given(rules, config)
    known_topic(loaded, topic)
    article = read_article(file, language)
    shown = [topic] if topic else [match.id for match in loaded.match(article)]
    for rule_id in shown:
        explanation = explain(loaded, article, rule_id)
        if output is Output.JSON:
            data_json(explanation.as_json())
        else:
            _show(explanation, article)
    if not shown:
        words.print("no topic was seen; --topic ID says why one is missing")


@app.command("diff")
def diff_topics(
    old: Annotated[str, typer.Argument(help="Rule file or folder as it is; or 'in-force', or 'shipped'.")],
    new: Annotated[str, typer.Argument(help="Rule file or folder as it would be; or 'in-force', or 'shipped'.")],
    on: Annotated[str, typer.Option("--on", help="JSON lines of articles, or 'ledger'.")],
    since: SinceOption = None,
    samples: Annotated[int, typer.Option("--samples", min=0, help="Articles shown of each list.")] = 5,
    config: ConfigOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show which articles a change of rules would tag otherwise, and what that means a day."""
    from newsflow.cli.topics_articles import stored_articles
    from newsflow.cli.topics_text import diff_lines
    from newsflow.tagging.diff import diff_rules

    before, after = load_named(old, config), load_named(new, config)
    found = diff_rules(before, after, stored_articles(on, since, config))
    if output is Output.JSON:
        data_json(found.as_json(samples))
    else:
        for line in diff_lines(found, samples):
            data(line)


@app.command()
def apply(
    paths: Annotated[list[Path], typer.Argument(help="Rule files or folders, whole: they replace those in force.")],
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Where running jobs look; else the configured `topics_applied`.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Apply although examples fail.")] = False,
    config: ConfigOption = None,
) -> None:
    """Give rules to running jobs, which take them up between two batches."""
    from newsflow.tagging import apply_rules, load_rules
    from newsflow.tagging.examples import run_examples

    rules = load_rules(paths)
    failed = [result for result in run_examples(rules) if not result.passed]
    if failed and not force:
        words.print(f"{len(failed)} examples fail (newsflow topics test); nothing was applied. --force applies anyway.")
        raise typer.Exit(EXIT_FAILED)
    loaded = settings(config).config
    target = folder or Path(loaded.topics_applied)
    new = sorted({rule.id for rule in rules.rules} - _ids_in_force(loaded, folder))
    apply_rules(paths, target)
    data(rules.version)
    words.print(f"{len(rules)} rules, version {rules.version}, applied under {target}")
    if new:
        words.print(f"new topics: {', '.join(new)}; `newsflow kafka apply` makes their feeds", markup=False)


def _ids_in_force(config: Config, folder: Path | None) -> set[str]:
    """Topic ids of the rules in force; none where those do not load, for it is they that are to be replaced."""
    from newsflow.errors import ConfigError
    from newsflow.tagging import read_rules

    try:
        return {rule.id for rule in read_rules(paths_in_force(config, folder))}
    except ConfigError:
        return set()


app.command()(retag)


def _show(explanation: Explanation, article: Article) -> None:
    from newsflow.cli.topics_text import explanation_text

    for line in explanation_text(explanation, article, colour=sys.stdout.isatty()):
        data(line)
