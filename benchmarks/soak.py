"""Weeks in an hour: the main job on Flink at a steady rate, and what its processes grow by.

    NEWSFLOW_FLINK_JOB_SERVER=… .venv/bin/python benchmarks/soak.py --minutes 60 --rate 200

The window of deduplication is short here (`--window-minutes`): workers hold an index of the texts within it, which
grows until the window is full, and 72 hours of it are more than an hour shows. Prints a line a minute: memory, threads,
connections and files of the workers, the age of articles in the feed, the size of the last checkpoint. Ends with the
slope of memory after the warm-up (two fifths of the time, at most ten minutes), and fails when it is 1 MB a minute or
more, when threads or connections grew, or when an event has no outcome. Memory swings by some MB, so in a short run
less than 20 MB in all are not taken for growth: five minutes find what grows fast, an hour finds what grows slowly.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psutil

from benchmarks.flink_stack import FeedWatch, FlinkJobRun, Servers, SteadyLoad, percentile, servers, slope_per_minute
from newsflow.leftovers import nothing_left_behind

MOST_MB_A_MINUTE = 1.0
SWING_MB = 20.0
SAMPLE_S = 5.0


@dataclass(frozen=True)
class Sample:
    """Of all workers and their children together. `at_s` since the start."""

    at_s: float
    memory_mb: float
    threads: int
    connections: int
    files: int


@nothing_left_behind()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--rate", type=float, default=200, help="articles a second")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--window-minutes", type=float, default=1.0, help="for how long texts count as seen")
    parser.add_argument("beam_args", nargs="*", help="options of Beam, after --")
    arguments = parser.parse_args()
    with servers(arguments.workers) as on:
        sys.exit(1 if soak(on, arguments) else 0)


def soak(on: Servers, arguments: argparse.Namespace) -> bool:
    """True when something grew or was lost."""
    seconds = arguments.minutes * 60
    job = FlinkJobRun(on, {"NEWSFLOW_LEDGER__WINDOW_H": str(arguments.window_minutes / 60)})
    flink_id = job.start("--", *arguments.beam_args)
    watch, load = FeedWatch(on.settings, job.name), SteadyLoad(on.settings, job.name, arguments.rate, seconds)
    watch.start()
    load.start()
    began, samples = time.monotonic(), list[Sample]()
    print("minute   memory  threads  connections  files    p50      p99    checkpoint")
    for minute in range(1, max(round(arguments.minutes), 1) + 1):
        end = began + seconds * minute / max(round(arguments.minutes), 1)
        while time.monotonic() < end:
            samples.append(_sample(on, time.monotonic() - began))
            time.sleep(SAMPLE_S)
        _report(on, flink_id, samples[-1], minute, watch.ages(load, end - 60))
    load.join()
    job.wait_until_decided(len(load.sent))
    time.sleep(2)
    watch.stop()
    warm_s = min(seconds * 2 / 5, 600)
    settled = [sample for sample in samples if sample.at_s > warm_s]
    failed = _verdict(settled, watch.ages(load, began + warm_s), len(load.sent), job.decided(), arguments.workers)
    job.stop()
    return failed


def _sample(on: Servers, at_s: float) -> Sample:
    memory = threads = connections = files = 0
    for worker in on.workers():
        for process in (worker, *worker.children(recursive=True)):
            try:
                memory += process.memory_info().rss
                threads += process.num_threads()
                connections += len(process.net_connections())
                files += process.num_fds()
            except psutil.Error:
                continue  # a process that read a page may end while it is looked at
    return Sample(at_s, memory / 1e6, threads, connections, files)


def _report(on: Servers, flink_id: str, sample: Sample, minute: int, ages: list[float]) -> None:
    last = on.cluster.last_checkpoint(flink_id)
    size = f"{last.size_bytes:,}" if last else "-"
    print(
        f"{minute:>6} {sample.memory_mb:>6.0f} MB {sample.threads:>8} {sample.connections:>12} {sample.files:>6} "
        f"{percentile(ages, 0.5):>5.2f} s {percentile(ages, 0.99):>6.2f} s {size:>13}",
        flush=True,
    )


def _verdict(samples: list[Sample], ages: list[float], sent: int, decided: int, workers: int) -> bool:
    slope = slope_per_minute([(sample.at_s, sample.memory_mb) for sample in samples])
    most = max(MOST_MB_A_MINUTE, SWING_MB * 60 / (samples[-1].at_s - samples[0].at_s))
    threads, connections = (_growth(samples, name) for name in ("threads", "connections"))
    print(f"memory {slope:+.2f} MB a minute after the warm-up (under {most:.1f})")
    print(f"threads {threads:+d}, connections {connections:+d} from the second third to the last (medians)")
    p50, p99 = (percentile(ages, share) for share in (0.5, 0.99))
    print(f"publish to feed: p50 {p50:.2f} s, p99 {p99:.2f} s ({len(ages):,} articles)")
    print(f"events {sent:,}, with an outcome {decided:,}")
    return slope >= most or threads > workers or connections > 0 or decided != sent


def _growth(samples: list[Sample], name: str) -> int:
    """What grows for ever grows to the end. Beam's pool of threads, which keeps those of its busiest moment, up to 16
    idle ones a worker, does not: after a while no busier moment comes, or one thread a worker more."""
    third = max(len(samples) // 3, 1)
    parts = (samples[-2 * third : -third] or samples, samples[-third:])
    before, last = (sorted(getattr(sample, name) for sample in part) for part in parts)
    return int(last[len(last) // 2] - before[len(before) // 2])


if __name__ == "__main__":
    main()
