"""One reader: what YAML means is the same in configuration, routes, source profiles, topic rules and Kafka topics."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from newsflow.config.load import load_config
from newsflow.errors import ConfigError
from newsflow.model.topics import declared_templates
from newsflow.normalise import load_profiles
from newsflow.routing import load_routes
from newsflow.tagging import read_rules
from newsflow.yamlfile import MAX_FILE_BYTES, parse_yaml, read_documents

KINDS: dict[str, Callable[[Path], object]] = {
    "configuration": lambda path: load_config(path, {}),
    "routes": lambda path: load_routes([path]),
    "profiles": load_profiles,
    "rules": lambda path: read_rules([path]),
    "kafka-topics": declared_templates,
}
BOMB = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("x: 1\ny: 2\nx: 3\n", 3, "the key 'x' stands twice, first on line 1; accepted: each key once"),
        ("x:\n  - {y: 1,\n     y: 2}\n", 3, "x[0]: the key 'y' stands twice, first on line 2"),
        (BOMB, 2, "aliases (*a) are not accepted; write the value out"),
        ("x: &x {y: 1}\nz: *x\n", 2, "aliases (*x) are not accepted"),
        ("x: 1\ny: 010\n", 2, "y: 010 could be read as decimal or as octal; accepted: the number without the zero"),
        ("x: [.inf]\n", 1, "x[0]: .inf is not a finite number"),
        ("x: -.INF\n", 1, "is not a finite number"),
        ("x: .nan\n", 1, "is not a finite number"),
        ("x: 1e999\n", 1, "is not a finite number"),
        ("x: " + "9" * 5_000 + "\n", 1, "has too many digits; accepted: numbers of up to 18"),
        ("x:\n\ty: 1\n", 2, "; indent by spaces, not by tabs"),
        ("x: 1\ny: !shout a\n", 2, "y: the tag !shout is not accepted here; accepted: no tag, !!str or !ref"),
        ("x: !!python/object:os.system a\n", 1, "the tag !!python/object:os.system is not accepted"),
        ("x: !ref [a]\n", 1, "the tag !ref is not accepted here"),
        ("? [a, b]\n: 1\n", 1, "not accepted as a key; accepted: a text"),
        ("[" * 100_000, 1, "nest too deeply; accepted: 100 levels"),
        ("x: 1\ny: \x07\n", 2, "is not valid YAML: "),
        ("x: [\n", 2, "is not valid YAML"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else None,
)
def test_what_no_file_may_hold(tmp_path: Path, kind: str, text: str, line: int, said: str) -> None:
    path = tmp_path / "file.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        KINDS[kind](path)
    assert said in str(caught.value)
    assert (caught.value.file, caught.value.line) == (str(path), line)


@pytest.mark.parametrize("kind", KINDS)
def test_files_that_are_not_read_at_all(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "file.yaml"
    path.write_bytes(b"x: caf\xe9\n")
    with pytest.raises(ConfigError, match=r"file\.yaml: is not UTF-8 at byte 6; save it as UTF-8"):
        KINDS[kind](path)
    os.truncate(path, MAX_FILE_BYTES + 1)
    with pytest.raises(ConfigError, match=r"file\.yaml: has 67,108,865 bytes; accepted: up to 67,108,864"):
        KINDS[kind](path)


@pytest.mark.parametrize("kind", ["configuration", "routes", "profiles", "kafka-topics"])
def test_only_a_file_of_rules_holds_several_documents(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "file.yaml"
    path.write_text("x: 1\n---\ny: 1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"file\.yaml:3: a second document .* accepted: one a file"):
        KINDS[kind](path)
    assert [document.value for document in read_documents(path)] == [{"x": 1}, {"y": 1}]


@pytest.mark.parametrize("text", ["", "# nothing but a remark\n", "\ufeff"])
def test_an_empty_file_says_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "file.yaml"
    path.write_text(text, encoding="utf-8")
    assert load_config(path, {}).config == load_config(None, {}).config
    assert load_profiles(path) == {}
    assert read_rules([path]) == []
    # These two must at least name their version.
    for kind in ("routes", "kafka-topics"):
        with pytest.raises(ConfigError, match=r"file\.yaml: nothing stands here; accepted: a mapping"):
            KINDS[kind](path)


def test_norwegian_is_a_language_in_every_file(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text("version: 1\nroutes: [{id: a, match: {languages: [no]}}]\n", encoding="utf-8")
    assert load_routes([path]).routes[0].match.languages == ("no",)
    path.write_text("id: a\nlanguages: [no]\n", encoding="utf-8")
    assert load_profiles(path)["a"].languages == ("no",)
    path.write_text("id: a\nlanguages: [no]\nterms: {no: [havn]}\n", encoding="utf-8")
    (rule,) = read_rules([path])
    assert (rule.languages, rule.terms[0].language) == (("no",), "no")
    path.write_text("job: no\n", encoding="utf-8")
    assert load_config(path, {}).config.job == "no"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[no, No, yes, on, off, y, n]", ["no", "No", "yes", "on", "off", "y", "n"]),
        ("[true, True, TRUE, false, False, FALSE, tRUE]", [True, True, True, False, False, False, "tRUE"]),
        ("{a: , b: ~, c: null, d: ''}", {"a": None, "b": None, "c": None, "d": ""}),
        ("[22:00, 07:00, 1:30:00]", ["22:00", "07:00", "1:30:00"]),
        ("[0, 10, -3, +4, 0o17, 0x1F]", [0, 10, -3, 4, 15, 31]),
        ("[1_000, 0b11, -0o17]", ["1_000", "0b11", "-0o17"]),
        ("[1e3, 1.5, .5, 2., -1.5E-1, 00.5]", [1000.0, 1.5, 0.5, 2.0, -0.15, 0.5]),
        ("[2024-01-31, 2024-01-31T10:00:00Z]", ["2024-01-31", "2024-01-31T10:00:00Z"]),
        ("['010', \"010\", !!str 010, 0.1.0, +, .]", ["010", "010", "010", "0.1.0", "+", "."]),
        ("{no: 1, 010: 2, ~: 3, 1.0: 4}", {"no": 1, "010": 2, "~": 3, "1.0": 4}),
        ("<<: {a: 1}", {"<<": {"a": 1}}),
        ("!ref countries/SY", {"!ref": "countries/SY"}),
        ("&a [b]", ["b"]),
        ("%YAML 1.1\n---\n[no]", ["no"]),
    ],
)
def test_the_core_schema_of_yaml_1_2(text: str, value: Any) -> None:
    found = parse_yaml(text, "file.yaml").value
    assert found == value
    assert repr(found) == repr(value)


def test_a_whole_number_is_asked_for_where_things_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text("limits: {attempts: 1e3}\n", encoding="utf-8")
    with pytest.raises(
        ConfigError, match=r"limits\.attempts: 1000\.0 is a number with a point; accepted: a whole number"
    ):
        load_config(path, {})


def test_a_number_with_a_fraction_is_no_term(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text("id: a\nterms:\n  en:\n    - 2024\n    - 1.50\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"file\.yaml:5: terms\.en\[1\]: 1\.5 is not a term; accepted: a text"):
        read_rules([path])


def test_a_section_may_be_empty(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text("kafka: {}\nstores: {}\n", encoding="utf-8")
    assert load_config(path, {}).config == load_config(None, {}).config
