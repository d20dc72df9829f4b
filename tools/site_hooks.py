"""Hooks of MkDocs for `make site`: pages link to folders, and to files of the checkout outside docs/. On the site a
folder is a page with what is in it, and such a file is there, below `source/`. A link to nothing fails the build."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
SOURCE = "source"
_LINK = re.compile(r"(?<=\]\()(?P<path>[^)#\s:]+)(?P<rest>#[^)\s]*)?(?=\))")
_SHOWN = 200
"""Files of a folder that its page lists."""


def on_files(files: Files, config: Any) -> Files:
    """Add what is linked to and is no page."""
    wanted = {each for file in files.documentation_pages() for each in _beyond(file.src_uri, file.content_string)}
    for path in sorted(wanted):
        if path.is_dir():
            if not (path / "index.md").exists():
                files.append(File.generated(config, f"{_uri(path)}/index.md", content=_listing(path)))
        elif files.get_file_from_path(_uri(path)) is None:
            files.append(File.generated(config, _uri(path), abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Let its links lead to what was added."""
    here = page.file.src_uri

    def moved(found: re.Match[str]) -> str:
        path = _target(here, found["path"])
        if path is None:
            return found[0]
        uri = f"{_uri(path)}/index.md" if path.is_dir() else _uri(path)
        return posixpath.relpath(uri, posixpath.dirname(here)) + (found["rest"] or "")

    return _LINK.sub(moved, markdown)


def _beyond(here: str, text: str) -> Iterator[Path]:
    for found in _LINK.finditer(text):
        path = _target(here, found["path"])
        if path is not None:
            yield path


def _target(here: str, link: str) -> Path | None:
    """The folder, or the file outside docs/, that a link of a page means; None for pages, and for what is not there."""
    path = Path(os.path.normpath((DOCS / here).parent / link))
    inside = path.is_relative_to(DOCS)
    if not path.is_relative_to(ROOT) or not path.exists() or (inside and path.is_file()):
        return None
    return path


def _uri(path: Path) -> str:
    """Where it is on the site. A page of the checkout is shown as it is written."""
    if path.is_relative_to(DOCS):
        return path.relative_to(DOCS).as_posix()
    uri = f"{SOURCE}/{path.relative_to(ROOT).as_posix()}"
    return f"{uri}.txt" if path.suffix == ".md" else uri


def _listing(folder: Path) -> str:
    inside = folder.is_relative_to(DOCS)
    files = [each for each in sorted(folder.rglob("*")) if each.is_file() and "__pycache__" not in each.parts]
    names = [each.relative_to(folder).as_posix() for each in files]
    lines = [
        f"- [{_title(each)}]({name})" if inside else f"- `{name}`" for each, name in zip(files, names, strict=True)
    ]
    more = [f"- and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
    return "\n".join([f"# {folder.relative_to(ROOT).as_posix()}", "", *lines[:_SHOWN], *more, ""])


def _title(file: Path) -> str:
    if file.suffix == ".md":
        return file.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")
    return file.name
