"""`newsflow alerts`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner, Result

from newsflow.alerts.delivery import Drainer
from newsflow.alerts.outbox import Outbox, raise_alerts
from newsflow.alerts.planner import load_subscriber
from newsflow.alerts.senders.registry import make_senders
from newsflow.cli.alerts import app
from newsflow.ledger import Ledger, open_ledger
from newsflow.ledger.database import to_micros
from newsflow.tools.receiver import Receiver, read_received
from tests.alerts.alert_samples import HARBOUR, pending

ROUTES = """
version: 1
subscriptions:
  - {id: desk, alert: {to: [there]}}
  - {id: lost, alert: {to: [nowhere, there]}}
  - {id: quiet, feed: true}
  - {id: calm, alert: {to: [there], cool_down: 1h}}
"""


@dataclass
class Place:
    config: Path
    ledger: Ledger
    received: Path

    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, [*arguments, "-c", str(self.config)])

    def raise_alert(self, **changes: Any) -> str:
        alert = pending(**changes)
        assert self.ledger.transact(lambda db: raise_alerts(db, [alert], to_micros(self.ledger.now()))) == 1
        return alert.id


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setenv("HOOK_SECRET", "s3cret")
    received = tmp_path / "received.jsonl"
    with Receiver(received, ("s3cret",)) as receiver:
        (tmp_path / "routes.yaml").write_text(ROUTES)
        config = tmp_path / "newsflow.yaml"
        config.write_text(
            f"ledger: {{url: 'sqlite:///ledger.sqlite3'}}\nroutes: {{paths: [routes.yaml]}}\n"
            f"alerts: {{destinations: {{there: {{type: webhook, url: '{receiver.url}', "
            "secret: 'env:HOOK_SECRET', allow_private: true}}}\n"
        )
        ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.sqlite3")
        yield Place(config, ledger, received)
        ledger.close()


def test_list_and_show(place: Place) -> None:
    alert_id = place.raise_alert()
    listed = place("list")
    assert listed.exit_code == 0, listed.output
    assert alert_id[:12] in listed.stdout
    assert "there pending" in listed.stdout
    shown = place("show", alert_id[:8])
    assert HARBOUR.title in shown.stdout
    assert "Why: topics any of syria" in shown.stdout
    assert "there: pending, next try" in shown.stdout
    as_json = orjson.loads(place("show", alert_id, "-o", "json").stdout)
    assert as_json["alert"]["id"] == alert_id
    assert as_json["deliveries"][0]["state"] == "pending"


def test_a_ledger_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["list", "--ledger", f"sqlite:///{tmp_path}/none.sqlite3"])
    assert "no ledger at" in str(result.exception)
    assert not list(tmp_path.iterdir())


def test_lists_are_narrowed(place: Place) -> None:
    first, second = place.raise_alert(id="a" * 32), place.raise_alert(id="b" * 32, subscription="lost")
    assert [
        orjson.loads(line)["alert"]["id"] for line in place("list", "-s", "lost", "-o", "json").stdout.splitlines()
    ] == [second]
    Outbox(place.ledger).mark_failed(first, "there", "no", None)
    assert first[:12] in place("list", "--state", "failed").stdout
    assert second[:12] not in place("list", "--state", "failed").stdout
    assert "accepted are pending" in str(place("list", "--state", "odd").exception)


def test_what_was_refused_is_sent_again_on_demand(place: Place) -> None:
    from newsflow.config.load import load_config

    alert_id = place.raise_alert()
    Outbox(place.ledger).mark_failed(alert_id, "there", "HTTP 400", None)
    (drainer,) = map(Drainer, make_senders(load_config(place.config).config.destinations))
    assert drainer.drain(Outbox(place.ledger)).sent == 0
    assert place("resend", alert_id[:6], "--to", "there").exit_code == 0
    assert drainer.drain(Outbox(place.ledger)).sent == 1
    assert [entry["id"] for entry in read_received(place.received)] == [alert_id]
    assert "sent 20" in place("show", alert_id).stdout
    assert "has no destination 'mail'" in str(place("resend", alert_id, "--to", "mail").exception)


def test_a_sample_is_sent_now_and_marked(place: Place) -> None:
    result = place("test", "desk")
    assert (result.exit_code, result.stdout) == (0, "there: sent\n"), result.output
    (entry,) = read_received(place.received)
    assert entry["alert"]["sample"] is True
    assert Outbox(place.ledger).alerts() == []
    place("test", "desk")
    assert [entry["repeat"] for entry in read_received(place.received)] == [False, False]


def test_a_sample_says_what_is_wrong(place: Place) -> None:
    result = place("test", "lost")
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "nowhere: the configuration does not name it (alerts.destinations)",
        "there: sent",
    ]
    assert place("test", "quiet").exit_code == 1
    assert "there are: desk, lost, quiet, calm" in str(place("test", "nobody").exception)


def test_status_tells_what_waits_and_why(place: Place) -> None:
    quiet = place("status")
    assert (quiet.exit_code, quiet.stdout) == (0, "there: nothing waits\n")
    alert_id = place.raise_alert()
    from datetime import UTC, datetime, timedelta

    Outbox(place.ledger).mark_failed(alert_id, "there", "HTTP 503", datetime.now(UTC) + timedelta(hours=1))
    busy = place("status")
    assert busy.exit_code == 1
    assert "there: 1 waiting since" in busy.stdout
    assert "last error: HTTP 503" in busy.stdout
    assert orjson.loads(place("status", "-o", "json").stdout)["waiting"] == 1


def test_mute_and_its_end(place: Place) -> None:
    assert "is muted until" in place("mute", "calm", "--for", "12h").stderr
    muted = place.ledger.transact(lambda db: load_subscriber(db, "calm").muted_until)
    assert muted is not None
    assert "speaks again" in place("mute", "calm", "--off").stderr
    assert place.ledger.transact(lambda db: load_subscriber(db, "calm").muted_until) is None


@pytest.mark.parametrize(
    "arguments",
    [
        ["calm"],
        ["calm", "--for", "1h", "--off"],
        ["calm", "--for", "soon"],
        ["calm", "--for", "0m"],
        ["desk", "--for", "1h"],
        ["nobody", "--off"],
    ],
)
def test_mutes_that_make_no_sense(place: Place, arguments: list[str]) -> None:
    result = place("mute", *arguments)
    assert type(result.exception).__name__ == "UsageError"


@pytest.mark.parametrize("name", ["", "ffff", "../x", "a b"])
def test_alerts_that_are_not_there(place: Place, name: str) -> None:
    assert type(place("show", name).exception).__name__ == "UsageError"
