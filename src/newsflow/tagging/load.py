"""Reads rule files and folders into rules, with references between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path

import orjson

from newsflow.errors import ConfigError
from newsflow.resources import SHIPPED
from newsflow.tagging.parse import RuleParser
from newsflow.tagging.rule import Rule
from newsflow.yamlfile import YamlDocument, read_documents, read_text

SUFFIXES = (".yaml", ".yml", ".jsonl")

RulePath = str | Path


def shipped_rules_path() -> Path:
    """The folder of the rules that come with newsflow."""
    return Path(str(files("newsflow.tagging"))) / "rules"


def rule_place(path: RulePath) -> Path:
    """The file or folder that a path of rules names; `shipped` is the folder of the installed release."""
    return shipped_rules_path() if str(path) == SHIPPED else Path(path)


def rule_files(paths: Iterable[RulePath]) -> list[Path]:
    """Every rule file, folders read whole, in a stable order.

    Raises ConfigError for a path that is not there or is not a rule file.
    """
    found: list[Path] = []
    for path in map(rule_place, paths):
        if path.is_dir():
            found += sorted(p for p in path.rglob("*") if p.suffix in SUFFIXES and p.is_file() and p.name[0] != ".")
        elif path.is_file() and path.suffix in SUFFIXES:
            found.append(path)
        elif path.exists():
            raise ConfigError(f"not a rule file; accepted: {', '.join(SUFFIXES)}, or a folder of them", file=str(path))
        else:
            raise ConfigError("no such rule file or folder", file=str(path))
    return list(dict.fromkeys(found))


@contextmanager
def _about_rules() -> Iterator[None]:
    """An error within is one of a rule, and is told as such."""
    try:
        yield
    except ConfigError as error:
        error.what = "rule"
        raise


@_about_rules()
def rule_documents(paths: Iterable[RulePath]) -> list[YamlDocument]:
    """The documents of files and folders, not looked into yet."""
    shipped = shipped_rules_path()
    read = (_shipped_file(path) if path.is_relative_to(shipped) else _read(path) for path in rule_files(paths))
    return [document for documents in read for document in documents]


def _read(path: Path) -> list[YamlDocument]:
    return list(_read_jsonl(path)) if path.suffix == ".jsonl" else read_documents(path)


_shipped_file = cache(_read)
"""A process keeps to the shipped rules of its own release, and reads each of their files once."""


def _read_jsonl(path: Path) -> Iterator[YamlDocument]:
    """One rule a line, for saved searches by the thousand. Empty lines are skipped."""
    for number, line in enumerate(read_text(path, max_bytes=None).split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield YamlDocument(orjson.loads(line), {(): number}, str(path))
        except orjson.JSONDecodeError as error:
            raise ConfigError(f"not valid JSON: {error}", file=str(path), line=number) from error


def refuse_empty(path: RulePath, documents: Iterable[YamlDocument]) -> None:
    """Raise ConfigError for a file or folder without a document, which who names it does not mean."""
    if not any(True for _ in documents):
        accepted = f"; accepted: files ending in {', '.join(SUFFIXES)}" if rule_place(path).is_dir() else ""
        raise ConfigError(f"holds no rule{accepted}", file=str(path))


def document_id(document: YamlDocument) -> str | None:
    value = document.value.get("id") if isinstance(document.value, dict) else None
    return value if isinstance(value, str) else None


class Catalogue:
    """Documents by id and by folder/code; parses each once, on demand.

    With `later_replaces`, as among applied rules, a later document of an id replaces an earlier one unasked.
    """

    def __init__(
        self, documents: Iterable[YamlDocument], *, shipped: bool = False, later_replaces: bool = False
    ) -> None:
        self._shipped, self._later_replaces = shipped, later_replaces
        self._by_id: dict[str, YamlDocument] = {}
        self._by_name: dict[str, str] = {}
        self._rules: dict[str, Rule] = {}
        self._open: list[str] = []
        self._anonymous: list[YamlDocument] = []
        for document in documents:
            self._add(document)

    @_about_rules()
    def _add(self, document: YamlDocument) -> None:
        identity = document_id(document)
        if identity is None:
            self._anonymous.append(document)
            return
        held = self._by_id.get(identity)
        if held is not None and not self._later_replaces and document.value.get("override") is not True:
            where = f"{held.file}:{held.line()}"
            message = f"the id {identity!r} is taken by {where}; `override: true` replaces that rule"
            raise document.error(message, ("id",))
        self._by_id[identity] = document
        code = document.value.get("code")
        folder = Path(document.file).parent.name
        for name in (f"{folder}/{identity}", f"{folder}/{code}" if isinstance(code, str) else ""):
            self._by_name.setdefault(name, identity)

    def resolve(self, target: str) -> Rule | None:
        """The rule of an id or a folder/code; those shipped are found too."""
        identity = target if target in self._by_id else self._by_name.get(target)
        if identity is None:
            return None if self._shipped else shipped_catalogue().resolve(target)
        return self.rule(identity)

    def rule(self, identity: str) -> Rule:
        """The parsed rule. Raises ConfigError, also for a circle of references."""
        if identity in self._rules:
            return self._rules[identity]
        document = self._by_id[identity]
        if identity in self._open:
            raise document.error("a circle of references: " + " → ".join([*self._open, identity]))
        self._open.append(identity)
        try:
            rule = RuleParser(document, self.resolve).parse()
        finally:
            self._open.pop()
        self._rules[identity] = rule
        return rule

    @_about_rules()
    def rules(self) -> list[Rule]:
        """Every rule that is not abstract, in the order of the files."""
        for document in self._anonymous:
            RuleParser(document, self.resolve).parse()
        return [self.rule(identity) for identity, doc in self._by_id.items() if doc.value.get("abstract") is not True]


@lru_cache(maxsize=1)
def shipped_catalogue() -> Catalogue:
    """The shipped rules, for references from other files."""
    return Catalogue(rule_documents([SHIPPED]), shipped=True)


def read_rules(paths: Iterable[RulePath], *, later_replaces: bool = False) -> list[Rule]:
    """The rules of files and folders. Raises ConfigError with file, line and what would be accepted."""
    if isinstance(paths, str | Path):
        paths = [paths]
    given = [rule_place(path) for path in paths]
    if given == [shipped_rules_path()]:
        return shipped_catalogue().rules()
    return Catalogue(rule_documents(given), later_replaces=later_replaces).rules()
