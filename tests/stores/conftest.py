from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stores.opensearch_node import running_node
from tests.stores.store_harness import HARNESSES, Harness


@pytest.fixture(scope="session")
def store_opensearch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real node for the session; skips where there is none."""
    pytest.importorskip("opensearchpy")
    with running_node(tmp_path_factory.mktemp("opensearch")) as url:
        yield url


@pytest.fixture(params=HARNESSES)
def harness(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Harness]:
    """Each kind of store in turn, empty."""
    made = HARNESSES[request.param](tmp_path, request)
    yield made
    made.close()
