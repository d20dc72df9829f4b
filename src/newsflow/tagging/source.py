"""A rule set that follows its files: looked at between batches, replaced only by one that loads."""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from newsflow.errors import ConfigError
from newsflow.tagging.load import RulePath, rule_files, shipped_rules_path
from newsflow.tagging.ruleset import RuleSet, load_rules

logger = logging.getLogger(__name__)

POINTER_NAME = "applied.json"

Signature = tuple[tuple[str, int, int, int], ...]


class RuleSource:
    """The current rule set of some paths, or of what was last applied.

    `pointer` names a file that `apply_rules` writes; where it exists, it says which rules count and `paths` do not.
    Not safe for threads; one a process and stage.
    """

    def __init__(self, paths: Iterable[RulePath] | None = None, pointer: Path | None = None) -> None:
        self._paths = [shipped_rules_path()] if paths is None else [Path(path) for path in paths]
        self._pointer = pointer
        self._signature: Signature | None = None
        self._rules: RuleSet | None = None

    def current(self) -> RuleSet:
        """The rule set to tag the next batch with.

        The first call raises ConfigError when the rules do not load. Later, rules that do not load are logged as an
        error once, and the set before them is kept.
        """
        signature = self._look()
        if self._rules is not None and signature == self._signature:
            return self._rules
        try:
            rules = load_rules(self._targets())
        except ConfigError as error:
            if self._rules is None:
                raise
            logger.error("new topic rules do not load, version %s stays: %s", self._rules.version, error)
        else:
            if self._rules is not None and rules.version != self._rules.version:
                logger.info("topic rules %s replace %s", rules.version, self._rules.version)
            self._rules = rules
        # Taken before loading: what changed meanwhile shows at the next look.
        self._signature = signature
        return self._rules

    def _targets(self) -> Sequence[Path]:
        return applied_paths(self._pointer) or self._paths if self._pointer else self._paths

    def _look(self) -> Signature:
        """Name, time, size and inode of every file that counts; equal when nothing changed."""
        found = [self._pointer] if self._pointer else []
        try:
            found += rule_files(self._targets())
        except ConfigError:
            found += [Path("unreadable")]
        return tuple(_stamp(path) for path in found)


def _stamp(path: Path) -> tuple[str, int, int, int]:
    try:
        state = path.stat()
    except OSError:
        return (str(path), 0, 0, 0)
    return (str(path), state.st_mtime_ns, state.st_size, state.st_ino)


def applied_paths(pointer: Path) -> list[Path]:
    """What was last applied; empty when nothing was. Raises ConfigError for a pointer that cannot be read."""
    try:
        value = json.loads(pointer.read_text(encoding="utf-8"))
        return [Path(item) if Path(item).is_absolute() else pointer.parent / item for item in value["paths"]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"not a pointer to applied rules: {error}", file=str(pointer)) from error


def apply_rules(paths: Iterable[RulePath], folder: Path) -> RuleSet:
    """Load rules, keep a copy of their files under `folder`, and point running jobs at it.

    The pointer is replaced in one step, so a job sees the old rules or the new ones whole. Raises ConfigError, and
    changes nothing, when the rules do not load.
    """
    given = list(paths)
    rules = load_rules(given)
    copy = folder / rules.version
    if not copy.exists():
        _copy_files(given, copy)
    _replace(folder / POINTER_NAME, json.dumps({"version": rules.version, "paths": [rules.version]}))
    return rules


def _copy_files(paths: Iterable[RulePath], target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(dir=target.parent, prefix=".incoming-"))
    for number, path in enumerate(rule_files(paths)):
        # The folder's name is kept: references such as countries/SY go by it.
        place = staging / f"{number:05d}" / path.parent.name
        place.mkdir(parents=True)
        shutil.copyfile(path, place / path.name)
    staging.rename(target)


def _replace(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".pointer-")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)
