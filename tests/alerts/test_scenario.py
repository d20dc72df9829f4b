"""A night of news as subscribers live through it: every policy, from articles to a real webhook and real mail.

60 articles of three stories from 12 outlets, eight of which print one agency's copy, in Arabic, English and Russian,
every ten minutes from 18:05 UTC; an article is edited at 19:00, one is withdrawn at 04:05, and a whole story at 05:05.
So each story has one independent source until 22:00, a second from its article 8 on, and five from its article 11 on.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import orjson
import pytest

from newsflow.alerts.delivery import Drainer
from newsflow.alerts.outbox import Outbox
from newsflow.alerts.planner import AlertPlanner
from newsflow.alerts.senders.webhook import Webhook, verify
from newsflow.ledger import Ledger, open_ledger
from newsflow.model import Action, Article
from newsflow.routing import Routes, load_routes
from newsflow.testing import Clock
from tests.alerts.http_double import Script, answer, client, drop
from tests.alerts.http_double import serving as serving_http
from tests.alerts.planner_helpers import at, gone, reported
from tests.alerts.test_mail import Mailbox, _mail
from tests.alerts.test_mail import serving as serving_mail

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:aiosmtpd", "ignore:Requiring AUTH:UserWarning")

ROUTES = """
version: 1
subscriptions:
  - {id: first, alert: {to: [hook, mail], update: {retraction: false}}}
  - {id: sources, alert: {to: [hook], update: {sources: 2, retraction: false}}}
  - {id: country, alert: {to: [hook], update: {new_country: true, retraction: false}}}
  - {id: retraction, alert: {to: [hook], cool_down: 15m}}
  - {id: three, alert: {to: [hook], sources: 3, update: {retraction: false}}}
  - id: loud
    alert:
      to: [hook]
      severity: error
      critical_sources: 4
      update: {sources: 3, retraction: false}
      quiet_hours: {zone: Asia/Dubai, from: "23:00", until: "07:00"}
  - {id: calm, alert: {to: [hook], cool_down: 3h, update: {sources: 1, retraction: false}}}
  - id: sleeper
    alert:
      to: [hook, mail]
      update: {sources: 2, retraction: false}
      quiet_hours: {zone: Asia/Dubai, from: "23:00", until: "07:00"}
  - {id: capped, alert: {to: [hook], cap_per_hour: 1, update: {retraction: false}}}
  - {id: hourly, alert: {to: [hook], digest: {every: hour}, update: {sources: 2, retraction: false}}}
  - {id: daily, alert: {to: [hook, mail], digest: {every: day, at: "08:00", zone: Asia/Dubai}, update: {retraction: false}}}
  - {id: muted, alert: {to: [hook], update: {sources: 2, retraction: false}}}
  - {id: of-russia, match: {topics: {any: [ru]}}, alert: {to: [hook], update: {retraction: false}}}
  - {id: in-russian, match: {languages: [ru]}, alert: {to: [hook], update: {retraction: false}}}
"""

# What follows from the policies by hand. Quiet hours in Dubai are 19:00 to 03:00 UTC, eight o'clock there is 04:00.
EXPECTED = """\
first       Mon 18:05  first      warning   s1   1 source
first       Mon 18:15  first      warning   s2   1 source
first       Mon 18:25  first      warning   s3   1 source
first       Tue 05:05  withdrawn  warning   s3   0 sources
sources     Mon 18:05  first      warning   s1   1 source
sources     Mon 18:15  first      warning   s2   1 source
sources     Mon 18:25  first      warning   s3   1 source
sources     Mon 22:35  update     warning   s1   3 sources
sources     Mon 22:45  update     warning   s2   3 sources
sources     Mon 22:55  update     warning   s3   3 sources
sources     Mon 23:35  update     warning   s1   5 sources
sources     Mon 23:45  update     warning   s2   5 sources
sources     Mon 23:55  update     warning   s3   5 sources
sources     Tue 05:05  withdrawn  warning   s3   0 sources
country     Mon 18:05  first      warning   s1   1 source
country     Mon 18:15  first      warning   s2   1 source
country     Mon 18:25  first      warning   s3   1 source
country     Tue 01:35  update     warning   s1   5 sources
country     Tue 05:05  withdrawn  warning   s3   0 sources
retraction  Mon 18:05  first      warning   s1   1 source
retraction  Mon 18:15  first      warning   s2   1 source
retraction  Mon 18:25  first      warning   s3   1 source
retraction  Tue 04:05  update     warning   s2   4 sources
retraction  Tue 05:05  update     warning   s3   5 sources
retraction  Tue 05:05  withdrawn  warning   s3   0 sources
three       Mon 22:35  first      warning   s1   3 sources
three       Mon 22:45  first      warning   s2   3 sources
three       Mon 22:55  first      warning   s3   3 sources
three       Tue 05:05  withdrawn  warning   s3   0 sources
loud        Mon 18:05  first      error     s1   1 source
loud        Mon 18:15  first      error     s2   1 source
loud        Mon 18:25  first      error     s3   1 source
loud        Mon 23:05  update     critical  s1   4 sources
loud        Mon 23:15  update     critical  s2   4 sources
loud        Mon 23:25  update     critical  s3   4 sources
loud        Tue 05:05  withdrawn  error     s3   0 sources
calm        Mon 18:05  first      warning   s1   1 source
calm        Mon 18:15  first      warning   s2   1 source
calm        Mon 18:25  first      warning   s3   1 source
calm        Mon 22:05  update     warning   s1   2 sources
calm        Mon 22:15  update     warning   s2   2 sources
calm        Mon 22:25  update     warning   s3   2 sources
calm        Tue 01:05  update     warning   s1   5 sources
calm        Tue 01:15  update     warning   s2   5 sources
calm        Tue 01:25  update     warning   s3   5 sources
calm        Tue 05:05  withdrawn  warning   s3   0 sources
sleeper     Mon 18:05  first      warning   s1   1 source
sleeper     Mon 18:15  first      warning   s2   1 source
sleeper     Mon 18:25  first      warning   s3   1 source
sleeper     Tue 03:00  digest     warning   -    3 stories held back in quiet hours
sleeper     Tue 05:05  withdrawn  warning   s3   0 sources
capped      Mon 18:05  first      warning   s1   1 source
capped      Mon 19:05  digest     warning   -    2 stories held back over the cap of alerts an hour
capped      Tue 05:05  withdrawn  warning   s3   0 sources
hourly      Mon 19:00  digest     warning   -    3 stories of this digest
hourly      Mon 23:00  digest     warning   -    3 stories of this digest
hourly      Tue 00:00  digest     warning   -    3 stories of this digest
hourly      Tue 06:00  digest     warning   -    1 story of this digest
daily       Tue 04:00  digest     warning   -    3 stories of this digest
daily       Wed 04:00  digest     warning   -    1 story of this digest
muted       Mon 22:50  digest     warning   -    3 stories held back while muted
muted       Mon 23:25  update     warning   s3   4 sources
muted       Mon 23:35  update     warning   s1   5 sources
muted       Mon 23:45  update     warning   s2   5 sources
muted       Tue 05:05  withdrawn  warning   s3   0 sources
of-russia   Mon 18:25  first      warning   s3   1 source
of-russia   Tue 05:05  withdrawn  warning   s3   0 sources
in-russian  Mon 22:05  first      warning   s1   1 source
in-russian  Mon 22:15  first      warning   s2   1 source
in-russian  Mon 22:25  first      warning   s3   1 source
in-russian  Tue 05:05  withdrawn  warning   s3   0 sources
"""

STEP = timedelta(minutes=5)
SECRET = "a secret of this test"
LANGUAGES = ("ar", "en", "ru")
TITLES = {
    "s1": ("مرفأ النورس يعيد فتح أبوابه", "Gull harbour reopens", "Порт Чайка снова открыт"),
    "s2": ("إضراب الميناء يدخل أسبوعه الثاني", "Port strike enters second week", "Забастовка в порту: вторая неделя"),
    "s3": ("فيضان في الوادي", "Flood in the valley", "Наводнение в долине"),
}
COUNTRIES = {"s1": ("SY",), "s2": ("SY",), "s3": ("RU",)}


def _night() -> dict[datetime, list[Article]]:
    """Articles by the moment they are published."""
    first = {number: _article(number) for number in range(60)}
    night = {at(6, 5 + 10 * number): [article] for number, article in first.items()}
    night[at(7)] = [replace(first[0], version=2, action=Action.REPLACE, title=first[0].title + " (محدث)")]
    night[at(16, 5)] = [gone(first[3 * 8 + 1])]
    night[at(17, 5)] = [gone(article) for article in first.values() if article.story == "s3"]
    return night


def _article(number: int) -> Article:
    story, turn = ("s1", "s2", "s3")[number % 3], number // 3
    outlet = turn % 12
    countries = COUNTRIES[story] + (("LB",) if (story, turn) == ("s1", 15) else ())
    made = reported(
        f"{story}-{turn:02}", f"outlet-{outlet:02}", story, agency="Northwire" if outlet < 8 else None,
        countries=countries, title=TITLES[story][outlet // 4],
    )  # fmt: skip
    return replace(made, language=LANGUAGES[outlet // 4], body=TITLES[story][outlet // 4] + "…")


@dataclass
class FlakyHook:
    """The behaviour of a real HTTP server: every third request is turned away, every seventh hung up on; what is
    taken had a valid signature."""

    taken: list[dict[str, Any]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    tries: int = 0
    script: Script | None = None

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        assert self.script is not None
        _, headers, body = self.script.requests[-1]
        self.tries += 1
        if self.tries % 3 == 0:
            answer(503)(handler)
        elif self.tries % 7 == 0:
            drop(handler)
        else:
            self.ids.append(verify(headers, body, [SECRET], time.time()))
            self.taken.append(orjson.loads(body))
            answer(204)(handler)


@pytest.fixture
def routes(tmp_path: Path) -> Routes:
    path = tmp_path / "routes.yaml"
    path.write_text(ROUTES)
    return load_routes([path])


def test_each_subscriber_gets_what_its_policy_says(routes: Routes, tmp_path: Path) -> None:
    clock, hook, box = Clock(at(5, 55)), FlakyHook(), Mailbox()
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.sqlite3", clock=clock)
    with serving_http(hook) as script, serving_mail("starttls", box) as server:
        hook.script = script
        webhook = Webhook("hook", script.url, (SECRET,), http=client())
        drainers = [Drainer(each, clock=clock) for each in (webhook, replace(_mail(server), name="mail"))]
        AlertPlanner(routes, ledger).mute("muted", at(10, 50))
        _live_through(_night(), routes, ledger, drainers, clock)
        assert not Outbox(ledger).backlog()
    ledger.close()
    table = _table(routes, hook.taken)
    print(table)
    assert table == EXPECTED
    assert len(set(hook.ids)) == len(hook.ids), "each once"
    mailed = {"first", "sleeper", "daily"}
    wanted = [each["id"] for each in hook.taken if each["subscription"] in mailed]
    assert sorted(_mail_ids(box)) == sorted(wanted)
    for name in mailed:
        in_order = [each["id"] for each in hook.taken if each["subscription"] == name]
        assert [each for each in _mail_ids(box) if each in in_order] == in_order


def _live_through(
    night: dict[datetime, list[Article]], routes: Routes, ledger: Ledger, drainers: list[Drainer], clock: Clock
) -> None:
    """Five minutes at a time, to the second morning; the planner is made anew at each step, and sees articles twice."""
    while clock.now < at(41):
        planner = AlertPlanner(routes, ledger)
        for _ in range(2):
            planner.take(night.get(clock.now, []), clock.now)
        planner.tick(clock.now)
        for drainer in drainers:
            drainer.drain(Outbox(ledger))
        clock.now += STEP


def _table(routes: Routes, alerts: list[dict[str, Any]]) -> str:
    rows = [
        _row(each)
        for subscription in routes.subscriptions
        for each in alerts
        if each["subscription"] == subscription.id
    ]
    return "".join(f"{row}\n" for row in rows)


def _row(alert: dict[str, Any]) -> str:
    sources = len(alert["why"]["sources"])
    words = f"{sources} source{'' if sources == 1 else 's'}" if "story" in alert else alert["why"]["story"]
    when = f"{datetime.fromisoformat(alert['at']):%a %H:%M}"
    return (
        f"{alert['subscription']:<10}  {when}  {alert['step']:<9}  {alert['severity']:<8}  "
        f"{alert.get('story') or '-':<3}  {words}"
    )


def _mail_ids(box: Mailbox) -> list[str]:
    return [message["Message-ID"].strip("<>").partition("@")[0] for message in box.taken]
