from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsflow.stories.skeleton import MAX_LENGTH, MIN_LENGTH, skeleton, skeletons
from newsflow.tagging.text import fold


@pytest.mark.parametrize(
    ("names", "bones"),
    [
        (("Halbergstad", "Халбергстад", "هالبرغستاد", "הלברגסטד", "हलबर्गस्तद"), "LBRKST"),
        (("Marentis", "Марентис", "مارنتيس", "מרנטיס", "मरेन्तिस"), "MRNTS"),
        (("Tolbert", "Толберта", "تولبرت", "טולברט"), "TLBRT"),
    ],
)
def test_one_name_in_several_scripts(names: tuple[str, ...], bones: str) -> None:
    assert {name: skeleton(fold(name).strip().removesuffix("а")) for name in names} == dict.fromkeys(names, bones)


def test_case_endings_go() -> None:
    assert {skeleton(form) for form in ("марентисом", "марентисов", "марентис")} == {"MRNTS"}


def test_a_name_behind_a_preposition() -> None:
    assert "TLBRT" in skeletons("בטולברט")
    assert "TLBRT" in skeletons("لتولبرت")


def test_too_few_consonants_say_nothing() -> None:
    assert skeleton("aio") == skeleton("lee") == ""


@given(st.text(min_size=1, max_size=40))
def test_any_token(text: str) -> None:
    for token in fold(text).split():
        for bones in skeletons(token):
            assert MIN_LENGTH <= len(bones) <= MAX_LENGTH
