"""`newsflow config check`: what the files of a configuration say beside each other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from newsflow.cli.app import app
from newsflow.config.load import load_config
from newsflow.errors import ConfigError
from newsflow.ingest.runtime import Runtime
from tests.rule_helpers import AS_LIST


@pytest.mark.parametrize(
    ("routes", "said"),
    [
        (
            "routes: [{id: all, stores: [archiv]}]",
            "routes.yaml:2: routes[0].stores[0]: there is no store 'archiv'; did you mean",
        ),
        (
            "subscriptions: [{id: desk, match: {topics: {any: [lebannon]}}, feed: true}]",
            "routes.yaml:2: subscriptions[0].match.topics.any[0]: there is no topic 'lebannon'; did you mean 'lebanon'?",
        ),
        (
            "subscriptions: [{id: desk, alert: {to: [webhok]}}]",
            "routes.yaml:2: subscriptions[0].alert.to[0]: there is no destination 'webhok'; did you mean 'webhook'?",
        ),
        ("extends: shipped", ""),
    ],
)
def test_the_check_finds_names_that_are_not_there(tmp_path: Path, routes: str, said: str) -> None:
    (tmp_path / "routes.yaml").write_text(f"version: 1\n{routes}\n")
    (tmp_path / "newsflow.yaml").write_text(
        f"topics: {{paths: {AS_LIST}}}\nroutes: {{paths: [routes.yaml]}}\nstores: {{archive: 'jsonl:///out'}}\n"
        f"alerts: {{destinations: {{webhook: {{type: webhook, url: 'http://127.0.0.1:9/', allow_private: true}}}}}}\n"
    )
    done = CliRunner().invoke(app, ["config", "check", "-c", str(tmp_path / "newsflow.yaml")])
    assert (done.exit_code == 0) == (not said)
    assert said in str(done.exception or "")


def test_a_job_refuses_routes_to_a_store_that_is_not_configured(tmp_path: Path) -> None:
    (tmp_path / "routes.yaml").write_text("version: 1\nroutes: [{id: all, stores: [archiv]}]\n")
    flags = {"routes.paths": [str(tmp_path / "routes.yaml")], "stores.archive": f"jsonl:///{tmp_path}/out"}
    with pytest.raises(ConfigError, match="there is no store 'archiv'; did you mean 'archive'"):
        _ = Runtime(load_config(environ={}, flags=flags).config).routes


def test_a_job_refuses_alerts_to_a_destination_that_is_not_configured(tmp_path: Path) -> None:
    (tmp_path / "routes.yaml").write_text("version: 1\nsubscriptions: [{id: desk, alert: {to: [webhok]}}]\n")
    destination = {"type": "webhook", "url": "http://127.0.0.1:9/"}
    flags = {"routes.paths": [str(tmp_path / "routes.yaml")], "alerts.destinations": {"webhook": destination}}
    loaded = load_config(environ={}, flags=flags).config
    with pytest.raises(ConfigError, match="there is no destination 'webhok'; did you mean 'webhook'"):
        _ = Runtime(loaded).routes


def test_names_where_nothing_is_configured_are_warned_of(tmp_path: Path) -> None:
    entries = "routes: [{id: all, stores: [nostore]}]\nsubscriptions: [{id: desk, alert: {to: [nobody]}}]"
    (tmp_path / "routes.yaml").write_text(f"version: 1\nextends: shipped\n{entries}\n")
    (tmp_path / "newsflow.yaml").write_text(f"topics: {{paths: {AS_LIST}}}\nroutes: {{paths: [routes.yaml]}}\n")
    done = CliRunner().invoke(app, ["config", "check", "-c", str(tmp_path / "newsflow.yaml"), "-o", "json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["unconfigured"] == [
        "routes name stores, and none are configured: nostore",
        "routes name destinations, and none are configured: nobody",
    ]
    assert "none are configured: nostore" in done.stderr


def test_the_check_resolves_what_jobs_resolve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOPE", raising=False)
    (tmp_path / "newsflow.yaml").write_text(
        "kafka: {security: {protocol: SASL_SSL, sasl_mechanism: PLAIN, username: me, password: 'env:NOPE'}}\n"
        "alerts:\n  destinations:\n"
        "    hook: {type: webhook, url: 'https://desk.example/', secret: 'env:NOPE'}\n"
        "    page: {type: pagerduty, url: 'https://events.example/'}\n"
    )
    done = CliRunner().invoke(app, ["config", "check", "-c", str(tmp_path / "newsflow.yaml")])
    said = str(done.exception)
    assert "alerts.destinations.hook: env:NOPE: the environment has no variable NOPE" in said
    assert "alerts.destinations.page: a destination of type pagerduty needs its routing key as secret" in said
    assert "kafka.security.password" in said
