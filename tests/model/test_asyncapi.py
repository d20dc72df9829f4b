"""The AsyncAPI document says what the schemas say, and AsyncAPI's own parser has nothing against it."""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, FormatChecker

from newsflow.model.asyncapi import document
from newsflow.model.schemas import SCHEMAS
from newsflow.model.topics import declared_templates
from newsflow.resources import schemas_dir

PARSER = "@asyncapi/parser@3.6.6"
CHECK = """
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
const { Parser } = createRequire(process.argv[2] + "/")("@asyncapi/parser");
const { document, diagnostics } = await new Parser().parse(readFileSync(0, "utf8"));
for (const each of diagnostics) console.log(each.path.join("."), each.message);
if (document) console.log(`${document.allChannels().length} channels, ${document.allOperations().length} operations`);
"""


@pytest.mark.contract
@pytest.mark.parametrize("name", SCHEMAS)
def test_its_schemas_take_and_refuse_what_ours_do(name: str) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": document()["components"]["schemas"]}}
    taken = Draft7Validator(schema, format_checker=FormatChecker())
    valid, invalid = (sorted((schemas_dir() / name / kind).glob("*.json")) for kind in ("valid", "invalid"))
    assert valid
    assert invalid
    for file in (*valid, *invalid):
        value = json.loads(file.read_text(encoding="utf-8"))
        assert taken.is_valid(value) == (file in valid), file


def test_every_topic_has_a_channel_and_says_what_may_stand_in_it() -> None:
    made = document()
    channels = {each["title"]: each for each in made["channels"].values()}
    assert sorted(channels) == sorted(spec.name for spec in declared_templates())
    feed = channels["news.topic.<topic-id>.v1"]
    assert (feed["address"], list(feed["parameters"])) == ("news.topic.{topic-id}.v1", ["topic-id"])
    assert list(feed["messages"]) == ["article", "claim"]
    assert list(channels["news.article.raw.v1"]["messages"]) == ["raw-article"]
    raw = made["operations"]["receive-news-article-raw-v1"]
    assert raw == {"action": "receive", "channel": {"$ref": "#/channels/news-article-raw-v1"}}
    _check_refs(made, made)


def _check_refs(value: Any, whole: dict[str, Any]) -> None:
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        if isinstance(each, str) and each.startswith("#/"):
            found: Any = whole
            for step in each[2:].split("/"):
                found = found[step]
        _check_refs(each, whole)


@pytest.fixture(scope="module")
def parse(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Any], str]:
    """What the parser says of a document. NEWSFLOW_TEST_ASYNCAPI names a folder where npm installed it."""
    if shutil.which("node") is None:
        pytest.skip("no node on this machine")
    folder = os.environ.get("NEWSFLOW_TEST_ASYNCAPI") or str(tmp_path_factory.mktemp("asyncapi"))
    if not (Path(folder) / "node_modules").exists():
        if shutil.which("npm") is None:
            pytest.skip("no npm on this machine")
        words = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", folder, PARSER]
        if (made := subprocess.run(words, capture_output=True, text=True, check=False)).returncode:
            pytest.skip(f"npm could not fetch {PARSER}: {made.stderr[-300:]}")
    check = Path(folder) / "check.mjs"
    check.write_text(CHECK)

    def said(value: Any) -> str:
        words = ["node", str(check), folder]
        return subprocess.run(words, input=json.dumps(value), capture_output=True, text=True, check=True).stdout

    return said


@pytest.mark.docs
@pytest.mark.timeout(300)
def test_its_parser_has_nothing_against_it(parse: Callable[[Any], str]) -> None:
    made = document()
    count = len(declared_templates())
    assert parse(made) == f"{count} channels, {count} operations\n"
    broken = copy.deepcopy(made)
    del broken["channels"]["news-alert-v1"]["messages"]["alert"]["$ref"]
    broken["operations"]["send-news-alert-v1"]["action"] = "shout"
    assert "action" in parse(broken)
