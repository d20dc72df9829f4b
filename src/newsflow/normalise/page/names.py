"""What the names of an element (class, id and the like) say of it: furniture of a page, comments, the article's text.

A name is read by its words, and its last one says what it is of: `article-share` shares, while `sidebar-grid__content`
and `social-text` leave doubt, and then the text within decides.
"""

from __future__ import annotations

import re
from functools import lru_cache

from newsflow.normalise.page.outline import NEXT_NAME

# ruff: noqa: E501, SIM905 - rows of words read best as rows


COMMENTS, FOREIGN, FURNITURE, TEASER, CAPTION, HIDDEN, DOUBT, TEXT = (
    *("comments", "foreign", "furniture", "teaser", "caption", "hidden", "doubt", "text"),
)
_COMMENTS = frozenset(
    "comment comments disqus respond reply replies kommentar kommentare comentarios commentaires fbcomments commentlist "
    "commentform livefyre spotim discussion forum".split()
)
_FURNITURE = frozenset(
    "related relateds recommended recommendation recommendations recirc recirculation promo promos promotion outbrain taboola "
    "newsletter newsletters subscribe subscription signup share shares sharing sharer social socials sociable addthis sharedaddy "
    "sharebar cookie cookies consent gdpr breadcrumb breadcrumbs pagination pager nav navigation navbar menu submenu footer byline "
    "bylines author authors bio tags taglist caption captions credit credits copyright advert adverts ad ads advertisement "
    "advertising sponsor sponsored popup modal popmake pum noprint popular trending toolbar login search tweet disclaimer linklist "
    "readmore categories timestamp dateline donate donation factbox sidebar aside".split()
)
_FOREIGN = frozenset(
    "cookie cookies consent gdpr onetrust usercentrics borlabs newsletter newsletters breadcrumb breadcrumbs taboola outbrain "
    "sharedaddy addthis related recommended recirc popular trending".split()
)
"""What goes wherever it stands in a name."""
_WEAK = frozenset(
    "paywall sidebar rail widget widgets banner overlay embed meta metadata tag links more next previous prev topics category date "
    "print printonly toc feedback rating ratings".split()
)
_IMAGES = frozenset("image images img photo photos foto picture pictures bild gallery slideshow video".split())
_TEASERS = frozenset({"teaser", "teasers"})
_STATES = frozenset("no not has with without free non is open closed enabled disabled type".split())
"""A name that begins or ends so tells how an element is, not what it is."""
_POSTS = frozenset({"hentry", "status-publish", "type-post"})
_TAGGED = ("tag-", "category-")
"""So WordPress names an article by what it is about: `post hentry tag-cookies`."""
_TEXT = re.compile(
    r"(?:article|story|post|entry|news|page|content|main|single)[-_]*(?:body|text|content|copy)|^(?:fulltext|body-?copy)",
    re.IGNORECASE,
)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_MAX_CHARS, _MAX_WORDS = 80, 6
"""Names beyond are made by programs, of a headline or for a style."""


@lru_cache(maxsize=4096)
def kind_of(names: str) -> str:
    """What an element's names make of it, or nothing."""
    found = ""
    for pair in names.split(NEXT_NAME):
        attribute, _, value = pair.partition("=")
        if attribute == "style":
            found = HIDDEN if "display:none" in value.replace(" ", "") else found
        elif attribute in ("hidden", "aria-hidden"):
            found = found if value == "false" else HIDDEN
        elif attribute == "itemprop" and value == "articleBody":
            return TEXT
        else:
            named = value.split()
            is_post = not _POSTS.isdisjoint(named)
            for name in named:
                kind = "" if is_post and name.startswith(_TAGGED) else _kind_of_name(name)
                if kind in (COMMENTS, FOREIGN, FURNITURE, TEASER):
                    return kind
                found = found or kind
    return found


@lru_cache(maxsize=8192)
def _kind_of_name(name: str) -> str:
    name, _, modifier = name[:_MAX_CHARS].partition("--")
    words = _words(name)
    if not 1 <= len(words) <= _MAX_WORDS or words[0] in _STATES or words[-1] in _STATES or "live" in words:
        return ""
    if _COMMENTS & set(words):
        return COMMENTS
    if _FOREIGN & set(words) or words in (["sidebar"], ["aside"]):
        return FOREIGN
    if words[-1] in _FURNITURE:
        return FURNITURE
    if _TEASERS & set(words):
        return TEASER
    if words[-1] in _IMAGES:
        return CAPTION
    if words in (["hidden"], ["hide"]) or (_FURNITURE | _WEAK) & set(words):
        return DOUBT
    if _FURNITURE & set(_words(modifier)):
        return DOUBT
    return TEXT if _TEXT.search(name) else ""


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name)]
