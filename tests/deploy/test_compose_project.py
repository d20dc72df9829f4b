"""deploy/compose as compose itself understands it: both files loaded, laid over one another, variables filled in."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from newsflow.config.load import config_of, load_config
from tests.deploy.deploy_tools import DEPLOY, compose_config, project

LOCAL = ("compose.yaml",)
FLINK = ("compose.yaml", "compose.flink.yaml")
PASSWORD = "correct7horse"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout's deploy/compose after the first step of its guide."""
    place = tmp_path_factory.mktemp("checkout") / "deploy" / "compose"
    shutil.copytree(DEPLOY / "compose", place)
    example = (place / "example.env").read_text(encoding="utf-8")
    (place / ".env").write_text(example.replace("POSTGRES_PASSWORD=", f"POSTGRES_PASSWORD={PASSWORD}"))
    return place


@pytest.fixture(scope="module", params=[LOCAL, FLINK], ids=["local", "flink"])
def loaded(request: pytest.FixtureRequest, folder: Path) -> dict[str, Any]:
    return project(folder, *request.param)


def test_it_loads_and_every_variable_has_its_value(loaded: dict[str, Any]) -> None:
    services = loaded["services"]
    assert {"kafka", "postgres", "topics", "ingest", "trends", "deliver"} <= set(services)
    assert services["postgres"]["environment"]["POSTGRES_PASSWORD"] == PASSWORD
    for name in ("topics", "ingest", "trends", "deliver"):
        url = services[name]["environment"]["LEDGER_URL"]
        assert url == f"postgresql://newsflow:{PASSWORD}@postgres:5432/newsflow"


def test_without_a_password_it_says_where_to_write_one(folder: Path, tmp_path: Path) -> None:
    for file in FLINK:
        shutil.copy(folder / file, tmp_path)
    words = [str(compose_config()), *FLINK]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "POSTGRES_PASSWORD" in done.stderr
    assert "set it in .env" in done.stderr


def test_a_mistake_is_found(folder: Path, tmp_path: Path) -> None:
    broken = yaml.safe_load((folder / "compose.yaml").read_text(encoding="utf-8"))
    broken["services"]["ingest"]["depend_on"] = ["kafka"]
    (tmp_path / "compose.yaml").write_text(yaml.safe_dump(broken), encoding="utf-8")
    words = [str(compose_config()), "compose.yaml"]
    environ = {"POSTGRES_PASSWORD": "x"}
    done = subprocess.run(words, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert "depend_on" in done.stderr


def test_each_image_is_built_from_one_dockerfile(loaded: dict[str, Any]) -> None:
    built: dict[str, set[str]] = {}
    for service in loaded["services"].values():
        if "build" in service:
            built.setdefault(service["image"], set()).add(service["build"]["dockerfile"])
        else:
            assert not service["image"].startswith("newsflow"), service["image"]
    assert built["newsflow:local"] == {"deploy/compose/Dockerfile"}
    assert built.get("newsflow-flink:local", {"deploy/flink/Dockerfile"}) == {"deploy/flink/Dockerfile"}


def test_nothing_of_ours_has_more_rights_than_it_needs(loaded: dict[str, Any]) -> None:
    for name, service in loaded["services"].items():
        if not service["image"].startswith("newsflow"):
            continue
        assert service["cap_drop"] == ["ALL"], name
        if name == "flink-volume":
            assert (service["user"], service["cap_add"], service["command"]) == ("0:0", ["CHOWN"], None)
            continue
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "cap_add" not in service, name
        assert service.get("read_only") is True or name in ("jobmanager", "taskmanager"), name


def test_no_port_is_open_to_other_machines(loaded: dict[str, Any]) -> None:
    ports = [port for service in loaded["services"].values() for port in service.get("ports", ())]
    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}
    assert len({port["published"] for port in ports}) == len(ports)


def test_the_first_signal_drains_within_its_time(loaded: dict[str, Any]) -> None:
    for name in ("ingest", "trends", "deliver"):
        assert loaded["services"][name]["stop_signal"] == "SIGTERM"
        assert loaded["services"][name]["stop_grace_period"] in ("1m0s", "2m0s")


def test_a_job_that_hangs_ends_itself_before_it_is_killed() -> None:
    shutdown_s = load_config(environ={}).config.limits.shutdown_s
    graces = [
        int(found)
        for path in DEPLOY.rglob("*.yaml")
        if "flink" not in path.name
        for found in re.findall(r"(?:stop_grace_period|terminationGracePeriodSeconds): (\d+)", path.read_text())
    ]
    assert len(graces) >= 8
    assert min(graces) >= shutdown_s + 10


def test_on_flink_the_local_loops_are_replaced(folder: Path) -> None:
    services = project(folder, *FLINK)["services"]
    for name in ("ingest", "trends"):
        service = services[name]
        words = service["command"]
        assert words[:4] == ["run", name, "--runner", "flink"]
        assert words[words.index("--flink-master") + 1] == "jobmanager:8081"
        assert "--follow" not in words
        # Nothing of the loop is left to be asked for its heartbeat.
        assert "--heartbeat" not in words
        assert service["healthcheck"]["disable"] is True
        assert (service["entrypoint"], service["restart"]) == (["newsflow"], "no")
        # What Java unpacks there must be allowed to run.
        assert service["tmpfs"] == ["/tmp:exec"]
        assert service["depends_on"]["jobmanager"]["condition"] == "service_healthy"


def test_two_jobs_on_one_cluster_are_two(folder: Path) -> None:
    services = project(folder, *FLINK)["services"]
    configs = []
    for name in ("ingest", "trends"):
        words = services[name]["command"]
        mounts = {volume["target"]: volume["source"] for volume in services[name]["volumes"]}
        loaded = load_config(Path(mounts[words[words.index("--config") + 1]]), environ={})
        configs.append(config_of(words[1], loaded.config))
    assert len({config.job for config in configs}) == 2
    assert len({config.kafka.group for config in configs}) == 2


def test_workers_know_what_the_jobs_know(folder: Path) -> None:
    services = project(folder, *FLINK)["services"]
    worker = services["taskmanager"]["environment"]
    assert worker["LEDGER_URL"] == services["ingest"]["environment"]["LEDGER_URL"]
    properties = yaml.safe_load(worker["FLINK_PROPERTIES"])
    assert properties["jobmanager.rpc.address"] in services
    (volume,) = [each for each in services["taskmanager"]["volumes"] if each["source"] == "flink"]
    for key in ("state.checkpoints.dir", "state.savepoints.dir"):
        assert properties[key].startswith(f"file://{volume['target']}/")
    assert services["jobmanager"]["volumes"] == services["taskmanager"]["volumes"]
