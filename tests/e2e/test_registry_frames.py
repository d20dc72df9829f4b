"""A whole job with a schema registry: framed raw events come in, feeds go out behind the ids of their schemas."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.request import urlopen

import orjson
import pytest
from jsonschema import Draft202012Validator

from newsflow.kafka.producer import BatchWriter
from newsflow.model import Event
from newsflow.model.framing import FRAME_BYTES, MAGIC, framed
from newsflow.model.names import ARTICLE_TOPIC, dead_letter_topic, raw_key
from newsflow.testing import raw_event
from tests.broker_helpers import RunningBroker
from tests.e2e.job_process import JobProcess
from tests.kafka.registry_double import RegistryDouble, registry_double

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

SHORT = (
    "Syria opens a rail line\n\nSyria opened a rail line from Homs to the coast on Monday. Syrian engineers said "
    "that the first train carried forty wagons of wheat, and that two more would follow within this week."
)
LONG = "Syria counts its bridges\n\n" + "\n\n".join(
    f"Bridge number {number} of Syria was counted on a Monday by {number + 3} engineers from Homs."
    for number in range(400)
)


def read_as_their_readers_do(record: Event, registry: RegistryDouble) -> dict[str, object]:
    """The value of a record, held to the schema that the registry has under the id in its frame."""
    value = record.value or b""
    assert value[:1] == MAGIC
    schema_id = int.from_bytes(value[1:FRAME_BYTES], "big")
    with urlopen(f"{registry.url}/schemas/ids/{schema_id}", timeout=10) as answer:
        schema = json.loads(json.load(answer)["schema"])
    found = orjson.loads(value[FRAME_BYTES:])
    Draft202012Validator(schema).validate(found)
    headers = dict(record.headers)
    assert schema["$id"] == (headers["ce_dataschema"] or b"").decode()
    return dict(found)


@pytest.mark.slow
def test_feeds_of_a_whole_job_are_framed_and_nothing_else_is(topics_broker: RunningBroker, tmp_path: Path) -> None:
    broker = topics_broker
    topic = broker.create_topic(broker.name("raw"))
    broker.create_topic(dead_letter_topic(topic))
    desk = broker.name("desk")
    feed = broker.create_topic(f"news.subscriber.{desk}.v1")
    (tmp_path / "routes.yaml").write_text(
        f"version: 1\nsubscriptions:\n  - {{id: {desk}, match: {{topics: {{any: [syria]}}}}, feed: true}}\n"
    )
    values = [
        orjson.dumps(
            raw_event(source="river-post", url=f"https://river-post.example/{topic}/{at}", title=None, content=text)
        )
        for at, text in enumerate((SHORT, LONG))
    ]
    writer = BatchWriter(broker.settings)
    for at, value in enumerate(values):
        writer.send(topic, raw_key("river-post", f"https://river-post.example/{topic}/{at}"), framed(7, value))
    writer.flush()
    writer.close()

    with registry_double() as registry:
        environ = {
            "NEWSFLOW_KAFKA__REGISTRY__URL": registry.url, "NEWSFLOW_ROUTES__PATHS": f"[{tmp_path}/routes.yaml]",
            "NEWSFLOW_LIMITS__RECORD_BYTES": "20000", "NEWSFLOW_LIMITS__ATTEMPTS": "1",
        }  # fmt: skip
        job = JobProcess(broker, topic, tmp_path, f"sqlite:///{tmp_path}/ledger.sqlite3", topic, environ)

        registry.refuse = (503, b'{"error_code": 50301, "message": "Not now"}')
        job.start("--until-caught-up")
        assert job.wait(120) != 0
        assert "answers 503 to newsflow.article.v1: Not now" in job.words()
        assert (broker.read(feed), job.committed()) == ([], 0), "without an id nothing is taken for written"

        registry.refuse = None
        job.start("--until-caught-up")
        assert job.wait(120) == 0, job.words()
        assert job.committed() == 2
        short, long = broker.read(feed)
        assert read_as_their_readers_do(short, registry)["topics"]
        assert "dataref" in read_as_their_readers_do(long, registry)

    articles = {each.key: each for each in broker.read(ARTICLE_TOPIC) if topic.encode() in (each.value or b"")}
    original = articles[short.key]
    assert (short.value or b"")[FRAME_BYTES:] == original.value, "what newsflow itself reads has no frame"
    assert short.headers == original.headers
    assert broker.read(dead_letter_topic(topic)) == []
