"""`newsflow forget`: an article is taken down, everywhere that newsflow keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsflow.cli.options import (
    BootstrapOption,
    ConfigOption,
    DryRunOption,
    LedgerOption,
    Output,
    OutputOption,
    WhyOption,
    set_up_logging,
    settings,
    who,
)
from newsflow.cli.output import data, data_json, one_line
from newsflow.errors import UsageError

if TYPE_CHECKING:
    from newsflow.config.settings import Config
    from newsflow.dedup.decide import KnownArticle
    from newsflow.ingest.forget import Forgotten
    from newsflow.ingest.item import OutputRecord
    from newsflow.ledger import Ledger


def forget(
    asked: Annotated[str, typer.Argument(metavar="URL|ID", help="An address, or the id of an article.")],
    why: WhyOption = "",
    copies: Annotated[
        bool, typer.Option("--copies", help="Also the articles that are held back as its copies.")
    ] = False,
    dry_run: DryRunOption = False,
    config: ConfigOption = None,
    bootstrap_servers: BootstrapOption = None,
    ledger: LedgerOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Take an article down: withdraw it, and remove its text from ledger, stores, blobs and compacted topics.

    That it was there stays known, and that it went, when, why and by whose hand. What its publisher sends of it later
    is passed over. With --dry-run only what would be done is said. It may be killed and begun again; asked again it
    does the same, and says what is left and where.
    """
    from newsflow.ingest.forget import forget as take_down
    from newsflow.ingest.forget import planned
    from newsflow.ingest.runtime import opened
    from newsflow.sources.state import Named, PollState

    set_up_logging()
    loaded = settings(config, bootstrap_servers, ledger).config
    if dry_run:
        from newsflow.cli.ledger import open_existing

        with closing(open_existing(loaded)) as held:
            for known in _chosen(held, asked, copies):
                lines = planned(held, loaded, known)
                if output is Output.JSON:
                    data_json({"id": known.id, "would": lines})
                else:
                    data("\n".join([known.id, *(f"  {one_line(line)}" for line in lines)]))
        return
    with opened(loaded) as runtime, closing(_Writer(loaded)) as writer:
        done: list[tuple[KnownArticle, Forgotten]] = []
        try:
            for known in _chosen(runtime.ledger, asked, copies):
                each = take_down(runtime, known, who(), why, writer.write, writer.behind)
                done.append((known, each))
        finally:
            named = [Named(known.source, known.url, known.guid) for known, _ in done]
            for (known, each), texts in zip(done, PollState(runtime.ledger).forget(named), strict=True):
                each.removed["texts of polled items"] = texts
                _say(known, each, output)


def _chosen(ledger: Ledger, asked: str, copies: bool) -> Sequence[KnownArticle]:
    """The articles meant, copies first: none of them is then published in the place of its original."""
    from newsflow.ingest.trace import trace

    lives = [life for life in trace(ledger, asked.strip()) if life.known is not None]
    if not lives:
        raise UsageError(f"the ledger knows no article of {asked!r}")
    found = [copy for life in lives for copy in life.copies] if copies else []
    return [*found, *(life.known for life in lives if life.known is not None)]


def _say(known: KnownArticle, done: Forgotten, output: Output) -> None:
    taken = done.takedown
    if output is Output.JSON:
        said: dict[str, Any] = {"id": known.id, "at": taken.at.isoformat(), "by": taken.by, "why": taken.why}
        data_json(said | {"removed": done.removed, "left": done.left})
        return
    data(f"{known.id}: taken down {taken.at:%Y-%m-%dT%H:%M:%SZ} by {one_line(taken.by)}: {one_line(taken.why)}")
    data("  removed now: " + ", ".join(f"{number} {name}" for name, number in done.removed.items()))
    for line in done.left or ["nothing"]:
        data(f"  left: {one_line(line)}")


class _Writer:
    """Writes records as a job does, and looks how far the readers of stores are."""

    def __init__(self, config: Config) -> None:
        from newsflow.ingest.runtime import runtime_for
        from newsflow.kafka.producer import BatchWriter
        from newsflow.kafka.settings import KafkaSettings

        self._group, self._settings = config.kafka.group, KafkaSettings.of(config.kafka)
        self._writer = BatchWriter(self._settings, shrink=runtime_for(config).claim_check)
        self.close = self._writer.close

    def write(self, records: Sequence[OutputRecord]) -> None:
        self._writer.write(records)

    def behind(self, store: str) -> int:
        from newsflow.kafka.admin import group_lag
        from newsflow.model.names import ARTICLE_TOPIC

        return group_lag(self._settings, f"{self._group}.deliver.{store}", ARTICLE_TOPIC).records
