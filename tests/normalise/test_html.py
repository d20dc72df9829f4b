"""HTML pages: what they say, by which evidence; profiles; what is learnt from a sample."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from newsflow.errors import ConfigError
from newsflow.model import RawArticle
from newsflow.normalise import Selectors, SourceProfile, extract_html, load_profiles
from newsflow.normalise.html import lines_outside
from newsflow.normalise.profiles import learn_source

URL = "https://www.merrow.example/news/wall-1234"
SENTENCES = [f"The harbour council of Merrow met for the {word} time and agreed to repair the old sea wall before winter." for word in ("first", "second", "third", "fourth")]  # fmt: skip
BODY = "".join(f"<p>{sentence}</p>" for sentence in SENTENCES)


def page(body: str = BODY, head: str = "", language: str = "en") -> str:
    return (
        f"<!doctype html><html lang='{language}'><head><title>Harbour wall to be repaired | Merrow Post</title>{head}</head>"
        f"<body><nav><a href='/'>Home</a><a href='/t'>Tides</a></nav><article><h1>Harbour wall to be repaired</h1>{body}"
        f"</article><footer>© 2025 Merrow Post. All rights reserved.</footer></body></html>"
    )


def ld(text: str) -> str:
    return f'<script type="application/ld+json">{text}</script>'


def test_title_and_body() -> None:
    found = extract_html(page(), URL)
    assert found.title == "Harbour wall to be repaired"
    assert found.body.split("\n") == SENTENCES
    assert found.language_hint == "en"


def test_bytes_are_read_too() -> None:
    arabic = page("<p>أعلن مجلس ميناء مرو أنه سيرمم الجدار البحري القديم قبل حلول الشتاء.</p>" * 1, language="ar")
    assert "أعلن مجلس" in extract_html(arabic.encode("cp1256", "replace"), None).body


@pytest.mark.parametrize(
    ("head", "body", "evidence", "at"),
    [
        (ld('{"@type":"NewsArticle","datePublished":"2025-02-20T10:00:00+04:00"}'), "", "json-ld", "2025-02-20T06:00:00+00:00"),
        (ld('{"@graph":[{"@type":["Thing","ReportageNewsArticle"],"datePublished":"2025-02-20T10:00:00Z"}]}'), "", "json-ld", "2025-02-20T10:00:00+00:00"),
        ("<meta property='article:published_time' content='2025-02-20T10:00:00Z'>", "", "meta", "2025-02-20T10:00:00+00:00"),
        ("<meta itemprop='datePublished' content='2025-02-20'>", "", "meta", "2025-02-20T00:00:00"),
        ("", "<time datetime='2025-02-20T10:00:00Z'>a while ago</time>", "meta", "2025-02-20T10:00:00+00:00"),
        ("", "<time>20 February 2025, 10:00</time>", "text", "2025-02-20T10:00:00"),
        ("", "<div class='post-date'>Published on 20 February 2025 at 10:00 am</div>", "text", "2025-02-20T10:00:00"),
        ("", "<time class='modified' datetime='2025-02-21T10:00:00Z'></time>", None, None),
        ("", "", None, None),
    ],
)  # fmt: skip
def test_dates_and_their_evidence(head: str, body: str, evidence: str | None, at: str | None) -> None:
    published = extract_html(page(body + BODY, head), URL).published
    if evidence is None:
        assert published is None
    else:
        assert published is not None
        assert (published.evidence, published.at.isoformat()) == (evidence, at)


def test_the_clock_of_the_page_is_no_date_of_the_article() -> None:
    clock = "<header><div class='date'>Wednesday, 1 January 2025</div><time datetime='2025-01-01'>today</time></header>"
    line = "<div class='info'>Anna Reed <span>20 February 2024, 10:00</span></div>"
    html = page(line + BODY).replace("<nav>", clock + "<nav>")
    published = extract_html(html, URL).published
    assert published is not None
    assert published.at == datetime(2024, 2, 20, 10)  # noqa: DTZ001 no zone was named
    far = page(BODY).replace(
        "<nav>", "<header><div class='date'>Wednesday, 1 January 2025</div></header>" + "<i>x</i>" * 20 + "<nav>"
    )
    assert extract_html(far, URL).published is None


def test_an_update_is_no_publication_where_both_are_said() -> None:
    lines = "<p>Updated 21 February 2024, 11:00</p><p>Published 20 February 2024, 10:00</p>"
    published = extract_html(page(lines + BODY), URL).published
    assert published is not None
    assert published.at.day == 20


def test_json_ld_names_authors_and_agency() -> None:
    found = extract_html(
        page(head=ld('{"@type":"NewsArticle","author":[{"name":"By Anna Reed"},{"name":"Reuters"}]}')), URL
    )
    assert found.authors == ("Anna Reed", "Reuters")
    assert found.agency == "Reuters"


def test_broken_json_ld_is_read_as_far_as_it_can_be() -> None:
    assert extract_html(page(head=ld('{"@type":"NewsArticle",\n"author":"Anna\tReed",}')), URL).authors == (
        "Anna Reed",
    )
    assert extract_html(page(head=ld("{not json")), URL).body.split("\n") == SENTENCES


def test_the_body_stated_in_json_ld_counts_where_the_page_shows_less() -> None:
    stated = "\\n".join(SENTENCES * 3)
    teaser = f"<p>{SENTENCES[0]}</p><div>Subscribe to read on</div>"
    found = extract_html(page(teaser, ld(f'{{"@type":"NewsArticle","articleBody":"{stated}"}}')), URL)
    assert found.body.count("harbour council") == 12


def test_a_video_page_has_its_summary() -> None:
    head = "<meta property='og:description' content='The council shows how the old wall of Merrow is repaired.'>"
    assert (
        extract_html(page("<video></video>", head), URL).body
        == "The council shows how the old wall of Merrow is repaired."
    )


def test_boilerplate_lines_go_with_their_reason() -> None:
    noise = "<p>Read also: A new ferry for Merrow</p><p>Share this article</p><p>Source: Reuters</p><p>Harbour wall to be repaired</p>"
    found = extract_html(page(BODY + noise), URL)
    assert found.body.split("\n") == SENTENCES
    assert found.agency == "Reuters"


def test_paragraphs_of_later_containers_are_found() -> None:
    parts = "".join(
        f"<div class='chunk'>{''.join(f'<p>Part {part}, line {line}: {SENTENCES[line]}</p>' for line in range(4))}</div><div class='ad'>Advertisement</div>"
        for part in range(4)
    )
    html = (
        page()
        .replace(BODY, "")
        .replace("<article>", "<article class='article-body'>")
        .replace("</article>", f"{parts}</article>")
    )
    found = extract_html(html, URL).body.split("\n")
    assert [line for line in found if line.startswith("Part")] == [
        f"Part {part}, line {line}: {SENTENCES[line]}" for part in range(4) for line in range(4)
    ]


PARTS = SENTENCES[:3]
LINKS = "".join(f"<li><a href='/{number}'>Section {number}</a></li>" for number in range(20))
TEASERS = "".join(
    f"<div><a href='/t{number}'>Other news of the harbour, number {number}</a></div>" for number in range(10)
)


@pytest.mark.parametrize(
    "body",
    [
        f"<div>{'<br><br>'.join(PARTS)}</div>",
        "<div>" + "".join(f"<span>{part}</span><br>" for part in PARTS) + "</div>",
        "<div>" + "".join(f"<div dir=ltr>{part}</div>" for part in PARTS) + "</div>",
        "<div><ul>" + "".join(f"<li>{part}</li>" for part in PARTS) + "</ul></div>",
        "<pre>" + "\n\n".join(PARTS) + "</pre>",
        "<br><br>".join(PARTS),
        f"<div>{PARTS[0]}<div class=ad>Advertisement</div>{PARTS[1]}<p>{PARTS[2]}</p></div>",
        f"<table><tr><td><font>{'<br>'.join(PARTS)}</font></td></tr></table>",
        "<table><tr><td>" + "".join(f"<p>{part}</p>" for part in PARTS) + "</td></tr></table>",
        f"<div><p>{PARTS[0]}</p></div>",
    ],
)
def test_short_articles_without_paragraphs_come_without_the_menu(body: str) -> None:
    html = (
        f"<html><head><title>Harbour wall</title></head><body><ul>{LINKS}</ul><h1>Harbour wall</h1>{body}"
        f"<div>{TEASERS}</div><div>All rights reserved</div></body></html>"
    )
    found = [line.removeprefix("- ") for line in extract_html(html, URL).body.split("\n")]
    assert found == [part for part in PARTS if part in body]


def test_a_canonical_url_of_the_same_host() -> None:
    assert extract_html(
        page(head="<link rel=canonical href='https://merrow.example/news/wall-1234'>"), URL
    ).canonical_url == ("http://merrow.example/news/wall-1234")
    assert extract_html(page(head="<link rel=canonical href='https://merrow.example/'>"), URL).canonical_url is None
    assert extract_html(page(head="<link rel=canonical href='https://other.example/x'>"), URL).canonical_url is None


def test_a_profile_helps() -> None:
    profile = SourceProfile(
        "merrow-post",
        drop_lines=("The harbour council * second time*",),
        selectors=Selectors(title="h2.main", body="div.text", date="span.when", authors="span.who", drop=("div.ad",)),
    )
    body = (
        "<h2 class=main>The wall</h2><span class=when>20/02/2025 10:00</span><span class=who>Anna Reed</span>"
        f"<div class=text>{BODY}<div class=ad><p>Buy bricks</p></div></div>"
    )
    found = extract_html(page(body, language="en-GB"), URL, profile)
    assert found.title == "The wall"
    assert found.body.split("\n") == [SENTENCES[0], *SENTENCES[2:]]
    assert found.authors == ("Anna Reed",)
    assert found.published is not None
    assert found.published.at == datetime(2025, 2, 20, 10)  # noqa: DTZ001 no zone was named
    assert [each.why for each in found.dropped] == ["source-profile"]


def test_lines_outside_are_listed_once() -> None:
    html = page()
    outside = {each.text: each.why for each in lines_outside(html, extract_html(html, URL))}
    assert outside["© 2025 Merrow Post. All rights reserved."] == "footer"
    assert not set(outside) & set(SENTENCES)


def write(folder: Path, text: str, name: str = "sources.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_profiles_are_loaded(tmp_path: Path) -> None:
    write(tmp_path, "sources:\n  - id: a\n    zone: Asia/Dubai\n    languages: [ar]\n  - id: b\n", "many.yaml")
    write(tmp_path, "id: c\nfamily: merrow\nselectors:\n  body: div.text\n  drop: [aside]\n", "one.yml")
    profiles = load_profiles(tmp_path)
    assert list(profiles) == ["a", "b", "c"]
    assert profiles["a"] == SourceProfile("a", zone="Asia/Dubai", languages=("ar",))
    assert profiles["c"].selectors == Selectors(body="div.text", drop=("aside",))


@pytest.mark.parametrize(
    ("text", "line", "path", "message"),
    [
        ("id: a\nzone: Mars/Base\n", 2, "zone", "expected an IANA name"),
        ("sources:\n  - id: a\n  - id: b\n    zones: x\n", 4, "sources[1]", "unknown 'zones'; did you mean 'zone'?"),
        ("id: a\nselectors:\n  body: 'div['\n", 3, "selectors.body", "is not a CSS selector"),
        ("name: x\n", 1, "", "'id' is missing; required: id"),
        ("sources: 7\n", 1, "sources", "expected a list"),
        ("id: [\n", 2, "", "is not valid YAML"),
        ("sources:\n  - id: a\n  - id: a\n", 3, "sources[1]", "already described"),
        ("id: A B\n", 1, "id", "'A B' is not accepted"),
    ],
)
def test_a_bad_profile_is_refused_with_its_place(
    tmp_path: Path, text: str, line: int | None, path: str, message: str
) -> None:
    file = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_profiles(file)
    assert (caught.value.file, caught.value.line, caught.value.path) == (str(file), line, path)
    assert message in str(caught.value)


def test_a_missing_or_foreign_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_profiles(tmp_path / "none.yaml")
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_profiles(tmp_path / "x.yaml")


def test_what_repeats_in_a_sample_is_proposed() -> None:
    now = datetime(2025, 3, 1, tzinfo=UTC)
    sample = [
        RawArticle(
            "merrow-post",
            now,
            "text/html",
            page(BODY.replace("harbour", f"harbour {number}"), ""),
            url=f"{URL}{number}",
        )
        for number in range(5)
    ]
    proposal = learn_source("merrow-post", sample)
    assert proposal.pages == 5
    assert proposal.title_suffixes == (("| Merrow Post", 5),)
    lines = {line.text: line for line in proposal.lines}
    assert (lines["HomeTides"].pages, lines["HomeTides"].place, lines["HomeTides"].known) == (5, "header", None)
    assert lines["© 2025 Merrow Post. All rights reserved."].known == "footer"
    assert not any("agreed to repair" in text for text in lines)
    assert learn_source("merrow-post", sample[:2]).lines == ()


def test_what_joins_and_parts_letters_in_persian_is_kept() -> None:
    sentence = "کارگران می\u200cگویند پل تازه تا پایان سال ساخته می\u200cشود و روستاهای دو سوی رود به هم می\u200cرسند."
    page = f"<html><body><article><h1>پل تازه</h1><p>{sentence}</p><p>{sentence} 👩\u200d🌾</p></article></body></html>"
    body = extract_html(page, "https://paper.example/1").body
    assert body.count("می\u200cشود") == 2
    assert "👩\u200d🌾" in body
    assert "ꙭ" not in body
