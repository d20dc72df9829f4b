"""Runs a command as its container would be run, as far as a kernel alone can do it: the root file system read-only,
without root, without capabilities, and with a few folders to write to."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.deploy.deploy_tools import ROOT

UID = 10001
_SCRIPT = """
set -e
mount --make-rprivate /
mount --bind / /
mount -o remount,ro,bind /
for folder in $WRITABLE; do mount --bind "$folder" "$folder"; mount -o remount,rw,bind "$folder"; done
exec setpriv --reuid {uid} --regid {uid} --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs "$@"
"""


def confined(command: Sequence[str], writable: Sequence[Path]) -> list[str]:
    """The command within its walls. Skips the test where this machine does not let us build them."""
    for program in ("unshare", "setpriv"):
        if shutil.which(program) is None:
            pytest.skip(f"no {program} on this machine")
    script = _SCRIPT.format(uid=UID)
    words = ["unshare", "--mount", "env", f"WRITABLE={' '.join(map(str, writable))}", "sh", "-c", script, "sh"]
    outside = writable[0].parent / "outside"
    probe = f"touch {writable[0]}/x && rm {writable[0]}/x && ! touch {outside} 2>/dev/null && test $(id -u) = {UID}"
    done = subprocess.run([*words, "sh", "-c", probe], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"this machine lets us confine nothing: {done.stderr[-200:]}")
    return [*words, *command]


def newsflow_for_everybody() -> tuple[list[str], dict[str, str]]:
    """`newsflow` by a Python that a user who is not root can start, and the variables it needs."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    own = Path(sys.executable).resolve()
    readable = all(folder.stat().st_mode & 0o005 == 0o005 for folder in own.parents)
    python = sys.executable if readable else shutil.which(version, path="/usr/bin:/usr/local/bin")
    if python is None:
        pytest.skip(f"the only {version} here is one that root alone may start")
    packages = [path for path in sys.path if path.endswith("site-packages")]
    for folder in (ROOT, *map(Path, packages)):
        if not all(each.stat().st_mode & 0o005 == 0o005 for each in (folder, *folder.parents)):
            pytest.skip(f"{folder} is where root alone may look")
    return [python, "-m", "newsflow"], {
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), *packages]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONWARNINGS": "ignore",
    }
