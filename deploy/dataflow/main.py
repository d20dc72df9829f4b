"""The entry point of the flex template (FLEX_TEMPLATE_PYTHON_PY_FILE): hands a job of newsflow in, as `newsflow run`
does on any Beam runner. Its own parameters are those of metadata.json beside it; all others are Beam's."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

METADATA = Path(__file__).resolve().with_name("metadata.json")


def command(arguments: Sequence[str]) -> list[str]:
    """The words of `newsflow` for what the launcher was given."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for parameter in json.loads(METADATA.read_text(encoding="utf-8"))["parameters"]:
        parser.add_argument(f"--{parameter['name']}", required=not parameter["isOptional"])
    given, beam = parser.parse_known_args(list(arguments))
    options = {name: value for name, value in vars(given).items() if value and name != "job"}
    words = ["run", given.job, "--follow"]
    words += [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]
    runner = [] if any(each.startswith("--runner") for each in beam) else ["--runner=DataflowRunner"]
    # The job is handed in and not waited for: the launcher ends, and the job goes on.
    return [*words, "--", *runner, "--no_wait_until_finish", *beam]


if __name__ == "__main__":
    from newsflow.cli.app import app

    app(command(sys.argv[1:]))
