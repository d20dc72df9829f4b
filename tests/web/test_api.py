"""The API: what it says, to whom, and how it says that something is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from newsflow.config.settings import ServeSettings
from newsflow.errors import ConfigError
from newsflow.web.access import Access, check_listen, parse_listen
from tests.web.world import ALL, SECRET, SYRIA, Client, World, readers, serving

PATHS = ("/v1/articles", "/v1/stories", "/v1/topics", "/v1/duplicates", "/v1/topics/{topic}/trend", "/v1/articles/{river}",
         "/v1/articles/{river}/versions", "/v1/stories/{ferry}", "/v1/duplicates?original={river}")  # fmt: skip


def filled(path: str, world: World) -> str:
    return path.format(topic="syria", **{name.replace("-", "_"): value for name, value in world.ids.items()})


def test_every_answer_is_as_the_description_says(client: Client, world: World) -> None:
    described = client.json("/openapi.json")
    assert described["openapi"] == "3.1.0"
    root = {"components": described["components"]}
    samples = {"articles": "river", "stories": "ferry", "topics": "syria", "alerts": "alert"}
    ids = world.ids | {"syria": "syria", "alert": client.json("/v1/alerts")["items"][0]["alert"]["id"]}
    for path, methods in described["paths"].items():
        if path == "/v1/stream":
            continue
        asked = path.replace("{id}", ids[samples.get(path.split("/")[2], "syria")])
        schema = methods["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        answer = client.json(asked)
        assert answer, path
        jsonschema.Draft202012Validator(root | schema).validate(answer)
        refused = client.get(asked + "?nonsense=1")
        assert (refused.status, refused.headers["content-type"]) == (400, "application/problem+json"), path
    jsonschema.Draft202012Validator.check_schema(described["components"]["schemas"])


def test_articles_by_filter_and_page(client: Client, world: World) -> None:
    every = client.json("/v1/articles")["items"]
    assert world.ids["gone"] not in {each["id"] for each in every}
    assert [each["number"] for each in every] == sorted((each["number"] for each in every), reverse=True)
    first = client.json("/v1/articles?limit=3")
    rest = client.json(f"/v1/articles?limit=200&cursor={first['next']}")
    assert [each["id"] for each in first["items"] + rest["items"]] == [each["id"] for each in every]
    assert "next" not in rest
    assert [each["id"] for each in client.json("/v1/articles?language=ar&topic=syria")["items"]] == [
        world.ids["arabic"]
    ]
    assert [each["id"] for each in client.json("/v1/articles?q=%D8%A7%D9%81%D8%AA%D8%AA%D8%A7%D8%AD")["items"]] == [
        world.ids["arabic"]
    ]
    assert client.json("/v1/articles?q=quellwort")["items"] == [], "withdrawn"
    assert client.json("/v1/articles?until=1999-01-01T00:00:00Z")["items"] == []


def test_a_story_its_duplicates_and_versions(client: Client, world: World) -> None:
    [listed] = client.json("/v1/stories")["items"][:1]
    assert (listed["id"], listed["size"], listed["independent_sources"]) == (world.ids["ferry"], 3, 3)
    whole = client.json(f"/v1/stories/{world.ids['ferry-2']}")
    assert [each["source"] for each in whole["articles"]] == ["outlet-1", "outlet-2", "outlet-3"]
    [held] = client.json(f"/v1/duplicates?original={world.ids['river']}")["items"]
    assert (held["copy"]["source"], held["original"], held["method"]) == ("copycat", world.ids["river"], "exact")
    assert [each["version"] for each in client.json(f"/v1/articles/{world.ids['river']}/versions")["items"]] == [1, 2]


def test_a_withdrawn_text_is_nowhere(client: Client, world: World) -> None:
    gone = world.ids["gone"]
    for path in (f"/v1/articles/{gone}", f"/v1/articles/{gone}/versions"):
        assert client.get(path).status == 404
    for path in (
        "/v1/articles?limit=200",
        "/topics/syria.atom",
        "/topics/syria.rss",
        "/topics/syria.json",
        "/search.json?q=quellwort",
    ):
        assert b"uellwort" not in client.get(path).data.replace(b"q=quellwort", b"").replace(
            b"newsflow: q quellwort", b""
        )


def test_texts_are_excerpts_unless_the_owner_allows_more(client: Client, world: World) -> None:
    river = client.json(f"/v1/articles/{world.ids['river']}")
    assert "body" not in river
    assert "raw" not in river
    assert river["excerpt"].startswith("Heavy rain")
    assert len(river["excerpt"]) <= 300
    with serving(world, full_text=True) as open_to_all:
        allowed = Client(open_to_all, None).json(f"/v1/articles/{world.ids['river']}")
    assert "81 flooded cellars" in allowed["body"]


@pytest.mark.parametrize(
    "path", [*PATHS, "/topics/syria.atom", "/topics/syria.rss", "/topics/syria.json", "/search.atom"]
)
def test_a_token_for_one_topic_sees_nothing_of_another(base: str, world: World, path: str) -> None:
    answer = Client(base, SYRIA).get(filled(path, world))
    assert answer.status == 200
    text = answer.data.decode()
    for unseen in (
        SECRET,
        "russia",
        "outlet-3",
        "Quarrim",
        world.ids["strike"],
        world.ids["secret"],
        world.ids["ferry-3"],
    ):
        assert unseen not in text, unseen


def test_what_is_of_another_topic_is_not_there(base: str, world: World) -> None:
    scoped = Client(base, SYRIA)
    hidden = ("secret", "strike", "ferry-3")
    missing = [f"/v1/articles/{world.ids[name]}{end}" for name in hidden for end in ("", "/versions")]
    missing += [f"/v1/stories/{world.ids['strike']}", "/v1/articles?topic=russia", "/v1/stories?topic=russia",
                "/v1/topics/russia/trend", "/topics/russia.atom", "/search.rss?topic=russia", "/v1/stream?topic=russia"]  # fmt: skip
    for path in missing:
        assert scoped.get(path).status == 404, path
    for path in ("/v1/alerts", "/v1/alerts/x"):
        assert scoped.get(path).status == 403, path
    assert scoped.json(f"/v1/articles?q={SECRET}")["items"] == []
    assert scoped.json(f"/v1/articles?story={world.ids['strike']}")["items"] == []
    assert scoped.json(f"/v1/duplicates?original={world.ids['strike']}")["items"] == []
    story = scoped.json(f"/v1/stories/{world.ids['ferry']}")
    assert (story["size"], story["independent_sources"], story["topics"]) == (2, 2, ["syria"])


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=201", "cursor=%%%", "cursor=-1", "cursor=9999999999999999999", "topic=", "since=soon",
                                   "language=*", "limit=1&limit=2", "q=%00", "since=2026-06-30T23:59:60Z",
                                   "since=9999-12-31T23:59:59-23:59", "until=0001-01-01T00:00:00%2B01:00"])  # fmt: skip
def test_what_is_not_valid_is_said(client: Client, query: str) -> None:
    answer = client.get(f"/v1/articles?{query}")
    assert (answer.status, json.loads(answer.data)["status"]) == (400, 400), answer.data


def test_what_is_known_is_not_sent_again(client: Client) -> None:
    for path in ("/v1/articles", "/topics/syria.atom", "/openapi.json"):
        first = client.get(path)
        again = client.get(path, **{"If-None-Match": first.headers["etag"]})
        assert (first.status, again.status, again.data) == (200, 304, b""), path
        assert client.get(path, **{"If-None-Match": '"other"'}).status == 200
    feed = client.get("/topics/syria.atom")
    assert client.get("/topics/syria.atom", **{"If-Modified-Since": feed.headers["last-modified"]}).status == 304
    assert client.get("/topics/syria.atom", **{"If-Modified-Since": "Sat, 01 Jan 2000 00:00:00 GMT"}).status == 200
    assert client.get("/topics/syria.atom").data == feed.data


def test_without_a_token_nothing_is_said(base: str) -> None:
    for path in (*PATHS, "/openapi.json", "/v1/stream", "/nowhere", "/topics/syria.atom"):
        answer = Client(base, None).get(path)
        assert (answer.status, "WWW-Authenticate" in answer.headers) == (401, True), path
        assert Client(base, "not-a-token-of-anybody").get(path).status == 401
    import urllib3

    basic = urllib3.make_headers(basic_auth=f"anybody:{ALL}")["authorization"]
    assert Client(base, None).get("/v1/topics", authorization=basic).status == 200


def test_nothing_is_changed_and_nothing_long_is_read(base: str) -> None:
    import urllib3

    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert urllib3.request(method, f"{base}/v1/articles", retries=False).status == 405
    assert Client(base).get(f"/v1/articles?q={'x' * 9_000}").status == 400


def test_without_readers_only_names_of_this_machine_are_answered_to(world: World) -> None:
    with serving(world) as address:
        client = Client(address, None)
        assert client.get("/v1/topics").status == 200
        for host in ("elsewhere.example", "[", "127.0.0.1.elsewhere.example", "@", "[::1", ""):
            assert client.get("/v1/topics", Host=host).status == 400, host
        assert client.get("/v1/topics", Host="localhost:1").status == 200


def test_more_requests_than_allowed(world: World) -> None:
    with serving(world, requests_per_minute=6) as address:
        answers = [Client(address, None).get("/v1/topics") for _ in range(3)]
    assert [each.status for each in answers] == [200, 429, 429]
    assert 1 <= int(answers[1].headers["retry-after"]) <= 10


def test_requests_are_counted_for_each_and_crowds_fill_no_memory() -> None:
    now = [0.0]
    access = Access(ServeSettings(requests_per_minute=60), lambda: now[0])
    assert [access.wait_s("a") for _ in range(11)] == [0.0] * 10 + [1.0]
    assert access.wait_s("b") == 0
    now[0] = 1.0
    assert [access.wait_s("a"), access.wait_s("a")] == [0.0, 1.0]
    for number in range(20_000):
        access.wait_s(f"stranger {number}")
    assert len(access._buckets) <= 10_000


def test_other_addresses_need_readers(tmp_path: Path) -> None:
    closed, some = Access(ServeSettings()), Access(ServeSettings(readers=readers(tmp_path)))
    for host in ("0.0.0.0", "::", "192.0.2.7", "news.example"):
        with pytest.raises(ConfigError, match="no readers are configured"):
            check_listen(host, closed)
        check_listen(host, some)
    for host in ("127.0.0.1", "::1", "localhost", "127.8.8.8"):
        check_listen(host, closed)
    assert parse_listen("[::1]:80") == ("::1", 80)
    for text in ("8080", "x:y", ":80", "h:70000"):
        with pytest.raises(ConfigError, match="accepted: HOST:PORT"):
            parse_listen(text)
    (tmp_path / "all").write_text("short")
    with pytest.raises(ConfigError, match="at least 20"):
        Access(ServeSettings(readers=readers_with_short(tmp_path)))


def readers_with_short(folder: Path) -> Any:
    made = readers(folder)
    (folder / "all").write_text("short")
    return made
