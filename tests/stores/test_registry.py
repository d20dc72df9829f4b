"""The registry of stores: every entry opens what it says, and a configuration is checked by it."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from pkgutil import resolve_name

import pytest

from newsflow.errors import ConfigError
from newsflow.stores.contract import Store
from newsflow.stores.registry import STORES, StoreKind, check_places, kind_of, open_store, takes_several_writers
from tests.stores.store_harness import HARNESSES

ROOT = Path(__file__).resolve().parents[2]


def urls(kind: StoreKind) -> list[str]:
    """A URL of each of its schemes, in the form that its entry shows."""
    return [f"{scheme}://{kind.url.partition('://')[2]}" for scheme in kind.schemes]


def test_a_scheme_belongs_to_one_store_and_each_store_is_held_to_the_contract() -> None:
    schemes = [scheme for kind in STORES for scheme in kind.schemes]
    assert len(set(schemes)) == len(schemes)
    assert {resolve_name(kind.implementation).name for kind in STORES} == set(HARNESSES)


@pytest.mark.parametrize("kind", STORES, ids=lambda kind: kind.title)
def test_an_entry_opens_the_store_it_names(kind: StoreKind) -> None:
    implementation = resolve_name(kind.implementation)
    assert issubclass(implementation, Store)
    for url in urls(kind):
        assert type(open_store(url)) is implementation
        assert kind_of(url) is kind
        assert takes_several_writers(url) is kind.several_writers


def test_extras_are_declared() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert {kind.extra for kind in STORES} - {""} <= set(declared)


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opensearchpy", None)
    monkeypatch.delitem(sys.modules, "newsflow.stores.opensearch", raising=False)
    with pytest.raises(ConfigError, match=r"pip install 'newsflow\[opensearch\]'"):
        open_store("opensearch+http://127.0.0.1:9200/news")


@pytest.mark.parametrize("url", ["mysql://x", "parquet://relative", "jsonl:///"])
def test_configuration_check_refuses_what_cannot_be_opened(url: str) -> None:
    with pytest.raises(ConfigError, match=r"stores\.archive: .*accepted") as caught:
        check_places("sqlite:///ledger.sqlite3", [("archive", url)])
    assert caught.value.path == "stores.archive"
