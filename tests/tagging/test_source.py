from __future__ import annotations

import logging
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from newsflow.errors import ConfigError
from newsflow.tagging import RuleSource
from newsflow.tagging.applied import Entry, carry_out, in_force, plan_apply
from newsflow.tagging.ruleset import POINTER_NAME
from tests.tagging.tagging_articles import make_article


def write(file: Path, text: str, tick: int) -> None:
    file.write_text(text, encoding="utf-8")
    os.utime(file, ns=(tick * 10**9, tick * 10**9))


def apply_rules(paths: list[Path], folder: Path) -> Entry:
    plan = plan_apply(in_force(folder, []), paths, replace=True)
    return carry_out(plan, folder, at=datetime.now(UTC), by="", release="")


@pytest.mark.allow_errors
def test_changed_rules_are_taken_up_and_broken_ones_are_not(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "r.yaml"
    write(file, "id: r\nany: [harbour]\n", 1)
    source = RuleSource([file])
    first = source.current()
    assert source.current() is first
    write(file, "id: r\nany: [harbour, pier]\n", 2)
    second = source.current()
    assert second.version != first.version
    assert second.match(make_article("the pier"))
    write(file, "id: r\nany: [harbour\n", 3)
    with caplog.at_level(logging.ERROR, "newsflow.tagging.ruleset"):
        assert source.current() is second
        assert source.current() is second
    assert [record.levelname for record in caplog.records].count("ERROR") == 1
    assert "r.yaml" in caplog.text
    caplog.clear()
    file.unlink()
    with caplog.at_level(logging.ERROR, "newsflow.tagging.ruleset"):
        assert source.current() is second
    assert "no such rule file" in caplog.text
    caplog.clear()
    write(file, "id: r\nany: [quay]\n", 4)
    assert source.current().match(make_article("the quay"))


def test_the_first_load_must_succeed(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        RuleSource([tmp_path / "none.yaml"]).current()


def test_applied_rules_replace_the_configured_ones(tmp_path: Path) -> None:
    configured, other, folder = tmp_path / "a.yaml", tmp_path / "b.yaml", tmp_path / "state"
    write(configured, "id: r\nany: [harbour]\n", 1)
    write(other, "id: r\nany: [pier]\n", 1)
    source = RuleSource([configured], folder / POINTER_NAME)
    before = source.current()
    applied = apply_rules([other], folder)
    assert source.current().version == applied.version != before.version
    other.write_text("id: r\nany: [\n", encoding="utf-8")
    assert source.current().version == applied.version
    with pytest.raises(ConfigError):
        apply_rules([other], folder)
    assert source.current().version == applied.version
    apply_rules([configured], folder)
    assert source.current().version == before.version
