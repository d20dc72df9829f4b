"""What news agencies send: ninjs 1 to 3, NewsML-G2, NITF, IPTC 7901. One file is one item, or several of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from lxml import etree

from newsflow.sources.parse import web_address
from newsflow.sources.records.record import WITHDRAW, Left, Read, Reading, Record, instant_of, whole_file

_WITHDRAWN = ("canceled", "cancelled", "withheld", "killed", "kill", "canceled/withheld")
_XML = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, huge_tree=False, remove_comments=True)
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_HTML_NAMES = {"block": "div", "hl2": "h2", "hl1": "h1", "q": "blockquote"}
_LEFT_OUT = ("media", "script", "style", "object", "img", "byline", "dateline")


# ninjs, https://iptc.org/standards/ninjs/


def read_ninjs(path: Path, reading: Reading) -> Iterator[Read]:
    """A file with one item, a list of them, or one a line."""
    data = whole_file(path, reading)
    if data is None:
        yield Left("too large")
        return
    try:
        found = [orjson.loads(data)]
    except orjson.JSONDecodeError:
        found = [_json_or_none(line) for line in data.splitlines() if line.strip()]
    for each in found:
        for item in each if isinstance(each, list) else [each]:
            yield _ninjs(item) if isinstance(item, dict) else Left("not ninjs")


def _json_or_none(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None


def _ninjs(item: Mapping[str, Any]) -> Read:
    # 1.x writes body_html and versioncreated, 2.x and 3.x bodies and versionCreated.
    told = {name.lower(): value for name, value in item.items()}
    uri = told.get("uri")
    if not isinstance(uri, str):
        return Left("not ninjs")
    kind = told.get("type", "text")
    if kind not in ("text", "composite", "article"):
        return Left("not text")
    members = _named(uri) | {"version": str(told["version"]) if told.get("version") else None}
    at = instant_of(told.get("versioncreated")) or instant_of(told.get("contentcreated"))
    if str(told.get("pubstatus", "usable")).lower() in _WITHDRAWN:
        return Record(members | WITHDRAW, at)
    body, is_html = _ninjs_body(told)
    members |= {
        "title": _first_value(told.get("headlines")) or told.get("headline") or told.get("title"),
        "published": told.get("firstcreated") or told.get("versioncreated"),
        "language": told.get("language"),
        "authors": _ninjs_authors(told),
        "section": next((each.get("name") for each in _dicts(told.get("subject") or told.get("subjects"))), None),
        "content": body,
        "content_type": "text/html" if is_html else "text/plain",
        "content_is": "article",
    }
    return Record(members, at) if body or members["title"] else Left("empty")


def _ninjs_body(told: Mapping[str, Any]) -> tuple[str, bool]:
    for name in ("body_xhtml", "body_html", "body_text", "body"):
        if isinstance(told.get(name), str):
            return told[name], name != "body_text"
    bodies = _dicts(told.get("bodies"))
    bodies.sort(key=lambda body: "html" not in _content_type(body))
    for body in bodies:
        if isinstance(body.get("value"), str):
            return body["value"], "html" in _content_type(body)
    description = told.get("description_text") or _first_value(told.get("descriptions"))
    return (description, False) if isinstance(description, str) else ("", False)


def _content_type(body: Mapping[str, Any]) -> str:
    return str(body.get("contentType") or body.get("contenttype") or "")


def _ninjs_authors(told: Mapping[str, Any]) -> list[str]:
    by = told.get("byline") or _first_value(told.get("bylines")) or told.get("by")
    names = [str(each["name"]) for each in _dicts(told.get("authors") or told.get("people")) if each.get("name")]
    return names if told.get("authors") else [by] if isinstance(by, str) else []


def _first_value(values: Any) -> str | None:
    return next((each["value"] for each in _dicts(values) if isinstance(each.get("value"), str)), None)


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _named(name: str) -> dict[str, Any]:
    return {"url": name, "guid": name} if web_address(name, "") else {"guid": name}


# NewsML-G2 and NITF


def read_xml(path: Path, reading: Reading) -> Iterator[Read]:
    """NewsML-G2 (news items, alone or in a message) or NITF, whichever the file is."""
    data = whole_file(path, reading)
    root = None
    with suppress(etree.XMLSyntaxError):  # there is nothing in it
        root = None if data is None else etree.fromstring(data.lstrip(), _XML)
    if root is None:
        yield Left("too large" if data is None else "not XML")
        return
    items = [each for each in root.iter("{*}newsItem") if each.find("{*}itemMeta") is not None]
    documents = [] if items else list(root.iter("{*}nitf", "nitf"))
    if not items and not documents:
        yield Left("neither NewsML-G2 nor NITF")
    yield from map(_news_item, items)
    yield from map(_nitf, documents)


def _news_item(item: Any) -> Read:
    def said(path: str) -> str | None:
        return _words(item.find(path))

    members = _named(item.get("guid") or "") | {"version": item.get("version")}
    if not members.get("guid"):
        return Left("no address or id")
    status = item.find("{*}itemMeta/{*}pubStatus")
    at = instant_of(said("{*}itemMeta/{*}versionCreated"))
    if status is not None and (status.get("qcode") or "").rpartition(":")[2].lower() in _WITHDRAWN:
        return Record(members | WITHDRAW, at)
    content, is_html = _news_content(item)
    language = item.find("{*}contentMeta/{*}language")
    provider = item.find("{*}itemMeta/{*}provider")
    members |= {
        "title": said("{*}contentMeta/{*}headline") or said("{*}itemMeta/{*}title"),
        "published": said("{*}itemMeta/{*}firstCreated") or said("{*}itemMeta/{*}versionCreated"),
        "language": (None if language is None else language.get("tag")) or item.get(_LANGUAGE),
        "authors": _people(item),
        "agency": None if provider is None else _words(provider.find("{*}name")) or provider.get("literal"),
        "content": content,
        "content_type": "text/html" if is_html else "text/plain",
        "content_is": "article",
    }
    return Record(members, at) if content or members["title"] else Left("not text")


def _people(item: Any) -> list[str]:
    by = _words(item.find("{*}contentMeta/{*}by"))
    creators = [_words(each.find("{*}name")) for each in item.iterfind("{*}contentMeta/{*}creator")]
    return [by] if by else [name for name in creators if name]


def _news_content(item: Any) -> tuple[str, bool]:
    for inline in item.iterfind("{*}contentSet/{*}inlineXML"):
        for path in ("{*}body.content", "{*}body"):
            if (body := inline.find(f".//{path}")) is not None:
                return _as_html(body), True
        return _as_html(inline), True
    for inline in item.iterfind("{*}contentSet/{*}inlineData"):
        kind = inline.get("contenttype") or "text/plain"
        if kind.startswith("text/"):
            return "".join(inline.itertext()).strip(), "html" in kind
    return "", False


def _nitf(document: Any) -> Read:
    def attribute(path: str, name: str) -> str | None:
        found = document.find(f"{{*}}head/{{*}}docdata/{{*}}{path}")
        return None if found is None else found.get(name)

    def said(path: str) -> str | None:
        return _words(document.find(f"{{*}}body/{path}"))

    name = attribute("doc-id", "id-string")
    if not name:
        return Left("no address or id")
    issued = attribute("date.issue", "norm")
    at = instant_of(attribute("date.release", "norm")) or instant_of(issued)
    docdata = document.find("{*}head/{*}docdata")
    if (docdata.get("management-status") or "usable").lower() in _WITHDRAWN:
        return Record(_named(name) | WITHDRAW, at)
    body = document.find("{*}body/{*}body.content")
    byline = said("{*}body.head/{*}byline/{*}person") or said("{*}body.head/{*}byline")
    members = _named(name) | {
        "title": said("{*}body.head/{*}hedline/{*}hl1") or _words(document.find("{*}head/{*}title")),
        "published": issued,
        "language": document.get(_LANGUAGE) or document.get("language"),
        "authors": [byline.removeprefix("By ")] if byline else [],
        "agency": said("{*}body.head/{*}distributor/{*}org") or said("{*}body.head/{*}distributor"),
        "content": "" if body is None else _as_html(body),
        "content_type": "text/html",
        "content_is": "article",
    }
    return Record(members, at) if members["content"] or members["title"] else Left("empty")


def _words(element: Any) -> str | None:
    return None if element is None else " ".join("".join(element.itertext()).split()) or None


def _as_html(element: Any) -> str:
    """What an element holds, as HTML without namespaces; names of NITF by those of HTML, pictures left out."""
    for each in list(element.iter(etree.Element)):
        name = etree.QName(each).localname
        if name in _LEFT_OUT and each.getparent() is not None and each is not element:
            each.getparent().remove(each)
            continue
        each.tag = _HTML_NAMES.get(name, name)
        each.attrib.clear()
    etree.cleanup_namespaces(element)
    inner = "".join(etree.tostring(each, encoding="unicode", method="html") for each in element)
    return ((element.text or "") + inner).strip()


# IPTC 7901, https://iptc.org/standards/iptc-7901/

_SOH, _STX, _ETX = b"\x01", b"\x02", b"\x03"
_HEADER = re.compile(
    r"(?P<service>[A-Za-z]{1,4})(?P<number>\d{3,5})\s+(?P<priority>[1-9A-Za-z])\s+(?P<category>[A-Za-z]{1,3})\b"
)
_FILED = re.compile(
    r"(?P<day>\d\d)(?P<hour>\d\d)(?P<minute>\d\d)\s*(?:GMT|UTC|Z)?\s*(?P<month>[A-Za-z]{3})\s*(?P<year>\d{2,4})"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def read_7901(path: Path, reading: Reading) -> Iterator[Read]:
    """A file with one message or several, between SOH and the next."""
    data = whole_file(path, reading)
    if data is None:
        yield Left("too large")
        return
    for message in data.split(_SOH)[1:]:
        head, _, rest = message.partition(_STX)
        text, _, trailer = rest.partition(_ETX)
        yield _message(_as_text(head), _as_text(text), _as_text(trailer))


def _as_text(data: bytes) -> str:
    """UTF-8, or what wires sent before: too few letters beyond ASCII for their encoding to be found out."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _message(head: str, text: str, trailer: str) -> Read:
    found = _HEADER.match(head.strip())
    lines = [line.strip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    title = next((line for line in lines if line), "")
    if found is None or not title:
        return Left("not IPTC 7901" if found is None else "empty")
    at = _filed(trailer)
    # Numbers begin anew each day.
    day = f"-{at:%Y%m%d}" if at else ""
    members = {
        "guid": f"{found['service']}{found['number']}{day}",
        "title": title,
        "section": found["category"],
        "content": "\n".join(lines[lines.index(title) + 1 :]).strip(),
        "content_type": "text/plain",
        "content_is": "article",
    }
    return Record(members | ({"published": at.isoformat()} if at else {}), at)


def _filed(trailer: str) -> datetime | None:
    """Day and time at the end of a message: `031405 GMT MAR 25`."""
    found = _FILED.search(trailer)
    if found is None or found["month"].lower() not in _MONTHS:
        return None
    year = int(found["year"]) + (2000 if len(found["year"]) == 2 else 0)
    try:
        month = _MONTHS.index(found["month"].lower()) + 1
        return datetime(year, month, int(found["day"]), int(found["hour"]), int(found["minute"]), tzinfo=UTC)
    except ValueError:
        return None
