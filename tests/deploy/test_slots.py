"""Jobs side by side on one Flink cluster: together they take the slots that there are, so that none waits for another's
and none is idle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import yaml

from tests.deploy.deploy_tools import DEPLOY, project, rendered

Cluster = tuple[int, dict[str, int]]
"""How many slots there are, and how many each job takes."""


def parallelism(words: Sequence[str]) -> int:
    """What a submission asks for; without the option a job takes whatever is free when it comes."""
    assert words.count("--parallelism") == 1, f"{' '.join(words)} takes all free slots: the next job finds none"
    return int(words[words.index("--parallelism") + 1])


def is_submission(words: Sequence[str]) -> bool:
    return "flink" in words and words[words.index("flink") - 1] == "--runner"


def in_compose(services: dict[str, Any]) -> Cluster:
    worker = services["taskmanager"]
    each = yaml.safe_load(worker["environment"]["FLINK_PROPERTIES"])["taskmanager.numberOfTaskSlots"]
    commands = [service["command"] for service in services.values() if service.get("command")]
    jobs = {words[1]: parallelism(words) for words in commands if is_submission(words)}
    return int(worker["deploy"]["replicas"]) * int(each), jobs


def in_kubernetes(resources: Sequence[dict[str, Any]]) -> Cluster:
    (cluster,) = [each["spec"] for each in resources if each["kind"] == "FlinkDeployment"]
    each = int(cluster["flinkConfiguration"]["taskmanager.numberOfTaskSlots"])
    pods = [each["spec"]["template"]["spec"] for each in resources if each["kind"] == "Job"]
    commands = [container["args"] for pod in pods for container in pod["containers"]]
    jobs = {words[1]: parallelism(words) for words in commands if is_submission(words)}
    return int(cluster["taskManager"]["replicas"]) * each, jobs


@pytest.fixture(params=["compose", "flink-session"])
def cluster(request: pytest.FixtureRequest) -> Cluster:
    if request.param == "flink-session":
        return in_kubernetes(rendered(DEPLOY / "kubernetes" / request.param))
    files, environ = ("compose.yaml", "compose.flink.yaml"), {"POSTGRES_PASSWORD": "x"}
    services: dict[str, Any] = project(DEPLOY / "compose", *files, environ=environ)["services"]
    return in_compose(services)


def test_the_jobs_together_take_the_slots_there_are(cluster: Cluster) -> None:
    slots, jobs = cluster
    assert set(jobs) == {"ingest", "trends"}
    assert sum(jobs.values()) == slots, jobs


def test_an_application_has_one_parallelism() -> None:
    text = (DEPLOY / "kubernetes" / "flink-application" / "application.yaml").read_text(encoding="utf-8")
    job = yaml.safe_load(text)["spec"]["job"]
    assert f"--parallelism={job['parallelism']}" in job["args"][-1].split()
