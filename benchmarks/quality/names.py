"""Every country by its names, in the forms that grammar gives them, through all shipped rules."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

from newsflow.tagging import RuleSet
from newsflow.tagging.forms import INFLECTED, OPEN, forms_language, inflect
from newsflow.tagging.lint import text_article
from newsflow.tagging.rule import LANGUAGES, Term, languages_searched
from newsflow.tagging.text import fold, unfolded

from .words import LIST_OF, SENTENCES

LEFT_OUT = {
    # Counts as an island alone: a reunion has no accent in capitals.
    *(("en", f"Réunion{behind}") for behind in ("", "'s", "’s", "-based")),
    # "Left-wing".
    ("he", "שמאלי"),
    # What happened, and not Hungarians.
    ("ar", "مجريات"),
}
"""Forms of names that are words, by language."""

Endings = tuple[tuple[str, str], ...]
"""An ending, and what stands in its place: the first that a name ends with decides."""

_SLAVIC_LATIN: Endings = (("ija", "ije iji iju"), ("ska", "ske"), ("a", "e"), ("o", "a u"), ("n", "nu na"), ("r", "ru"))
_ENDINGS: Mapping[str, Endings] = {
    "af": (("s", ""), ("", "")),
    "be": (("ія", "іі ію іяй"), ("н", "на ну")),
    "bs": _SLAVIC_LATIN, "hr": _SLAVIC_LATIN, "sl": (("ija", "ije iji ijo"), ("n", "na nu"), ("ska", "ske ski sko")),
    "cs": (("sko", "ska sku skem"), ("ie", "ii ií"), ("án", "ánu"), ("ina", "iny inu inou")),
    "da": (("land", "lands"), ("a", "as"), ("ien", "iens")), "no": (("land", "lands"), ("ia", "ias")),
    "sv": (("land", "lands"), ("ge", "ges"), ("ien", "iens")),
    "de": (("s", ""), ("z", ""), ("land", "lands"), ("ien", "iens"), ("an", "ans")),
    "el": (("ία", "ίας"), ("άν", ""), ("ιο", "ιου")),
    "et": (("ia", "ias iast iale iaga"), ("maa", "maal maalt"), ("aan", "aani aanis")),
    "fi": (("ia", "ian iassa iasta iaan"), ("maa", "maan maassa maahan"), ("nti", "nnin nnissa ntiin"),
           ("kki", "kin kissa"), ("kka", "kan kassa"), ("stan", "stanin stanissa stanista"), ("ja", "jan jassa jaan")),
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
    "az": "da dan", "en": "'s ’s -based", "eu": "n ko", "hy": "ում", "ja": "は の で", "ka": "ში", "kk": "да",
    "ko": "의 에서 는 을 은", "ky": "да", "mn": "д", "nl": "'s", "te": "లో", "tk": "da", "tr": "'da ’nın 'ya",
    "uz": "da", "zh": "的 人 和",
}  # fmt: skip
"""What may stand behind a name of a language."""
_BEFORE = {"ar": "و ب ل ك ف وب ول", "he": "ו ב ל מ ש וב ול שב", "fa": "و"}
_ELISIONS = {"fr": "l’ d’ l' qu’", "it": "l’ dell’ all' nell’", "ca": "d’ l’"}
_VOWELS = tuple("AEIOUÀÉÈÍÎÓÚÔÖaeiou")


@dataclass(frozen=True, slots=True)
class Name:
    """A form of a name in a sentence, whose it is, and what stands beside it because the name needs it."""

    language: str
    codes: frozenset[str]
    form: str
    needs: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        around = SENTENCES.get(LIST_OF.get(self.language, self.language), "x {} x").format(self.form)
        return " x ".join([around, *(need.replace("~", "") for need in self.needs)])


def problem(rules: RuleSet, name: Name) -> str:
    """What is wrong with the countries found for a name; empty where it is found, and nothing else."""
    found = _found(rules, name.text, name.language)
    if name.codes.isdisjoint(found):
        return "not found"
    others = found - name.codes
    if others and name.needs:
        others -= _found(rules, " x ".join(name.needs).replace("~", ""), name.language)
    return f"also {', '.join(sorted(others))}" if others else ""


def _found(rules: RuleSet, text: str, language: str) -> set[str]:
    return {match.code for match in rules.match(text_article(text, language)) if match.scheme == "iso3166"}


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
    yield from (name + behind for behind in _BEHIND.get(language, "").split())
    for ending, forms in _ENDINGS.get(language, ()):
        if name.endswith(ending):
            yield from (name[: len(name) - len(ending)] + form for form in forms.split())
            return


@cache
def names_of(language: str) -> dict[str, frozenset[str]]:
    """CLDR's names of countries in a language, and whose they are."""
    found: dict[str, set[str]] = {}
    for code, names in country_rules().cldr_names(language).items():
        for name in names:
            found.setdefault(name, set()).add(code)
    return {name: frozenset(codes) for name, codes in found.items()}


def country_rules() -> Any:
    """What makes the rules, beside a checkout: it has CLDR's names as they are looked for."""
    return importlib.import_module("tools.country_rules")


class _Terms:
    """Of all countries' rules: whose a name is in a language, or one that is searched with it, and what it needs."""

    def __init__(self, rules: RuleSet) -> None:
        self.countries = [item for item in rules.rules if item.scheme == "iso3166"]
        self._owners: dict[tuple[str, str], set[str]] = {}
        self._needs: dict[tuple[str, str], tuple[str, ...]] = {}
        for item in self.countries:
            for term in item.terms:
                key = term.language, fold(term.text.rstrip("~*"))
                self._owners.setdefault(key, set()).add(item.code)
                if term.needs:
                    self._needs[key] = term.needs[:1]

    def owners(self, language: str, *names: str) -> set[str]:
        keys = product(languages_searched(language), map(fold, names))
        return {code for key in keys for code in self._owners.get(key, ())}

    def needs(self, language: str, name: str) -> tuple[str, ...]:
        return self._needs.get((language, fold(name)), ())


def names(rules: RuleSet) -> Iterator[Name]:
    """Every name of CLDR in every language the rules carry, in the forms of its grammar; with what it needs."""
    all_terms = _Terms(rules)
    for language in sorted(LANGUAGES):
        for name, codes in names_of(language).items():
            owners, needs = codes | all_terms.owners(language, name), all_terms.needs(language, name)
            forms = dict.fromkeys(forms_of(name, language))
            yield from (Name(language, owners, form, needs) for form in forms if (language, form) not in LEFT_OUT)


def terms(rules: RuleSet) -> Iterator[Name]:
    """Every term of every country's rule, its adjectives, peoples, towns and leaders among them, in every form that the
    rules know. A form that is another country's name belongs to that one."""
    all_terms = _Terms(rules)
    for item in all_terms.countries:
        for term in item.terms:
            for form in spelt(term):
                if (term.language, form) not in LEFT_OUT:
                    owners = {item.code} | all_terms.owners(term.language, form, term.text.rstrip("~*"))
                    yield Name(term.language, frozenset(owners), form, term.needs[:1])


def spelt(term: Term) -> list[str]:
    """The forms of a term before any proclitic, as they are written."""
    language = forms_language(term.text, term.language)
    words = [_word_forms(word, language) for word in term.text.split()]
    return list(dict.fromkeys(" ".join(choice) for choice in product(*words)))


def _word_forms(word: str, language: str) -> list[str]:
    return inflect(word[:-1], language) if word.endswith(INFLECTED) else [word.removesuffix(OPEN)]
