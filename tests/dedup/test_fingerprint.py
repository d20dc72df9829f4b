from __future__ import annotations

import random
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsflow.dedup.fingerprint import (
    KEY_DIVISOR,
    MAX_CHARS,
    MAX_KEYS,
    MIN_TOKENS,
    SMALLEST_KEYS,
    fingerprint,
    select_keys,
)

WORDS = ["harbour", "river", "valley", "court", "engineer", "tide", "12", "340", "mayor", "soil", "bridge", "docks"]


def text_of(count: int, seed: int = 0) -> str:
    draw = random.Random(seed)
    return " ".join(draw.choice(WORDS) + draw.choice("abcdefgh") for _ in range(count))


def test_fingerprint_ignores_how_it_is_written() -> None:
    assert fingerprint("", "إعلان " * 30) == fingerprint("other", "اعـلانْ\u200f  " * 30)


def test_shingles_are_sorted_and_each_once() -> None:
    shingles = fingerprint("", text_of(300) + " " + text_of(300)).shingles
    assert (np.diff(shingles.astype(np.int64)) > 0).all()


@pytest.mark.parametrize("count", [MIN_TOKENS - 1, MIN_TOKENS])
def test_short_text_has_no_shingles(count: int) -> None:
    assert len(fingerprint("t", text_of(count)).shingles) == (count - 4 if count >= MIN_TOKENS else 0)


def test_short_texts_are_equal_only_with_their_titles() -> None:
    body = "Details will follow."
    assert fingerprint("Flood in Tarsen", body).text_hash != fingerprint("Fire in Velmora", body).text_hash
    assert fingerprint("Flood in Tarsen", body) == fingerprint("FLOOD in Tarsen!", body)


def test_title_and_body_do_not_run_together() -> None:
    assert fingerprint("one two", "three") != fingerprint("one", "two three")


@pytest.mark.parametrize("count", [20, 200, 1500, 40_000])
def test_keys_are_few_and_among_the_shingles(count: int) -> None:
    found = fingerprint("", text_of(count))
    assert SMALLEST_KEYS <= len(found.keys) <= MAX_KEYS
    assert set(found.keys.tolist()) <= set(found.shingles.tolist())


def test_keys_depend_on_each_hash_alone() -> None:
    shingles = np.arange(1, 3201, dtype=np.uint32)
    keys = set(select_keys(shingles).tolist())
    assert set(range(1, SMALLEST_KEYS + 1)) <= keys
    assert all(key <= SMALLEST_KEYS or key % KEY_DIVISOR == 0 for key in keys)


def test_fingerprint_is_the_same_in_every_process() -> None:
    code = (
        "from newsflow.dedup import fingerprint as f; p = f('t', 'alpha beta 17 ' * 20); "
        "print(p.text_hash.hex(), p.shingles.tolist(), p.numbers.tolist())"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": s}
        ).stdout
        for s in ("1", "2")
    }
    assert len(seen) == 1


@pytest.mark.property
@given(st.text(), st.text())
def test_any_text_has_a_fingerprint(title: str, body: str) -> None:
    found = fingerprint(title, body)
    assert len(found.text_hash) == 16
    assert len(found.keys) >= 1


def test_of_a_book_only_the_beginning_is_compared_but_all_of_it_is_told_apart() -> None:
    book = "harbour wall " * (MAX_CHARS // 13 + 10)
    one, other = fingerprint("", f"{book} one"), fingerprint("", f"{book} other")
    assert one != other
    assert one.text_hash != other.text_hash
    assert list(one.shingles) == list(other.shingles)
    assert fingerprint("", "ﷺ" * MAX_CHARS).token_count < MAX_CHARS
