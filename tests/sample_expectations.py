"""What should become of each event of the bundled sample, as sample_expectations.yaml says."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from newsflow.model.event import Outcome, Reason
from newsflow.tools.sample.build import Text, event_entries, layout_of, text_of

FILE = Path(__file__).with_suffix(".yaml")
WATCHED = ("iran", "israel", "lebanon", "palestine", "russia", "syria", "turkey", "ukraine", "united-states")
"""Topics that every article of the sample was judged for."""
WITH_TEXT = frozenset({Outcome.ADDED, Outcome.REPLACED})


@dataclass(frozen=True, slots=True)
class Expectation:
    """What one event should become.

    Events of one `group` say the same: one of them is `added`, whichever is read first, the others `duplicate`.
    `text` is the article as its author wrote it, without the page around it, for what is added or replaced; its
    title may stand in any of the forms in `titles`. `published_at` is None where the page names no date.
    The article is about all of `topics`, may be about `allowed_topics`, and is about none of `not_topics`.
    """

    name: str
    outcome: Outcome
    reason: Reason | None = None
    group: str | None = None
    text: Text | None = None
    titles: tuple[str, ...] = ()
    language: str | None = None
    published_at: datetime | None = None
    zone: str | None = None
    topics: tuple[str, ...] = ()
    allowed_topics: tuple[str, ...] = ()
    not_topics: tuple[str, ...] = ()


def expectations() -> dict[str, Expectation]:
    """Return what is expected of every event of the sample, by the event's name."""
    loaded: Mapping[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return {entry["name"]: _expectation(entry, loaded[entry["name"]]) for entry in event_entries()}


def _expectation(entry: Mapping[str, Any], members: Mapping[str, Any]) -> Expectation:
    outcome = Outcome(members.get("outcome", Outcome.ADDED))
    text = text_of(entry) if outcome in WITH_TEXT else None
    published = members.get("published")
    topics, allowed = tuple(members.get("topics", ())), tuple(members.get("allowed_topics", ()))
    return Expectation(
        name=entry["name"],
        outcome=outcome,
        reason=Reason(members["reason"]) if "reason" in members else None,
        group=members.get("group"),
        text=text,
        titles=_titles(text.title) if text else (),
        language=text.fields["language"] if text else None,
        published_at=datetime.fromisoformat(published) if published else None,
        zone=members.get("zone"),
        topics=topics,
        allowed_topics=allowed,
        not_topics=tuple(sorted({*WATCHED, *members.get("not_topics", ())} - {*topics, *allowed})) if text else (),
    )


def _titles(title: str) -> tuple[str, ...]:
    """A title, and the same without a mark such as `(فيديو ضفاف)` at its end."""
    bare = re.sub(r" \([^()]*\)$", "", title)
    return (title,) if bare == title else (title, bare)


def furniture_of(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the lines of two words and more that an entry's page has around its article: no article holds them."""
    page = layout_of(entry.get("layout", entry["source"])).read_text(encoding="utf-8")
    without_scripts = re.sub(r"<(script|title|head)\b.*?</\1>", "", page, flags=re.DOTALL)
    lines = (line.strip() for line in re.split(r"<[^>]*>|\n", without_scripts))
    return tuple(html.unescape(line) for line in lines if " " in line and "$" not in line)
