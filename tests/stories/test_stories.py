from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsflow.stories import Report, Settled, Stories
from newsflow.stories.rule import DEFAULT_STORY_RULE
from newsflow.stories.state import day_of
from newsflow.stories.story import Story
from tests.story_helpers import meaning, report

FLOOD = (
    report("f1", "Flood in Kelstrand drives 1,200 from their homes", "The river Orva broke its dam at Kelstrand on Friday.",
           about=("flood kelstrand",), countries=("NO",)),
    report("f2", "Kelstrand under water: 1,200 people leave", "The dam on the Orva broke, the flood filled Kelstrand.",
           hour=1, about=("flood kelstrand", "people"), countries=("NO",)),
    report("f3", "Überschwemmung in Kelstrand: 1.200 Menschen fliehen", "Der Damm der Orva brach bei Kelstrand.",
           language="de", hour=2, about=("flood kelstrand", "flight"), countries=("NO",)),
    report("f4", "Наводнение в Келстранде: 1200 человек покинули дома", "Прорвало дамбу на реке Орва.", language="ru",
           hour=3, about=("flood kelstrand", "homes"), countries=("NO",)),
)  # fmt: skip


def _settle(stories: Stories, *reports: Report) -> list[Settled]:
    return [stories.settle(each) for each in reports]


def _together(*reports: Report) -> bool:
    stories = Stories()
    decided = _settle(stories, *reports)
    return len({stories.leads_to(each.story) for each in decided}) == 1


def test_one_happening_in_three_languages() -> None:
    decided = _settle(Stories(), *FLOOD)
    assert [each.story for each in decided] == ["f1"] * 4
    assert [each.new for each in decided] == [True, False, False, False]
    assert all(each.figure is not None and each.likeness is not None for each in decided[1:])


def test_a_report_of_ones_own_language_in_other_words_does_not_undo_what_all_others_say() -> None:
    def text(article: str, title: str, language: str, hour: float, *about: str) -> Report:
        draw = random.Random(article)
        body = " ".join("".join(draw.sample("abdefgiklmnoprstuv", 7)) for _ in range(60))
        return report(article, title, body, language=language, hour=hour, about=("ferry sinks", *about))

    headlines = {"en": "Ferry sinks", "de": "Fähre sinkt", "it": "Affonda il traghetto"}
    others = [text(language, title, language, 1, language) for language, title in headlines.items()]
    lone = text("l", "Quarante passagers sauvés", "fr", 2, "rescue")
    last = text("m", "Un navire coule", "fr", 3, "police")
    assert _together(*others, lone, last)


def test_without_vectors_words_and_names_link() -> None:
    left = report("a", "Flood in Kelstrand drives 1,200 from their homes", "The dam of Orva broke near Kelstrand.")
    right = report("b", "Kelstrand flood: 1,200 leave homes as Orva dam breaks", "", hour=1)
    assert _together(left, right)


def test_a_language_that_the_encoder_does_not_know_is_linked_by_names_and_numbers() -> None:
    english = report("a", "Kelstrand mayor Halbergstad resigns over 48,700 Tolbert bridge bill", "", countries=("NO",),
                     about=("mayor resigns",))  # fmt: skip
    hebrew = report("b", "הלברגסטד, ראש העיר קלסטרנד, התפטר בגלל 48,700 לגשר טולברט", "", language="he", hour=2,
                    countries=("NO",))  # fmt: skip
    other = report("c", "מרנטיס, ראש העיר אולטנה, נבחר שוב", "", language="he", hour=2, countries=("NO",))
    assert _together(english, hebrew)
    assert not _together(english, other)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        pytest.param(
            report("a", "Velmar 3-1 Oltana: Brandsk scores twice", "", about=("cup match", "velmar")),
            report("b", "Kelstrand 2-0 Marentis: Tolbert scores twice", "", hour=2, about=("cup match", "kelstrand")),
            id="two matches of one cup",
        ),
        pytest.param(
            report("a", "Earthquake of 5.8 shakes Valdoria", "", about=("quake", "valdoria"), countries=("IT",)),
            report("b", "Earthquake of 6.1 hits Marentis", "", hour=70, about=("quake", "marentis"), countries=("GR",)),
            id="two quakes of one week",
        ),
    ],
)
def test_what_differs_keeps_apart(left: Report, right: Report) -> None:
    # As alike in meaning as two happenings of one kind are.
    likened = [
        Report(each.article, each.at, each.language, each.signals, meaning(kind, each.article, share=0.7))
        for each, kind in ((left, "kind"), (right, "kind"))
    ]
    assert not _together(*likened)


_WIRE = (
    "Inspectors found cracks in the Orvanne dam above Kelstrand. Engineers of the dam company lowered the reservoir, and "
    "divers sealed the spillway. Farmers below the reservoir moved cattle, schools in the valley closed, and ferries "
    "carried families across the fjord. Geologists measured tremors under the spillway for weeks before the inspectors "
    "came, Halbergstad told reporters; the dam company had ignored his warnings about the reservoir and its concrete."
)
_OTHER_WIRE = (
    "Inspectors of the harbour board met in Kelstrand on a quiet morning. Painters finished the pavilion, bakers brought "
    "almond pastries, and an orchestra rehearsed marches for the regatta. Sailors polished brass, umbrellas lined the "
    "promenade, and volunteers hung lanterns. Halbergstad judged the costumes, the choir sang ballads, and fireworks "
    "over the lagoon closed the carnival, which tourists photographed from balconies until midnight struck."
)


def test_texts_are_told_by_what_they_say_and_not_by_the_meaning_of_their_first_lines() -> None:
    dam = report("a", "Dam in danger", _WIRE, about=("kelstrand", "dam"))
    shuffled = ". ".join(reversed(_WIRE.split(". ")))
    same = report("b", "Valley is emptied", shuffled, hour=2, about=("valley", "kelstrand"))
    carnival = report("c", "Kelstrand celebrates", _OTHER_WIRE, hour=2, about=("carnival", "kelstrand"))
    assert _together(dam, same)
    assert not _together(dam, carnival)


def test_texts_that_one_name_makes_alike_have_a_subject_in_common_and_no_more() -> None:
    def text(article: str, hour: float) -> Report:
        draw = random.Random(article)
        own = ["".join(draw.sample("abdefgiklmnoprstuv", 7)) for _ in range(60)]
        body = " ".join(f"{word} Halbergstad" if place < 8 else word for place, word in enumerate(own))
        return report(article, "Halbergstad", body, hour=hour)

    assert not _together(text("a", 0), text("b", 1))
    uncapped = Stories(replace(DEFAULT_STORY_RULE, of_a_word=1.0))
    assert len({each.story for each in _settle(uncapped, text("a", 0), text("b", 1))}) == 1


def test_beyond_the_window_nothing_links() -> None:
    assert not _together(FLOOD[0], report("late", "Flood in Kelstrand drives 1,200 from their homes", hour=73))


def test_a_story_goes_on_by_chains_of_days() -> None:
    days = [
        report(f"d{day}", f"Search for ferry Orvanne off Kelstrand, day {day}", "The ferry Orvanne is missing.",
               hour=20.0 * day, about=("ferry orvanne", f"day {day}"))
        for day in range(1, 8)
    ]  # fmt: skip
    decided = _settle(Stories(), *days)
    assert {each.story for each in decided} == {"d1"}


def _rates(article: str, hour: float, *rates: str) -> Report:
    told = "The bank sold the dollar at {}, the franc at {} and the crown at {} when its counters closed"
    return report(article, "Exchange rates of the bank", told.format(*rates), hour=hour, about=("rate",))


RATES = _rates("r1", 0, "41.25", "40.80", "37.11"), _rates("r2", 24, "41.31", "40.92", "37.08")


def test_a_form_that_is_filled_in_with_other_figures_tells_something_else() -> None:
    assert not _together(*RATES)
    assert not _together(
        report("a", "Dollar closes at 41.25", about=("rate",)),
        report("b", "Dollar closes at 40.80", about=("rate",), hour=24),
    )


def test_a_copy_with_one_figure_corrected_is_of_one_story() -> None:
    assert _together(RATES[0], _rates("c", 2, "41.25", "40.80", "37.12"))


def test_a_copy_joins_the_story_of_what_it_copies_whatever_else_that_has() -> None:
    others = [
        report(f"o{n}", "Kelstrand celebrates", _OTHER_WIRE, hour=n, about=("kelstrand", "carnival")) for n in (0, 1)
    ]
    stories = Stories()
    _settle(stories, *others, report("a", "Dam in danger", _WIRE, hour=2, about=("dam",)))
    stories.merge("o0", "a")
    [copy] = _settle(stories, report("c", "Dam in danger, say inspectors", _WIRE, hour=3, about=("dam",)))
    assert (copy.story, copy.new, copy.figure) == ("o0", False, None)


def test_what_speaks_of_both_forms_does_not_merge_them() -> None:
    both = report("b", "Exchange rates of the bank when its counters closed", "", hour=25, about=("rate",))
    decided = _settle(Stories(), *RATES, both)
    assert not any(each.merged for each in decided)


def test_two_stories_that_turn_out_one_are_merged() -> None:
    left = report("l", "Bridge falls in Tolbert", "", about=("bridge",))
    right = report("r", "Autos stürzen in den Fluss", "", language="de", hour=1)
    right = Report("r", right.at, "de", right.signals, meaning("cars", "bridge", share=0.96))
    between = report("m", "Мост рухнул, машины в реке", "", language="ru", hour=2)
    between = Report("m", between.at, "ru", between.signals, meaning("bridge", "cars", share=0.71))
    stories = Stories()
    assert [each.story for each in _settle(stories, left, right)] == ["l", "r"]
    joined = stories.settle(between)
    assert joined.story == "l"
    assert joined.merged == (("r", "l"),)
    assert stories.leads_to("r") == "l"
    assert stories.stories["l"].size == 3
    assert stories.story_of("r") is stories.stories["l"]


def test_an_editor_merges() -> None:
    stories = Stories()
    _settle(stories, FLOOD[0], report("o", "Oltana votes for a new council", "", hour=5))
    assert stories.merge("o", "f1") == ("o", "f1")
    assert stories.merge("f1", "o") is None
    assert stories.stories["f1"].size == 2


def test_what_leaves_takes_off_what_it_brought() -> None:
    stories = Stories()
    decided = _settle(stories, *FLOOD)
    part = stories.split("f1", [decided[2].member, decided[3].member])
    assert part == "f3"
    assert [stories.story_of(each) for each in ("f1", "f4")] == [stories.stories["f1"], stories.stories["f3"]]
    alone = Story("f1")
    for each in decided[:2]:
        alone.add(each.member)
    left = stories.stories["f1"]
    assert left.vector is not None
    assert alone.vector is not None
    assert left.vector.tolist() == alone.vector.tolist()
    assert (left.keys.weights(), left.sizes, left.at_sum) == (alone.keys.weights(), alone.sizes, alone.at_sum)
    with pytest.raises(ValueError, match="cannot be split"):
        stories.split("f1", [each.member for each in decided[:2]])


def test_forgetting() -> None:
    stories = Stories()
    later = report("o", "Oltana votes for a new council", "", hour=240)
    _settle(stories, *FLOOD[:2], later)
    stories.forget(day_of(later.at) - 7)
    assert stories.story_of("f1") is None
    assert list(stories.stories) == ["o"]
    assert stories.settle(FLOOD[2]).new


def test_a_state_made_again_after_forgetting_decides_the_same() -> None:
    ferry = [
        report(f"d{day}", f"Search for ferry Orvanne off Kelstrand, day {day}", "The ferry Orvanne is missing.",
               hour=20.0 * day, about=("ferry orvanne", f"day {day}"))
        for day in range(20)
    ]  # fmt: skip
    whole, again = Stories(), Stories()
    decided = _settle(whole, *FLOOD, *ferry[:15])
    first = day_of(ferry[14].at) - 7
    whole.forget(first)
    kept = [(each.member, each.story, told.vector) for each, told in zip(decided, [*FLOOD, *ferry], strict=False)]
    again.restore([each for each in kept if each[1] in whole.stories], {}, first)
    assert _settle(again, *ferry[15:])[-1].figure == _settle(whole, *ferry[15:])[-1].figure
    assert again.stories.keys() == whole.stories.keys() == {"d0"}


_PLACES = ("Kelstrand", "Oltana", "Velmar", "Marentis")
_KINDS = ("flood", "strike", "verdict")
_DRAWN = st.lists(
    st.tuples(
        st.sampled_from(_PLACES), st.sampled_from(_KINDS), st.sampled_from(["en", "de", "he"]), st.integers(0, 90)
    ),
    min_size=1,
    max_size=25,
)


def _drawn(rows: list[tuple[str, str, str, int]]) -> list[Report]:
    return [
        report(f"a{at}", f"{kind} in {place} {hour}", f"{place} {kind}", language=language, hour=hour,
               about=(f"{kind} {place}", kind) if language != "he" else ())
        for at, (place, kind, language, hour) in enumerate(rows)
    ]  # fmt: skip


@pytest.mark.property
@settings(max_examples=60, deadline=None)
@given(_DRAWN, st.integers(0, 25))
def test_restored_at_any_point_the_same_is_decided(rows: list[tuple[str, str, str, int]], cut: int) -> None:
    reports = _drawn(rows)
    whole = Stories()
    expected = _settle(whole, *reports)
    merged = {ended: on for each in expected[:cut] for ended, on in each.merged}
    again = Stories()
    kept = zip(expected[:cut], reports, strict=False)
    again.restore([(each.member, each.story, told.vector) for each, told in kept], merged)
    rest = _settle(again, *reports[cut:])
    assert [(each.story, each.new, each.figure, each.merged) for each in rest] == [
        (each.story, each.new, each.figure, each.merged) for each in expected[cut:]
    ]


@pytest.mark.property
@settings(max_examples=40, deadline=None)
@given(_DRAWN)
def test_each_article_is_of_one_living_story(rows: list[tuple[str, str, str, int]]) -> None:
    stories = Stories()
    for each in _drawn(rows):
        stories.settle(each)
    assert sum(story.size for story in stories.stories.values()) == len(rows)
    for at in range(len(rows)):
        story = stories.story_of(f"a{at}")
        assert story is not None
        assert stories.leads_to(story.id) == story.id
