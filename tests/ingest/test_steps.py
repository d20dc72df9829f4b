"""What the stages do with one batch: failures stay with their article, withdrawals and successors go out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from newsflow.config.load import load_config
from newsflow.ingest.emit import output_records
from newsflow.ingest.item import OutputRecord
from newsflow.ingest.runtime import Runtime, SharedRules
from newsflow.ingest.steps import process
from newsflow.model import Event, Outcome, Reason
from newsflow.model.headers import header
from newsflow.testing import raw_event

NOW = datetime(2025, 5, 1, 12, tzinfo=UTC)
BODY = (
    "The port authority of Latakia said on Monday that two ferries would sail to Cyprus again this summer. "
    "Syria closed the line nine years ago. Tickets are to be sold from June, and the Syrian transport ministry "
    "expects forty thousand passengers in the first season, among them many families who live abroad."
)

MakeTools = Callable[..., Runtime]


@pytest.fixture
def make_tools(shipped_rules: SharedRules, tmp_path: Path) -> Iterator[MakeTools]:
    made: list[Runtime] = []

    def make(**flags: object) -> Runtime:
        dotted = {name.replace("__", "."): value for name, value in flags.items()}
        url = {"ledger.url": f"sqlite:///{tmp_path}/ledger.sqlite3"}
        made.append(Runtime(load_config(environ={}, flags={**url, **dotted}).config, rules=shipped_rules))
        return made[-1]

    yield make
    for tools in made:
        tools.close()


def event(offset: int, **members: object) -> Event:
    value = raw_event(
        **{
            "url": "https://harbour-post.example/ferries",
            "fetched_at": f"2025-05-01T10:{offset:02d}:00Z",
            "title": "Ferries from Syria to Cyprus to sail again",
            "content": BODY,
            **members,
        }
    )
    return Event("raw", 0, offset, 1, b"k", orjson.dumps(value))


def run(tools: Runtime, *events: Event) -> list[OutputRecord]:
    return output_records(process(list(events), tools), "test")


def kinds(written: list[OutputRecord]) -> list[tuple[str, str]]:
    return [(each.kind, each.topic) for each in written]


def test_an_article_goes_to_the_article_topic_and_its_feeds_with_the_same_bytes(make_tools: MakeTools) -> None:
    written = run(make_tools(), event(1))
    assert ("article", "news.article.v1") in kinds(written)
    assert ("feed", "news.topic.syria.v1") in kinds(written)
    assert len({(each.key, each.value, each.headers) for each in written if each.kind != "alert"}) == 1


def test_an_article_over_the_limit_goes_out_all_the_same(make_tools: MakeTools) -> None:
    tools = make_tools(limits__record_bytes=1024)
    written = run(tools, event(1))
    assert {"article", "feed"} <= {each.kind for each in written}
    assert all(len(each.value or b"") > 1024 for each in written if each.kind in ("article", "feed"))
    assert tools.ledger.outcomes() == {Outcome.ADDED: 1}


def test_an_article_that_cannot_be_written_is_taken_back_and_dead_lettered(
    make_tools: MakeTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = make_tools()
    with monkeypatch.context() as broken:
        broken.setattr("newsflow.ingest.steps.encode_article", lambda _: 1 // 0)
        [letter] = run(tools, event(1))
    assert (letter.kind, letter.value) == ("dead-letter", event(1).value)
    assert header(letter.headers, "newsflow.error.reason") == Reason.TRANSFORM_ERROR
    assert header(letter.headers, "newsflow.error.stage") == "Route"
    assert tools.ledger.outcomes() == {Outcome.DEAD_LETTERED: 1}
    assert list(tools.ledger.articles()) == []


def test_what_was_taken_back_is_not_held_against_the_next_one(
    make_tools: MakeTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("newsflow.ingest.steps.encode_article", lambda _: 1 // 0)
        run(make_tools(), event(1))
    tools = make_tools()
    assert "article" in dict(kinds(run(tools, event(2))))
    # The number of a version is never used again, so that it comes back as the second one.
    assert tools.ledger.outcomes() == {Outcome.DEAD_LETTERED: 1, Outcome.REPLACED: 1}


def test_a_stage_that_breaks_on_one_article_spares_the_others(
    make_tools: MakeTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = make_tools()
    rules = tools.rules.current()
    plain = type(rules).tag

    def breaks(self: object, article: object, *_: object) -> object:
        if "Beirut" in getattr(article, "title", ""):
            raise ZeroDivisionError("planted")
        return plain(rules, article)  # type: ignore[arg-type]

    monkeypatch.setattr(type(rules), "tag", breaks)
    other = event(2, url="https://harbour-post.example/b", title="A bridge for Beirut", content=BODY[::-1])
    written = run(tools, event(1), other)
    letters = [each for each in written if each.kind == "dead-letter"]
    assert [header(each.headers, "newsflow.error.reason") for each in letters] == ["transform-error"]
    assert header(letters[0].headers, "newsflow.error.class") == "builtins.ZeroDivisionError"
    assert tools.ledger.outcomes() == {Outcome.ADDED: 1, Outcome.DEAD_LETTERED: 1}


def test_topics_that_take_too_long_to_find_are_a_dead_letter_of_that_article_alone(make_tools: MakeTools) -> None:
    tools = make_tools(limits__extract_s=1e-9)
    nothing_to_find = event(
        2, url="https://harbour-post.example/b", title="Mmm", content="Hmm, she said, and left. " * 9
    )
    written = run(tools, event(1), nothing_to_find)
    [letter] = [each for each in written if each.kind == "dead-letter"]
    assert letter.value == event(1).value
    assert header(letter.headers, "newsflow.error.reason") == Reason.TIME_LIMIT
    assert header(letter.headers, "newsflow.error.stage") == "TagTopics"
    assert tools.ledger.outcomes() == {Outcome.ADDED: 1, Outcome.DEAD_LETTERED: 1}


def test_a_long_batch_beats_as_it_moves(make_tools: MakeTools) -> None:
    tools, beats = make_tools(), list[int]()
    tools.beat = lambda: beats.append(1)
    page = event(2, url="https://harbour-post.example/b", content=f"<p>{BODY}</p>", content_type="text/html")
    run(tools, event(1), page)
    assert len(beats) >= 4  # each was read, each was tagged


def test_what_was_recorded_goes_out_again_though_a_stage_now_breaks_on_it(
    make_tools: MakeTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = make_tools()
    copy = event(2, source="marrow-bay", url="https://marrow-bay.example/wire/1")
    events = [event(1), copy, event(3, action="withdraw", content=None, title=None)]
    first = run(tools, *events)

    def breaks(self: object, article: object, *_: object) -> object:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(type(tools.rules.current()), "tag", breaks)
    tools = make_tools()  # without what it remembers of these texts
    assert run(tools, *events) == first
    assert {each.kind for each in first} >= {"article", "feed", "duplicate"}
    assert Outcome.DEAD_LETTERED not in tools.ledger.outcomes()


def test_a_withdrawal_reaches_every_feed_and_the_first_copy_takes_the_place(make_tools: MakeTools) -> None:
    tools = make_tools()
    copy = event(2, source="marrow-bay", url="https://marrow-bay.example/wire/1")
    first = run(tools, event(1), copy)
    assert [each.kind for each in first].count("duplicate") == 1
    last = run(tools, event(3, action="withdraw", content=None, title=None))
    values = [orjson.loads(each.value or b"") for each in last if each.topic == "news.article.v1"]
    assert [(value["action"], value["source"]) for value in values] == [
        ("withdraw", "harbour-post"),
        ("add", "marrow-bay"),
    ]
    assert len({header(each.headers, "ce_id") for each in last if each.topic == "news.article.v1"}) == 2
    assert [each.topic for each in last].count("news.topic.syria.v1") == 2
    assert tools.ledger.outcomes() == {Outcome.ADDED: 1, Outcome.DUPLICATE: 1, Outcome.WITHDRAWN: 1}


def test_a_source_without_a_profile_is_refused_where_sources_are_closed(make_tools: MakeTools) -> None:
    [letter] = run(make_tools(sources__closed=True), event(1))
    assert header(letter.headers, "newsflow.error.reason") == "unknown-source"
    assert "'harbour-post' is not registered" in (header(letter.headers, "newsflow.error.message") or "")


def test_a_replayed_dead_letter_counts_its_attempts(make_tools: MakeTools) -> None:
    broken = replace(event(1, url=7), headers=(("newsflow.error.attempt", b"2"), ("ce_id", b"original")))
    [letter] = run(make_tools(), broken)
    assert header(letter.headers, "newsflow.error.attempt") == "3"
    assert header(letter.headers, "ce_id") == "original"


def test_a_route_may_let_copies_through_marked(make_tools: MakeTools, tmp_path: Path) -> None:
    routes = tmp_path / "routes.yaml"
    routes.write_text("version: 1\nroutes:\n  - {id: all, feeds: topics, copies: true}\n", encoding="utf-8")
    tools = make_tools(routes__paths=[str(routes)])
    copy = event(2, source="marrow-bay", url="https://marrow-bay.example/wire/1")
    first, *rest = run(tools, event(1)), run(tools, copy)
    original = next(each for each in first if each.kind == "article")
    held = next(each for each in rest[0] if each.kind == "duplicate")
    through = [each for each in rest[0] if each.topic == "news.topic.syria.v1"]
    assert not any(each.kind == "article" for each in rest[0])
    assert orjson.loads(held.value or b"")["original"]["id"] == (original.key or b"").decode()
    assert [orjson.loads(each.value or b"")["duplicate_of"] for each in through] == [(original.key or b"").decode()]
    assert run(tools, copy) == rest[0]
