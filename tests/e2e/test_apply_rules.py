"""`newsflow topics apply` to a job that runs: the next article carries the new version, and a broken set changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from newsflow.kafka.producer import BatchWriter
from newsflow.ledger import Ledger, open_ledger
from newsflow.model.names import ARTICLE_TOPIC, dead_letter_topic, topic_feed
from newsflow.tagging import load_rules
from tests.broker_helpers import RunningBroker
from tests.e2e.after_faults import mine
from tests.e2e.job_process import JobProcess

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

FIRST = "id: syria\nany: [harbour]\n"
SECOND = "id: syria\nany: [harbour, lighthouse]\n---\nid: {topic}\nany: [lighthouse]\n"
BROKEN = "id: syria\nany: [harbour\n"
TEXT = "The harbour and the {number} lamps of its lighthouse were painted on day {number} by {number} volunteers."


@pytest.fixture
def job(topics_broker: RunningBroker, tmp_path: Path) -> Iterator[JobProcess]:
    """A job that follows its topic under the first rules, which lie in a file that may be edited."""
    topic = topics_broker.create_topic(topics_broker.name("raw"))
    topics_broker.create_topic(dead_letter_topic(topic))
    (tmp_path / "rules.yaml").write_text(FIRST, encoding="utf-8")
    environ = {"NEWSFLOW_TOPICS__PATHS": f"[{tmp_path}/rules.yaml]"}
    running = JobProcess(topics_broker, topic, tmp_path, f"sqlite:///{tmp_path}/ledger.sqlite3", topic, environ)
    running.start("--follow", "-v")
    yield running
    running.kill()


def publish(job: JobProcess, ledger: Ledger, number: int) -> dict[str, str]:
    """Publish an article; its topics with the versions of their rules, once the job has recorded it."""
    url = f"https://veld-herald.example/{number}"
    event = {
        "source": "veld-herald", "url": url, "fetched_at": "2025-04-01T06:00:00Z", "content_type": "text/plain",
        "title": f"Lamps painted, part {number}", "content": TEXT.format(number=number),
    }  # fmt: skip
    writer = BatchWriter(job.broker.settings)
    writer.send(job.topic, url.encode(), orjson.dumps(event))
    writer.flush()
    recorded: dict[str, dict[str, str]] = {}

    def there() -> bool:
        for stored in ledger.articles():
            value = orjson.loads(stored.value)
            recorded[value["url"]] = {topic["id"]: topic["rule_version"] for topic in value["topics"]}
        return url in recorded

    job.wait_for(there)
    return recorded[url]


def versions(*texts: str, folder: Path) -> dict[str, str]:
    """Versions of the rules of a file by id."""
    file = folder / "expected.yaml"
    file.write_text("---\n".join(texts), encoding="utf-8")
    rules = load_rules([file])
    return {rule.id: found.version for rule in rules.rules if (found := rules.rule(rule.id)) is not None}


@pytest.fixture
def ledger(job: JobProcess) -> Iterator[Ledger]:
    opened = open_ledger(job.ledger_url)
    yield opened
    opened.close()


def test_rules_change_under_a_running_job(job: JobProcess, ledger: Ledger, tmp_path: Path) -> None:
    first = versions(FIRST, folder=tmp_path)
    assert publish(job, ledger, 1) == first

    (tmp_path / "rules.yaml").write_text(BROKEN, encoding="utf-8")
    assert publish(job, ledger, 2) == first, "what does not load changes nothing"
    assert "new topic rules do not load" in job.words()
    assert "rules.yaml" in job.words()

    name = job.broker.name("lighthouses")
    second = SECOND.format(topic=name)
    (tmp_path / "new.yaml").write_text(second, encoding="utf-8")
    (tmp_path / "rules.yaml").write_text(FIRST, encoding="utf-8")
    assert f"+ {topic_feed(name)}" in job.command("kafka", "apply", "--rules", "new.yaml")
    (tmp_path / "rules.yaml").write_text(BROKEN, encoding="utf-8")
    refused = job.spawn("topics", "apply", "new.yaml")
    assert refused.wait(60) == 3, job.words()
    assert "the rules in force do not load" in job.words(), "nothing can be added to broken rules"
    job.command("topics", "apply", "--replace", "new.yaml")
    expected = versions(second, folder=tmp_path)
    assert expected["syria"] != first["syria"]
    assert publish(job, ledger, 3) == expected

    (tmp_path / "broken.yaml").write_text(BROKEN, encoding="utf-8")
    refused = job.spawn("topics", "apply", "broken.yaml")
    assert refused.wait(60) == 3, job.words()
    assert publish(job, ledger, 4) == expected, "what apply refuses changes nothing"

    [copy] = (tmp_path / ".newsflow" / "topics").rglob("new.yaml")
    copy.write_text(BROKEN, encoding="utf-8")
    assert publish(job, ledger, 5) == expected, "nor does a copy that someone broke"
    assert job.words().count("new topic rules do not load") >= 2, "it says so each time"

    (tmp_path / "rules.yaml").write_text(FIRST, encoding="utf-8")
    job.command("topics", "rollback")
    assert publish(job, ledger, 6) == first, "the configured rules count again"
    assert job.process is not None
    job.process.terminate()
    assert job.wait(60) == 0, job.words()
    assert {outcome.value: count for outcome, count in ledger.outcomes().items()} == {"added": 6}
    assert values(job, ARTICLE_TOPIC) == {stored.value for stored in ledger.articles()}
    assert values(job, topic_feed(name)) == {stored.value for stored in ledger.articles() if name in stored.feeds}
    assert len(values(job, topic_feed(name))) == 3


def values(job: JobProcess, topic: str) -> set[bytes]:
    return {record.value or b"" for record in mine(job.broker.read(topic), job.topic)}
