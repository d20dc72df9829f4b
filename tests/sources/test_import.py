"""Archives and wires of every format to raw articles, and imports that are killed, gone on with and run again."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from newsflow.cli.app import app
from newsflow.errors import UsageError
from newsflow.ledger import Ledger, open_ledger
from newsflow.model import RawArticle, Rejected
from newsflow.model.raw import parse_raw
from newsflow.normalise import normalise
from newsflow.sources.importing import import_file
from newsflow.sources.records import FORMATS, Left, Reading, format_of
from tests.sources.site import Kept, rss, rss_item

AT = datetime(2025, 3, 3, 6, tzinfo=UTC)
WORDS = "The harbour office said on Monday that the ferry to the island will sail twice a day."


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = open_ledger(f"sqlite:///{tmp_path}/ledger.sqlite3")
    yield opened
    opened.close()


def imported(path: Path, ledger: Ledger, **reading: Any) -> tuple[list[RawArticle], dict[str, int]]:
    """The raw articles of a file, each valid, and what was left out."""
    name, outlet = format_of(path), Kept()
    assert name is not None
    done = import_file(path, name, Reading(**reading), ledger, outlet)
    found = [parse_raw(value) for _, value in outlet.events]
    assert not [each for each in found if isinstance(each, Rejected)], found
    return [each for each in found if isinstance(each, RawArticle)], dict(done.left)


# Web archives.


def warc(*records: tuple[str, bytes, str]) -> bytes:
    """A WARC file of pages: address, body, and the HTTP head without its protocol."""
    return b"".join(_response(number, *record) for number, record in enumerate(records))


def _response(number: int, url: str, body: bytes, head: str) -> bytes:
    block = "".join(f"{line}\r\n" for line in f"HTTP/1.1 {head}\n".split("\n")).encode() + body
    told = {
        "WARC-Type": "response",
        "WARC-Target-URI": url,
        "WARC-Date": f"{AT + timedelta(minutes=number):%Y-%m-%dT%H:%M:%SZ}",
        "WARC-Record-ID": f"<urn:uuid:ca6bb551-ddcd-459c-9826-ee7ac3d331{number:02d}>",
        "Content-Type": "application/http; msgtype=response",
        "Content-Length": len(block),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    return f"WARC/1.0\r\n{lines}\r\n".encode() + block + b"\r\n\r\n"


def html(title: str) -> bytes:
    return f"<html><head><title>{title}</title></head><body><h1>{title}</h1><p>{WORDS}</p></body></html>".encode()


def test_pages_of_a_warc_and_why_others_are_none(tmp_path: Path, ledger: Ledger) -> None:
    ok = "200 OK\nContent-Type: text/html"
    arabic = "<html><body><p>ميناء الجزيرة</p></body></html>".encode("windows-1256")
    file = tmp_path / "news.warc.gz"
    data = warc(
        ("https://post.example/1", html("One"), ok),
        ("https://post.example/2", gzip.compress(html("Two")), f"{ok}\nContent-Encoding: gzip"),
        ("https://barid.example/3", arabic, f"{ok}; charset=windows-1256"),
        ("https://post.example/4", b"gone", "404 Not Found\nContent-Type: text/html"),
        ("https://post.example/5", b"\x89PNG", "200 OK\nContent-Type: image/png"),
        ("https://post.example/6", b"", ok),
        ("https://post.example/7", gzip.compress(b" " * 3_000_000), f"{ok}\nContent-Encoding: gzip"),
        ("dns:post.example", b"x", ok),
    )
    file.write_bytes(gzip.compress(data))
    found, left = imported(file, ledger, most_bytes=1_000_000)
    assert [(each.source, each.url, each.fetched_at) for each in found] == [
        ("post.example", "https://post.example/1", AT),
        ("post.example", "https://post.example/2", AT + timedelta(minutes=1)),
        ("barid.example", "https://barid.example/3", AT + timedelta(minutes=2)),
    ]
    assert found[2].content == "<html><body><p>ميناء الجزيرة</p></body></html>"
    assert {each.content_is for each in found} == {"page"}
    assert left == {"status": 1, "type": 1, "empty": 1, "too large": 1, "no address": 1}


def test_texts_of_common_crawl(tmp_path: Path, ledger: Ledger) -> None:
    text = f"The ferry sails\n{WORDS}\n".encode()
    record = (
        f"WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Target-URI: https://post.example/1\r\nWARC-Date: 2025-03-03T06:00:00Z\r\n"
        f"WARC-Record-ID: <urn:uuid:ca6bb551-ddcd-459c-9826-ee7ac3d33130>\r\nContent-Type: text/plain\r\n"
        f"WARC-Identified-Content-Language: eng\r\nContent-Length: {len(text)}\r\n\r\n"
    ).encode()
    file = tmp_path / "news.warc.wet"
    file.write_bytes(record + text + b"\r\n\r\n")
    [found], left = imported(file, ledger)
    assert (found.content.strip(), found.content_type, found.language, left) == (
        text.decode().strip(),
        "text/plain",
        None,
        {},
    )


# Tables.

ROW = {"link": "https://post.example/1", "headline": "One", "text": WORDS, "date": "2025-03-03 09:00:00+03:00",
       "author": "Mira Sand", "outlet": "Harbour Post"}  # fmt: skip


def as_csv(path: Path, rows: list[dict[str, Any]]) -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(rows)
    return path


def as_parquet(path: Path, rows: list[dict[str, Any]]) -> Path:
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def as_json_lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_bytes(b"\n".join(map(orjson.dumps, rows)))
    return path


@pytest.mark.parametrize(("make", "name"), [(as_csv, "a.csv"), (as_parquet, "a.parquet"), (as_json_lines, "a.jsonl")])
def test_a_table_is_read_by_the_usual_names_of_its_columns(
    make: Any, name: str, tmp_path: Path, ledger: Ledger
) -> None:
    empty = {**dict.fromkeys(ROW, ""), "link": "https://post.example/2"}
    found, left = imported(make(tmp_path / name, [ROW, empty]), ledger)
    assert left == {"empty": 1}
    [one] = found
    assert (one.source, one.url, one.title, one.authors) == ("harbour-post", ROW["link"], "One", ("Mira Sand",))
    assert (one.fetched_at, one.published, one.content_type) == (AT, ROW["date"], "text/plain")


def test_a_map_names_the_columns(tmp_path: Path, ledger: Ledger) -> None:
    rows = [{"a": "n-1", "b": f"<p>{WORDS}</p>", "c": {"when": "2025-03-03T06:00:00Z"}, "title": "One", "d": "Two"}]
    columns = {"guid": "a", "content": "b", "fetched_at": "c.when", "title": "d"}
    [one], _ = imported(as_json_lines(tmp_path / "a.jsonl", rows), ledger, source="wire", columns=columns)
    assert (one.source, one.guid, one.url, one.title, one.content_type) == ("wire", "n-1", None, "Two", "text/html")
    assert one.fetched_at == AT


def test_dates_of_a_typed_column_and_the_file_where_there_is_none(tmp_path: Path, ledger: Ledger) -> None:
    typed = as_parquet(tmp_path / "a.parquet", [{"url": "https://a.example/n/1", "title": "One", "date": AT}])
    [one], _ = imported(typed, ledger)
    assert (one.published, one.fetched_at) == ("2025-03-03T06:00:00Z", AT)
    bare = as_json_lines(tmp_path / "a.jsonl", [{"url": "https://a.example/n/1", "title": "One"}])
    [one], _ = imported(bare, ledger)
    assert one.fetched_at == datetime.fromtimestamp(bare.stat().st_mtime, UTC)


@pytest.mark.parametrize("date", ["0001-01-01T00:00:00+03:00", "9999-12-31T23:59:59-23:59"])
def test_a_date_beyond_all_years_is_none_and_stops_nothing(date: str, tmp_path: Path, ledger: Ledger) -> None:
    """Some programs write the first instant that they know for no date at all."""
    told = {"url": "https://a.example/n/1", "title": "One", "content": "The ferry sails again.", "date": date}
    file = as_json_lines(
        tmp_path / "a.jsonl", [told, told | {"url": "https://a.example/n/2", "date": "2025-03-03T06:00:00Z"}]
    )
    odd, usual = imported(file, ledger)[0]
    assert (odd.published, odd.fetched_at) == (date, datetime.fromtimestamp(file.stat().st_mtime, UTC))
    assert usual.fetched_at == AT


def test_lines_that_are_no_records(tmp_path: Path, ledger: Ledger) -> None:
    file = tmp_path / "a.jsonl"
    raw = {"source": "post", "guid": "1", "fetched_at": "2025-03-03T06:00:00Z", "content_type": "text/html",
           "content": "<p>x</p>", "content_is": "page", "title": "One"}  # fmt: skip
    file.write_bytes(b'{"broken\n[1]\n{"title": "no name"}\n' + b'"' + b"x" * 5_000 + b'"\n' + orjson.dumps(raw))
    [one], left = imported(file, ledger, most_bytes=2_000)
    assert (one.source, one.guid, one.content_is, one.fetched_at) == ("post", "1", "page", AT)
    assert left == {"not JSON": 1, "not an object": 1, "no address or id": 1, "too large": 1}


def test_a_raw_article_whose_page_is_in_the_blob_store_stays_one(tmp_path: Path, ledger: Ledger) -> None:
    raw = {"source": "post", "url": "https://post.example/1", "fetched_at": "2025-03-03T06:00:00Z", "content_is": "page",
           "content_type": "text/html", "dataref": f"sha256/3f/3f{'0' * 62}", "title": "One"}  # fmt: skip
    [one], _ = imported(as_json_lines(tmp_path / "a.jsonl", [raw]), ledger)
    assert (one.dataref, one.content_is, one.fetched_at) == (raw["dataref"], "page", AT)


# Wires. What is common to all of them is said once.

NINJS_1 = {
    "uri": "https://wire.example/n/7", "type": "text", "version": "3", "versioncreated": "2025-03-03T06:00:00+00:00",
    "firstcreated": "2025-03-03T05:00:00+00:00", "language": "en", "headline": "A ferry", "byline": "Mira Sand",
    "pubstatus": "usable", "body_html": f"<p>{WORDS}</p>",
}  # fmt: skip
NINJS_2 = {
    "uri": "tag:wire.example,2025:7", "type": "text", "version": "3", "versioncreated": "2025-03-03T06:00:00+00:00",
    "firstcreated": "2025-03-03T05:00:00+00:00", "language": "en", "headlines": [{"value": "A ferry", "role": "main"}],
    "bylines": [{"value": "Mira Sand"}], "pubstatus": "usable",
    "bodies": [{"contenttype": "text/plain", "value": WORDS}, {"contenttype": "text/html", "value": f"<p>{WORDS}</p>"}],
}  # fmt: skip
NINJS_3 = {
    "uri": "tag:wire.example,2025:7", "type": "text", "version": "3", "versionCreated": "2025-03-03T06:00:00+00:00",
    "firstCreated": "2025-03-03T05:00:00+00:00", "language": "en", "headlines": [{"value": "A ferry"}], "pubStatus": "usable",
    "by": "Mira Sand", "bodies": [{"contentType": "text/html", "value": f"<p>{WORDS}</p>"}],
}  # fmt: skip
NEWSML = """<?xml version="1.0" encoding="UTF-8"?>
<newsMessage xmlns="http://iptc.org/std/nar/2006-10-01/"><itemSet><packageItem guid="p" version="1"/>
<newsItem guid="tag:wire.example,2025:7" version="3" xml:lang="en">{rights}
<itemMeta><itemClass qcode="ninat:text"/><provider literal="Tide Wire"/><versionCreated>2025-03-03T06:00:00Z</versionCreated>
<firstCreated>2025-03-03T05:00:00Z</firstCreated><pubStatus qcode="stat:{status}"/></itemMeta>
<contentMeta><by>Mira Sand</by><headline>A ferry</headline><language tag="en"/></contentMeta>
<contentSet><inlineXML contenttype="application/xhtml+xml"><html xmlns="http://www.w3.org/1999/xhtml"><head><title>No</title>
</head><body><p>{words}</p><img src="x"/></body></html></inlineXML></contentSet></newsItem></itemSet></newsMessage>"""
NITF = """<?xml version="1.0"?><!DOCTYPE nitf SYSTEM "http://www.nitf.org/nitf.dtd"><nitf xml:lang="en"><head><docdata
management-status="{status}"><doc-id id-string="tag:wire.example,2025:7"/><date.issue norm="20250303T050000Z"/>
<date.release norm="20250303T060000Z"/></docdata></head><body><body.head><hedline><hl1>A ferry</hl1></hedline>
<byline>By <person>Mira Sand</person></byline><distributor><org>Tide Wire</org></distributor></body.head>
<body.content><block><hl2>On the island</hl2><p>{words}</p><media media-type="image"><media-caption>No</media-caption></media>
</block></body.content></body></nitf>"""
WIRES = {
    "ninjs 1": ("a.json", orjson.dumps(NINJS_1)),
    "ninjs 2": ("a.json", orjson.dumps([NINJS_2])),
    "ninjs 3": ("a.json", orjson.dumps(NINJS_3)),
    "NewsML-G2": ("a.xml", NEWSML.format(status="usable", rights="", words=WORDS).encode()),
    "NITF": ("a.xml", NITF.format(status="usable", words=WORDS).encode()),
}


@pytest.mark.parametrize("name", WIRES)
def test_an_item_of_a_wire(name: str, tmp_path: Path, ledger: Ledger) -> None:
    file, data = WIRES[name]
    (tmp_path / file).write_bytes(data)
    [one], left = imported(tmp_path / file, ledger, source="tide-wire")
    assert left == {}
    assert (one.source, one.title, one.language, one.authors) == ("tide-wire", "A ferry", "en", ("Mira Sand",))
    assert (one.fetched_at, one.content_type, one.content_is) == (AT, "text/html", "article")
    assert one.guid == (NINJS_1["uri"] if name == "ninjs 1" else NINJS_2["uri"])
    assert one.published is not None
    assert one.published.startswith(("2025-03-03T05:00", "20250303T05"))
    assert one.agency == (None if "ninjs" in name else "Tide Wire")
    article = normalise(one, None, AT)
    assert not isinstance(article, Rejected)
    assert article.body == (f"On the island\n{WORDS}" if name == "NITF" else WORDS)
    assert article.published.at == AT - timedelta(hours=1)


def test_what_a_wire_takes_back(tmp_path: Path, ledger: Ledger) -> None:
    (tmp_path / "a.json").write_bytes(orjson.dumps(NINJS_1 | {"pubstatus": "canceled"}))
    (tmp_path / "b.xml").write_text(NEWSML.format(status="withheld", rights="", words=WORDS))
    (tmp_path / "c.xml").write_text(NITF.format(status="canceled", words=WORDS))
    for name in ("a.json", "b.xml", "c.xml"):
        [one], _ = imported(tmp_path / name, ledger, source="tide-wire")
        assert (one.withdrawn, one.fetched_at, one.content) == (True, AT, "")


def test_iptc_7901(tmp_path: Path, ledger: Ledger) -> None:
    def message(number: int, title: str) -> bytes:
        head = f"TDW{number:04d} 4 i 86 TDW {number:04d}\r\nSea-ferry\r\n".encode()
        body = f"\r\n   {title}\r\n   {WORDS}\r\n   Fähre.\r\n".encode("cp1252")
        return b"\x01" + head + b"\x02" + body + b"\x03030600 GMT MAR 25\r\n\x04"

    (tmp_path / "wire.txt").write_bytes(message(7, "A ferry") + b"\r\n" + message(8, "A road") + b"\x01broken\x02\x03")
    found, left = imported(tmp_path / "wire.txt", ledger, source="tide-wire")
    assert [(each.guid, each.title, each.fetched_at) for each in found] == [
        ("TDW0007-20250303", "A ferry", AT),
        ("TDW0008-20250303", "A road", AT),
    ]
    assert found[0].content == f"{WORDS}\nFähre."
    assert (found[0].section, left) == ("i", {"not IPTC 7901": 1})


def test_a_maildir(tmp_path: Path, ledger: Ledger) -> None:
    for folder in ("new", "cur", "tmp"):
        (tmp_path / "mail" / folder).mkdir(parents=True)
    head = (
        "From: Tide Wire <desk@wire.example>\r\nSubject: =?utf-8?q?F=C3=A4hre?=\r\nMessage-ID: <7@wire.example>\r\n"
        "Date: Mon, 3 Mar 2025 09:00:00 +0300\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=x\r\n\r\n"
    )
    body = (
        f"--x\r\nContent-Type: text/plain\r\n\r\n{WORDS}\r\n--x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
        f"<p>{WORDS}</p>\r\n--x--\r\n"
    )
    (tmp_path / "mail" / "cur" / "1:2,S").write_text(head + body, newline="")
    (tmp_path / "mail" / "new" / "2").write_bytes(b"no headers at all")
    [one], left = imported(tmp_path / "mail", ledger)
    assert (one.source, one.guid, one.title, one.fetched_at) == ("wire.example", "7@wire.example", "Fähre", AT)
    assert one.content.strip() == f"<p>{WORDS}</p>"
    assert left == {"no address or id": 1}


def test_a_feed_that_was_kept(tmp_path: Path, ledger: Ledger) -> None:
    dated = "<pubDate>Mon, 03 Mar 2025 09:00:00 +0300</pubDate>"
    (tmp_path / "a.rss").write_bytes(rss(rss_item("One", "https://post.example/1", "1", f"&lt;p&gt;{WORDS}", dated)))
    [one], _ = imported(tmp_path / "a.rss", ledger)
    assert (one.source, one.url, one.fetched_at, one.content) == (
        "post.example",
        "https://post.example/1",
        AT,
        f"<p>{WORDS}",
    )


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"maildir"}))
def test_any_bytes_end_in_records_or_a_reason(name: str, tmp_path: Path) -> None:
    file = tmp_path / "any"
    samples = [
        b"",
        b"\x00",
        b"\xff" * 99,
        b"{}",
        b"[]",
        b"<a>",
        b"\x01\x02\x03",
        b"WARC/1.0\r\n\r\n",
        b'{"uri": 1}\n{',
        b"a;b\n1",
    ]
    for data in samples:
        file.write_bytes(data)
        with suppress(UsageError):
            assert all(isinstance(each, Left) for each in FORMATS[name](file, Reading())), data


# Again.


class KilledError(Exception):
    """What happens to an import."""


def test_an_import_that_is_killed_goes_on_and_one_that_ended_publishes_nothing(
    tmp_path: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("newsflow.sources.importing.BATCH_RECORDS", 10)
    rows = [{"url": f"https://post.example/{number}", "title": f"Number {number}"} for number in range(95)]
    file, outlet, written = as_json_lines(tmp_path / "a.jsonl", rows), Kept(), 0

    def dying(_: Any) -> None:
        nonlocal written
        written += 1
        if written % 3 == 0:
            raise KilledError

    class Dying(Kept):
        """Stores a batch, and is killed before that is known."""

        def write(self, events: Any) -> None:
            outlet.write(events)
            dying(None)

    runs = 0
    while True:
        runs += 1
        try:
            done = import_file(file, "jsonl", Reading(), ledger, Dying())
            break
        except KilledError:
            continue
    assert runs > 3
    assert done.before + done.records == 95
    assert {value["title"] for value in outlet.values} == {row["title"] for row in rows}
    by_key: dict[bytes, set[bytes]] = {}
    for key, value in outlet.events:
        by_key.setdefault(key, set()).add(value)
    assert {len(values) for values in by_key.values()} == {1}, "what comes again is the same to the byte"
    again = Kept()
    assert import_file(file, "jsonl", Reading(), ledger, again).before == 95
    assert again.events == []
    file.rename(tmp_path / "b.jsonl")
    assert import_file(tmp_path / "b.jsonl", "jsonl", Reading(), ledger, again).records == 0, (
        "it is the file that is known"
    )


def test_the_command(tmp_path: Path) -> None:
    run, out, ledger = CliRunner().invoke, str(tmp_path / "raw.jsonl"), f"sqlite:///{tmp_path}/ledger.sqlite3"
    one = as_json_lines(tmp_path / "a.jsonl", [{"url": "https://post.example/1", "head": "One"}, {}])
    two = as_csv(tmp_path / "b.csv", [ROW])
    run(app, ["import", str(two), "--out", out, "--ledger", ledger])
    words = ["import", str(one), "--map", "title=head", "--out", out, "--ledger", ledger, "-o", "json"]
    result = run(app, words)
    assert orjson.loads(result.stdout) == {"records": 2, "events": 1, "before": 0, "left": {"no address or id": 1}}
    assert orjson.loads(run(app, words).stdout) == {"records": 0, "events": 0, "before": 2, "left": {}}
    assert [orjson.loads(line)["source"] for line in Path(out).read_bytes().splitlines()] == [
        "harbour-post",
        "post.example",
    ]
    assert "there is no column 'head'" in str(
        run(app, ["import", str(two), "--map", "title=head", "--out", out]).exception
    )
    for wrong, said in {
        ("--kind", "pdf"): "there is no kind",
        ("--map", "titel=x"): "did you mean 'title'?",
        ("--source", "A B"): "is not a source",
    }.items():
        assert said in str(run(app, [*words, *wrong]).exception)
    assert "there is no such file" in str(run(app, ["import", "nothing.warc"]).exception)
    (tmp_path / "x").write_text("?")
    assert "cannot be told" in str(run(app, ["import", str(tmp_path / "x")]).exception)
