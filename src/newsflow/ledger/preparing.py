"""What can be worked out of a candidate alone, before any lock is held."""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from newsflow.dedup.decide import Incoming
from newsflow.dedup.fingerprint import Fingerprint, fingerprint
from newsflow.dedup.identity import base_language, hash_content, identity_keys
from newsflow.model import Action, Article, Candidate, Event, Reason, Rejected

STAGE = "Deduplicate"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A candidate with its names, its state and its fingerprint. `incoming` is None where it was rejected."""

    event: Event
    result: Article | Rejected
    names: tuple[str, ...] = ()
    incoming: Incoming | None = None
    language: str = "und"
    print: Fingerprint | None = None


def prepare(candidate: Candidate) -> Prepared:
    """Fingerprint and identity of a candidate. An article that cannot be kept becomes a `Rejected`: none may fail
    the batch it is in."""
    try:
        return _prepare(candidate)
    except Exception as error:
        message = f"the article cannot be fingerprinted: {error}"
        return Prepared(candidate.event, Rejected(Reason.TRANSFORM_ERROR, message, STAGE, type(error).__qualname__))


def _prepare(candidate: Candidate) -> Prepared:
    event, article = candidate.event, candidate.result
    if isinstance(article, Rejected):
        return Prepared(event, article)
    names = identity_keys(article)
    if not names:
        return Prepared(event, Rejected(Reason.SCHEMA_VIOLATION, "neither url nor guid, at least one is needed", STAGE))
    unwritable = _find_unwritable(article)
    if unwritable is not None:
        return Prepared(event, unwritable)
    withdraw = article.action is Action.WITHDRAW
    incoming = Incoming(withdraw, hash_content(article), candidate.fetched_at, candidate.publisher_version)
    language = base_language(article.language)
    text = None if withdraw else fingerprint(article.title, article.body)
    return Prepared(event, article, names, incoming, language, text)


def _find_unwritable(article: Article) -> Rejected | None:
    """Why an article has no bytes, before it could fail its whole batch; much cheaper than writing them."""
    texts = (article.source, article.url, article.guid, article.title, article.body, article.authors, article.agency)
    try:
        orjson.dumps((*texts, article.language, article.published.text, dict(article.raw)))
    except TypeError as error:
        message = f"the article has no form as JSON in UTF-8: {error}"
        return Rejected(Reason.TRANSFORM_ERROR, message, STAGE, type(error).__qualname__)
    return None
