"""Rules given to running jobs: those in force and others over them, what was applied when, and the way back.

Under one folder stand a pointer, which jobs look at between two batches, and for each time that rules were applied an
entry: a folder with a copy of the rule files and a note of who applied what, when, and what was in force before. The
shipped rules are not copied: they are named, and are those of the release that reads them.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import chain, groupby
from pathlib import Path
from typing import Any

from newsflow.errors import ConfigError, UsageError, in_words
from newsflow.resources import SHIPPED
from newsflow.tagging.load import (
    Catalogue,
    RulePath,
    document_id,
    read_rules,
    refuse_empty,
    rule_documents,
    rule_files,
    rule_place,
    shipped_rules_path,
)
from newsflow.tagging.rule import Rule, set_version
from newsflow.tagging.ruleset import NOTHING_APPLIED, POINTER_NAME, Pointer, as_pointer, read_pointer
from newsflow.yamlfile import YamlDocument

CONFIGURED = "configured"
"""In place of a version to go back to: the configured rules, else the shipped ones."""
_ENTRY_NAME = "entry.json"
_ENTRY = re.compile(r"(\d{6})-[0-9a-f]{12}")
_REFERENCE = Path(SHIPPED)


@dataclass(frozen=True, slots=True)
class InForce:
    """The rules that a running job tags with: last applied, else configured, else shipped."""

    pointer: Pointer
    configured: tuple[Path, ...]

    @property
    def paths(self) -> tuple[Path, ...]:
        return self.pointer.paths or self.configured or (_REFERENCE,)

    def rules(self) -> list[Rule]:
        """Raises ConfigError when they do not load."""
        return read_rules(self.paths, later_replaces=bool(self.pointer.paths))

    def __str__(self) -> str:
        if self.pointer.paths:
            return "the rules last applied"
        return "the configured rules (topics.paths)" if self.configured else "the shipped rules"


def in_force(folder: Path, configured: Iterable[RulePath]) -> InForce:
    """What jobs use that look into `folder`. Raises ConfigError for a pointer that is not one."""
    return InForce(read_pointer(folder / POINTER_NAME), tuple(map(Path, configured)))


def version_of(rules: Iterable[Rule]) -> str:
    """The version that a rule set of these rules has."""
    return set_version((rule.id, rule.version()) for rule in rules)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be in force: the rules, their files in order, and what that changes. Nothing is written yet."""

    before: InForce
    parts: tuple[Path, ...]
    """Rule files, and `shipped`; later ones replace earlier ones. None: the configured rules are to count again."""
    rules: tuple[Rule, ...]
    given: tuple[str, ...]
    action: str
    """`apply`, `replace` or `rollback`."""
    added: tuple[str, ...]
    replaced: tuple[str, ...]
    """Ids of rules that mean something else than before."""
    removed: tuple[str, ...]
    to_try: tuple[Rule, ...]
    """Those whose examples are worth running: what was given or changes, as far as we do not ship it."""
    shipped: frozenset[str] = frozenset()
    """Ids of rules in force before that we ship."""
    unreadable: str = ""
    """Why the rules in force do not load; what changes is not known then."""


def plan_apply(before: InForce, paths: Sequence[RulePath], *, replace: bool = False) -> Plan:
    """Rules over those in force, equal ids replaced and none removed; with `replace`, nothing but these.

    Raises ConfigError when rules do not load; those in force may be broken when they are to be replaced.
    """
    given = _parts(paths)
    read = {part: rule_documents([part]) for part in given}
    for path in paths:
        refuse_empty(path, chain.from_iterable(read[part] for part in _parts([path])))
    Catalogue(chain.from_iterable(read.values()))  # Among themselves they replace each other only where they say so.
    old, unreadable = _old_rules(before)
    if unreadable and not replace:
        raise ConfigError(f"the rules in force do not load, so nothing can be added to them; --replace: {unreadable}")
    base = [] if replace else [part for part in _parts(before.paths) if part not in read]
    read |= {part: rule_documents([part]) for part in base}
    parts = _without_replaced([*base, *given], read)
    rules = Catalogue(chain.from_iterable(read[part] for part in parts), later_replaces=True).rules()
    if not rules:
        raise ConfigError("every rule is abstract, so jobs would go on with others", file=str(paths[0]))
    return _plan(before, parts, rules, old, unreadable, tuple(map(str, paths)), "replace" if replace else "apply")


def plan_rollback(before: InForce, target: Pointer) -> Plan:
    """Back to what was in force at an earlier time. Raises ConfigError when it does not load any more."""
    state = InForce(target, before.configured)
    return _plan(before, target.paths, state.rules(), *_old_rules(before), (target.version,), "rollback")


def _old_rules(before: InForce) -> tuple[list[Rule], str]:
    try:
        return before.rules(), ""
    except ConfigError as error:
        return [], str(error)


def _plan(
    before: InForce,
    parts: Sequence[Path],
    rules: Sequence[Rule],
    old: Sequence[Rule],
    unreadable: str,
    given: tuple[str, ...],
    action: str,
) -> Plan:
    was, will = ({rule.id: rule.version() for rule in each} for each in (old, rules))
    added, removed = sorted(will.keys() - was.keys()), sorted(was.keys() - will.keys())
    replaced = sorted(topic for topic in will.keys() & was.keys() if will[topic] != was[topic])
    files = {str(path) for path in _parts(given) if path != _REFERENCE} if action != "rollback" else set()
    own = (rule for rule in rules if not _is_shipped(rule))
    shipped = frozenset(rule.id for rule in old if _is_shipped(rule))
    to_try = tuple(rule for rule in own if rule.file in files or rule.id in {*added, *replaced})
    changes = (tuple(added), tuple(replaced), tuple(removed))
    return Plan(before, tuple(parts), tuple(rules), given, action, *changes, to_try, shipped, unreadable)


def _is_shipped(rule: Rule) -> bool:
    return Path(rule.file).is_relative_to(shipped_rules_path())


def _parts(paths: Iterable[RulePath]) -> list[Path]:
    """Rule files, in order and each once; the folder of the shipped rules stays a name."""
    parts: dict[Path, None] = {}
    for path in paths:
        parts |= dict.fromkeys([_REFERENCE] if rule_place(path) == shipped_rules_path() else rule_files([path]))
    return list(parts)


def _without_replaced(parts: Sequence[Path], read: Mapping[Path, Iterable[YamlDocument]]) -> list[Path]:
    """Without the files of which later ones replace every rule: else each time that a file is applied would stay."""
    kept: list[Path] = []
    taken: set[str | None] = set()
    for part in reversed(parts):
        ids = {document_id(document) for document in read[part]}
        if part == _REFERENCE or not ids <= taken:
            kept.append(part)
            taken |= ids
    return kept[::-1]


# Applying: an entry is made beside the others, then the pointer is replaced in one step.


@dataclass(frozen=True, slots=True)
class Entry:
    """One time that rules were applied. `before` is what the pointer held till then."""

    number: int
    """0 for rules that release 0.1 applied, of which no more is on record than what is here."""
    version: str
    paths: tuple[str, ...]
    at: str
    by: str
    action: str
    given: tuple[str, ...]
    added: tuple[str, ...]
    replaced: tuple[str, ...]
    removed: tuple[str, ...]
    release: str
    before: dict[str, Any] | None


def carry_out(plan: Plan, folder: Path, *, at: datetime, by: str, release: str) -> Entry:
    """Copy the rules of a plan under `folder`, and point running jobs at them.

    A job sees the old rules or the new ones whole, and so does whoever comes after a kill. Raises ConfigError, and
    changes nothing, when something else was applied since the plan was made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pointer, version = folder / POINTER_NAME, version_of(plan.rules)
    with _locked(folder):
        if read_pointer(pointer) != plan.before.pointer:
            raise ConfigError("other rules were applied meanwhile; nothing was changed, try again", file=str(pointer))
        _clear(folder)
        before = json.loads(pointer.read_text(encoding="utf-8")) if pointer.exists() else None
        number = 1 + max((_number(path.name) for path in folder.iterdir()), default=0)
        name = f"{number:06d}-{version}"
        staging = Path(tempfile.mkdtemp(dir=folder, prefix=".incoming-"))
        paths = _copy(plan.parts, staging, name) if plan.action != "rollback" else _again(plan.parts, folder)
        what = (plan.action, plan.given, plan.added, plan.replaced, plan.removed, release)
        entry = Entry(number, version, tuple(paths), at.isoformat(timespec="seconds"), by, *what, before)
        (staging / _ENTRY_NAME).write_text(json.dumps(asdict(entry)), encoding="utf-8")
        staging.rename(folder / name)
        _replace(pointer, json.dumps({"version": version, "paths": paths, "entry": name}))
    return entry


def _copy(parts: Sequence[Path], target: Path, name: str) -> list[str]:
    """Copy the files, those between two references into one folder; the folders, under `name`, and the references."""
    paths: list[str] = []
    for is_reference, group in groupby(parts, lambda part: part == _REFERENCE):
        if is_reference:
            paths.append(SHIPPED)
            continue
        paths.append(f"{name}/{len(paths)}")
        for number, path in enumerate(group):
            # The folder's name is kept: references such as countries/SY go by it.
            place = target / str(len(paths) - 1) / f"{number:05d}" / path.parent.name
            place.mkdir(parents=True)
            shutil.copyfile(path, place / path.name)
    return paths


def _again(parts: Iterable[Path], folder: Path) -> list[str]:
    """The copies that are there already."""
    return [str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path) for path in parts]


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _clear(folder: Path) -> None:
    """Take away what was left by one that was killed."""
    for left in folder.glob(".incoming-*"):
        shutil.rmtree(left)
    for left in folder.glob(".pointer-*"):
        left.unlink()


def _replace(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".pointer-")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)


# What was applied, and what to go back to.


def history(folder: Path) -> Iterator[Entry]:
    """What was applied, the last first. It ends with what release 0.1 applied, or where an entry is no longer kept.
    Raises ConfigError for one that is not one."""
    pointer = read_pointer(folder / POINTER_NAME)
    last = sys.maxsize
    while pointer != NOTHING_APPLIED:
        entry = _entry(pointer, folder)
        if entry is None:
            return
        if entry.number >= last:
            raise ConfigError("the history of applied rules goes in a circle", file=str(folder / pointer.entry))
        yield entry
        last, pointer = entry.number, before_of(entry, folder)


def _entry(pointer: Pointer, folder: Path) -> Entry | None:
    if not pointer.entry:
        return _entry_of_first_release(pointer, folder)
    file = folder / pointer.entry / _ENTRY_NAME
    try:
        if not _number(pointer.entry):
            raise ValueError(f"{pointer.entry!r} does not name one")
        value: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        value |= {name: tuple(each) for name, each in value.items() if isinstance(each, list)}
        entry = Entry(**value)
        before_of(entry, folder)
        if pointer.entry != f"{entry.number:06d}-{entry.version}":
            raise ValueError(f"it is of {entry.number} and version {entry.version}")
        return entry
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ConfigError(f"not an entry of applied rules: {in_words(error)}", file=str(file)) from error


def _entry_of_first_release(pointer: Pointer, folder: Path) -> Entry | None:
    try:
        at = datetime.fromtimestamp(pointer.paths[0].stat().st_mtime, UTC).isoformat(timespec="seconds")
    except (OSError, IndexError):
        return None
    paths = tuple(_again(pointer.paths, folder))
    return Entry(0, pointer.version, paths, at, "", "replace", (), (), (), (), "0.1", None)


def before_of(entry: Entry, folder: Path) -> Pointer:
    return NOTHING_APPLIED if entry.before is None else as_pointer(entry.before, folder)


def state_to_restore(folder: Path, version: str | None) -> Pointer:
    """What was in force before the last change of rules, or at a version, which may be shortened, or the `configured`
    rules. Raises UsageError for a version that the history has not, or not alone."""
    entries = list(history(folder))
    if not entries:
        raise UsageError(f"no rules were applied under {folder}; there is nothing to go back to")
    if version == CONFIGURED:
        return NOTHING_APPLIED
    if version is None:
        states = (before_of(entry, folder) for entry in entries)
        found_before = next((state for state in states if state.version != entries[0].version), None)
        if found_before is None:
            raise UsageError(f"no other rules than {entries[0].version} are on record under {folder}")
        return found_before
    found = {each.version: each for each in reversed(entries) if each.version.startswith(version)}
    if len(found) != 1:
        known = ", ".join(dict.fromkeys([*(each.version for each in entries), CONFIGURED]))
        raise UsageError(f"{version!r} names {len(found) or 'no'} versions of the history; it has {known}")
    [entry] = found.values()
    return as_pointer({"version": entry.version, "paths": entry.paths}, folder)


def _number(name: str) -> int:
    """The number of an entry by its name; 0 for any other name."""
    found = _ENTRY.fullmatch(name)
    return int(found[1]) if found else 0
