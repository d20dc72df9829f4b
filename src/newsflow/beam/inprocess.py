"""Live objects that a DoFn of the local runner finds by name: readers and writers that outlive a bounded run.

The local runner executes in the launching process, and sets every DoFn up anew at each run; what is costly or
has a position (a consumer, an open output) stays here meanwhile.
"""

from __future__ import annotations

from typing import Any

_objects: dict[str, Any] = {}


def put(name: str, value: Any) -> None:
    """Make `value` known as `name`."""
    _objects[name] = value


def get(name: str) -> Any:
    """The object called `name`; raises `RuntimeError` in a process that has none."""
    try:
        return _objects[name]
    except KeyError:
        raise RuntimeError(
            f"{name} is not in this process: bounded runs work on the in-process runner alone; "
            "for other runners use the endless source (--source endless)"
        ) from None


def drop(name: str) -> None:
    """Forget the object called `name`."""
    _objects.pop(name, None)
