"""Nothing foreign reaches a terminal, a log, a mail header or a chat unescaped: hostile text through every door."""

from __future__ import annotations

import ast
import email
import logging
import sys
import unicodedata
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import newsflow
from newsflow.alerts.outbox import Outbox, raise_alerts
from newsflow.alerts.render import CHAT, headline, members_of, plain, rich, subject
from newsflow.alerts.senders.alertmanager import entries
from newsflow.alerts.senders.base import refused, retry
from newsflow.alerts.senders.chat import Chat
from newsflow.alerts.senders.mail import Mail, compose
from newsflow.alerts.senders.pagerduty import event
from newsflow.alerts.values import AlertStep, Span
from newsflow.blobs import BlobStore
from newsflow.cli.app import app
from newsflow.cli.options import Output, log_lines
from newsflow.cli.tail import _show
from newsflow.ingest.claims import Claimed
from newsflow.ledger import open_ledger
from newsflow.ledger.database import to_micros
from newsflow.model import Event
from newsflow.model.claim import encode_claim
from newsflow.model.codec import encode_article
from newsflow.shown import chat_text, chat_url, json_text, lines, one_line, same_length
from newsflow.testing import raw_event
from tests.alerts.alert_samples import HARBOUR, alert, pending
from tests.alerts.http_double import answer, serving
from tests.alerts.test_mail import Mailbox
from tests.alerts.test_mail import serving as serving_mail
from tests.cli.test_command_tree import READERS
from tests.routing.routing_helpers import article, topic
from tests.rule_helpers import AS_LIST

HOSTILE = (
    "Syria \x1b[2J\x1b]0;owned\x07\x9b31m \u202egnp.exe\u202c \u2066in\u2069\u2069 \u200b\u00ad\ufeff\u180e\U000e0041"
    "\r\nBcc: all@example.org\r\n\x00\x08\x7f\u2028\u2029\x85 <!channel> @everyone *b* [x](http://evil.example) "
    "<http://evil.example|bank> <script>alert(1)</script> `c` ~s~ # h & &lt;!here&gt;"
)
KEPT = "می\u200cخواهم 👩\u200d🚒"
"""Joiners, without which this is not the same word and not the same sign."""


def harmful(text: str, also: str = "\n\u2068\u2069") -> set[str]:
    """The characters of a text that control or format; `also` are those that are ours."""
    return {
        char
        for char in text
        if unicodedata.category(char) in ("Cc", "Cs", "Cf", "Zl", "Zp") and char not in also + "\u200c\u200d"
    }


# The doors.


@pytest.mark.property
@given(st.text() | st.text(alphabet=list(HOSTILE)))
def test_no_text_passes_a_door_unchanged_that_controls(text: str) -> None:
    prefix = {chr(code) for code in (*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD)}
    for shown, also in ((one_line(text), ""), (lines(text), "\n\t\u2068\u2069"), (chat_text(text), "")):
        assert harmful(shown, also) <= prefix
    assert len(same_length(text)) == len(text)
    assert harmful(same_length(text), "\n") <= prefix
    assert not set(chat_text(text)) & set("<>&@*_~`|[]\\#")
    assert not set(chat_url(text.encode("utf-8", "replace").decode())) & set("<>@*`|[]\\ ()'\"")


@pytest.mark.property
@given(st.text(st.characters(exclude_categories=["Cs"])) | st.text(alphabet=list(HOSTILE)))
def test_json_says_the_same(text: str) -> None:
    shown = json_text(orjson.dumps({"a": text}).decode())
    assert orjson.loads(shown) == {"a": text}
    assert one_line(HOSTILE) == one_line(one_line(HOSTILE))


def test_words_stay_whole() -> None:
    assert [one_line(KEPT), lines(KEPT), chat_text(KEPT)] == [KEPT] * 3


# Every command that shows what others wrote.


def _hostile_article() -> bytes:
    made = article(
        topic("syria", text=HOSTILE), title=HOSTILE, body=f"{HOSTILE}\n\n{HOSTILE}", url="https://x.example/"
    )
    return encode_article(replace(made, authors=(HOSTILE,), agency=HOSTILE, guid=HOSTILE))


RAW = orjson.dumps(raw_event(title=HOSTILE, content=HOSTILE * 3, guid=HOSTILE, url=None, authors=[HOSTILE]))
PAGE = (
    f"<html><head><title>{HOSTILE}</title></head><body><article><p>{HOSTILE * 9}</p></article></body></html>".encode()
)
GIVEN = {"publish": RAW, "normalise": PAGE, "sources learn": RAW, "run": RAW}


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("name", sorted(READERS))
def test_commands_that_read_a_file(name: str, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.cli.test_command_tree import _few

    monkeypatch.setenv("NEWSFLOW_TOPICS__PATHS", AS_LIST)
    monkeypatch.setattr("newsflow.cli.topics.load_named", lambda *_: _few())
    (tmp_path / "other.json").write_bytes(_hostile_article())
    words, _ = READERS[name]
    arguments = [word.format(other=tmp_path / "other.json", out=tmp_path / "out") for word in words]
    value = GIVEN.get(name, _hostile_article())
    result = CliRunner().invoke(app, [*name.split(), *arguments, "-o", form], input=value + b"\n" + b'{"a":"\x1b[2J\n')
    said = result.output or str(result.exception or "")
    assert said or name == "topics diff"
    assert harmful(said) == set(), name


@pytest.mark.parametrize("form", ["text", "json"])
def test_commands_on_alerts(form: str, tmp_path: Path) -> None:
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.sqlite3")
    made = _hostile_alert()
    ledger.transact(lambda db: raise_alerts(db, [made], to_micros(ledger.now())))
    Outbox(ledger).mark_failed(made.id, "there", HOSTILE, ledger.now())
    ledger.close()
    for words in (["list"], ["show", made.id], ["status"]):
        result = CliRunner().invoke(
            app, ["alerts", *words, "-o", form, "--ledger", f"sqlite:///{tmp_path}/ledger.sqlite3"]
        )
        assert result.output
        assert harmful(result.output) == set(), words


@pytest.mark.parametrize("form", list(Output))
def test_records_of_a_topic(form: Output, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hostile = HOSTILE.encode()
    store = BlobStore(f"folder:///{tmp_path}/blobs")
    kept = encode_claim(store.put(_hostile_article()), HOSTILE)
    values = [
        kept,
        orjson.dumps(orjson.loads(kept) | {"dataref": HOSTILE}),
        _hostile_article(),
        RAW,
        _hostile_alert().value,
        hostile,
        None,
        b"",
        orjson.dumps({"copy": {}, "original": {}}),
    ]
    dead = tuple(
        (f"newsflow.{name}", hostile) for name in ("error.reason", "error.message", "error.stage", "origin.topic")
    )
    for value in values:
        for headers in ((), dead, ((HOSTILE, hostile), ("ce_dataref", hostile))):
            _show(Event(HOSTILE, 0, 0, 1, hostile, value, headers), form, Claimed(lambda: store, 10**6))
    shown = capsys.readouterr().out
    assert shown.count("\n") == len(values) * 3
    assert harmful(shown) == set()


def test_what_people_are_told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A message of the command line, with text of others in it, and a mistake of ours."""
    from newsflow.cli import _say_unexpected, main

    monkeypatch.setattr(sys, "argv", ["newsflow", "alerts", "mute", HOSTILE, "--for", HOSTILE])
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    with pytest.raises(SystemExit):
        main()
    try:
        raise ValueError(HOSTILE)
    except ValueError as error:
        _say_unexpected(type(error), error, error.__traceback__)
    shown = capsys.readouterr().err
    assert "ValueError: Syria" in shown
    assert harmful(shown) == set()


def test_no_command_writes_past_the_doors() -> None:
    """What writes by itself is known, and looked at above."""
    found = set()
    for path in (Path(newsflow.__file__).parent / "cli").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                "print",
                "typer.echo",
                "click.echo",
                "sys.stdout.write",
                "sys.stderr.write",
            ):
                found.add(path.name)
    assert found == {"__init__.py", "output.py"}


# Log lines.


def test_a_log_line_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise ValueError(f"{HOSTILE}\n2026-01-01 ERROR forged")
    except ValueError:
        logging.getLogger("newsflow.x").warning("said: %s", HOSTILE, exc_info=True, stack_info=True)
    (record,) = caplog.records
    shown = log_lines().format(record)
    assert harmful(shown) == set()
    first, *rest = shown.split("\n")
    assert "said: Syria" in first
    assert "Bcc: all@example.org" in first
    assert rest
    assert all(line.startswith("  ") for line in rest)


# What is sent to people.


def _hostile_alert(step: AlertStep = AlertStep.FIRST) -> Any:
    bad = replace(HARBOUR, source=HOSTILE, title=HOSTILE, language=HOSTILE, published_at=HOSTILE, url=HOSTILE)
    span = Span("a1", HOSTILE, HOSTILE, "title", 0, 5, HOSTILE)
    why = replace(alert().why, rule=HOSTILE, story=HOSTILE, sources=(HOSTILE,), spans=(span,))
    return pending(step, subscription=HOSTILE, articles=(bad, replace(bad, url="https://x.example/<a>|b")), why=why)


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.items() for text in _texts(list(each))]
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("step", list(AlertStep))
def test_texts_of_an_alert(step: AlertStep) -> None:
    members = members_of(_hostile_alert(step).value)
    for text in (headline(members), subject(members), subject(members, CHAT)):
        assert harmful(text, "") == set()
    for text in (plain(members), plain(members, CHAT), rich(members)):
        assert harmful(text) == set()
    assert plain(members).count("\n") == plain(members_of(pending(step).value)).count("\n") + 1
    assert "<script" not in rich(members)
    assert rich(members).count("<a ") == 1
    for text in (subject(members, CHAT).split(": ", 1)[1], plain(members, CHAT)):
        assert not set(text) & set("<>@*`|[]\\")
        assert "&lt;!" not in text


@pytest.mark.parametrize("step", list(AlertStep))
def test_mail_headers(step: AlertStep) -> None:
    message = compose(members_of(replace_subscription(step)), "a@x.example", ("b@x.example",))
    read = email.message_from_bytes(message.as_bytes(), policy=email.policy.default)
    assert read["Bcc"] is None
    assert read.keys() == message.keys()
    for value in read.values():
        assert harmful(str(value), "") == set()


def replace_subscription(step: AlertStep) -> bytes:
    """Ids of subscriptions are ours; all else is foreign."""
    members = orjson.loads(_hostile_alert(step).value)
    return orjson.dumps(members | {"subscription": "desk"})


@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore:Requiring AUTH:UserWarning", "ignore::ResourceWarning"
)
def test_a_mail_arrives_harmless_and_a_hostile_id_is_refused() -> None:
    box = Mailbox()
    with serving_mail("none", box) as server:
        mail = Mail("post", server, "news@example.org", ("desk@example.org",))
        sent = mail.send(replace(_hostile_alert(), value=replace_subscription(AlertStep.FIRST)))
        mail.send(_hostile_alert())
    assert sent.result == "sent"
    for message in box.taken:
        assert message["Bcc"] is None
        assert harmful(message["Subject"], "") == set()


def test_pages_of_others_get_harmless_members() -> None:
    members = members_of(_hostile_alert().value)
    for value in (event(members, "key"), entries(members, timedelta(hours=1))):
        for text in _texts(value):
            assert harmful(text) == set()
    assert event(members, "key")["links"] == [{"href": "https://x.example/<a>|b", "text": one_line(HOSTILE)}]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_a_chat_gets_no_markup() -> None:
    pytest.importorskip("apprise")
    with serving(answer(200)) as script:
        chat = Chat("talk", script.url.replace("http", "json", 1))
        assert chat.send(_hostile_alert()).result == "sent"
    ((_, _, body),) = script.requests
    sent = orjson.loads(body)
    for text in (sent["title"].split(": ", 1)[1], sent["message"]):
        assert harmful(text) == set()
        assert not set(text) & set("<>@*`|[]\\")


def test_what_a_destination_says_is_one_harmless_line() -> None:
    for attempt in (retry(HOSTILE), refused(HOSTILE)):
        assert harmful(attempt.message, "") == set()
