"""Countries by the names of places: whose a name is, and where it is a word or a person."""

from __future__ import annotations

import pytest

from newsflow.tagging import RuleSet
from newsflow.tagging.explain import explain
from newsflow.tagging.places.gazetteer import gazetteer
from newsflow.tagging.places.names import grammar_of, script_of, stem_of
from newsflow.tagging.rule import Rule, Term
from tests.tagging.tagging_articles import make_article, slice_of


def about(rules: RuleSet, title: str, body: str, language: str) -> set[str]:
    return {topic.code for topic in rules.tag(make_article(title, body, language)).topics}


@pytest.mark.parametrize(
    ("language", "body", "codes"),
    [
        ("en", "The council in Cardiff has closed two libraries. Swansea will follow, the council said.", {"GB"}),
        ("en", "Firefighters from Arizona drove to Nevada, where the fire has grown.", {"US"}),
        ("de", "In Manchester streiken die Busfahrer, in Birmingham fahren sie wieder.", {"GB"}),
        ("tr", "Londra'da otobüsler durdu, Manchester'da trenler çalışıyor.", {"GB"}),
        ("pl", "W Londynie stanęły autobusy, w Manchesterze jeżdżą pociągi.", {"GB"}),
        ("fi", "Lontoossa bussit seisovat, Manchesterissa junat kulkevat.", {"GB"}),
        ("ru", "В Чикаго закрыли два моста, в Хьюстоне открыли новый.", {"US"}),
        ("uk", "У Чикаго закрили два мости, у Х'юстоні відкрили новий.", {"US"}),
        ("ar", "أغلقت مدارس في مانشستر وبقيت مدارس ليفربول مفتوحة", {"GB"}),
        ("he", "בתי ספר נסגרו במנצ'סטר ונשארו פתוחים בליברפול", {"GB"}),
        ("fa", "مدرسه‌های منچستر بسته شد و مدرسه‌های لیورپول باز ماند", {"GB"}),
        ("zh", "洛杉矶的两座图书馆关闭，旧金山的图书馆仍然开放。", {"US"}),
        ("ja", "マンチェスターの図書館が閉まり、リヴァプールでは開いている。", {"GB"}),
        ("ko", "맨체스터에서 도서관이 문을 닫았다. 리버풀에서는 열려 있다.", {"GB"}),
        ("hi", "लंदन में पुस्तकालय बंद हुए और बर्मिंघम में खुले रहे", {"GB"}),
    ],
)
def test_places_say_what_an_article_is_about(shipped: RuleSet, language: str, body: str, codes: set[str]) -> None:
    assert about(shipped, "", body, language) == codes


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Reading is what she likes. Reading aloud, too."),
        ("en", "Mobile phones are sold. Mobile phones are bought."),
        ("de", "Das Essen war kalt. Essen muss warm sein."),
        ("fr", "Orange, citron et sucre. Orange sanguine."),
        ("en", "The novels of Jack London are read again. Jack London wrote them at sea."),
        ("en", "The singer Tyler Marsh sang for Tyler fans."),
        ("ar", "الأمان والسلامة في الطرق"),
        ("es", "Palmas y mesa. Palmas para todos, mesa para dos."),
    ],
)
def test_words_and_persons_are_no_places(shipped: RuleSet, language: str, text: str) -> None:
    assert about(shipped, "", text, language) == set()


def test_a_word_counts_beside_another_witness(shipped: RuleSet) -> None:
    with_another = "The bus from Reading to Swindon is late. Trains from Reading run, and those from Bristol."
    tags = shipped.tag(make_article("", with_another, "en"))
    assert [topic.code for topic in tags.topics] == ["GB"]
    weights = {item.text: item.weight for item in tags.topics[0].evidence}
    assert weights["Reading"] < weights["Bristol"]


def test_the_state_behind_a_place_says_whose_it_is(shipped: RuleSet) -> None:
    body = "The library in London, Ontario has a new roof. The roof in London, Ontario is green."
    assert about(shipped, "", body, "en") == {"CA"}
    assert about(shipped, "", "A school in Birmingham, Alabama has a new roof.", "en") == {"US"}


@pytest.mark.parametrize(
    ("language", "body", "codes"),
    [
        ("zh", "利文斯顿的图书馆关闭，利文斯顿的学校开放。", set()),
        ("el", "Η βιβλιοθήκη του Λίβινγκστον έκλεισε.", set()),
        ("pl", "Biblioteka w Radomiu jest zamknięta.", {"PL"}),
        ("en", "The library in Swansea is closed.", {"GB"}),
        ("he", "הספרייה במנצ'סטר סגורה.", {"GB"}),
    ],
)
def test_a_lesser_town_alone_is_believed_where_it_is_called_as_at_home(
    shipped: RuleSet, language: str, body: str, codes: set[str]
) -> None:
    assert about(shipped, "", body, language) == codes


@pytest.mark.parametrize(
    ("language", "body", "code"),
    [
        ("zh", "维也纳的图书馆关闭。", "AT"),
        ("ta", "லண்டன் நூலகம் மூடப்பட்டது.", "GB"),
        ("bn", "সিউলে গ্রন্থাগার বন্ধ।", "KR"),
    ],
)
def test_capitals_have_the_names_that_each_language_gives_them(
    shipped: RuleSet, language: str, body: str, code: str
) -> None:
    assert about(shipped, "", body, language) == {code}


FILLING = "The bridge is long and made of steel, and so are its stairs. " * 12


@pytest.mark.parametrize(
    ("language", "body", "about_it"),
    [
        ("en", "A bridge in Denmark is late.", True),
        ("fr", "Un pont du Danemark est en retard.", True),
        ("ru", "Мост для австрийцев опаздывает.", True),
        ("uk", "Міст для австрійців запізнюється.", True),
        ("de", "Eine dänische Brücke ist spät dran.", True),
        ("en", "A bridge in Denmark is late, as one in Sweden is.", False),
    ],
)
def test_a_country_named_once_in_the_lead_is_what_it_is_about_where_nothing_competes(
    shipped: RuleSet, language: str, body: str, about_it: bool
) -> None:
    tags = shipped.tag(make_article("A new bridge", f"{body} {FILLING}", language))
    assert [len(topic.evidence) for topic in tags.topics] == [1] * about_it
    assert [mention.count for mention in tags.mentions] == [1, 1] * (not about_it)


def test_a_country_named_once_behind_the_lead_is_a_mention(shipped: RuleSet) -> None:
    tags = shipped.tag(make_article("A new bridge", f"{FILLING} A like one stands in Denmark.", "en"))
    assert ([*tags.topics], [mention.code for mention in tags.mentions]) == ([], ["DK"])


@pytest.mark.parametrize(
    ("language", "trap", "code", "named"),
    [
        ("ar", "سيول تجتاح القرى بعد أمطار غزيرة", "KR", "سيول توسع حديقة"),
        ("th", "กระทรวงมหาดไทยประกาศ", "TH", "ประเทศไทยประกาศ"),
        ("th", "สายการบินนิวกินี", "GN", "ประเทศกินี"),
        ("he", "אירוע לציון יום השנה", "IL", "אירוע בתל אביב"),
        ("en", "The bells of St. Martin fell silent", "MF", "A hurricane has reached St. Martin"),
        ("de", "Die Glocken von St. Martin schweigen", "MF", "Der Hurrikan hat St. Martin erreicht"),
    ],
)
def test_what_only_looks_like_a_country_is_none(
    shipped: RuleSet, language: str, trap: str, code: str, named: str
) -> None:
    assert code not in about(shipped, trap, "", language)
    assert code in about(shipped, named, "", language)


def test_a_town_in_passing_is_a_mention(shipped: RuleSet) -> None:
    body = "Germany builds a bridge. Berlin pays for it. " + "The bridge is long and made of steel. " * 12
    tags = shipped.tag(make_article("A bridge in Germany", f"{body}A like one stands in Osaka.", "en"))
    assert [topic.code for topic in tags.topics] == ["DE"]
    assert [mention.code for mention in tags.mentions] == ["JP"]


def test_evidence_of_a_place_is_what_stands_in_the_text(shipped: RuleSet) -> None:
    article = make_article("", "В Лондоне и в Ливерпуле открыли мосты.", "ru")
    [topic] = shipped.tag(article).topics
    assert [item.text for item in topic.evidence] == ["Лондоне", "Ливерпуле"]
    assert all(slice_of(article, item) == item.text for item in topic.evidence)


def test_an_explanation_counts_places(shipped: RuleSet) -> None:
    article = make_article("", "Libraries close in Swansea and in Swindon.", "en")
    found = explain(shipped, article, "united-kingdom")
    assert found.verdict == "topic"
    assert {counted.evidence.text for counted in found.counted} == {"Swansea", "Swindon"}


def test_a_rule_may_leave_places_out() -> None:
    terms = (Term("Wales", "en"),)
    with_places = Rule("gb", scheme="iso3166", code="GB", terms=terms, mentions=True, places=True)
    without = Rule("gb", scheme="iso3166", code="GB", terms=terms, mentions=True)
    article = make_article("Libraries close in Swansea", "", "en")
    assert [topic.id for topic in RuleSet([with_places]).tag(article).topics] == ["gb"]
    assert RuleSet([without]).tag(article).topics == ()
    assert with_places.version() != without.version()


@pytest.mark.parametrize(
    ("language", "name", "forms", "others"),
    [
        ("ru", "москва", ("москвы", "москве"), ("москвариум",)),
        ("pl", "londyn", ("londynu", "londynie", "londynski"), ("londyneria",)),
        ("fi", "tampere", ("tampereen", "tampereella"), ("tamperelaistuminen",)),
        ("ko", "런던", ("런던에서", "런던은"), ("런던브리지파크",)),
    ],
)
def test_endings_go_by_language(language: str, name: str, forms: tuple[str, ...], others: tuple[str, ...]) -> None:
    stem = stem_of(name)
    own = name[len(stem) :]
    grammar = grammar_of(language)
    for form in forms:
        assert grammar.may_follow(form.removeprefix(stem), own), form
    for other in others:
        assert not grammar.may_follow(other.removeprefix(stem), own), other


def test_every_entry_can_be_read(shipped: RuleSet) -> None:
    found = shipped.places(shipped.scan(make_article("", "Cardiff", "en")))
    assert [name.place.country for name in found[0].names] == ["GB"]
    for term in gazetteer().terms():
        assert script_of(term.removesuffix("*")) is not None, term


def test_places_are_named_with_where_they_lie_and_that_of_the_dateline_apart(shipped: RuleSet) -> None:
    body = (
        "PARIS, Nov 3 (Wire) - The river rose in Lyon. In Texas, Houston was dry. London, Ontario is safe, as is Lyon."
    )
    article = make_article("Floods hit Marseille", body, "en")
    tags = shipped.tag(article)
    assert tags.dateline is not None
    assert (tags.dateline.name, tags.dateline.text, tags.dateline.country) == ("Paris", "PARIS", "FR")
    assert [(place.name, place.kind, place.country, place.subdivision) for place in tags.places] == [
        ("Marseille", "city", "FR", "93"),
        ("Lyon", "city", "FR", "84"),
        ("Texas", "subdivision", "US", None),
        ("Houston", "city", "US", "TX"),
        ("London", "city", "CA", "08"),
        ("Ontario", "subdivision", "CA", None),
    ]
    lyon = tags.places[1]
    assert (lyon.latitude, lyon.longitude) == (45.75, 4.85)
    for place in tags.places:
        spans = [getattr(article, span.field)[span.start : span.end] for span in place.spans]
        assert spans == [place.text] * len(spans)
    assert len(lyon.spans) == 2


@pytest.mark.parametrize(
    ("language", "text", "names"),
    [
        ("ru", "Пожар начался в Берлине и под Казанью", {"Берлине": "Berlin", "Казанью": "Kazan"}),
        ("ar", "التقى الوزير نظيره في بيروت وبغداد", {"بيروت": "Beirut", "بغداد": "Baghdad"}),
        ("zh", "柏林的市长访问了上海", {"柏林": "Berlin", "上海": "Shanghai"}),
        ("en", "Paris Hilton did not come", {}),
    ],
)
def test_places_have_their_english_names(shipped: RuleSet, language: str, text: str, names: dict[str, str]) -> None:
    places = shipped.tag(make_article(text, "", language)).places
    assert {place.text: place.name for place in places} == names


def test_evidence_says_what_kind_of_name_it_is(shipped: RuleSet) -> None:
    (topic, *_) = shipped.tag(make_article("Berlin and Chemnitz agree", "", "en")).topics
    assert [(each.text, getattr(each, "kind", None)) for each in topic.evidence] == [
        ("Berlin", None),
        ("Chemnitz", "city"),
    ]
