"""`newsflow doctor` names planted faults, each by its part, with what to do; and is silent where nothing is wrong. With
`--canary` an article goes through a line of its own, which nobody else notices."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import trustme
from typer.testing import CliRunner

from newsflow.alerts.outbox import Outbox, raise_alerts
from newsflow.cli.app import app
from newsflow.cli.risks import certificate_ends
from newsflow.ingest.canary import FEED_TOPIC, NAMESPACE, RAW_TOPIC
from newsflow.kafka.admin import record_counts, topic_names
from newsflow.kafka.client import make_admin, make_consumer, make_producer
from newsflow.ledger import open_ledger
from newsflow.ledger.database import to_micros
from newsflow.model import PendingAlert
from newsflow.model.names import ARTICLE_TOPIC, DUPLICATE_TOPIC, STORY_TOPIC
from newsflow.processes import free_port
from newsflow.tools.postgres import LocalPostgres
from tests.broker_helpers import RunningBroker
from tests.postgres_helpers import new_database

RULE = "{id: harbour, names: {en: Harbour}, scheme: own, code: harbour, terms: {en: [harbour~]}}\n"
ROUTES = """
version: 1
extends: shipped
routes: [{id: kept, stores: [lines]}]
"""
DAY_MS = 86_400_000


class Site:
    """A set-up that is well, of which one thing after another can be broken."""

    def __init__(self, broker: RunningBroker, folder: Path, postgres_url: str) -> None:
        self.broker, self.folder, self.postgres_url = broker, folder, postgres_url
        self.group = broker.name("doctor")
        folder.mkdir()
        (folder / "rules.yaml").write_text(RULE)
        (folder / "routes.yaml").write_text(ROUTES)
        self.topic = broker.create_topic(configs={"retention.ms": str(7 * DAY_MS)})
        broker.create_topic(f"{self.topic}.dlq", configs={"retention.ms": str(30 * DAY_MS)})
        self.members: dict[str, Any] = {
            "topics": {"paths": ["rules.yaml"]},
            "routes": {"paths": ["routes.yaml"]},
            "kafka": {"bootstrap_servers": broker.bootstrap_servers, "group": self.group, "input_topic": self.topic},
            "ledger": {"url": f"sqlite:///{folder}/ledger.sqlite3"},
            "blobs": {"url": f"folder:///{folder}/blobs", "shared": True},
            "stores": {"lines": f"jsonl:///{folder}/lines"},
            "stories": {"encoder": "none"},
            "alerts": {"destinations": {"hook": {"type": "webhook", "url": "https://hook.example/"}}},
        }
        self.options: list[str] = ["--max-lag", "100000000", "--min-free", "1"]
        open_ledger(self.members["ledger"]["url"]).close()

    def ask(self, *more: str) -> tuple[int, list[dict[str, Any]]]:
        path = self.folder / "newsflow.yaml"
        path.write_bytes(orjson.dumps(self.members))
        done = CliRunner().invoke(app, ["doctor", "-c", str(path), "-o", "json", *self.options, *more])
        assert not isinstance(done.exception, Exception) or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, [orjson.loads(line) for line in done.stdout.splitlines()]

    def commit_start(self, topic: str, group: str = "") -> None:
        from kafka import OffsetAndMetadata, TopicPartition

        with closing(make_consumer(self.broker.settings, group=group or self.group)) as consumer:
            tp = TopicPartition(topic, 0)
            consumer.assign([tp])
            consumer.commit({tp: OffsetAndMetadata(0, "", -1)})

    def write(self, age: timedelta, records: int = 1) -> None:
        at_ms = round((datetime.now(UTC) - age).timestamp() * 1000)
        producer = make_producer(self.broker.settings)
        for _ in range(records):
            producer.send(self.topic, key=b"k", value=b"{}", timestamp_ms=at_ms)
        producer.flush()
        producer.close()

    def alter(self, topic: str, **settings: str) -> None:
        from kafka.admin import ConfigResource, ConfigResourceType

        values = {name.replace("_", "."): value for name, value in settings.items()}
        with closing(make_admin(self.broker.settings)) as admin:
            admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, values)])


@pytest.fixture(scope="module")
def make_site(
    broker: RunningBroker, postgres: LocalPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], Site]:
    folder, url = tmp_path_factory.mktemp("doctor"), new_database(postgres)

    def make() -> Site:
        return Site(broker, folder / broker.name("site"), url)

    site = make()
    site.ask()
    applied = CliRunner().invoke(app, ["kafka", "apply", "-c", str(site.folder / "newsflow.yaml")])
    assert applied.exit_code == 0, applied.output
    open_ledger(url).close()
    return make


def not_well(findings: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {each["part"]: each for each in findings if each["state"] != "ok"}


def test_a_set_up_that_is_well_is_silent(make_site: Callable[[], Site]) -> None:
    for database in ("sqlite", "postgresql"):
        site = make_site()
        if database == "postgresql":
            site.members["ledger"]["url"] = site.postgres_url
        for group in (site.group, f"{site.group}.deliver.lines", f"{site.group}.deliver.alerts"):
            _caught_up(site, group)
        code, findings = site.ask()
        # The server of the tests does not wait for its disk, which is a fault that is named.
        expected = set() if database == "sqlite" else {"fsync of the ledger"}
        assert (code, set(not_well(findings))) == (len(expected), expected)
        assert all(each["todo"] == "" for each in findings if each["state"] == "ok")


def _caught_up(site: Site, group: str) -> None:
    from newsflow.kafka.admin import commit_ends

    commit_ends(site.broker.settings, site.topic if group == site.group else ARTICLE_TOPIC, group)


# Twenty faults, each with the part that names it and a word of what is said.


def _unread_removed(site: Site) -> None:
    from kafka import TopicPartition

    site.write(timedelta(0), records=5)
    site.commit_start(site.topic)
    with closing(make_admin(site.broker.settings)) as admin:
        admin.delete_records({TopicPartition(site.topic, 0): 3})


def _unread_late(site: Site) -> None:
    site.write(timedelta(days=6))
    site.commit_start(site.topic)


def _behind(site: Site) -> None:
    site.write(timedelta(0), records=3)
    site.commit_start(site.topic)
    site.options = ["--max-lag", "2", "--min-free", "1"]


def _alert(site: Site, destination: str, age: timedelta) -> Outbox:
    then = datetime.now(UTC) - age
    ledger = open_ledger(site.members["ledger"]["url"], clock=lambda: then)
    alert = PendingAlert("alert-1", "desk", b"{}", (destination,))
    ledger.transact(lambda db: raise_alerts(db, [alert], to_micros(then)))
    return Outbox(ledger)


def _refused(site: Site) -> None:
    from newsflow.alerts.delivery import Drainer
    from newsflow.alerts.senders.base import Attempt, refused

    class Refuses:
        name = "hook"

        def send(self, alert: PendingAlert) -> Attempt:
            return refused("HTTP 400: not so")

    Drainer(Refuses()).drain(_alert(site, "hook", timedelta(0)))


def _old_ledger(site: Site) -> None:
    site.members["ledger"]["url"] = f"sqlite:///{site.folder}/old.sqlite3"
    with closing(sqlite3.connect(site.folder / "old.sqlite3")) as connection:
        connection.execute("CREATE TABLE migration (number BIGINT, name TEXT)")


def _certificate(site: Site) -> None:
    authority = trustme.CA()
    leaf = authority.issue_cert("client.example", not_after=datetime.now(UTC) + timedelta(days=10))
    for name, blob in (("ca", authority.cert_pem), ("cert", leaf.cert_chain_pems[0]), ("key", leaf.private_key_pem)):
        (site.folder / f"{name}.pem").write_bytes(blob.bytes())
    site.members["kafka"]["security"] = {
        "protocol": "SSL",
        "ca_file": str(site.folder / "ca.pem"),
        "certificate_file": str(site.folder / "cert.pem"),
        "key_file": str(site.folder / "key.pem"),
    }
    site.members["kafka"]["bootstrap_servers"] = f"127.0.0.1:{free_port()}"


def _set(*path: str, to: Any) -> Callable[[Site], None]:
    def plant(site: Site) -> None:
        members = site.members
        for name in path[:-1]:
            members = members.setdefault(name, {})
        members[path[-1]] = to

    return plant


FAULTS: dict[str, tuple[Callable[[Site], object], str, str]] = {
    "a destination of no known type": (
        _set("alerts", "destinations", to={"hook": {"type": "webhook", "url": "env:NEWSFLOW_TEST_NOT_SET"}}),
        "configuration", "NEWSFLOW_TEST_NOT_SET",
    ),
    "feeds that nobody gets": (
        lambda site: (site.folder / "routes.yaml").write_text("version: 1\nroutes: [{id: all, stores: [lines]}]\n"),
        "feeds", "harbour",
    ),
    "routes to stores, and none configured": (_set("stores", to={}), "routes", "lines"),
    "no broker": (
        lambda site: _set("kafka", "bootstrap_servers", to=f"127.0.0.1:{free_port()}")(site), "broker", "127.0.0.1",
    ),
    "an input topic that is not there": (_set("kafka", "input_topic", to="news.none.raw.v1"), "topics", "news.none"),
    "a raw topic without dead letters": (
        lambda site: site.members["kafka"].update(input_topic=site.broker.create_topic()), "dead letters", "no topic",
    ),
    "dead letters that go before they are looked at": (
        lambda site: site.alter(f"{site.topic}.dlq", retention_ms="3600000"), "dead letters", "less long",
    ),
    "a raw topic that is compacted": (
        lambda site: site.alter(site.topic, cleanup_policy="compact,delete"), "compaction", "earlier states",
    ),
    "a raw topic bounded in bytes": (
        lambda site: site.alter(site.topic, retention_bytes="1000000"), "retention by size", "1,000,000 bytes",
    ),
    "leaders that lack records": (
        lambda site: site.alter(site.topic, unclean_leader_election_enable="true"), "unclean leaders", "acknowledged",
    ),
    "a ledger that forgets before the topic does": (
        _set("ledger", "retention_d", to=3), "ledger retention", "goes out twice",
    ),
    "a group that is far behind": (_behind, "group {group}", "3 records"),
    "a job that was never started": (
        lambda site: site.write(timedelta(0)), "group {group}", "never committed",
    ),
    "records that soon go unread": (_unread_late, "unread of {group}", "goes after 7 d"),
    "records that went unread": (_unread_removed, "unread of {group}", "3 records"),
    "a producer in the future": (
        lambda site: site.write(timedelta(minutes=-50)), "clock of records", "min from now",
    ),
    "a ledger that is not there": (
        lambda site: _set("ledger", "url", to=f"sqlite:///{site.folder}/none.sqlite3")(site), "ledger", "no ledger",
    ),
    "a ledger of an older release": (_old_ledger, "ledger", "migrations to run"),
    "a database that may forget": (
        lambda site: _set("ledger", "url", to=site.postgres_url)(site), "fsync of the ledger", "go out twice",
    ),
    "a destination that does not answer": (
        lambda site: _alert(site, "hook", timedelta(hours=1)), "destination hook", "the oldest for 60 min",
    ),
    "a destination that was renamed": (
        lambda site: _alert(site, "former", timedelta(0)), "destination former", "does not name it",
    ),
    "alerts that were refused": (_refused, "refused alerts", "1 alerts"),
    "a store that is in the way": (
        lambda site: (site.folder / "lines").write_text("in the way"), "store lines", "",
    ),
    "a disk that is nearly full": (
        lambda site: site.options.extend(["--min-free", str(1 << 40)]), "disk", "MiB are left",
    ),
    "a certificate near its end": (_certificate, "certificate", "ends in "),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_named(make_site: Callable[[], Site], fault: str) -> None:
    plant, part, word = FAULTS[fault]
    site = make_site()
    plant(site)
    code, findings = site.ask()
    found = not_well(findings)
    named = found.get(part.format(group=site.group))
    assert named is not None, found
    assert word in named["message"]
    assert all(each["todo"] for each in found.values()), "each finding says what to do"
    assert code == any(each["state"] == "fail" for each in found.values())


def test_there_are_twenty_and_more() -> None:
    assert len(FAULTS) >= 20


def test_the_end_of_a_certificate_is_read() -> None:
    from cryptography import x509

    for days in (10, 20_000):  # before and after 2050, which is written otherwise
        leaf = trustme.CA().issue_cert("a.example", not_after=datetime.now(UTC) + timedelta(days=days))
        pem = leaf.cert_chain_pems[0].bytes().decode()
        [ends] = certificate_ends(pem)
        assert ends == x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc
    with pytest.raises(ValueError, match="certificate"):
        certificate_ends("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")


# The canary.


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_canary_goes_through_a_line_that_nobody_sees(make_site: Callable[[], Site], database: str) -> None:
    site = make_site()
    if database == "postgresql":
        site.members["ledger"]["url"] = site.postgres_url
    settings = site.broker.settings
    live = [ARTICLE_TOPIC, DUPLICATE_TOPIC, STORY_TOPIC, "news.topic.harbour.v1", site.topic, f"{site.topic}.dlq"]
    before, names = record_counts(settings, live), topic_names(settings)
    for _ in range(2):  # the second is no copy of the first, and finds what the first has made
        _, findings = site.ask("--canary", "--deadline", "60")
        flown = {each["part"]: each["message"] for each in findings if each["part"].startswith("canary")}
        assert list(flown) == ["canary raw topic", "canary decided", "canary delivered"], flown
        assert not [each for each in findings if each["part"].startswith("canary") and each["state"] != "ok"], flown
        assert "1 files, 1 rows" in flown["canary delivered"]
    assert record_counts(settings, live) == before
    assert topic_names(settings) - names <= {RAW_TOPIC, FEED_TOPIC}
    assert not (site.folder / "lines").exists()
    with closing(open_ledger(site.members["ledger"]["url"])) as ledger:
        assert sum(ledger.outcomes().values()) == 0
        assert Outbox(ledger).backlog() == []
    if database == "sqlite":
        assert (site.folder / f"ledger.replay-{NAMESPACE}.sqlite3").exists()


def test_a_canary_that_does_not_arrive_says_where(make_site: Callable[[], Site]) -> None:
    site = make_site()
    code, findings = site.ask("--canary", "--deadline", "0.1")
    found = not_well(findings)
    assert code == 1
    assert "not done within 0.1 s" in found["canary raw topic"]["message"]
    assert "canary decided" not in {each["part"] for each in findings}

    site.members["ledger"]["url"] = "postgresql://nobody@127.0.0.1:1/none"
    code, findings = site.ask("--canary", "--deadline", "3")
    assert {"ledger", "canary decided"} <= set(not_well(findings))
