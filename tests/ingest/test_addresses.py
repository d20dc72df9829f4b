"""An article's address is one that can be followed, wherever it is shown; by its canonical name it is only known."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from newsflow.cli.app import app
from newsflow.ingest.runtime import opened
from newsflow.ingest.steps import process
from newsflow.ledger import open_ledger
from newsflow.model import Event, Outcome
from newsflow.model.codec import decode_article, encode_duplicate
from newsflow.testing import raw_event
from tests.rule_helpers import AS_LIST

TEXT = "The council of Marrow Bay met on Monday and agreed to widen the harbour road before winter comes again. " * 4


def test_https_stays_https_in_every_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from newsflow.config.load import load_config

    url = f"sqlite:///{tmp_path}/ledger.sqlite3"
    monkeypatch.setenv("NEWSFLOW_LEDGER__URL", url)
    monkeypatch.setenv("NEWSFLOW_TOPICS__PATHS", AS_LIST)
    raws = [
        raw_event(title="Road", content=TEXT, source="a", url="https://www.a.example/road?utm_source=x"),
        raw_event(title="Road", content=TEXT, source="b", url="https://b.example/road"),
        raw_event(title="Road", content=TEXT, source="a", url="http://a.example/road"),
    ]
    events = [Event("raw", 0, n, 1, None, orjson.dumps(raw)) for n, raw in enumerate(raws)]
    with opened(load_config().config) as runtime:
        first, copy, again = process(events, runtime)
    assert first.published
    assert copy.decision
    assert copy.decision.duplicate
    outcomes = [item.decision.outcome for item in (first, copy, again) if item.decision]
    assert outcomes == [Outcome.ADDED, Outcome.DUPLICATE, Outcome.REPEAT], "both schemes name one article"
    assert decode_article(first.published.value).url == "https://www.a.example/road"
    told = orjson.loads(encode_duplicate(copy.decision.duplicate))
    assert [told[side]["url"] for side in ("original", "copy")] == [
        "https://www.a.example/road",
        "https://b.example/road",
    ]
    with closing(open_ledger(url)) as ledger:
        known = ledger.known(told["original"]["id"])
        assert known is not None
        assert known.url == "https://www.a.example/road"
    shown = CliRunner().invoke(app, ["story", told["original"]["id"], "-o", "json"])
    assert {each["url"] for each in orjson.loads(shown.stdout)["articles"]} == {
        "https://www.a.example/road",
        "https://b.example/road",
    }
    assert b"http://" not in shown.stdout_bytes
