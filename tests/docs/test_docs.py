"""The docs hold: generated pages are fresh, links lead somewhere, and what is shown is accepted."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from docs import generate
from newsflow.cli.app import app
from newsflow.config.load import config_schema
from newsflow.model import Outcome, RawArticle, Reason
from newsflow.model.raw import parse_raw
from newsflow.normalise import load_profiles
from newsflow.yamlfile import parse_yaml

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *(path for path in ROOT.glob("*.md"))])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
NAMED_FILE = re.compile(r"`((?:src/newsflow|benchmarks|tests|docs|schemas|deploy|pipelines)/[\w./-]+)`")
PACKAGES = "|".join(
    sorted(path.name for path in (ROOT / "src" / "newsflow").iterdir() if (path / "__init__.py").exists())
)
NAMED_MODULE = re.compile(rf"`(newsflow\.(?:{PACKAGES})(?:\.[a-z_]+)*)`")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def _id(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _prose(path: Path) -> str:
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def _anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(_prose(path)))
    return {heading.strip().replace(" ", "-") for heading in kept}


def _blocks(language: str) -> list[Any]:
    return list(_find_blocks(language))


def _find_blocks(language: str) -> Iterator[Any]:
    for path in PAGES:
        for number, (named, text) in enumerate(FENCE.findall(path.read_text(encoding="utf-8"))):
            if named == language:
                yield pytest.param(text, id=f"{_id(path)}-{number}")


def _commands() -> Iterator[Any]:
    for path in PAGES:
        for named, text in FENCE.findall(path.read_text(encoding="utf-8")):
            if named in ("console", "sh", "bash"):
                for line in text.replace("\\\n", " ").splitlines():
                    command = line.removeprefix("$ ").partition(" | ")[0].partition(" > ")[0].strip()
                    if command.startswith(("newsflow ", ".venv/bin/newsflow ")):
                        yield pytest.param(command, id=f"{_id(path)}-{command}")


@pytest.mark.parametrize("name", generate.pages())
def test_generated_page_is_fresh(name: str) -> None:
    written = (generate.REFERENCE / name).read_text(encoding="utf-8")
    assert written == generate.pages()[name], "run `make docs`"


def test_the_configuration_accepts_the_destinations_that_have_a_sender() -> None:
    assert generate.CONFIG_SCHEMA.read_text(encoding="utf-8") == generate.config_schema_text(), "run `make docs`"


@pytest.mark.parametrize("path", PAGES, ids=_id)
def test_links_lead_somewhere(path: Path) -> None:
    broken = []
    for link in LINK.findall(_prose(path)):
        if "://" in link or link.startswith("mailto:"):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            broken.append(link)
        assert target.is_relative_to(ROOT), link
    assert broken == []


@pytest.mark.parametrize("path", PAGES, ids=_id)
def test_files_and_modules_that_are_named_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    missing = [name for name in NAMED_FILE.findall(text) if "NAME" not in name and not (ROOT / name).exists()]
    for name in NAMED_MODULE.findall(text):
        module = ROOT / "src" / name.replace(".", "/")
        # A name within a module is fine, and so is a consumer group that begins like one.
        if not (module.is_dir() or any(each.with_suffix(".py").is_file() for each in (module, module.parent))):
            missing.append(name)
    assert missing == []


def test_every_page_is_reached_from_the_index() -> None:
    reached, todo = set(), [DOCS / "index.md"]
    while todo:
        page = todo.pop()
        if page in reached or not page.is_file():
            continue
        reached.add(page)
        links = (link.partition("#")[0] for link in LINK.findall(_prose(page)) if "://" not in link)
        todo += [(page.parent / link).resolve() for link in links if link.endswith(".md")]
    # Decisions are found in their folder, by number.
    pages = {path for path in DOCS.rglob("*.md") if "adr" not in path.parts}
    assert {_id(path) for path in pages - reached} == set()


@pytest.mark.parametrize("command", list(_commands()))
def test_commands_exist_with_their_options(command: str) -> None:
    words = shlex.split(command, comments=True)[1:]
    found: Any = typer.main.get_command(app)
    name = "newsflow"
    while hasattr(found, "commands"):
        assert words, command
        name = words.pop(0)
        assert name in found.commands, command
        found = found.commands[name]
    found.make_context(name, words)


@pytest.mark.parametrize("text", _blocks("yaml"))
def test_yaml_is_a_configuration_or_a_profile(text: str, tmp_path: Path) -> None:
    value = yaml.safe_load(text)
    if "id" in value or isinstance(value.get("sources"), list):
        file = tmp_path / "profile.yaml"
        file.write_text(text, encoding="utf-8")
        assert set(load_profiles(file)) == {each["id"] for each in value.get("sources", [value])}
    elif set(value) <= set(config_schema()["properties"]):
        parse_yaml(text, "docs").check(config_schema())


@pytest.mark.parametrize("text", _blocks("json"))
def test_json_shown_as_a_raw_event_is_one(text: str) -> None:
    if '"fetched_at"' in text:
        parsed = parse_raw(text.strip().encode())
        assert isinstance(parsed, RawArticle), parsed


def test_outcomes_page_names_every_outcome_and_reason() -> None:
    text = (DOCS / "reference" / "outcomes.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| `([a-z-]+)` \|", text, re.MULTILINE))
    assert rows == {*map(str, Outcome), *map(str, Reason)}
