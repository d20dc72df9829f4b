"""`newsflow config check`: what the files of a configuration say beside each other."""

from __future__ import annotations

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
        ("extends: shipped", ""),
    ],
)
def test_the_check_finds_names_that_are_not_there(tmp_path: Path, routes: str, said: str) -> None:
    (tmp_path / "routes.yaml").write_text(f"version: 1\n{routes}\n")
    (tmp_path / "newsflow.yaml").write_text(
        f"topics: {{paths: {AS_LIST}}}\nroutes: {{paths: [routes.yaml]}}\nstores: {{archive: 'jsonl:///out'}}\n"
    )
    done = CliRunner().invoke(app, ["config", "check", "-c", str(tmp_path / "newsflow.yaml")])
    assert (done.exit_code == 0) == (not said)
    assert said in str(done.exception or "")


def test_a_job_refuses_routes_to_a_store_that_is_not_configured(tmp_path: Path) -> None:
    (tmp_path / "routes.yaml").write_text("version: 1\nroutes: [{id: all, stores: [archiv]}]\n")
    flags = {"routes.paths": [str(tmp_path / "routes.yaml")], "stores.archive": f"jsonl:///{tmp_path}/out"}
    with pytest.raises(ConfigError, match="there is no store 'archiv'; did you mean 'archive'"):
        _ = Runtime(load_config(environ={}, flags=flags).config).routes
