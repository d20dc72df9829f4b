"""Alerts as text for people: subject, plain text, HTML. Right-to-left text keeps its direction in each."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from newsflow.alerts.values import decode_alert
from newsflow.model.languages import RIGHT_TO_LEFT, primary_subtag
from newsflow.shown import chat_text, chat_url, isolate, one_line

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


@dataclass(frozen=True, slots=True)
class Writing:
    """How text of others is written in one kind of message: a line of it, one that keeps its own direction, a URL."""

    line: Callable[[str], str] = one_line
    isolated: Callable[[str], str] = isolate
    url: Callable[[str], str] = one_line


PLAIN = Writing()
CHAT = Writing(chat_text, lambda text: isolate(chat_text(text)), chat_url)


def headline(alert: Mapping[str, Any]) -> str:
    """Return one line without line breaks: what it is about."""
    if alert["step"] == "digest":
        return f"{one_line(alert['why']['story'])}: {_title(alert['articles'][0])}"
    return _title(alert["articles"][0])


def subject(alert: Mapping[str, Any], writing: Writing = PLAIN) -> str:
    """Return the subject line, at most `SUBJECT_CHARS` characters, without control characters."""
    sample = "[sample] " if alert.get("sample") else ""
    step = _STEPS.get(alert["step"], alert["step"])
    return one_line(
        f"{sample}[{writing.line(alert['subscription'])}] {step}: {writing.line(headline(alert))}", SUBJECT_CHARS
    )


def plain(alert: Mapping[str, Any], writing: Writing = PLAIN) -> str:
    """Return plain text, lines ended by a line feed; `writing` is that of the place where it is shown."""
    line, why = writing.line, alert["why"]
    lines = ["This is a sample; nothing happened.", ""] if alert.get("sample") else []
    for article in alert["articles"]:
        lines.append(writing.isolated(_title(article)))
        gone = " (withdrawn)" if article["action"] == "withdraw" else ""
        lines.append(f"  {line(article['source'])}, {line(article['published_at'])}{gone}")
        lines += [f"  {writing.url(article['url'])}"] if article.get("url") else []
        lines.append("")
    sources = ", ".join(map(line, why["sources"]))
    lines += [f"Why: {line(why['rule'])}", f"Story: {line(why['story'])}", f"Sources: {sources}"]
    lines += [
        f"  {line(span['topic'])}: {writing.isolated(span['text'])} ({line(span['field'])})"
        for span in why["spans"][:5]
    ]
    names = (line(alert[name]) for name in ("id", "subscription", "severity"))
    lines += ["", "Alert {}, subscription {}, severity {}".format(*names)]
    return "\n".join(lines) + "\n"


def rich(alert: Mapping[str, Any]) -> str:
    """Return an HTML document; each article has the direction of its language."""
    why = alert["why"]
    parts = ["<p><b>This is a sample; nothing happened.</b></p>"] if alert.get("sample") else []
    parts += [_article_html(article) for article in alert["articles"]]
    spans = "".join(
        f"<li>{_html(span['topic'])}: <bdi>{_html(span['text'])}</bdi> ({_html(span['field'])})</li>"
        for span in why["spans"][:5]
    )
    parts.append(
        f"<hr><p>Why: {_html(why['rule'])}<br>Story: {_html(why['story'])}<br>"
        f"Sources: {_html(', '.join(why['sources']))}</p><ul>{spans}</ul>"
        f"<p><small>Alert {_html(alert['id'])}, subscription {_html(alert['subscription'])}, "
        f"severity {_html(alert['severity'])}</small></p>"
    )
    return f'<!DOCTYPE html>\n<html><head><meta charset="utf-8"></head><body>{"".join(parts)}</body></html>\n'


def members_shown(value: Any) -> Any:
    """Return a JSON value with each text in it as one harmless line: for pages that show an alert's members."""
    if isinstance(value, Mapping):
        return {name: members_shown(each) for name, each in value.items()}
    if isinstance(value, list):
        return [members_shown(each) for each in value]
    return one_line(value) if isinstance(value, str) else value


def direction(language: str) -> str:
    """Return `rtl`, `ltr`, or `auto` for an unknown language."""
    if language == "und":
        return "auto"
    return "rtl" if primary_subtag(language) in RIGHT_TO_LEFT else "ltr"


def page_of(article: Mapping[str, Any]) -> str:
    """Return the URL of an article if it is one that a browser opens as a page, else nothing: an alert is read by
    people who trust it."""
    url = one_line(article.get("url") or "")
    return url if url.startswith(("http://", "https://")) else ""


def _article_html(article: Mapping[str, Any]) -> str:
    title = _html(_title(article))
    if url := page_of(article):
        title = f'<a href="{_html(url)}">{title}</a>'
    if article["action"] == "withdraw":
        title = f"<s>{title}</s> (withdrawn)"
    language = article["language"]
    return (
        f'<div dir="{direction(language)}" lang="{_html(language)}"><h3>{title}</h3></div>'
        f"<p>{_html(article['source'])}, {_html(article['published_at'])}</p>"
    )


def _html(text: str) -> str:
    return escape(one_line(text))


def _title(article: Mapping[str, Any]) -> str:
    return one_line(article["title"]) or "(no title)"
