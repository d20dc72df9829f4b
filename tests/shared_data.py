"""Where the labelled data lies that evaluations read: NEWSFLOW_DATA, else ../shared/data beside the checkout."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def shared_data(name: str) -> Path:
    """The file or folder `name`; skips the test, saying so, where it is not."""
    root = Path(os.environ.get("NEWSFLOW_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
    if not (root / name).exists():
        pytest.skip(f"no {name} in {root}; name the folder with NEWSFLOW_DATA")
    return root / name
