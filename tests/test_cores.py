"""How many cores a process may use: by its affinity and by the quotas of the control groups that it is in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from newsflow.cores import cores


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        ("", {}, 8),
        ("0::/\n", {"cpu.max": "max 100000\n"}, 8),
        ("0::/\n", {"cpu.max": "250000 100000\n"}, 3),
        ("0::/job/one\n", {"job/cpu.max": "200000 100000\n", "job/one/cpu.max": "max 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "10000 100000\n"}, 1),
        (
            "5:cpu,cpuacct:/a\n1:name=x:/\n",
            {"cpu,cpuacct/a/cpu.cfs_quota_us": "400000\n", "cpu,cpuacct/a/cpu.cfs_period_us": "100000\n"},
            4,
        ),
        ("", {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 8),
        ("0::/\n", {"cpu.max": "not a quota\n"}, 8),
        ("0::/\n", {"cpu.max": "9900000 100000\n"}, 8),
    ],
)
def test_cores_are_those_that_affinity_and_quotas_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, groups: str, files: dict[str, str], expected: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    (tmp_path / "groups").write_text(groups)
    root = tmp_path / "root"
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    assert cores(root, tmp_path / "groups") == expected
    assert cores(root, tmp_path / "nothing") >= expected
