from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.quality.dedup_made import COPIES, LANGUAGES, OTHERS, made_pairs
from newsflow.dedup import DEFAULT_RULE, Relation, compare, fingerprint
from newsflow.dedup.alignment import align
from newsflow.dedup.differences import are_likely, differences, judge, wording
from newsflow.dedup.told import told as told_of
from tests.ledger.ledger_helpers import HARBOUR, RIVER

words = st.lists(st.sampled_from([*"abcdefg", "12", "seven"]), max_size=40)


def relation(
    left: str, right: str, language: str = "en", titles: tuple[str, str] = ("", ""), one_source: bool = False
) -> Relation:
    prints = fingerprint(titles[0], left), fingerprint(titles[1], right)
    told = [wording(body, language, title) for body, title in ((left, titles[0]), (right, titles[1]))]
    if compare(*prints).exact:
        return Relation.DUPLICATE
    assert are_likely(*prints, compare(*prints))
    return judge((prints[0], told[0]), (prints[1], told[1]), compare(*prints), one_source)[1]


@pytest.mark.parametrize("kind", [*OTHERS, *COPIES])
@pytest.mark.parametrize("language", LANGUAGES)
def test_made_up_pairs(language: str, kind: str) -> None:
    pairs = list(made_pairs(language, kind, 25))
    right = [(relation(each.left, each.right, language) is Relation.DUPLICATE) == each.copy for each in pairs]
    assert sum(right) >= (24 if kind == "typos" else 25)


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ("on Tuesday", "on Thursday", "day"),
        ("Velmora", "Ostwick", "name"),
        ("310 thousand", "340 thousand", "number"),
        ("nine months", "four months", "number"),
        ("before winter", "after winter", "opposite"),
        ("had stopped", "had not stopped", "negation"),
        ("lifted", "upheld", "word"),
    ],
)
def test_what_is_exchanged_decides(before: str, after: str, kind: str) -> None:
    other = HARBOUR.replace(before, after)
    found = differences(wording(HARBOUR, "en"), wording(other, "en"))
    assert [each.kind for each in found.exchanges] == [kind]
    assert relation(HARBOUR, other) is Relation.RELATED


def test_who_did_what_to_whom() -> None:
    rest = (
        " in the final of the regional cup before a full house. The winners go on to the capital in the spring, said "
    )
    left = "Norham beat Belby" + rest + "the council of the league on its page for the clubs."
    right = "Belby beat Norham" + rest + "the council of the league on its page for the clubs."
    assert [each.kind for each in differences(wording(left, "en"), wording(right, "en")).exchanges] == ["order"]
    assert relation(left, right) is Relation.RELATED


@pytest.mark.parametrize(
    "other",
    [
        HARBOUR + " " + RIVER,
        HARBOUR[HARBOUR.index("Fishing") :],
        "VELMORA, May 4 (Reuters) - " + HARBOUR,
        "Our own reporter writes that quays were full of people that morning.\n\n" + HARBOUR,
        HARBOUR + "\n\n(Reporting by Anna Weller; editing by Tom Garsen)",
        HARBOUR.replace("nine months", "9 months").replace("310 thousand", "310,000"),
        HARBOUR.replace("said on Tuesday", "announced today"),
    ],
)
def test_an_edited_text_is_a_copy(other: str) -> None:
    assert relation(HARBOUR, other) is Relation.DUPLICATE


def test_one_wrong_figure_in_an_edited_table_is_a_correction() -> None:
    table = " ".join(
        f"{name} closed at {number}.{number % 7}" for number, name in enumerate("abcdefghijklmnopqrst", 40)
    )
    edited = table.replace("closed at 42", "closed late at 42").replace("closed at 50", "in all closed at 50")
    assert relation(table, edited.replace("59.3", "59.8")) is Relation.DUPLICATE
    assert relation(table, table.replace("59.3", "59.8")) is not Relation.DUPLICATE


NOTICE = (
    " The council publishes these notices every working day. Readers can find all of them on its page, together with "
    "forms, opening hours and contact details for every department, and can subscribe to receive them by post."
)


def test_notices_of_one_outlet_with_one_footer() -> None:
    left = "A bakery in Mill Lane closes after forty years because no successor was found." + NOTICE
    right = "Volunteers planted birches along the river to hold the bank where floods had carried soil away." + NOTICE
    titles = ("Bakery closes", "Birches planted")
    assert relation(left, right, titles=titles, one_source=True) is Relation.NONE
    assert relation(left, right, titles=titles) is Relation.DUPLICATE
    assert relation(left, left + " More.", titles=titles, one_source=True) is Relation.DUPLICATE


def test_short_texts_are_compared_with_their_titles() -> None:
    body = "The ferry to Ostwick stays in port until Friday because of high waves, the harbour office said."
    titles = ("Ferry to Ostwick cancelled", "Ferry to Ostwick cancelled")
    assert relation(body, body.replace("high waves", "hihg waves"), titles=titles) is Relation.DUPLICATE
    assert relation(body, body.replace("Friday", "Sunday"), titles=titles) is Relation.NONE
    assert relation(body, body, titles=("Ferry stays in port", "Storm stops all ferries")) is Relation.NONE
    few = fingerprint("A title of four", "Details will follow."), fingerprint("A title of four", "Details follow soon.")
    assert not are_likely(*few, compare(*few))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("NORHAM (AP) — Rain fell.", "Rain fell."),
        ("BELBY, May 4 (Reuters) - Rain fell.", "Rain fell."),
        ("الرياض - واس: سقط المطر.", "سقط المطر."),
        ("МОСКВА, 4 мая (ТАСС) — Пошёл дождь.", "Пошёл дождь."),
        ("By Anna Weller\nRain fell.", "Rain fell."),
        ("Weather for Norham: rain fell.", "Weather for Norham: rain fell."),
        ("Rain fell. By Friday it had stopped. Prices rose by 3 pct.", None),
        ("Rain fell on the town.\nSource: AFP", "Rain fell on the town.\n"),
        ("Norham won 3-1 in the cup.", None),
    ],
)
def test_datelines_and_credits_are_not_told(body: str, said: str | None) -> None:
    assert told_of(body) == (body if said is None else said)


@pytest.mark.property
@given(words, words)
def test_runs_are_equal_words_in_order(a: list[str], b: list[str]) -> None:
    last = (0, 0)
    for i, j, size in align(a, b):
        assert size > 0
        assert (i, j) >= last
        assert i >= last[0]
        assert j >= last[1]
        assert a[i : i + size] == b[j : j + size]
        last = (i + size, j + size)
    assert last[0] <= len(a)
    assert last[1] <= len(b)


@pytest.mark.property
@given(st.text(max_size=300), st.text(max_size=300))
def test_any_texts_can_be_laid_side_by_side(left: str, right: str) -> None:
    found = differences(wording(left, "und"), wording(right, "und"))
    assert 0 <= found.share <= 1
    same = differences(wording(left, "und"), wording(left, "und"))
    assert not same.exchanges
    assert same.are_edits(DEFAULT_RULE)
