"""A broker with the declared topics, for tests that run the whole job."""

from __future__ import annotations

import pytest

from newsflow.model.topics import declared_topics
from newsflow.tagging import RuleSet, load_rules
from tests.broker_helpers import RunningBroker
from tests.rule_helpers import FEW_RULES


@pytest.fixture(scope="session")
def topics_broker(broker: RunningBroker) -> RunningBroker:
    """The worker's broker, with the declared topics and the feeds of a few rules."""
    return _apply(broker, load_rules(FEW_RULES))


@pytest.fixture(scope="session")
def all_topics_broker(broker: RunningBroker, shipped: RuleSet) -> RunningBroker:
    """The worker's broker, with every topic that newsflow declares: hundreds."""
    return _apply(broker, shipped)


def _apply(broker: RunningBroker, rules: RuleSet) -> RunningBroker:
    from newsflow.kafka.admin import apply_topics

    apply_topics(broker.settings, declared_topics([rule.id for rule in rules.rules]))
    return broker
