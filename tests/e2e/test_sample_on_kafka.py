"""The bundled sample through a real broker: every event becomes what its author meant, and says so everywhere."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from newsflow.kafka.producer import BatchWriter
from newsflow.ledger import Ledger, open_ledger
from newsflow.model import Article, Event, Outcome
from newsflow.model.codec import decode_article
from newsflow.model.headers import header
from newsflow.model.names import ALERT_TOPIC, ARTICLE_TOPIC, DUPLICATE_TOPIC, dead_letter_topic, topic_feed
from newsflow.tagging import shipped_rules_path
from newsflow.tools.receiver import Receiver, read_received
from newsflow.tools.sample.build import sample_events, sources_path
from tests.broker_helpers import RunningBroker
from tests.e2e.after_faults import origin_topic
from tests.e2e.job_process import JobProcess
from tests.routing.routing_helpers import WATCH
from tests.sample_expectations import Expectation, expectations

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

SECRET = "secret-of-the-test"


class Sampled:
    """One run of the sample, and everything it left."""

    def __init__(self, broker: RunningBroker, folder: Path) -> None:
        self.broker, self.folder = broker, folder
        self.topic = broker.create_topic(broker.name("raw"), partitions=4, configs={"max.message.bytes": str(16 << 20)})
        broker.create_topic(dead_letter_topic(self.topic), configs={"max.message.bytes": str(17 << 20)})
        writer = BatchWriter(broker.settings)
        names: dict[tuple[bytes | None, bytes | None], str] = {}
        for event in sample_events():
            writer.send(self.topic, event.key, event.value, event.headers)
            names[event.key, event.value] = event.name
        writer.flush()
        self.events = broker.read(self.topic)
        self.names = {event.event_id: names[event.key, event.value] for event in self.events}
        self.run()

    def run(self) -> None:
        url = f"sqlite:///{self.folder}/ledger.sqlite3"
        with Receiver(self.folder / "received.jsonl", (SECRET,)) as receiver:
            destination = {"type": "webhook", "url": receiver.url, "allow_private": True, "secret": "env:HOOK_SECRET"}
            (self.folder / "routes.yaml").write_text(WATCH, encoding="utf-8")
            environ = {
                "NEWSFLOW_ROUTES__PATHS": f"[{self.folder}/routes.yaml]",
                "NEWSFLOW_TOPICS__PATHS": f"[{shipped_rules_path()}]",
                "NEWSFLOW_SOURCES__PATHS": f"[{sources_path()}]",
                "NEWSFLOW_ALERTS__DESTINATIONS": orjson.dumps({"webhook": destination}).decode(),
                "HOOK_SECRET": SECRET,
            }
            job = JobProcess(self.broker, self.topic, self.folder, url, self.topic, environ)
            job.start("--until-caught-up", "-o", "json")
            assert job.wait(120) == 0, job.words()
        self.ledger: Ledger = open_ledger(url)
        self.received = read_received(self.folder / "received.jsonl")

    def article(self, event: Event) -> Article:
        stored = {version.event_id: version for version in self.ledger.articles()}
        return decode_article(stored[event.event_id].value)

    def records(self, topic: str) -> list[Event]:
        """What this run wrote to a topic that other tests write to as well."""
        ids = {version.article_id.encode() for version in self.ledger.articles()}
        return [record for record in self.broker.read(topic) if record.key in ids and self._mine(record)]

    def _mine(self, record: Event) -> bool:
        return origin_topic(record) in (None, self.topic)


@pytest.fixture(scope="module")
def sampled(all_topics_broker: RunningBroker, tmp_path_factory: pytest.TempPathFactory) -> Any:
    run = Sampled(all_topics_broker, tmp_path_factory.mktemp("sample"))
    yield run
    run.ledger.close()


def test_every_event_has_the_outcome_its_author_meant(sampled: Sampled) -> None:
    expected, found = expectations(), {}
    groups: dict[str, Counter[str]] = {}
    for event in sampled.events:
        decided = sampled.ledger.event(event.event_id)
        assert decided is not None
        name = sampled.names[event.event_id]
        found[name] = (decided.outcome, decided.reason)
        if group := expected[name].group:
            groups.setdefault(group, Counter())[decided.outcome] += 1
    alone = {name: (each.outcome, each.reason) for name, each in expected.items() if each.group is None}
    assert {name: found[name] for name in alone} == alone
    for outcomes in groups.values():
        assert outcomes[Outcome.ADDED] == 1
        assert set(outcomes) == {Outcome.ADDED, Outcome.DUPLICATE}
    assert sum(sampled.ledger.outcomes().values()) == len(sampled.events) == len(expected)


def test_articles_say_what_their_authors_wrote(sampled: Sampled) -> None:
    expected = expectations()
    checked = 0
    for event in sampled.events:
        decided, wanted = sampled.ledger.event(event.event_id), expected[sampled.names[event.event_id]]
        if decided is not None and decided.outcome in (Outcome.ADDED, Outcome.REPLACED):
            check_article(sampled.article(event), wanted)
            checked += 1
    assert checked > 40


def check_article(article: Article, wanted: Expectation) -> None:
    topics = {topic.id for topic in article.topics}
    assert set(wanted.topics) <= topics, wanted.name
    if wanted.language:
        assert article.language == wanted.language, wanted.name
    if wanted.published_at:
        assert (article.published.at, article.published.zone) == (wanted.published_at, wanted.zone), wanted.name
    if wanted.text:
        assert article.title in wanted.titles, wanted.name
        kept = [paragraph for paragraph in wanted.text.paragraphs if paragraph in article.body]
        assert len(kept) >= 0.8 * len(wanted.text.paragraphs), wanted.name
    for topic in article.topics:
        for evidence in topic.evidence:
            assert getattr(article, evidence.field)[evidence.start : evidence.end] == evidence.text


def test_feeds_carry_the_bytes_of_the_article_topic(sampled: Sampled) -> None:
    articles = {(r.key, header(r.headers, "ce_id")): r for r in sampled.records(ARTICLE_TOPIC)}
    feeds = Counter(feed for version in sampled.ledger.articles() for feed in version.feeds)
    assert {"syria", "russia", "ukraine", "lebanon"} <= set(feeds)
    for feed, count in feeds.items():
        records = sampled.records(topic_feed(feed))
        assert len(records) == count
        for record in records:
            original = articles[record.key, header(record.headers, "ce_id")]
            assert (record.value, record.headers) == (original.value, original.headers)


def test_dead_letters_keep_the_original_bytes_and_say_why(sampled: Sampled) -> None:
    originals = {(event.partition, event.offset): event for event in sampled.events}
    letters = sampled.broker.read(dead_letter_topic(sampled.topic))
    assert len(letters) == sampled.ledger.outcomes()[Outcome.DEAD_LETTERED] > 0
    for letter in letters:
        partition = int(header(letter.headers, "newsflow.origin.partition") or -1)
        original = originals[partition, int(header(letter.headers, "newsflow.origin.offset") or -1)]
        assert (letter.key, letter.value) == (original.key, original.value)
        decided = sampled.ledger.event(original.event_id)
        assert decided is not None
        assert decided.reason == header(letter.headers, "newsflow.error.reason")
        assert header(letter.headers, "__connect.errors.exception.message")


def test_a_withdrawal_reaches_every_feed_that_had_the_article(sampled: Sampled) -> None:
    withdrawn = [v for v in sampled.ledger.articles() if decode_article(v.value).action == "withdraw"]
    assert withdrawn
    for version in withdrawn:
        assert version.version > 1
        assert version.feeds
        for feed in version.feeds:
            records = [r for r in sampled.records(topic_feed(feed)) if r.key == version.article_id.encode()]
            assert records[-1].value == version.value


def test_duplicates_name_their_original(sampled: Sampled) -> None:
    known = {version.article_id for version in sampled.ledger.articles()}
    named = [orjson.loads(r.value or b"") for r in sampled.records(DUPLICATE_TOPIC)]
    assert len(named) >= sampled.ledger.outcomes()[Outcome.DUPLICATE] > 0
    assert {each["original"]["id"] for each in named} <= known


def test_each_alert_arrives_once_signed_and_stands_in_its_topic(sampled: Sampled) -> None:
    assert sampled.received
    assert not any(entry["repeat"] for entry in sampled.received)
    written = sampled.broker.read(ALERT_TOPIC)
    for entry in sampled.received:
        # Another test that runs the sample raises the same alerts, at another time.
        same = [orjson.loads(each.value or b"") for each in written if header(each.headers, "ce_id") == entry["id"]]
        assert entry["alert"] in same


def test_run_again_there_is_nothing_left_to_do(sampled: Sampled) -> None:
    before = sampled.ledger.outcomes()
    sampled.run()
    assert sampled.ledger.outcomes() == before
