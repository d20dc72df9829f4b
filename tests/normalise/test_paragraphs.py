"""Wrapped lines are joined; tables, verse and lists keep theirs."""

from __future__ import annotations

import textwrap

import pytest

from newsflow.normalise import clean_text
from newsflow.normalise.paragraphs import MAX_LINES, paragraphs

PARAGRAPHS = {
    "en": (
        "The harbour council of Merrow met on Tuesday evening and agreed to repair the old sea wall before the winter storms.",
        "Engineers had warned in March that the lower course of stone was loose in eleven places, and that a tide could open it.",
        "“We have waited long enough,” said Ida Varn, who chairs the council. The money is there and the masons are ready.",
    ),
    "ar": (
        "أعلن مجلس ميناء مرو مساء الثلاثاء أنه سيرمم الجدار البحري القديم قبل أن تهب عواصف الشتاء على المدينة هذا العام.",
        "وكان المهندسون قد حذروا في آذار من أن الصف الأسفل من الحجارة متخلخل في أحد عشر موضعا، وأن مدا عاليا قد يفتحه.",
        "وتبلغ كلفة العمل أربعة ملايين كرون تدفع المقاطعة نصفها، أما الباقي فيأتي من رسوم الرسو خلال ست سنوات قادمة.",
    ),
    "ru": (
        "Совет порта Мерроу во вторник вечером решил отремонтировать старую морскую стену до начала зимних штормов.",
        "Инженеры ещё в марте предупреждали, что нижний ряд камней расшатан в одиннадцати местах и прилив его вскроет.",
        "Работы обойдутся в четыре миллиона крон, половину которых заплатит провинция, остальное покроют сборы с судов.",
    ),
    "de": (
        "Der Hafenrat von Merrow hat am Dienstagabend beschlossen, die alte und brüchige Kaimauer noch vor den Winterstürmen zu reparieren.",
        "Ingenieure hatten im März gewarnt, dass die untere Steinreihe an elf Stellen lose ist und eine Flut sie öffnen könnte.",
        "Die Arbeiten kosten vier Millionen Kronen, von denen die Provinz die Hälfte zahlt; der Rest kommt aus Liegegebühren.",
    ),
}
WAYS = {"blank lines": ("\n\n", ""), "indents": ("\n", "    "), "both": ("\n\n", "  ")}


def wrapped(lines: tuple[str, ...], way: str, width: int) -> str:
    between, indent = WAYS[way]
    return between.join(textwrap.fill(line, width, initial_indent=indent, break_on_hyphens=False) for line in lines)


@pytest.mark.parametrize("language", PARAGRAPHS)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("width", [50, 72])
def test_wrapped_lines_are_joined(language: str, way: str, width: int) -> None:
    lines = PARAGRAPHS[language]
    assert clean_text(wrapped(lines, way, width), headline="A wall").body.split("\n") == list(lines)
    assert clean_text(wrapped(lines, way, width).replace("\n", "\r\n"), headline="A wall").body.split("\n") == list(
        lines
    )


@pytest.mark.parametrize("width", [20, 33])
def test_wrapped_lines_of_a_script_without_spaces(width: int) -> None:
    lines = [
        "梅罗港务委员会周二晚间决定，在冬季风暴到来之前修复旧海堤，并为此准备了足够的资金和石料，工程将于下周一开始。",
        "工程师早在三月就警告说，海堤下层的石块有十一处松动，大潮可能将其冲开，危及整个港区，渔民也表示担心。",
    ]
    cut = ["\n".join(line[at : at + width] for at in range(0, len(line), width)) for line in lines]
    assert clean_text("\n\n".join(cut), headline="海堤").body.split("\n") == lines


def test_a_dateline_that_was_cut_off_leaves_a_short_first_line() -> None:
    first, *others = textwrap.wrap(PARAGRAPHS["en"][0], 66)
    cut = "\n".join([*textwrap.wrap(first, 33), *others])
    text = "\n".join([cut, wrapped(PARAGRAPHS["en"][1:], "indents", 66)])
    assert clean_text(text, headline="A wall").body.split("\n") == list(PARAGRAPHS["en"])


def test_words_cut_in_two() -> None:
    text = wrapped(PARAGRAPHS["en"], "blank lines", 60).replace("harbour", "har\u00ad\nbour", 1)
    assert PARAGRAPHS["en"][0] in clean_text(text, headline="A wall").body


VERSE = """The tide came in at Merrow town,
And took the fisher's daughter,
She wore her mother's wedding gown
And walked into the water.

They looked for her till break of day,
They called along the shore,
The tide it took her far away,
And she came home no more."""
TABLE = """SECTION             METRES    COST
North wall              90    1,200
South wall             140    2,450
Lighthouse steps        12      350
East quay, lower        77      910
East quay, upper        64      870"""
LIST = """- The north wall is ninety metres long and is repaired first.
- The south wall follows in the spring of next year.
- The steps of the lighthouse stay as they are until then."""


@pytest.mark.parametrize("text", [VERSE, TABLE, LIST], ids=["verse", "table", "list"])
@pytest.mark.parametrize("around", [False, True])
def test_verse_tables_and_lists_keep_their_lines(text: str, around: bool) -> None:
    prose = wrapped(PARAGRAPHS["en"], "blank lines", 66)
    found = [line for block in paragraphs(f"{prose}\n\n{text}\n\n{prose}" if around else text)[0] for line in block]
    expected = [" ".join(line.split()) for line in text.split("\n") if line]
    assert found == ([*PARAGRAPHS["en"], *expected, *PARAGRAPHS["en"]] if around else expected)


def test_items_of_a_list_may_be_wrapped() -> None:
    items = [f"- {line}" for line in PARAGRAPHS["en"]]
    text = "\n".join(textwrap.fill(item, 60, subsequent_indent="  ") for item in items)
    assert paragraphs(text)[0] == [items]


@pytest.mark.parametrize("language", PARAGRAPHS)
def test_lines_that_are_paragraphs_stay(language: str) -> None:
    assert paragraphs("\n".join(PARAGRAPHS[language]))[0] == [list(PARAGRAPHS[language])]


def test_lines_beyond_a_limit_are_counted() -> None:
    blocks, beyond = paragraphs("A line.\n\n" * (MAX_LINES + 7))
    assert (len(blocks), beyond) == (MAX_LINES, 7)
