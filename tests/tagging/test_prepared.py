"""Compiled rules kept in the user's cache: what is read back is the same, and nothing else is ever taken for it."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from newsflow.errors import ConfigError
from newsflow.kept import digest_of
from newsflow.model import Article
from newsflow.tagging import RuleSet, load_rules, prepared, read_rules
from newsflow.tagging import ruleset as ruleset_module
from newsflow.tagging.compile import Tables, compile_rules
from newsflow.tagging.rule import Rule, Term
from tests.tagging.tagging_articles import make_article

RULE = """id: {id}
names: {{en: {id}}}
terms: {{en: [{word}]}}
"""
OTHER_MOMENT = 1_600_000_000


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(prepared, "_LEAST_ENTRIES", 1)
    return tmp_path / "cache" / "newsflow" / "rules"


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rules were compiled, each time."""
    seen: list[int] = []

    def counted(rules: Iterable[Rule]) -> Tables:
        items = list(rules)
        seen.append(len(items))
        return compile_rules(items)

    monkeypatch.setattr(ruleset_module, "compile_rules", counted)
    return seen


@pytest.fixture
def rule_file(tmp_path: Path) -> Path:
    file = tmp_path / "rules" / "dam.yaml"
    file.parent.mkdir()
    file.write_text(RULE.format(id="dam", word="reservoir"))
    return file


def topics(rules: RuleSet, article: Article) -> list[tuple[str, float]]:
    return [(topic.id, topic.score) for topic in rules.tag(article).topics]


def the_file(cache: Path) -> Path:
    (file,) = cache.iterdir()
    return file


def test_the_shipped_rules_read_back_tag_alike(shipped: RuleSet) -> None:
    compiled = shipped
    prepared.keep_tables("shipped", compiled.tables)
    tables = prepared.read_tables("shipped")
    assert tables is not None
    kept = RuleSet(tables)
    assert kept.version == compiled.version
    assert kept.rules == compiled.rules
    assert [item.version for item in kept.tables.rules] == [item.version for item in compiled.tables.rules]
    text = make_article("Syria", "Damascus and Moscow spoke of Syria, said Syria's minister.")
    assert kept.match(text) == compiled.match(text) != []
    assert kept.rule("syria") == compiled.rule("syria")


def test_rules_are_compiled_once(rule_file: Path, compilations: list[int]) -> None:
    assert load_rules(rule_file).version == load_rules(rule_file).version
    assert compilations == [1]


def test_a_changed_file_is_compiled(rule_file: Path) -> None:
    text = make_article("", "Reservoir full. The reservoir is full; no aqueduct leads from this reservoir.")
    assert [name for name, _ in topics(load_rules(rule_file), text)] == ["dam"]
    state = rule_file.stat()
    rule_file.write_text(RULE.format(id="dam", word="aqueducts"))
    os.utime(rule_file, ns=(state.st_atime_ns, state.st_mtime_ns))  # neither size nor time tell
    assert topics(load_rules(rule_file), text) == []


def test_a_file_that_changes_while_it_is_compiled_is_not_kept(
    rule_file: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changed_behind(paths: Iterable[Path], *, later_replaces: bool) -> list[Rule]:
        rules = read_rules(paths, later_replaces=later_replaces)
        rule_file.write_text(RULE.format(id="dam", word="weir"))
        return rules

    monkeypatch.setattr(ruleset_module, "read_rules", changed_behind)
    load_rules(rule_file)
    assert not cache.exists()


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flipped(content: bytes) -> bytes:
    place = len(content) - 40
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


@pytest.mark.parametrize("damage", [cut, flipped, lambda _: b"", lambda content: content + b"more"])
def test_a_damaged_file_is_compiled_and_written_again(
    rule_file: Path, cache: Path, compilations: list[int], damage: Callable[[bytes], bytes]
) -> None:
    load_rules(rule_file)
    good = the_file(cache).read_bytes()
    the_file(cache).write_bytes(damage(good))
    assert load_rules(rule_file).rules[0].id == "dam"
    assert compilations == [1, 1]
    assert the_file(cache).read_bytes() == good


def test_a_file_of_other_rules_is_not_taken_for_these(rule_file: Path, cache: Path) -> None:
    load_rules(rule_file)
    foreign = the_file(cache).read_bytes()
    rule_file.write_text(RULE.format(id="mill", word="windmill"))
    load_rules(rule_file)
    for file in cache.iterdir():
        file.write_bytes(foreign)
    assert load_rules(rule_file).rules[0].id == "mill"


def test_a_rule_file_that_cannot_be_read_is_said_as_such(
    rule_file: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_rules(rule_file)
    monkeypatch.setattr(ruleset_module, "rule_files", lambda _: [rule_file.with_name("gone.yaml")])
    assert load_rules(rule_file).rules[0].id == "dam", "looked for once more, by who reads the rules"
    rule_file.unlink()
    with pytest.raises(ConfigError, match="no such rule file"):
        load_rules(rule_file)
    assert len(list(cache.iterdir())) == 1, "nothing is kept under the name of what could not be read"


class Evil:
    """What a pickle could do."""

    def __init__(self, call: Callable[..., object], *args: object) -> None:
        self.call, self.args = call, args

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.call, self.args


def test_a_file_that_would_run_something_runs_nothing(rule_file: Path, cache: Path, tmp_path: Path) -> None:
    load_rules(rule_file)
    file, mark = the_file(cache), tmp_path / "was-here"
    for call, *args in ((os.mkdir, str(mark)), (eval, f"__import__('os').mkdir({str(mark)!r})")):
        content = pickle.dumps(Evil(call, *args), protocol=5)
        file.write_bytes(digest_of(file.stem, [content]) + content)
        assert load_rules(rule_file).rules[0].id == "dam"
        assert not mark.exists()
        content = pickle.dumps([Term("x")], protocol=5)  # allowed, but not tables
        file.write_bytes(digest_of(file.stem, [content]) + content)
        assert load_rules(rule_file).rules[0].id == "dam"


def test_a_file_that_others_may_write_is_not_read(rule_file: Path, cache: Path, compilations: list[int]) -> None:
    load_rules(rule_file)
    the_file(cache).chmod(0o666)
    load_rules(rule_file)
    assert compilations == [1, 1]
    load_rules(rule_file)
    assert compilations == [1, 1], "it was written again, as one's own"


@pytest.mark.parametrize("place", ["a file", "not/absolute"])
def test_without_a_cache_everything_compiles(
    rule_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    (tmp_path / "a file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / place) if place == "a file" else place)
    monkeypatch.setenv("HOME", str(tmp_path / "a file"))
    assert load_rules(rule_file).rules[0].id == "dam"


def test_the_files_used_least_lately_are_removed(rule_file: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "_KEPT", 2)
    names: list[str] = []
    for number, word in enumerate(("weir", "sluice", "lock")):
        rule_file.write_text(RULE.format(id="dam", word=word))
        load_rules(rule_file)
        new = next(path for path in cache.iterdir() if path.name not in names)
        names.append(new.name)
        os.utime(new, (OTHER_MOMENT + number, OTHER_MOMENT + number))
        rule_file.write_text(RULE.format(id="dam", word="weir"))
        load_rules(rule_file)  # used: it outlives the younger
    assert {path.name for path in cache.iterdir()} == {names[0], names[2]}


def test_rules_over_others_are_not_taken_for_rules_beside_others(rule_file: Path, tmp_path: Path) -> None:
    later = tmp_path / "later.yaml"
    later.write_text(RULE.format(id="dam", word="weir"))
    for _ in range(2):
        [rule] = load_rules([rule_file, later], later_replaces=True).rules
        assert rule.file == str(later)
    with pytest.raises(ConfigError, match="the id 'dam' is taken"):
        load_rules([rule_file, later])


def test_small_sets_are_not_kept(rule_file: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache.parents[1]))
    load_rules(rule_file)
    assert not cache.exists()


def test_many_at_once_and_killed_leave_a_whole_file(rule_file: Path, cache: Path) -> None:
    script = (
        "import sys; from newsflow.tagging import load_rules, prepared; prepared._LEAST_ENTRIES = 1;"
        "print(load_rules(sys.argv[1]).version)"
    )
    command = [sys.executable, "-c", script, str(rule_file)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    started[0].kill()
    _, *said = [process.communicate()[0].strip() for process in started]
    assert set(said) == {load_rules(rule_file).version}
    assert [path.suffix for path in cache.iterdir() if not path.name.startswith(".")] == [".rules"]
