"""`newsflow normalise` and `newsflow sources`: what is kept of a page and why; source profiles learnt and checked; what
was found out about sources."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsflow.cli.articles import configured_profiles, file_argument, raw_of, read_inputs
from newsflow.cli.options import ConfigOption, LedgerOption, Output, OutputOption, SourceOption, settings
from newsflow.cli.output import EXIT_FAILED, data, data_json, emit, isolate, tell, words_line
from newsflow.errors import UsageError, not_there
from newsflow.ingest.files import STDIN

if TYPE_CHECKING:
    from newsflow.model import Article, RawArticle, Rejected
    from newsflow.normalise import Extracted, SourceProfile
    from newsflow.normalise.profiles import Proposal

app = typer.Typer(no_args_is_help=True, help="Source profiles: learn, check; findings about sources.")
FileArgument = Annotated[Path, file_argument("A page (HTML or text), or raw events (JSON, one or one a line)")]
ProfilesOption = Annotated[
    Path | None, typer.Option("--profiles", help="Source profiles, a file or a folder, instead of the configured ones.")
]
UrlOption = Annotated[str | None, typer.Option("--url", help="Where the page was fetched from.")]
ZoneOption = Annotated[str | None, typer.Option("--zone", help="IANA zone of dates that name none.")]


def normalise(
    file: FileArgument = Path(STDIN),
    profiles: ProfilesOption = None,
    source: SourceOption = None,
    url: UrlOption = None,
    zone: ZoneOption = None,
    config: ConfigOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show what is kept of a page, and what is thrown away and why."""
    from datetime import UTC, datetime

    from newsflow.model import Rejected
    from newsflow.sandbox import Normaliser, SandboxLimits

    known, failed = configured_profiles(config, profiles), False
    with Normaliser(SandboxLimits(workers=1)) as normaliser:
        for given in read_inputs(file):
            raw = raw_of(given, source, url)
            if isinstance(raw, Rejected):
                raise UsageError(f"{given.where}: the raw event is not valid: {raw.message}")
            result, page = normaliser.explain((raw, _profile(known, raw.source, zone), datetime.now(UTC)))
            failed = failed or not _is_article(result)
            if output is Output.JSON:
                data_json(_json_value(result, page))
            else:
                _print(result, page)
    if failed:
        raise typer.Exit(EXIT_FAILED)


def _is_article(result: Article | Rejected) -> bool:
    from newsflow.model import Article

    return isinstance(result, Article)


def _profile(known: dict[str, SourceProfile], source: str, zone: str | None) -> SourceProfile | None:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    from newsflow.normalise import SourceProfile

    profile = known.get(source)
    if known and profile is None:
        tell(f"{not_there('source profile', source, sorted(known))}; read without one")
    if zone is None:
        return profile
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(f"no time zone {zone!r}; expected an IANA name such as Asia/Dubai") from None
    return replace(profile or SourceProfile(source), zone=zone)


def _json_value(result: Article | Rejected, page: Extracted) -> dict[str, Any]:
    name = "article" if _is_article(result) else "rejected"
    return {
        name: asdict(result),
        "dates": [asdict(date) for date in page.dates],
        "dropped": [asdict(each) for each in page.dropped],
        "words": {"in": page.words.total, "kept": page.words.kept, "dropped": page.words.dropped},
    }


def _print(result: Article | Rejected, page: Extracted) -> None:
    from rich.console import Console
    from rich.markup import escape

    from newsflow.model import Article

    console = Console(file=sys.stdout, highlight=False, soft_wrap=True)

    def row(name: str, value: str) -> None:
        console.print(f"[dim]{name:<10}[/dim] {escape(value)}")

    if isinstance(result, Article):
        for name, value in _rows(result):
            row(name, isolate(value))
        for line in result.body.split("\n"):
            console.print(f"[green]+[/green] {escape(isolate(line))}")
    else:
        row("rejected", f"{result.reason}: {isolate(result.message)}")
    for each in page.dropped:
        console.print(f"[red]- {escape(isolate(each.text, 300))}[/red]  [dim]{each.why}[/dim]")
    data(words_line(page.words.total, page.words.kept, page.words.dropped))


def _rows(article: Article) -> list[tuple[str, str]]:
    date = article.published
    found = f"{date.at.isoformat()} (zone {date.zone}; from {date.evidence}{': ' + date.text if date.text else ''})"
    rows = [
        ("title", article.title),
        ("published", found),
        ("language", article.language),
        ("authors", ", ".join(article.authors)),
        ("agency", article.agency or ""),
        ("url", article.url or ""),
        ("marks", ", ".join(article.raw.get("title_marks", ()))),
        ("words", str(article.word_count)),
    ]
    return [(name, value) for name, value in rows if value]


SampleArgument = Annotated[Path, file_argument("Raw events, one a line (.jsonl, .jsonl.gz)")]


@app.command()
def learn(file: SampleArgument, source: SourceOption = None, output: OutputOption = Output.TEXT) -> None:
    """Propose header lines, footer lines and title suffixes that repeat in a sample, with counts."""
    from newsflow.normalise.profiles import learn_source

    by_source: dict[str, list[RawArticle]] = {}
    for raw in _raw_articles(file):
        if source is None or raw.source == source:
            by_source.setdefault(raw.source, []).append(raw)
    if not by_source:
        tell(f"{file}: no raw event{f' of source {source!r}' if source else ''}")
        raise typer.Exit(EXIT_FAILED)
    proposals = [learn_source(name, sample) for name, sample in sorted(by_source.items())]
    if output is Output.JSON:
        for proposal in proposals:
            data_json(asdict(proposal))
    else:
        data("\n".join(profile_lines(proposals)))


@app.command()
def check(
    path: Annotated[
        Path | None, typer.Argument(help="A profile file, or a folder of them; else the configured ones.")
    ] = None,
    config: ConfigOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Check source profiles; say which there are."""
    for profile in configured_profiles(config, path).values():
        zone, languages = profile.zone or "-", ",".join(profile.languages) or "-"
        emit(output, asdict(profile), f"{profile.id}\t{zone}\t{languages}\t{profile.name}")


@app.command()
def findings(
    source: SourceOption = None,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """List what was found out about sources while their articles were decided, and which parameters count since.

    identity-conflict: two articles that have nothing in common came under one name, by the parameter (?NAME), the guid
    or the canonical link of their pages. They are two; a parameter counts for its source from then on.
    """
    from newsflow.cli.ledger import open_existing
    from newsflow.ledger.findings import load_findings

    with closing(open_existing(settings(config, ledger=ledger).config)) as opened:
        found = opened.transact(load_findings, writes=False)
    for each in found:
        if source in (None, each.source):
            addresses = " ".join(map(isolate, each.addresses))
            row = f"{each.source}\t{each.kind}\t{each.what}\t{each.times}\t{each.at.isoformat()}\t{addresses}"
            emit(output, asdict(each) | {"at": each.at.isoformat()}, row)


@app.command("discover")
def discover_feeds(
    url: Annotated[str, typer.Argument(metavar="URL", help="A page of the site, as its front page.")],
    articles: Annotated[int, typer.Option("--articles", min=0, max=50, help="So many articles are previewed.")] = 10,
    config: ConfigOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Find the feeds and sitemaps of a site, propose its list and profile, and show what some articles become.

    Nothing is kept or published. It takes its time: a host is asked as gently as by `newsflow poll`.
    """
    from newsflow.cli.discover import discover

    discover(url, articles, settings(config).config, output)


def _raw_articles(file: Path) -> Iterator[RawArticle]:
    from newsflow.model import Rejected
    from newsflow.model.raw import parse_raw

    refused = 0
    for given in read_inputs(file):
        parsed = parse_raw(given.value, given.headers)
        if isinstance(parsed, Rejected):
            refused += 1
        elif not parsed.withdrawn:
            yield parsed
    if refused:
        tell(f"{file}: {refused} lines are not valid raw events and were skipped")


def profile_lines(proposals: list[Proposal]) -> Iterator[str]:
    """A profile file to edit: counts are comments; what the general rules drop anyway is left out."""
    yield "# Proposed from a sample: keep what never belongs to an article."
    yield "sources:"
    for proposal in proposals:
        yield f"  - id: {json.dumps(proposal.source)} # {proposal.pages} pages"
        if proposal.title_suffixes:
            yield "    title_suffixes:"
            for text, count in proposal.title_suffixes:
                yield f"      - {json.dumps(text, ensure_ascii=False)} # {count}"
        lines = [line for line in proposal.lines if line.known is None]
        if lines:
            yield "    drop_lines:"
            for line in lines:
                yield f"      - {json.dumps(line.text, ensure_ascii=False)} # {line.pages}, {line.place}"
