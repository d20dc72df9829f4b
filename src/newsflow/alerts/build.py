"""Makes an alert of one article version, and sample alerts. Pure; asks no clock."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from newsflow.alerts.values import Alert, AlertArticle, AlertStep, Severity, Span, Why, alert_id
from newsflow.model import Action, Article, PublicationDate
from newsflow.model.codec import published_text

MAX_SPANS = 20
"""Spans kept in one alert: enough to see why, few enough for a telephone."""


def article_alert(
    article: Article,
    *,
    subscription: str,
    step: AlertStep,
    severity: Severity,
    rule: str,
    topics: Iterable[str] = (),
    at: datetime,
) -> Alert:
    """Return the alert of one article version at a step of its story.

    `topics` are the topic ids whose evidence is shown (all of the article's when empty).
    """
    return Alert(
        id=alert_id(subscription, story_key(article), step_key(step, article)),
        subscription=subscription,
        step=step,
        severity=severity,
        story=article.story,
        at=at,
        articles=(summarise(article),),
        why=Why(rule, spans(article, topics), _story_sentence(article, step), (article.source,)),
    )


def story_key(article: Article) -> str:
    """Return what an alert's id calls the story: the story's id, or that of the article that has none."""
    return article.story or article.id


def step_key(step: AlertStep, article: Article) -> str:
    """Return the part of an id that names the step: a story has one `first`, but each article its withdrawal."""
    if step is AlertStep.WITHDRAWN:
        return f"{step}:{article.id}"
    if step is AlertStep.UPDATE:
        return f"{step}:{article.id}:{article.version}"
    return step.value


def summarise(article: Article) -> AlertArticle:
    return AlertArticle(
        id=article.id,
        version=article.version,
        action=article.action,
        source=article.source,
        url=article.url,
        title=article.title,
        language=article.language,
        published_at=published_text(article.published),
        topics=tuple(topic.id for topic in article.topics),
    )


def spans(article: Article, topics: Iterable[str] = ()) -> tuple[Span, ...]:
    """Return up to `MAX_SPANS` passages of evidence, the heaviest first, title before body."""
    wanted = set(topics)
    found = [
        (evidence, topic.id)
        for topic in article.topics
        if not wanted or topic.id in wanted
        for evidence in topic.evidence
    ]
    found.sort(key=lambda pair: (pair[0].field != "title", -pair[0].weight, pair[0].start, pair[1]))
    return tuple(
        Span(article.id, topic, each.term, each.field, each.start, each.end, each.text)
        for each, topic in found[:MAX_SPANS]
    )


def _story_sentence(article: Article, step: AlertStep) -> str:
    about = f"story {article.story}" if article.story else "an article without a story"
    match step:
        case AlertStep.WITHDRAWN:
            return f"{article.source} took back its article of {about}"
        case AlertStep.UPDATE:
            return f"{article.source} changed its article of {about}"
        case _:
            return f"first article of {about} that this subscription matches"


SAMPLE_TITLE = "Sample alert \u2013 تنبيه تجريبي \u2013 Пробное сообщение"


def sample_alert(subscription: str, severity: Severity, rule: str, now: datetime) -> Alert:
    """Return an alert to try a destination with. Its id depends on `now`: whoever asks twice wants to receive two."""
    article = AlertArticle(
        id="sample",
        version=1,
        action=Action.ADD,
        source="newsflow",
        url=None,
        title=SAMPLE_TITLE,
        language="und",
        published_at=published_text(PublicationDate(now, "explicit", "first-seen", "")),
    )
    return Alert(
        id=alert_id(subscription, f"sample\n{now.isoformat()}", AlertStep.FIRST),
        subscription=subscription,
        step=AlertStep.FIRST,
        severity=severity,
        story=None,
        at=now,
        articles=(article,),
        why=Why(rule, (Span("sample", "sample", "sample", "title", 0, 6, "Sample"),), "a sample; nothing happened"),
        sample=True,
    )
