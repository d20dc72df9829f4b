from __future__ import annotations

from newsflow.stories import Member, Report, Stories, find_retold
from newsflow.stories.retold import MOST_COMPARED
from tests.story_helpers import report

TOLD = (
    "The ferry Ostrovanka sank near Tarsen on Monday with 214 aboard, Captain Halbergstad told the Velmora harbour office. "
    "Boats searched the sound until midnight, and rescuers from Kelstrand lifted children out of cold water by rope."
)
ANEW = (
    "Le ferry Ostrovanka a coulé lundi près de Tarsen avec 214 personnes à bord, a indiqué le capitaine Halbergstad aux "
    "autorités portuaires de Velmora. Des bateaux ont fouillé le détroit jusqu'à minuit, et des sauveteurs ont sorti des enfants."
)
OTHERWISE = (
    "Relatives gathered at the quay of Velmora after the Ostrovanka went down off Tarsen, waiting for names. A deckhand, "
    "Pellingrad, described how the car deck flooded within minutes while the crew shouted for everyone to climb higher."
)


def members(*reports: Report) -> list[Member]:
    stories = Stories()
    return [stories.settle(each).member for each in reports]


def test_copies_and_translations_tell_again_and_other_reports_do_not() -> None:
    wire, copy, translated, own, abroad = members(
        report("wire", "Ferry sinks near Tarsen", TOLD, about=("ferry",)),
        report("copy", "Ferry sinks near Tarsen", f"{TOLD} More soon.", hour=1, about=("ferry",)),
        report("translated", "Un ferry coule", ANEW, language="fr", hour=2, about=("ferry", "words"), ),
        report("own", "Relatives wait", OTHERWISE, hour=3, about=("ferry",)),
        report("abroad", "Un ferry coule", ANEW, language="fr", hour=4, about=("relatives", "ferry")),
    )  # fmt: skip
    found = find_retold([(wire, "Norvik Wire")], [copy, translated, own, abroad])
    assert found == {"copy": "Norvik Wire", "translated": "Norvik Wire"}


def test_a_translation_in_a_language_without_a_meaning_is_not_known() -> None:
    wire, translated = members(report("a", "", TOLD, about=("ferry",)), report("b", "", ANEW, language="fr"))
    assert find_retold([(wire, "Norvik Wire")], [translated]) == {}


def test_headlines_alone_are_nobodys() -> None:
    wire, other = members(report("a", "Ferry Ostrovanka sinks"), report("b", "Ferry Ostrovanka sinks", hour=1))
    assert find_retold([(wire, "Norvik Wire")], [other]) == {}


def test_the_agency_that_was_settled_first_counts_and_few_are_compared() -> None:
    own = [report(f"own {number}", "", OTHERWISE, hour=number / 60) for number in range(MOST_COMPARED)]
    wire, copy, *others = members(report("wire", "", TOLD), report("copy", "", TOLD, hour=1), *own)
    assert find_retold([(wire, "One"), (wire, "Two")], [copy]) == {"copy": "One"}
    assert find_retold([*((each, "Two") for each in others), (wire, "One")], [copy]) == {}
