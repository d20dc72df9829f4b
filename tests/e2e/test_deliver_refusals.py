"""A row that one store refuses is that store's dead letter: the rest of its batch goes on, and other stores take it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from newsflow.kafka.producer import BatchWriter
from newsflow.model.codec import encode_article
from newsflow.model.headers import header
from newsflow.model.names import ARTICLE_TOPIC, dead_letter_topic
from newsflow.stores.contract import StoreRow
from newsflow.tools.postgres import LocalPostgres
from tests.alerts.planner_helpers import reported
from tests.broker_helpers import RunningBroker
from tests.e2e.deliver_kit import Delivery, HookServer, keys_of
from tests.postgres_helpers import new_database
from tests.stores.store_harness import Harness

pytestmark = pytest.mark.e2e


def test_what_one_store_refuses_is_its_dead_letter(
    topics_broker: RunningBroker, postgres: LocalPostgres, tmp_path: Path
) -> None:
    stem = topics_broker.name("refused")
    articles = [reported(f"{stem}-{number}", story=stem) for number in range(6)]
    articles[3] = replace(articles[3], title="NUL \x00 within")
    rows = [StoreRow(article, encode_article(article)) for article in articles]
    writer = BatchWriter(topics_broker.settings)
    for row in rows:
        writer.send(ARTICLE_TOPIC, row.article.id.encode(), row.value)
    writer.flush()
    delivery = Delivery(topics_broker, tmp_path, new_database(postgres), HookServer())
    try:
        delivery.start("--until-caught-up", "--sinks", "postgres,sqlite,lines")
        assert delivery.process is not None
        assert delivery.process.wait(240) == 0, delivery.words()
        taken = {
            name: [key for key in harness.versions() if key[0].startswith(stem)] for name, harness in _asked(delivery)
        }
    finally:
        delivery.close()
    assert taken["sqlite"] == taken["lines"] == keys_of(rows)
    assert taken["postgres"] == keys_of([*rows[:3], *rows[4:]])
    letters = [
        each for each in topics_broker.read(dead_letter_topic(ARTICLE_TOPIC)) if each.key == rows[3].article.id.encode()
    ]
    assert [(each.value, header(each.headers, "newsflow.error.reason")) for each in letters] == [
        (rows[3].value, "sink-rejected")
    ]
    assert header(letters[0].headers, "newsflow.error.stage") == "Store postgres"


def _asked(delivery: Delivery) -> Iterator[tuple[str, Harness]]:
    yield from ((name, delivery.harnesses[name]) for name in ("postgres", "sqlite", "lines"))
