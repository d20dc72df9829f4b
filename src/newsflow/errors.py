"""The exceptions newsflow raises. Bad input is not one of them: that is a `Rejected` value.

NewsflowError
├── ConfigError        a file an operator or editor wrote is wrong; exit code 3
├── UsageError         a command was called wrongly; exit code 2
├── LedgerError        the ledger cannot answer; the batch is not decided
├── KafkaError         the broker cannot be reached, or refused
├── FlinkError         a Flink cluster cannot be reached, or refused
├── SinkError          a destination cannot be reached, or refused
├── SandboxError       the process that reads pages cannot be started; no page is to blame
└── LocalServiceError  a local part (broker, database) cannot be started or stopped
    └── MissingToolError   a program it needs (Java, Maven) is not on this machine
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from newsflow.shown import without_secrets


class NewsflowError(Exception):
    """Base of all. The message is for a person: what is wrong, which value, what would be accepted. No secret that is
    known to this process is in it, whatever a library put there."""

    def __init__(self, *parts: object) -> None:
        super().__init__(*(without_secrets(each) if isinstance(each, str) else each for each in parts))


class ConfigError(NewsflowError):
    """A configuration, rule, route or profile file is wrong.

    `file` is the file as the user named it, `path` the place within it (`kafka.security.protocol`),
    `line` its line from 1 where it is known.
    """

    what = "configuration"
    """What is bad, for the first words of a command's last line."""

    def __init__(self, message: str, *, file: str = "", path: str = "", line: int | None = None) -> None:
        self.message, self.file, self.path, self.line = message, file, path, line
        where = file + (f":{line}" if line is not None else "")
        self.parts: tuple[ConfigError, ...] = ()
        """What was found wrong at once, where that was more than one thing; this error then tells of all."""
        super().__init__(": ".join(part for part in (where, path, message) if part))


def raise_all(errors: Iterable[ConfigError]) -> None:
    """Raise what is wrong as one error that points at the first and tells of all; nothing where nothing is."""
    found = [part for error in errors for part in error.parts or (error,)]
    if len(found) < 2:
        for error in found:
            raise error
        return
    first = found[0]
    both = ConfigError(first.message, file=first.file, path=first.path, line=first.line)
    both.parts, both.args = tuple(found), (f"{len(found)} errors" + "".join(f"\n  {each}" for each in found),)
    raise both


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`did you mean 'topics'?` where one of `known` is like `name`; empty where none is."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean {near[0]!r}?" if near else ""


def in_words(error: BaseException) -> str:
    """What an error says, without the number that the operating system gives it: `No such file or directory`."""
    if isinstance(error, UnicodeDecodeError):
        return f"it is not UTF-8 at byte {error.start}"
    return getattr(error, "strerror", None) or re.sub(r"\[Errno -?\d+\] ", "", str(error))


def not_there(what: str, name: str, known: Iterable[str]) -> str:
    """`there is no store 'lkae'; did you mean 'lake'? there are: archive, lake`."""
    known = list(known)
    parts = (did_you_mean(name, known), f"there are: {', '.join(known) or 'none'}")
    return f"there is no {what} {name!r}; {' '.join(filter(None, parts))}"


def dotted(path: Iterable[str | int]) -> str:
    """`("routes", 2, "match")` as `routes[2].match`, the `path` of a `ConfigError`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


class UsageError(NewsflowError):
    """A command was called with arguments that cannot go together."""


class LedgerError(NewsflowError):
    """The ledger could not answer within its limits. Nothing of the batch was decided."""


class KafkaError(NewsflowError):
    """A broker could not be reached or refused a request."""


class FlinkError(NewsflowError):
    """A Flink cluster could not be reached or refused a request, or a job there did not come up."""


class SinkError(NewsflowError):
    """A destination could not be reached or refused what it was sent."""


class LocalServiceError(NewsflowError):
    """A local part could not be started or stopped. The message says why and where its log is."""


class MissingToolError(LocalServiceError):
    """A program that a local part needs is not installed. The message names the ways that do without it."""


class TimeLimitError(NewsflowError):
    """Work on one article took longer than it may. The article is to blame."""


class SandboxError(NewsflowError):
    """The process that reads pages cannot be started. No page is to blame: the batch is not normalised."""
