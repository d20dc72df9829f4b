"""The bundled sample is whole: each event is what events.yaml says, and something is expected of it."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import pytest
import yaml

from newsflow.model import Outcome, RawArticle, Reason, Rejected
from newsflow.model.raw import DEFAULT_LIMITS, parse_raw
from newsflow.normalise import load_profiles
from newsflow.sources.feedlist import feeds_of
from newsflow.tools.sample.build import SampleEvent, event_entries, sample_events, sources_path, text_of, write_sample
from newsflow.tools.sample.site import LIST
from tests.sample_expectations import FILE, expectations

EVENTS = list(sample_events())
EXPECTED = expectations()
HERE = sources_path().parent
AT_PARSING = {
    Reason.MALFORMED_JSON,
    Reason.BAD_ENCODING,
    Reason.TOO_LARGE,
    Reason.UNSUPPORTED_CONTENT_TYPE,
    Reason.SCHEMA_VIOLATION,
}


def by_name(name: str) -> SampleEvent:
    return next(event for event in EVENTS if event.name == name)


def test_names_are_unique_and_each_has_an_expectation() -> None:
    names = [event.name for event in EVENTS]
    assert len(set(names)) == len(names) == len(EXPECTED)
    expected = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    assert list(expected) == names


def test_every_outcome_and_reason_of_reading_is_in_it() -> None:
    assert {each.outcome for each in EXPECTED.values()} == set(Outcome)
    reasons = {each.reason for each in EXPECTED.values() if each.reason}
    assert reasons == AT_PARSING | {Reason.BAD_URL, Reason.NO_TEXT}


def test_no_text_layout_or_source_is_unused() -> None:
    entries = event_entries()
    used = {entry.get("article", entry["name"]) for entry in entries}
    assert {path.stem for path in (HERE / "articles").iterdir()} <= used
    assert {path.stem for path in (HERE / "layouts").iterdir()} == {
        entry.get("layout", entry["source"]) for entry in entries
    }
    polled = {feed.source for feed in feeds_of(LIST, "feeds.yaml")}
    assert set(load_profiles(sources_path())) == {entry["source"] for entry in entries} | polled


def test_texts_are_prose_of_some_length_in_five_languages_and_more() -> None:
    languages: Counter[str] = Counter()
    for path in (HERE / "articles").glob("*.txt"):
        text = text_of({"name": path.stem})
        languages[text.fields["language"]] += 1
        words = sum(len(paragraph.split()) for paragraph in text.paragraphs)
        assert 110 <= words <= 300, path.stem
        assert len(text.paragraphs) >= 4, path.stem
        assert {"caption", "author", "section"} <= set(text.fields), path.stem
    assert languages.most_common(1)[0][0] == "ar"
    assert set(languages) == {"ar", "en", "ru", "fr", "fa", "he"}


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)
def test_event_is_read_or_refused_as_expected(event: SampleEvent) -> None:
    expected = EXPECTED[event.name]
    parsed = parse_raw(event.value, event.headers)
    if expected.reason in AT_PARSING:
        assert isinstance(parsed, Rejected), parsed
        assert parsed.reason is expected.reason
    else:
        assert isinstance(parsed, RawArticle), parsed
        assert event.key.startswith(f"{parsed.source}/".encode())
        assert parsed.withdrawn is (expected.outcome is Outcome.WITHDRAWN)


def test_all_states_of_an_article_have_one_key() -> None:
    for first, later in [
        ("lebanon-tripoli-port", "lebanon-tripoli-port-edit"),
        ("ukraine-rail-bridge", "ukraine-rail-bridge-shared"),
        ("lebanon-bank", "lebanon-bank-taken-back"),
    ]:
        assert by_name(first).key == by_name(later).key


def test_pages_hold_their_article_and_more() -> None:
    for event in EVENTS:
        expected = EXPECTED[event.name]
        if expected.text is not None:
            parsed = parse_raw(event.value, event.headers)
            assert isinstance(parsed, RawArticle)
            page = parsed.content.replace("&#x27;", "'").replace("&quot;", '"')
            assert expected.text.title in page
            assert all(paragraph in page for paragraph in expected.text.paragraphs)
            assert expected.text.fields["caption"] in page


def test_the_oversized_event_is_just_over_the_limit() -> None:
    assert DEFAULT_LIMITS.max_bytes < len(by_name("oversized").value) < DEFAULT_LIMITS.max_bytes * 1.1


def test_it_is_the_same_each_time() -> None:
    assert list(sample_events()) == EVENTS


@pytest.mark.parametrize("name", ["sample.jsonl", "sample.jsonl.gz"])
def test_it_can_be_written_one_event_a_line(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    assert write_sample(path) == len(EVENTS)
    data = path.read_bytes()
    lines = (gzip.decompress(data) if path.suffix == ".gz" else data).split(b"\n")
    assert lines == [*(event.value for event in EVENTS), b""]


def test_groups_hold_one_that_is_added() -> None:
    groups: dict[str, list[Outcome]] = {}
    for each in EXPECTED.values():
        if each.group:
            groups.setdefault(each.group, []).append(each.outcome)
    assert sorted(groups) == ["flights", "rail", "redsea"]
    assert all(outcomes.count(Outcome.ADDED) == 1 for outcomes in groups.values())
    assert all(set(outcomes) == {Outcome.ADDED, Outcome.DUPLICATE} for outcomes in groups.values())
