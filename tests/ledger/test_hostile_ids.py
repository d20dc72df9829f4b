"""SQL through every id: what publishers, subscribers and operators name things is a value, and never a statement."""

from __future__ import annotations

from datetime import timedelta

import pytest

from newsflow.alerts.outbox import Outbox, raise_alerts
from newsflow.ledger import Ledger, open_ledger
from newsflow.ledger.database import to_micros
from newsflow.model import Article, Event, Outcome
from newsflow.model.decision import PendingAlert, PublishedVersion
from newsflow.stores.registry import open_store
from tests.ledger.ledger_helpers import START, Wire
from tests.stores.store_harness import row

HOSTILE = (
    "x'; DROP TABLE event; --",
    "x'); DELETE FROM article; --",
    "' OR '1'='1",
    '" OR ""="',
    "x\\'; DROP TABLE event; --",
    "%s %(name)s %",
    "? ?1 :name $1",
    "{in_texts} {table} {0}",
    "%",
    "_",
    "x/*",
    "[1]') UNION SELECT * FROM article; --",
    "\"]}'",
    "\u02bc; DROP TABLE event",
    "NULL",
    "",
)
BYSTANDER = "https://bystander.example/quiet"


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_publisher_names_is_a_value(ledger: Ledger, wire: Wire, text: str) -> None:
    ledger.decide([wire.publish(BYSTANDER)])
    before = ledger.outcomes()
    hostile = wire.publish(
        None, f"{text} says something of its own. " * 20,
        title=text, source=text, guid=text or "none", language=text, version=text, agency=text,
    )  # fmt: skip
    hostile_event = Event(text or "t", 0, 0, 0, text.encode(), text.encode(), ((text, text.encode()),))
    elsewhere = hostile.__class__(hostile_event, hostile.result, hostile.fetched_at)
    [first] = ledger.decide([hostile])
    [again] = ledger.decide([hostile])
    [other] = ledger.decide([elsewhere])
    assert (first.outcome, again) == (Outcome.ADDED, first)
    assert other.outcome is Outcome.REPEAT
    assert first.article is not None
    article: Article = first.article
    ledger.record([PublishedVersion(hostile.event.event_id, article.id, article.version, text.encode(), (text,), ())])
    assert [(each.article_id, each.value, tuple(each.feeds)) for each in ledger.articles(ids=[article.id])] == [
        (article.id, text.encode(), (text,))
    ]
    assert sum(ledger.outcomes().values()) == sum(before.values()) + 2


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_asked_for_is_a_value(ledger: Ledger, wire: Wire, text: str) -> None:
    """Ids as a person may type them, or a link may hold them: what is not there is not found, and nothing else is."""
    ledger.decide([wire.publish(BYSTANDER)])
    assert ledger.event(text) is None
    assert ledger.events_at(text, 0, 0) == []
    assert ledger.known(text) is None
    assert ledger.latest_article(text) is None
    assert ledger.current_article(text) is None
    assert ledger.story(text) is None
    assert list(ledger.articles(ids=[text])) == []
    assert sum(ledger.outcomes().values()) == 1


@pytest.mark.parametrize("text", [text for text in HOSTILE if text])
def test_what_a_subscription_names_is_a_value(ledger: Ledger, text: str) -> None:
    alerts = [PendingAlert(f"{n}{text}", text, text.encode(), (text, f"other {text}")) for n in range(2)]
    now = to_micros(START)
    assert ledger.transact(lambda db: raise_alerts(db, [*alerts, PendingAlert("quiet", "quiet", b"", ("desk",))], now))
    outbox = Outbox(ledger)
    assert [each.id for each in outbox.lease(destination=text)] == [f"0{text}", f"1{text}"]
    outbox.mark_failed(f"0{text}", text, text, START + timedelta(seconds=1))
    outbox.release([(f"0{text}", text)])
    outbox.mark_sent(f"0{text}", text, START)
    assert {each.destination: each.deliveries for each in outbox.backlog()} == {text: 1, f"other {text}": 2, "desk": 1}
    assert [each.id for each in outbox.find(f"1{text}")] == [f"1{text}"]
    assert outbox.find(f"{text}nothing") == []
    assert outbox.resend(text, text) == 0
    assert outbox.resend(f"1{text}", text) == 1


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_a_store_is_given_is_a_value(kind: str, ledger_url: str) -> None:
    if not ledger_url.startswith(kind):
        pytest.skip("the other database's turn")
    url = ledger_url.replace("ledger.sqlite3", "store.sqlite3")
    rows = [row(text) for text in HOSTILE if text]
    with open_store(url) as store:
        assert store.write([row("quiet")]) == []
        assert store.write(rows) == []
        assert store.write([row(text, 2) for text in HOSTILE if text]) == []
        assert store.write(rows) == []
        assert store.check()
    open_ledger(ledger_url).close()
