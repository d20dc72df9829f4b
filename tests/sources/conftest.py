from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from newsflow.ledger import open_ledger
from newsflow.sources.feedlist import Feed
from tests.sources.site import Polling, Site, serving


@pytest.fixture
def site() -> Iterator[Site]:
    with serving(Site()) as running:
        yield running


@pytest.fixture
def polling(site: Site, tmp_path: Path) -> Iterator[Callable[..., Polling]]:
    """Makes what polls feeds, given as places (`harbour.example/feed`) or whole."""
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.sqlite3", clock=site.clock)

    def make(*feeds: str | Feed) -> Polling:
        listed = [
            each if isinstance(each, Feed) else Feed(each.partition("/")[0].partition(".")[0], site.url(each))
            for each in feeds
        ]
        return Polling(site, ledger, listed)

    yield make
    ledger.close()
