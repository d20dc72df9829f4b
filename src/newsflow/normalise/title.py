"""Titles: the headline without the site's name, marks such as `(فيديو)` kept apart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from newsflow.normalise.characters import fold, fold_pattern, settle_line

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
_PARTS = re.compile(r"[^\W_]+")
_SITE_WORDS = re.compile(
    fold_pattern(
        r".*(?:\b(?:news|nachrichten|noticias|actualites?|zeitung|times|post|tv|online|magazine|daily|agency|haber\w*|gazete\w*|"
        r"новости|газета|онлайн|агентство|новини|wiadomosci|blog)\b|صحيفة|جريدة|موقع|وكالة|قناة|شبكة|اخبار|الاخبارية|نيوز|بوابة|خبرگزاری|"
        r"\w\.(?:com|net|org|de|ru|fr|uk|tv|info|ua|es|it|pl)\b|新聞|网|网|ニュース|뉴스|일보|신문).*"
    )
)


@dataclass(frozen=True, slots=True)
class Site:
    """What is known of the site's name: names as written, and its host."""

    names: tuple[str, ...] = ()
    host: str = ""


_TAGS = re.compile(r"<(script|style)\b[^<>]*>.{0,2000}?</\1\s*>|</?[a-zA-Z][^<>]{0,300}>", re.DOTALL | re.IGNORECASE)
MAX_CHARS = 600


def tidy_title(title: str) -> str:
    """A title settled onto one line, without tags, cut at a length that no headline has."""
    return settle_line(_TAGS.sub("", title[: 10 * MAX_CHARS]))[:MAX_CHARS]


def split_title(title: str) -> tuple[str, tuple[str, ...]]:
    """A settled title without its marks, and the marks (`فيديو إرم`). A title that is only a mark stays."""
    settled = tidy_title(title)
    marks = [match.group(1).strip() for match in _MARK.finditer(settled)]
    bare = settle_line(_MARK.sub(" ", settled)) if marks else settled
    if leading := _LEADING_MARK.match(bare):
        marks.insert(0, leading.group(1))
        bare = bare[leading.end() :]
    return (bare, tuple(marks)) if bare else (settled, ())


def strip_site(
    title: str, site: Site, heads: Sequence[str] = (), others: Sequence[str] = (), suffixes: Iterable[str] = ()
) -> str:
    """A settled title without the site's or the section's name before or behind it.

    `heads` are the page's headings, `others` other readings of the title: what is left after cutting at a separator
    is taken when it is one of them. Without such evidence only what looks like a name is cut. `suffixes` (of a source
    profile) are cut as they are.
    """
    title = _cut_suffixes(tidy_title(title), suffixes)
    if _key(title) in {_key(head) for head in heads}:
        return title
    known = {_key(other) for other in (*heads, *others)} - {""}
    cuts = [(match.start(), match.end(), match.group(1) or match.group(2)) for match in _SPLIT.finditer(title)]
    for start, end, _ in cuts:
        for part in (title[:start], title[end:]):
            if len(part) >= 10 and _key(part) in known:
                return part.strip()
    return _cut_names(title, site)


def _cut_suffixes(title: str, suffixes: Iterable[str]) -> str:
    for suffix in suffixes:
        settled = settle_line(suffix)
        if settled and title.endswith(settled) and len(title) > len(settled):
            return title[: -len(settled)].rstrip(" |–—-·•›»:،")
    return title


def _cut_names(title: str, site: Site) -> str:
    while match := next(reversed(list(_SPLIT.finditer(title))), None):
        left, right, sign = (
            title[: match.start()].strip(),
            title[match.end() :].strip(),
            match.group(1) or match.group(2),
        )
        if not left or not _is_name(right, left, sign, site):
            break
        title = left
    if (match := _SPLIT.search(title)) and _names_site(title[: match.start()], site):
        title = title[match.end() :].strip()
    return title


def _is_name(right: str, left: str, sign: str, site: Site) -> bool:
    if len(left) < 8 and not _names_site(right, site):
        return False
    if _names_site(right, site):
        return True
    words = len(right.split())
    if sign in ("|", "│", "｜", "︱", "›", "»", "::", "•", "·", "："):
        return words <= 6 and len(right) <= 45 and len(right) < len(left)
    if sign == ":" or len(right) > 40:
        return False
    return (_SITE_WORDS.fullmatch(fold(right)) is not None and words <= 5) or (
        words <= 3 and len(right) <= 28 and 2 * len(right) < len(left) and _is_titled(right)
    )


def _is_titled(text: str) -> bool:
    """Whether each word of some length begins as a name does: upper case, or a script without case."""
    words = [word for word in _PARTS.findall(text) if len(word) > 3 or text.count(" ") == 0]
    return bool(words) and all(not word[0].islower() and not word[0].isdigit() for word in words)


def _names_site(text: str, site: Site) -> bool:
    key = _key(text)
    if not key or len(text) > 60:
        return False
    names = {_key(name) for name in site.names} - {""}
    if key in names or any(len(name) > 3 and key.startswith(name) and len(key) < 2 * len(name) for name in names):
        return True
    host = _key(site.host)
    return (len(key) > 3 and key in host) or (
        len(text.split()) <= 4 and key.removeprefix("the") in host and len(key) > 5
    )


def _key(text: str) -> str:
    """For comparing: folded, letters and digits only."""
    return "".join(_PARTS.findall(fold(text)))


def choose_title(titles: dict[str, str], headings: Sequence[str], site: Site, suffixes: Iterable[str] = ()) -> str:
    """The best of a page's titles, settled and without the site's name; empty when there is none.

    Two that agree win, JSON-LD and Open Graph before the rest; else the heading that most resembles them.
    """
    suffixes = tuple(suffixes)
    raw = {name: tidy_title(title) for name, title in titles.items()}
    heads = [head for head in map(tidy_title, headings[:8]) if len(head) > 3 and len(head) < 400]
    candidates: list[tuple[str, str]] = []
    for name in ("json-ld", "og:title", "twitter:title", "title", *raw):
        if raw.get(name) and name not in dict(candidates):
            others = [other for key, other in raw.items() if key != name]
            candidates.append((name, strip_site(raw[name], site, heads, others, suffixes)))
    candidates = [(name, title) for name, title in candidates if title and not _names_site(title, site)]
    if not candidates:
        return heads[0] if heads else ""
    return _vote([title for _, title in candidates], heads)


def _vote(titles: list[str], heads: list[str]) -> str:
    keys = [_key(title) for title in titles]
    for head in heads:  # what is on the page and in its metadata
        if (key := _key(head)) in keys:
            return titles[keys.index(key)]
    for index, key in enumerate(keys):
        if keys.count(key) > 1:
            return titles[index]
    alike = max(heads, key=lambda head: _likeness(head, titles), default="")
    return alike if alike and _likeness(alike, titles) > 0.5 else titles[0]


def _likeness(head: str, titles: list[str]) -> float:
    words = set(_PARTS.findall(fold(head)))
    others = [set(_PARTS.findall(fold(title))) for title in titles]
    return max((len(words & other) / len(words | other) for other in others if words | other), default=0.0)
