"""`newsflow eval` from the wheel alone, away from the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the wheel; what it depends on comes from the environment of the tests."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def evaluate(site: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PYTHONPATH": str(site), "PYTHONSAFEPATH": "1"}
    environ.pop("NEWSFLOW_DATA", None)
    where = "import newsflow; print(newsflow.__file__)"
    run = [sys.executable, "-W", "ignore"]
    found = subprocess.run([*run, "-c", where], cwd=folder, env=environ, capture_output=True, text=True, check=True)
    assert found.stdout.startswith(str(site))
    return subprocess.run(
        [*run, "-m", "newsflow", "eval", *arguments], cwd=folder, env=environ, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["normalise", "dedup", "languages", "topics", "places"])
def test_every_evaluation_is_in_the_wheel_and_skips_without_data(unpacked: Path, tmp_path: Path, name: str) -> None:
    done = evaluate(unpacked, tmp_path, name)
    assert done.returncode == 0, done.stderr
    assert f"eval {name}: skipped, no data" in done.stderr


def test_an_evaluation_of_the_wheel_measures(unpacked: Path, tmp_path: Path) -> None:
    row = {"locale": "ar", "format": "long", "text": "15 ديسمبر 2024", "iso": "2024-12-15"}
    (tmp_path / "cldr_dates.jsonl").write_text(json.dumps(row), encoding="utf-8")
    done = evaluate(unpacked, tmp_path, "normalise", "--data", str(tmp_path), "-o", "json")
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["value"] for line in done.stdout.splitlines()] == [1.0, 1.0]
