"""`newsflow poll`: ask feeds, and publish what is new as raw events."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsflow.cli.options import (
    BootstrapOption,
    ConfigOption,
    LedgerOption,
    Output,
    OutputOption,
    QuietOption,
    VerboseOption,
    set_up_logging,
    settings,
)
from newsflow.cli.output import conclude, tell
from newsflow.errors import ConfigError

if TYPE_CHECKING:
    from newsflow.config.settings import Config, PollSettings, WebSubSettings
    from newsflow.ledger import Ledger
    from newsflow.sources.feedlist import Feed
    from newsflow.sources.fetch import Fetcher
    from newsflow.sources.outlets import Outlet
    from newsflow.sources.poller import Poller, Round
    from newsflow.sources.websub import Callbacks

LEAST_SECRET = 16
FeedsOption = Annotated[
    list[Path] | None,
    typer.Option("--feeds", metavar="LIST", help="Files of feeds (feeds.yaml, OPML) instead of the configured ones."),
]
OutOption = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="LINES", help="Append raw events to this file, one a line, instead of publishing to Kafka."
    ),
]


def listed_feeds(config: Config, given: list[Path] | None) -> list[Feed]:
    """The feeds of the lists given, else of the configured ones. Raises `ConfigError` where there are none."""
    from newsflow.sources.feedlist import read_feeds

    paths = given or [Path(path) for path in config.poll.feeds]
    if not paths:
        raise ConfigError(
            "no list of feeds; accepted: --feeds FILE, or poll.feeds in the configuration", path="poll.feeds"
        )
    return read_feeds(paths)


def make_fetcher(poll: PollSettings) -> Fetcher:
    from newsflow import __version__
    from newsflow.secrets import resolve
    from newsflow.sources.fetch import Fetcher

    product = poll.user_agent if "/" in poll.user_agent else f"{poll.user_agent}/{__version__}"
    if poll.contact is None:
        tell("requests say who asks, and not how to reach them: set poll.contact to a page or a mailbox", "yellow")
    return Fetcher(
        product if poll.contact is None else f"{product} (+{poll.contact})",
        most_bytes=poll.body_bytes,
        timeout_s=poll.timeout_s,
        allow_private=poll.allow_private,
        proxy=None if poll.proxy is None else resolve(poll.proxy),
    )


@contextmanager
def ledger_and_outlet(config: Config, out: Path | None) -> Iterator[tuple[Ledger, Outlet]]:
    """The ledger, which is made where there is none, and where raw events go: a file, as they are; else Kafka, by way
    of the archive and the blob store. Raises `ConfigError` for a blob store that jobs may not reach."""
    from newsflow.ingest.claims import check_blobs
    from newsflow.ledger import open_ledger
    from newsflow.secrets import resolve
    from newsflow.sources.outlets import FileOutlet, KafkaOutlet

    if out is None:
        check_blobs(config)
    with closing(open_ledger(resolve(config.ledger.url), window_h=config.ledger.window_h)) as ledger:
        made = _entrance(config, ledger, KafkaOutlet(config)) if out is None else FileOutlet(out)
        with closing(made) as outlet:
            yield ledger, outlet


def _entrance(config: Config, ledger: Ledger, outlet: Outlet) -> Outlet:
    from functools import cache

    from newsflow.archive.archive import Archive
    from newsflow.archive.pages import PutAside
    from newsflow.ingest.claims import open_blobs
    from newsflow.sources.outlets import Entrance

    blobs = cache(lambda: open_blobs(config))
    aside = PutAside(blobs, ledger, config.limits.inline_bytes)
    return Entrance(outlet, aside, Archive(blobs, ledger).keep if config.archive.keep else None)


def poll(
    once: Annotated[
        bool, typer.Option("--once", help="Ask every feed once, and the pages of what is new, then exit.")
    ] = False,
    feeds: FeedsOption = None,
    out: OutOption = None,
    ledger: LedgerOption = None,
    config: ConfigOption = None,
    bootstrap_servers: BootstrapOption = None,
    output: OutputOption = Output.TEXT,
    verbose: VerboseOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Ask feeds and sitemaps for news, and publish it as raw events. Goes on until SIGINT or SIGTERM.

    What a feed said, and when it is due again, is kept in the ledger. What is written with --out counts as published:
    a trial is given a ledger of its own.
    """
    set_up_logging(verbose, quiet)
    loaded = settings(config, bootstrap_servers, ledger).config
    done = poll_feeds(loaded, feeds, out, once=once)
    counts = asdict(done)
    conclude(output, counts, ", ".join(f"{number} {name}" for name, number in counts.items()))


def poll_feeds(config: Config, feeds: list[Path] | None, out: Path | None, *, once: bool) -> Round:
    """Ask the feeds of the lists given, else of the configured ones, and return what was done."""
    from newsflow.sources.poller import Poller
    from newsflow.sources.state import PollState

    asked = listed_feeds(config, feeds)
    fetcher = make_fetcher(config.poll)
    callbacks = None if once or config.poll.websub is None else _callbacks(config.poll.websub)
    with ledger_and_outlet(config, out) as (ledger, outlet):
        poller = Poller(PollState(ledger), asked, config.poll, fetcher, outlet, ledger.now, callbacks=callbacks)
        with _until_signalled(poller), ExitStack() as stack:
            if callbacks is not None and config.poll.websub is not None:
                stack.enter_context(_told_by_hubs(poller, callbacks, config.poll.websub, config.poll.body_bytes))
            return poller.run(once=once)


def _callbacks(websub: WebSubSettings) -> Callbacks:
    from newsflow.secrets import resolve
    from newsflow.sources.websub import Callbacks

    key = resolve(websub.secret).encode()
    if len(key) < LEAST_SECRET:
        raise ConfigError(
            f"the secret has {len(key)} bytes; accepted: {LEAST_SECRET} or more", path="poll.websub.secret"
        )
    return Callbacks(websub.callback.rstrip("/"), key, websub.lease_s)


@contextmanager
def _told_by_hubs(poller: Poller, callbacks: Callbacks, websub: WebSubSettings, most_bytes: int) -> Iterator[None]:
    from newsflow.sources.websub import listening, make_app
    from newsflow.web.access import parse_listen

    host, port = parse_listen(websub.listen)
    with ExitStack() as stack:
        try:
            taken = stack.enter_context(listening(make_app(poller, callbacks, most_bytes), host, port))
        except ImportError as error:
            raise ConfigError("hubs need the extra: pip install 'newsflow[serve]'", path="poll.websub") from error
        except OSError as error:
            raise ConfigError(
                f"{websub.listen} cannot be listened at: {error.strerror}", path="poll.websub.listen"
            ) from error
        tell(f"hubs are heard at {host}:{taken}, as {websub.callback}")
        yield


@contextmanager
def _until_signalled(poller: Poller) -> Iterator[None]:
    """SIGINT and SIGTERM let requests that are under way end, publish what they brought, and stop."""

    def stop(*_: Any) -> None:
        poller.stopped.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
