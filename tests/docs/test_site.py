"""The documentation builds as a site: whole, with what it links to, and not at all with a link that leads nowhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT

pytestmark = [pytest.mark.docs, pytest.mark.timeout(600)]
LINKED = ("CHANGELOG.md", "schemas", "pipelines")


@pytest.fixture(scope="module")
def mkdocs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MkDocs as `make site` installs it."""
    there = ROOT / ".venv" / ".site" / "bin" / "mkdocs"
    if there.exists():
        return there
    folder = tmp_path_factory.mktemp("mkdocs")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    words = [str(folder / "bin" / "pip"), "install", "-q", "-r", str(ROOT / "docs" / "requirements.txt")]
    if (done := subprocess.run(words, capture_output=True, text=True, check=False)).returncode:
        pytest.skip(f"MkDocs could not be fetched: {done.stderr[-300:]}")
    return folder / "bin" / "mkdocs"


def build(mkdocs: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    words = [str(mkdocs), "build", "--strict", "--site-dir", str(folder / "site")]
    environ = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(words, cwd=folder, env=environ, capture_output=True, text=True, check=False)


def test_the_site_is_whole_and_a_link_to_nothing_stops_it(mkdocs: Path, tmp_path: Path) -> None:
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    shutil.copytree(ROOT / "docs", tmp_path / "docs", ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "site_hooks.py", tmp_path / "tools")
    for name in LINKED:
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    done = build(mkdocs, tmp_path)
    assert done.returncode == 0, done.stderr
    site = tmp_path / "site"
    assert "../source/schemas/article/v1.schema.json" in (site / "reference" / "schemas.html").read_text(
        encoding="utf-8"
    )
    assert (site / "source" / "schemas" / "article" / "v1.schema.json").exists()
    assert "0119-a-site-by-mkdocs.html" in (site / "adr" / "index.html").read_text(encoding="utf-8")
    assert not list(site.rglob("generate.py"))
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        for fetched in ('src="http', 'rel="stylesheet" href="http', "fonts.googleapis"):
            assert fetched not in text, page
    for link in ("nowhere.md", "../../nothing", "../index.md#no-such-heading"):
        (tmp_path / "docs" / "how-to" / "broken.md").write_text(f"# Broken\n\n[here]({link})\n", encoding="utf-8")
        done = build(mkdocs, tmp_path)
        assert done.returncode != 0, link
        assert link.rpartition("/")[2].partition("#")[0] in done.stderr
