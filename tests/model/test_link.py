"""Links keep what a canonical name leaves out, and nothing else."""

from __future__ import annotations

import pytest

from newsflow.model.url import canonicalise_url, link_of


@pytest.mark.parametrize(
    ("published", "link"),
    [
        ("https://www.a.example/1?utm_source=x", "https://www.a.example/1"),
        ("HTTPS://WWW.A.example/1#top", "https://www.a.example/1"),
        ("http://a.example/1", "http://a.example/1"),
        ("https://m.a.example/1", "https://a.example/1"),
        ("https://a.example:8443/1", "https://a.example:8443/1"),
        ("https://other.example/1", None),
        ("ftp://a.example/1", None),
        ("https://[::1", None),
        ("", None),
        (None, None),
        (7, None),
    ],
)
def test_scheme_and_www_come_back(published: object, link: str | None) -> None:
    canonical = "http://a.example:8443/1" if published == "https://a.example:8443/1" else "http://a.example/1"
    assert link_of(canonical, published) == (link or canonical)


def test_a_link_has_the_same_name() -> None:
    for url in ("https://www.a.example/1?utm_source=x", "http://a.example/?p=3", "https://amp.a.example/2024/x"):
        canonical = canonicalise_url(url)
        assert canonicalise_url(link_of(canonical, url)) == canonical
