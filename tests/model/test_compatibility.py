"""The contracts against those of the last release: who reads or writes as that one said goes on doing so."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from newsflow.model.schemas import SCHEMAS, load_schema
from newsflow.resources import schemas_dir
from tests.upgrade.releases import Release, version_01

pytestmark = pytest.mark.contract

READ = ("raw-article",)
"""What others write and we read; all else we write and others read."""
GAINED = {"dead-letter.reason: the value blob-missing, not-an-article is new"}
"""Values that a closed list of what we write has gained since; the changelog tells readers of each."""


@pytest.fixture(scope="module")
def last(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return version_01(tmp_path_factory.mktemp("last"))


def _of(release: Release, name: str) -> dict[str, Any] | None:
    file = release.home / "schemas" / name / "v1.schema.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None


def breaks(old: Mapping[str, Any], new: Mapping[str, Any], *, read: bool) -> Iterator[str]:
    """What a change of a schema takes from others, each in a line. `read`: they write these values."""
    yield from _breaks(old, new, old, new, "", read)


def _breaks(
    old: Any, new: Any, whole_old: Mapping[str, Any], whole_new: Mapping[str, Any], path: str, read: bool
) -> Iterator[str]:
    old, new = _resolved(old, whole_old), _resolved(new, whole_new)
    here = path or "the value"
    # What is taken must not shrink where others write, and what is sent must not grow where they read.
    for what, before, after in (("type", _types(old), _types(new)), ("value", _values(old), _values(new))):
        if before is None and after is None:
            continue
        if read and after is not None and (before is None or not before <= after):
            yield f"{here}: the {what} {_list(before, after)} is no longer taken"
        if not read and before is not None and (after is None or not after <= before):
            yield f"{here}: the {what} {_list(after, before)} is new"
    before, after = set(old.get("required", ())), set(new.get("required", ()))
    yield from (f"{path}.{name}: is required now" for name in sorted(after - before) if read)
    yield from (f"{path}.{name}: may be missing now" for name in sorted(before - after) if not read)
    for name, member in old.get("properties", {}).items():
        if name not in new.get("properties", {}):
            yield f"{path}.{name}: is gone"
        else:
            yield from _breaks(member, new["properties"][name], whole_old, whole_new, f"{path}.{name}", read)
    if "items" in old:
        yield from _breaks(old["items"], new.get("items", {}), whole_old, whole_new, f"{path}[]", read)


def _resolved(schema: Any, whole: Mapping[str, Any]) -> Any:
    while "$ref" in schema:
        schema = whole["$defs"][schema["$ref"].rpartition("/")[2]] | {k: v for k, v in schema.items() if k != "$ref"}
    return schema


def _types(schema: Mapping[str, Any]) -> set[str] | None:
    given = schema.get("type")
    return None if given is None else {given} if isinstance(given, str) else set(given)


def _values(schema: Mapping[str, Any]) -> set[str] | None:
    return set(map(str, schema["enum"])) if "enum" in schema else None


def _list(these: set[str] | None, without: set[str] | None) -> str:
    return "of any kind" if these is None else ", ".join(sorted(these - (without or set())))


def test_nothing_is_taken_from_who_reads_and_writes_as_the_last_release_said(last: Release) -> None:
    found = set()
    for name in SCHEMAS:
        if (old := _of(last, name)) is not None:
            found |= {f"{name}{each}" for each in breaks(old, load_schema(name), read=name in READ)}
    assert found == GAINED
    names = {path.parent.name for path in (last.home / "schemas").glob("*/v1.schema.json")}
    assert names <= set(SCHEMAS), "a schema is gone"


@pytest.mark.parametrize("name", SCHEMAS)
def test_values_of_the_last_release_are_valid_and_ours_are_valid_to_it(last: Release, name: str) -> None:
    old = _of(last, name)
    if old is None:
        return
    theirs, ours = (sorted((place / name / "valid").glob("*.json")) for place in (last.home / "schemas", schemas_dir()))
    assert theirs
    assert ours
    for file in theirs:
        assert _wrong(load_schema(name), file) == [], file.name
    for file in ours if name not in READ else ():
        assert _wrong(old, file) == [], file.name


def _wrong(schema: dict[str, Any], file: Path) -> list[str]:
    checked = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [error.message for error in checked.iter_errors(json.loads(file.read_text(encoding="utf-8")))]


SMALL = {
    "type": "object",
    "required": ["id"],
    "properties": {"id": {"$ref": "#/$defs/id"}, "kinds": {"type": "array", "items": {"enum": ["a", "b"]}}},
    "$defs": {"id": {"type": "string"}},
}


@pytest.mark.parametrize(
    ("change", "read", "said"),
    [
        ({"required": []}, False, [".id: may be missing now"]),
        ({"required": []}, True, []),
        ({"required": ["id", "kinds"]}, True, [".kinds: is required now"]),
        ({"required": ["id", "kinds"]}, False, []),
        ({"$defs": {"id": {"type": ["string", "integer"]}}}, False, [".id: the type integer is new"]),
        ({"$defs": {"id": {"type": ["string", "integer"]}}}, True, []),
        ({"$defs": {"id": {"type": "integer"}}}, True, [".id: the type string is no longer taken"]),
        ({"properties": {"id": {"type": "string"}}}, False, [".kinds: is gone"]),
        ({"properties": SMALL["properties"] | {"more": {"type": "string"}}}, False, []),  # type: ignore[operator]
    ],
)
def test_what_breaks_others(change: dict[str, Any], read: bool, said: list[str]) -> None:
    assert list(breaks(SMALL, SMALL | change, read=read)) == said


@pytest.mark.parametrize(("values", "read", "said"), [
    (["a", "b", "c"], False, [".kinds[]: the value c is new"]),
    (["a", "b", "c"], True, []),
    (["a"], True, [".kinds[]: the value b is no longer taken"]),
    (["a"], False, []),
    (None, False, [".kinds[]: the value of any kind is new"]),
])  # fmt: skip
def test_closed_lists(values: list[str] | None, read: bool, said: list[str]) -> None:
    items = {"enum": values} if values else {}
    changed = {"properties": {"id": {"type": "string"}, "kinds": {"type": "array", "items": items}}}
    assert list(breaks(SMALL, SMALL | changed, read=read)) == said
