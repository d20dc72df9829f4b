"""How a name of a place may stand in a text: its script, its stem, and what grammar puts before and behind it."""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from itertools import product

from newsflow.tagging.text import UNBROKEN, fold, kind_of


class Script(Enum):
    """A way of writing names: it says how they are looked for."""

    LATIN = "latin"
    """With a capital; exactly, or by the stem in languages with cases."""
    CASED = "cased"
    """Cyrillic, Greek, Armenian: with a capital, by the stem."""
    ATTACHED = "attached"
    """Arabic, Hebrew, Ethiopic: no capitals; small words are written in front of a name, endings behind."""
    OPEN = "open"
    """Other scripts that part words: no capitals, by the stem."""
    UNBROKEN = "unbroken"
    """Scripts that do not part words."""


_RANGES = (
    (0x0000, 0x02BF, Script.LATIN),
    (0x0370, 0x058F, Script.CASED),
    (0x0590, 0x08FF, Script.ATTACHED),
    (0x0900, 0x0DFF, Script.OPEN),
    (0x10A0, 0x11FF, Script.OPEN),
    (0x1200, 0x139F, Script.ATTACHED),
    (0x1E00, 0x1EFF, Script.LATIN),
    (0x1F00, 0x1FFF, Script.CASED),
    (0x30A0, 0x30FF, Script.OPEN),
    (0xAC00, 0xD7A3, Script.OPEN),
)


@lru_cache(maxsize=4096)
def _script_of_letter(char: str) -> Script | None:
    code = ord(char)
    if kind_of(code) == UNBROKEN:
        return Script.UNBROKEN
    return next((script for low, high, script in _RANGES if low <= code <= high), None)


@lru_cache(maxsize=16_384)
def script_of(name: str) -> Script | None:
    """The script of a name; None where it is of two, or of one that we do not read."""
    found = {_script_of_letter(char) for char in name if char.isalpha()}
    if found == {Script.OPEN, Script.UNBROKEN}:  # Japanese
        return Script.UNBROKEN
    return found.pop() if len(found) == 1 else None


_LEAST_STEM = 4
_VOWELS = frozenset("aeiouyаеиоуыьйяюіїёαεηιουω்িีीाુાి")
"""What gives way to endings, at the end of a name."""


def stem_of(name: str) -> str:
    """What of a folded name stays in all its forms."""
    return name[:-1] if len(name.rpartition(" ")[2]) > _LEAST_STEM and name[-1] in _VOWELS else name


_RU = "а у ом ем е ы и я ю ью ой ою ей ею ам ах ами ям ях ями ого ому ым их ая ую ое"
_UK = "а у ом ем і ї и я ю ою ею єю ові еві ам ах ами ям ях ями ого ому им ій ої є"
_WEST = "a e i o u y ie em om ou owi iem ach ech ami ia iu ii io ą ę ej ovi im ym ego emu ich ych ů ze se ce dze"
_SOUTH = "a e i o u om em ju ja jem je jo ji ima ama og oj im ih ov ova ove ovi ina"
_FINNISH = (
    "n ssa ssä sta stä an än en in on un yn ön lla llä lta ltä lle ksi na nä a ä ta tä tta ttä tten ia "
    "iin iä nsa issa ista essa esta een ella elta elle illa ille illä ilta iltä i hin han hen hon hun"
)
_HUNGARIAN = (
    "ban ben bol ből ba be on en ön n nak nek t at et ot öt i ra re rol ről tol től hoz hez höz nal nél "
    "val vel ig ert iak aban eben abol ebol aba ebe an anak enek ara ere arol erol atol etol ahoz ehez "
    "anal enel aval evel aig eig ai ei"
)
_TURKIC = (
    "da də de dan dən den ta tə tan tən a ə e ya yə ye nın nin nun nün in un ın ün ı i u ü ni nı nu nü lı "
    "li lu lü dakı dəki nda nde ndan nden na nə si sı"
)
_KAZAKH = (
    "да де та те дан ден тан тен ға ге қа ке га ка нан нен ның нің дың дің тың тің нын нин дын дин тын "
    "тин ды ді ты ті ны ні дагы деги дағы дегі тағы тегі лык лик лық лік"
)
_GREEK = "ο ου ον ος α ας αν η ης ην ι ιου υ ες ων ους"
_ROMANIAN = "ul ului ei ii a i e lui"
_KOREAN = (
    "에 에서 의 은 는 이 가 을 를 과 와 도 로 으로 시 주 시의 주의 "
    "시에서 주에서 시는 에는 에선 까지 부터 인 산 발 과의 와의 에도 라는 이라는 시에 주에 시장 시민"
)
_BENGALI = "র ের ে এ তে য় য়ে য়ের কে রা ও েও েই েরই"
_ENDINGS = {
    **dict.fromkeys(("ru", "be"), _RU), "uk": _UK, **dict.fromkeys(("bg", "mk"), "та то ят ът а я те у и"),
    **dict.fromkeys(("pl", "cs", "sk"), _WEST), **dict.fromkeys(("hr", "bs", "sl"), _SOUTH),
    "sr": f"{_SOUTH} а е и о у ом ем ју ја јем је јо ји ов ова ове",
    **dict.fromkeys(("fi", "et"), _FINNISH), "hu": _HUNGARIAN, **dict.fromkeys(("az", "uz", "tk"), _TURKIC),
    **dict.fromkeys(("kk", "ky"), _KAZAKH), "el": _GREEK, "ro": _ROMANIAN, "ko": _KOREAN, "bn": _BENGALI,
    **dict.fromkeys(("de", "nl", "sv", "da", "no", "en"), "s"), "lt": "o e a i u as is us ui uje oje ą ę į ų iui io",
    "lv": "a e i u as es is us ā ē ī ū ai ei im am", "eu": "n ko ra tik en eko an", "sq": "i e a it in s",
    "ckb": "ي دا ه كه ش يش وه هوه دان يه", "fa": "ي ها هاي", "am": "ን ና ም ው", "ur": "ي", "hi": "", "sw": "",
}  # fmt: skip
_ADJECTIVES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("ru", "be", "bg", "mk"), ("ск",)),
    **dict.fromkeys(("pl", "cs", "sk", "hr", "bs", "sl"), ("sk",)),
    "uk": ("ськ",),
    "sr": ("ск", "sk"),
}
"""How an adjective made of a name goes on."""
_ANY = frozenset(("ta", "te", "kn", "ml", "mr", "ne", "gu", "ka", "hy"))
"""Languages with more endings than a list can hold."""
_MOST_ENDING = 7

_ARABIC_BEFORE = tuple(map("".join, product(("", "و", "ف"), ("", "ب", "ل", "ك"))))
_HEBREW_BEFORE = tuple("".join(parts) for parts in product(("", "ו"), ("", "ש", "כש"), ("", *"בלמכ"), ("", "ה")))
_BEFORE = {
    "ar": frozenset(_ARABIC_BEFORE),
    "he": frozenset(_HEBREW_BEFORE),
    "am": frozenset(("", *"በየለከና", "ስለ", "እና", "የበ", "ወደ")),
    "ckb": frozenset(("", "و", "ل", "له")),
}
_NOTHING = frozenset(("",))


def unchanged(own: str) -> tuple[str, str]:
    """How a name that goes on as `own` may do so where names stay as they are, but for an `s`."""
    return own, f"{own}s"


class Grammar:
    """What may stand around a name in the articles of one language."""

    def __init__(self, language: str) -> None:
        self.before = _BEFORE.get(language, _NOTHING | {"و"})
        self.endings = frozenset(fold(ending).strip() for ending in _ENDINGS.get(language, "").split()) | {""}
        self.adjectives = _ADJECTIVES.get(language, ())
        self.any_ending = language in _ANY
        self.exact = not scripts_of(language)

    def may_follow(self, rest: str, own: str) -> bool:
        """Whether what stands behind a stem in its word, `rest`, is an ending of a name that goes on as `own`."""
        if self.exact:
            return rest in unchanged(own)
        if rest == own or (rest and (rest in self.endings or (own and rest.removeprefix(own) in self.endings))):
            return True
        if len(rest) > _MOST_ENDING:
            return False
        return self.any_ending or bool(self.adjectives and rest.startswith(self.adjectives))


@lru_cache(maxsize=256)
def grammar_of(language: str) -> Grammar:
    return Grammar(language)


_EXACT = "en fr es it pt ca gl id ms vi sw fil de nl sv da no tr cy ga so ha yo zu"
_LATIN_FORMS = "pl cs sk sl hr bs hu fi et lt lv ro az sq eu is"
_CASED = "ru uk be bg mk kk ky mn el hy tg tt"
_ATTACHED = "ar fa ur ckb ps ug sd he am ti"
_UNBROKEN = "zh ja th lo km my"
_OPEN = "hi mr ne bn ta te kn ml gu pa ka ko"
_SCRIPTS: dict[str, frozenset[Script]] = {
    **dict.fromkeys(_EXACT.split(), frozenset()),
    **dict.fromkeys(_LATIN_FORMS.split(), frozenset((Script.LATIN,))),
    **dict.fromkeys(_CASED.split(), frozenset((Script.CASED,))),
    **dict.fromkeys(_ATTACHED.split(), frozenset((Script.ATTACHED,))),
    **dict.fromkeys(_UNBROKEN.split(), frozenset((Script.UNBROKEN, Script.OPEN))),
    **dict.fromkeys(_OPEN.split(), frozenset((Script.OPEN,))),
    "sr": frozenset((Script.LATIN, Script.CASED)),
}


def scripts_of(language: str) -> frozenset[Script]:
    """The scripts of names in a language that has forms; none where names of Latin letters stay as they are, but for an
    `s`. Every one for a language that we do not know."""
    return _SCRIPTS.get(language, _EVERY)


_EVERY = frozenset(Script)


_AT_HOME = {
    "am": "ET", "ar": "AE BH DZ EG IQ JO KW LB LY MA MR OM PS QA SA SD SY TN YE", "az": "AZ IR", "be": "BY", "bg": "BG",
    "bn": "BD IN", "bs": "BA", "ckb": "IQ IR", "cs": "CZ", "el": "CY GR", "et": "EE", "eu": "ES", "fa": "AF IR",
    "fi": "FI", "gu": "IN", "he": "IL", "hi": "IN", "hr": "BA HR", "hu": "HU", "hy": "AM", "is": "IS", "ja": "JP",
    "ka": "GE", "kk": "KZ", "km": "KH", "kn": "IN", "ko": "KP KR", "ky": "KG", "lo": "LA", "lt": "LT", "lv": "LV",
    "mk": "MK", "ml": "IN", "mn": "MN", "mr": "IN", "my": "MM", "ne": "NP", "pa": "IN PK", "pl": "PL", "ps": "AF PK",
    "ro": "MD RO", "ru": "BY KG KZ RU", "sd": "PK", "sk": "SK", "sl": "SI", "sq": "AL XK", "sr": "BA ME RS",
    "ta": "IN LK", "te": "IN", "tg": "TJ", "th": "TH", "ti": "ER ET", "tt": "RU", "ug": "CN", "uk": "UA", "ur": "IN PK",
    "uz": "UZ", "zh": "CN HK MO SG TW",
}  # fmt: skip


def is_as_at_home(language: str, country: str) -> bool:
    """Whether the towns of a country are called in a language as at home: it leaves names as they are, or is spoken
    there."""
    return not scripts_of(language) or country in _AT_HOME.get(language, "")
