"""A broker with the declared topics, for tests that run the whole job."""

from __future__ import annotations

import pytest

from newsflow.model.topics import declared_topics
from newsflow.tagging import load_rules, shipped_rules_path
from tests.broker_helpers import RunningBroker


@pytest.fixture(scope="session")
def topics_broker(broker: RunningBroker) -> RunningBroker:
    """The worker's broker, with every topic that newsflow declares."""
    from newsflow.kafka.admin import apply_topics

    ids = [rule.id for rule in load_rules([shipped_rules_path()]).rules]
    apply_topics(broker.settings, declared_topics(ids))
    return broker
