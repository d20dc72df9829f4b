"""Streams: what changes is told once, in order, through ends of the server, and to each reader its own."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import urllib3

from tests.web.world import ALL, SYRIA, World, made_world, readers, serving


@pytest.fixture
def own(tmp_path: Path) -> Iterator[World]:
    with made_world(tmp_path) as made:
        yield made


def events(base: str, token: str, path: str = "/v1/stream", last: int | None = None) -> Generator[tuple[int, str, Any]]:
    """Number, kind and members of each event, as they come."""
    headers = {"Authorization": f"Bearer {token}"} | ({} if last is None else {"Last-Event-ID": str(last)})
    with (
        urllib3.PoolManager(retries=False) as pool,
        pool.request("GET", base + path, headers=headers, preload_content=False, timeout=20) as answer,
    ):
        assert answer.status == 200, answer.data
        assert answer.headers["content-type"].startswith("text/event-stream")
        fields: dict[str, str] = {}
        for line in lines_of(answer):
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif fields:
                yield int(fields.get("id", 0)), fields.get("event", ""), json.loads(fields.get("data", "null"))
                fields = {}


def lines_of(answer: Any) -> Iterator[str]:
    left = b""
    for piece in answer.stream(amt=None, decode_content=False):
        *whole, left = (left + piece).split(b"\n")
        yield from (line.decode() for line in whole)


def publish(world: World, number: int, *topics: str) -> str:
    body = " ".join(f"word{number}x{at}" for at in range(40))
    candidate = world.wire.publish(f"https://new.example/{number}", body, title=f"News {number}", source="new")
    return world.publish(f"new-{number}", candidate, *topics).id


def test_each_change_once_through_ten_ends_of_the_server(own: World) -> None:
    told, seen, last = list[str](), list[str](), None
    for round_ in range(10):
        with serving(own, readers=readers(own.folder)) as base, closing(events(base, ALL, last=last)) as stream:
            begun, kind, _ = next(stream)
            assert kind == ""
            last = begun if last is None else last
            told.append(publish(own, round_, "syria"))  # while it is read
            while len(seen) < len(told):
                last, kind, members = next(stream)
                assert kind == "article"
                seen.append(members["id"])
        told.append(publish(own, 100 + round_, "russia"))  # while nobody serves
    assert seen == told[: len(seen)]
    assert len(seen) >= 19


def test_who_sees_one_topic_hears_of_it_alone(own: World) -> None:
    with serving(own, readers=readers(own.folder)) as base, closing(events(base, SYRIA)) as stream:
        next(stream)
        publish(own, 1, "russia")
        mine = publish(own, 2, "syria", "russia")
        _, kind, members = next(stream)
        assert (kind, members["id"], [each["id"] for each in members["topics"]]) == ("article", mine, ["syria"])
        assert "body" not in members
        own.publish("new-2", own.wire.withdraw("https://new.example/2", fetched=30))
        _, kind, members = next(stream)
        assert (kind, members["id"]) == ("withdrawn", mine)
        assert set(members) == {"number", "changed_at", "id", "version", "action"}


def test_from_where_a_stream_begins(own: World) -> None:
    with serving(own, readers=readers(own.folder)) as base:
        with closing(events(base, ALL, "/v1/stream?after=0&topic=russia")) as stream:
            next(stream)
            assert [next(stream)[2]["id"] for _ in range(4)] == [
                own.ids[name] for name in ("ferry-2", "ferry-3", "strike", "secret")
            ]
        for last in ("x", "-1", str(10**15)):
            answer = urllib3.request(
                "GET", base + "/v1/stream", headers={"Authorization": f"Bearer {ALL}", "Last-Event-ID": last}
            )
            assert answer.status == 400, last


def test_no_more_streams_than_allowed(own: World) -> None:
    with serving(own, streams=1) as base, closing(events(base, "")) as stream:
        next(stream)
        assert urllib3.request("GET", base + "/v1/stream", retries=False).status == 503
