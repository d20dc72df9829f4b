"""What makes two events be about one article, and the ids that follow from it."""

from __future__ import annotations

import hashlib

from newsflow.model import Article


def identity_keys(article: Article) -> tuple[str, ...]:
    """The names an article is known by, strongest first: its canonical URL, then (source, guid).

    Each is 32 hex digits. A page that moves to another URL but keeps its guid, or the other way round,
    shares one of them with what is known, and so stays the same article.
    """
    names = []
    if article.url:
        names.append(_hash("url", article.url))
    if article.guid:
        names.append(_hash("guid", article.source, article.guid))
    return tuple(names)


def article_id(article: Article) -> str:
    """The id of an article that is seen for the first time. ValueError when it has neither url nor guid."""
    keys = identity_keys(article)
    if not keys:
        raise ValueError(f"an article of {article.source!r} has neither url nor guid, at least one is needed")
    return keys[0]


def hash_content(article: Article) -> str:
    """32 hex digits over title and body: equal texts of one article are a repeat. Normalisation's own
    hash where there is one."""
    return article.content_hash or _hash("content", article.title, article.body)


def _hash(*parts: str) -> str:
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        state.update(len(raw).to_bytes(8, "big") + raw)
    return state.hexdigest()
