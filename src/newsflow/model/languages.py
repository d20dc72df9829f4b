"""Language tags (BCP 47): the language a tag names, the codes that name one language, and close relatives."""

from __future__ import annotations

import re

_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?![^_-])")

SAME_LANGUAGE = {"nb": "no", "nn": "no", "iw": "he", "in": "id", "arz": "ar", "ary": "ar", "sh": "sr"}
"""Withdrawn codes, written standards and dialects, and the code we use for their language."""

COVERED_BY = {
    "tl": "fil", "arb": "ar", "apc": "ar", "prs": "fa", "pes": "fa", "ku": "ckb", "azj": "az", "cmn": "zh", "yue": "zh",
    "cnr": "sr", "ekk": "et", "zsm": "ms", "pnb": "ur",
}  # fmt: skip
"""Languages that we have no words for, and the one whose words serve them."""

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
