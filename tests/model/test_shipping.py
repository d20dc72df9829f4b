"""What stands at the top of the repository is inside the wheel."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from newsflow import resources
from newsflow.model.schemas import SCHEMAS
from newsflow.model.topics import declared_topics
from newsflow.tools.sample.build import sample_events

pytestmark = pytest.mark.contract

ROOT = Path(__file__).parents[2]
GENERATED = {"__pycache__"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("wheel")
    (path,) = WheelBuilder(str(ROOT)).build(directory=str(target), versions=["standard"])
    return Path(path)


@pytest.fixture(scope="module")
def wheel_names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def _files(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.is_file() and not GENERATED & set(path.parts) and path.name != ".keep":
            yield path.relative_to(folder).as_posix()


@pytest.mark.parametrize("folder", ["schemas", "pipelines", "deploy/kafka"])
def test_the_wheel_holds(folder: str, wheel_names: set[str]) -> None:
    missing = {f"newsflow/_shipped/{folder}/{name}" for name in _files(ROOT / folder)} - wheel_names
    assert not missing


def test_the_wheel_holds_every_data_file_of_the_package(wheel_names: set[str]) -> None:
    missing = {f"newsflow/{name}" for name in _files(ROOT / "src" / "newsflow")} - wheel_names
    assert not missing


def test_resources_are_found_in_a_checkout() -> None:
    assert resources.schemas_dir() == ROOT / "schemas"
    assert resources.pipelines_dir() == ROOT / "pipelines"
    assert resources.deploy_dir() == ROOT / "deploy"


def test_resources_are_found_in_an_installed_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site-packages" / "newsflow"
    (package / "_shipped" / "schemas").mkdir(parents=True)
    monkeypatch.setattr(resources, "_PACKAGE", package)
    resources._shipped.cache_clear()
    try:
        assert resources.schemas_dir() == package / "_shipped" / "schemas"
        with pytest.raises(FileNotFoundError, match="installation of newsflow is incomplete: no pipelines/"):
            resources.pipelines_dir()
    finally:
        resources._shipped.cache_clear()


def test_the_wheel_finds_its_files_alone(wheel: Path, tmp_path: Path) -> None:
    """Unpacked away from the checkout, as pip would: schemas, declared topics and sample come from inside it."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    code = (
        "from newsflow import resources; from newsflow.model.schemas import SCHEMAS, load_schema;"
        "from newsflow.model.topics import declared_topics; from newsflow.tools.sample.build import sample_events;"
        "print(resources.schemas_dir()); print(resources.pipelines_dir()); print(resources.deploy_dir());"
        "print(len([load_schema(name) for name in SCHEMAS]), len(declared_topics()), sum(1 for _ in sample_events()))"
    )
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environ, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *places, counts = done.stdout.splitlines()
    shipped = tmp_path / "newsflow" / "_shipped"
    assert places == [str(shipped / name) for name in ("schemas", "pipelines", "deploy")]
    assert counts == f"{len(SCHEMAS)} {len(declared_topics())} {len(list(sample_events()))}"
