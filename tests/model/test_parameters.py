"""What is dropped from a name, and what is not: each rule both ways, and addresses of forty content systems."""

from __future__ import annotations

import random

import pytest

from newsflow.model.parameters import RULES, Rule, Verdict, judge
from newsflow.model.url import EVERY, canonicalise_url, doubtful_parameters
from tests.attack_counts import often
from tests.model.content_systems import SYSTEMS, address, names_of, tracked, tracker_values

HOST = "merrow.example"
IDENTIFIERS = (
    "1201",
    "harbour-wall-is-rebuilt",
    "3f2a9d10-7c4e-4b1a-9f00-1a2b3c4d5e6f",
    "harbour-wall-rebuilt-2031",
    "article",
    "news,12,1201",
)
"""What names an article, in no tracker's shape."""
NARROW = {"code": ("1201", "3f2a9d10-7c4e-4b1a-9f00-1a2b3c4d5e6f", "9f86d081884c7d65")}
"""Shapes of names that take words: only numbers and hashes are identifiers there."""

ARTICLES = 100_000
of_each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.names[:30].replace(" ", "+"))


def host_of(rule: Rule) -> str:
    return rule.hosts.split()[0] if rule.hosts else HOST


@of_each_rule
def test_what_a_tracker_gives_is_dropped(rule: Rule) -> None:
    host = host_of(rule)
    plain = canonicalise_url(f"https://{host}/a?id=7")
    for name in names_of(rule):
        for value in tracker_values(rule):
            url = f"https://{host}/a?id=7&{name}={value}"
            assert canonicalise_url(url) == plain, url
            assert canonicalise_url(url.replace(name, name.upper())) == plain, url
            assert canonicalise_url(url, keep=EVERY) != plain
            assert (name in doubtful_parameters(url)) == (rule.shape != "any")


@of_each_rule
def test_what_may_identify_is_kept(rule: Rule) -> None:
    if rule.shape == "any":
        pytest.skip("no identifier has such a name")
    for name in names_of(rule):
        for value in NARROW.get(rule.shape, IDENTIFIERS):
            url = f"https://{HOST}/a?{name}={value}"
            assert judge(name, value, HOST) is Verdict.KEPT, url
            assert canonicalise_url(url) == f"http://{HOST}/a?{name}={value}"
            assert canonicalise_url(url, drop={name}) == f"http://{HOST}/a"


@of_each_rule
def test_a_rule_of_one_host_holds_below_it_alone(rule: Rule) -> None:
    if not rule.hosts:
        pytest.skip("it holds everywhere")
    for name in names_of(rule):
        value = tracker_values(rule)[0]
        below = [judge(name, value, f"{sub}{host_of(rule)}") for sub in ("", "letters.")]
        assert Verdict.KEPT not in below
        elsewhere = {judge(name, "1201", host) for host in (HOST, f"not{host_of(rule)}")}
        assert elsewhere == {Verdict.KEPT} or any(name in names_of(other) for other in RULES if not other.hosts)


@of_each_rule
def test_each_says_where_it_is_from(rule: Rule) -> None:
    assert rule.origin
    assert rule.names == rule.names.lower()


def test_no_two_articles_share_a_name_and_every_variant_of_one_does() -> None:
    draw, names = random.Random(18), dict[str, str]()
    assert len(SYSTEMS) == 40
    for system in range(len(SYSTEMS)):
        for number in range(often(ARTICLES // 10, ARTICLES) // len(SYSTEMS)):
            url = address(system, number)
            name = canonicalise_url(url)
            assert names.setdefault(name, url) == url
            for _ in range(3):
                variant = tracked(url, draw)
                assert canonicalise_url(variant) == name, f"{variant}, of {url}"
