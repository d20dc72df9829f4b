"""Terms that are words too: spelt exactly, without the article, with capitals that are certain; and what the shipped
rules make of words and names that look alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsflow.tagging import RuleSet, load_rules
from newsflow.tagging.explain import explain
from newsflow.tagging.forms import inflect
from newsflow.tagging.lint import lint
from newsflow.tagging.rule import Rule, Term
from tests.tagging.tagging_articles import make_article

RULE = """\
id: veld
scheme: iso3166
terms:
  ar: [{term: عملة, exact: true}, {term: سيول, definite: false}, {term: يمني~, exact: true}]
  cs: [{term: Čína~, exact: true}]
  en: [{term: Veld, case: certain}, {term: US, case: certain}]
  he: [{term: פרו, definite: false}]
"""


@pytest.fixture
def rules(tmp_path: Path) -> RuleSet:
    (tmp_path / "veld.yaml").write_text(RULE, encoding="utf-8")
    return load_rules([tmp_path])


def hits(rules: RuleSet, text: str, language: str, title: str = "") -> list[str]:
    return [item.text for match in rules.match(make_article(title, text, language)) for item in match.evidence]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("ar", "تراجعت العملة أمس وبعملة", ["العملة", "عملة"]), ("ar", "أنهى عمله أمس", []),
        ("ar", "لاعب يمنيّ", ["يمنيّ"]), ("ar", "اليد اليمنى", []),
        ("ar", "في سيول وبسيول", ["سيول", "سيول"]), ("ar", "جرفت السيول القرية", []), ("ar", "للسيول", []),
        ("he", "מפרו ובפרו", ["פרו", "פרו"]), ("he", "הם הפרו", []), ("he", "שהפרו", []),
        ("cs", "do Číny a v ČÍNĚ", ["Číny", "ČÍNĚ"]), ("cs", "Činy a slova, Cina", []),
        ("en", "They saw Veld.", ["Veld"]), ("en", "It rains. Veld grows.", []), ("en", "“Veld grows”, they said.", []),
        ("en", "Veld grows in Veld.", ["Veld", "Veld"]), ("en", "IN VELD TODAY", []), ("en", "Veld", []),
        ("en", "US vetoes it", ["US"]), ("en", "Come with US, they said", ["US"]), ("en", "JOIN US TODAY", []),
    ],
)  # fmt: skip
def test_how_exactly_a_term_is_looked_for(rules: RuleSet, language: str, text: str, expected: list[str]) -> None:
    assert hits(rules, text, language) == expected


def test_a_certain_place_in_the_body_makes_the_title_count(rules: RuleSet) -> None:
    assert hits(rules, "It rained in Veld.", "en", "Veld waits for rain") == ["Veld", "Veld"]
    assert hits(rules, "It rained for days.", "en", "Veld waits for rain") == []


def test_what_was_left_out_says_why(rules: RuleSet) -> None:
    reasons = {
        text: [item.reason for item in explain(rules, make_article("", text, language), "veld").excluded]
        for language, text in (("ar", "أنهى عمله أمس"), ("en", "Veld grows"))
    }
    assert reasons == {
        "أنهى عمله أمس": ["not spelt as the term, letter by letter"],
        "Veld grows": ["its capital may be that of a sentence or heading, and no other place makes it certain"],
    }


def test_lint_names_conditions_that_do_nothing(tmp_path: Path) -> None:
    rule = """\
id: veld
terms:
  en: [{term: veld, case: certain}, {term: Veld, exact: true}, {term: Vélds, exact: true}, {term: Velda, definite: false}]
  ar: [{term: السوق, definite: false}]
"""
    (tmp_path / "veld.yaml").write_text(rule, encoding="utf-8")
    found = [item.message for item in lint(load_rules([tmp_path])) if item.kind == "unused-condition"]
    assert [message.split(":")[0] for message in found] == [
        "veld has no capital", "Velda stands in no language with an article before it", "السوق has the article itself",
    ]  # fmt: skip


def test_each_of_these_makes_another_version() -> None:
    plain = Rule("r", terms=(Term("Veld", "en"),)).version()
    terms = (Term("Veld", "en", exact=True), Term("Veld", "en", definite=False))
    others = [Rule("r", terms=(term,)).version() for term in terms]
    assert len({plain, *others}) == 3


@pytest.mark.parametrize(
    ("language", "word", "forms"),
    [
        ("el", "Γαλλία", "Γαλλίας"), ("el", "Κύπρος", "Κύπρου Κύπρο"), ("lt", "Indija", "Indijos Indiją Indijoje"),
        ("lv", "Latvija", "Latvijas Latvijā"), ("fi", "Kreikka", "Kreikan Kreikassa Kreikkaan"), ("fi", "Egypti", "Egyptin"),
        ("fi", "Yhdysvallat", "Yhdysvaltojen Yhdysvalloissa"), ("hu", "Ausztria", "Ausztriában Ausztriát"),
        ("ro", "Franța", "Franței"), ("sq", "Austri", "Austria Austrisë"), ("is", "Ísland", "Íslands Íslandi"),
        ("et", "Saksamaa", "Saksamaal Saksamaale"), ("sv", "Sverige", "Sveriges"), ("kk", "Иран", "Иранда Иранның"),
        ("ka", "ჩადი", "ჩადში ჩადიში"), ("ta", "ஓமன்", "ஓமனில்"), ("az", "İran", "İranda İrandan"), ("be", "Чэхія", "Чэхіі"),
    ],
)  # fmt: skip
def test_forms_of_names(language: str, word: str, forms: str) -> None:
    assert set(forms.split()) <= set(inflect(word, language))


SHIPPED = [
    ("ru", "Туристы вернулись из Сан-Франциско и Сан-Диего", "", "yemen"),
    ("ru", "Повстанцы отошли от Саны к берегу", "yemen", ""),
    ("ru", "Того и жди грозы", "", "togo"), ("ru", "Делегация из Того прибыла утром", "togo", ""),
    ("uk", "Того вечора йшов сніг", "", "togo"),
    ("ru", "Рыболовные суда вернулись в порт", "", "courts"), ("ru", "Решение суда зачитал судья", "courts", ""),
    ("fa", "مدیر مالی شرکت استعفا داد", "", "mali"), ("fa", "سربازان در باماکو، پایتخت مالی", "mali", ""),
    ("ps", "د مالي چارو وزیر", "", "mali"), ("ar", "مستشار مالي للمصرف", "", "mali"),
    ("el", "Η Ισπανία και η Γαλλία υπέγραψαν", "spain france", ""), ("el", "Η κατάργηση του φόρου", "", "qatar"),
    ("el", "Κατάργησαν τον νόμο", "", "qatar"), ("lt", "Indijos ir Austrijos ministrai", "india austria", ""),
    ("sq", "Spanja dhe Austria nënshkruan", "spain austria", ""), ("lv", "Gana ir gana", "", "ghana"),
    ("ar", "رئيس غينيا بيساو في زيارة", "guinea-bissau", "guinea"), ("ar", "جزر بابوا غينيا الجديدة", "", "guinea"),
    ("ar", "بعثة إلى جورجيا الجنوبية", "", "georgia"), ("ar", "حاكم ولاية جورجيا", "", "georgia"),
    ("ms", "Kapal dari Papua New Guinea tiba", "papua-new-guinea", "guinea"),
    ("ro", "Ambasada din Republica Dominicană", "dominican-republic", "dominica"),
    ("en", "Ferries to the Turks and Caicos", "", "turkey"), ("en", "COME WITH US TO THE FAIR", "", "united-states"),
    ("en", "Turkey is dearer before Thanksgiving", "", "turkey"), ("en", "Turkey lowers its tariffs", "turkey", ""),
    ("en", "American Samoa repairs its pier", "american-samoa", "united-states"),
    ("en", "The US repairs its piers", "united-states", ""), ("fr", "FUITE D’EAU DANS LA RUE", "", "united-arab-emirates"),
    ("fr", "Il a jugé la pièce trop longue", "", "courts"),
    ("ar", "المجر تفتح مخبزا", "hungary", ""), ("ar", "مجريات الحفل كما رواها الضيوف", "", "hungary"),
    ("ar", "مجرى النهر جاف", "", "hungary"), ("tr", "Mısır Cumhurbaşkanı Kahire'de konuştu", "egypt", ""),
    ("tr", "Mısır ekmeği pişirdi", "", "egypt"), ("tr", "Mali müşavirler toplandı", "", "mali"),
    ("zh", "刚果民主共和国修建学校", "dr-congo", "congo"), ("ja", "コンゴ民主共和国の学校", "dr-congo", "congo"),
    ("zh", "发展中国家的学校", "", "china"), ("zh", "马里兰的学校", "", "mali"), ("zh", "内蒙古的草原", "", "mongolia"),
    ("ar", "طلاب من قرغيزستان", "kyrgyzstan", ""), ("ar", "مهرجان يقيمه الهنود", "india", ""),
    ("ar", "قصة عن الهنود الحمر", "", "india"), ("ar", "لقاء الملك عبد الله الثاني في عمان", "jordan", "oman"),
    ("ar", "سلطنة عمان تبني ميناء", "oman", "jordan"), ("ar", "غمرت السيول الحقول", "", "south-korea"),
    ("ar", "وصل الوفد إلى سيول", "south-korea", ""), ("ar", "أتم النجار عمله", "", "economy"),
    ("ar", "تراجع سعر العملة", "economy", ""), ("ar", "زاد الحماس بين المتفرجين", "", "palestine"),
    ("ar", "بيان من حماس", "palestine", ""), ("ar", "صحة الجنين جيدة", "", "palestine"),
    ("ar", "وضعت صينية البطاطس في الفرن", "", "china"), ("ar", "شركة صينية تبني سفينة", "china", ""),
    ("ar", "رفع يده اليمنى", "", "yemen"), ("ar", "وصل باكرا إلى المدرسة", "", "ghana"),
    ("he", "הגיע מכיוון הים", "", "greece"), ("he", "ספינה מיוון עגנה", "greece", ""), ("he", "הפועלים הפרו הסכם", "", "peru"),
    ("he", "בנין חדש ליד הים", "", "benin"), ("he", "הוא עומד בצד שמאלי", "", "mali"),
    ("pt", "Ele irá à praia. Irá amanhã", "", "iran"), ("pt", "Ministro do Irã visita Brasília", "iran", ""),
    ("cs", "Činy platí víc", "", "china"), ("cs", "Lodě z Číny", "china", ""), ("vi", "Áo dài đẹp quá", "", "austria"),
    ("fi", "Palauta kirja ajoissa. Palautetta tulee", "", "palau"), ("hu", "Gabona érik. Gabonát vettek", "", "gabon"),
    ("no", "Man kan gå", "", "isle-of-man"), ("da", "Danmarks minister", "denmark", ""),
    ("vi", "Sinh viên Hồng Kông", "hong-kong", ""), ("ur", "شام کو بارش ہوئی", "", "syria"),
    ("ur", "وزیر دمشق سے شام کے دورے پر", "syria", ""), ("ko", "이동 수단이 부족하다", "", "sudan"),
]  # fmt: skip


@pytest.mark.parametrize(("language", "text", "found", "not_found"), SHIPPED)
def test_shipped_rules_tell_names_from_words(
    shipped: RuleSet, language: str, text: str, found: str, not_found: str
) -> None:
    for title, body in ((text, ""), ("", text)):
        ids = {match.id for match in shipped.match(make_article(title, body, language))}
        assert set(found.split()) <= ids
        assert ids.isdisjoint(not_found.split())
