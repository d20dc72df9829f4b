"""Alerts as text for people: subject, plain text, HTML. Right-to-left text keeps its direction in each."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from html import escape
from typing import Any

from newsflow.alerts.values import decode_alert
from newsflow.model.languages import RIGHT_TO_LEFT, primary_subtag

_ISOLATE, _END_ISOLATE = "\u2068", "\u2069"
"""First strong isolate: a title keeps its own direction and does not turn the line around it."""
_STEPS = {"first": "New", "update": "Update", "withdrawn": "Withdrawn", "digest": "Digest"}
SUBJECT_CHARS = 180


def members_of(value: bytes) -> Mapping[str, Any]:
    """Return the members of alert.v1 bytes. Raises `ValueError` when they are not an alert."""
    members = decode_alert(value)
    if not isinstance(members.get("articles"), list) or not members["articles"] or "step" not in members:
        raise ValueError("not an alert.v1 value: it has no step or no articles")
    return members


def thread_key(alert: Mapping[str, Any], digest_size: int) -> str:
    """Return hex digits that all alerts of one story to one subscription share; a digest has its own."""
    name = f"{alert['subscription']}\n{alert.get('story') or alert['id']}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(name, digest_size=digest_size).hexdigest()


def headline(alert: Mapping[str, Any]) -> str:
    """Return one line without line breaks: what it is about."""
    if alert["step"] == "digest":
        return f"{alert['why']['story']}: {_title(alert['articles'][0])}"
    return _title(alert["articles"][0])


def subject(alert: Mapping[str, Any]) -> str:
    """Return the subject line, at most `SUBJECT_CHARS` characters, without control characters."""
    sample = "[sample] " if alert.get("sample") else ""
    text = f"{sample}[{alert['subscription']}] {_STEPS.get(alert['step'], alert['step'])}: {headline(alert)}"
    return text if len(text) <= SUBJECT_CHARS else text[: SUBJECT_CHARS - 1] + "…"


def plain(alert: Mapping[str, Any]) -> str:
    """Return plain text, lines ended by a line feed."""
    why = alert["why"]
    lines = ["This is a sample; nothing happened.", ""] if alert.get("sample") else []
    for article in alert["articles"]:
        lines.append(_isolated(_title(article)))
        gone = " (withdrawn)" if article["action"] == "withdraw" else ""
        lines.append(f"  {article['source']}, {article['published_at']}{gone}")
        lines += [f"  {article['url']}"] if article.get("url") else []
        lines.append("")
    lines += [f"Why: {why['rule']}", f"Story: {why['story']}", f"Sources: {', '.join(why['sources'])}"]
    lines += [f"  {span['topic']}: {_isolated(_one_line(span['text']))} ({span['field']})" for span in why["spans"][:5]]
    lines += ["", f"Alert {alert['id']}, subscription {alert['subscription']}, severity {alert['severity']}"]
    return "\n".join(lines) + "\n"


def rich(alert: Mapping[str, Any]) -> str:
    """Return an HTML document; each article has the direction of its language."""
    why = alert["why"]
    parts = ["<p><b>This is a sample; nothing happened.</b></p>"] if alert.get("sample") else []
    parts += [_article_html(article) for article in alert["articles"]]
    spans = "".join(
        f"<li>{escape(span['topic'])}: <bdi>{escape(span['text'])}</bdi> ({escape(span['field'])})</li>"
        for span in why["spans"][:5]
    )
    parts.append(
        f"<hr><p>Why: {escape(why['rule'])}<br>Story: {escape(why['story'])}<br>"
        f"Sources: {escape(', '.join(why['sources']))}</p><ul>{spans}</ul>"
        f"<p><small>Alert {escape(alert['id'])}, subscription {escape(alert['subscription'])}, "
        f"severity {escape(alert['severity'])}</small></p>"
    )
    return f'<!DOCTYPE html>\n<html><head><meta charset="utf-8"></head><body>{"".join(parts)}</body></html>\n'


def direction(language: str) -> str:
    """Return `rtl`, `ltr`, or `auto` for an unknown language."""
    if language == "und":
        return "auto"
    return "rtl" if primary_subtag(language) in RIGHT_TO_LEFT else "ltr"


def _article_html(article: Mapping[str, Any]) -> str:
    title = escape(_title(article))
    url = article.get("url") or ""
    # Only what a browser opens as a page: an alert is read by people who trust it.
    if url.startswith(("http://", "https://")):
        title = f'<a href="{escape(url)}">{title}</a>'
    if article["action"] == "withdraw":
        title = f"<s>{title}</s> (withdrawn)"
    language = article["language"]
    return (
        f'<div dir="{direction(language)}" lang="{escape(language)}"><h3>{title}</h3></div>'
        f"<p>{escape(article['source'])}, {escape(article['published_at'])}</p>"
    )


def _title(article: Mapping[str, Any]) -> str:
    return _one_line(article["title"]) or "(no title)"


def _one_line(text: str) -> str:
    """Without line breaks and other controls: a title must not become a mail header, nor a terminal command."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _isolated(text: str) -> str:
    return f"{_ISOLATE}{text}{_END_ISOLATE}"
