"""Title, body, date and more out of an HTML page."""

from __future__ import annotations

from newsflow.normalise.settle import settle_line, settle_text
from newsflow.normalise.title import split_title
from newsflow.normalise.values import Extracted


def extract_html(html: str | bytes, url: str | None) -> Extracted:
    """What an HTML page says. `url` is where it was fetched from. Never raises on bad markup; may be slow on it."""
    import trafilatura

    document = trafilatura.bare_extraction(html, url=url, fast=True, include_comments=False, with_metadata=True)
    if document is None:
        return Extracted()
    title, marks = split_title(document.title or "")
    lines = (settle_line(line) for line in settle_text(document.text or "").split("\n"))
    return Extracted(
        title=title,
        marks=marks,
        body="\n".join(line for line in lines if line),
        authors=tuple(part.strip() for part in (document.author or "").split(";") if part.strip()),
        canonical_url=document.url,
    )
