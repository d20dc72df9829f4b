"""The wheel alone, in an environment of its own and away from the checkout: it has all it needs."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import orjson
import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environ, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an empty environment into which nothing but the wheel (with what it needs) was installed."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    [wheel] = folder.glob("*.whl")
    venv.create(folder / "env")
    python = folder / "env" / "bin" / "python"
    # Most of what is installed is never imported here: it need not be compiled.
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-compile")
    run(*pip, "--constraint", ROOT / "constraints.txt", wheel, cwd=folder)
    return python.parent


@pytest.mark.e2e
@pytest.mark.timeout(900)
def test_the_wheel_runs_the_file_mode_with_its_own_schemas_rules_and_jobs(installed: Path, tmp_path: Path) -> None:
    where = run(installed / "python", "-c", "import newsflow; print(newsflow.__file__)", cwd=tmp_path).stdout
    assert str(ROOT) not in where
    code = "from pathlib import Path; from newsflow.tools.sample.build import write_sample; write_sample(Path('sample.jsonl'))"
    run(installed / "python", "-c", code, cwd=tmp_path)
    arguments = ("run", "ingest", "--input", "sample.jsonl", "--output", "out", "-o", "json")
    said = orjson.loads(run(installed / "newsflow", *arguments, cwd=tmp_path).stdout)
    assert said["events"] == sum(said["outcomes"].values()) > 50
    assert said["outcomes"]["added"] > 30
    assert (tmp_path / "out" / "topics" / "syria.jsonl").stat().st_size > 0


@pytest.mark.e2e
@pytest.mark.timeout(900)
def test_the_wheel_knows_the_local_broker_and_the_declared_topics(installed: Path, tmp_path: Path) -> None:
    code = (
        "from newsflow.resources import deploy_dir; from newsflow.model.topics import declared_topics\n"
        "assert (deploy_dir() / 'kafka' / 'pom.xml').is_file()\n"
        "print(len(declared_topics(['syria'])))"
    )
    assert int(run(installed / "python", "-c", code, cwd=tmp_path).stdout) > 5
