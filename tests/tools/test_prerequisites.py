"""What `dev up` says where Java, Maven or the port is missing. No broker starts here."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from newsflow.errors import LocalServiceError, MissingToolError
from newsflow.processes import find_java, free_port, port_is_free
from newsflow.tools.broker import LocalBroker, broker_in
from newsflow.tools.node import server_properties
from newsflow.tools.programs import command_line, ensure_jars, file_user, find_process, port_owner

POM = Path(__file__).resolve().parents[2] / "deploy" / "kafka" / "pom.xml"


def program(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH that holds only what a test puts into the returned folder (and a shell's own programs)."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.delenv("MAVEN_HOME", raising=False)
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_without_java_it_says_so_and_names_the_other_ways(tools: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingToolError) as raised:
        LocalBroker(tmp_path / "kafka", free_port()).up()
    for word in ("Java is missing", "Java 17", "--input FILE --output DIR", "deploy/compose/", "-b HOST:PORT"):
        assert word in str(raised.value)


@pytest.mark.parametrize(
    ("said", "version"),
    [('openjdk version "11.0.2" 2019-01-15', "11"), ('java version "1.8.0_392"', "8")],
)
def test_an_old_java_is_named(tools: Path, said: str, version: str) -> None:
    program(tools, "java", f"echo '{said}' >&2")
    with pytest.raises(MissingToolError, match=f"Java {version} at {tools}/java is too old"):
        find_java("the broker")


@pytest.mark.parametrize("said", ['openjdk version "17.0.15" 2025-04-15', 'openjdk version "25" 2025-09-16', "?"])
def test_a_new_java_and_one_that_tells_nothing_are_taken(tools: Path, said: str) -> None:
    program(tools, "java", f"echo '{said}' >&2")
    assert find_java("the broker") == str(tools / "java")


def test_java_home_comes_before_path(tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tools, "java", "echo 'version \"8\"'")
    home = tmp_path / "jdk"
    home.mkdir()
    program(home / "bin", "java", "echo 'version \"21\"'")
    monkeypatch.setenv("JAVA_HOME", str(home))
    assert find_java("the broker") == str(home / "bin" / "java")


def test_a_java_home_without_java_is_named_and_leaves_no_folder(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tools, "java", "echo 'version \"17\"'")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "none"))
    with pytest.raises(MissingToolError, match=rf"JAVA_HOME is {tmp_path}/none, which has no bin/java"):
        LocalBroker(tmp_path / "kafka", free_port()).up()
    assert not (tmp_path / "kafka").exists()


def test_who_has_a_file_open_is_named(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite3"
    file.touch()
    assert file_user(file) == ""
    with file.open() as handle, subprocess.Popen(["/bin/sleep", "60"], stdin=handle) as user:
        assert file_user(file) == f"process {user.pid} (/bin/sleep 60)"
        user.kill()


def test_without_maven_it_says_what_it_would_be_for(tools: Path, tmp_path: Path) -> None:
    with pytest.raises(
        MissingToolError, match=r"Maven is missing.*needed once, to fetch Apache Kafka.*deploy/compose/"
    ):
        ensure_jars(tmp_path / "libs", POM, lambda _: None)
    assert not (tmp_path / "libs").exists()


def test_what_maven_said_is_shown_when_it_fails(tools: Path, tmp_path: Path) -> None:
    program(tools, "mvn", "echo '[ERROR] Unknown host repo.example'; exit 1")
    with pytest.raises(LocalServiceError, match=r"(?s)exit code 1.*Unknown host repo\.example"):
        ensure_jars(tmp_path / "libs", POM, lambda _: None)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["bin"]


def test_maven_that_succeeds_and_fetches_nothing_is_a_failure(tools: Path, tmp_path: Path) -> None:
    program(tools, "mvn", "exit 0")
    with pytest.raises(LocalServiceError, match="could not fetch Apache Kafka"):
        ensure_jars(tmp_path / "libs", POM, lambda _: None)


FETCH = 'for a in "$@"; do case $a in -DoutputDirectory=*) : > "${a#*=}/kafka_2.13-4.jar";; esac; done'


def test_jars_are_fetched_once_and_again_for_another_pom(tools: Path, tmp_path: Path) -> None:
    program(tools, "mvn", FETCH)
    libs, pom = tmp_path / "libs", tmp_path / "pom.xml"
    pom.write_bytes(POM.read_bytes())
    said: list[str] = []
    leftover = tmp_path / "libs.new-killed"
    leftover.mkdir()
    ensure_jars(libs, pom, said.append)
    ensure_jars(libs, pom, said.append)
    assert len(said) == 1
    assert (libs / "kafka_2.13-4.jar").exists()
    assert not leftover.exists()
    pom.write_text(pom.read_text() + "<!-- another version -->")
    ensure_jars(libs, pom, said.append)
    assert len(said) == 2


def test_a_taken_port_names_who_has_it(tools: Path, tmp_path: Path, taken_port: int) -> None:
    program(tools, "java", "echo 'version \"17\"'")
    program(tools, "mvn", FETCH)
    with pytest.raises(LocalServiceError, match=rf"port {taken_port} is taken by process \d+ \(.*--port"):
        LocalBroker(tmp_path / "kafka", taken_port).up()


def test_ports(taken_port: int) -> None:
    assert not port_is_free(taken_port)
    assert "process" in port_owner(taken_port)
    free = free_port()
    assert port_is_free(free)
    assert "cannot be told" in port_owner(free)


def test_processes_that_do_not_exist() -> None:
    assert command_line(2**22 + 7) == ""
    assert find_process("--no-process-has-this-argument-" + "x" * 8) is None


def test_a_comma_in_the_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LocalServiceError, match="comma"):
        LocalBroker(tmp_path / "a,b")


def test_settings_are_written_as_java_reads_them(tmp_path: Path) -> None:
    text = server_properties(tmp_path, 1, 2, extra={"a": "back\\slash", "b": "über", "c": "ملف 😀", "log.dirs": "mine"})
    lines = text.splitlines()
    assert "a=back\\\\slash" in lines
    assert "b=\\u00fcber" in lines
    assert "c=\\u0645\\u0644\\u0641 \\ud83d\\ude00" in lines
    assert [line for line in lines if line.startswith("log.dirs=")] == ["log.dirs=mine"]
    assert text.isascii()
    listeners = next(line for line in lines if line.startswith("listeners="))
    assert listeners == "listeners=PLAINTEXT://127.0.0.1:1,CONTROLLER://127.0.0.1:2"


def test_while_maven_works_it_is_said_how_long(tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    communicate, asked = subprocess.Popen.communicate, []

    def slow(self: subprocess.Popen[str], timeout: float) -> tuple[str, str]:
        asked.append(timeout)
        if len(asked) < 3:
            raise subprocess.TimeoutExpired("mvn", timeout)
        return communicate(self, timeout=timeout)

    program(tools, "mvn", FETCH)
    monkeypatch.setattr(subprocess.Popen, "communicate", slow)
    said: list[str] = []
    ensure_jars(tmp_path / "libs", POM, said.append)
    assert said[1:] == ["  still fetching, 10 s", "  still fetching, 20 s"]


def test_a_maven_that_never_ends_is_killed(tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tools, "mvn", "echo $$ > pid; exec /bin/sleep 600")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("newsflow.tools.programs._TIMEOUT_S", 0)
    with pytest.raises(LocalServiceError, match="within 0 s"):
        ensure_jars(tmp_path / "libs", POM, lambda _: None)
    assert not list(tmp_path.glob("libs*/kafka*"))


def test_a_broker_keeps_its_port_while_it_is_down(tmp_path: Path, taken_port: int) -> None:
    own = free_port()
    (tmp_path / "broker.json").write_text(json.dumps({"pid": None, "port": own}))
    assert broker_in(tmp_path).port == own
    (tmp_path / "broker.json").write_text(json.dumps({"pid": None, "port": taken_port}))
    assert broker_in(tmp_path).port not in (taken_port, own)
    LocalBroker(tmp_path, own).kill()
    assert json.loads((tmp_path / "broker.json").read_text())["port"] in (taken_port, own)
