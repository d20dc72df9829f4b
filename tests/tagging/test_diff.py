from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

import pytest

from newsflow.model import Article
from newsflow.tagging import RuleSet, is_alert_grade, load_rules
from newsflow.tagging.diff import diff_rules
from tests.tagging.tagging_articles import SEEN, make_article

FILLER = ["wind", "rain", "tide", "harbour", "market", "lantern", "bridge", "wheat", "river", "copper"]


@pytest.fixture
def old(tmp_path: Path) -> RuleSet:
    (tmp_path / "old.yaml").write_text(
        "id: veld\nterms: [Veld, Veldish]\n---\nid: marn\nterms: [Marn]\n", encoding="utf-8"
    )
    return load_rules([tmp_path / "old.yaml"])


@pytest.fixture
def new(tmp_path: Path) -> RuleSet:
    text = "id: veld\nterms: [Veld, Veldar]\n---\nid: marn\nterms: [Marn]\n---\nid: wheat\nany: [golden wheat]\n"
    (tmp_path / "new.yaml").write_text(text, encoding="utf-8")
    return load_rules([tmp_path / "new.yaml"])


def corpus() -> tuple[list[Article], set[str], set[str]]:
    """5,000 articles over five days; the ids of those planted to gain and to lose the topic veld."""
    rng = random.Random(7)
    gain = {f"a{n}" for n in rng.sample(range(5000), 17)}
    lose = {f"a{n}" for n in rng.sample(range(5000), 29)} - gain
    articles = []
    for number in range(5000):
        identity = f"a{number}"
        word = "Veldar" if identity in gain else "Veldish" if identity in lose else rng.choice(["Veld", "Marn", "calm"])
        seen = SEEN + timedelta(seconds=number * 86.4)
        body = " ".join(rng.choices(FILLER, k=40))
        articles.append(make_article(f"{word} {rng.choice(FILLER)}", body, id=identity, first_seen=seen))
    return articles, gain, lose


def test_a_diff_names_exactly_the_articles_that_changed(old: RuleSet, new: RuleSet) -> None:
    articles, gain, lose = corpus()
    found = diff_rules(old, new, articles)
    assert found.articles == 5000
    assert set(found.changes) == {"veld", "wheat"}
    veld = found.changes["veld"]
    assert {sample.id for sample in veld.gained} == gain
    assert {sample.id for sample in veld.lost} == lose
    assert veld.after - veld.before == len(gain) - len(lose)
    assert veld.status == "changed"
    assert found.changes["wheat"].status == "added"
    value = found.as_json(samples=5)
    topic = next(item for item in value["topics"] if item["topic"] == "veld")
    assert set(topic["gained"]) == gain
    assert len(topic["gained_sample"]) == 5
    assert topic["articles_a_day"] == pytest.approx(veld.after / 5, abs=0.1)


def test_no_rate_is_given_for_a_few_minutes_of_articles(old: RuleSet, new: RuleSet) -> None:
    found = diff_rules(old, new, [make_article("Veldar", id="one"), make_article("x", id="two")])
    assert found.days is None
    assert found.as_json()["topics"][0]["articles_a_day"] is None


def test_alert_grade_is_stricter(old: RuleSet) -> None:
    once, twice = make_article("Veld opens"), make_article("Veld opens", "Veld and Veld agree")
    assert [is_alert_grade(topic, once) for topic in old.match(once)] == [False]
    assert [is_alert_grade(topic, twice) for topic in old.match(twice)] == [True]
    deep = make_article("A day", "word " * 80 + "Veld " * 9)
    assert [is_alert_grade(topic, deep) for topic in old.match(deep)] == [False]
