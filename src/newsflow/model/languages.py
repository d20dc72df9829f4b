"""Language tags (BCP 47): the language a tag names, the codes that name one language, and close relatives."""

from __future__ import annotations

import difflib
import re

_TAG = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?![^_-])")

SAME_LANGUAGE = {"nb": "no", "nn": "no", "iw": "he", "in": "id", "arz": "ar", "ary": "ar", "sh": "sr"}
"""Withdrawn codes, written standards and dialects, and the code we use for their language."""

COVERED_BY = {
    "tl": "fil", "arb": "ar", "apc": "ar", "prs": "fa", "pes": "fa", "ku": "ckb", "azj": "az", "cmn": "zh", "yue": "zh",
    "cnr": "sr", "ekk": "et", "zsm": "ms", "pnb": "ur",
}  # fmt: skip
"""Languages that we have no words for, and the one whose words serve them."""

_TWO_LETTERS = (
    "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo "
    "es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka "
    "kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng "
    "nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su "
    "sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu"
)
"""ISO 639-1."""
_THREE_LETTERS = "arc bem bho ceb chr ckb crs fil haw hmn kha lif mfe nqo nso pnb sco shi skr syr war"

CODES = frozenset(f"{_TWO_LETTERS} {_THREE_LETTERS}".split()) | SAME_LANGUAGE.keys() | COVERED_BY.keys()
"""Every code that the language of an article may be, besides `und`."""

_NAMES = {
    "arabic": "ar", "bengali": "bn", "chinese": "zh", "dutch": "nl", "english": "en", "french": "fr", "german": "de",
    "greek": "el", "hebrew": "he", "hindi": "hi", "indonesian": "id", "italian": "it", "japanese": "ja", "korean": "ko",
    "kurdish": "ku", "persian": "fa", "polish": "pl", "portuguese": "pt", "russian": "ru", "spanish": "es",
    "swedish": "sv", "turkish": "tr", "ukrainian": "uk", "urdu": "ur",
}  # fmt: skip

OTHER_CODE = {"no": "nb"}
"""Codes under which CLDR and word lists file a language that we call otherwise."""

SERBO_CROATIAN = frozenset({"bs", "hr", "sr"})
MALAY = frozenset({"id", "ms"})

RIGHT_TO_LEFT = frozenset({"ar", "arc", "ckb", "dv", "fa", "he", "ks", "nqo", "ps", "sd", "syr", "ug", "ur", "yi"})


def primary_subtag(tag: str) -> str:
    """What stands before the first hyphen (or underscore) in lower case, unchecked: `pt` for `pt-BR` and `pt_BR`."""
    return tag.replace("_", "-").partition("-")[0].lower()


def base_language(tag: str) -> str:
    """`pt` for `pt-BR`, `und` for what is not a language tag."""
    return primary_subtag(tag) if _LANGUAGE.match(tag) else "und"


def tag_problem(tag: object) -> str:
    """What is wrong with a language that a rule or a route names; empty where nothing is."""
    if isinstance(tag, str) and _TAG.fullmatch(tag) and primary_subtag(tag) in CODES | {"und"}:
        return ""
    meant = meant_code(tag) if isinstance(tag, str) else None
    hint = f"; did you mean {meant!r}?" if meant else ""
    return f"no article has the language {tag!r}; accepted: BCP 47 tags such as en, ar, zh-Hant{hint}"


def meant_code(written: str) -> str | None:
    """The code of the language that a word such as `englsh` or `eng` likely means; None where it is like none."""
    near = difflib.get_close_matches(written.lower(), _NAMES, n=1)
    return _NAMES[near[0]] if near else None


def words_by_rank(code: str) -> list[list[str]]:
    """The words of the list that wordfreq ships under a code; those at index n have the frequency 10 ** (-n / 100).
    Empty where there is no list."""
    import gzip

    import msgpack

    content = word_list_of(code)
    # As a stream it would take three times as long.
    return list(msgpack.unpackb(gzip.decompress(content))[1:]) if content else []


def word_list_of(code: str) -> bytes:
    """The list that wordfreq ships under a code, as it is packed; empty where there is none."""
    from importlib.util import find_spec
    from pathlib import Path

    # wordfreq itself takes longer to import than a list to read, for what it does besides.
    package = find_spec("wordfreq")
    path = Path(str(package and package.origin)).with_name("data") / f"small_{code}.msgpack.gz"
    return path.read_bytes() if path.is_file() else b""
