"""What stands at the top of the repository is inside the wheel."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from newsflow import resources

pytestmark = pytest.mark.contract

ROOT = Path(__file__).parents[2]
GENERATED = {"__pycache__"}


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    target = tmp_path_factory.mktemp("wheel")
    (path,) = WheelBuilder(str(ROOT)).build(directory=str(target), versions=["standard"])
    with zipfile.ZipFile(path) as wheel:
        return set(wheel.namelist())


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
        with pytest.raises(FileNotFoundError, match="not installed whole: no pipelines/"):
            resources.pipelines_dir()
    finally:
        resources._shipped.cache_clear()
