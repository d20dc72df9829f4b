"""Reading files of routes: what they say, and errors one can act on."""

from __future__ import annotations

import re
from datetime import time, timedelta
from pathlib import Path

import pytest

from newsflow.alerts.values import Digest, Policy, QuietHours, Severity
from newsflow.errors import ConfigError
from newsflow.routing import Match, Subscription, load_routes


def _write(folder: Path, text: str, name: str = "routes.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("eng", "languages[0]: no article has the language 'eng'; accepted: BCP 47 tags such as en, ar, zh-Hant; did"),
        ("english", "did you mean 'en'"),
        ("xx", "no article has the language 'xx'"),
    ],
)
@pytest.mark.parametrize("part", ["routes: [{id: a, feeds: topics, match: MATCH}]", "debug: {match: MATCH}"])
def test_a_language_that_no_article_has_is_refused(tmp_path: Path, part: str, written: str, said: str) -> None:
    path = _write(tmp_path, "version: 1\n" + part.replace("MATCH", f"{{languages: [{written}]}}") + "\n")
    with pytest.raises(ConfigError) as error:
        load_routes([path])
    assert said in str(error.value)
    assert "routes.yaml:2" in str(error.value)


def test_languages_may_be_written_in_any_case_and_with_either_stroke(tmp_path: Path) -> None:
    path = _write(tmp_path, "version: 1\nroutes: [{id: a, feeds: topics, match: {languages: [AR, pt_BR, und]}}]\n")
    assert load_routes([path]).routes[0].match.languages == ("AR", "pt-BR", "und")


def test_a_full_subscription(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        """
version: 1
subscriptions:
  - id: desk
    description: the desk
    match:
      topics: {any: [syria], all: [russia], none: [iran]}
      min_score: 0.4
      languages: [no, ar]
      sources: ["river-*"]
      not_sources: [river-sport]
      sample: 1 in 100
    feed: true
    copies: true
    alert: {to: [webhook, mail], severity: critical}
""",
    )
    (subscription,) = load_routes([path]).subscriptions
    assert subscription == Subscription(
        id="desk",
        description="the desk",
        match=Match(
            topics_any=frozenset({"syria"}),
            topics_all=frozenset({"russia"}),
            topics_none=frozenset({"iran"}),
            min_score=0.4,
            languages=("no", "ar"),
            sources=("river-*",),
            not_sources=("river-sport",),
            one_in=100,
        ),
        feed=True,
        copies=True,
        alert_to=("webhook", "mail"),
        severity=Severity.CRITICAL,
    )


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("version: 1\nroutes:\n  - {id: a, fedes: topics}\n", 3, "unknown 'fedes'; did you mean 'feeds'? accepted: "),
        ("version: 2\n", 1, "2 is not accepted; accepted: 1"),
        ("routes: []\n", 1, "'version' is missing; required: version"),
        ("[]\n", 1, "is a list"),
        ("", None, "nothing stands here; accepted: a mapping"),
        ("version: 1\nroutes:\n  - {id: Ünter_Strich}\n", 3, "lower case letters"),
        ("version: 1\nsubscriptions:\n  - id: a\n    alert: {severity: loud, to: [x]}\n", 4, "accepted: info"),
        ("version: 1\nsubscriptions:\n  - id: a\n    alert: {severity: info}\n", 4, "'to' is missing; required: to"),
        ("version: 1\nroutes:\n  - id: a\n    match: {sample: 3 in 4}\n", 4, "a share, as `1 in 100`"),
        ("version: 1\nroutes:\n  - id: a\n  - id: b\n  - id: a\n", 5, "the id 'a' is already taken at"),
        ("version: 1\nroutes: [", 2, "is not valid YAML"),
    ],
)
def test_errors_say_where_and_what_would_be_accepted(tmp_path: Path, text: str, line: int | None, words: str) -> None:
    path = _write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_routes([path])
    assert words in caught.value.message
    assert caught.value.file == str(path)
    assert caught.value.line == line


def test_an_id_is_unique_over_all_files(tmp_path: Path) -> None:
    first = _write(tmp_path, "version: 1\nroutes:\n  - id: a\n", "one.yaml")
    second = _write(tmp_path, "version: 1\nsubscriptions:\n  - id: a\nroutes:\n  - id: a\n", "two.yaml")
    with pytest.raises(
        ConfigError, match=r"two\.yaml:5: routes\[0\]\.id: the id 'a' is already taken at .*one\.yaml:3"
    ):
        load_routes([first, second])


def test_unknown_topics_and_destinations_are_refused_with_the_nearest_name(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        "version: 1\nsubscriptions:\n  - id: a\n    match:\n      topics: {any: [syira]}\n    alert: {to: [pager]}\n",
    )
    with pytest.raises(ConfigError, match=r":5: .*there is no topic 'syira'; did you mean 'syria'\?"):
        load_routes([path], topics={"syria", "russia"})
    with pytest.raises(ConfigError, match=r":6: .*there is no destination 'pager'; known: mail, webhook"):
        load_routes([path], topics={"syira"}, destinations={"webhook", "mail"})


def test_when_alerts_go_out(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        """
version: 1
subscriptions:
  - id: desk
    alert:
      to: [webhook]
      sources: 2
      critical_sources: 8
      update: {sources: 3, new_country: true, retraction: false}
      cool_down: 45m
      cap_per_hour: 6
      quiet_hours: {zone: Asia/Dubai, from: 22:00, until: 07:00, days: [mon, sun]}
      digest: {every: day, at: "08:30", zone: Europe/Berlin}
""",
    )
    assert load_routes([path]).subscriptions[0].policy == Policy(
        sources=2,
        critical_sources=8,
        update_sources=3,
        new_country=True,
        retraction=False,
        cool_down=timedelta(minutes=45),
        cap_per_hour=6,
        quiet=QuietHours("Asia/Dubai", time(22), time(7), frozenset({0, 6})),
        digest=Digest("day", time(8, 30), "Europe/Berlin"),
    )


@pytest.mark.parametrize(
    ("alert", "words"),
    [
        ("digest: {every: day, zone: Asia/Dubay}", "there is no time zone 'Asia/Dubay'; did you mean 'Asia/Dubai'"),
        ("quiet_hours: {zone: ../../etc/passwd, from: '22:00', until: '07:00'}", "there is no time zone"),
        ("quiet_hours: {zone: UTC, from: '25:00', until: '07:00'}", "a time of day, as `07:30`"),
        ("cool_down: 30", "accepted: a text"),
        ("cool_down: soon", "as `30m`"),
        ("cap_per_hour: 0", "less than the minimum"),
    ],
)
def test_errors_in_when_alerts_go_out(tmp_path: Path, alert: str, words: str) -> None:
    path = _write(tmp_path, f"version: 1\nsubscriptions:\n  - id: a\n    alert:\n      to: [x]\n      {alert}\n")
    with pytest.raises(ConfigError) as caught:
        load_routes([path])
    assert words in caught.value.message
    assert caught.value.line == 6


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: cannot be read"):
        load_routes([tmp_path / "nowhere.yaml"])


def test_the_documented_examples_are_accepted(tmp_path: Path) -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "reference" / "routes.md"
    examples = re.findall(r"```yaml[^\n]*\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    shipped = len(load_routes())
    assert [len(load_routes([_write(tmp_path, example)])) for example in examples] == [3, 1 + shipped, 1, 1, 0]


def test_a_file_may_extend_the_shipped_routes(tmp_path: Path) -> None:
    shipped = load_routes()
    own = "routes:\n  - {id: desk, feeds: [syria]}\nsubscriptions:\n  - {id: grain, feed: true}\ndebug: {}\n"
    extended = load_routes([_write(tmp_path, f"version: 1\nextends: shipped\n{own}")])
    alone = load_routes([_write(tmp_path, f"version: 1\n{own}", "alone.yaml")])
    assert extended.routes == shipped.routes + alone.routes
    assert extended.subscriptions == shipped.subscriptions + alone.subscriptions
    assert extended.debug == Match()


def test_an_equal_id_replaces_what_is_extended_where_it_stands(tmp_path: Path) -> None:
    text = "version: 1\nextends: shipped\nroutes:\n  - {id: last}\n  - {id: topic-feeds, feeds: [syria], stop: true}\n"
    found = load_routes([_write(tmp_path, text)])
    assert [route.id for route in found.routes] == ["topic-feeds", "archive", "last"]
    assert (found.routes[0].feeds, found.routes[0].stop) == (("syria",), True)
    assert found.subscriptions == load_routes().subscriptions


def test_several_files_extend_the_shipped_routes_once(tmp_path: Path) -> None:
    text = "version: 1\nextends: shipped\nsubscriptions:\n  - {{id: {}, feed: true}}\n"
    one, two = _write(tmp_path, text.format("one"), "1.yaml"), _write(tmp_path, text.format("two"), "2.yaml")
    assert [each.id for each in load_routes([one, two]).subscriptions[-2:]] == ["one", "two"]
    assert [route.id for route in load_routes([one, two]).routes] == ["topic-feeds", "archive"]
    _write(tmp_path, text.format("one"), "2.yaml")
    with pytest.raises(ConfigError, match=r"2\.yaml:4: .*the id 'one' is already taken at .*1\.yaml:4"):
        load_routes([one, two])


@pytest.mark.parametrize("value", ["other.yaml", "[shipped]", "true", "''"])
def test_nothing_else_is_extended(tmp_path: Path, value: str) -> None:
    with pytest.raises(ConfigError, match=r"routes\.yaml:2: extends: .*shipped"):
        load_routes([_write(tmp_path, f"version: 1\nextends: {value}\n")])


@pytest.mark.parametrize(
    ("routes", "published"),
    [
        ("{id: a, match: {tagged: true}, feeds: topics}", "ab"),
        ("{id: a, match: {tagged: false}, feeds: topics}", ""),
        ("{id: a, match: {topics: {none: [a]}}, feeds: topics}", "b"),
        ("{id: a, feeds: [a, c]}", "a"),
        ("{id: a, match: {tagged: true}, stop: true}, {id: b, feeds: topics}", ""),
        ("{id: a, match: {languages: [ar]}, stop: true}, {id: b, feeds: topics}", "ab"),
        ("{id: a, stores: [archive]}", ""),
    ],
)
def test_which_feeds_are_published(tmp_path: Path, routes: str, published: str) -> None:
    found = load_routes([_write(tmp_path, f"version: 1\nroutes: [{routes}]\n")])
    assert found.published({"a", "b"}) == frozenset(published)
