"""Compiled rules kept in a file of the user's cache, so that a start reads them instead of compiling them again.

A file is named by all that its content depends on, and read only when it is whole, the user's own, and holds nothing
but rules: one that is half written, damaged or another's is compiled and written again.
"""

from __future__ import annotations

import contextlib
import gc
import io
import os
import pickle
import stat
import sys
import tempfile
import unicodedata
from array import _array_reconstructor, array  # type: ignore[attr-defined]
from collections.abc import Iterable, Iterator
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from newsflow.tagging import compile as compiled
from newsflow.tagging import patterns, rule
from newsflow.tagging.places import find

_KEPT = 4
"""Files kept: an editor's rules of today, those before, and those of another installation."""
_LEAST_ENTRIES = 5_000
"""Fewer are compiled as fast as a file is read."""
_SUFFIX = ".rules"

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
    with contextlib.suppress(Exception), _without_gc():  # whatever a damaged file makes of itself, the rules are there
        file = _folder() / (key + _SUFFIX)
        with file.open("rb") as source:
            _refuse_foreign(os.fstat(source.fileno()))
            digest, content = source.read(32), source.read()
        if digest == _digest(key, content):
            tables = _Unpickler(io.BytesIO(content)).load()
            file.touch()
            return tables if isinstance(tables, compiled.Tables) else None
    return None


def keep_tables(key: str, tables: compiled.Tables) -> None:
    """Keep tables under a key, where the cache can be written and it saves time; remove the files used least lately."""
    if len(tables.vocabulary.entries) < _LEAST_ENTRIES:
        return
    content = pickle.dumps(tables, protocol=5)
    with contextlib.suppress(OSError, RuntimeError):  # a read-only disk, no home: every start compiles
        folder = _folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, prefix=".incoming-")
        try:
            with os.fdopen(handle, "wb") as target:
                target.write(_digest(key, content) + content)
            Path(name).replace(folder / (key + _SUFFIX))
        finally:
            Path(name).unlink(missing_ok=True)
        for old in sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)[_KEPT:]:
            old.unlink(missing_ok=True)


def _folder() -> Path:
    """Raises RuntimeError for a user without a home."""
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (given if given.is_absolute() else Path.home() / ".cache") / "newsflow" / "rules"


def _refuse_foreign(state: os.stat_result) -> None:
    if state.st_uid != os.geteuid() or state.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionError("another user may have written it")


def _digest(key: str, content: bytes) -> bytes:
    return blake2b(content, digest_size=32, key=key.encode()).digest()


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
