"""Compiled rules kept in a file of the user's cache, so that a start reads them instead of compiling them again.

What is read is nothing but rules: see `newsflow.kept`, too.
"""

from __future__ import annotations

import contextlib
import gc
import io
import os
import pickle
import sys
import unicodedata
from array import _array_reconstructor, array  # type: ignore[attr-defined]
from collections.abc import Iterable, Iterator
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from newsflow import kept
from newsflow.tagging import compile as compiled
from newsflow.tagging import patterns, rule
from newsflow.tagging.places import find

_KEPT = 4
"""Files kept: an editor's rules of today, those before, and those of another installation."""
_LEAST_ENTRIES = 5_000
"""Fewer are compiled as fast as a file is read."""
_KIND = "rules"

_ALLOWED_ITEMS: tuple[Any, ...] = (
    *(rule.Rule, rule.Term, rule.AnyOf, rule.AllOf, rule.NoneOf, rule.Near, rule.Example),
    *(patterns.LeafKey, patterns.Leaf, patterns.Entries, patterns.Postings, patterns.Vocabulary, find.Patterns),
    *(compiled.Node, compiled.Plan, compiled.CandidateIndex, compiled.CompiledRule, compiled.Tables),
    *(frozenset, array, _array_reconstructor, np.ndarray, np.dtype, np.zeros(1, np.int32).__reduce_ex__(5)[0]),
)
_ALLOWED = {(item.__module__, item.__qualname__): item for item in _ALLOWED_ITEMS}


def key_of(files: Iterable[Path]) -> str:
    """What a compiled file depends on, as hexadecimal digits: rule files, this package's code and data, Python."""
    state = blake2b(_code(), digest_size=16)
    for path in files:
        content = _content(path)
        state.update(f"\n{path}\n{len(content)}\n".encode("utf-8", "surrogateescape"))
        state.update(content)
    return state.hexdigest()


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # said by who reads the rules; no file fits such a key
        return os.urandom(16)


@cache
def _code() -> bytes:
    """A digest of this package whole, the shipped rules with it: rules of other files refer to them."""
    state = blake2b(f"{sys.version} {unicodedata.unidata_version} {np.__version__}".encode())
    folder = Path(__file__).parent
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            state.update(path.relative_to(folder).as_posix().encode() + b"\n" + path.read_bytes())
    return state.digest()


def read_tables(key: str) -> compiled.Tables | None:
    """The tables kept under a key; None where there are none that can be trusted."""
    content = kept.read(_KIND, key)
    with contextlib.suppress(Exception):  # whatever a damaged file makes of itself, the rules are there
        return None if content is None else unpacked(content)
    return None


def keep_tables(key: str, tables: compiled.Tables) -> None:
    """Keep tables under a key, where the cache can be written and it saves time."""
    if len(tables.vocabulary.entries) >= _LEAST_ENTRIES:
        kept.keep(_KIND, key, [pickle.dumps(tables, protocol=5)], _KEPT)


def packed(key: str, tables: compiled.Tables) -> bytes:
    """The tables for another process: as they are kept under a key, where they are."""
    content = kept.read(_KIND, key)
    return pickle.dumps(tables, protocol=5) if content is None else bytes(content)


def unpacked(content: bytes | memoryview) -> compiled.Tables:
    """The inverse of `packed`. Raises TypeError or what a pickle raises for what is not tables."""
    with _without_gc():
        tables = _Unpickler(io.BytesIO(content)).load()
    if not isinstance(tables, compiled.Tables):
        raise TypeError("not tables of rules")
    return tables


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Only what rules are made of: a pickle may otherwise call anything."""
        return _ALLOWED[module, name]


@contextlib.contextmanager
def _without_gc() -> Iterator[None]:
    """A million new objects, none of them garbage: collections would take most of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
