"""What a new version of an article is made for: topics, mentions, rules of another meaning; never scores alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from newsflow.ingest.retag import Retagged, retag_article
from newsflow.model import Action, Article, Mention
from newsflow.tagging import RuleSet, load_rules
from tests.tagging.tagging_articles import make_article

BODY = "The sea was calm. " * 20 + "A ferry from Marn arrived."


def rules(folder: Path, text: str) -> RuleSet:
    (folder / "rules.yaml").write_text(text, encoding="utf-8")
    return load_rules([folder / "rules.yaml"])


@pytest.fixture
def stored(tmp_path: Path) -> Article:
    """About Veld, with a mention of Marn."""
    before = rules(tmp_path, "id: veld\nterms: [Veld]\n---\nid: marn\nterms: [Marn]\nmentions: true\n")
    article = make_article("Veld opens", BODY, id="a1", version=4)
    tags = before.tag(article)
    assert (tags.topics[0].id, tags.mentions) == ("veld", (Mention("marn", "", 1),))
    return replace(article, topics=tags.topics, mentions=tags.mentions)


def changes(found: Retagged) -> dict[str, list[str]]:
    """The kinds of change that there are."""
    kinds = {name: sorted(getattr(found, name)) for name in ("gained", "lost", "other_rule", "mentions")}
    return {name: ids for name, ids in kinds.items() if ids}


def test_gained_and_lost(stored: Article, tmp_path: Path) -> None:
    after = rules(tmp_path, "id: calm\nany: [calm]\n---\nid: marn\nterms: [Marn]\nmentions: true\n")
    found = retag_article(after, stored)
    assert found is not None
    assert changes(found) == {"gained": ["calm"], "lost": ["veld"]}
    assert (found.article.version, sorted(found.changed)) == (5, ["calm", "veld"])


def test_a_mention_that_comes_or_goes(stored: Article, tmp_path: Path) -> None:
    after = rules(tmp_path, "id: veld\nterms: [Veld]\n---\nid: ferry\nterms: [ferry]\nmentions: true\n")
    found = retag_article(after, stored)
    assert found is not None
    assert changes(found) == {"mentions": ["ferry", "marn"]}


def test_a_mention_that_becomes_the_topic_is_gained(stored: Article, tmp_path: Path) -> None:
    after = rules(tmp_path, "id: veld\nterms: [Veld]\n---\nid: marn\nany: [Marn]\n")
    found = retag_article(after, stored)
    assert found is not None
    assert changes(found) == {"gained": ["marn"]}


def test_a_rule_of_another_meaning(stored: Article, tmp_path: Path) -> None:
    after = rules(tmp_path, "id: veld\nterms: [Veld, Veldar]\n---\nid: marn\nterms: [Marn]\nmentions: true\n")
    found = retag_article(after, stored)
    assert found is not None
    assert changes(found) == {"other_rule": ["veld"]}


def test_names_and_examples_are_no_other_meaning(stored: Article, tmp_path: Path) -> None:
    text = "id: veld\nnames: {en: Veld}\nterms: [Veld]\n---\nid: marn\nterms: [Marn]\nmentions: true\n"
    assert retag_article(rules(tmp_path, text), stored) is None


def test_the_next_version_is_a_replacement_and_is_tagged_as_the_rules_say(tmp_path: Path) -> None:
    old = rules(tmp_path, "id: veld\nterms: [Veld, Veldish]\n---\nid: marn\nterms: [Marn]\n")
    text = "id: veld\nterms: [Veld, Veldar]\n---\nid: marn\nterms: [Marn]\n---\nid: wheat\nany: [golden wheat]\n"
    new = rules(tmp_path, text)
    article = make_article("Veldish wheat", version=3, id="a1")
    tags = old.tag(article)
    stored = replace(article, topics=tags.topics, mentions=tags.mentions)
    again = retag_article(new, stored)
    assert again is not None
    assert (again.article.version, again.article.action, again.article.topics) == (4, Action.REPLACE, ())
    assert again.changed == {"veld"}
    assert retag_article(old, stored) is None
    assert retag_article(new, again.article) is None
