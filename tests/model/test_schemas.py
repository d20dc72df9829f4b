"""The laws of schemas/: what is there is used, examples do what they say, and both validators agree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from newsflow.model.event import Reason
from newsflow.model.names import schema_id
from newsflow.model.schemas import SCHEMAS, load_schema, violations
from newsflow.resources import schemas_dir
from tests.model import schema_laws as laws
from tests.model.schema_laws import reference_violations

pytestmark = pytest.mark.contract


def _examples(kind: str) -> list[Any]:
    return [
        pytest.param(name, path, id=f"{name}-{path.stem}")
        for name in SCHEMAS
        for path in sorted((schemas_dir() / name / kind).glob("*.json"))
    ]


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _reasons(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((schemas_dir() / name / "invalid" / "reasons.yaml").read_text("utf-8"))
    return loaded


def test_no_file_under_schemas_is_without_a_purpose() -> None:
    expected = {Path("kafka-topics.yaml")}
    for name in SCHEMAS:
        expected |= {Path(name, "v1.schema.json"), Path(name, "invalid", "reasons.yaml")}
        expected |= {Path(name, "invalid", each) for each in _reasons(name)}
        expected |= {path.relative_to(schemas_dir()) for path in (schemas_dir() / name / "valid").glob("*.json")}
    assert {path.relative_to(schemas_dir()) for path in schemas_dir().rglob("*") if path.is_file()} == expected


@pytest.mark.parametrize("name", SCHEMAS)
def test_schema_is_sound(name: str) -> None:
    schema = load_schema(name)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == schema_id(name)
    assert laws.unknown_keywords(schema) == []
    assert laws.unportable_patterns(schema) == []
    assert laws.patterns_open_to_line_breaks(schema) == []
    assert laws.dangling_references(schema) == []
    assert laws.missing_descriptions(schema) == []


@pytest.mark.parametrize("name", SCHEMAS)
def test_schema_has_examples_of_both_kinds(name: str) -> None:
    assert list((schemas_dir() / name / "valid").glob("*.json"))
    assert _reasons(name)


@pytest.mark.parametrize(
    ("schema", "broken"),
    [
        ({"properties": {"a": {"typ": "string"}}}, ["/properties/a: typ"]),
        ({"anyOf": [{"require": ["a"]}]}, ["/anyOf/0: require"]),
        ({"$defs": {"x": {"minlength": 1}}}, ["/$defs/x: minlength"]),
        ({"properties": {"typ": {"type": "string"}}}, []),
    ],
)
def test_unknown_keywords_are_found(schema: dict[str, Any], broken: list[str]) -> None:
    assert laws.unknown_keywords(schema) == broken


@pytest.mark.parametrize(("name", "path"), _examples("valid"))
def test_valid_example_passes_both_validators(name: str, path: Path) -> None:
    value = _read(path)
    assert list(violations(name, value)) == []
    assert list(reference_violations(name, value)) == []


@pytest.mark.parametrize(("name", "path"), _examples("invalid"))
def test_invalid_example_fails_at_its_named_place_for_its_named_reason(name: str, path: Path) -> None:
    named = _reasons(name)[path.name]
    value = _read(path)
    for found in (list(violations(name, value)), list(reference_violations(name, value))):
        assert {each.path for each in found} == {tuple(named["path"])}
        assert named["keyword"] in {each.keyword for each in found}


def test_dead_letter_reasons_are_those_of_the_model() -> None:
    assert load_schema("dead-letter")["properties"]["reason"]["enum"] == [reason.value for reason in Reason]
