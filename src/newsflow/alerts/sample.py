"""An alert to try a destination with: marked as a sample in all it says."""

from __future__ import annotations

from datetime import datetime

from newsflow.alerts.build import published_text
from newsflow.alerts.values import Alert, AlertArticle, Severity, Span, Step, Why, alert_id
from newsflow.model import Action, PublicationDate

TITLE = "Sample alert \u2013 تنبيه تجريبي \u2013 Пробное сообщение"


def sample_alert(subscription: str, severity: Severity, rule: str, now: datetime) -> Alert:
    """Return a sample for a subscription. Its id hangs on `now`: whoever asks twice wants to receive two."""
    article = AlertArticle(
        id="sample",
        version=1,
        action=Action.ADD,
        source="newsflow",
        title=TITLE,
        language="und",
        published_at=published_text(PublicationDate(now, "explicit", "first-seen", "")),
    )
    return Alert(
        id=alert_id(subscription, f"sample\n{now.isoformat()}", Step.FIRST),
        subscription=subscription,
        step=Step.FIRST,
        severity=severity,
        story=None,
        articles=(article,),
        why=Why(rule, (Span("sample", "sample", "sample", "title", 0, 6, "Sample"),), "a sample; nothing happened", ()),
        at=now,
        sample=True,
    )
