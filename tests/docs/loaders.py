"""Reads the files that pages show, as the program would that each is meant for. What it refuses fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from newsflow.config.load import config_schema
from newsflow.model import RawArticle
from newsflow.model.raw import parse_raw
from newsflow.model.schemas import load_schema
from newsflow.normalise import load_profiles
from newsflow.routing import load_routes
from newsflow.tagging import load_rules, shipped_rules_path
from newsflow.yamlfile import parse_yaml
from tests.docs.markdown import Block
from tests.model.schema_laws import reference_violations


def load(block: Block, folder: Path) -> None:
    """Load a block of a data language; raises what its loader raises."""
    if block.language == "yaml":
        _load_yaml(block, folder)
    else:
        assert block.language == "json", f"{block}: nothing here reads {block.language or 'a block without a language'}"
        _check_json(block)


def _load_yaml(block: Block, folder: Path) -> None:
    file = folder / Path(block.title or "shown.yaml").name
    file.write_text(block.text, encoding="utf-8")
    value = yaml.safe_load(block.text)
    if "version" in value:
        shipped = {path.stem for path in shipped_rules_path().rglob("*.yaml")}
        load_routes([file], topics=shipped)
    elif "examples" in value:
        assert value["id"] in {rule.id for rule in load_rules(file).rules}
    elif "id" in value or isinstance(value.get("sources"), list):
        assert set(load_profiles(file)) == {each["id"] for each in value.get("sources", [value])}
    else:
        parse_yaml(block.text, str(block)).check(config_schema())


def _check_json(block: Block) -> None:
    value: dict[str, Any] = json.loads(block.text)
    if "fetched_at" in value:
        parsed = parse_raw(block.text.strip().encode())
        assert isinstance(parsed, RawArticle), f"{block}: {parsed}"
        return
    # A value of a topic, with some of its members, some of these cut short.
    name = "trend" if "window" in value else "article"
    assert set(value) <= set(load_schema(name)["properties"]), block
    cut = {(member,) for member in value if "…" in str(value[member])}
    found = [each for each in reference_violations(name, value) if each.path[:1] not in {(), *cut}]
    assert found == [], block
