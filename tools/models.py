"""Writes the typed models of values for subscribers, from schemas/: `python -m tools.models [LANGUAGE …]`.

Needs npm, and a Python that may install packages: the generators come from their registries, in a folder of their own
(NEWSFLOW_GENERATORS, else one that is removed afterwards). Every generated file names the schemas it was made from.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

from newsflow.model.schemas import load_schema

TYPED = Path(__file__).resolve().parents[1] / "docs" / "how-to" / "consumers" / "typed"
SCHEMAS = ("alert", "article", "burst", "claim", "duplicate", "raw-article", "story", "trend")
"""What subscribers read, and what producers write."""
QUICKTYPE = "quicktype@26.0.0"
DATAMODEL_CODE_GENERATOR = "datamodel-code-generator==0.89.0"
_BEYOND_TYPES = ("$schema", "$id", "anyOf", "oneOf", "not", "if", "then", "else", "format", "pattern")
"""What values must be beyond their types, such as that one of two members is there: the schemas say it."""
_COMMENT = {".py": "#", ".go": "//", ".ts": "//", ".java": "//"}


def digest() -> str:
    """Of the schemas: which ones a generated file was made from."""
    made = json.dumps([load_schema(name) for name in SCHEMAS], sort_keys=True).encode()
    return hashlib.sha256(made).hexdigest()[:16]


def plain(name: str, *, loose: bool = False) -> dict[str, Any]:
    """A schema reduced to what types can say; its definitions have names that go by the schema's. `loose`: a member of
    one of several texts is a text, as is one of several types."""
    schema = load_schema(name)
    simple = {key: each for key, each in schema["$defs"].items() if "properties" not in each}

    def reduce(value: Any) -> Any:
        if isinstance(value, list):
            return [reduce(each) for each in value]
        if not isinstance(value, dict):
            return value
        target = value.get("$ref", "").rpartition("/")[2] if isinstance(value.get("$ref"), str) else ""
        if target in simple:
            return reduce({**simple[target], **{key: each for key, each in value.items() if key != "$ref"}})
        made = {key: reduce(each) for key, each in value.items() if key not in (*_BEYOND_TYPES, "properties")}
        if "properties" in value:
            made["properties"] = {member: reduce(each) for member, each in value["properties"].items()}
        types = made.get("type")
        if loose and ("enum" in made or (isinstance(types, list) and len({*types} - {"null"}) > 1)):
            nullable = None in made.pop("enum", ()) or "null" in (types or ())
            made["type"] = ["string", "null"] if nullable else "string"
        return made

    reduced: dict[str, Any] = reduce({key: value for key, value in schema.items() if key != "$defs"})
    reduced["title"] = _camel(name)
    reduced["$defs"] = {
        key: {**reduce(each), "title": _camel(f"{name}-{key}")}
        for key, each in schema["$defs"].items()
        if key not in simple
    }
    return reduced


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.replace("_", "-").split("-"))


class Generators:
    """The generators, fetched when they are first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def quicktype(self, language: str, target: Path, *options: str, loose: bool = False) -> None:
        program = self._folder / "node_modules" / ".bin" / "quicktype"
        if not program.exists():
            _do(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", self._folder, QUICKTYPE])
        files = self._inputs(loose=loose)
        _do([program, "--src-lang", "schema", *files, "--lang", language, *options, "--out", target])

    def datamodel_code_generator(self, target: Path, *options: str) -> None:
        program = self._folder / "venv" / "bin" / "datamodel-codegen"
        if not program.exists():
            venv.create(self._folder / "venv", with_pip=True)
            _do([program.with_name("pip"), "install", "--quiet", DATAMODEL_CODE_GENERATOR])
        whole: dict[str, Any] = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": {}}
        for name in SCHEMAS:
            schema = plain(name)
            parts = {each["title"]: each for each in schema.pop("$defs").values()} | {schema["title"]: schema}
            whole["$defs"] |= {key: _with_refs(each, name) for key, each in parts.items()}
        file = self._folder / "values.json"
        file.write_text(json.dumps(whole))
        _do([program, "--input", file, "--input-file-type", "jsonschema", "--output", target, *options])

    def _inputs(self, *, loose: bool) -> list[Path]:
        folder = self._folder / "schemas"
        folder.mkdir(parents=True, exist_ok=True)
        made = []
        for name in SCHEMAS:
            file = folder / f"{_camel(name)}.json"
            file.write_text(json.dumps(plain(name, loose=loose)))
            made.append(file)
        return made


def _with_refs(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        if isinstance(target := value.get("$ref"), str):
            return value | {"$ref": "#/$defs/" + _camel(f"{name}-{target.rpartition('/')[2]}")}
        return {key: _with_refs(each, name) for key, each in value.items()}
    return [_with_refs(each, name) for each in value] if isinstance(value, list) else value


def _do(words: list[str | Path]) -> None:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{words[0]}: {done.stderr[-2000:]}")


def python(generators: Generators, folder: Path) -> None:
    options = ["--output-model-type", "typing.TypedDict", "--target-python-version", "3.11", "--use-title-as-name"]
    options += ["--disable-timestamp", "--formatters", "builtin", "--use-schema-description"]
    options += ["--enum-field-as-literal", "all"]
    generators.datamodel_code_generator(folder / "newsflow_models.py", *options)


def typescript(generators: Generators, folder: Path) -> None:
    generators.quicktype("typescript", folder / "newsflow.ts", "--just-types")


def go(generators: Generators, folder: Path) -> None:
    generators.quicktype("go", folder / "models.go", "--just-types-and-package", "--package", "main")


def java(generators: Generators, folder: Path) -> None:
    """An enum of Java could not take a value that is new, and Jackson no class for one of two types: they are texts."""
    options = ["--just-types", "--array-type", "list", "--acronym-style", "camel", "--package", "example.newsflow"]
    generators.quicktype("java", folder / "any.java", *options, loose=True)


LANGUAGES: dict[str, tuple[str, Callable[[Generators, Path], None]]] = {
    "python": ("python", python),
    "typescript": ("typescript", typescript),
    "go": ("go", go),
    "java": ("java/example/newsflow", java),
}
"""The folder of each language's models, and what writes them there."""


def write(language: str, generators: Generators, typed: Path) -> None:
    """Write the models of a language below `typed`."""
    place, make = LANGUAGES[language]
    folder = typed / place
    with tempfile.TemporaryDirectory() as made:
        make(generators, Path(made))
        folder.mkdir(parents=True, exist_ok=True)
        for file in sorted(Path(made).iterdir()):
            mark = _COMMENT[file.suffix]
            note = f"{mark} Written by tools/models.py from schemas/ ({digest()}). Change nothing here.\n"
            lines = (line.rstrip() for line in file.read_text(encoding="utf-8").splitlines())
            (folder / file.name).write_text(note + "\n".join(lines) + "\n", encoding="utf-8")


def main(languages: list[str], typed: Path = TYPED) -> None:
    """Write the models of these languages, or of all."""
    given = os.environ.get("NEWSFLOW_GENERATORS")
    folder = Path(given or tempfile.mkdtemp())
    try:
        for language in languages or LANGUAGES:
            write(language, Generators(folder), typed)
    finally:
        if given is None:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main(sys.argv[1:])
