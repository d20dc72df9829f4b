"""`newsflow topics retag`: stored articles under the rules in force, as new versions, recorded and published."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsflow.cli.articles import RulesOption, duration, known_topic, load_given
from newsflow.cli.options import (
    SINCE,
    BootstrapOption,
    ConfigOption,
    DryRunOption,
    LedgerOption,
    Output,
    OutputOption,
    QuietOption,
    SourceOption,
    TopicOption,
    settings,
)
from newsflow.cli.output import data, data_json, isolate, tell

if TYPE_CHECKING:
    from newsflow.config.settings import Config
    from newsflow.ingest.retag import Proposal, Retagging
    from newsflow.ledger import Ledger, StoredVersion
    from newsflow.routing import Routes
    from newsflow.tagging import RuleSet

BATCH = 100
"""Articles that are decided, then published, at a time; a job's edits of these wait meanwhile."""
DELIVERY_TIMEOUT_S, REQUEST_TIMEOUT_S = 30.0, 10.0
"""Within the time after which PostgreSQL cuts off a transaction that does nothing."""


def retag(
    since: Annotated[str, typer.Option("--since", help=SINCE)],
    rules: RulesOption = None,
    topic: TopicOption = None,
    source: SourceOption = None,
    settled_for: Annotated[
        str, typer.Option("--settled-for", help="Leave what was recorded within this time: it may be on its way still.")
    ] = "5m",
    dry_run: DryRunOption = False,
    config: ConfigOption = None,
    bootstrap_servers: BootstrapOption = None,
    ledger: LedgerOption = None,
    quiet: QuietOption = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Tag stored articles anew; those whose topics change become new versions, recorded and published.

    With --topic only those whose tag or mention of it changes. The rules are those in force: last applied, else
    configured, else shipped. It may run beside a job, be killed and run again: what was recorded is published by the
    next run, with the same ids and bytes.
    """
    from newsflow.cli.ledger import open_existing
    from newsflow.cli.progress import Progress
    from newsflow.routing import load_routes

    loaded = settings(config, bootstrap_servers, ledger).config
    rule_set = load_given(rules, config)
    known_topic(rule_set, topic)
    with closing(open_existing(loaded)) as opened:
        routes = load_routes([Path(path) for path in loaded.route_paths])
        start = datetime.now(UTC) - duration(since)
        with Progress("articles", opened.count_current(since=start), quiet) as progress:
            run = _Run(opened, rule_set, routes, duration(settled_for), topic, source, output, progress.add)
            found = run.proposals(start)
            if dry_run:
                for proposal in found:
                    run.show(proposal)
            else:
                with closing(_Publisher(loaded, opened, routes)) as publisher:
                    run.carry_out(found, publisher)
    for line in run.summary(dry_run):
        tell(line)


@dataclass
class _Run:
    """One run over the stored articles, and what it counted."""

    ledger: Ledger
    rules: RuleSet
    routes: Routes
    settled_for: timedelta
    topic: str | None
    source: str | None
    output: Output
    told: Callable[[int], object]
    counts: Counter[str] = field(default_factory=Counter)
    topics: Counter[tuple[str, str]] = field(default_factory=Counter)

    def proposals(self, start: datetime) -> Iterator[Proposal]:
        """What changes, article by article. Those that are too young are counted, and left."""
        recorded_until = datetime.now(UTC) - self.settled_for
        for stored in self.ledger.current_versions(since=start):
            self.counts["seen"] += 1
            self.told(1)
            proposal = self._propose(stored)
            if proposal is None:
                continue
            if stored.recorded_at > recorded_until:
                self.counts["young"] += 1
            else:
                yield proposal

    def _propose(self, stored: StoredVersion) -> Proposal | None:
        from newsflow.ingest.retag import propose

        try:
            proposal = propose(stored, self.rules, self.routes, datetime.now(UTC))
        except ValueError as error:
            self.counts["cannot be written"] += 1
            tell(f"{stored.article_id} version {stored.version}: left as it is: {error}")
            return None
        if proposal is None or (self.topic is not None and self.topic not in proposal.retagged.changed):
            return None
        return proposal if self.source in (None, proposal.article.source) else None

    def carry_out(self, found: Iterator[Proposal], publisher: _Publisher) -> None:
        """Record and publish, a batch at a time; first what an earlier run recorded and did not publish."""
        from newsflow.ingest.retag import keep_retaggings

        self.counts["left over"] = publisher.drain()
        while batch := list(islice(found, BATCH)):
            publisher.require({feed for proposal in batch for feed in proposal.feeds})
            kept = keep_retaggings(self.ledger, batch, self.settled_for)
            for proposal, was_kept in zip(batch, kept, strict=True):
                if was_kept:
                    self.show(proposal)
                else:
                    self.counts["changed meanwhile"] += 1
            publisher.drain()

    def show(self, proposal: Proposal) -> None:
        change, article = proposal.retagged, proposal.article
        self.counts["changed"] += 1
        self.topics.update(("gained", topic) for topic in change.gained)
        self.topics.update(("lost", topic) for topic in change.lost)
        names = {name: sorted(getattr(change, name)) for name in ("gained", "lost", "other_rule", "mentions")}
        names["feeds"] = list(proposal.feeds)
        if self.output is Output.JSON:
            data_json({"id": article.id, "version": article.version, "title": article.title, **names})
        else:
            listed = "; ".join(f"{name.replace('_', ' ')} {', '.join(ids)}" for name, ids in names.items() if ids)
            data(f"{article.id} version {article.version}: {listed}  {isolate(article.title, 80)}")

    def summary(self, dry_run: bool) -> Iterator[str]:
        counts, done = self.counts, "would become new versions" if dry_run else "became new versions and were published"
        yield f"{counts['seen']} stored articles, {counts['changed']} {done}, under rules {self.rules.version}"
        for topic in sorted({topic for _, topic in self.topics}):
            yield f"  {topic}: gained by {self.topics['gained', topic]}, lost by {self.topics['lost', topic]}"
        for name, text in (
            ("left over", "that an earlier run had recorded were published first"),
            ("young", "too young (--settled-for) were left: run it again later"),
            ("cannot be written", "could not be read or written and were left, as said above"),
            ("changed meanwhile", "changed meanwhile and were left: run it again"),
        ):
            if counts[name]:
                yield f"{counts[name]} {text}"


class _Publisher:
    """Writes what the ledger keeps pending to the article topic and the feeds, as the job would."""

    def __init__(self, config: Config, ledger: Ledger, routes: Routes) -> None:
        from newsflow.ingest.runtime import runtime_for
        from newsflow.kafka.producer import BatchWriter
        from newsflow.kafka.settings import KafkaSettings

        self._job, self._ledger, self._routes = config.job, ledger, routes
        self._kafka = replace(
            KafkaSettings.of(config.kafka), delivery_timeout_s=DELIVERY_TIMEOUT_S, request_timeout_s=REQUEST_TIMEOUT_S
        )
        self._writer = BatchWriter(self._kafka, shrink=runtime_for(config).claim_check)
        self.close = self._writer.close
        self._topics: frozenset[str] = frozenset()

    def drain(self) -> int:
        """Publish all that is pending; how many those were. Says so where it cannot, and raises KafkaError."""
        from newsflow.errors import KafkaError
        from newsflow.ingest.retag import pending_retaggings, publish_retaggings

        total = 0
        try:
            while (done := publish_retaggings(self._ledger, self._publish, BATCH)).total:
                total += done.published
        except KafkaError:
            pending = pending_retaggings(self._ledger)
            tell(f"{pending} new versions are recorded and not yet published: the next run publishes them")
            raise
        return total

    def require(self, feeds: set[str]) -> None:
        """Raise KafkaError unless the broker has the article topic and these feeds: before anything is decided,
        and without waiting for a topic that nobody makes."""
        from newsflow.errors import KafkaError
        from newsflow.kafka.admin import topic_names
        from newsflow.model.names import ARTICLE_TOPIC, feed_topic

        wanted = {ARTICLE_TOPIC, *map(feed_topic, feeds)}
        if not wanted <= self._topics:
            self._topics = topic_names(self._kafka)
        if missing := sorted(wanted - self._topics):
            raise KafkaError(f"not on the broker: {', '.join(missing)}; `newsflow kafka apply` creates them")

    def _publish(self, retaggings: Sequence[Retagging]) -> None:
        from newsflow.ingest.emit import output_records
        from newsflow.ingest.retag import item_of

        items = [item_of(each, self._routes) for each in retaggings]
        self.require({feed for item in items if item.published for feed in item.published.feeds})
        for record in output_records(items, self._job):
            self._writer.send(record.topic, record.key, record.value, record.headers)
        self._writer.flush()
