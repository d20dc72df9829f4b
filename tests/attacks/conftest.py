"""The broker with the declared topics, as for the tests of whole jobs."""

from __future__ import annotations

import pytest

from newsflow.kafka.admin import apply_topics
from newsflow.model.topics import declared_topics
from tests.broker_helpers import RunningBroker
from tests.rule_helpers import FEW_RULES


@pytest.fixture(scope="session")
def topics_broker(broker: RunningBroker) -> RunningBroker:
    """The worker's broker, with the declared topics and the feeds of a few rules."""
    apply_topics(broker.settings, declared_topics([path.stem for path in FEW_RULES]))
    return broker
