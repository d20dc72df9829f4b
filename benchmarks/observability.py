"""What metrics and JSON logs cost: the whole job on files with and without them, in turn, in CPU time.

    .venv/bin/python benchmarks/observability.py [--events 3000] [--rounds 3]

Each round is a process of its own that runs the job on a short and on a long file; the difference is what the events
themselves cost, without the start. The least of the rounds counts. Prometheus is asked once a second meanwhile.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.corpus import raw_events
from benchmarks.pages import cpu_s
from newsflow.processes import free_port

SHORT = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--events", type=int, default=3_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        print(job(arguments.only == "with", arguments.events))
        return
    least = {"without": float("inf"), "with": float("inf")}
    for _ in range(arguments.rounds):
        for way in least:
            command = [sys.executable, __file__, "--only", way, "--events", str(arguments.events)]
            cost = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
            least[way] = min(least[way], cost)
    for way, cost in least.items():
        print(f"{way:<8} {cost:6.3f} CPU ms an event  {cost / least['without']:.3f}")


def job(observed: bool, events: int) -> float:
    """CPU ms an event."""
    from newsflow.cli.launch import on_files
    from newsflow.cli.options import set_up_logging, settings
    from newsflow.config.load import load_config
    from newsflow.ingest.measures import start_metrics
    from newsflow.runners.job import load_job

    with tempfile.TemporaryDirectory() as name:
        folder, listen = Path(name), f"127.0.0.1:{free_port()}"
        (folder / "newsflow.yaml").write_text(
            "stories: {encoder: none}\n"
            + (f"metrics: {{listen: '{listen}'}}\nlog: {{format: json}}\n" if observed else "")
        )
        set_up_logging(1)
        settings(folder / "newsflow.yaml")
        if observed:
            start_metrics(load_config(folder / "newsflow.yaml", environ={}).config)
            threading.Thread(target=_scrape, args=(listen,), daemon=True).start()
        spent = []
        for number, count in enumerate((SHORT, SHORT, SHORT + events)):  # the first pays for imports and tables
            file = folder / f"{number}.jsonl"
            file.write_bytes(b"".join(value + b"\n" for _, value in raw_events(count)))
            flags = {"ledger.url": f"sqlite:///{folder}/{number}.sqlite3"}
            config = load_config(folder / "newsflow.yaml", environ={}, flags=flags).config
            began = cpu_s()
            on_files(load_job("ingest"), config, file, folder / f"out-{number}", quiet=True)
            spent.append(cpu_s() - began)  # with the workers, which have ended
    return (spent[2] - spent[1]) / events * 1_000


def _scrape(listen: str) -> None:
    while True:
        with suppress(OSError):
            urllib.request.urlopen(f"http://{listen}/metrics").read()
        time.sleep(1)


if __name__ == "__main__":
    main()
