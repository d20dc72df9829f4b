"""`newsflow topics diff --on ledger` over 5,000 stored articles with planted changes, on each database in turn."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from newsflow.cli.topics import app
from newsflow.ledger import open_ledger
from newsflow.model import Action, Article, Candidate, Event, PublicationDate, PublishedVersion
from newsflow.model.codec import encode_article
from newsflow.tagging import RuleSet, load_rules
from newsflow.testing import Clock
from tests.postgres_helpers import new_database

OLD = "id: veld\nterms: [Veld, Veldish]\n---\nid: marn\nterms: [Marn]\n"
NEW = "id: veld\nterms: [Veld, Veldar]\n---\nid: marn\nterms: [Marn]\n---\nid: wheat\nany: [golden wheat]\n"
ARTICLES, DAYS = 5_000, 5


@dataclass
class Archive:
    """What was stored, and what the change of rules does to it."""

    url: str
    old: Path
    new: Path
    number_of: dict[str, int] = field(default_factory=dict)
    gain: set[int] = field(default_factory=set)
    lose: set[int] = field(default_factory=set)
    alerts: set[int] = field(default_factory=set)
    """Those of `gain` that are of alert grade."""
    gone: set[int] = field(default_factory=set)
    """Planted as well, but withdrawn or edited since: no longer what is stored."""

    def numbers(self, ids: list[str]) -> set[int]:
        return {self.number_of[each] for each in ids}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def planted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """A ledger of 5,000 articles, evenly over the last five days, tagged by the old rules. Only to be read."""
    folder = tmp_path_factory.mktemp("archive")
    if request.param == "sqlite":
        url = f"sqlite:///{folder}/ledger.sqlite3"
    else:
        url = new_database(request.getfixturevalue("postgres"))
    (folder / "old.yaml").write_text(OLD, encoding="utf-8")
    (folder / "new.yaml").write_text(NEW, encoding="utf-8")
    made = Archive(url, folder / "old.yaml", folder / "new.yaml")
    plant(made)
    return made


@pytest.fixture
def archive(planted: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """The commands' ledger, with no rules applied so far, the old ones in force and no broker."""
    monkeypatch.setenv("NEWSFLOW_TOPICS__PATHS", f"[{planted.old}]")
    monkeypatch.setenv("NEWSFLOW_KAFKA__BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setattr("newsflow.cli.apply.PATIENCE_S", 0.1)
    monkeypatch.setenv("NEWSFLOW_LEDGER__URL", planted.url)
    monkeypatch.setenv("NEWSFLOW_TOPICS__APPLIED", str(tmp_path / "applied"))
    return planted


def plant(archive: Archive) -> None:
    draw = random.Random(7)
    planted = draw.sample(range(ARTICLES), 66)
    archive.gain, archive.lose, archive.gone = set(planted[:17]), set(planted[17:46]), set(planted[46:])
    archive.alerts = set(planted[:6])
    clock = Clock(BEGAN)
    rules, ledger = load_rules([archive.old]), open_ledger(archive.url, clock=clock)
    try:
        candidates = [candidate(archive, draw, number) for number in range(ARTICLES)]
        candidates += [second_state(candidates[number], number) for number in sorted(archive.gone)]
        for start in range(0, len(candidates), 250):
            clock.now = BEGAN + timedelta(days=DAYS) * min(start / ARTICLES, 0.999)
            batch = [replace(each, fetched_at=clock.now) for each in candidates[start : start + 250]]
            decisions = ledger.decide(batch)
            articles = [tagged(rules, each.article) for each in decisions]
            ledger.record([record(*pair) for pair in zip(batch, articles, strict=True)])
            archive.number_of.update((a.id, c.event.offset) for c, a in zip(batch, articles, strict=True))
    finally:
        ledger.close()


BEGAN = datetime.now(UTC) - timedelta(days=DAYS)


def candidate(archive: Archive, draw: random.Random, number: int) -> Candidate:
    words = " ".join(f"{draw.choice('bdfgkl')}{draw.choice('aeiou')}{draw.randrange(10_000)}" for _ in range(30))
    plain = draw.choice(["Veld", "Marn", "calm"])
    if number in archive.gain | archive.gone:
        plain = "Veldar"
    elif number in archive.lose:
        plain = "Veldish"
    again = " Veldar and Veldar agree." if number in archive.alerts else ""
    date = PublicationDate(BEGAN, "explicit", "meta", "")
    url = f"https://velmora-post.example/{number}"
    article = Article("velmora-post", f"{plain} {words[:6]}", words + again, "en", date, BEGAN, url=url)
    return Candidate(Event("raw", 0, number, 0, None, b"{}"), article, BEGAN)


def second_state(first: Candidate, number: int) -> Candidate:
    """Half of those that are gone are withdrawn, half are edited so that no rule finds anything."""
    assert isinstance(first.result, Article)
    if number % 2:
        article = replace(first.result, title="", body="", action=Action.WITHDRAW)
    else:
        article = replace(first.result, title="Nothing of note")
    return Candidate(Event("raw", 1, number, 0, None, b"{ }"), article, BEGAN + timedelta(hours=1))


def tagged(rules: RuleSet, article: Article | None) -> Article:
    assert article is not None
    tags = rules.tag(article)
    return replace(article, topics=tags.topics, mentions=tags.mentions)


def record(each: Candidate, article: Article) -> PublishedVersion:
    return PublishedVersion(each.event.event_id, article.id, article.version, encode_article(article))


def diff(*arguments: str | Path) -> str:
    result = CliRunner().invoke(app, ["diff", *map(str, arguments)])
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def test_a_diff_on_the_ledger_names_exactly_what_changed(archive: Archive) -> None:
    withdrawn = sum(number % 2 for number in archive.gone)
    found = json.loads(diff(archive.old, archive.new, "--on", "ledger", "-o", "json", "--samples", "4"))
    assert found["articles"] == ARTICLES - withdrawn
    assert [topic["topic"] for topic in found["topics"]] == ["veld", "wheat"]
    veld = found["topics"][0]
    assert archive.numbers(veld["gained"]) == archive.gain
    assert archive.numbers(veld["lost"]) == archive.lose
    assert veld["after"] - veld["before"] == len(archive.gain) - len(archive.lose)
    assert veld["articles_a_day"] == pytest.approx(veld["after"] / DAYS, rel=0.1)
    assert veld["alerts_after"] - veld["alerts_before"] == len(archive.alerts)
    assert veld["alerts_a_day"] == pytest.approx(len(archive.alerts) / DAYS, abs=0.1)
    assert [len(veld[name]) for name in ("gained_sample", "lost_sample")] == [4, 4]
    assert all(sample["title"].startswith("Veldar") for sample in veld["gained_sample"])
    text = diff(archive.old, archive.new, "--on", "ledger", "--samples", "1")
    assert f"gained {len(archive.gain)}:" in text
    assert f"alert grade: {veld['alerts_before']} → {veld['alerts_after']}" in text


def test_what_apply_would_make_is_compared_and_is_what_it_makes(archive: Archive) -> None:
    arguments = ("--on", "ledger", "--since", "61h", "-o", "json")
    [veld, wheat] = json.loads(diff("in-force", archive.new, *arguments))["topics"]
    assert (veld["rule"], wheat["rule"]) == ("changed", "added")
    assert CliRunner().invoke(app, ["apply", str(archive.new)]).exit_code == 0
    assert json.loads(diff(archive.old, "in-force", *arguments))["topics"] == [veld, wheat]
    assert CliRunner().invoke(app, ["rollback"]).exit_code == 0
    assert json.loads(diff(archive.old, "in-force", *arguments))["topics"] == []


def test_since_takes_the_last_days_alone(archive: Archive) -> None:
    found = json.loads(diff(archive.old, archive.new, "--on", "ledger", "--since", "61h", "-o", "json"))
    veld = found["topics"][0]
    late = {number for number in archive.gain if number >= ARTICLES / 2}
    assert archive.numbers(veld["gained"]) == late
    assert 0 < len(late) < len(archive.gain)


def test_the_rules_in_force_compared_with_themselves_change_nothing(archive: Archive) -> None:
    assert CliRunner().invoke(app, ["apply", str(archive.new)]).exit_code == 0
    found = json.loads(diff("in-force", archive.new, "--on", "ledger", "-o", "json"))
    assert found["topics"] == []


def test_a_ledger_that_is_not_there_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSFLOW_LEDGER__URL", f"sqlite:///{tmp_path}/none.sqlite3")
    (tmp_path / "old.yaml").write_text(OLD, encoding="utf-8")
    (tmp_path / "new.yaml").write_text(NEW, encoding="utf-8")
    files = [str(tmp_path / name) for name in ("old.yaml", "new.yaml")]
    result = CliRunner().invoke(app, ["diff", *files, "--on", "ledger"])
    assert "no ledger at" in str(result.exception)
    assert not (tmp_path / "none.sqlite3").exists()
