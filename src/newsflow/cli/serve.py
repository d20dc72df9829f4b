"""`newsflow serve`: pages, API, feeds and streams, from one process that changes nothing."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Annotated

import typer

from newsflow.cli.options import (
    ConfigOption,
    LedgerOption,
    Output,
    OutputOption,
    VerboseOption,
    set_up_logging,
    settings,
)
from newsflow.cli.output import conclude
from newsflow.errors import ConfigError, not_there

if TYPE_CHECKING:
    from newsflow.config.settings import Config


LISTEN = "127.0.0.1:8080"


def serve(
    listen: Annotated[
        str, typer.Option("--listen", metavar="HOST:PORT", help="Where to listen; port 0 for any that is free.")
    ] = LISTEN,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
    output: OutputOption = Output.TEXT,
    verbose: VerboseOption = 0,
) -> None:
    """Serve what the ledger and a store hold: pages for people, an API, feeds and streams for programs.

    Nothing is changed, but that a reader with leave may send dead letters again. Without readers (serve.readers), only
    an address of this machine is accepted.
    """
    loaded = settings(config, ledger=ledger).config
    set_up_logging(verbose)
    try:
        import uvicorn
    except ImportError as error:
        raise ConfigError("serving needs the extra: pip install 'newsflow[serve]'") from error
    from newsflow.normalise.profiles import load_sources
    from newsflow.secrets import resolve
    from newsflow.web.access import Access, check_listen, parse_listen
    from newsflow.web.app import make_app
    from newsflow.web.copying import LedgerCopy
    from newsflow.web.library import Library

    host, port = parse_listen(listen)
    access = Access(loaded.serve)
    check_listen(host, access)
    ledger_url, families = resolve(loaded.ledger.url), {}
    for name, profile in load_sources(loaded.sources.paths).items():
        if profile.family:
            families[name] = profile.family
    with ExitStack() as stack:
        store = _store_url(loaded)
        if store is None:
            store = resolve(loaded.serve.copy)
            stack.enter_context(LedgerCopy(ledger_url, store))
        library = stack.enter_context(closing(Library(ledger_url, store, families)))
        replays = None
        if any(each.replay for _, each in loaded.serve.readers):
            from newsflow.web.replaying import Replays

            replays = Replays(loaded)
        app = make_app(library, access, full_text=loaded.serve.full_text, streams=loaded.serve.streams, replays=replays)
        server = uvicorn.Config(
            app, host, port, log_config=None, log_level="warning", access_log=False, server_header=False,
            proxy_headers=False, timeout_graceful_shutdown=2, h11_max_incomplete_event_size=32_768, ws="none",
        )  # fmt: skip
        with closing(server.bind_socket()) as socket:
            socket.listen()  # who is told of it may connect at once
            url = f"http://{f'[{host}]' if ':' in host else host}:{socket.getsockname()[1]}/"
            conclude(output, {"serving": url}, f"serving on {url}, until SIGINT or SIGTERM")
            uvicorn.Server(server).run([socket])


def _store_url(config: Config) -> str | None:
    """The store that articles are read from; None where none can be."""
    from newsflow.secrets import resolve
    from newsflow.stores.reading import READABLE

    stores = {name: resolve(url) for name, url in config.stores}
    readable = {name: url for name, url in stores.items() if url.partition(":")[0] in READABLE}
    name = config.serve.store
    if name is None:
        return next(iter(readable.values()), None)
    if name not in stores:
        raise ConfigError(not_there("store", name, stores), path="serve.store")
    if name not in readable:
        raise ConfigError(f"the store {name} is not one of SQLite or PostgreSQL", path="serve.store")
    return readable[name]
