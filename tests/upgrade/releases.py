"""Releases to run commands of: this checkout, and version 0.1 as the repository keeps it in its history."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
V01 = "1baabf2d88416e4edec781901b0d5c8554efae39"
"""The last commit of version 0.1."""
_SHIPPED = ("src", "schemas", "pipelines", "deploy/kafka")


@dataclass(frozen=True)
class Release:
    """A release as if it were installed: `home` is its checkout."""

    name: str
    home: Path

    @property
    def rules(self) -> Path:
        """The folder of the topic rules that it ships."""
        return self.home / "src" / "newsflow" / "tagging" / "rules"

    def run(self, words: list[str], folder: Path, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Type `newsflow WORDS` in a folder."""
        return subprocess.run(
            [sys.executable, "-m", "newsflow", *words],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(self.home / "src"), "PYTHONWARNINGS": "ignore", **environ},
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )


def this_release() -> Release:
    return Release("this", ROOT)


def version_01(folder: Path) -> Release:
    """Version 0.1, written to `folder` out of the history."""
    packed = subprocess.run(["git", "archive", V01, *_SHIPPED], cwd=ROOT, capture_output=True, check=False)
    if packed.returncode:
        raise LookupError(
            f"version 0.1 ({V01[:7]}) is not in this repository's history; `git fetch --unshallow` brings it: "
            f"{packed.stderr.decode(errors='replace').strip()}"
        )
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return Release("0.1", folder)
