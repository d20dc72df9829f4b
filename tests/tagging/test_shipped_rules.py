from __future__ import annotations

import pytest

from newsflow.tagging import RuleSet, load_rules
from tests.tagging.tagging_articles import make_article, slice_of


@pytest.fixture(scope="module")
def shipped() -> RuleSet:
    return load_rules()


def test_topics_come_first_and_a_passing_country_is_a_mention(shipped: RuleSet) -> None:
    article = make_article(
        "ما وراء الرحيل الروسي عن سوريا",
        "اتجهت العيون إلى الساحل، إذ أكد مسؤولون سوريون أن روسيا تنقل معداتها من سوريا.\n\n"
        + "كلام آخر طويل عن أحوال الناس والطقس والأسواق. " * 12
        + "وبعض القوات انتقلت إلى ليبيا.",
        "ar",
    )
    tags = shipped.tag(article)
    assert {topic.id for topic in tags.topics[:2]} == {"syria", "russia"}
    assert [(mention.id, mention.code, mention.count) for mention in tags.mentions] == [("libya", "LY", 1)]
    for topic in tags.topics:
        assert all(slice_of(article, item) == item.text for item in topic.evidence)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("وسوريا", "سوريا"),
        ("لسوريا", "سوريا"),
        ("فبالسوريين", "السوريين"),
        ("سُـوريّا", "سُـوريّا"),
        ("وللسوريين", "للسوريين"),
    ],
)
def test_arabic_forms_are_found_without_their_proclitic(shipped: RuleSet, text: str, expected: str) -> None:
    article = make_article(f"قال {text}، أمس", "", "ar")
    topic = next(topic for topic in shipped.tag(article).topics if topic.id == "syria")
    assert [item.text for item in topic.evidence] == [expected]
