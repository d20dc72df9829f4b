"""A secret is masked wherever it is put in and whatever comes out."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from newsflow import shown
from newsflow.alerts.delivery import Drainer
from newsflow.alerts.outbox import Outbox, raise_alerts
from newsflow.alerts.senders.registry import make_senders
from newsflow.cli.options import log_lines
from newsflow.config.load import load_config
from newsflow.config.settings import Destination
from newsflow.errors import ConfigError, LedgerError, NewsflowError
from newsflow.ledger import open_ledger
from newsflow.ledger.database import to_micros
from newsflow.processes import free_port
from newsflow.secrets import masked, masked_destination, resolve
from newsflow.shown import MASK, keep_secret, without_secrets
from tests.alerts.alert_samples import pending
from tests.alerts.http_double import answer, serving
from tests.rule_helpers import AS_LIST

MARKER = "Zq7-marker-9f3e"


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test makes secret is none for those after it."""
    monkeypatch.setattr(shown, "_secrets", {})
    monkeypatch.setattr(shown, "_pattern", None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"postgresql://u:{MARKER}@h:1/d?sslmode=require", f"postgresql://u:{MASK}@h:1/d?sslmode=require"),
        (f"postgresql://u@h/d?password={MARKER}&user=u", f"postgresql://u@h/d?password={MASK}&user=u"),
        (f"postgresql://u:a@{MARKER}@h/d", f"postgresql://u:{MASK}@h/d"),
        (f"postgresql://:{MARKER}@/d", f"postgresql://:{MASK}@/d"),
        (
            f"opensearch+https://u:{MARKER}@h/?x={MARKER}&index=news",
            f"opensearch+https://u:{MASK}@h/?x={MASK}&index=news",
        ),
        (f"host=h password={MARKER} user=u", f"host=h password={MASK} user=u"),
        (f"host=h PASSWORD = '{MARKER} x'", f"host=h PASSWORD = {MASK}"),
        ("sqlite:////x/y.sqlite3", "sqlite:////x/y.sqlite3"),
        (f"env:{MARKER}", f"env:{MARKER}"),
        ("host:1,host:2", "host:1,host:2"),
    ],
)
def test_urls_are_shown_without_secrets(text: str, expected: str) -> None:
    assert masked(text) == expected


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("webhook", f"https://hooks.example/services/{MARKER}?k=v", f"https://hooks.example/{MASK}"),
        ("webhook", "https://hooks.example", "https://hooks.example"),
        ("webhook", f"https://hooks.example?token={MARKER}", f"https://hooks.example?{MASK}"),
        ("chat", f"slack://{MARKER}/b/c", f"slack://{MASK}"),
        ("chat", MARKER, MASK),
        ("", f"https://x/{MARKER}", f"https://{MASK}"),
        ("mail", "smtps://me@mail.example:465", "smtps://me@mail.example:465"),
        ("kafka", f"kafka+sasl://me:{MARKER}@h:1/t", f"kafka+sasl://me:{MASK}@h:1/t"),
        ("chat", "env:TALK", "env:TALK"),
    ],
)
def test_of_a_destination_no_more_is_shown_than_where_it_is(kind: str, text: str, expected: str) -> None:
    assert masked_destination(text, kind) == expected


def test_what_was_resolved_is_masked_in_every_form(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = f"{MARKER} /&'é\\"
    monkeypatch.setenv("S", secret)
    resolve("env:S")
    from urllib.parse import quote

    for text in (secret, quote(secret, safe=""), repr(secret), f"a{secret}b", MARKER):
        assert MARKER not in without_secrets(f"the server said: {text}")
        assert MARKER not in str(NewsflowError(f"said {text}"))
        assert MARKER not in str(ConfigError(f"said {text}", file=text, path=text))


def test_ordinary_words_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve("postgresql://newsflow:newsflow@news/newsflow?index=article")
    keep_secret("", "abc")
    assert without_secrets("newsflow news article abc") == "newsflow news article abc"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://u:{MARKER}@127.0.0.1:1/none?connect_timeout=1",
        f"postgresql://u:{MARKER}@[::1/none",
        f"postgresql://u:{MARKER}@127.0.0.1:port/none",
        f"postgresql://u:{MARKER}%zz@h/none",
        f"postgresql://127.0.0.1:1/none?password={MARKER}&nonsense={MARKER}x",
    ],
)
def test_errors_of_the_database_do_not_tell(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("psycopg")
    monkeypatch.setenv("LEDGER", url)
    for reference in ("env:LEDGER", url):
        with pytest.raises((LedgerError, ConfigError)) as caught:
            open_ledger(resolve(reference), retry_for_s=0.1)
        assert MARKER not in str(caught.value)


def _echo(handler: BaseHTTPRequestHandler) -> None:
    answer(400, f"{handler.path} {handler.headers.as_string()}".encode())(handler)


@pytest.mark.parametrize(
    ("kind", "path", "secret"),
    [("webhook", f"/services/{MARKER}?key={MARKER}", f"{MARKER}-1 {MARKER}-2"), ("pagerduty", f"/{MARKER}", f"{MARKER}-1"),
     ("alertmanager", f"/{MARKER}", f"{MARKER}-1")],
)  # fmt: skip
def test_what_a_destination_echoes_is_masked(
    kind: str, path: str, secret: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("KEY", secret)
    ledger = open_ledger(f"sqlite:///{tmp_path}/l.sqlite3")
    alert = pending()
    ledger.transact(lambda db: raise_alerts(db, [alert], to_micros(ledger.now())))
    with serving(_echo) as script:
        destination = Destination(kind, script.url.removesuffix("/hook") + path, "env:KEY", allow_private=True)
        assert MARKER not in repr(destination)
        (sender,) = make_senders([("there", destination)])
        assert Drainer(sender).drain(Outbox(ledger)).refused == 1
    assert any(MARKER in f"{path} {headers} {body!r}" for path, headers, body in script.requests)
    (logged,) = Outbox(ledger).alerts()
    ledger.close()
    assert "HTTP 400" in str(logged.deliveries)
    assert MARKER not in str(logged.deliveries)
    assert MARKER not in "".join(log_lines().format(record) for record in caplog.records)


SETTINGS = """
kafka:
  bootstrap_servers: 127.0.0.1:{port}
  security: {{protocol: SASL_PLAINTEXT, sasl_mechanism: PLAIN, username: me, password: 'env:KAFKA'}}
ledger: {{url: '{ledger}'}}
topics: {{paths: {rules}}}
routes: {{paths: [routes.yaml]}}
limits: {{start_s: 1, attempts: 1}}
stores:
  a: 'postgresql://u:{marker}@127.0.0.1:{port}/none?connect_timeout=1&sslpassword={marker}'
  b: 'env:STORE'
alerts:
  destinations:
    hook: {{type: webhook, url: 'http://127.0.0.1:{port}/x/{marker}?token={marker}', secret: 'env:KEY', allow_private: true}}
    bad: {{type: webhook, url: 'env:BAD', secret: 'env:KEY'}}
    post: {{type: mail, url: 'smtp://me@127.0.0.1:{port}', secret: 'env:KEY', mail_from: a@x.example, mail_to: b@x.example, timeout_s: 1}}
    pager: {{type: pagerduty, url: 'http://127.0.0.1:{port}/{marker}', secret: 'env:KEY', allow_private: true}}
    talk: {{type: chat, url: 'json://me:{marker}@127.0.0.1:{port}/{marker}'}}
    topic: {{type: kafka, url: 'kafka+sasl://me@127.0.0.1:{port}/t', secret: 'env:KEY', timeout_s: 1}}
"""
SECRETS = {
    "KAFKA": MARKER, "KEY": f"{MARKER}-1", "BAD": f"http://me:{MARKER}@127.0.0.1:1/",
    "STORE": f"opensearch+http://me:{MARKER}@127.0.0.1:1/?password={MARKER}",
    "LEDGER": f"postgresql://u:{MARKER}@127.0.0.1:1/none?connect_timeout=1&sslpassword={MARKER}",
}  # fmt: skip
COMMANDS = [
    "config show --origin", "config show -o json", "config check", "doctor -o json", "alerts test desk",
    "alerts list", "alerts status -o json", "ledger status", "ledger migrate", "story x", "trends",
    "run ingest --until-caught-up -vv", "deliver --until-caught-up -vv", "deliver --until-caught-up --sinks a,b",
    "tail news.article.v1 -vv", "kafka apply", "kafka topics", "store files a", "store compact b", "topics history",
    f"run ingest --follow --runner flink --flink-master 127.0.0.1:1 -- --db_password={MARKER} --checkpointing_interval=x",
    f"run ingest --follow --runner flink --flink-master me:{MARKER}@127.0.0.1:1",
    f"jobs list --flink-master http://me:{MARKER}@127.0.0.1:1",
    f"ledger status --ledger postgresql://u:{MARKER}@127.0.0.1:1/none?connect_timeout=1",
    f"ledger status --ledger mysql://u:{MARKER}@127.0.0.1:1/none",
    f"run ingest --until-caught-up --ledger postgres://u:{MARKER}@127.0.0.1:1/none",
]  # fmt: skip
OF_THE_LEDGER = ["config show --origin", "config check", "alerts list", "run ingest --until-caught-up -vv"]


@pytest.mark.attacks
@pytest.mark.timeout(600)
@pytest.mark.parametrize("ledger", ["env:LEDGER", "plain"])
def test_no_command_shows_a_secret(ledger: str, tmp_path: Path) -> None:
    url = SECRETS["LEDGER"] if ledger == "plain" else ledger
    (tmp_path / "newsflow.yaml").write_text(SETTINGS.format(port=free_port(), ledger=url, marker=MARKER, rules=AS_LIST))
    (tmp_path / "routes.yaml").write_text(
        "version: 1\nsubscriptions: [{id: desk, alert: {to: [hook, bad, post, pager, talk, topic]}}]\n"
    )
    loaded = load_config(tmp_path / "newsflow.yaml", environ={})
    assert MARKER not in repr(loaded.config)
    environ = {**os.environ, **SECRETS, "NEWSFLOW_CONFIG": "newsflow.yaml", "PYTHONWARNINGS": "ignore"}

    def said(command: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "newsflow", *command.split()],
            capture_output=True, text=True, env=environ, cwd=tmp_path, timeout=240, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        return done.stdout + done.stderr

    chosen = COMMANDS if ledger != "plain" else OF_THE_LEDGER
    with ThreadPoolExecutor(2) as pool:
        found = dict(zip(chosen, pool.map(said, chosen), strict=True))
    assert all(found.values())
    told = {command: text for command, text in found.items() if MARKER in text}
    assert told == {}
    assert re.search(r"hook\.url = http://127\.0\.0\.1:\d+/\*\*\*", found["config show --origin"])
