from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsflow.dedup.fingerprint import matching_text, matching_tokens, number_tokens


@pytest.mark.parametrize(
    ("written", "matched"),
    [
        ("أعْلَنَتِ الوِزارةُ", "اعلنت الوزاره"),
        ("العـــراق\u200f", "العراق"),
        ("إلى مدينة", "الي مدينه"),
        ("بلغ ٣٥٠ مترا و ۱۲ سنتيمترا", "بلغ 350 مترا و 12 سنتيمترا"),
        ("کتاب فارسی", "كتاب فارسي"),
        ("Ｆｕｌｌ ＷＩＤＴＨ ﬁn", "full width fin"),
        ("МОСКВА", "москва"),
        ("co\u00adoperate\ufeff", "cooperate"),
    ],
)
def test_matching_text(written: str, matched: str) -> None:
    assert matching_text(written) == matched


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("«Ten, twenty» — 17,000!", ["ten", "twenty", "17", "000"]),
        ("北京 3 月", ["北", "京", "3", "月"]),
        ("ราคา 5 บาท", [*"ราคา", "5", *"บาท"]),
        ("", []),
        ("…?!", []),
    ],
)
def test_matching_tokens(text: str, tokens: list[str]) -> None:
    assert matching_tokens(text) == tokens


def test_number_tokens() -> None:
    assert number_tokens(["17", "000", "5g", "five", "17"]) == {"17", "000"}


@pytest.mark.property
@given(st.text())
def test_matching_text_of_any_text_is_stable_and_has_no_marks(text: str) -> None:
    once = matching_text(text)
    assert matching_tokens(once) == matching_tokens(text)
    assert not set(once) & set("\u0640\u064b\u064e\u200e\u200f\u202e")
