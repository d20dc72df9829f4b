"""`newsflow doctor` on real parts: all well, then one thing after the other broken."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from newsflow.alerts.delivery import Drainer
from newsflow.alerts.outbox import Outbox, raise_alerts
from newsflow.alerts.senders.base import Attempt, retry
from newsflow.backoff import Backoff
from newsflow.cli.app import app
from newsflow.ledger import open_ledger
from newsflow.ledger.database import to_micros
from newsflow.model import PendingAlert
from newsflow.model.codec import encode_article
from newsflow.processes import free_port
from newsflow.stores.registry import open_store
from tests.alerts.planner_helpers import reported
from tests.broker_helpers import RunningBroker
from tests.stores.store_harness import row

RULE = """
id: harbour
names: {en: Harbour}
scheme: own
code: harbour
terms: {en: [harbour~]}
"""


class Site:
    """A configuration whose parts are all there, and what doctor says of it."""

    def __init__(self, folder: Path, bootstrap_servers: str, group: str) -> None:
        self.folder, self.group = folder, group
        (folder / "rules").mkdir()
        (folder / "rules" / "harbour.yaml").write_text(RULE)
        self.members: dict[str, Any] = {
            "topics": {"paths": [str(folder / "rules")]},  # few feeds: each doctor asks the broker about all of them
            "kafka": {"bootstrap_servers": bootstrap_servers, "group": group},
            "ledger": {"url": f"sqlite:///{folder}/ledger.sqlite3"},
            "stores": {"archive": f"sqlite:///{folder}/archive.sqlite3", "lines": f"jsonl:///{folder}/lines"},
            "alerts": {"destinations": {"hook": {"type": "webhook", "url": "https://hook.example/"}}},
        }

    @property
    def ledger_url(self) -> str:
        return str(self.members["ledger"]["url"])

    def ask(self, *arguments: str) -> tuple[int, dict[str, dict[str, Any]]]:
        """Exit code and findings by part."""
        path = self.folder / "newsflow.yaml"
        path.write_bytes(orjson.dumps(self.members))
        done = CliRunner().invoke(app, ["doctor", "-c", str(path), "-o", "json", *arguments])
        return done.exit_code, {each["part"]: each for each in map(orjson.loads, done.stdout.splitlines())}

    def states(self, *arguments: str) -> dict[str, str]:
        return {part: each["state"] for part, each in self.ask(*arguments)[1].items()}


@pytest.fixture
def site(broker: RunningBroker, tmp_path: Path) -> Site:
    made = Site(tmp_path, broker.bootstrap_servers, broker.name("doctor"))
    path = tmp_path / "newsflow.yaml"
    path.write_bytes(orjson.dumps(made.members))
    assert CliRunner().invoke(app, ["kafka", "apply", "-c", str(path)]).exit_code == 0
    open_ledger(made.ledger_url).close()
    return made


def test_all_well(site: Site) -> None:
    code, findings = site.ask("--max-lag", "100000000")
    assert code == 0, findings
    assert set(findings) == {
        "configuration", "broker", "topics", "ledger", "destination hook", "store archive", "store lines",
        f"group {site.group}", *(f"group {site.group}.deliver.{name}" for name in ("archive", "lines", "alerts")),
    }  # fmt: skip
    assert findings["store archive"]["message"] == "not made yet"
    assert not (site.folder / "archive.sqlite3").exists(), "looking makes nothing"
    assert not (site.folder / "lines").exists()


def test_an_input_that_is_not_there(site: Site) -> None:
    site.members["kafka"]["input_topic"] = "news.mistyped.raw.v1"
    code, findings = site.ask()
    assert (code, findings["topics"]["state"]) == (1, "fail")
    assert findings["topics"]["message"].startswith("topic news.mistyped.raw.v1 does not exist")


def test_feeds_that_nobody_gets(site: Site) -> None:
    (site.folder / "routes.yaml").write_text("version: 1\nroutes: [{id: archive, stores: [lines]}]\n")
    site.members["routes"] = {"paths": ["routes.yaml"]}
    code, findings = site.ask("--max-lag", "100000000")
    assert code == 0, findings
    assert findings["feeds"]["state"] == "warn"
    assert findings["feeds"]["message"] == "nobody gets 1, as no route publishes their articles: harbour"
    done = CliRunner().invoke(app, ["config", "check", "-c", str(site.folder / "newsflow.yaml")])
    assert "feeds that nobody gets, as no route publishes their articles: harbour" in " ".join(done.stderr.split())
    (site.folder / "routes.yaml").write_text("version: 1\nextends: shipped\nroutes: [{id: all, stores: [lines]}]\n")
    assert "feeds" not in site.ask("--max-lag", "100000000")[1]
    done = CliRunner().invoke(app, ["config", "check", "-c", str(site.folder / "newsflow.yaml")])
    assert done.exit_code == 0
    assert "nobody" not in done.stderr


def test_no_broker(site: Site) -> None:
    site.members["kafka"]["bootstrap_servers"] = f"127.0.0.1:{free_port()}"
    code, findings = site.ask()
    assert (code, findings["broker"]["state"]) == (1, "fail")
    assert not [part for part in findings if part.startswith(("group", "topics"))]
    assert findings["ledger"]["state"] == "ok", "the others are looked at all the same"


def test_a_ledger_that_is_not_there_behind_or_a_store(site: Site) -> None:
    site.members["ledger"]["url"] = f"sqlite:///{site.folder}/none.sqlite3"
    assert "no ledger at" in site.ask()[1]["ledger"]["message"]
    old = site.folder / "old.sqlite3"
    connection = sqlite3.connect(old)
    connection.execute("CREATE TABLE migration (number BIGINT, name TEXT)")
    connection.close()
    site.members["ledger"]["url"] = f"sqlite:///{old}"
    code, findings = site.ask()
    assert code == 1
    assert "migrations to run" in findings["ledger"]["message"]


def test_a_group_that_is_behind(site: Site, broker: RunningBroker) -> None:
    from newsflow.kafka.producer import BatchWriter

    writer = BatchWriter(broker.settings)
    for number in range(3):
        article = reported(f"{site.group}-{number}")
        writer.send("news.article.v1", article.id.encode(), encode_article(article))
    writer.flush()
    part = f"group {site.group}.deliver.lines"
    before = site.ask("--max-lag", "100000000")[1][part]
    assert before["state"] == "warn"
    assert "never committed" in before["message"]
    assert before["detail"]["lag"] >= 3
    assert site.states("--max-lag", "0")[part] == "fail"
    config = str(site.folder / "newsflow.yaml")
    done = CliRunner().invoke(app, ["deliver", "--until-caught-up", "--sinks", "lines", "-c", config])
    assert done.exit_code == 0, done.output
    after = site.ask("--max-lag", "0")[1][part]
    assert (after["state"], after["detail"]["lag"], after["detail"]["began"]) == ("ok", 0, True)


class Dead:
    name = "hook"

    def send(self, alert: PendingAlert) -> Attempt:
        return retry("HTTP 503: gone fishing")


def test_a_dead_destination_its_oldest_alert_and_its_circuit(site: Site) -> None:
    now = datetime.now(UTC)

    def fail(tries: int) -> None:
        start = now - timedelta(minutes=8)
        clock = iter(start + timedelta(seconds=10 * at) for at in range(100_000))
        tick = _latest(clock)
        ledger = open_ledger(site.ledger_url, clock=tick)
        alert = PendingAlert(f"alert-{tries}", "desk", b"{}", ("hook",))
        ledger.transact(lambda db: raise_alerts(db, [alert], to_micros(ledger.now())))
        drainer = Drainer(Dead(), backoff=Backoff(0.1, 0.1), clock=tick)
        tried = 0
        while tried < tries:
            tried += drainer.drain(Outbox(ledger)).retried
        ledger.close()

    fail(2)
    part = "destination hook"
    finding = site.ask("--max-lag", "100000000")[1][part]
    assert (finding["state"], finding["detail"]["circuit"], finding["detail"]["waiting"]) == ("ok", "failing", 1)
    assert "gone fishing" in finding["message"]
    assert site.states("--max-wait", "60")[part] == "fail", "it waits too long"
    fail(4)
    code, findings = site.ask("--max-lag", "100000000")
    assert (code, findings[part]["state"], findings[part]["detail"]["circuit"]) == (1, "fail", "open")
    assert findings[part]["detail"]["oldest_s"] >= 400
    site.members["alerts"]["destinations"] = {}
    assert "does not name it" in site.ask()[1][part]["message"]


def _latest(times: Any) -> Callable[[], datetime]:
    return lambda: next(times)


def test_a_store_that_is_away_and_one_that_is_a_ledger(site: Site) -> None:
    (site.folder / "lines").write_text("in the way")
    site.members["stores"]["archive"] = site.ledger_url
    code, findings = site.ask()
    assert code == 1
    assert findings["store lines"]["state"] == "fail"
    assert "holds a ledger" in findings["store archive"]["message"]
    assert "needs one of its own" in findings["configuration"]["message"]


def test_a_store_says_what_it_holds(site: Site) -> None:
    for name in ("archive", "lines"):
        with open_store(site.members["stores"][name]) as store:
            store.write([row("a"), row("b")])
    findings = site.ask()[1]
    assert findings["store archive"]["message"] == "schema 3"
    assert findings["store lines"]["message"] == "2 files, 2 rows"


def test_for_people(site: Site) -> None:
    site.ask()
    done = CliRunner().invoke(app, ["doctor", "-c", str(site.folder / "newsflow.yaml"), "--max-lag", "100000000"])
    assert "ok    ledger: reachable, up to date" in done.stdout
    assert "all well" in done.stderr
