"""The measure of real pages, on pages of our own words: what is right, wrong and left out counts as it should."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.quality import real_pages
from benchmarks.quality.readers import OURS, Reader, Reading

GOLD = {
    "aeb": {"body": "one two three four five"},
    "traf": {"with": ["two  three", "seven"], "without": ["five", "menu"]},
    "fundus": {
        "title": "The wall of Merrow",
        "date": "2025-02-20 23:30:00+04:00",
        "authors": ["Ada Quay", "Ben Holm"],
        "body": "one two three four five",
    },
    "dates": {"date": "2025-02-20"},
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "pages"
    folder.mkdir()
    for name, gold in GOLD.items():
        (folder / f"{name}.html.gz").write_bytes(gzip.compress(b"<p>a page</p>"))
        row = {"id": name, "file": f"{name}.html.gz", "url": "https://merrow.example/1", "gold": gold}
        (folder / f"{name}.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    return tmp_path


def measured(data: Path, monkeypatch: pytest.MonkeyPatch, *readers: Reader) -> dict[tuple[str, str], Any]:
    monkeypatch.setattr(real_pages, "PEERS", readers)
    return {(row.area, row.name): row for row in real_pages.evaluate_real_pages(data)}


def peer(reading: Reading, *sets: str, package: str = "json") -> Reader:
    return Reader("peer", lambda page, url: reading, package, sets or tuple(GOLD))


def test_each_measure(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reading = Reading(
        "one two three four", "The  wall of Merrow", ("ben holm", "Ada Quay"), "2025-02-20T19:30:00+00:00"
    )
    rows = measured(data, monkeypatch, peer(reading))
    found = {(area, name.removesuffix(", peer")): row.value for (area, name), row in rows.items() if "peer" in name}
    assert found == {
        ("pages, aeb", "body F1"): pytest.approx(2 / 3),
        ("pages, traf", "strings F1"): pytest.approx(2 / 3),
        ("pages, fundus", "body F1"): pytest.approx(2 / 3),
        ("pages, fundus", "titles"): 1.0,
        ("pages, fundus", "same day"): 1.0,
        ("pages, fundus", "authors"): 1.0,
        ("pages, dates", "right"): 1.0,
        ("pages, dates", "not wrong"): 1.0,
    }


@pytest.mark.parametrize(("day", "right", "not_wrong"), [("", 0.0, 1.0), ("2025-02-21", 0.0, 0.0)])
def test_no_date_is_not_right_and_not_wrong(
    data: Path, monkeypatch: pytest.MonkeyPatch, day: str, right: float, not_wrong: float
) -> None:
    rows = measured(data, monkeypatch, peer(Reading("", "", (), day)))
    assert rows["pages, dates", "right, peer"].value == right
    assert rows["pages, dates", "not wrong, peer"].value == not_wrong
    assert rows["pages, fundus", "same day, peer"].value == 0.0
    assert rows["pages, fundus", "authors, peer"].misses == ("fundus: (), expected ['Ada Quay', 'Ben Holm']",)


def test_a_reader_of_dates_is_measured_by_dates_alone(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = measured(data, monkeypatch, peer(Reading(date="2025-02-20"), "fundus", "dates"))
    names = [name for _, name in rows if name.endswith(", peer")]
    assert names == ["same day, peer", "right, peer", "not wrong, peer"]


def test_our_rows_have_goals_and_name_the_peers_that_are_not_there(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = measured(data, monkeypatch, peer(Reading(""), package="no_such_package_of_ours"))
    assert len(rows) == len(real_pages.GOALS)
    assert all(row.goal is not None and row.note == "not installed: peer" for row in rows.values())


def test_a_peer_that_fails_found_nothing_and_ours_must_not_fail(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(page: bytes, url: str | None) -> Reading:
        raise ValueError(page)

    rows = measured(data, monkeypatch, Reader("peer", fail, "json"))
    assert rows["pages, aeb", "body F1, peer"].value == 0.0
    monkeypatch.setattr(real_pages, "OURS", Reader(OURS.name, fail, "json"))
    with pytest.raises(ValueError, match="a page"):
        list(real_pages.evaluate_real_pages(data))


def test_a_folder_without_pages_is_skipped(tmp_path: Path) -> None:
    assert list(real_pages.evaluate_real_pages(tmp_path)) == []
