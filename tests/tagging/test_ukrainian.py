"""Ukrainian: names in their cases, adjectives, people and capitals; and words that only look like them."""

from __future__ import annotations

import pytest

from newsflow.tagging import RuleSet
from tests.tagging.tagging_articles import make_article


def codes(rules: RuleSet, text: str) -> set[str]:
    matches = rules.match(make_article(text, "", "uk"))
    return {match.code for match in matches if match.scheme == "iso3166"}


@pytest.mark.parametrize(
    ("code", "forms"),
    [
        ("UA", "Україна Україні Україною Києва Києві Львові Харкова Криму українців українська"),
        ("RU", "Росії Росією росіяни росіянам російських Москві Кремля Путіна"),
        ("BY", "Білорусі Білоруссю білоруська Мінську Лукашенком"), ("PL", "Польщею Варшаві поляків польською"),
        ("EG", "Єгипет Єгипту Єгиптом єгипетського Каїрі"), ("MX", "Мексиці мексиканські Мехіко"),
        ("CN", "Китаєм китайці китайців Пекіна"), ("IT", "Італією італійців Римі"), ("SY", "Сирією сирійці Дамаску"),
        ("DE", "Німеччиною німці німцям Берліні"), ("NL", "Нідерландах нідерландські Гаазі"), ("XK", "Косові косовська"),
        ("VN", "В'єтнамі В’єтнаму в'єтнамські"), ("MM", "М'янма М’янми"), ("TR", "Туреччиною турки турецьким Анкари"),
        ("US", "США американців Вашингтоні американська"), ("GB", "Великобританії британський Лондоні Шотландії"),
        ("LV", "Латвії Ризі латвійці"), ("FI", "Фінляндії фінів фінська"), ("AT", "Австрії Відня австрійці"),
    ],
)  # fmt: skip
def test_forms(shipped: RuleSet, code: str, forms: str) -> None:
    assert [
        form for form in forms.split() if code not in codes(shipped, f"Учора про це чули {form} під час зустрічі.")
    ] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Міністр Великої Британії прибув до Нової Зеландії через Боснію і Герцеговину", {"GB", "NZ", "BA"}),
        ("Делегація Південної Кореї розмовляла з представниками Саудівської Аравії та ОАЕ", {"KR", "SA", "AE"}),
        ("Кораблі зі Сполучених Штатів зайшли в порт Об'єднаних Арабських Еміратів", {"US", "AE"}),
        ("Північна Македонія і Греція відкрили потяг до Афін", {"MK", "GR"}),
        ("У Демократичній Республіці Конго відкрили школу", {"CD"}),
        ("Фермери під Одесою збирають кавуни, а в Празі настала спрага", {"UA", "CZ"}),
        ("Верховна Рада ухвалила бюджет", {"UA"}),
    ],
)
def test_sentences(shipped: RuleSet, text: str, expected: set[str]) -> None:
    assert codes(shipped, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "На околиці міста будують школу",
        "Краєвид прикрасили туркусові ліхтарі",
        "Вчителька малює рими до вірша, бо така рима гарна",
        "Спрага та прага до знань",
        "Бачили чадне повітря і мали малі діти",
        "Шили доху з овчини, налили баки",
        "Німий кіт і поле",
        "Судна стояли в порту, а судан чекав",
    ],
)
def test_words_that_only_look_alike(shipped: RuleSet, text: str) -> None:
    assert codes(shipped, text) == set()
