"""The alarms and the queries of deploy/, and a real Prometheus to ask."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from newsflow.processes import free_port
from tools import dashboards

PROMETHEUS = Path(__file__).resolve().parents[1] / "deploy" / "prometheus"
_LIMIT = re.compile(r" (?:>|<|==) [\d.]+$")


def rules() -> dict[str, dict[str, Any]]:
    """Every alarm by its name."""
    told = yaml.safe_load((PROMETHEUS / "newsflow.rules.yaml").read_text(encoding="utf-8"))
    return {rule["alert"]: rule for group in told["groups"] for rule in group["rules"]}


def measured_by(rule: Mapping[str, Any]) -> list[str]:
    """What an alarm compares, without its limits."""
    return [_LIMIT.sub("", part) for part in rule["expr"].split(" and ")]


def queries_of() -> list[str]:
    """Every query of every alarm and dashboard."""
    shown = [expr for each in dashboards.DASHBOARDS.values() for panel in each.panels for expr, _ in panel.queries]
    asked = [*(query for rule in rules().values() for query in measured_by(rule)), *shown]
    return [*dict.fromkeys(query.replace("$source", ".+") for query in asked)]


class Asked:
    """A Prometheus that scrapes every second."""

    def __init__(self, port: int) -> None:
        self._address = f"http://127.0.0.1:{port}/api/v1/query?query="

    def __call__(self, query: str) -> list[dict[str, Any]]:
        """The series of an answer that have a number."""
        with urllib.request.urlopen(self._address + urllib.parse.quote(query), timeout=10) as answer:
            found = json.load(answer)["data"]["result"]
        return [each for each in found if each["value"][1] != "NaN"]


@contextmanager
def prometheus(folder: Path, targets: Sequence[str]) -> Iterator[Asked]:
    """A real one with the alarms of deploy/; skips where it is not installed."""
    found = shutil.which("prometheus")
    if found is None:
        pytest.skip("prometheus is not there: apt-get install prometheus")
    config = yaml.safe_load((PROMETHEUS / "prometheus.yaml").read_text(encoding="utf-8"))
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["scrape_configs"][0]["static_configs"] = [{"targets": list(targets)}]
    shutil.copy(PROMETHEUS / "newsflow.rules.yaml", folder)
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    port = free_port()
    words = ["--config.file=prometheus.yaml", "--storage.tsdb.path=data", f"--web.listen-address=127.0.0.1:{port}"]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen([found, *words], cwd=folder, stdout=log, stderr=log)
    try:
        for _ in range(60):
            if b"Server is ready" in (folder / "prometheus.log").read_bytes():
                break
            assert process.poll() is None, (folder / "prometheus.log").read_text()
            time.sleep(0.5)
        yield Asked(port)
    finally:
        process.terminate()
        process.wait(30)
