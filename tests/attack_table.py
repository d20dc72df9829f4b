"""One line an attack after the tests of attacks: what was done to newsflow, and whether it stood.

Loaded by `make test-attacks` (`-p tests.attack_table`), which runs what is marked `attacks` and all below tests/attacks.
A test adds its figures with `record_property("figure", "50 rounds, 0 lost")`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.attack_counts import FULL

_FOLDER = Path(__file__).parent / "attacks"


@dataclass(frozen=True)
class _Line:
    attack: str
    outcome: str
    figure: str


_lines: list[_Line] = []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the attacks: the slow ones, which `make test` leaves out, and the fast ones, which it runs too."""
    attacks = [item for item in items if item.get_closest_marker("attacks") or item.path.is_relative_to(_FOLDER)]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(attacks)])
    items[:] = attacks


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.passed and report.when != "call":
        return
    figures = [str(value) for name, value in report.user_properties if name == "figure"]
    outcome = {"passed": "stood", "skipped": "skipped"}.get(report.outcome, "FELL")
    if report.skipped and isinstance(report.longrepr, tuple):
        figures.append(report.longrepr[2].removeprefix("Skipped: "))
    _lines.append(_Line(_words(report.nodeid), outcome, "; ".join([*figures, f"{report.duration:.1f} s"])))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not _lines:
        return
    terminalreporter.section(f"attacks, {'full' if FULL else 'reduced'} counts")
    width = max(len(line.attack) for line in _lines)
    for line in sorted(_lines, key=lambda each: each.attack):
        terminalreporter.write_line(f"{line.attack:<{width}}  {line.outcome:<7}  {line.figure}")


def _words(nodeid: str) -> str:
    """A test's name as a sentence, with its parameters."""
    name, bracket, parameters = nodeid.rpartition("::")[2].partition("[")
    return name.removeprefix("test_").replace("_", " ") + (f" ({parameters[:-1]})" if bracket else "")
