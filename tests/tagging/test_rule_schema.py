"""The JSON Schema that editors complete from says what the parser says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from newsflow.errors import ConfigError
from newsflow.tagging import load_rules, shipped_rules_path
from newsflow.tagging.parse import EXPRESSION_KEYS, RULE_KEYS, TERM_KEYS
from newsflow.yamlfile import read_documents

SCHEMA: dict[str, Any] = json.loads(
    (shipped_rules_path().parent / "topic-rule.schema.json").read_text(encoding="utf-8")
)


def test_the_schema_knows_the_keys_of_the_parser() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert set(SCHEMA["properties"]) == RULE_KEYS
    assert set(SCHEMA["$defs"]["term"]["properties"]) == TERM_KEYS
    assert set(SCHEMA["$defs"]["combination"]["properties"]) == EXPRESSION_KEYS


def test_every_shipped_rule_is_valid() -> None:
    validator = Draft202012Validator(SCHEMA)
    root = shipped_rules_path()
    documents = [(path, document.value) for path in root.rglob("*.yaml") for document in read_documents(path)]
    generated = root / "countries" / "generated.jsonl"
    documents += [(generated, json.loads(line)) for line in generated.read_text("utf-8").splitlines()[:20]]
    assert len(documents) > 70
    for path, value in documents:
        assert not list(validator.iter_errors(value)), path


@pytest.mark.parametrize(
    "rule",
    [
        {"id": "Bad", "any": ["a"]},
        {"id": "r"},
        {"id": "r", "any": []},
        {"id": "r", "any": ["a"], "colour": "red"},
        {"id": "r", "any": [{"term": "a", "field": "foot"}]},
        {"id": "r", "near": ["a"]},
        {"id": "r", "any": ["a"], "near": ["a", "b"], "within": -1},
    ],
)
def test_both_refuse_what_is_wrong(rule: dict[str, Any], tmp_path: Path) -> None:
    assert list(Draft202012Validator(SCHEMA).iter_errors(rule))
    file = tmp_path / "r.jsonl"
    file.write_text(json.dumps(rule), encoding="utf-8")
    with pytest.raises(ConfigError):
        load_rules([file])
