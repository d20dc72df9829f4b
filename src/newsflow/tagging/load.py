"""Reads rule files and folders into rules, with references between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from newsflow.errors import ConfigError
from newsflow.tagging.document import Document, read_jsonl, read_yaml
from newsflow.tagging.parse import RuleParser
from newsflow.tagging.rule import Rule

SUFFIXES = (".yaml", ".yml", ".jsonl")

RulePath = str | Path


def shipped_rules_path() -> Path:
    """The folder of the rules that come with newsflow."""
    return Path(str(files("newsflow.tagging"))) / "rules"


def rule_files(paths: Iterable[RulePath]) -> list[tuple[Path, str]]:
    """(path, name for messages) of every rule file, folders read whole, in a stable order.

    Raises ConfigError for a path that is not there or is no rule file.
    """
    found: list[tuple[Path, str]] = []
    for given in paths:
        path = Path(given)
        if path.is_dir():
            inner = sorted(p for p in path.rglob("*") if p.suffix in SUFFIXES and p.is_file() and p.name[0] != ".")
            found += [(file, str(file)) for file in inner]
        elif path.is_file() and path.suffix in SUFFIXES:
            found.append((path, str(path)))
        elif path.exists():
            raise ConfigError(f"not a rule file; accepted: {', '.join(SUFFIXES)}, or a folder of them", file=str(path))
        else:
            raise ConfigError("no such rule file or folder", file=str(path))
    return list(dict.fromkeys(found))


def _documents(paths: Iterable[RulePath]) -> list[Document]:
    documents: list[Document] = []
    for path, name in rule_files(paths):
        documents += read_jsonl(path, name) if path.suffix == ".jsonl" else read_yaml(path, name)
    return documents


def _id(document: Document) -> str | None:
    value = document.value.get("id") if isinstance(document.value, dict) else None
    return value if isinstance(value, str) else None


class Catalogue:
    """Documents by id and by folder/code; parses each once, on demand."""

    def __init__(self, documents: Sequence[Document], *, shipped: bool = False) -> None:
        self._shipped = shipped
        self._by_id: dict[str, Document] = {}
        self._by_name: dict[str, str] = {}
        self._rules: dict[str, Rule] = {}
        self._open: list[str] = []
        self._anonymous: list[Document] = []
        for document in documents:
            self._add(document)

    def _add(self, document: Document) -> None:
        identity = _id(document)
        if identity is None:
            self._anonymous.append(document)
            return
        held = self._by_id.get(identity)
        if held is not None and document.value.get("override") is not True:
            where = f"{held.file}:{held.first_line}"
            raise document.fail(
                f"the id {identity!r} is taken by {where}; `override: true` replaces that rule", ("id",)
            )
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
            raise document.fail("a circle of references: " + " → ".join([*self._open, identity]))
        self._open.append(identity)
        try:
            rule = RuleParser(document, self.resolve).parse()
        finally:
            self._open.pop()
        self._rules[identity] = rule
        return rule

    def rules(self) -> list[Rule]:
        """Every rule that is not abstract, in the order of the files."""
        for document in self._anonymous:
            RuleParser(document, self.resolve).parse()
        return [self.rule(identity) for identity, doc in self._by_id.items() if doc.value.get("abstract") is not True]


@lru_cache(maxsize=1)
def shipped_catalogue() -> Catalogue:
    """The shipped rules, for references from other files."""
    return Catalogue(_documents([shipped_rules_path()]), shipped=True)


def read_rules(paths: Iterable[RulePath]) -> list[Rule]:
    """The rules of files and folders. Raises ConfigError with file, line and what would be accepted."""
    if isinstance(paths, str | Path):
        paths = [paths]
    given = list(paths)
    if [Path(path) for path in given] == [shipped_rules_path()]:
        return shipped_catalogue().rules()
    return Catalogue(_documents(given)).rules()
