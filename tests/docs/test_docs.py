"""The docs hold: generated pages are fresh, and links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs import generate
from newsflow.model import Outcome, Reason
from tests.docs.markdown import DOCS, PAGES, ROOT, page_name, prose

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
NAMED_FILE = re.compile(r"`((?:src/newsflow|benchmarks|tests|docs|schemas|deploy|pipelines)/[\w./-]+)`")
PACKAGES = "|".join(
    sorted(path.name for path in (ROOT / "src" / "newsflow").iterdir() if (path / "__init__.py").exists())
)
NAMED_MODULE = re.compile(rf"`(newsflow\.(?:{PACKAGES})(?:\.[a-z_]+)*)`")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def _anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(prose(path)))
    return {heading.strip().replace(" ", "-") for heading in kept}


@pytest.mark.parametrize("name", generate.pages())
def test_generated_page_is_fresh(name: str) -> None:
    written = (generate.REFERENCE / name).read_text(encoding="utf-8")
    assert written == generate.pages()[name], "run `make docs`"


def test_the_configuration_accepts_the_destinations_that_have_a_sender() -> None:
    assert generate.CONFIG_SCHEMA.read_text(encoding="utf-8") == generate.config_schema_text(), "run `make docs`"


@pytest.mark.parametrize("path", PAGES, ids=page_name)
def test_links_lead_somewhere(path: Path) -> None:
    broken = []
    for link in LINK.findall(prose(path)):
        if "://" in link or link.startswith("mailto:"):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            broken.append(link)
        assert target.is_relative_to(ROOT), link
    assert broken == []


@pytest.mark.parametrize("path", PAGES, ids=page_name)
def test_files_and_modules_that_are_named_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    missing = [name for name in NAMED_FILE.findall(text) if "NAME" not in name and not (ROOT / name).exists()]
    for name in NAMED_MODULE.findall(text):
        module = ROOT / "src" / name.replace(".", "/")
        # A name within a module is fine, and so is a consumer group that begins like one.
        if not (module.is_dir() or any(each.with_suffix(".py").is_file() for each in (module, module.parent))):
            missing.append(name)
    assert missing == []


PROMISES = {
    # Where what is promised stands, piece by piece.
    "SECURITY.md": re.compile(r"^- .*(?:\n  .*)*|^\| .*\| `newsflow.*", re.MULTILINE),
    "docs/explanation/what-a-crash-may-do.md": re.compile(r"^## .*?(?=^## |\Z)", re.MULTILINE | re.DOTALL),
}


@pytest.mark.parametrize("name", PROMISES)
def test_every_promise_names_a_test_that_holds_it(name: str) -> None:
    promises = PROMISES[name].findall((ROOT / name).read_text(encoding="utf-8"))
    assert len(promises) > 6
    tests = [re.findall(r"`tests/[\w/]+\.py`", promise) for promise in promises]
    assert [promise for promise, named in zip(promises, tests, strict=True) if not named] == []


def test_decisions_have_numbers_of_their_own() -> None:
    files = sorted((DOCS / "adr").glob("*.md"))
    numbers = [int(path.name[:4]) for path in files]
    assert len(set(numbers)) == len(numbers)
    for path, number in zip(files, numbers, strict=True):
        assert re.match(rf"# 0*{number}[.:] ", path.read_text(encoding="utf-8")), path.name


def test_every_page_is_reached_from_the_index() -> None:
    reached, todo = set(), [DOCS / "index.md"]
    while todo:
        page = todo.pop()
        if page in reached or not page.is_file():
            continue
        reached.add(page)
        links = (link.partition("#")[0] for link in LINK.findall(prose(page)) if "://" not in link)
        todo += [(page.parent / link).resolve() for link in links if link.endswith(".md")]
    # Decisions are found in their folder, by number.
    pages = {path for path in DOCS.rglob("*.md") if "adr" not in path.parts}
    assert {page_name(path) for path in pages - reached} == set()


def test_outcomes_page_names_every_outcome_and_reason() -> None:
    text = (DOCS / "reference" / "outcomes.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| `([a-z-]+)` \|", text.partition("\n## Words")[0], re.MULTILINE))
    assert rows == {*map(str, Outcome), *map(str, Reason)}
