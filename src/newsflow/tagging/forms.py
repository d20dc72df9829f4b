"""The written forms of a term in a language: proclitics, endings and plurals, expanded when rules are built.

A form is a folded pattern with a space before it (see `newsflow.tagging.text`), one after it unless anything may
follow, and the length of the proclitic that is not part of what is shown as evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from newsflow.model.languages import primary_subtag
from newsflow.tagging.text import fold, fold_cased

# Regular endings of a word marked `~`, by language. Plain tables: no dictionary, no guess beyond the ending.


_ARABIC_ENDINGS = ("", "ة", "ا", "ان", "ون", "ين", "ات", "تان", "تين", "و", "تي", "اتي", "ته", "تها", "تهم")
_RU_HARD_STEMS = "гкхжшчщ"


def _join(stem: str, endings: str) -> list[str]:
    """Stem with each of the endings, written with spaces between; `-` is none."""
    return [stem + ("" if ending == "-" else ending) for ending in endings.split()]


def _arabic(word: str) -> list[str]:
    if word.endswith("ة"):
        return [
            word,
            word[:-1] + "ات",
            word[:-1] + "تين",
            word[:-1] + "تان",
            *(word[:-1] + "ت" + s for s in ("ه", "ها", "هم", "نا")),
        ]
    return [word + ending for ending in _ARABIC_ENDINGS]


def _english(word: str) -> list[str]:
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return [word, word + "es"]
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return [word, word[:-1] + "ies"]
    return [word, word + "s"]


def _french(word: str) -> list[str]:
    if word.endswith(("ien", "yen", "éen", "en")):
        return _join(word, "- s ne nes")
    if word.endswith("e"):
        return _join(word, "- s")
    if word.endswith(("s", "x")):
        return _join(word, "- e es")
    if word.endswith("al"):
        return [word, word + "e", word + "es", word[:-1] + "ux", word + "s"]
    if word.endswith("if"):
        return [word, word + "s", word[:-1] + "ve", word[:-1] + "ves"]
    if word.endswith("c"):
        return [word, word + "s", word[:-1] + "que", word[:-1] + "ques"]
    return _join(word, "- s e es")


def _russian(word: str) -> list[str]:
    for ending, forms in _RU_ENDINGS:
        if word.endswith(ending):
            return _join(word[: len(word) - len(ending)], forms)
    if word.endswith(("оа", "уа", "еа", "аа", "иа")):
        return [word]
    if word.endswith("а"):
        return _join(word[:-1], "а и е у ой ою" if word[-2:-1] in _RU_HARD_STEMS else "а ы е у ой ою -")
    if word.endswith("я"):
        return _join(word[:-1], "я и е ю ей ею")
    if word.endswith(("о", "е", "у", "э", "ю")):
        return [word]
    if word.endswith(("ы", "и")):
        return _join(word[:-1], "ы - ов ам ами ах") if word[-1] == "ы" else [word]
    plural = "и" if word[-1:] in _RU_HARD_STEMS else "ы"
    return _join(word, f"- а у ом ем е {plural} ов ам ами ах")


_RU_ADJECTIVE = "ий ого ому им ом ая ой ую ою ое ие их ими"
_RU_ENDINGS = (
    ("ский", "ский ского скому ским ском ская ской скую скою ское ские ских скими"),
    ("цкий", "цкий цкого цкому цким цком цкая цкой цкую цкое цкие цких цкими"),
    ("кий", "кий кого кому ким ком кая кой кую кое кие ких кими"),
    ("ний", "ний него нему ним нем няя ней нюю нее ние них ними"),
    ("ый", "ый ого ому ым ом ая ой ую ое ые ых ыми"),
    ("ой", "ой ого ому ым им ом ая ую ое ые ие ых их ыми ими"),
    ("ая", "ая ой ую ою"),
    ("ое", "ое ого ому ым ом"),
    ("ые", "ые ых ым ыми"),
    ("ие", "ие ия ию ием ии ий иям иями иях их им ими"),
    ("ия", "ия ии ию ией иею"),
    ("ья", "ья ьи ью ье ьей"),
    ("ай", "ай ая аю аем ае"),
    ("ей", "ей ея ею еем ее"),
    ("анин", "анин анина анину анином анине ане ан анам анами анах"),
    ("янин", "янин янина янину янином янине яне ян янам янами янах"),
    ("инец", "инец инца инцу инцем инце инцы инцев инцам инцами инцах"),
    ("ец", "ец ца цу цем цом це цы цев цов цам цами цах"),
    ("ка", "ка ки ке ку кой кою"),
    ("ь", "ь я ю ем е и ью ей ям ями ях"),
)


def _ukrainian(word: str) -> list[str]:
    for ending, forms in _UK_ENDINGS:
        if word.endswith(ending):
            return _join(word[: len(word) - len(ending)], forms)
    if word.endswith("а"):
        return _join(word[:-1], "а и і у ою о -")
    if word.endswith(("о", "е", "у", "і", "ю")):
        return [word]
    if word.endswith("и"):
        return _join(word[:-1], "и - ів ам ами ах")
    return _join(word, "- а у ом ові і ем и ів ам ами ах")


_UK_ENDINGS = (
    ("ський", "ський ського ському ським ська ської ській ську ською ське ські ських ськими"),
    ("цький", "цький цького цькому цьким цька цької цькій цьку цькою цьке цькі цьких цькими"),
    ("ий", "ий ого ому им а ої ій у ою е і их ими"),
    ("ія", "ія ії ію ією"),
    ("ка", "ка ки ці ку кою кої кій"),
    ("на", "на ни ну ною ної ній ні"),
    ("ені", "ені ених еним еними"),
    ("га", "га ги зі гу гою"),
    ("ай", "ай аю ая аєм ає аї"),
    ("ща", "ща щі щу щею"),
    ("ець", "ець ця цю цем ці ців цям цями цях цеві"),
    ("ь", "ь я ю ем і ю лю еві ей ям"),
    ("ея", "ея еї ею еєю"),
    ("я", "я і ю ею ї єю"),
)


def _polish(word: str) -> list[str]:
    for ending, forms in _PL_ENDINGS:
        if word.endswith(ending):
            return _join(word[: len(word) - len(ending)], forms)
    if word.endswith("a"):
        return _join(word[:-1], "a y ę ie ą o")
    if word.endswith(("o", "e", "i", "u")):
        return [word]
    if word.endswith("y"):
        return _join(word[:-1], "y - ów om ami ach ech")
    return _join(word, "- u owi em ie a y")


_PL_ENDINGS = (
    ("ski", "ski skiego skiemu skim ska skiej ską skie skich skimi scy sko"),
    ("cki", "cki ckiego ckiemu ckim cka ckiej cką ckie ckich ckimi ccy cko"),
    ("zki", "zki zkiego zkiemu zkim zka zkiej zką zkie zkich zkimi zcy"),
    ("ska", "ska ski sce skę ską skiej sko"),
    ("nia", "nia nii ni nię nią nio"),
    ("sja", "sja sji sję sją"),
    ("cja", "cja cji cję cją"),
    ("zja", "zja zji zję zją"),
    ("ja", "ja ji ję ją jo"),
    ("ia", "ia ii ię ią i"),
    ("yka", "yka yki yce ykę yką"),
    ("ka", "ka ki kiej ce kę ką"),
    ("wa", "wa wy wej wie wę wą"),
    ("na", "na ny nej nie nę ną"),
    ("one", "one onych onym onymi"),
    ("ga", "ga gi dze gę gą"),
    ("da", "da dy dzie dę dą"),
    ("ra", "ra ry rze rę rą"),
    ("ta", "ta ty cie tę tą"),
    ("la", "la li lę lą"),
    ("in", "in ina inie inem inowi iny inu"),
    ("k", "k ku kowi kiem ka"),
    ("g", "g gu gowi giem"),
    ("r", "r ru rowi rem rze"),
    ("n", "n nu nowi nem nie"),
    ("l", "l lu lowi lem la"),
    ("cy", "cy czech ców com cami"),
    ("chy", "chy szech ch chom chami"),
    ("gry", "gry grzech gier grom grami"),
    ("ny", "ny nie n nów nom nami nach"),
)


def _czech(word: str) -> list[str]:
    """Czech, Slovak and the South Slavic languages in Latin script share most of these."""
    for ending, forms in _CS_ENDINGS:
        if word.endswith(ending):
            return _join(word[: len(word) - len(ending)], forms)
    if word.endswith("a"):
        return _join(word[:-1], "a y e i u ou o ě om")
    if word.endswith("o"):
        return _join(word[:-1], "o a u em e om ě")
    if word.endswith("e"):
        return _join(word[:-1], "e i í u em om a")
    if word.endswith(("y", "i", "u", "í")):
        return [word]
    return _join(word, "- u e ě em om a ovi y i")


_CS_ENDINGS = (
    ("á", "á é ou"),
    ("ský", "ský ského skému ským ském ská skou ské ských skými ští"),
    ("ski", "ski skega skemu skem skim ska ske sko skih skimi skom skog"),
    ("cký", "cký ckého ckému ckým ckém cká ckou cké ckých ckými"),
    ("sko", "sko ska sku skem skom"),
    ("ska", "ska ske ski sko skou sku sce ské skoj skom skem"),
    ("cko", "cko cka cku ckem ckom"),
    ("ia", "ia ie ii iu iou i io"),
    ("ie", "ie ii í i ií"),
    ("ija", "ija ije iji ijo iju ijom"),
    ("ka", "ka ky ce ku kou ko ke"),
    ("ra", "ra ry re ri ru rou rě ře ro"),
)


def _serbian(word: str) -> list[str]:
    if word.isascii() or "a" <= word[-1:] <= "z":
        return _czech(word)
    for ending, forms in (("ија", "ија ије ији ију ијом ијо"), ("ска", "ска ске ској ску ском"), ("а", "а е и у ом о")):
        if word.endswith(ending):
            return _join(word[: len(word) - len(ending)], forms)
    return [word] if word[-1:] in "оеиу" else _join(word, "- а у ом ем е")


def _bulgarian(word: str) -> list[str]:
    """Bulgarian and Macedonian adjectives; names do not change."""
    if word.endswith("ски"):
        return _join(word[:-3], "ски ския ският ска ската ско ското ските")
    return [word]


def _german(word: str) -> list[str]:
    if word.endswith("sch"):
        return _join(word, "- e er es en em")
    if word.endswith("er"):
        return _join(word, "- n s in innen")
    if word.endswith("e"):
        return _join(word, "- n s")
    return _join(word, "- s es")


def _romance(word: str) -> list[str]:
    if word.endswith("o"):
        return _join(word[:-1], "o a os as i e he hi")
    if word.endswith("s") and len(word) > 4:
        return [word, word[:-1] + "sa", word[:-1] + "sas", word[:-1] + "ses", word + "es"]
    return _join(word, "- s es")


def _turkish(word: str) -> list[str]:
    """Case endings of a name, with the apostrophe the tokeniser cuts at, need none here; of a noun, the common ones."""
    return _join(
        word, "- ler lar leri ları nin nın nun nün in ın un ün de da te ta den dan ten tan ye ya e a yi yı i ı"
    )


_KOREAN_PARTICLES = (
    "- 은 는 이 가 을 를 의 에 에서 에게 로 으로 와 과 도 만 까지 부터 에도 에는 에서는 에서도 에선 이다 "
    "라는 인 산 계 군 와의 과의 로부터 으로부터 이나 나 처럼 보다 측 와도 과도"
)


def _korean(word: str) -> list[str]:
    return _join(word, _KOREAN_PARTICLES)


_LANGUAGES: dict[str, Callable[[str], list[str]]] = {
    "ar": _arabic, "en": _english, "fr": _french, "ru": _russian, "be": _russian, "uk": _ukrainian, "pl": _polish,
    "cs": _czech, "sk": _czech, "sl": _czech, "hr": _czech, "bs": _czech, "sr": _serbian, "bg": _bulgarian,
    "mk": _bulgarian, "de": _german, "es": _romance, "it": _romance, "pt": _romance, "tr": _turkish, "ko": _korean,
}  # fmt: skip

LANGUAGES = frozenset(_LANGUAGES)
"""Languages for which `~` has a table."""


def inflect(word: str, language: str) -> list[str]:
    """The forms of a word, itself among them, without repeats. A language without a table gives the word alone."""
    forms = _LANGUAGES[language](word) if language in _LANGUAGES and word else [word]
    return list(dict.fromkeys(form for form in [word, *forms] if form))


class Form(NamedTuple):
    """One written form. `skip` counts folded characters of a proclitic; `capitals` are places that must be upper case,
    counted from the pattern's start."""

    pattern: str
    skip: int
    capitals: tuple[int, ...]


INFLECTED, OPEN = "~", "*"
WITH_PROCLITICS = frozenset(("ar", "fa", "he"))

_ARABIC_CONJUNCTIONS = ("", "و", "ف")
_ARABIC_PREPOSITIONS = ("", "ب", "ل", "ك")
_PERSIAN_PROCLITICS = ("", "و", "ب", "به")
_HEBREW_PROCLITICS = tuple(
    dict.fromkeys(
        conjunction + subordinate + preposition
        for conjunction, subordinate, preposition in product(
            ("", "ו"), ("", "ש", "כש"), ("", "ה", "ב", "ל", "מ", "כ", "מה")
        )
    )
)


@lru_cache(maxsize=65536)
def _arabic_proclitics(word: str, has_article: bool) -> tuple[tuple[str, int], ...]:
    """(form, skip) for a folded Arabic word: conjunction, preposition and article; the article merges with l-.

    `has_article`: the word was written with one, so it is not looked for without.
    """
    bare = word[2:] if has_article else word
    forms: dict[str, int] = {}
    for conjunction, preposition in product(_ARABIC_CONJUNCTIONS, _ARABIC_PREPOSITIONS):
        if not has_article:
            forms.setdefault(conjunction + preposition + bare, len(conjunction + preposition))
        if preposition == "ل":
            merged = "ل" + bare if bare.startswith("ل") else "لل" + bare
            forms.setdefault(conjunction + merged, len(conjunction))
        else:
            forms.setdefault(f"{conjunction}{preposition}ال{bare}", len(conjunction + preposition))
    return tuple(forms.items())


def _with_proclitics(word: str, language: str, has_article: bool) -> tuple[tuple[str, int], ...]:
    """(form, length of what precedes the word) of the first word of a term."""
    if language == "ar":
        return _arabic_proclitics(word, has_article)
    if language == "he":
        return tuple((clitic + word, len(clitic)) for clitic in _HEBREW_PROCLITICS)
    return tuple((clitic + word, len(clitic)) for clitic in _PERSIAN_PROCLITICS)


def _word_forms(word: str, language: str) -> list[str]:
    """Cased, folded forms of one written word; a trailing `*` stays as the mark of an open end."""
    if word.endswith(INFLECTED):
        return inflect(word[:-1], language)
    return [word]


def _folded(word: str) -> str:
    """The folded word, cased, with inner spaces where it holds several tokens."""
    open_end = OPEN if word.endswith(OPEN) else ""
    return fold_cased(word.removesuffix(OPEN)).strip() + open_end


def spellings(term: str, language: str) -> list[str]:
    """The inflected spellings of a term, folded and cased, before any proclitic. A lone "&" is no word of it."""
    words = [[_folded(form) for form in _word_forms(word, language)] for word in term.split()]
    words = [[form for form in forms if form] for forms in words if any(forms)]
    return list(dict.fromkeys(" ".join(choice) for choice in product(*words)))


_SCRIPTS = (
    ("ar", "\u0600", "\u06ff"),
    ("he", "\u0590", "\u05ff"),
    ("ru", "\u0400", "\u04ff"),
    ("ko", "\uac00", "\ud7a3"),
)


def forms_language(term: str, language: str) -> str:
    """The language whose forms a term takes: its own, else the one its script suggests."""
    if language:
        return primary_subtag(language)
    letter = next((char for char in term if char.isalpha()), "")
    return next((code for code, low, high in _SCRIPTS if low <= letter <= high), "en")


def expand(term: str, language: str, *, case: bool = True, bare: bool = False) -> Iterator[Form]:
    """All forms of a term. `case` false ignores its capitals, `bare` leaves proclitics out."""
    # Told from the spelling: folded, "ألمانيا" would begin like an article too.
    has_article = language == "ar" and term.startswith("ال") and len(term.split()[0]) > 4
    for spelling in spellings(term, language):
        open_end = spelling.endswith(OPEN)
        cased = spelling.removesuffix(OPEN)
        lower = cased.casefold()
        capitals: tuple[int, ...] = ()
        if case and lower != cased:
            capitals = tuple(i + 1 for i, char in enumerate(cased) if char.isupper())
        tail = "" if open_end else " "
        if bare or language not in WITH_PROCLITICS:
            yield Form(f" {lower}{tail}", 0, capitals)
            continue
        first, space, rest = lower.partition(" ")
        for form, skip in _with_proclitics(first, language, has_article):
            yield Form(f" {form}{space}{rest}{tail}", skip, capitals if not skip else ())


def has_word(term: str) -> bool:
    """Whether anything of a term is left once folded."""
    return bool(fold(term.replace(INFLECTED, "").replace(OPEN, "")).strip())
