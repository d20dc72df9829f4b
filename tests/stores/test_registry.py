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

ROOT = Path(__file__).resolve().parents[2]
URLS = {
    "sqlite": "sqlite:///a.sqlite3",
    "postgresql": "postgresql://x/y",
    "postgres": "postgres://x/y",
    "parquet": "parquet:///data",
    "jsonl": "jsonl:////data",
    "opensearch+http": "opensearch+http://host:9200/news",
    "opensearch+https": "opensearch+https://host:9200",
    "iceberg": "iceberg://local/news.article",
}


def test_every_scheme_is_tried_here_and_belongs_to_one_store() -> None:
    schemes = [scheme for kind in STORES for scheme in kind.schemes]
    assert sorted(schemes) == sorted(URLS)


@pytest.mark.parametrize("kind", STORES, ids=lambda kind: kind.title)
def test_an_entry_opens_the_store_it_names(kind: StoreKind) -> None:
    implementation = resolve_name(kind.implementation)
    assert issubclass(implementation, Store)
    for scheme in kind.schemes:
        assert type(open_store(URLS[scheme])) is implementation
        assert kind_of(URLS[scheme]) is kind
        assert takes_several_writers(URLS[scheme]) is kind.several_writers


def test_extras_are_declared() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert {kind.extra for kind in STORES} - {""} <= set(declared)


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opensearchpy", None)
    monkeypatch.delitem(sys.modules, "newsflow.stores.opensearch", raising=False)
    with pytest.raises(ConfigError, match=r"pip install 'newsflow\[opensearch\]'"):
        open_store(URLS["opensearch+http"])


@pytest.mark.parametrize("url", ["mysql://x", "parquet://relative", "jsonl:///"])
def test_configuration_check_refuses_what_cannot_be_opened(url: str) -> None:
    with pytest.raises(ConfigError, match=r"stores\.archive: .*accepted") as caught:
        check_places("sqlite:///ledger.sqlite3", [("archive", url)])
    assert caught.value.path == "stores.archive"
