"""What a job tells Prometheus: counted in all its processes, under closed labels, at one address."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from newsflow import metrics
from newsflow.metrics import CONFIGURED, METRICS, OTHER, ports_of
from newsflow.processes import free_port

SCRIPT = """
import multiprocessing, sys, urllib.request
from newsflow import metrics
from newsflow.testing import MemoryKafka, raw_event

def elsewhere(listen):
    metrics.start(listen)
    metrics.count("newsflow_sink_articles_total", 7, sink="nobody configured this", result="taken")

if __name__ == "__main__":
    listen, folder = sys.argv[1:]
    kafka = MemoryKafka()
    for number in range(3):
        kafka.publish("news.article.raw.v1", raw_event(title=f"Notes {number}", content=f"Quay {number} opened {number * 7} gates."))
    kafka.publish("news.article.raw.v1", b"{")
    settings = {"metrics.listen": listen, "sources.paths": [folder], "stories.encoder": "none"}
    kafka.run("ingest", settings)
    child = multiprocessing.get_context("spawn").Process(target=elsewhere, args=(listen,))
    child.start()
    child.join()
    assert child.exitcode == 0
    print(urllib.request.urlopen(f"http://{listen}/metrics").read().decode())
"""
LINE = re.compile(r"^(\w+?)(_bucket|_sum|_count)?(?:\{(.*)\})? (\S+)$", re.MULTILINE)


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("metrics")
    (folder / "job.py").write_text(SCRIPT)
    (folder / "sources.yaml").write_text("id: harbour-post\n")
    command = [sys.executable, str(folder / "job.py"), f"127.0.0.1:{free_port()}", str(folder / "sources.yaml")]
    environ = {name: text for name, text in os.environ.items() if not name.startswith("PROMETHEUS")}
    done = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_outcomes_ages_stages_and_sources_are_told(scraped: str) -> None:
    for line in (
        'newsflow_events_total{outcome="added",reason=""} 3.0',
        'newsflow_events_total{outcome="dead-lettered",reason="malformed-json"} 1.0',
        'newsflow_age_seconds_count{since="fetched"} 3.0',
        'newsflow_age_seconds_count{since="read"} 3.0',
        "newsflow_batch_events_sum 4.0",
        'newsflow_lag_records{group="newsflow.ingest",partition="0"} 0.0',
    ):
        assert line in scraped
    for stage in metrics.STAGES:
        assert f'newsflow_stage_seconds_count{{stage="{stage}"}} ' in scraped
    assert 'newsflow_ledger_seconds_count{access="write"}' in scraped
    assert 'newsflow_source_timestamp_seconds{source="harbour-post"}' in scraped
    words = dict(re.findall(r'newsflow_words_total{reason="",what="(in|kept)"} (\S+)', scraped))
    assert words["in"] == words["kept"] != "0.0"


def test_other_processes_write_to_the_same_answer_and_unknown_names_are_other(scraped: str) -> None:
    assert f'newsflow_sink_articles_total{{result="taken",sink="{OTHER}"}} 7.0' in scraped


def test_all_that_is_told_is_declared(scraped: str) -> None:
    seen = set()
    for name, _, labels, _ in LINE.findall(scraped):
        metric = METRICS[name]
        seen.add(name)
        for label, value in re.findall(r'(\w+)="(.*?)"', labels):
            allowed = {"le"} if label == "le" else metric.labels[label]
            assert label == "le" or allowed == CONFIGURED or value in (*allowed, OTHER)
    assert len(seen) >= 8


def test_nothing_is_counted_before_it_is_asked_for() -> None:
    metrics.count("newsflow_events_total", outcome="added", reason="")
    assert not metrics.is_on()
    assert metrics.start(None) is None


def test_each_metric_is_declared_once_with_closed_labels() -> None:
    for name, metric in METRICS.items():
        assert re.fullmatch(r"newsflow_[a-z_]+", name)
        assert (metric.kind == "counter") == name.endswith("_total")
        assert bool(metric.buckets) == (metric.kind == "histogram")
        assert metric.help.endswith(".")
        assert all(values == CONFIGURED or len(values) < 300 for values in metric.labels.values())


@pytest.mark.parametrize(
    ("listen", "found"),
    [
        ("127.0.0.1:9464", ("127.0.0.1", [9464])),
        ("0.0.0.0:9464-9466", ("0.0.0.0", [9464, 9465, 9466])),
        ("[::1]:9464", ("::1", [9464])),
    ],
)
def test_an_address_names_one_port_or_several(listen: str, found: tuple[str, list[int]]) -> None:
    host, ports = ports_of(listen)
    assert (host, list(ports)) == found
