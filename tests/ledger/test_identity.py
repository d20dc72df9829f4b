"""Two articles are never one, whatever name brings them together; and one is not two, whatever it is called."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from newsflow.dedup.identity import FORMER_MARK, hash_of
from newsflow.ledger import Ledger, open_ledger
from newsflow.ledger.database import Database
from newsflow.ledger.findings import Finding, load_findings
from newsflow.ledger.opening import migrate, open_database, take_back
from newsflow.model import Article, Candidate, Outcome
from newsflow.model.former_url import former_url
from newsflow.model.url import canonicalise_url, link_of
from tests.ledger.ledger_helpers import ARABIC, HARBOUR, RIVER, START, Wire

SITE = "https://www.velmora-post.example"
SESSIONS = ("0a1b2c3d4e5f60718293a4b5c6d7e8f9", "ffeeddccbbaa00112233445566778899")
FIRST, SECOND = (f"{SITE}/read.php?sid={session}" for session in SESSIONS)
MARKET = (
    "Traders in the covered market of Ostrel kept their shutters down on Friday in a protest about rents that the "
    "city had doubled since the spring. A delegation handed a petition with 812 signatures to the treasurer, who "
    "promised an answer within ten days. Bakers outside the gate did brisk business and gave bread to the pickets."
)


class Publisher:
    """Sends what normalisation makes of pages: `stated` is where a page says that it is."""

    def __init__(self, ledger: Ledger, wire: Wire) -> None:
        self.ledger, self.wire = ledger, wire
        self.sent: list[Candidate] = []

    def candidate(self, address: str, body: str = HARBOUR, *, stated: str | None = None, **members: Any) -> Candidate:
        made = self.wire.publish(None, body, **{"title": body[:40], **members})
        assert isinstance(made.result, Article)
        url = link_of(canonicalise_url(stated or address), address)
        article = replace(made.result, url=url, raw={"url": address})
        self.sent.append(replace(made, result=article))
        return self.sent[-1]

    def __call__(self, address: str, body: str = HARBOUR, **members: Any) -> Any:
        (decision,) = self.ledger.decide([self.candidate(address, body, **members)])
        return decision

    def findings(self) -> list[Finding]:
        return self.ledger.transact(load_findings, writes=False)


@pytest.fixture
def publish(ledger: Ledger, wire: Wire) -> Publisher:
    return Publisher(ledger, wire)


def test_unlike_texts_under_a_parameter_that_looks_like_a_session(publish: Publisher) -> None:
    first, second = publish(FIRST), publish(SECOND, RIVER)
    assert (first.outcome, second.outcome) == (Outcome.ADDED, Outcome.ADDED)
    assert first.article.id != second.article.id
    assert second.article.url == SECOND
    (found,) = publish.findings()
    assert (found.source, found.kind, found.what, found.times) == ("velmora-post", "identity-conflict", "?sid", 1)
    assert found.addresses == (FIRST, SECOND)
    # From now on it counts: a text that is alike is another article too, and both go on under their own names.
    third = publish(FIRST.replace("0a1b", "1234"), RIVER + " It rained again.")
    assert third.article.id not in (first.article.id, second.article.id)
    assert publish(SECOND, RIVER).outcome is Outcome.REPEAT
    edited = publish(SECOND, RIVER + " The road is open.")
    assert (edited.outcome, edited.article.id, edited.article.url) == (Outcome.REPLACED, second.article.id, SECOND)
    rewritten = publish(FIRST, MARKET)
    assert (rewritten.outcome, rewritten.article.id) == (Outcome.REPLACED, first.article.id)
    assert len(publish.findings()) == 1


def test_in_one_batch_as_one_by_one(ledger: Ledger, open_one: Callable[[], Ledger], wire: Wire) -> None:
    publish = Publisher(ledger, wire)
    batch = [
        publish.candidate(FIRST),
        publish.candidate(SECOND, RIVER),
        publish.candidate(FIRST.replace("0a1b", "1234"), MARKET),
        publish.candidate(SECOND, RIVER + " The road is open."),
        publish.candidate(FIRST, HARBOUR + " Work begins."),
    ]
    decisions = ledger.decide(batch)
    outcomes = [each.outcome for each in decisions]
    assert outcomes == [Outcome.ADDED, Outcome.ADDED, Outcome.ADDED, Outcome.REPLACED, Outcome.REPLACED]
    assert len({each.article.id for each in decisions if each.article}) == 3
    assert open_one().decide(batch) == decisions
    with closing(open_ledger("sqlite://", clock=lambda: START)) as other:
        assert [other.decide([each])[0] for each in batch] == decisions
        assert other.transact(load_findings, writes=False) == publish.findings()


def test_a_retry_decides_the_same(publish: Publisher) -> None:
    decided = [publish(FIRST), publish(SECOND, RIVER), publish(SECOND, RIVER), publish(FIRST, HARBOUR)]
    assert [each.outcome for each in decided[2:]] == [Outcome.REPEAT, Outcome.REPEAT]
    assert publish.ledger.decide(publish.sent) == decided


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (f"{SITE}/live?utm_source=a", f"{SITE}/live?utm_source=b"),
        (f"{SITE}/live", f"{SITE}/live?fbclid=IwAR1"),
        (f"{SITE}/live", "http://m.velmora-post.example/live/"),
        (FIRST, FIRST),
    ],
)
def test_a_live_ticker_is_rewritten_under_trackers(publish: Publisher, first: str, second: str) -> None:
    assert publish(first).outcome is Outcome.ADDED
    assert publish(second, RIVER).outcome is Outcome.REPLACED
    assert publish.findings() == []


def test_alike_texts_under_such_a_parameter_are_one(publish: Publisher) -> None:
    publish(FIRST)
    assert publish(SECOND).outcome is Outcome.REPEAT
    assert publish(SECOND, f"{HARBOUR} Work begins.").outcome is Outcome.REPLACED
    assert publish(FIRST, RIVER, title=HARBOUR[:40]).outcome is Outcome.REPLACED  # one title
    assert publish.findings() == []


def test_a_parameter_counts_for_its_source_alone(publish: Publisher) -> None:
    publish(FIRST), publish(SECOND, RIVER)
    place = "https://ostrel-news.example/read.php?sid="
    assert publish(place + SESSIONS[0], MARKET, source="ostrel-news").outcome is Outcome.ADDED
    again = publish(place + SESSIONS[1], MARKET + " More.", source="ostrel-news")
    assert (again.outcome, again.article.url) == (Outcome.REPLACED, "https://ostrel-news.example/read.php")


def test_a_guid_that_is_used_again(publish: Publisher) -> None:
    first = publish(f"{SITE}/harbour", guid="17")
    second = publish(f"{SITE}/river", RIVER, guid="17")
    assert (second.outcome, second.article.guid) == (Outcome.ADDED, "17")
    assert second.article.id != first.article.id
    assert publish(f"{SITE}/river", RIVER + " Dry.", guid="17").article.id == second.article.id
    assert publish(f"{SITE}/harbour", HARBOUR + " Soon.", guid="17").article.id == first.article.id
    assert publish(f"{SITE}/harbour-moved", HARBOUR + " Soon.", guid="17").article.id == first.article.id
    (found,) = publish.findings()
    assert (found.what, found.addresses) == ("guid", (f"{SITE}/harbour", f"{SITE}/river"))


def test_a_guid_that_changes_its_form(publish: Publisher) -> None:
    first = publish(f"{SITE}/harbour", guid="http://velmora-post.example/?p=17")
    assert publish(f"{SITE}/harbour", guid="tag:velmora-post.example,2031:17").article.id == first.article.id
    assert publish(f"{SITE}/harbour-moved", guid="https://velmora-post.example/?p=17").article.id == first.article.id
    assert publish(f"{SITE}/moved-again", guid="tag:velmora-post.example,2031:17").article.id == first.article.id
    assert publish.findings() == []


def test_a_canonical_link_that_unlike_pages_state(publish: Publisher) -> None:
    stated = f"{SITE}/top-stories-of-the-day"
    first, second = publish(f"{SITE}/harbour", stated=stated), publish(f"{SITE}/river", RIVER, stated=stated)
    assert (second.outcome, second.article.url) == (Outcome.ADDED, f"{SITE}/river")
    assert publish(f"{SITE}/river", RIVER, stated=stated).outcome is Outcome.REPEAT
    edited = publish(f"{SITE}/river", RIVER + " Dry.", stated=stated)
    assert (edited.outcome, edited.article.id) == (Outcome.REPLACED, second.article.id)
    assert publish(f"{SITE}/harbour", HARBOUR + " Soon.", stated=stated).article.id == first.article.id
    # The page that is there, last: its name is given.
    third = publish(stated, MARKET)
    assert third.outcome is Outcome.ADDED
    assert publish(stated, MARKET).outcome is Outcome.REPEAT
    assert [(found.what, found.times) for found in publish.findings()] == [("canonical link", 2)]


def test_a_withdrawal_goes_to_the_article_at_its_address(publish: Publisher, ledger: Ledger, wire: Wire) -> None:
    publish(FIRST)
    second = publish(SECOND, RIVER)
    gone = wire.withdraw(link_of(canonicalise_url(SECOND), SECOND))
    assert isinstance(gone.result, Article)
    (decision,) = ledger.decide([replace(gone, result=replace(gone.result, raw={"url": SECOND}))])
    assert decision.outcome is Outcome.WITHDRAWN
    assert decision.article is not None
    assert decision.article.id == second.article.id


# Ledgers of 0.1.


ADDRESSES = [f"{SITE}/news/amp/harbour?oc=5", f"{SITE}/a;jsessionid=0A1B?id=3", f"{SITE}/m.php?name=News&sid=1200"]


def known_to_01(publish: Publisher, ledger: Ledger, address: str, **members: Any) -> str:
    """An article as 0.1 has it: under its own name."""
    name = former_url(address)
    assert name is not None
    made = publish.wire.publish(name, HARBOUR, title=HARBOUR[:40], **members)
    assert isinstance(made.result, Article)
    (decision,) = ledger.decide([replace(made, result=replace(made.result, raw={"url": address}))])
    assert decision.article is not None

    key = hash_of("url", name)

    def as_01_named_it(db: Database) -> None:
        db.execute("DELETE FROM identity WHERE name LIKE ?", [f"{FORMER_MARK}%"])
        db.execute("UPDATE identity SET name = ?", [key])
        db.execute("UPDATE article SET names = ?", [f'["{key}"]'])

    ledger.transact(as_01_named_it)
    return decision.article.id


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_article_of_01_is_not_added_again(publish: Publisher, ledger: Ledger, address: str) -> None:
    known = known_to_01(publish, ledger, address)
    assert publish(address).outcome is Outcome.REPEAT
    edited = publish(address, ARABIC)  # wholly other, at the same address
    assert (edited.outcome, edited.article.id) == (Outcome.REPLACED, known)
    assert publish(address.replace("oc=5&", "").replace("?oc=5", ""), ARABIC).outcome is Outcome.REPEAT


def test_what_01_held_for_one_article(publish: Publisher, ledger: Ledger) -> None:
    known = known_to_01(publish, ledger, ADDRESSES[2])
    other = publish(ADDRESSES[2].replace("1200", "1201"), RIVER)
    assert (other.outcome, other.article.id != known) == (Outcome.ADDED, True)
    assert publish(ADDRESSES[2], HARBOUR + " Soon.").article.id == known
    assert publish(ADDRESSES[2].replace("1200", "1201"), RIVER).outcome is Outcome.REPEAT


def test_what_this_release_named_is_known_to_01(publish: Publisher, ledger: Ledger, ledger_url: str) -> None:
    """On the way back an article gets the names by which 0.1 would know it, but not those of another article."""
    taken = publish(f"{SITE}/m.php?name=News")
    first = publish(f"{SITE}/m.php?name=News&sid=1200", RIVER)
    second = publish(f"{SITE}/news/amp/market?oc=5", MARKET)
    with closing(open_database(ledger_url)) as db:
        take_back(db, 7)
        rows = db.run(lambda: db.query("SELECT name, article_id FROM identity"), writes=False)
        names: dict[str, str] = dict(db.run(lambda: db.query("SELECT id, names FROM article"), writes=False))
        migrate(db)
    known: dict[str, str] = dict(rows)
    keys = [
        hash_of("url", former_url(f"{SITE}{path}") or "")
        for path in ("/m.php?name=News&sid=1200", "/news/amp/market?oc=5")
    ]
    assert [known[key] for key in keys] == [taken.article.id, second.article.id]
    assert keys[1] in names[second.article.id]
    assert first.article.id in known.values()
    assert not any(name.startswith(FORMER_MARK) for name in known)
