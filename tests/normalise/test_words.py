"""Where words went: they add up, whatever comes in. All texts are invented."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsflow.ingest.item import Item, outcomes_of
from newsflow.ingest.labels import MOST_LABELS, OTHERS, Labels
from newsflow.model import Event, RawArticle, Reason, Rejected
from newsflow.normalise import clean_text, extract_html
from newsflow.normalise.words import Words
from newsflow.sandbox import Normaliser, SandboxLimits

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SENTENCE = "The harbour council of Merrow met on Tuesday and agreed to repair the old sea wall before winter."
"""18 words."""


def adds_up(words: Words) -> bool:
    return words.total == words.kept + sum(words.dropped.values()) and min(words.dropped.values(), default=0) >= 0


def test_the_words_of_a_clean_article() -> None:
    text = f"Harbour wall\n\n15 December 2024\n\n{SENTENCE}\n\n{SENTENCE} Again.\n\nFollow us on Telegram"
    words = clean_text(text).words
    assert (words.total, words.kept) == (2 + 3 + 18 + 19 + 4, 2 + 18 + 19)
    assert words.dropped == {"date-line": 3, "promotion": 4}
    assert clean_text(text, content_is="article").words.dropped == {"date-line": 3}


def test_the_title_beside_a_text_is_no_word_of_it() -> None:
    assert clean_text(SENTENCE, headline="Harbour wall").words == Words(18, 18, {})
    assert clean_text(f"Harbour wall\n{SENTENCE}", headline="Harbour wall").words == Words(20, 20, {})


def test_halves_of_words_that_were_joined() -> None:
    lines = [
        SENTENCE[:40] + "exam-",
        "ple " + SENTENCE[:36],
        "of the old sea wall that stands there in",
        "the harbour of Merrow since long ago now",
    ]
    words = clean_text("\n".join(lines * 3)).words
    assert adds_up(words)
    assert set(words.dropped) <= {"joined"}


def test_lines_beyond_the_limit_are_counted() -> None:
    words = clean_text("\n".join(f"word number {n}" for n in range(20_010))).words
    assert words.dropped["beyond-limit"] == 30
    assert adds_up(words)


def test_each_letter_of_a_script_without_spaces_is_a_word() -> None:
    words = clean_text("旧海堤将在冬季前修复\n\n委员会周二开会决定。").words
    assert words.total == words.kept == 10 + 1 + 9 + 1


def test_a_page_counts_what_its_reader_sees() -> None:
    page = (
        f"<html><head><title>Harbour wall</title><script>var a = 1;</script></head><body><nav>Tides and ferries</nav>"
        f"<style>p {{ color: red }}</style><h1>Harbour wall</h1><article><p>{SENTENCE}</p><p>{SENTENCE} Again.</p>"
        "<p>Follow us on Telegram</p></article><footer>Merrow Post</footer></body></html>"
    )
    words = extract_html(page, None).words
    assert (words.total, words.kept) == (3 + 2 + 18 + 19 + 4 + 2, 2 + 18 + 19)
    assert sum(words.dropped.values()) == 9
    assert words.dropped["outside-body"] >= 5


def test_a_text_that_only_json_ld_states_is_in_too() -> None:
    body = " ".join([SENTENCE] * 9)
    page = f'<html><body><script type="application/ld+json">{{"@type": "NewsArticle", "articleBody": "{body}"}}</script><p>Wall</p></body></html>'
    words = extract_html(page, None).words
    assert words.kept == 9 * 18
    assert adds_up(words)


@pytest.mark.property
@given(
    st.text(alphabet=st.sampled_from("ab .\n\t-،كتب\u200f\u0640漢字–(:|1©"), max_size=400),
    st.sampled_from([None, "page", "article"]),
)
def test_words_of_any_text_add_up(text: str, content_is: str | None) -> None:
    words = clean_text(text, content_is=content_is).words
    assert adds_up(words)
    assert "unaccounted" not in words.dropped


@pytest.fixture(scope="module")
def normaliser():  # type: ignore[no-untyped-def]
    with Normaliser(SandboxLimits(workers=1)) as running:
        yield running


def test_words_of_what_is_refused_are_dropped_for_its_reason(normaliser: Normaliser) -> None:
    page = (
        "<html><body><h1>Page not found</h1><p>Sorry, the page you were looking for does not exist.</p></body></html>"
    )
    raws = [
        RawArticle("x", NOW, "text/html", page, guid="1"),
        RawArticle("x", NOW, "text/plain", SENTENCE, guid="2"),
        RawArticle("x", NOW, "text/plain", "", guid="3", withdrawn=True),
    ]
    counted = normaliser.finish(normaliser.begin([(raw, None, NOW) for raw in raws]))
    assert [words for _, words in counted] == [Words(13, 0, {"not-an-article": 13}), Words(18, 18, {}), Words()]


def test_counters_bear_the_source_and_sum_over_a_batch() -> None:
    event = Event("t", 0, 0, 0, None, b"")
    rejected = Rejected(Reason.NO_TEXT, "none", "Normalise")
    words = Words(20, 17, {"footer": 3}).counters("merrow.post")
    counts = outcomes_of([Item(event, rejected, words=words), Item(event, rejected, words=words)])
    assert {name: number for name, number in counts.items() if name.startswith("words.")} == {
        "words.in.merrow.post": 40,
        "words.kept.merrow.post": 34,
        "words.dropped.footer.merrow.post": 6,
    }
    again = Item(event, rejected, words=words, promoted=True)
    assert not any(name.startswith("words.") for name in outcomes_of([again]))


def test_there_are_only_so_many_labels() -> None:
    labels = Labels()
    names = [labels.of(f"source-{number}") for number in range(MOST_LABELS + 50)]
    assert names[:MOST_LABELS] == [f"source-{number}" for number in range(MOST_LABELS)]
    assert set(names[MOST_LABELS:]) == {OTHERS}
    assert labels.of("source-3") == "source-3"
