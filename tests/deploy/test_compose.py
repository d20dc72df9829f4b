"""deploy/compose/compose.yaml by itself: its shape, and what it says of our own parts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from newsflow.cli.app import app
from newsflow.config.load import load_config
from newsflow.tools.node import server_properties

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "deploy" / "compose"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((COMPOSE / "compose.yaml").read_text(encoding="utf-8"))
    return loaded


def test_every_reference_within_the_file_leads_somewhere(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for service in services.values():
        assert set(service.get("depends_on", {})) <= set(services)
        for mount in service.get("volumes", ()):
            source = mount.split(":")[0]
            assert source in compose["volumes"] or (COMPOSE / source).exists(), mount


def test_a_service_is_waited_for_in_the_way_it_can_be(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for name, waiting in service.get("depends_on", {}).items():
            awaited = compose["services"][name]
            if waiting["condition"] == "service_healthy":
                assert "healthcheck" in awaited
            else:
                assert (waiting["condition"], awaited["restart"]) == ("service_completed_successfully", "no")


def test_no_port_is_open_to_other_machines(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_images_are_pinned_and_kafka_is_the_one_we_test_with(compose: dict[str, Any]) -> None:
    images = {name: service["image"] for name, service in compose["services"].items()}
    assert all(re.search(r":[\w.]+$", image) and not image.endswith(":latest") for image in images.values())
    pom = (ROOT / "deploy" / "kafka" / "pom.xml").read_text(encoding="utf-8")
    version = re.search(r"<kafka.version>(.+)</kafka.version>", pom)
    assert version is not None
    assert images["kafka"] == f"apache/kafka:{version[1]}"


def test_kafka_is_told_nothing_the_local_broker_does_not_know(compose: dict[str, Any]) -> None:
    given = compose["services"]["kafka"]["environment"]
    names = {name.removeprefix("KAFKA_").lower().replace("_", ".") for name in given}
    known = {line.partition("=")[0] for line in server_properties(Path("/data"), 1, 2).splitlines()}
    assert names <= known
    # What a single node must be told, it is told.
    assert {name for name in known if "replication.factor" in name or name.endswith("min.isr")} <= names


def test_each_listener_is_advertised_where_its_clients_can_reach_it(compose: dict[str, Any]) -> None:
    kafka = compose["services"]["kafka"]
    advertised = dict(part.split("://") for part in kafka["environment"]["KAFKA_ADVERTISED_LISTENERS"].split(","))
    inside = load_config(COMPOSE / "newsflow.yaml", environ={}).config.kafka.bootstrap_servers
    assert advertised == {"INSIDE": inside, "OUTSIDE": "127.0.0.1:19092"}
    assert kafka["ports"] == ["127.0.0.1:19092:19092"]


def test_the_jobs_configuration_is_valid_and_holds_no_secret(compose: dict[str, Any]) -> None:
    config = load_config(COMPOSE / "newsflow.yaml", environ={}).config
    assert config.ledger.url == "env:LEDGER_URL"
    for name in ("topics", "ingest", "trends", "deliver"):
        assert "LEDGER_URL" in compose["services"][name]["environment"]
    assert "POSTGRES_PASSWORD=\n" in (COMPOSE / "example.env").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["topics", "ingest", "trends", "deliver"])
def test_the_commands_are_ours(compose: dict[str, Any], name: str) -> None:
    words = compose["services"][name]["command"]
    command = typer.main.get_command(app)
    context = command.make_context("newsflow", list(words), resilient_parsing=False)
    while hasattr(command, "commands"):
        group, words = command, [*words]
        command = group.commands[words.pop(0)]
        context = command.make_context(command.name, list(words), parent=context) if words else context
    assert str(context.params["config"]) == "/etc/newsflow/newsflow.yaml"


def test_one_process_prunes_the_ledger(compose: dict[str, Any]) -> None:
    loops = {name: service for name, service in compose["services"].items() if "run" in service.get("command", ())}
    del loops["deliver"]  # it never prunes
    prune_every_h = {}
    for name, service in loops.items():
        environ = {key: value for key, value in service["environment"].items() if key.startswith("NEWSFLOW_")}
        prune_every_h[name] = load_config(COMPOSE / "newsflow.yaml", environ=environ).config.ledger.prune_every_h
    assert [name for name, hours in prune_every_h.items() if hours > 0] == ["ingest"]
    assert set(loops) == {"ingest", "trends"}


def test_all_jobs_mount_the_blob_store(compose: dict[str, Any]) -> None:
    blobs = load_config(COMPOSE / "newsflow.yaml", environ={}).config.blobs
    folder = blobs.url.removeprefix("folder:///")
    assert (folder[0], blobs.shared) == ("/", True)
    for name in ("topics", "ingest", "trends", "deliver"):
        mounts = dict(reversed(mount.split(":")[:2]) for mount in compose["services"][name]["volumes"])
        assert mounts[folder] in compose["volumes"], name
    for image in ("compose", "flink"):
        text = (COMPOSE.parent / image / "Dockerfile").read_text(encoding="utf-8")
        assert f"--group 10001 --mode 2775 {folder}\n" in text, "a new volume has the owner of what is there"


def test_articles_are_stored_in_the_volume_and_not_beside_the_program(compose: dict[str, Any]) -> None:
    stores = dict(load_config(COMPOSE / "newsflow.yaml", environ={}).config.stores)
    folder = stores["articles"].removeprefix("parquet:///")
    mounts = dict(reversed(mount.split(":")[:2]) for mount in compose["services"]["deliver"]["volumes"])
    assert folder.startswith("/"), "a relative path counts from wherever the program was started"
    assert mounts[str(Path(folder).parent)] in compose["volumes"]
