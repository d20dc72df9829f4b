"""Up from 0.1 and back, by docs/how-to/upgrade-and-roll-back.md, command by command, from a state that 0.1 left."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest

from benchmarks.corpus import raw_events
from newsflow.cli.output import EXIT_CONFIG
from newsflow.kafka.client import make_producer
from newsflow.ledger.opening import MIGRATIONS
from newsflow.model import Event
from newsflow.model.former_url import former_url
from newsflow.model.url import canonicalise_url
from newsflow.tools.broker import LocalBroker
from newsflow.tools.postgres import LocalPostgres
from tests.broker_helpers import RunningBroker
from tests.e2e.after_faults import TIMES
from tests.e2e.deliver_kit import HookServer
from tests.e2e.job_process import check_repeats
from tests.postgres_helpers import new_database
from tests.upgrade.deployment import ARTICLES, INPUT, STACKED, Deployment, begin_with_01, made_up_events
from tests.upgrade.make_state import state_file
from tests.upgrade.releases import Release, this_release, version_01
from tests.upgrade.state import rewind, unpack

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "upgrade-and-roll-back.md"
WRITTEN_VERSION = "4f1c20d9a83b"
"""Of the topic rules, as the page has it."""
LAST_OF_01 = 5

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]


@pytest.fixture(scope="session")
def v01(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return version_01(tmp_path_factory.mktemp("v01"))


@pytest.fixture(params=["sqlite", "postgresql"])
def deployment(
    request: pytest.FixtureRequest, v01: Release, own_broker: LocalBroker, tmp_path: Path
) -> Iterator[Deployment]:
    """Empty, with 0.1 installed."""
    url = "sqlite:///ledger.sqlite3"
    if request.param == "postgresql":
        server: LocalPostgres = request.getfixturevalue("postgres")
        url = new_database(server)
    folder = tmp_path / "operator"
    folder.mkdir()
    hook = HookServer()
    yield Deployment(folder, RunningBroker(own_broker.status().bootstrap_servers), url, hook, v01)
    hook.down()


@pytest.mark.attacks
def test_up_and_back(deployment: Deployment, v01: Release) -> None:
    unpack(deployment, state_file("postgresql" if deployment.on_postgres else "sqlite"))
    publish_other_names(deployment)
    goes_up_and_back(deployment, v01)


@pytest.mark.faults
@pytest.mark.timeout(7200)
def test_up_and_back_with_ten_thousand(deployment: Deployment, v01: Release) -> None:
    begin_with_01(deployment, made_up_events(10_000))
    deployment.hook.received.clear()
    publish_other_names(deployment)
    goes_up_and_back(deployment, v01)


def goes_up_and_back(deployment: Deployment, v01: Release) -> None:
    given = deployment.broker.read(INPUT)
    applied_by_01 = orjson.loads((deployment.folder / "topics" / "applied.json").read_bytes())["version"]
    known, fresh = untouched(given), news()

    goes_up(deployment, given)
    the_same_again_changes_nothing(deployment, given)
    what_comes_belongs_to(deployment, known[:3], fresh)
    deployment.types("topics", "apply", str(deployment.release.rules / "countries" / "france.yaml"), "--create-feeds")

    goes_back(deployment, v01, applied_by_01)
    the_same_again_changes_nothing(deployment, given + fresh, but=TIMES)
    what_comes_belongs_to(deployment, known[3:6])
    what_comes_belongs_to(deployment, fresh[:3])

    install_this_release(deployment)
    follow(deployment, "Upgrade")
    the_same_again_changes_nothing(deployment, given + fresh, but=TIMES)


OTHER_NAMES = (
    "/news/amp/harbour-wall-{}", "/amphtml/news/{}", "/story-{}?oc=5", "/a-{};jsessionid=0A1B2C?id=3", "/story-{}?dm_i=1ABC",
    "/news {}.html", "/#!/news/{}", "/read.php?id={}?utm_source=rss", "/m.php?name=News&sid={}", "/news.asp?nl={}",
    "/story-{}?et_cid=1&et_rid=2", "/page?mc_id={}", "/story-{}?ref=1201", "/(S(lit3py55t21z5v55vlm25s55))/a-{}.aspx",
)  # fmt: skip
"""Where 0.1 gave other names than this release does."""


def publish_other_names(deployment: Deployment) -> None:
    """Articles under such addresses: most of them 0.1 decides, the last ones it has not read yet."""
    values = [orjson.loads(value) for _, value in raw_events(60, seed=3, size_chars=350)]
    texts = {value["content"]: value for value in values if "/news/" in value["url"]}
    events = [
        orjson.dumps(value | {"url": f"https://renamed-{number}.example{path.format(1201 + number)}"})
        for number, (path, value) in enumerate(zip(OTHER_NAMES * 2, texts.values(), strict=False))
    ]
    assert len(events) == 2 * len(OTHER_NAMES)
    for event in map(orjson.loads, events):
        assert former_url(event["url"]) not in (None, canonicalise_url(event["url"])), event["url"]
    deployment.publish(events[: len(OTHER_NAMES)])
    deployment.catch_up()
    deployment.publish(events[len(OTHER_NAMES) :])


def goes_up(deployment: Deployment, given: Sequence[Event]) -> None:
    before, alerts = deployment.outcomes(), deployment.alerts()
    waiting = {alert for alert, state in alerts.items() if state == "pending"}
    unread = len(given) - before.total()
    assert {"added", "replaced", "withdrawn", "repeat", "duplicate", "dead-lettered"} <= set(before)
    assert waiting
    assert waiting != set(alerts)
    assert unread > 0
    assert stacked_marks(deployment) > len(STACKED) // 2, "this release would make another text of it"
    assert deployment.migrations() == list(range(1, LAST_OF_01 + 1))

    install_this_release(deployment)
    follow(deployment, "Upgrade")
    assert deployment.migrations() == [each.number for each in MIGRATIONS.shipped()]
    assert deployment.outcomes() == before
    deployment.hook.up()
    deployment.catch_up()
    deployment.send_what_waits()
    assert (deployment.outcomes() - before).total() == unread
    # What was fetched long before it was written raises no alert any more; what waited is sent.
    assert {alert: state for alert, state in deployment.alerts().items() if state == "sent"}.keys() == alerts.keys()
    assert {state for alert, state in deployment.alerts().items() if alert not in alerts} == {"old"}
    assert Counter(alert for alert, _ in deployment.hook.received) == Counter(waiting)
    the_stores_have_all(deployment)


def install_this_release(deployment: Deployment) -> None:
    deployment.release = this_release()
    if deployment.on_postgres:
        assert "blobs.shared" in deployment.types("config", "check", expect=EXIT_CONFIG)
        deployment.share_blobs()


def stacked_marks(deployment: Deployment) -> int:
    """Marks on a letter of the article that this release would cut, as readers have it."""
    values = (record.value or b"" for record in deployment.broker.read(ARTICLES))
    return max(value.decode().count("\u0301") for value in values)


def goes_back(deployment: Deployment, v01: Release, applied_by_01: str) -> None:
    before, published, alerts = deployment.outcomes(), deployment.published(), deployment.alerts()
    follow(deployment, "Roll back", {WRITTEN_VERSION: applied_by_01})
    assert deployment.migrations() == list(range(1, LAST_OF_01 + 1))
    deployment.release = v01
    deployment.share_blobs(False)
    deployment.types("config", "check")
    deployment.types("ledger", "status")
    assert (deployment.outcomes(), deployment.published()) == (before, published)
    assert deployment.alerts() == {alert: "failed" if state == "old" else state for alert, state in alerts.items()}


def follow(deployment: Deployment, section: str, names: Mapping[str, str] | None = None) -> None:
    """Type the commands of a section of the page."""
    text = PAGE.read_text(encoding="utf-8").partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"^ *```console\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    commands = [line.strip().removeprefix("$ newsflow ") for block in blocks for line in block.splitlines()]
    assert commands
    for command in commands:
        deployment.types(*((names or {}).get(word, word) for word in shlex.split(command)))


# What must hold at each place of the way.


def the_same_again_changes_nothing(deployment: Deployment, given: Sequence[Event], but: Collection[str] = ()) -> None:
    """0 added, 0 replaced, 0 alerts: nothing published, sent, stored or counted anew, when the group reads all from
    the beginning and when publishers send all once more. What is read again is written again with its ids and bytes."""

    def seen() -> tuple[object, ...]:
        alerts, heard = deployment.alerts(), len(deployment.hook.received)
        return deployment.published(), alerts, heard, deployment.stored(), deployment.counted()

    deployment.send_what_waits()
    before, written = seen(), len(deployment.broker.read(ARTICLES))
    rewind(deployment, "newsflow.ingest", INPUT)
    outcomes = gained(deployment, given)
    assert set(outcomes) <= {"repeat", "stale", "dead-lettered"}, outcomes
    assert outcomes.total() == len(given)
    assert seen() == before
    the_stores_have_all(deployment)
    again = deployment.broker.read(ARTICLES)
    assert len(again) >= written + len(deployment.published())
    check_repeats(again, but)
    check_repeats(deployment.broker.read("news.duplicate.v1"), but)


def the_stores_have_all(deployment: Deployment) -> None:
    published = deployment.published()
    assert deployment.stored() == dict.fromkeys(deployment.stored(), published)


def what_comes_belongs_to(deployment: Deployment, known: Sequence[Event], fresh: Sequence[Event] = ()) -> None:
    """Of three articles one is corrected, one copied, and one withdrawn; beside them comes what nobody has seen."""
    edited, copied, gone = (orjson.loads(event.value or b"") for event in known)
    later = {"fetched_at": "2025-12-01T00:00:00+00:00"}
    edited |= later | {"content": edited["content"] + "\n\nThe harbour master said that the bridge opens on Monday."}
    copied |= later | {"source": "outlet-99", "url": copied["url"].replace("/news/", "/copy/")}
    withdrawn = {name: gone[name] for name in ("source", "url", "content_type")} | later | {"action": "withdraw"}
    outcomes = gained(deployment, [*fresh, *map(_event, (edited, copied, withdrawn))])
    assert outcomes == Counter(replaced=1, duplicate=1, withdrawn=1, added=len(fresh))
    the_stores_have_all(deployment)


# Raw events.


def untouched(given: Sequence[Event]) -> list[Event]:
    """Articles of random words of which nothing else is known."""
    made_up = [event for event in given if b'"url":"https://outlet-' in (event.value or b"")]
    values = [orjson.loads(event.value or b"") for event in made_up]
    urls, texts = (Counter(value[name] for value in values) for name in ("url", "content"))
    return [
        event
        for event, value in zip(made_up, values, strict=True)
        if "/news/" in value["url"] and urls[value["url"]] == texts[value["content"]] == 1
    ]


def news() -> list[Event]:
    """Articles that nobody has seen."""
    values = [orjson.loads(value) for _, value in raw_events(12, seed=2, size_chars=350)]
    events = [_event(value | {"url": value["url"].replace("/news/", "/news/late-")}) for value in values]
    return untouched(events)


def _event(value: Mapping[str, Any]) -> Event:
    return Event(INPUT, 0, 0, 0, f"{value['source']}/{value['url']}".encode(), orjson.dumps(value))


def gained(deployment: Deployment, events: Sequence[Event]) -> Counter[str]:
    """The outcomes of events that their publishers send, once all jobs have caught up."""
    before = deployment.outcomes()
    with closing(make_producer(deployment.broker.settings)) as producer:
        for event in events:
            headers = [(name, value or b"") for name, value in event.headers]
            producer.send(INPUT, event.value, event.key, headers)
        producer.flush()
    deployment.catch_up()
    return deployment.outcomes() - before
