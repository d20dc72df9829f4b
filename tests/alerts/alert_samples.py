"""Alerts to be sent in tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from newsflow.alerts.values import Alert, AlertArticle, AlertStep, Severity, Span, Why, alert_id, encode_alert
from newsflow.model import Action, PendingAlert

HARBOUR = AlertArticle(
    "a1", 1, Action.ADD, "nawras-news", "https://nawras.example/1?a=1&b=2", "مرفأ النورس (Nawras) يعيد فتح أبوابه", "ar", "2026-03-01T09:00:00Z", ("syria",),
)  # fmt: skip
FLOOD = AlertArticle("a2", 2, Action.REPLACE, "river-post", None, "Наводнение <в> долине", "ru", "2026-03-01T10:00:00")


def alert(step: AlertStep = AlertStep.FIRST, **changes: Any) -> Alert:
    why = Why("topics any of syria", (Span("a1", "syria", "سوريا", "title", 0, 5, "سوريا"),), "2 sources", ("a", "b"))
    base = Alert(
        alert_id("desk", "s1", step), "desk", step, Severity.WARNING, "s1",
        datetime(2026, 3, 1, 12, tzinfo=UTC), (HARBOUR, FLOOD), why,
    )  # fmt: skip
    return replace(base, **changes)


def pending(step: AlertStep = AlertStep.FIRST, **changes: Any) -> PendingAlert:
    made = alert(step, **changes)
    return PendingAlert(made.id, made.subscription, encode_alert(made), ("there",))
