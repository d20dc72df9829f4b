from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from newsflow.stories import Signals, read_signals
from newsflow.stories.signals import (
    COUNTRY,
    MAX_KEYS,
    MAX_WORDS,
    MOST_TIMES,
    NAME,
    NUMBER,
    SCORE,
    cost_of,
    is_in_head,
    kind_of,
    times_of,
)


def _shown(signals: Signals, kind: int) -> set[str]:
    return {signals.shown[term] for term in signals.keys if kind_of(term) == kind}


def test_numbers_in_every_writing() -> None:
    english = read_signals("en", "Flood moves 12,500 people", "Water stood 4.5 metres high in 2031.")
    arabic = read_signals("ar", "الفيضان يشرد ١٢٬٥٠٠ شخص", "بلغ ارتفاع المياه ٤٫٥ أمتار و12.500 نازح")
    assert _shown(english, NUMBER) == {"12500", "4.5", "2031"}
    assert "12500" in _shown(arabic, NUMBER)


def test_a_score_is_told_from_a_range_of_dates() -> None:
    assert _shown(read_signals("en", "Velmar 3-1 Oltana", ""), SCORE) == {"3-1"}
    assert _shown(read_signals("en", "Held on 2031-04-05", ""), SCORE) == set()


def test_names_by_capitals_and_by_rareness() -> None:
    names = _shown(read_signals("en", "Mayor Kelstrand resigns", "The mayor left the office."), NAME)
    assert "Kelstrand" in names
    assert "office" not in names
    hebrew = _shown(read_signals("he", "ראש העיר קלסטרנד התפטר", ""), NAME)
    assert "קלסטרנד" in hebrew


def test_countries_are_keys() -> None:
    assert _shown(read_signals("fr", "Crue", "", ["FR", "BE"]), COUNTRY) == {"FR", "BE"}


def test_common_words_cost_next_to_nothing() -> None:
    signals = read_signals("en", "The harbour of the town", "")
    cost = {signals.shown[term]: cost_of(told) for term, told in signals.words.items()}
    assert cost.get("the", cost.get("The", 0)) < cost["harbour"] / 10


def test_how_often_a_word_is_said_is_kept_up_to_a_limit() -> None:
    signals = read_signals("en", "Harbour closed", "The harbour of Kelstrand. " + "Bridges. " * 20)
    times = {signals.shown[term].lower(): times_of(told) for term, told in signals.words.items()}
    assert (times["harbour"], times["kelstrand"], times["bridges"]) == (2, 1, MOST_TIMES)
    assert max(signals.words.values()) < 1 << 16


def test_korean_words_are_one_whatever_particle_follows() -> None:
    left, right = (read_signals("ko", text, "").words.keys() for text in ("항구가 폐쇄", "항구는 폐쇄"))
    assert left == right


def test_signs_of_unbroken_scripts_are_read_in_twos() -> None:
    shown = set(read_signals("zh", "洪水淹没村庄", "").shown.values())
    assert {"洪水", "村庄"} <= shown


@given(st.text(max_size=300), st.sampled_from(["en", "ar", "zh", "he", "und", "xx"]))
def test_any_text(text: str, language: str) -> None:
    signals = read_signals(language, text, text)
    assert signals == read_signals(language, text, text)
    assert len(signals.words) <= MAX_WORDS
    assert len(signals.keys) <= MAX_KEYS
    assert signals.shown.keys() >= signals.words.keys() | signals.keys.keys()
    assert all(cost > 0 for cost in [*signals.words.values(), *signals.keys.values()])


def test_what_the_title_says_is_marked_or_without_one_what_the_first_words_say() -> None:
    def head(title: str, body: str) -> set[str]:
        words = read_signals("en", title, body)
        return {words.shown[term] for term, told in words.words.items() if is_in_head(told)}

    assert head("Kelstrand harbour closed", "Bridges over the Orva. " * 8) == {"Kelstrand", "harbour", "closed"}
    assert "Kelstrand" in head("", "Kelstrand harbour closed. " + "Bridges over the Orva stood. " * 8 + "Ferries sank.")
    assert "Ferries" not in head(
        "", "Kelstrand harbour closed. " + "Bridges over the Orva stood. " * 8 + "Ferries sank."
    )


def test_an_arabic_word_is_one_with_what_is_written_before_and_behind_it() -> None:
    forms = ["حكومة", "الحكومة", "والحكومة", "للحكومة", "بالحكومة"]
    assert len({term for form in forms for term in read_signals("ar", form, "").words}) == 1
    assert read_signals("ar", "ولد", "").words  # three letters stay
