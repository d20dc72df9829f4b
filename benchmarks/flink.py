"""The main job on a real Flink cluster: latency, checkpoint size idle and under load, one worker beside two.

    NEWSFLOW_FLINK_JOB_SERVER=… .venv/bin/python benchmarks/flink.py latency|checkpoints|scaling [--seconds 60] …

Needs the extra `flink` (`make test-flink` installs it). Scaling publishes a backlog first, then starts the job on it
with one worker and with two, in turn, and takes the time from a fifth of the events to the last; the processor time of
each worker says whether both were at work.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.corpus import raw_events
from benchmarks.flink_stack import FeedWatch, FlinkJobRun, Servers, SteadyLoad, percentile, servers, slope_per_minute
from newsflow.kafka.producer import BatchWriter
from newsflow.leftovers import nothing_left_behind

SAMPLE_S = 5.0


@nothing_left_behind()
def main() -> None:
    arguments = _arguments()
    with servers(2) as on:
        MEASURES[arguments.what](on, arguments)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("what", choices=sorted(MEASURES))
    parser.add_argument("--rate", type=float, default=100, help="events a second, of latency and checkpoints")
    parser.add_argument(
        "--seconds", type=float, default=60, help="how long latency, or each half of checkpoints, takes"
    )
    parser.add_argument("--warm-up", type=float, default=20, help="seconds of load before latency counts")
    parser.add_argument("--events", type=int, default=8_000, help="of each round of scaling")
    parser.add_argument("--rounds", type=int, default=2, help="of scaling; the best counts")
    parser.add_argument("beam_args", nargs="*", help="options of Beam, after --")
    return parser.parse_args()


def latency(on: Servers, arguments: argparse.Namespace) -> None:
    """Publish to feed at a steady rate, after a warm-up."""
    job = FlinkJobRun(on)
    job.start("--", *arguments.beam_args)
    watch = FeedWatch(on.settings, job.name)
    watch.start()
    load = SteadyLoad(on.settings, job.name, arguments.rate, arguments.warm_up + arguments.seconds)
    counted_from = time.monotonic() + arguments.warm_up
    load.start()
    load.join()
    job.wait_until_decided(len(load.sent))
    time.sleep(2)
    watch.stop()
    ages = watch.ages(load, counted_from)
    p50, p95, p99 = (percentile(ages, share) for share in (0.5, 0.95, 0.99))
    found = f"p50 {p50:.2f} s, p95 {p95:.2f} s, p99 {p99:.2f} s ({len(ages):,} articles)"
    print(f"publish to feed at {arguments.rate:g}/s: {found}")
    job.stop()


def checkpoints(on: Servers, arguments: argparse.Namespace) -> None:
    """The size of checkpoints, first idle, then under load; and what the workers take of the processor."""
    job = FlinkJobRun(on)
    flink_id = job.start("--", *arguments.beam_args)
    for name, rate in (("idle", 0.0), (f"{arguments.rate:g}/s", arguments.rate)):
        load = SteadyLoad(on.settings, job.name, rate, arguments.seconds) if rate else None
        if load is not None:
            load.start()
        began, spent = time.monotonic(), _spent_s(on)
        sizes = _sizes(on, flink_id, arguments.seconds)
        share = (_spent_s(on) - spent) / (time.monotonic() - began)
        later = [(at, size) for at, size in sizes if at >= sizes[-1][0] / 2] if sizes else []
        print(
            f"checkpoints {name:>7}: {len(sizes)} taken, {sizes[0][1]:,.0f} bytes first, {sizes[-1][1]:,.0f} last, "
            f"{slope_per_minute(later):+,.0f} bytes a minute in the second half; workers {share:.0%} of one processor"
        )
    job.stop()


def _sizes(on: Servers, flink_id: str, seconds: float) -> list[tuple[float, float]]:
    """(seconds since now, bytes) of each checkpoint taken within `seconds`."""
    found: dict[int, tuple[float, float]] = {}
    began = time.monotonic()
    while time.monotonic() - began < seconds or not found:
        last = on.cluster.last_checkpoint(flink_id)
        if last is not None:
            found.setdefault(last.number, (time.monotonic() - began, float(last.size_bytes)))
        time.sleep(1)
    return list(found.values())


def scaling(on: Servers, arguments: argparse.Namespace) -> None:
    """Articles a second of one worker and of two, over the same backlog."""
    best: dict[int, float] = {}
    for round_ in range(arguments.rounds):
        for workers in (1, 2) if round_ % 2 == 0 else (2, 1):
            rate, shares = _throughput(on, workers, arguments)
            best[workers] = max(rate, best.get(workers, 0.0))
            print(f"round {round_ + 1}, {workers} worker(s): {rate:,.0f} articles/s, processor time {shares}")
    print(f"one worker  {best[1]:8,.0f} articles/s\ntwo workers {best[2]:8,.0f} articles/s")
    print(f"ratio       {best[2] / best[1]:8.2f}   (at least 1.3)")


def _throughput(on: Servers, workers: int, arguments: argparse.Namespace) -> tuple[float, str]:
    job, events = FlinkJobRun(on), arguments.events
    writer = BatchWriter(on.settings)
    for key, value in raw_events(events, seed=21):
        writer.send(job.name, key, value)
    writer.flush()
    job.start("--parallelism", str(workers), "--", *arguments.beam_args)
    job.wait_until_decided(events // 5)  # the start, and the building of rules, are not what is measured
    began, first = time.monotonic(), job.decided()
    job.wait_until_decided(events)
    rate = (events - first) / (time.monotonic() - began)
    spent = sorted((_cpu_s(worker) for worker in on.workers()), reverse=True)
    job.stop()
    return rate, " and ".join(f"{seconds:.0f} s" for seconds in spent)


def _spent_s(on: Servers) -> float:
    return sum(map(_cpu_s, on.workers()))


def _cpu_s(worker: object) -> float:
    """Of a worker and the processes that read pages for it."""
    import psutil

    assert isinstance(worker, psutil.Process)
    processes = [worker, *worker.children(recursive=True)]
    return sum(times.user + times.system for times in (process.cpu_times() for process in processes))


MEASURES = {"latency": latency, "checkpoints": checkpoints, "scaling": scaling}

if __name__ == "__main__":
    main()
