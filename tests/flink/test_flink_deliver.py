"""The job deliver on a real Flink cluster: one store, two workers, a kill, an outage and a savepoint."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from newsflow.kafka.admin import commit_ends
from newsflow.model.names import ARTICLE_TOPIC
from newsflow.stores.contract import StoreRow
from tests.e2e.deliver_kit import keys_of
from tests.e2e.test_deliver_kills import publish
from tests.flink.stack import FlinkRun, Stack, wait_until
from tests.postgres_helpers import new_database
from tests.stores.store_harness import PostgresHarness, shown

STORE = "archive"

pytestmark = [pytest.mark.flink, pytest.mark.timeout(1800)]


@pytest.fixture
def store(stack: Stack) -> Iterator[PostgresHarness]:
    """A database that the job reaches by way of a proxy, which can be cut."""
    made = PostgresHarness(new_database(stack.postgres))
    yield made
    made.close()


@pytest.fixture
def run(stack: Stack, store: PostgresHarness, tmp_path: Path) -> Iterator[FlinkRun]:
    name = stack.broker.name("delivering")
    routes = tmp_path / "routes.yaml"
    routes.write_text(f"version: 1\nroutes: [{{id: all, stores: [{STORE}]}}]\n")
    settings = {
        "stores": {STORE: store.proxied, "lines": f"jsonl:///{tmp_path}/lines"},
        "routes": {"paths": [str(routes)]},
    }
    made = FlinkRun(
        stack, name, tmp_path, new_database(stack.postgres), name, page=f"deliver.{STORE}", settings=settings
    )
    # Other tests on this broker have published too.
    commit_ends(stack.broker.settings, ARTICLE_TOPIC, f"{name}.deliver.{STORE}")
    try:
        yield made
    finally:
        made.end()


def test_a_store_is_filled_whatever_goes_away(run: FlinkRun, store: PostgresHarness) -> None:
    run.start("--sinks", STORE, "--parallelism", "2")
    published = publish_rounds(run, range(3))
    wait_until(lambda: kept(store) > 0, 120, run.why)
    run.stack.workers()[0].kill()
    published += publish_rounds(run, range(3, 6))
    check(run, store, published)

    store.take_away()
    published += publish_rounds(run, range(6, 9))
    # A bundle waits a minute; then Flink begins it again, as often as it takes.
    wait_until(lambda: "SinkError" in run.why(), 150, run.why)
    store.bring_back()
    check(run, store, published)

    savepoint = run.stop()
    published += publish_rounds(run, range(9, 12))
    run.restore(savepoint, "--sinks", STORE, "--parallelism", "1")
    check(run, store, published)


def test_what_a_cluster_cannot_deliver_to_is_refused(run: FlinkRun) -> None:
    asked = ("run", "deliver", "--runner", "flink", "--sinks")
    assert "files of one machine" in run.newsflow(*asked, "lines", expect=2)
    assert "alerts are sent by one process" in run.newsflow(*asked, "alerts", expect=2)
    both = run.newsflow(*asked, f"{STORE},lines", expect=2)
    assert "a job of its own" in both
    assert f"accepted: --sinks {STORE}" in both


def publish_rounds(run: FlinkRun, numbers: range) -> list[StoreRow]:
    return [row for number in numbers for row in publish(run.stack.broker.settings, number)]


def check(run: FlinkRun, store: PostgresHarness, published: list[StoreRow]) -> None:
    """Every version is there once, and the newest is the one that shows."""
    wanted = keys_of(published)
    wait_until(lambda: kept(store) >= len(wanted), 240, run.why)
    assert store.versions() == wanted
    assert store.current() == shown(published)


def kept(store: PostgresHarness) -> int:
    import psycopg

    try:
        return len(store.versions())
    except psycopg.Error:
        return 0  # its tables are being made
