"""A broker with all declared topics, for tests that run whole jobs."""

from __future__ import annotations

import pytest

from newsflow.model.topics import declared_topics
from newsflow.tagging import RuleSet
from tests.broker_helpers import RunningBroker


@pytest.fixture(scope="session")
def all_topics_broker(broker: RunningBroker, shipped: RuleSet) -> RunningBroker:
    """The worker's broker, with every topic that newsflow declares: hundreds."""
    from newsflow.kafka.admin import apply_topics

    apply_topics(broker.settings, declared_topics([rule.id for rule in shipped.rules]))
    return broker
