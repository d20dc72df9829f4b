"""Layers, origins, and errors that say where and what."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsflow.config.load import load_config
from newsflow.errors import ConfigError


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_flags_win_over_environment_over_file_over_defaults(tmp_path: Path) -> None:
    file = write(tmp_path / "n.yaml", "kafka: {group: from-file, client_id: from-file}\njob: from-file\n")
    environ = {"NEWSFLOW_KAFKA__CLIENT_ID": "from-env", "NEWSFLOW_JOB": "ignored", "NEWSFLOW_KAFKA__GROUP": "from-env"}
    loaded = load_config(file, environ, {"kafka.group": "from-flag", "job": None})
    kafka = loaded.config.kafka
    assert (kafka.group, kafka.client_id, loaded.config.job) == ("from-flag", "from-env", "from-file")
    origins = {origin.name: origin.origin for origin in loaded.origins}
    assert origins["kafka.group"] == "command line"
    assert origins["kafka.client_id"] == "NEWSFLOW_KAFKA__CLIENT_ID"
    assert origins["job"] == str(file)
    assert origins["kafka.input_topic"] == "default"


def test_newsflow_config_names_the_file(tmp_path: Path) -> None:
    file = write(tmp_path / "n.yaml", "job: named\n")
    assert load_config(environ={"NEWSFLOW_CONFIG": str(file)}).config.job == "named"


def test_relative_paths_of_a_file_count_from_its_folder(tmp_path: Path) -> None:
    file = write(tmp_path / "n.yaml", "sources: {paths: [s.yaml, /abs.yaml]}\nledger: {url: 'sqlite:///l.db'}\n")
    config = load_config(file, {}).config
    assert config.sources.paths == (str(tmp_path / "s.yaml"), "/abs.yaml")
    assert config.ledger.url == f"sqlite:///{tmp_path}/l.db"


def test_shipped_among_rules_is_no_file(tmp_path: Path) -> None:
    file = write(tmp_path / "n.yaml", "topics: {paths: [shipped, t.yaml]}\nroutes: {paths: [r.yaml]}\n")
    config = load_config(file, {}).config
    assert config.topic_paths == ("shipped", str(tmp_path / "t.yaml"))
    assert config.route_paths == (str(tmp_path / "r.yaml"),)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:///a.db", "sqlite:///{folder}/a.db"),
        ("parquet:////abs", "parquet:////abs"),
        ("kept-in-files:///a", "kept-in-files:///{folder}/a"),
        ("postgresql:///news", "postgresql:///news"),
        ("file:///a", "file:///a"),
    ],
)
def test_relative_paths_of_stores_count_from_the_folder_of_the_file(tmp_path: Path, url: str, expected: str) -> None:
    file = write(tmp_path / "n.yaml", f"stores: {{archive: '{url}'}}\n")
    assert load_config(file, {}).config.stores == (("archive", expected.format(folder=tmp_path)),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kafka:\n  bootstrap: x\n", r"n\.yaml:1: kafka: unknown 'bootstrap'; accepted: bootstrap_servers"),
        ("limits: {attempts: 0}\n", r"n\.yaml:1: limits\.attempts: 0 is less than the minimum of 1"),
        ("kafka:\n  security:\n    protocol: TLS\n", r"n\.yaml:3: kafka\.security\.protocol: 'TLS' .* SASL_SSL"),
        ("kafka: {security: {protocol: SASL_SSL, password: hunter2}}\n", r"kafka\.security\.password: .* env:NAME"),
        ("job: [\n", r"n\.yaml:2: is not valid YAML"),
        ("job: a\njob: b\n", r"n\.yaml:2: .*'job' stands twice"),
        ("- job\n", r"n\.yaml:1: \['job'\] is a list; accepted: object"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load_config(write(tmp_path / "n.yaml", text), {})


def test_a_secret_written_where_a_reference_belongs_is_not_repeated(tmp_path: Path) -> None:
    file = write(tmp_path / "n.yaml", "kafka: {security: {password: hunter2}}\n")
    with pytest.raises(ConfigError) as error:
        load_config(file, {})
    assert "hunter2" not in str(error.value)


def test_sasl_must_be_whole(tmp_path: Path) -> None:
    file = write(tmp_path / "n.yaml", "kafka: {security: {protocol: SASL_SSL, username: me}}\n")
    with pytest.raises(ConfigError, match="needs sasl_mechanism, username and password"):
        load_config(file, {})


def test_environment_values_are_checked_too() -> None:
    with pytest.raises(ConfigError, match=r"NEWSFLOW_LIMITS__ATTEMPTS: limits\.attempts: 'many' is a str"):
        load_config(environ={"NEWSFLOW_LIMITS__ATTEMPTS": "many"})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read"):
        load_config(tmp_path / "none.yaml", {})
