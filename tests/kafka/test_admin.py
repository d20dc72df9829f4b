"""Declared topics against a real broker."""

from __future__ import annotations

from contextlib import closing

import pytest

from newsflow.errors import KafkaError
from newsflow.kafka.admin import TopicAction, TopicChange, apply_topics, diff_topics, record_counts, topic_states
from newsflow.kafka.client import make_admin
from newsflow.kafka.producer import BatchWriter
from newsflow.model.topics import TopicSpec, declared_topics
from tests.broker_helpers import RunningBroker

pytestmark = pytest.mark.e2e


def spec(name: str, partitions: int = 2, **config: str) -> TopicSpec:
    settings = {"cleanup.policy": "delete", **{key.replace("_", "."): value for key, value in config.items()}}
    return TopicSpec(name, "for a test", partitions, "any", "raw-article", "a test", settings)


def actions(changes: list[TopicChange]) -> list[tuple[TopicAction, str]]:
    return [(change.action, change.name) for change in changes]


def test_a_dry_run_tells_and_changes_nothing(broker: RunningBroker) -> None:
    wanted = spec(broker.name())
    changes = diff_topics(broker.settings, [wanted])
    assert [str(change) for change in changes] == [f"+ {wanted.name}: 2 partitions, cleanup.policy=delete"]
    assert wanted.name not in {state.name for state in topic_states(broker.settings)}


def test_apply_creates_then_finds_nothing_to_do(broker: RunningBroker) -> None:
    wanted = [spec(broker.name(), 3, retention_ms="3600000"), spec(broker.name(), 1)]
    assert actions(apply_topics(broker.settings, wanted)) == [(TopicAction.CREATE, ""), (TopicAction.CREATE, "")]
    assert apply_topics(broker.settings, wanted) == []
    state = {it.name: it for it in topic_states(broker.settings)}[wanted[0].name]
    assert (state.partitions, state.config["retention.ms"]) == (3, "3600000")


def test_apply_grows_partitions_and_alters_settings(broker: RunningBroker) -> None:
    name = broker.name()
    apply_topics(broker.settings, [spec(name, 1)])
    wanted = [spec(name, 4, retention_ms="7200000", cleanup_policy="compact")]
    changes = apply_topics(broker.settings, wanted)
    assert [str(change) for change in changes] == [
        f"~ {name}: partitions 1 → 4",
        f"~ {name}: cleanup.policy delete → compact",
        f"~ {name}: retention.ms 604800000 → 7200000",
    ]
    assert apply_topics(broker.settings, wanted) == []


def test_partitions_never_shrink_and_settings_made_by_hand_stay(broker: RunningBroker) -> None:
    name = broker.create_topic(partitions=3, configs={"min.compaction.lag.ms": "5"})
    changes = apply_topics(broker.settings, [spec(name, 2)])
    assert actions(changes) == [(TopicAction.KEPT, "partitions"), (TopicAction.KEPT, "min.compaction.lag.ms")]
    state = {it.name: it for it in topic_states(broker.settings)}[name]
    assert (state.partitions, state.config["min.compaction.lag.ms"]) == (3, "5")


@pytest.mark.parametrize("dry", [True, False])
def test_a_setting_kafka_does_not_know_is_named(broker: RunningBroker, dry: bool) -> None:
    wanted = [spec(broker.name(), 1, retention_fortnights="1")]
    with pytest.raises(KafkaError, match=r"retention\.fortnights"):
        (diff_topics if dry else apply_topics)(broker.settings, wanted)


def test_a_bad_value_for_an_existing_topic_is_named(broker: RunningBroker) -> None:
    name = broker.create_topic()
    with pytest.raises(KafkaError, match=rf"{name} cannot be altered.*retention\.ms"):
        apply_topics(broker.settings, [spec(name, 1, retention_ms="soon")])


def test_all_declared_topics_and_their_feeds_are_accepted(broker: RunningBroker) -> None:
    specs = declared_topics(["syria", "united-states"])
    apply_topics(broker.settings, specs)
    names = {state.name for state in topic_states(broker.settings)}
    assert {spec.name for spec in specs} <= names
    assert {"news.topic.syria.v1", "news.topic.united-states.v1", "news.article.raw.v1.dlq"} <= names
    assert apply_topics(broker.settings, specs) == []


def test_a_topic_created_by_someone_else_meanwhile_is_no_error(broker: RunningBroker) -> None:
    from newsflow.kafka.admin import _carry_out, _diff, _states

    wanted = spec(broker.name())
    with closing(make_admin(broker.settings)) as admin:
        changes = _diff(_states(admin), [wanted])
        broker.create_topic(wanted.name, partitions=2)
        _carry_out(admin, changes, validate_only=False)


def test_record_counts(broker: RunningBroker) -> None:
    topic, empty = broker.create_topic(partitions=2), broker.create_topic()
    writer = BatchWriter(broker.settings)
    for number in range(7):
        writer.send(topic, b"%d" % number, b"x")
    writer.flush()
    assert record_counts(broker.settings, [topic, empty, "no-such-topic"]) == {topic: 7, empty: 0, "no-such-topic": 0}
    assert record_counts(broker.settings, ["no-such-topic"]) == {}
