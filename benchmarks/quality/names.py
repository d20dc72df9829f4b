"""Every country by its names, in the forms that grammar gives them, through all shipped rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product

from newsflow.tagging import RuleSet
from newsflow.tagging.forms import INFLECTED, OPEN, forms_language, inflect
from newsflow.tagging.lint import text_article
from newsflow.tagging.rule import LANGUAGES, Term
from newsflow.tagging.text import unfolded

from .words import SENTENCES

Endings = tuple[tuple[str, str], ...]
"""An ending, and what stands in its place: the first that a name ends with decides."""

_SLAVIC_LATIN: Endings = (("ija", "ije iji iju"), ("ska", "ske"), ("a", "e"), ("o", "a u"), ("n", "nu na"), ("r", "ru"))
_ENDINGS: Mapping[str, Endings] = {
    "af": (("s", ""), ("", "")),
    "be": (("ія", "іі ію іяй"), ("н", "на ну")),
    "bs": _SLAVIC_LATIN, "hr": _SLAVIC_LATIN, "sl": (("ija", "ije iji ijo"), ("n", "na nu"), ("ska", "ske ski sko")),
    "cs": (("sko", "ska sku skem"), ("ie", "ii ií"), ("án", "ánu"), ("ina", "iny inu inou")),
    "da": (("land", "lands"), ("a", "as"), ("ien", "iens")), "no": (("land", "lands"), ("ia", "ias")), "sv": (("land", "lands"), ("ge", "ges"), ("ien", "iens")),
    "de": (("s", ""), ("z", ""), ("land", "lands"), ("ien", "iens"), ("an", "ans")),
    "el": (("ία", "ίας"), ("άν", ""), ("ιο", "ιου")),
    "et": (("ia", "ias iast iale iaga"), ("maa", "maal maalt"), ("aan", "aani aanis")),
    "fi": (("ia", "ian iassa iasta iaan"), ("maa", "maan maassa maahan"), ("nti", "nnin nnissa ntiin"), ("kki", "kin kissa"),
           ("kka", "kan kassa"), ("stan", "stanin stanissa stanista"), ("ja", "jan jassa jaan")),
    "hu": (("ia", "iában iából iának iát"), ("ország", "országban országba országnak országot országgal"),
           ("án", "ánban ánból ánnal"), ("on", "onban")),
    "is": (("land", "lands landi"), ("ía", "íu")),
    "lt": (("ija", "ijos iją ijoje ijai"), ("as", "o ą ui e"), ("is", "io į")),
    "lv": (("ija", "ijas iju ijā ijai"), ("āna", "ānas ānu ānā"), ("ka", "kas ku kā")),
    "pl": (("nia", "nii nię nią"), ("ria", "rii rię rią"), ("cja", "cji cję cją"), ("sja", "sji sję sją"),
           ("an", "anu anie anem"), ("ia", "ii ię ią"), ("ina", "iny inę inie")),
    "ro": (("ia", "iei"), ("a", "ei")),
    "ru": (("ия", "ии ию ией"), ("ан", "ана ану аном ане"), ("ина", "ины ине ину иной"), ("да", "ды де ду дой")),
    "sk": (("sko", "ska sku skom"), ("án", "ánu áne"), ("ia", "ie ii iu iou")),
    "sq": (("i", "ia isë inë"),),
    "sr": (("ија", "ије ији ију"), ("н", "на ну")),
    "uk": (("ія", "ії ію ією"), ("ан", "ану аном ані"), ("їна", "їни їні їну їною")),
}  # fmt: skip
_BEHIND = {
    "az": "da dan", "en": "'s ’s -based", "eu": "n ko", "hy": "ում", "ja": "は の で", "ka": "ში", "kk": "да",     "ko": "의 에서 는 을 은", "ky": "да", "mn": "д", "te": "లో", "tk": "da", "tr": "'da ’nın 'ya -", "uz": "da", "zh": "的 人 和",
    "nl": "'s",
}  # fmt: skip
"""What may stand behind a name of a language."""
_BEFORE = {"ar": "و ب ل ك ف وب ول", "he": "ו ב ל מ ש וב ול שב", "fa": "و"}
_ELISIONS = {"fr": "l’ d’ l' qu’", "it": "l’ dell’ all' nell’", "ca": "d’ l’"}
_VOWELS = tuple("AEIOUÀÉÈÍÎÓÚÔÖaeiou")


@dataclass(frozen=True, slots=True)
class Name:
    """A name in a form, in a sentence, and the countries of that name."""

    language: str
    codes: frozenset[str]
    form: str
    text: str


def forms_of(name: str, language: str) -> Iterator[str]:
    """A name as it stands in texts, itself first; written here apart from the tables of `newsflow.tagging`."""
    yield name
    one_word = len(unfolded(name).split()) == 1
    if language == "ar" and one_word:
        for before in _BEFORE["ar"].split():
            merged = before.endswith("ل") and name.startswith("ال")
            yield f"{before}{name[1:] if merged else name}" if not merged or name[2:3] != "ل" else f"{before}{name[2:]}"
    elif one_word or language in ("fr", "it", "ca"):
        yield from (before + name for before in _BEFORE.get(language, "").split())
        if name.startswith(_VOWELS):
            yield from (before + name for before in _ELISIONS.get(language, "").split())
    if not one_word:
        return
    if name[-1:].isalpha() or unfolded(name[-1:]):
        yield from (name + behind.replace("-", "") if behind == "-" else name + behind for behind in _BEHIND.get(language, "").split())
    for ending, forms in _ENDINGS.get(language, ()):
        if name.endswith(ending):
            yield from (name[: len(name) - len(ending)] + form for form in forms.split())
            return


def sentence(form: str, language: str) -> str:
    """A form within a sentence of its language, where we have one: what stands around must name nothing."""
    return SENTENCES.get(language, "x {} x").format(form)


@cache
def names_of(language: str) -> dict[str, frozenset[str]]:
    """CLDR's names of countries in a language, and whose they are."""
    from tools.country_rules import cldr_names

    found: dict[str, set[str]] = {}
    for code, names in cldr_names(language).items():
        for name in names:
            found.setdefault(name, set()).add(code)
    return {name: frozenset(codes) for name, codes in found.items()}


def names() -> Iterator[Name]:
    """Every name of every country in every language the rules carry, in all its forms."""
    for language in sorted(LANGUAGES):
        for name, codes in names_of(language).items():
            for form in forms_of(name, language):
                yield Name(language, codes, form, sentence(form, language))


def found_in(rules: RuleSet, text: str, language: str) -> set[str]:
    return {match.code for match in rules.match(text_article(text, language)) if match.scheme == "iso3166"}


def terms(rules: RuleSet) -> Iterator[Name]:
    """Every term of every country's rule in every form, beside a word that it needs."""
    for item in rules.rules:
        for term in item.terms if item.scheme == "iso3166" else ():
            for form in spelt(term):
                text = sentence(form, term.language) + "".join(f" x {need.replace('~', '')}" for need in term.needs[:1])
                yield Name(term.language, frozenset({item.code}), form, text)


def spelt(term: Term) -> list[str]:
    """The forms of a term before any proclitic, as they are written."""
    language = forms_language(term.text, term.language)
    words = [written(word, language) for word in term.text.split()]
    return list(dict.fromkeys(" ".join(choice) for choice in product(*words)))


def written(word: str, language: str) -> list[str]:
    return inflect(word[:-1], language) if word.endswith(INFLECTED) else [word.removesuffix(OPEN)]
