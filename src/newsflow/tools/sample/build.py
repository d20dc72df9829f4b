"""Makes the sample's raw events out of its texts, page layouts and the list in events.yaml.

The same bytes every time. What is large or broken on purpose is made here and not stored.
"""

from __future__ import annotations

import gzip
import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

import orjson
import yaml

from newsflow.model.event import Headers, Outcome, Reason
from newsflow.model.headers import JSON_TYPE, STRUCTURED_TYPE
from newsflow.model.names import ce_type, raw_key, schema_id
from newsflow.model.raw import DEFAULT_LIMITS

_HERE = Path(__file__).resolve().parent
CE_SOURCE = "/newsflow/sample"


@dataclass(frozen=True, slots=True)
class SampleEvent:
    """One raw event as a fetcher would publish it. `name` is its entry in events.yaml, and its `ce_id`."""

    name: str
    key: bytes
    value: bytes
    headers: Headers


@dataclass(frozen=True, slots=True)
class Text:
    """One article as its author wrote it; `fields` are its language, caption, section and author."""

    title: str
    paragraphs: tuple[str, ...]
    fields: Mapping[str, str]


def sample_events() -> Iterator[SampleEvent]:
    """Yield the sample in the order it is to be published."""
    for entry in event_entries():
        members = _members(entry)
        value = _value(entry, members)
        identity = entry.get("identity") or entry.get("url") or entry["guid"]
        yield SampleEvent(entry["name"], raw_key(entry["source"], identity), value, _headers(entry))


def write_sample(path: Path) -> int:
    """Write the sample to `path`, one value a line, gzipped when it ends in `.gz`; return the number of events.

    Keys and headers have no place in such a file. The line that is too large is over 8 MB long.
    """
    values = [event.value for event in sample_events()]
    data = b"".join(value + b"\n" for value in values)
    # Without the time of day in it: the same file each time.
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    return len(values)


def sources_path() -> Path:
    """Return the file of source profiles that belong to the sample."""
    return _HERE / "sources.yaml"


def routes_path() -> Path:
    """Return the file of routes and subscriptions that the demonstration runs with."""
    return _HERE / "routes.yaml"


@cache
def event_entries() -> tuple[Mapping[str, Any], ...]:
    """Return the entries of events.yaml."""
    loaded = yaml.safe_load((_HERE / "events.yaml").read_text(encoding="utf-8"))
    return tuple(loaded["events"])


def text_of(entry: Mapping[str, Any]) -> Text:
    """Return the article text that an entry publishes, its edits made."""
    written = (_HERE / "articles" / f"{entry.get('article', entry['name'])}.txt").read_text(encoding="utf-8")
    head, _, body = _edited(written, entry.get("text_edits", ())).partition("\n\n")
    fields = dict(line.split(": ", 1) for line in head.splitlines())
    return Text(fields.pop("title"), tuple(body.strip().split("\n\n")), fields)


def furniture_of(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the lines of two words and more that an entry's page has around its article: no article holds them."""
    page = _layout(entry.get("layout", entry["source"])).read_text(encoding="utf-8")
    without_scripts = re.sub(r"<(script|title|head)\b.*?</\1>", "", page, flags=re.DOTALL)
    lines = (line.strip() for line in re.split(r"<[^>]*>|\n", without_scripts))
    return tuple(html.unescape(line) for line in lines if " " in line and "$" not in line)


def _members(entry: Mapping[str, Any]) -> dict[str, Any]:
    named = {name: entry[name] for name in ("source", "url", "guid", "fetched_at") if name in entry}
    match entry.get("special"):
        case "withdrawal":
            return {**named, "action": "withdraw"}
        case "only-navigation":
            return {**named, "content_type": "text/html", "content": _NAVIGATION}
        case "member-twice":
            return {**named, "content_type": "text/plain", "content": "-"}
        case _:
            content_type, page = _page(entry)
            return {**named, **entry.get("hints", {}), "content_type": content_type, "content": page}


def _value(entry: Mapping[str, Any], members: Mapping[str, Any]) -> bytes:
    value = orjson.dumps(members)
    match entry.get("special"):
        case "cut-off":
            return value[: len(value) // 2].rsplit(b" ", 1)[0]
        case "member-twice":
            return value[:-1] + b',"url":"https://nahr.example/ar/other"}'
        case "windows-1256":
            return json.dumps(members, ensure_ascii=False).encode("cp1256", "replace")
        case "oversized":
            times = DEFAULT_LIMITS.max_bytes // len(members["content"].encode()) + 1
            return orjson.dumps({**members, "content": members["content"] * times})
        case "portable-document":
            return orjson.dumps({**members, "content_type": "application/pdf", "content": "JVBERi0xLjcK"})
    return orjson.dumps({**_attributes(entry), "data": members}) if entry.get("structured") else value


def _headers(entry: Mapping[str, Any]) -> Headers:
    if entry.get("structured"):
        return (("content-type", STRUCTURED_TYPE.encode()),)
    binary = tuple((f"ce_{name}", text.encode()) for name, text in _attributes(entry).items())
    return (*binary, ("content-type", JSON_TYPE.encode()))


def _attributes(entry: Mapping[str, Any]) -> dict[str, str]:
    name = "raw-article"
    return {
        "specversion": "1.0",
        "id": entry["name"],
        "source": CE_SOURCE,
        "type": ce_type(name),
        "dataschema": schema_id(name),
    }


def _page(entry: Mapping[str, Any]) -> tuple[str, str]:
    """Return the media type and content of the page that an entry's outlet would show."""
    text, layout = text_of(entry), _layout(entry.get("layout", entry["source"]))
    values = {"title": text.title, "date": "", "iso": "", "url": "", **text.fields}
    values |= {name: entry[name] for name in ("date", "iso", "url") if name in entry}
    if layout.suffix == ".html":
        page, media_type = _html_values(values, text), "text/html"
    else:
        page, media_type = {**values, "body": "\n\n".join(text.paragraphs)}, "text/plain"
    filled = Template(layout.read_text(encoding="utf-8")).substitute(page)
    return media_type, _edited(filled, entry.get("page_edits", ()))


def _html_values(values: Mapping[str, str], text: Text) -> dict[str, str]:
    escaped = {name: html.escape(value) for name, value in values.items()}
    paragraphs = [f"<p>{html.escape(paragraph, quote=False)}</p>" for paragraph in text.paragraphs]
    return {
        **escaped,
        "title_json": json.dumps(values["title"], ensure_ascii=False),
        "author_json": json.dumps(values["author"], ensure_ascii=False),
        "first": "\n".join(paragraphs[:2]),
        "rest": "\n".join(paragraphs[2:]),
    }


def _layout(name: str) -> Path:
    page = _HERE / "layouts" / f"{name}.html"
    return page if page.exists() else page.with_suffix(".txt")


def _edited(text: str, edits: Any) -> str:
    for old, new in edits:
        if old not in text:
            raise ValueError(f"the sample's edit of {old!r} finds nothing to change")
        text = text.replace(old, new)
    return text


_NAVIGATION = (
    '<!doctype html><html lang="ar"><head><title>صور - وكالة النهر</title></head><body><nav><a href="/">الأخبار</a> '
    '<a href="/video">فيديو</a> <a href="/photo">صور</a></nav><script>loadGallery(8)</script></body></html>'
)


# What should become of each event of the sample.


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
    path = Path(__file__).resolve().parent / "expected.yaml"
    loaded: Mapping[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
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
