"""What came of a demonstration, for a person to read: gathered from its ledger and stores, then printed.

It fits a terminal of 80 columns, and uses up to 120. Foreign text is isolated in its own direction, and cut by the
columns it takes, not by its characters.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from newsflow.cli.options import Output
from newsflow.cli.output import FIRST_STRONG_ISOLATE, POP_ISOLATE, cut_to_columns, data_json, isolate, one_line
from newsflow.cli.serve import LISTEN
from newsflow.config.settings import Config
from newsflow.ledger import DeadLetter, open_ledger
from newsflow.model import Action, Article, Evidence, Outcome
from newsflow.model.codec import decode_article
from newsflow.model.names import (
    ALERT_TOPIC,
    ARTICLE_TOPIC,
    DEBUG_TOPIC,
    RAW_TOPIC,
    dead_letter_topic,
    feed_topic,
    subscription_of,
)
from newsflow.shown import lines, same_length


@dataclass(frozen=True)
class Stored:
    """What lies in one store. `articles` are current ones, `versions` all that were ever kept."""

    name: str
    kind: str
    place: Path
    articles: int
    versions: int
    files: int = 1


@dataclass(frozen=True)
class Results:
    """Everything the report shows."""

    config_file: Path
    ledger_url: str
    outcomes: dict[Outcome, int]
    articles: Sequence[Article]
    feeds: Counter[str]
    dead_letters: Sequence[DeadLetter]
    alerts: Sequence[dict[str, Any]]
    stores: Sequence[Stored] = ()
    bootstrap_servers: str = ""
    stop: str = ""
    """The command that stops Kafka."""
    output: Path | None = None


def results_of(
    config_file: Path,
    config: Config,
    alerts: Sequence[dict[str, Any]],
    *,
    bootstrap_servers: str = "",
    stop: str = "",
    output: Path | None = None,
) -> Results:
    """Read the ledger and the stores that `config` names."""
    ledger = open_ledger(config.ledger.url)
    try:
        stored = list(ledger.articles())
        return Results(
            config_file,
            config.ledger.url,
            ledger.outcomes(),
            [decode_article(version.value) for version in stored],
            Counter(feed for version in stored for feed in version.feeds),
            ledger.dead_letters(),
            alerts,
            [] if output is not None else [_stored(name, url) for name, url in config.stores],
            bootstrap_servers,
            stop,
            output,
        )
    finally:
        ledger.close()


def _stored(name: str, url: str) -> Stored:
    scheme, _, path = url.partition(":///")
    return _in_sqlite(name, Path(path)) if scheme == "sqlite" else _in_parquet(name, Path(path))


def _in_sqlite(name: str, path: Path) -> Stored:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(path)) as connection:
        ((articles,),) = connection.execute("SELECT COUNT(*) FROM article WHERE NOT withdrawn")
        ((versions,),) = connection.execute("SELECT COUNT(*) FROM article_version")
    return Stored(name, "SQLite", path, articles, versions)


def _in_parquet(name: str, folder: Path) -> Stored:
    import pyarrow.parquet as pq

    from newsflow.stores.parquet import ParquetStore

    newest: dict[str, tuple[int, str]] = {}
    entries = ParquetStore(folder).files()
    for entry in entries:
        for row in pq.read_table(folder / entry.path, columns=["id", "version", "action"]).to_pylist():
            newest[row["id"]] = max(newest.get(row["id"], (0, "")), (row["version"], row["action"]))
    articles = sum(action != "withdraw" for _, action in newest.values())
    return Stored(name, "Parquet", folder, articles, sum(entry.rows for entry in entries), len(entries))


WIDEST, SHOWN_FEEDS, SHOWN_ALERTS, SHOWN_CHARS = 120, 12, 12, 420
EXPLAINED = {
    Outcome.ADDED: "a new article",
    Outcome.REPLACED: "a known article with another text: version + 1",
    Outcome.WITHDRAWN: "taken back by its publisher",
    Outcome.REPEAT: "a known article, nothing new",
    Outcome.STALE: "older than what is held",
    Outcome.DUPLICATE: "another article says the same",
    Outcome.DEAD_LETTERED: "could not be processed; kept with the reason",
}


class ReportWriter:
    """Where the report is written: headings, and lines cut to the width there is."""

    def __init__(self, console: Console) -> None:
        self.console, self.width = console, min(console.width, WIDEST)

    def heading(self, text: str, note: str = "") -> None:
        """A line in bold with an empty one before it, and what a stranger should know of what follows."""
        self.console.print(f"\n{text}", style="bold", markup=False)
        for line in textwrap.wrap(note, self.width - 2):
            self.line(line, style="dim")

    def line(self, text: str, foreign: str = "", style: str = "") -> None:
        """One line, indented; `foreign` text ends it, cut to what is left of the width and isolated."""
        cut = fit(foreign, self.width - 2 - cell_len(text)) if foreign else ""
        self.console.print(f"  {lines(text)}{isolate(cut) if cut else ''}", style=style, markup=False)

    def table(self, rows: Iterable[tuple[str, str]]) -> None:
        """Two columns, the first as wide as it must be. What does not fit goes on below."""
        rows = list(rows)
        left = max((len(name) for name, _ in rows), default=0) + 2
        for name, text in rows:
            first, *rest = textwrap.wrap(text, self.width - 2 - left, break_on_hyphens=False) or [""]
            for part, line in ((name, first), *(("", line) for line in rest)):
                self.line(f"{part:<{left}}{line}")


def report(results: Results, console: Console | None = None, form: Output = Output.TEXT) -> None:
    """Print the report to standard output, or to `console`; as JSON what programs want of it."""
    if form is Output.JSON:
        data_json(_as_json(results))
        return
    writer = ReportWriter(console or Console(highlight=False, soft_wrap=True))
    _outcomes(writer, results)
    _feeds(writer, results)
    _article(writer, results)
    _alerts(writer, results)
    _stores(writer, results)
    _dead_letters(writer, results)
    writer.heading("Where everything lies")
    writer.table(_places(results))
    writer.heading("What to try next")
    for preparation in ("source .venv/bin/activate", f"export NEWSFLOW_CONFIG={results.config_file}"):
        writer.line(preparation)
    writer.table(_next(results))
    writer.heading("Look at it in a browser")
    writer.table([("newsflow serve", f"the page, at http://{LISTEN}/")])


def _as_json(results: Results) -> dict[str, Any]:
    return {
        "config": str(results.config_file),
        "ledger": results.ledger_url,
        "bootstrap_servers": results.bootstrap_servers or None,
        "output": results.output and str(results.output),
        "events": sum(results.outcomes.values()),
        "outcomes": {outcome.value: count for outcome, count in results.outcomes.items()},
        "feeds": dict(sorted(results.feeds.items())),
        "dead_letters": len(results.dead_letters),
        "alerts": len(results.alerts),
        "stores": {each.name: {"articles": each.articles, "versions": each.versions} for each in results.stores},
    }


def fit(text: str, columns: int) -> str:
    """`text` as one line of at most so many columns; wide characters take two, marks none."""
    text = one_line(text)
    cut = cut_to_columns(text, columns)
    return text if cut == text else cut.removesuffix("…").rstrip() + "…"


def _outcomes(writer: ReportWriter, results: Results) -> None:
    total = sum(results.outcomes.values())
    writer.heading(f"{total} raw events, each with exactly one outcome")
    for outcome, explained in EXPLAINED.items():
        writer.line(f"{outcome.value:<14}{results.outcomes.get(outcome, 0):>5}   {explained}")
    writer.line(f"{'sum':<14}{total:>5}")


def _feeds(writer: ReportWriter, results: Results) -> None:
    topics = Counter({feed: n for feed, n in results.feeds.items() if subscription_of(feed) is None})
    own = {feed: n for feed, n in results.feeds.items() if subscription_of(feed) is not None}
    writer.heading(
        "Records by topic",
        "Each topic has a feed, and each version of an article is a record in the feed of every topic it is about.",
    )
    for feed, count in sorted(topics.items(), key=lambda pair: (-pair[1], pair[0]))[:SHOWN_FEEDS]:
        writer.line(f"{feed:<16}{count:>4}   {_feed_place(feed, results)}")
    if len(topics) > SHOWN_FEEDS:
        writer.line(f"… and {len(topics) - SHOWN_FEEDS} more topics")
    if own:
        writer.heading("Feeds of single subscribers", "The same bytes, for those who asked for a feed of their own.")
        for feed, count in sorted(own.items()):
            writer.line(f"{subscription_of(feed):<16}{count:>4}   {_feed_place(feed, results)}")


def _feed_place(feed: str, results: Results) -> str:
    if results.output is None:
        return feed_topic(feed)
    name = subscription_of(feed)
    return f"topics/{feed}.jsonl" if name is None else f"subscribers/{name}.jsonl"


def _article(writer: ReportWriter, results: Results) -> None:
    article = _most_telling(results.articles)
    if article is None:
        return
    plain = not writer.console.is_terminal
    how = "stand in brackets" if plain else "are marked"
    writer.heading("One article, and why it is tagged as it is", f"The passages that count {how}.")
    spans = [each for topic in article.topics for each in topic.evidence]
    writer.console.print(_isolated("  ", _marked(article.title, [s for s in spans if s.field == "title"], plain)))
    published = article.published
    writer.line(f"{article.source}, {article.language}, published {published.at:%Y-%m-%d %H:%M} UTC")
    writer.line(f"(zone: {published.zone}; from: {published.evidence}) ", published.text)
    for topic in article.topics:
        terms = Counter(each.text for each in topic.evidence)
        writer.line(f"{topic.id:<14}score {topic.score:<6g}" + _terms(terms, writer.width - 28))
    for mention in article.mentions:
        writer.line(f"{mention.id:<14}mentioned, not what it is about")
    start = article.body[:SHOWN_CHARS]
    inside = [s for s in spans if s.field == "body" and s.end <= len(start)]
    marked = _marked(start + ("…" if len(article.body) > len(start) else ""), inside, plain)
    for paragraph in marked.split("\n"):
        for line in paragraph.wrap(writer.console, writer.width - 6):
            writer.console.print(_isolated("  │ ", line))


def _terms(terms: Counter[str], columns: int) -> str:
    """The commonest terms with how often each was found, as many as fit."""
    shown: list[str] = []
    for term, count in terms.most_common():
        columns -= cell_len(one_line(term)) + len(f" ×{count}, ")
        if columns < 0:
            break
        shown.append(f"{isolate(term)} ×{count}")
    return ", ".join(shown)


def _most_telling(articles: Sequence[Article]) -> Article | None:
    """The Arabic article with the most evidence for more than one topic; any with evidence otherwise."""
    tagged = [article for article in articles if article.topics and article.action is not Action.WITHDRAW]

    def weight(article: Article) -> tuple[bool, bool, int]:
        return article.language == "ar", len(article.topics) > 1, sum(len(t.evidence) for t in article.topics)

    return max(tagged, key=weight, default=None)


def _marked(text: str, spans: Sequence[Evidence], plain: bool) -> Text:
    """The text with its evidence in colour, or in brackets where there is none."""
    text = same_length(text)
    if plain:
        end = len(text)
        for span in sorted(spans, key=lambda each: each.start, reverse=True):
            if span.end > end:
                continue
            end = span.start
            text = f"{text[: span.start]}[{text[span.start : span.end]}]{text[span.end :]}"
        return Text(text)
    marked = Text(text)
    for span in spans:
        marked.stylize("bold black on yellow", span.start, span.end)
    return marked


def _isolated(before: str, text: Text) -> Text:
    """A line of foreign text that keeps its direction to itself."""
    line = Text(before, style="dim").append(FIRST_STRONG_ISOLATE)
    return line.append_text(text).append(POP_ISOLATE)


def _alerts(writer: ReportWriter, results: Results) -> None:
    where = "received by a webhook on this machine, signature checked" if results.bootstrap_servers else "raised"
    note = "A story alerts a subscriber once (first), then for a material update or its withdrawal alone."
    writer.heading(f"{len(results.alerts)} alerts {where}", note)
    for alert in results.alerts[:SHOWN_ALERTS]:
        writer.line(f"{alert['subscription']:<14}{alert['step']:<11}", str(alert["articles"][0]["title"]))
        writer.line(f"{'':<14}", "because " + "; ".join(_because(alert["why"])), style="dim")
    if len(results.alerts) > SHOWN_ALERTS:
        writer.line(f"… and {len(results.alerts) - SHOWN_ALERTS} more")


def _because(why: dict[str, Any]) -> Iterator[str]:
    yield str(why["rule"])
    if why.get("story"):
        yield str(why["story"])
    elif why.get("sources"):
        yield f"said by {', '.join(why['sources'])}"


def _stores(writer: ReportWriter, results: Results) -> None:
    if not results.stores:
        return
    writer.heading("What lies in the stores", "Filled by newsflow run deliver, each at its own pace.")
    for store in results.stores:
        files = f" in {store.files} files" if store.files > 1 else ""
        writer.line(f"{store.name:<10}{store.kind:<9}{store.articles:>4} articles, {store.versions} versions{files}")


def _dead_letters(writer: ReportWriter, results: Results) -> None:
    writer.heading(f"{len(results.dead_letters)} dead letters", "The original bytes, untouched, each with the reason.")
    for letter in results.dead_letters:
        writer.line(f"{letter.rejected.reason.value:<26}", letter.rejected.message)


def _places(results: Results) -> list[tuple[str, str]]:
    if results.output is not None:
        return [
            ("articles", str(results.output / "articles.jsonl")),
            ("topic feeds", str(results.output / "topics")),
            ("own feeds", str(results.output / "subscribers")),
            ("dead letters", str(results.output / "dead-letters.jsonl")),
            ("ledger", results.ledger_url),
            ("settings", str(results.config_file)),
        ]
    return [
        ("Kafka", f"{results.bootstrap_servers}, still running"),
        ("articles", ARTICLE_TOPIC),
        ("topic feeds", "news.topic.<id>.v1"),
        ("own feeds", "news.subscriber.<id>.v1"),
        (
            "alerts",
            f"{ALERT_TOPIC}, if raised at once; received: {results.config_file.parent / 'alerts-received.jsonl'}",
        ),
        ("dead letters", dead_letter_topic(RAW_TOPIC)),
        ("debug", DEBUG_TOPIC),
        *((f"store {store.name}", str(store.place)) for store in results.stores),
        ("ledger", results.ledger_url),
        ("settings", f"{results.config_file}, and routes.yaml beside it"),
    ]


def _next(results: Results) -> list[tuple[str, str]]:
    if results.output is not None:
        return [
            ("newsflow run ingest --input YOUR.jsonl --output FOLDER", "events of your own"),
            ("newsflow normalise PAGE.html", "what is kept of a page"),
            ("newsflow routes test ARTICLES.jsonl", "who would get them"),
        ]
    return [
        ("newsflow tail news.topic.syria.v1", "the feed of a topic"),
        ("newsflow tail news.article.raw.v1.dlq", "what failed, and why"),
        ("newsflow tail news.debug.v1 -o json", "who got what, and why not"),
        ("newsflow alerts list", "who was told what"),
        ("newsflow publish YOUR.jsonl", "raw events of your own"),
        ("newsflow run ingest --follow", "the first job, until Ctrl-C"),
        ("newsflow run deliver --follow", "the second, beside it"),
        (results.stop, "stop Kafka"),
    ]
