"""What came of a run, for a person to read: outcomes, topics, one article with its evidence, alerts, dead letters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from newsflow.cli.text import isolate
from newsflow.config.settings import Config
from newsflow.ledger import DeadLetter, open_ledger
from newsflow.model import Action, Article, Evidence, Outcome
from newsflow.model.codec import decode_article
from newsflow.model.names import ALERT_TOPIC, ARTICLE_TOPIC, dead_letter_topic, topic_feed

SHOWN_ALERTS, SHOWN_CHARS = 12, 420
EXPLAINED = {
    Outcome.ADDED: "a new article",
    Outcome.REPLACED: "a known article with another text: version + 1",
    Outcome.WITHDRAWN: "taken back by its publisher",
    Outcome.REPEAT: "a known article, nothing new",
    Outcome.STALE: "older than what is held",
    Outcome.DUPLICATE: "another article says the same",
    Outcome.DEAD_LETTERED: "could not be processed; kept with the reason",
}


@dataclass(frozen=True)
class Results:
    """Everything the report shows, read from the ledger of the run."""

    directory: Path
    ledger_url: str
    outcomes: dict[Outcome, int]
    articles: Sequence[Article]
    feeds: Counter[str]
    dead_letters: Sequence[DeadLetter]
    alerts: Sequence[dict[str, Any]]
    bootstrap_servers: str = ""
    output: Path | None = None

    @classmethod
    def of(
        cls,
        directory: Path,
        config: Config,
        alerts: Sequence[dict[str, Any]],
        *,
        bootstrap_servers: str = "",
        output: Path | None = None,
    ) -> Results:
        """Read the ledger that `config` names."""
        ledger = open_ledger(config.ledger.url)
        try:
            stored = list(ledger.articles())
            return cls(
                directory,
                config.ledger.url,
                ledger.outcomes(),
                [decode_article(version.value) for version in stored],
                Counter(feed for version in stored for feed in version.feeds),
                ledger.dead_letters(),
                alerts,
                bootstrap_servers,
                output,
            )
        finally:
            ledger.close()


def report(results: Results) -> None:
    """Print the report to standard output."""
    console = Console(highlight=False, soft_wrap=True)
    _outcomes(console, results)
    _topics(console, results)
    _article(console, results)
    _alerts(console, results)
    _dead_letters(console, results)
    _places(console, results)


def _heading(console: Console, text: str) -> None:
    console.print(f"\n{text}", style="bold", markup=False)


def _outcomes(console: Console, results: Results) -> None:
    total = sum(results.outcomes.values())
    _heading(console, f"{total} raw events, each with exactly one outcome")
    for outcome, explained in EXPLAINED.items():
        console.print(f"  {outcome.value:<14}{results.outcomes.get(outcome, 0):>5}   {explained}", markup=False)
    console.print(f"  {'sum':<14}{total:>5}", markup=False)


def _topics(console: Console, results: Results) -> None:
    _heading(console, "Articles in each topic's feed")
    for topic, count in sorted(results.feeds.items(), key=lambda pair: (-pair[1], pair[0])):
        name = topic_feed(topic) if results.bootstrap_servers else f"topics/{topic}.jsonl"
        console.print(f"  {topic:<16}{count:>4}   {name}", markup=False)


def _article(console: Console, results: Results) -> None:
    article = _most_telling(results.articles)
    if article is None:
        return
    _heading(console, "One article, and why it is tagged as it is")
    spans = [each for topic in article.topics for each in topic.evidence]
    plain = not console.is_terminal
    console.print(Text("  ").append_text(_marked(article.title, [s for s in spans if s.field == "title"], plain)))
    published = article.published
    console.print(
        f"  {article.source}, {article.language}, published {published.at:%Y-%m-%d %H:%M} "
        f"(zone: {published.zone}, from: {published.evidence} {isolate(published.text, 60)})",
        markup=False,
    )
    for topic in article.topics:
        terms = Counter(each.text for each in topic.evidence)
        seen = ", ".join(f"{isolate(term)} ×{count}" for term, count in terms.most_common(6))
        console.print(f"  {topic.id:<16}score {topic.score:<7g}{seen}", markup=False)
    for mention in article.mentions:
        console.print(f"  {mention.id:<16}mentioned {mention.count} time(s), not what it is about", markup=False)
    start = article.body[:SHOWN_CHARS]
    inside = [s for s in spans if s.field == "body" and s.end <= len(start)]
    for line in _marked(start + ("…" if len(article.body) > len(start) else ""), inside, plain).split("\n"):
        console.print(Text("  │ ", style="dim").append_text(line))


def _most_telling(articles: Sequence[Article]) -> Article | None:
    """The Arabic article with the most evidence for more than one topic; any with evidence otherwise."""
    tagged = [article for article in articles if article.topics and article.action is not Action.WITHDRAW]

    def weight(article: Article) -> tuple[bool, bool, int]:
        return article.language == "ar", len(article.topics) > 1, sum(len(t.evidence) for t in article.topics)

    return max(tagged, key=weight, default=None)


def _marked(text: str, spans: Sequence[Evidence], plain: bool) -> Text:
    """The text with its evidence in colour, or in brackets where there is none."""
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


def _alerts(console: Console, results: Results) -> None:
    where = "received by the webhook, signature checked" if results.bootstrap_servers else "raised"
    _heading(console, f"{len(results.alerts)} alerts {where}")
    for alert in results.alerts[:SHOWN_ALERTS]:
        first = alert["articles"][0]
        console.print(f"  {alert['step']:<10}{alert['subscription']:<16}{isolate(first['title'], 90)}", markup=False)
    if len(results.alerts) > SHOWN_ALERTS:
        console.print(f"  … and {len(results.alerts) - SHOWN_ALERTS} more", markup=False)


def _dead_letters(console: Console, results: Results) -> None:
    _heading(console, f"{len(results.dead_letters)} dead letters, bytes untouched")
    for letter in results.dead_letters:
        place = f"{letter.partition}/{letter.offset}"
        console.print(
            f"  {letter.rejected.reason.value:<26}{place:<8}{isolate(letter.rejected.message, 150)}", markup=False
        )


def _places(console: Console, results: Results) -> None:
    _heading(console, "Where everything lies")
    for name, place in _places_of(results):
        console.print(f"  {name:<15}{place}", markup=False)
    _heading(console, "What to try next")
    for command in _next_of(results):
        console.print(f"  {command}", markup=False)


def _places_of(results: Results) -> list[tuple[str, str]]:
    if results.output is not None:
        return [
            ("articles", str(results.output / "articles.jsonl")),
            ("topic feeds", str(results.output / "topics")),
            ("dead letters", str(results.output / "dead-letters.jsonl")),
            ("ledger", results.ledger_url),
        ]
    return [
        ("Kafka", f"{results.bootstrap_servers}, still running (stop it with: newsflow dev down)"),
        ("articles", ARTICLE_TOPIC),
        ("topic feeds", "news.topic.<id>.v1"),
        ("alerts", f"{ALERT_TOPIC}; received: {results.directory / 'alerts-received.jsonl'}"),
        ("dead letters", dead_letter_topic("news.article.raw.v1")),
        ("ledger", results.ledger_url),
    ]


def _next_of(results: Results) -> list[str]:
    if results.output is not None:
        return [
            "newsflow run ingest --input YOUR.jsonl --output YOUR-FOLDER",
            "newsflow normalise PAGE.html        what is kept of a page, and what is thrown away",
        ]
    return [
        "newsflow tail news.topic.syria.v1   the feed of a topic",
        "newsflow tail news.article.raw.v1.dlq   the dead letters, each with its reason",
        "newsflow publish YOUR.jsonl         raw events of your own",
        "newsflow run ingest --follow        the job, until you stop it",
        "(the command is .venv/bin/newsflow; or first: source .venv/bin/activate)",
    ]
