"""Makes the bundled sample: raw events of invented outlets, out of texts, page layouts and the list in events.yaml.

The same bytes every time. What is large or broken on purpose is made here and not stored.
"""

from __future__ import annotations

import gzip
import html
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

import orjson
import yaml

from newsflow.model.event import Headers
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

    Such a file has neither keys nor headers. The line that is too large is over 8 MB long.
    """
    values = [event.value for event in sample_events()]
    data = b"".join(value + b"\n" for value in values)
    # Without the time of day in it: the same file each time.
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    return len(values)


def sources_path() -> Path:
    return _HERE / "sources.yaml"


def routes_path() -> Path:
    return _HERE / "routes.yaml"


@cache
def event_entries() -> tuple[Mapping[str, Any], ...]:
    loaded = yaml.safe_load((_HERE / "events.yaml").read_text(encoding="utf-8"))
    return tuple(loaded["events"])


def text_of(entry: Mapping[str, Any]) -> Text:
    """Return the article text that an entry publishes, its edits made."""
    written = (_HERE / "articles" / f"{entry.get('article', entry['name'])}.txt").read_text(encoding="utf-8")
    head, _, body = _edited(written, entry.get("text_edits", ())).partition("\n\n")
    fields = dict(line.split(": ", 1) for line in head.splitlines())
    return Text(fields.pop("title"), tuple(body.strip().split("\n\n")), fields)


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
    text, layout = text_of(entry), layout_of(entry.get("layout", entry["source"]))
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


def layout_of(name: str) -> Path:
    """Return the page, or the text, that an outlet's articles are put into."""
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
