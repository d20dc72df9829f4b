"""Alarms and dashboards by themselves: each alarm is tested by promtool, each query names what is told, each link leads
somewhere."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from newsflow.metrics import CONFIGURED, METRICS
from tests.prometheus_helpers import PROMETHEUS, queries_of, rules
from tools import dashboards

ROOT = Path(__file__).resolve().parents[2]
NAME = re.compile(r"\bnewsflow_\w+")
SELECTOR = re.compile(r"(newsflow_\w+)\{(.*?)\}")


def promtool(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not there: apt-get install prometheus")
    return subprocess.run([found, *words], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    shutil.copytree(PROMETHEUS, tmp_path / "prometheus")
    return tmp_path / "prometheus"


def test_each_planted_fault_raises_its_alarm_and_a_healthy_hour_none(copied: Path) -> None:
    done = promtool("test", "rules", "newsflow.rules.test.yaml", folder=copied)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("prometheus.yaml", "prometheus.flink.yaml"):
        assert promtool("check", "config", name, folder=copied).returncode == 0


@pytest.mark.parametrize("alert", rules())
def test_an_alarm_that_never_or_always_comes_is_found(copied: Path, alert: str) -> None:
    path = copied / "newsflow.rules.yaml"
    for expr in ("vector(1) > 2", "vector(1)"):
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
        next(each for each in told["groups"][0]["rules"] if each["alert"] == alert)["expr"] = expr
        path.write_text(yaml.safe_dump(told), encoding="utf-8")
        assert promtool("test", "rules", "newsflow.rules.test.yaml", folder=copied).returncode != 0, expr


def test_dashboards_are_as_they_are_built() -> None:
    for name in dashboards.DASHBOARDS:
        written = (dashboards.FOLDER / f"{name}.json").read_text(encoding="utf-8")
        assert written == dashboards.render(name), "run `make docs`"
    assert {path.stem for path in dashboards.FOLDER.iterdir()} == set(dashboards.DASHBOARDS)


@pytest.mark.parametrize("name", dashboards.DASHBOARDS)
def test_panels_of_a_dashboard_do_not_overlap(name: str) -> None:
    panels = json.loads(dashboards.render(name))["panels"]
    taken = [(x, y) for each in panels for x, y in _cells(each["gridPos"])]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24
    assert len({each["id"] for each in panels}) == len(panels)


def _cells(place: dict[str, int]) -> Iterator[tuple[int, int]]:
    for x in range(place["x"], place["x"] + place["w"]):
        for y in range(place["y"], place["y"] + place["h"]):
            yield x, y


@pytest.mark.parametrize("query", queries_of())
def test_each_query_names_what_is_told(query: str) -> None:
    for name in NAME.findall(query):
        base = name if name in METRICS else re.sub(r"_(bucket|sum|count)$", "", name)
        assert base in METRICS, name
        assert name in METRICS or METRICS[base].kind == "histogram", name
    for name, inside in SELECTOR.findall(query):
        base = name if name in METRICS else re.sub(r"_(bucket|sum|count)$", "", name)
        for label, operator, text in re.findall(r'(\w+)(=~?|!=)"(.*?)"', inside):
            values = METRICS[base].labels[label]
            if values != CONFIGURED:
                assert operator != "=" or text in values, (name, label, text)
                assert operator != "=~" or set(text.split("|")) <= set(values), (name, label, text)


def test_every_metric_is_looked_at_somewhere() -> None:
    assert {name for name in METRICS if not any(name in query for query in queries_of())} == set()


@pytest.mark.parametrize(("alert", "rule"), rules().items())
def test_each_alarm_leads_to_its_section_of_the_runbook(alert: str, rule: dict[str, Any]) -> None:
    path, _, anchor = rule["annotations"]["runbook"].partition("#")
    text = (ROOT / path).read_text(encoding="utf-8")
    headings = {
        re.sub(r"[^a-z -]", "", line[3:].lower()).replace(" ", "-") for line in text.splitlines() if line[:3] == "## "
    }
    assert anchor in headings
    assert f"`{alert}`" in text
    assert rule["labels"]["severity"] in ("page", "ticket")


def test_compose_mounts_what_grafana_and_prometheus_read() -> None:
    services = yaml.safe_load((ROOT / "deploy/compose/compose.yaml").read_text(encoding="utf-8"))["services"]
    provider = yaml.safe_load(
        (ROOT / "deploy/grafana/provisioning/dashboards/newsflow.yaml").read_text(encoding="utf-8")
    )
    mounts = dict(reversed(each.split(":")[:2]) for each in services["grafana"]["volumes"])
    assert mounts[provider["providers"][0]["options"]["path"]] == "../grafana/dashboards"
    source = yaml.safe_load(
        (ROOT / "deploy/grafana/provisioning/datasources/prometheus.yaml").read_text(encoding="utf-8")
    )
    assert source["datasources"][0]["url"] == "http://prometheus:9090"
    config = yaml.safe_load((PROMETHEUS / "prometheus.yaml").read_text(encoding="utf-8"))
    for target in config["scrape_configs"][0]["static_configs"][0]["targets"]:
        name, _, port = target.partition(":")
        assert services[name]["environment"]["NEWSFLOW_METRICS__LISTEN"].endswith(f":{port}")
