"""How the source is divided: modules, lines, and the modules that one new article passes through.

    python benchmarks/structure.py [--beside OTHER/src]

The last figure comes from the main job itself, run on files with batches of one article: a module counts when its
calls grow with the number of articles, so start-up, imports and the end of a run do not. Pages are read in a process
of their own, which is not followed; the articles here are plain text. `--beside` prints another checkout in the same
run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

HERE = Path(__file__).resolve().parent.parent / "src"
FEW, MANY = 2, 6
TEXT = (
    "Syria and Russia sign paper {n}\n\n{n} March 2025, 10:15\n\n"
    "DAMASCUS (Nahr) - Russia and Syria signed paper {n} of the year in Damascus. {words}"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--beside", type=Path, help="the src folder of another checkout")
    parser.add_argument("--list", action="store_true", help="name the modules that an article passes through")
    parser.add_argument("--traced", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.traced:
        _traced(Path(arguments.traced[0]), Path(arguments.traced[1]))
        return
    print(f"{'source':<24}{'modules':>9}{'lines':>9}{'passed by one article':>23}")
    for name, source in (("this checkout", HERE), ("beside it", arguments.beside)):
        if source is not None:
            modules, lines = _size(source)
            passed = _passed(source)
            print(f"{name:<24}{modules:>9}{lines:>9,}{len(passed):>23}")
            if arguments.list:
                print("  " + " ".join(passed))


def _size(source: Path) -> tuple[int, int]:
    """Modules without the `__init__`s, and lines of all of them."""
    files = list((source / "newsflow").rglob("*.py"))
    return sum(file.name != "__init__.py" for file in files), sum(len(file.read_bytes().splitlines()) for file in files)


def _passed(source: Path) -> list[str]:
    few, many = _calls(source, FEW), _calls(source, MANY)
    return sorted(module for module, calls in many.items() if calls - few.get(module, 0) >= MANY - FEW)


def _calls(source: Path, articles: int) -> dict[str, int]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "newsflow.yaml").write_text("limits: {batch_records: 1}\n", encoding="utf-8")
        with (folder / "events.jsonl").open("w", encoding="utf-8") as events:
            for number in range(articles):
                events.write(json.dumps(_event(number)) + "\n")
        command = [sys.executable, __file__, "--traced", str(source / "newsflow"), str(folder)]
        subprocess.run(command, env={**os.environ, "PYTHONPATH": str(source)}, check=True, capture_output=True)
        calls: dict[str, int] = json.loads((folder / "calls.json").read_bytes())
        return calls


def _event(number: int) -> dict[str, Any]:
    words = " ".join(f"w{number}x{index}" for index in range(60))
    return {
        "source": "harbour-post",
        "url": f"https://harbour-post.example/{number}",
        "fetched_at": "2025-03-20T10:00:00Z",
        "content_type": "text/plain",
        "content": TEXT.format(n=number + 1, words=words),
    }


def _traced(package: Path, folder: Path) -> None:
    """Run the main job here, and write how many calls each module of `package` had."""
    from newsflow.cli import main as newsflow

    calls: Counter[str] = Counter()
    prefix = str(package) + os.sep

    def on_event(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_name != "<module>" and code.co_filename.startswith(prefix):
            calls[code.co_filename.removeprefix(prefix)] += 1

    os.chdir(folder)
    sys.argv = ["newsflow", "run", "ingest", "--input", "events.jsonl", "--output", "out", "-c", "newsflow.yaml", "-q"]
    threading.setprofile(on_event)
    sys.setprofile(on_event)
    try:
        newsflow()
    except SystemExit as end:
        if end.code:
            raise
    finally:
        sys.setprofile(None)
        (folder / "calls.json").write_text(json.dumps(calls), encoding="utf-8")


if __name__ == "__main__":
    main()
