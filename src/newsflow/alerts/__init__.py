"""When to alert, and what an alert says. Pure: no clock, no I/O."""

from newsflow.alerts.build import article_alert, published_text, sample_alert, spans, step_key, summarise
from newsflow.alerts.desk import Desk, story_name
from newsflow.alerts.values import (
    Alert,
    AlertArticle,
    DailyHours,
    Digest,
    Policy,
    QuietHours,
    Severity,
    Span,
    Step,
    Why,
    alert_id,
    alert_to_json,
    decode_alert,
    encode_alert,
)

__all__ = [
    "Alert",
    "AlertArticle",
    "DailyHours",
    "Desk",
    "Digest",
    "Policy",
    "QuietHours",
    "Severity",
    "Span",
    "Step",
    "Why",
    "alert_id",
    "alert_to_json",
    "article_alert",
    "decode_alert",
    "encode_alert",
    "published_text",
    "sample_alert",
    "spans",
    "step_key",
    "story_name",
    "summarise",
]
