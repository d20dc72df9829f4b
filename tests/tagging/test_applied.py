"""Rules applied over those in force, kept with their history, and taken back; jobs look on all the while."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from newsflow.errors import ConfigError, UsageError
from newsflow.tagging import RuleSource, load, load_rules, read_rules
from newsflow.tagging.applied import (
    CONFIGURED,
    Entry,
    carry_out,
    history,
    in_force,
    plan_apply,
    plan_rollback,
    state_to_restore,
    version_of,
)
from newsflow.tagging.ruleset import POINTER_NAME

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BASE = "id: veld\nany: [Veld]\n---\nid: marn\nany: [Marn]\n"


class Desk:
    """Somebody who applies rules, and a job that looks at them."""

    def __init__(self, folder: Path) -> None:
        self.files, self.folder = folder, folder / "state"
        self.configured = (self.file("base.yaml", BASE),)
        self.source = RuleSource(self.configured, self.folder / POINTER_NAME)

    def file(self, name: str, text: str) -> Path:
        path = self.files / name
        path.write_text(text, encoding="utf-8")
        return path

    def apply(self, *paths: Path | str, replace: bool = False) -> Entry:
        plan = plan_apply(in_force(self.folder, self.configured), paths, replace=replace)
        return carry_out(plan, self.folder, at=NOON, by="ana@desk", release="0.2.0")

    def roll_back(self, version: str | None = None) -> Entry:
        plan = plan_rollback(in_force(self.folder, self.configured), state_to_restore(self.folder, version))
        return carry_out(plan, self.folder, at=NOON, by="ben@desk", release="0.2.0")

    def ids(self) -> set[str]:
        """What a job tags with that starts now; one that runs must have the same."""
        rules = RuleSource(self.configured, self.folder / POINTER_NAME).current()
        assert self.source.current().version == rules.version
        assert version_of(in_force(self.folder, self.configured).rules()) == rules.version
        return {rule.id for rule in rules.rules}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_applied_rules_are_added_and_replace_their_equals(desk: Desk) -> None:
    assert desk.ids() == {"veld", "marn"}
    before = desk.source.current()
    entry = desk.apply(desk.file("new.yaml", "id: veld\nany: [Veld, Veldar]\n---\nid: wheat\nany: [wheat]\n"))
    assert (entry.added, entry.replaced, entry.removed) == (("wheat",), ("veld",), ())
    assert desk.ids() == {"veld", "marn", "wheat"}
    after = desk.source.current()
    assert (entry.version, entry.number) == (after.version, 1)
    versions = [{rule.id: rule.version() for rule in each.rules} for each in (before, after)]
    assert versions[0]["marn"] == versions[1]["marn"]
    assert versions[0]["veld"] != versions[1]["veld"]


def test_replace_lets_nothing_else_be_in_force(desk: Desk) -> None:
    entry = desk.apply(desk.file("new.yaml", "id: wheat\nany: [wheat]\n"), replace=True)
    assert (entry.added, entry.removed) == (("wheat",), ("marn", "veld"))
    assert desk.ids() == {"wheat"}


def test_what_is_replaced_whole_is_not_kept(desk: Desk) -> None:
    for number in range(5):
        desk.apply(desk.file("new.yaml", f"id: wheat\nany: [wheat{number}]\n"))
    [current] = [path for path in desk.folder.iterdir() if path.name.startswith("000005-")]
    assert sorted(path.name for path in current.rglob("*.yaml")) == ["base.yaml", "new.yaml"]
    assert "wheat4" in next(current.rglob("new.yaml")).read_text(encoding="utf-8")


def test_equal_ids_among_what_is_given_must_say_so(desk: Desk) -> None:
    one, two = desk.file("one.yaml", "id: veld\nany: [a]\n"), desk.file("two.yaml", "id: veld\nany: [b]\n")
    with pytest.raises(ConfigError, match=r"two\.yaml:1: id: the id 'veld' is taken by .*one\.yaml:1"):
        desk.apply(one, two)
    assert list(history(desk.folder)) == []
    desk.file("two.yaml", "id: veld\nany: [b]\noverride: true\n")
    desk.apply(one, two)
    assert desk.ids() == {"veld", "marn"}


def test_references_reach_rules_that_are_in_force(desk: Desk) -> None:
    desk.apply(desk.file("words.yaml", "id: grain\nabstract: true\nterms: [{term: wheat, weight: 5}]\n"))
    desk.apply(desk.file("new.yaml", "id: crops\ninclude: [grain]\n"))
    assert desk.ids() == {"veld", "marn", "crops"}
    first = desk.source.current().version
    desk.apply(desk.file("words.yaml", "id: grain\nabstract: true\nterms: [{term: barley, weight: 5}]\n"))
    assert desk.source.current().version != first


FEW = "id: syria\nany: [Syria]\n---\nid: chad\nany: [Chad]\n"


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A release that ships two rules, in a file that an upgrade may change."""
    folder = tmp_path / "release"
    folder.mkdir()
    (folder / "rules.yaml").write_text(FEW, encoding="utf-8")
    monkeypatch.setattr("newsflow.tagging.load.shipped_rules_path", lambda: folder)
    monkeypatch.setattr("newsflow.tagging.applied.shipped_rules_path", lambda: folder)
    monkeypatch.setattr("newsflow.tagging.load._shipped_file", load._read)
    load.shipped_catalogue.cache_clear()
    yield folder
    load.shipped_catalogue.cache_clear()


@pytest.mark.usefixtures("release")
def test_the_shipped_rules_are_named_and_not_copied(desk: Desk) -> None:
    desk.configured = (Path("shipped"),)
    desk.source = RuleSource(desk.configured, desk.folder / POINTER_NAME)
    entry = desk.apply(desk.file("new.yaml", "id: syria\nany: [Veld]\n---\nid: wheat\nany: [wheat]\n"))
    assert (entry.added, entry.replaced) == (("wheat",), ("syria",))
    assert entry.paths[0] == "shipped"
    assert [path.name for path in desk.folder.rglob("*.yaml")] == ["new.yaml"]
    assert in_force(desk.folder, ()).pointer.follows_release
    assert desk.ids() == {"syria", "chad", "wheat"}
    again = desk.apply("shipped")
    assert (again.replaced, again.removed) == (("syria",), ()), "the shipped rules replace their equals too"


def test_after_an_upgrade_the_newer_shipped_rules_are_in_force(
    desk: Desk, release: Path, caplog: pytest.LogCaptureFixture
) -> None:
    entry = desk.apply("shipped", desk.file("new.yaml", "id: wheat\nany: [wheat]\n"), replace=True)
    assert desk.ids() == {"syria", "chad", "wheat"}
    assert caplog.records == [], "as it was applied"
    (release / "rules.yaml").write_text(FEW + "---\nid: togo\nany: [Togo]\n", encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        newer = RuleSource(desk.configured, desk.folder / POINTER_NAME).current()
    assert {rule.id for rule in newer.rules} == {"syria", "chad", "wheat", "togo"}
    assert newer.version != entry.version
    assert f"topic rules {newer.version} are in force, applied as {entry.version}" in caplog.text
    again = desk.apply("shipped")
    assert again.version == newer.version
    caplog.clear()
    RuleSource(desk.configured, desk.folder / POINTER_NAME).current()
    assert caplog.records == []


@pytest.mark.usefixtures("release")
def test_a_copy_of_the_first_release_goes_on_and_may_follow_the_release(desk: Desk) -> None:
    copy = desk.folder / "0123456789ab" / "00000" / "rules"
    copy.mkdir(parents=True)
    (copy / "rules.yaml").write_text("id: syria\nany: [old Syria]\n---\nid: chad\nany: [Chad]\n", encoding="utf-8")
    (copy.parents[1] / "00001" / "my").mkdir(parents=True)
    (copy.parents[1] / "00001" / "my" / "my.yaml").write_text(BASE, encoding="utf-8")
    pointer = {"version": "0123456789ab", "paths": ["0123456789ab"]}
    (desk.folder / POINTER_NAME).write_text(json.dumps(pointer), encoding="utf-8")
    assert desk.ids() == {"syria", "chad", "veld", "marn"}
    [first] = history(desk.folder)
    assert (first.number, first.version, first.by, first.release) == (0, "0123456789ab", "", "0.1")
    added = desk.apply(desk.file("new.yaml", "id: wheat\nany: [wheat]\n"))
    assert (added.added, added.replaced, added.removed) == (("wheat",), (), ())
    assert desk.ids() == {"syria", "chad", "veld", "marn", "wheat"}
    assert not in_force(desk.folder, ()).pointer.follows_release
    followed = desk.apply("shipped")
    assert (followed.added, followed.replaced, followed.removed) == ((), ("syria",), ())
    assert sorted(path.name for path in (desk.folder / f"000002-{followed.version}").rglob("*.yaml")) == [
        "my.yaml",
        "new.yaml",
    ]
    assert [entry.version for entry in history(desk.folder)] == [followed.version, added.version, "0123456789ab"]
    desk.roll_back("0123")
    assert desk.ids() == {"syria", "chad", "veld", "marn"}


@pytest.mark.usefixtures("release")
def test_shipped_stands_wherever_rules_are_read(desk: Desk) -> None:
    assert {rule.id for rule in read_rules(["shipped", desk.configured[0]])} == {"syria", "chad", "veld", "marn"}
    with pytest.raises(ConfigError, match="the id 'syria' is taken by"):
        read_rules(["shipped", desk.file("own.yaml", "id: syria\nany: [x]\n")])
    assert {rule.id for rule in RuleSource(["shipped"]).current().rules} == {"syria", "chad"}


def test_rules_are_rolled_back_to_any_version_and_to_none(desk: Desk) -> None:
    with pytest.raises(UsageError, match="nothing to go back to"):
        state_to_restore(desk.folder, None)
    one = desk.apply(desk.file("new.yaml", "id: wheat\nany: [wheat]\n"))
    with pytest.raises(UsageError, match="'zz' names no versions of the history; it has"):
        state_to_restore(desk.folder, "zz")
    two = desk.apply(desk.file("new.yaml", "id: oats\nany: [oats]\n"))
    desk.apply(desk.file("new.yaml", "id: oats\nany: [oats]\n"))
    assert desk.roll_back().version == one.version, "the last change, not the last time"
    assert desk.ids() == {"veld", "marn", "wheat"}
    assert desk.roll_back().version == two.version, "which undoes the first"
    assert desk.ids() == {"veld", "marn", "wheat", "oats"}
    back = desk.roll_back(CONFIGURED)
    assert back.removed == ("oats", "wheat")
    assert desk.ids() == {"veld", "marn"}
    desk.file("base.yaml", BASE + "---\nid: barley\nany: [barley]\n")
    assert desk.ids() == {"veld", "marn", "barley"}, "the configured files are followed again"
    assert desk.roll_back(one.version[:6]).version == one.version
    listed = list(history(desk.folder))
    assert [entry.number for entry in listed] == [7, 6, 5, 4, 3, 2, 1]
    assert [entry.action for entry in listed] == ["rollback"] * 4 + ["apply"] * 3
    assert (listed[-1].by, listed[-1].at, listed[-1].given) == (
        "ana@desk",
        "2026-03-01T12:00:00+00:00",
        (str(desk.files / "new.yaml"),),
    )


def test_broken_rules_in_force_are_replaced_or_rolled_back_and_never_added_to(desk: Desk) -> None:
    good = desk.apply(desk.file("new.yaml", "id: wheat\nany: [wheat]\n"))
    bad = desk.apply(desk.file("new.yaml", "id: oats\nany: [oats]\n"))
    next((desk.folder / f"000002-{bad.version}").rglob("new.yaml")).write_text("id: [", encoding="utf-8")
    wheat = desk.file("wheat.yaml", "id: wheat\nany: [wheat]\n")
    with pytest.raises(ConfigError, match="the rules in force do not load"):
        desk.apply(wheat)
    before = in_force(desk.folder, desk.configured)
    assert "new.yaml" in plan_apply(before, [wheat], replace=True).unreadable
    assert desk.roll_back().version == good.version


@pytest.mark.parametrize(
    "pointer",
    [
        "",
        "[]",
        "7",
        "{}",
        '{"paths": 7}',
        '{"paths": [7]}',
        '{"paths": {"a": 1}, "entry": "../x"}',
        "[" * 100_000,
        '{"version": "x", "paths": ["gone"], "entry": "../../etc"}',
    ],
)
def test_a_pointer_that_is_not_one_is_refused(desk: Desk, pointer: str) -> None:
    desk.folder.mkdir()
    (desk.folder / POINTER_NAME).write_text(pointer, encoding="utf-8")
    with pytest.raises(ConfigError):
        RuleSource(desk.configured, desk.folder / POINTER_NAME).current()
    with pytest.raises(ConfigError):
        desk.apply(desk.configured[0])
    with pytest.raises(ConfigError):
        list(history(desk.folder))
    assert (desk.folder / POINTER_NAME).read_text(encoding="utf-8") == pointer


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"number": 1}', "null"])
def test_an_entry_that_is_not_one_is_refused_and_jobs_go_on(desk: Desk, text: str) -> None:
    entry = desk.apply(desk.file("new.yaml", "id: wheat\nany: [wheat]\n"))
    (desk.folder / f"000001-{entry.version}" / "entry.json").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"entry\.json: not an entry"):
        list(history(desk.folder))
    assert desk.ids() == {"veld", "marn", "wheat"}


def test_a_history_in_a_circle_ends(desk: Desk) -> None:
    entry = desk.apply(desk.configured[0])
    file = desk.folder / f"000001-{entry.version}" / "entry.json"
    value = json.loads(file.read_text(encoding="utf-8"))
    value["before"] = json.loads((desk.folder / POINTER_NAME).read_text(encoding="utf-8"))
    file.write_text(json.dumps(value), encoding="utf-8")
    with pytest.raises(ConfigError, match="in a circle"):
        list(history(desk.folder))


def test_entries_that_were_removed_end_the_history(desk: Desk) -> None:
    first = desk.apply(desk.file("new.yaml", "id: wheat\nany: [wheat]\n"))
    desk.apply(desk.file("new.yaml", "id: oats\nany: [oats]\n"))
    (desk.folder / f"000001-{first.version}" / "entry.json").unlink()
    assert [entry.number for entry in history(desk.folder)] == [2]


def test_two_who_apply_at_once_do_not_lose_each_others_rules(desk: Desk) -> None:
    plan = plan_apply(in_force(desk.folder, desk.configured), [desk.file("a.yaml", "id: wheat\nany: [wheat]\n")])
    desk.apply(desk.file("b.yaml", "id: oats\nany: [oats]\n"))
    with pytest.raises(ConfigError, match="applied meanwhile"):
        carry_out(plan, desk.folder, at=NOON, by="ana@desk", release="0.2.0")
    assert desk.ids() == {"veld", "marn", "oats"}


def test_a_job_sees_each_set_whole_while_others_apply_and_roll_back(desk: Desk) -> None:
    seen: set[str] = set()
    stop = threading.Event()

    def run_job() -> None:
        while not stop.is_set():
            seen.add(desk.source.current().version)

    job = threading.Thread(target=run_job)
    expected = {load_rules(list(desk.configured)).version}
    job.start()
    try:
        for number in range(12):
            expected.add(desk.apply(desk.file("new.yaml", f"id: t{number}\nany: [wheat]\n")).version)
            expected.add(desk.roll_back().version)
    finally:
        stop.set()
        job.join()
    assert seen <= expected
    assert len(seen) > 1
    assert desk.source.current().version == next(history(desk.folder)).version


KILLED = """
import os, pathlib, shutil, signal, sys
from datetime import datetime, UTC
from newsflow.tagging import applied

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

owner, name = {"copy": (shutil, "copyfile"), "rename": (pathlib.Path, "rename"), "point": (pathlib.Path, "replace")}[
    sys.argv[1]
]
folder, base, new = map(pathlib.Path, sys.argv[2:])
plan = applied.plan_apply(applied.in_force(folder, [base]), [new])
setattr(owner, name, die)
applied.carry_out(plan, folder, at=datetime.now(UTC), by="", release="")
"""


@pytest.mark.parametrize("where", ["copy", "rename", "point"])
def test_who_is_killed_half_way_leaves_the_old_rules_whole(desk: Desk, where: str) -> None:
    first = desk.apply(desk.file("a.yaml", "id: wheat\nany: [wheat]\n"))
    new = desk.file("b.yaml", "id: oats\nany: [oats]\n")
    arguments = [where, desk.folder, desk.configured[0], new]
    done = subprocess.run([sys.executable, "-c", KILLED, *map(str, arguments)], env=os.environ, check=False)
    assert done.returncode == -signal.SIGKILL
    assert desk.ids() == {"veld", "marn", "wheat"}
    assert [entry.version for entry in history(desk.folder)] == [first.version]
    second = desk.apply(new)
    assert desk.ids() == {"veld", "marn", "wheat", "oats"}
    assert [entry.version for entry in history(desk.folder)] == [second.version, first.version]
    assert not [path for path in desk.folder.iterdir() if path.name.startswith((".incoming", ".pointer"))]


def test_the_path_of_the_shipped_rules_follows_the_release_too(desk: Desk, release: Path) -> None:
    assert plan_apply(in_force(desk.folder, ()), [release]).parts == (Path("shipped"),)
