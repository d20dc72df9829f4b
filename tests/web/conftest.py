from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.web.world import Client, World, made_world, readers, serving


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with made_world(tmp_path_factory.mktemp("world")) as made:
        yield made


@pytest.fixture(scope="session")
def base(world: World) -> Iterator[str]:
    with serving(world, readers=readers(world.folder)) as address:
        yield address


@pytest.fixture
def client(base: str) -> Client:
    return Client(base)
