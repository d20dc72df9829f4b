from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newsflow.tagging.text import FoldedText, fold, fold_cased, token_edges

SCRIPTS = "aZéİıßﬁẞŉ çÑ ابةىأإآٱؤئـَُّﷲﷺ کی ە גםּ Йёїґ ςΣ 叙利亚 の シリアｶﾞ ไทยกำ 한국 हिन्दी ١٢ ²½ .-'’_\u200c\u200d\u200e\u00ad\u0301\n\t😀"
ANY_TEXT = st.text(alphabet=st.one_of(st.sampled_from(SCRIPTS), st.characters()), max_size=60)


def _spans(text: str, count: int) -> list[tuple[int, int]]:
    edges = token_edges(text, count)
    return list(zip(edges[::2], edges[1::2], strict=True))


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Türkiye'nin", " turkiye nin "),
        ("İSTANBUL ısı", " istanbul isi "),
        ("سُــورِيّة", " سوريه "),
        ("إلى أوكرانيا", " الي اوكرانيا "),
        ("ایران‌ها", " ايران ها "),
        ("叙利亚、シリア人", " 叙 利 亚 シリア 人 "),
        ("U.S.-led", " u s led "),
        ("Straße", " strasse "),
        ("", " "),
        ("— …", " "),
    ],
)
def test_fold(text: str, folded: str) -> None:
    assert fold(text) == folded


@pytest.mark.property
@given(ANY_TEXT)
@example("\u0640 \u200f a")
@example("a\u0345")
def test_folding_keeps_the_number_of_tokens(text: str) -> None:
    count = fold_cased(text).count(" ") - 1
    spans = _spans(text, count)
    assert len(spans) == count
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(left[1] <= right[0] for left, right in pairwise(spans))


@pytest.mark.property
@given(ANY_TEXT, st.sampled_from(["", "я ", "a "]))
def test_a_long_text_is_folded_and_cut_as_its_parts(text: str, beside: str) -> None:
    alone, long = FoldedText("", f"{beside}{text}"), FoldedText("", f"{beside}{text} я" + " я" * 200)
    assert long.folded.startswith(alone.folded)
    spaces = [at for at, char in enumerate(alone.folded) if char == " " and at > alone.title_end]
    for start, end in pairwise(spaces):
        assert long.original_span(start, end + 1) == alone.original_span(start, end + 1)


@pytest.mark.property
@given(st.text(alphabet="aZ7йЩ .,-\n\u3000", max_size=60), st.sampled_from(["", "й, " * 100]))
def test_a_body_whose_code_points_fold_to_one_each_is_cut_into_its_tokens(text: str, before: str) -> None:
    body = f"{before}{text}"
    article = FoldedText("A title", body)
    spaces = [at for at, char in enumerate(article.folded) if char == " " and at >= article.title_end]
    spans = [article.original_span(start, end + 1) for start, end in pairwise(spaces)]
    assert spans == [("body", *span) for span in _spans(body, len(spaces) - 1)]


@pytest.mark.property
@given(ANY_TEXT)
def test_each_token_folds_to_what_stands_at_its_place(text: str) -> None:
    count = fold_cased(text).count(" ") - 1
    tokens = fold(text).split(" ")[1:-1]
    assert [fold(text[start:end]).strip() for start, end in _spans(text, count)] == tokens


@pytest.mark.property
@given(st.text(alphabet=st.characters(max_codepoint=127), max_size=60))
def test_ascii_text_is_folded_and_cut_alike_beside_other_scripts(text: str) -> None:
    alone, beside = fold_cased(text), fold_cased(f"{text} я")
    assert beside == f"{alone.rstrip()} я "
    count = alone.count(" ") - 1
    assert [*token_edges(f"{text} я", count + 1)][:-2] == [*token_edges(text, count)]


@pytest.mark.property
@given(ANY_TEXT)
def test_case_never_shifts_positions(text: str) -> None:
    article = FoldedText(text, text)
    assert len(article.cased) == len(article.folded)
    assert fold(fold(text)) == fold(text)


@pytest.mark.property
@given(ANY_TEXT, ANY_TEXT, st.data())
def test_a_token_of_either_field_is_found_in_the_original(title: str, body: str, data: st.DataObject) -> None:
    article = FoldedText(title, body)
    starts = [i for i, char in enumerate(article.folded[:-1]) if char == " " and article.folded[i + 1] not in " \x1e"]
    if not starts:
        return
    start = data.draw(st.sampled_from(starts))
    end = article.folded.index(" ", start + 1) + 1
    field, begin, stop = article.original_span(start, end)
    original = (title if field == "title" else body)[begin:stop]
    assert fold(original) == article.folded[start:end]
