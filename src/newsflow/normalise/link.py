"""The address a reader can follow. A canonical URL names an article; it need not answer.

Canonical forms leave out what does not tell articles apart: `https`, `www.`. Some sites answer only with them, so what
is emitted takes both back from the address that the publisher gave.
"""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit


def link_of(canonical: str, published: object) -> str:
    """`canonical` with the scheme and the `www.` of `published`, where that is an address of the same host.

    `link_of("http://a.example/1", "https://www.a.example/1?utm_source=x")` is `https://www.a.example/1`.
    """
    if not isinstance(published, str):
        return canonical
    try:
        name, given = urlsplit(canonical), urlsplit(published.strip())
        host = given.hostname or ""
    except ValueError:
        return canonical
    bare = (name.hostname or "").removeprefix("www.")
    if given.scheme.lower() not in ("http", "https") or not bare:
        return canonical
    if host.removeprefix("www.") != bare:
        # Another host (m., amp.) leads to the same article; that it speaks TLS says that its site does.
        return urlunsplit(name._replace(scheme=given.scheme.lower())) if host.endswith(f".{bare}") else canonical
    netloc = name.netloc.removeprefix("www.")
    return urlunsplit(
        name._replace(scheme=given.scheme.lower(), netloc=f"www.{netloc}" if host.startswith("www.") else netloc)
    )
