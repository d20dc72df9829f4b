"""`newsflow deliver` is killed ten times at work, while the database and the webhook go down and come back."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from newsflow.alerts.outbox import LoggedAlert, Outbox
from newsflow.kafka.admin import apply_topics
from newsflow.kafka.producer import BatchWriter
from newsflow.kafka.settings import KafkaSettings
from newsflow.ledger import open_ledger
from newsflow.model import Action, Article
from newsflow.model.codec import encode_article
from newsflow.model.names import ARTICLE_TOPIC
from newsflow.model.topics import declared_topics
from newsflow.stores.contract import StoreRow
from newsflow.tools.broker import LocalBroker
from newsflow.tools.postgres import LocalPostgres
from tests.alerts.planner_helpers import gone, reported
from tests.broker_helpers import RunningBroker
from tests.e2e.deliver_kit import Delivery, HookServer, Outages, keys_of
from tests.fault_table import FaultTable
from tests.stores.store_harness import shown

KILLS, ROUNDS, STORIES_A_ROUND = 10, 30, 15
FINISH_S = 300.0

pytestmark = [pytest.mark.e2e, pytest.mark.faults, pytest.mark.timeout(900)]


def test_killed_ten_times_while_database_and_webhook_go_down_and_up(
    own_broker: LocalBroker, tmp_path: Path, fault_table: FaultTable
) -> None:
    broker = RunningBroker(own_broker.status().bootstrap_servers)
    apply_topics(broker.settings, declared_topics([]))
    hook = HookServer()
    hook.up()
    with LocalPostgres() as database:
        delivery = Delivery(broker, tmp_path, database.url, hook)
        open_ledger(database.url).close()
        outages = Outages(database, hook, seed=4)
        outages.start()
        try:
            published = kill_at_work(delivery, broker.settings)
        finally:
            outages.end()
        try:
            finish(delivery, database.url)
            check_stores(delivery, published)
            repeated = check_alerts(delivery, published, database.url)
        finally:
            delivery.close()
            hook.down()
    assert min(outages.counts.values()) >= 2, outages.counts
    name = f"deliver killed {KILLS} times, PostgreSQL and webhook away {sum(outages.counts.values())} times"
    fault_table.add(name, events=len(published), lost=0, repeated=repeated)


def kill_at_work(delivery: Delivery, settings: KafkaSettings) -> list[StoreRow]:
    """Kill until ten kills left something undone; returns all that was published."""
    moments, published, kills = random.Random(9), list[StoreRow](), 0
    for number in range(ROUNDS):
        published += publish(settings, number)
        before = delivery.stored_on_files()
        delivery.start("--follow")
        delivery.wait_until(lambda before=before: delivery.stored_on_files() > before, "progress")  # type: ignore[misc]
        time.sleep(moments.uniform(0.0, 0.4))
        delivery.end(signal.SIGKILL)
        kills += delivery.stored_on_files() < 3 * len(keys_of(published))
        if kills == KILLS:
            return published
    raise AssertionError(f"only {kills} of {ROUNDS} kills came while something was left to do")


def publish(settings: KafkaSettings, number: int) -> list[StoreRow]:
    """Stories of four sources, edits, withdrawals, and some records twice, as a job writes them after a crash."""
    articles = [each for at in range(STORIES_A_ROUND) for each in _story(f"{number:02}-{at:02}", at)]
    rows = [StoreRow(article, encode_article(article)) for article in articles]
    writer = BatchWriter(settings)
    for row in [*rows, *rows[::3]]:
        writer.send(ARTICLE_TOPIC, row.article.id.encode(), row.value)
    writer.flush()
    return rows


def _story(name: str, at: int) -> list[Article]:
    first = reported(f"{name}-0", "outlet-0", name)
    if at % 3 == 0:  # a story of one article, which is taken back
        return [first, gone(first)]
    others = [reported(f"{name}-{n}", f"outlet-{n}", name) for n in range(1, 4)]
    edit = replace(others[0], version=2, action=Action.REPLACE, title=others[0].title + " 2")
    return [first, *others, edit]


def finish(delivery: Delivery, ledger_url: str) -> None:
    """Let it work undisturbed until nothing waits; what a killed process held comes free after a minute."""
    deadline = time.monotonic() + FINISH_S
    while True:
        delivery.start("--until-caught-up")
        assert delivery.process is not None
        assert delivery.process.wait(FINISH_S) == 0, delivery.words()
        ledger = open_ledger(ledger_url)
        waits = Outbox(ledger).backlog()
        ledger.close()
        if not waits:
            return
        assert time.monotonic() < deadline, f"{waits}\n{delivery.words()}"


def check_stores(delivery: Delivery, published: Sequence[StoreRow]) -> None:
    """Every version in every store once, the newest the one that shows."""
    for name, harness in delivery.harnesses.items():
        assert harness.versions() == keys_of(published), name
        assert harness.current() == shown(list(published)), name


def check_alerts(delivery: Delivery, published: Sequence[StoreRow], ledger_url: str) -> int:
    """What had to be told was told, under one id with the same bytes, in order; returns how much came again."""
    bodies: dict[str, bytes] = {}
    for name, body in delivery.hook.received:
        assert bodies.setdefault(name, body) == body, "the same id with other bytes"
    values = [orjson.loads(body) for body in bodies.values()]
    assert Counter((each["subscription"], each["story"], each["step"]) for each in values) == _expected(published)
    ledger = open_ledger(ledger_url)
    try:
        raised = {each.id: each for each in Outbox(ledger).alerts(100_000)}
    finally:
        ledger.close()
    assert set(raised) == set(bodies)
    check_order([raised[name] for name in bodies])
    return len(delivery.hook.received) - len(bodies)


def _expected(published: Sequence[StoreRow]) -> Counter[tuple[str, str, str]]:
    expected: Counter[tuple[str, str, str]] = Counter()
    for story in {row.article.story or "" for row in published}:
        sources = {row.article.source for row in published if row.article.story == story}
        if len(sources) == 1:
            expected.update({("early", story, "first"): 1, ("early", story, "withdrawn"): 1})
        else:
            expected.update({("early", story, "first"): 1, ("sure", story, "first"): 1})
    return expected


def check_order(received: Sequence[LoggedAlert]) -> None:
    """By the first time each came, a subscription's alerts are in the order they were raised."""
    for subscription in {each.subscription for each in received}:
        raised = [each.created_at for each in received if each.subscription == subscription]
        assert raised == sorted(raised), subscription
