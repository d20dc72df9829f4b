"""Titles: the headline without the site's name, with marks such as `(فيديو)` kept apart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from newsflow.normalise.characters import compile_folded, fold, letters_of, tidy_line
from newsflow.normalise.markup import without_tags

# ruff: noqa: E501 - rows of words read best as rows


_MARK_WORDS = (
    "فيديو|الفيديو|بالفيديو|صور|الصور|بالصور|صورة|بالصورة|شاهد|صوت|بث مباشر|مباشر|مباشرة|خاص|حصري|إنفوغراف|انفوجراف|إنفوجرافيك|"
    "كاريكاتير|تحديث|محدث|videos?|photos?|pictures|gallery|watch|live|updated?|infographic|exclusive|видео|фото|инфографика|"
    "обновлено|відео|оновлено|vidéo|vídeo|bilder|fotostrecke|fotos?|galerie|galería|wideo|zdjęcia|video galeri|foto galeri|"
    "ویدئو|فیلم|تصاویر|عکس|تصویر|ویڈیو|וידאו|צפו|תמונות"
)
_MARK = re.compile(rf"\s*[(\[【]\s*((?:{_MARK_WORDS})(?:[\s+/و,،&:-][^()\[\]]{{0,30}})?)\s*[)\]】]\s*", re.IGNORECASE)
_LEADING_MARK = re.compile(
    r"((?:فيديو|بالفيديو|بالصور|شاهد|صور|عاجل|مباشر|بالفيديو والصور|فيديو وصور|خاص|حصري))\s*(?:[|:؛-]|\.\.+)\s*(?=\S)"
)
_SPLIT = re.compile(r"\s+([|–—\-·•›»:]{1,2}|//?|<|::)\s+|\s*(：|︱|│|｜|\|)\s*")
_WORD = re.compile(r"[^\W_]+")
_SITE_WORDS = compile_folded(
    r".*(?:\b(?:news|nachrichten|noticias|actualites?|zeitung|times|post|tv|online|magazine|daily|agency|haber\w*|gazete\w*|"
    r"новости|газета|онлайн|агентство|новини|wiadomosci|blog)\b|صحيفة|جريدة|موقع|وكالة|قناة|شبكة|اخبار|الاخبارية|نيوز|بوابة|خبرگزاری|"
    r"\w\.(?:com|net|org|de|ru|fr|uk|tv|info|ua|es|it|pl)\b|新聞|网|网|ニュース|뉴스|일보|신문).*"
)
MAX_CHARS = 600
_TITLE_RANK = {"json-ld": 0, "og:title": 1, "twitter:title": 2, "title": 3}


@dataclass(frozen=True, slots=True)
class Site:
    """What is known of a site's name: names as written, and its host."""

    names: tuple[str, ...] = ()
    host: str = ""


def tidy_title(title: str) -> str:
    """A title on one tidy line, without tags, cut at a length that no headline has."""
    return tidy_line(without_tags(title[: 10 * MAX_CHARS]))[:MAX_CHARS]


def split_title(title: str) -> tuple[str, tuple[str, ...]]:
    """A tidy title without its marks, and the marks (`فيديو إرم`). A title that is only a mark stays."""
    whole = tidy_title(title)
    marks = [match.group(1).strip() for match in _MARK.finditer(whole)]
    bare = tidy_line(_MARK.sub(" ", whole)) if marks else whole
    if leading := _LEADING_MARK.match(bare):
        marks.insert(0, leading.group(1))
        bare = bare[leading.end() :]
    return (bare, tuple(marks)) if bare else (whole, ())


def strip_site(
    title: str,
    site: Site,
    heads: Sequence[str] = (),
    others: Sequence[str] = (),
    suffixes: Iterable[str] = (),
    *,
    guess: bool = True,
) -> str:
    """A tidy title without the name of the site or section before or after it.

    `heads` are the page's headings, `others` other readings of the title: what is left after cutting at a separator
    is taken when it is one of them. Without such evidence only what looks like a name is cut; without `guess` a few
    words in capitals are none, since a headline may end with who said it. A source profile's `suffixes` are cut as
    they are.
    """
    title = _cut_suffixes(tidy_title(title), suffixes)
    if letters_of(title) in map(letters_of, heads):
        return title
    stated = {letters_of(other) for other in others} - {""}
    headed = {letters_of(head) for head in heads} - {""}
    for match in _SPLIT.finditer(title):
        left, right = title[: match.start()], title[match.end() :]
        if len(left) >= 10 and letters_of(left) in stated:
            return left.strip()
        if letters_of(left) in headed and 2 * len(left) < len(right) and not _names_site(right, site):
            return _cut_names(right.strip(), site, guess=guess)  # the heading is the site or the section
        if len(left) >= 10 and letters_of(left) in headed:
            return left.strip()
        if len(right) >= 10 and letters_of(right) in (stated | headed if len(right) >= len(left) else stated):
            return right.strip()
    return _cut_names(title, site, guess=guess)


def _cut_suffixes(title: str, suffixes: Iterable[str]) -> str:
    for suffix in suffixes:
        suffix = tidy_line(suffix)
        if suffix and title.endswith(suffix) and len(title) > len(suffix):
            return title[: -len(suffix)].rstrip(" |–—-·•›»:،")
    return title


def _cut_names(title: str, site: Site, *, guess: bool) -> str:
    while match := next(reversed(list(_SPLIT.finditer(title))), None):
        left, right = title[: match.start()].strip(), title[match.end() :].strip()
        if not left or not _is_name(right, left, match.group(1) or match.group(2), site, guess=guess):
            break
        title = left
    if (match := _SPLIT.search(title)) and _names_site(title[: match.start()], site):
        title = title[match.end() :].strip()
    before, colon, after = title.partition(": ")  # a place may stand there too, so only by the name itself
    return after if colon and letters_of(before) in map(letters_of, filter(None, site.names)) else title


def _is_name(right: str, left: str, separator: str, site: Site, *, guess: bool) -> bool:
    if _names_site(right, site):
        return True
    if len(left) < 8:
        return False
    words = len(right.split())
    if separator in ("|", "│", "｜", "︱", "›", "»", "::", "•", "·", "："):
        return words <= 6 and len(right) <= 45 and len(right) < len(left)
    if separator == ":" or len(right) > 40:
        return False
    return (_SITE_WORDS.fullmatch(fold(right)) is not None and words <= 5) or (
        guess and words <= 3 and len(right) <= 28 and 2 * len(right) < len(left) and _is_titled(right)
    )


def _is_titled(text: str) -> bool:
    """Whether each long word begins as a name does: in upper case, or in a script without case."""
    words = [word for word in _WORD.findall(text) if len(word) > 3 or text.count(" ") == 0]
    return bool(words) and all(not word[0].islower() and not word[0].isdigit() for word in words)


def _names_site(text: str, site: Site) -> bool:
    key = letters_of(text)
    if not key or len(text) > 60:
        return False
    names = {letters_of(name) for name in site.names} - {""}
    if key in names or any(len(name) > 3 and key.startswith(name) and len(key) < 2 * len(name) for name in names):
        return True
    host = letters_of(site.host)
    return (len(key) > 3 and key in host) or (
        len(text.split()) <= 4 and key.removeprefix("the") in host and len(key) > 5
    )


def choose_title(titles: dict[str, str], headings: Sequence[str], site: Site, suffixes: Sequence[str] = ()) -> str:
    """The best of a page's titles, tidy and without the site's name; empty when there is none.

    Two that agree win, JSON-LD and Open Graph before the rest; else the heading most like them. Where these agree with
    the title element, which is written for search engines, but JSON-LD or Open Graph state another headline, that is it.
    """
    raw = {name: tidy_title(title) for name, title in titles.items()}
    cut = (_cut_suffixes(tidy_title(head), suffixes) for head in headings[:8])
    tidy = [head for head in cut if len(head) > 3 and len(head) < 400]
    heads = [head for head in tidy if not _names_site(head, site)]
    found: dict[str, str] = {}
    for name in sorted(raw, key=lambda name: _TITLE_RANK.get(name, len(_TITLE_RANK))):
        others = [other for key, other in raw.items() if key != name]
        title = strip_site(raw[name], site, heads, others, suffixes)
        if title and not _names_site(title, site):
            found[name] = title
    if not found:
        return next(iter([*heads, *tidy]), "")
    voted = _vote(list(found.values()), heads)
    searched = letters_of(found.get("title", ""))
    if searched != letters_of(voted):
        return voted
    stated = (found[name] for name in ("json-ld", "og:title") if name in found)
    return next((title for title in stated if letters_of(title) != searched and _is_headline(title)), voted)


def _is_headline(title: str) -> bool:
    return len(_WORD.findall(title)) >= 3 or len(title) >= 15


def _vote(titles: list[str], heads: list[str]) -> str:
    keys = [letters_of(title) for title in titles]
    for head in heads:  # on the page and in its metadata
        if (key := letters_of(head)) in keys:
            return titles[keys.index(key)]
    for index, key in enumerate(keys):
        if keys.count(key) > 1:
            return titles[index]
    alike = max(heads, key=lambda head: _likeness(head, titles), default="")
    return alike if alike and _likeness(alike, titles) > 0.5 else titles[0]


def _likeness(head: str, titles: list[str]) -> float:
    words = set(_WORD.findall(fold(head)))
    others = [set(_WORD.findall(fold(title))) for title in titles]
    return max((len(words & other) / len(words | other) for other in others if words | other), default=0.0)
