"""Stored articles under other rules: routed as edits are, and never overtaken by the version before them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from newsflow.config.load import load_config
from newsflow.ingest.emit import output_records
from newsflow.ingest.item import OutputRecord
from newsflow.ingest.retag import Retagging, item_of, keep_retaggings, propose, publish_retaggings
from newsflow.ingest.runtime import Runtime, SharedRules
from newsflow.ingest.steps import process
from newsflow.model import Outcome
from newsflow.model.codec import decode_article
from newsflow.model.headers import header
from newsflow.tagging import RuleSet, load_rules
from tests.ingest.test_steps import BODY, NOW, event

RULES = "id: cyprus\nany: [Cyprus]\n---\nid: latakia\nany: [Latakia]\n---\nid: fares\nany: [Tickets]\n"


@pytest.fixture
def tools(shipped_rules: SharedRules, tmp_path: Path) -> Iterator[Runtime]:
    flags = {"ledger.url": f"sqlite:///{tmp_path}/ledger.sqlite3", "topics.applied": str(tmp_path / "applied")}
    built = Runtime(load_config(environ={}, flags=flags).config, rules=shipped_rules)
    yield built
    built.close()


@pytest.fixture
def rules(tmp_path: Path) -> RuleSet:
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    return load_rules([tmp_path / "rules.yaml"])


def retag(tools: Runtime, rules: RuleSet) -> list[OutputRecord]:
    """All stored articles anew; what was written."""
    stored = tools.ledger.current_versions()
    proposals = [found for each in stored if (found := propose(each, rules, tools.routes, NOW)) is not None]
    assert all(keep_retaggings(tools.ledger, proposals))
    taken: list[Retagging] = []
    publish_retaggings(tools.ledger, taken.extend)
    return output_records([item_of(each, tools.routes) for each in taken], "test")


def places(written: list[OutputRecord]) -> list[str]:
    return [each.topic for each in written if each.kind != "alert"]


def test_it_goes_to_the_new_feeds_and_to_those_that_had_it(tools: Runtime, rules: RuleSet) -> None:
    before = output_records(process([event(1)], tools), "test")
    written = retag(tools, rules)
    assert {"news.topic.syria.v1", "news.topic.cyprus.v1"} <= set(places(before))
    assert written[0].topic == "news.article.v1"
    new = {f"news.topic.{topic}.v1" for topic in ("cyprus", "latakia", "fares")}
    assert set(places(written)) == {*places(before), *new}
    assert len({(each.key, each.value, each.headers) for each in written}) == 1
    value = orjson.loads(written[0].value or b"")
    assert (value["version"], value["action"]) == (2, "replace")
    assert {topic["id"] for topic in value["topics"]} <= {"cyprus", "latakia", "fares"}
    assert value["origin"] == orjson.loads(before[0].value or b"")["origin"]
    assert header(written[0].headers, "ce_id") != header(before[0].headers, "ce_id")


def test_it_raises_no_alert(tools: Runtime, rules: RuleSet) -> None:
    process([event(1)], tools)
    assert {each.kind for each in retag(tools, rules)} == {"article", "feed"}


def test_a_run_that_is_repeated_writes_it_again_behind_the_version_before(tools: Runtime, rules: RuleSet) -> None:
    url = "https://harbour-ledger.example/other"
    other = event(
        2, url=url, title="Rain over the plain", content="Nothing but rain was seen for three long days. " * 3
    )
    first = output_records(process([event(1), other], tools), "test")
    later = retag(tools, rules)
    rain, ferries = [each for each in later if b"/other" in (each.value or b"")], later
    again = output_records(process([event(1), other], tools), "test")
    mine = [each for each in again if b"/ferries" in (each.value or b"") and each.kind == "article"]
    assert rain == []
    assert [decode_article(each.value or b"").version for each in mine] == [1, 2]
    assert [each for each in again if each not in first] == [each for each in ferries if each not in first]
    assert tools.ledger.outcomes() == {Outcome.ADDED: 2}, tools.ledger.reasons()


def test_an_edit_follows_it_and_is_tagged_by_the_rules_of_the_job(tools: Runtime, rules: RuleSet) -> None:
    process([event(1)], tools)
    retag(tools, rules)
    written = output_records(process([event(3, content=BODY + " A third ferry was bought.")], tools), "test")
    value = orjson.loads(written[0].value or b"")
    assert (value["version"], value["action"]) == (3, "replace")
    assert {"news.topic.syria.v1", "news.topic.latakia.v1"} <= set(places(written)), "whoever had any version"
    later = output_records(process([event(1), event(3, content=BODY + " A third ferry was bought.")], tools), "test")
    kept = [decode_article(each.value or b"").version for each in later if each.kind == "article"]
    assert kept == [1, 3], "the edit comes again by itself; nothing between"


def test_the_same_rules_propose_nothing(tools: Runtime, rules: RuleSet) -> None:
    process([event(1)], tools)
    retag(tools, rules)
    [stored] = tools.ledger.current_versions()
    assert propose(stored, rules, tools.routes, NOW + timedelta(days=1)) is None
