"""Where Flink's parts come from, and what is said when they are missing or do not start."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from newsflow.errors import FlinkError, MissingToolError
from newsflow.processes import find_java
from newsflow.runners.flink import VARIABLE, JobServer, find_job_server
from newsflow.tools import flink


def test_a_job_server_is_a_jar_or_a_folder_of_jars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jar = tmp_path / "job-server.jar"
    jar.touch()
    monkeypatch.setenv(VARIABLE, str(jar))
    assert find_job_server() == str(jar)
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert find_job_server() == f"{tmp_path}/*"


@pytest.mark.parametrize(("value", "said"), [(None, "is not set"), ("/nowhere", "not a jar"), ("", "is not set")])
def test_without_a_job_server_the_ways_to_one_are_named(
    value: str | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(VARIABLE, value)
    with pytest.raises(MissingToolError, match=rf"{said}.*job-server-.*--job_endpoint"):
        find_job_server()


def test_an_empty_folder_is_no_job_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(MissingToolError, match="not a folder of jars"):
        find_job_server()


def test_one_that_does_not_start_says_what_java_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        find_java("Flink")
    except MissingToolError as error:
        pytest.skip(str(error))
    zipfile.ZipFile(tmp_path / "other.jar", "w").close()
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    server = JobServer("127.0.0.1:1")
    with pytest.raises(FlinkError, match=r"did not start: .*FlinkJobServerDriver"):
        server.start()
    assert server.process is not None
    assert server.process.poll() is not None


def test_without_flinks_jars_the_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSFLOW_FLINK_LIB", str(tmp_path))
    with pytest.raises(MissingToolError, match=r"newsflow\[flink\]"):
        flink.find_flink()
    (tmp_path / "flink-dist-1.19.3.jar").touch()
    assert flink.find_flink() == tmp_path
