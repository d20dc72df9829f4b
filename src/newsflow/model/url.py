"""Canonical URLs: one name for one article, however it was linked; and the address that a reader can follow.

A canonical URL is a name, not a link: the scheme is always `http`, so that both schemes give one name. Path case, and
every parameter that may be an identifier, are kept: two articles never share a name. Which parameters are none is said
in `newsflow.model.parameters`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Container, Iterator
from functools import lru_cache
from typing import NamedTuple, TypeVar
from urllib.parse import quote, unquote_to_bytes, urlsplit, urlunsplit

from newsflow.model.parameters import Verdict, judge

T = TypeVar("T")

MAX_URL_CHARS = 4096

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")
# http:// written once or more, and the ways it is commonly broken: http:/x, http//x, htp://x, http:\\x, http://:http://x
_SCHEME = re.compile(r"(?:(?:h?t{1,3}ps?|http?s)(?::+/*|;/+|/{2,})|:?/{2,})+", re.IGNORECASE)
_OTHER_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:(?!\d*(?:[/?#]|$))", re.IGNORECASE)
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_AMP_CACHE = re.compile(r"[a-z0-9-]+\.cdn\.ampproject\.org")
_AMP_CACHE_PATH = re.compile(r"/(?:[acivr]+)/(?:s/)?(?=[^/]+\.[^/]+)")
_GOOGLE_AMP = re.compile(r"/amp/(?:s/)?(?=[^/]+\.[^/]+/)")
_AMP_TAIL = re.compile(r"(?:[/.]amp(?:\.html?)?|/amp/index\.html?)/*$", re.IGNORECASE)
_AMP_SEGMENTS = frozenset({"amp", "amphtml"})
_SESSION_IN_PATH = re.compile(r";(?:jsessionid|phpsessid)=[^/;]*", re.IGNORECASE)
_SESSION_SEGMENT = re.compile(r"\((?:[A-Z]\([A-Za-z0-9]{20,}\))+\)")  # /(S(…))/ of ASP.NET
_BETWEEN_PARAMETERS, _SECOND_MARK = re.compile(r"&(?:amp;)*"), re.compile(r"\?(?=[^?&=]+=)")
_SAFE_PATH = "/!$&'()*+,;=:@~"
_SAFE_QUERY = "/!$'()*,;:@~?"
_HOME_SEGMENT = re.compile(
    r"/(?:[a-z]{2}(?:[-_][a-z]{2})?|index\.(?:html?|php|aspx?)|home|default\.aspx|global|arabic|english)?/?",
    re.IGNORECASE,
)
_WWW = re.compile(r"www\d?|m|mobile|amp|wap")
_SECOND_LEVEL = frozenset({"co", "com", "net", "org", "gov", "gob", "gouv", "edu", "ac", "mil", "or", "ne", "go", "in"})


class _Every:
    """Holds every name."""

    def __contains__(self, name: object) -> bool:
        return True


EVERY: Container[str] = _Every()
_NONE: Container[str] = frozenset()


def canonicalise_url(url: str, keep: Container[str] = _NONE, drop: Container[str] = _NONE) -> str:
    """The canonical form of an absolute web URL (ASCII; percent-encoded UTF-8; applying it twice changes nothing).

    Repairs doubled and broken schemes, backslashes, empty ports and a second `?`; unwraps AMP caches; drops `www.`,
    `m.` and AMP forms, sessions in paths, fragments (but routes: `/#!/news/1`), credentials, default ports, trailing
    slashes and parameters that name nothing; sorts the others. `keep` and `drop` are names of parameters, in lower
    case, that count all the same, or do not. Raises ValueError, naming the value, on what is not a web URL.
    """
    return _checked(url, lambda: _parsed(url)).name(keep, drop)


def doubtful_parameters(url: str) -> dict[str, str]:
    """The parameters, name (in lower case) and values, that the canonical form leaves out because of their values.
    Raises ValueError as `canonicalise_url`."""
    parsed = _checked(url, lambda: _parsed(url))
    found: dict[str, str] = {}
    for name, value, _ in parsed.parameters:
        if judge(name, value, parsed.host) is Verdict.DOUBTFUL:
            found[name.lower()] = f"{found[name.lower()]}&{value}" if name.lower() in found else value
    return found


def _checked(url: str, work: Callable[[], T]) -> T:
    shown = repr(url if len(url) <= 100 else url[:100] + "…")
    if not url.strip() or len(url) > MAX_URL_CHARS:
        raise ValueError(f"not a web URL: {shown}; expected http(s)://host/path, {MAX_URL_CHARS} characters or less")
    try:
        return work()
    except ValueError as error:
        raise ValueError(f"not a web URL: {shown} ({error}); expected http(s)://host/path") from None


def is_homepage(url: str) -> bool:
    """Whether a canonical URL names a site's front page (or that of one of its languages), and not an article."""
    host_and_path, _, query = url.partition("://")[2].partition("?")
    return not query and _HOME_SEGMENT.fullmatch("/" + host_and_path.partition("/")[2]) is not None


class _Parsed(NamedTuple):
    """A URL in canonical parts; all its parameters, each with name, value and whether it has a `=`."""

    host: str
    path: str
    parameters: tuple[tuple[str, str, bool], ...]
    fragment: str

    def name(self, keep: Container[str], drop: Container[str]) -> str:
        kept = {
            f"{name}={value}" if value else name
            for name, value, assigned in self.parameters
            if self._counts(name, value, assigned, keep, drop)
        }
        query = "?" + "&".join(sorted(kept)) if kept else ""
        route = f"#{self.fragment}" if self._is_routed() else ""
        return f"http://{self.host}{self.path}{query}{route}"

    def _is_routed(self) -> bool:
        """Whether the fragment names a page: that of a site of one page does, and so may a number behind `#!`."""
        if not self.fragment or _HOME_SEGMENT.fullmatch(self.path):
            return bool(self.fragment)
        return self.fragment.startswith("!") and any(map(str.isdigit, self.fragment))

    def _counts(self, name: str, value: str, assigned: bool, keep: Container[str], drop: Container[str]) -> bool:
        # ?12345= and ?harbour-wall= are identifiers, ?empty= is not.
        if not value and assigned and not any(char.isdigit() or char == "-" for char in name):
            return False
        return name.lower() in keep or (name.lower() not in drop and judge(name, value, self.host) is Verdict.KEPT)


def _parsed(url: str) -> _Parsed:
    text = _CONTROL.sub("", url).strip().replace("&amp;", "&")
    fragment = text.partition("#")[2]
    authority, path, query = unwrapped(text)
    parts = tuple(_parameters(query)) if query else ()
    route = recode(fragment, _SAFE_QUERY + "=&").rstrip("/") if fragment[:1] in ("!", "/") else ""
    return _Parsed(canonical_host(authority), _canonical_path(path.strip()), parts, route if route.strip("!/") else "")


def unwrapped(text: str) -> tuple[str, str, str]:
    for _ in range(4):
        authority, path, query = _split(text)
        inner = _unwrap_amp(authority, path)
        if inner is None:
            break
        text = inner + (f"?{query}" if query else "")
    return authority, path, query


def _split(text: str) -> tuple[str, str, str]:
    """Authority, path (from its first slash) and query of a URL; the fragment is left out."""
    text = text.partition("#")[0]
    before, _, query = text.partition("?")
    before = before.replace("\\", "/")
    match = _SCHEME.match(before)
    if match:
        before = before[match.end() :].lstrip(" /")
    elif _OTHER_SCHEME.match(before):
        raise ValueError("the scheme is not http or https")
    elif "." not in before.partition("/")[0]:
        raise ValueError("no host")
    authority, slash, path = before.partition("/")
    return authority, slash + path, query


def _unwrap_amp(authority: str, path: str) -> str | None:
    host = authority.lower()
    if _AMP_CACHE.fullmatch(host):
        match = _AMP_CACHE_PATH.match(path)
    elif host in ("www.google.com", "google.com"):
        match = _GOOGLE_AMP.match(path)
    else:
        return None
    return "//" + path[match.end() :] if match else None


def canonical_host(authority: str) -> str:
    host = authority.rpartition("@")[2].lower()
    if host.startswith("["):
        return _ipv6_host(host)
    host, _, port = host.partition(":")
    if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(f"not a port: {port[:20]!r}")
    host = _ascii_host(host.strip("."))
    labels = host.split(".")
    if len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(f"not a host name: {host[:60]!r}")
    if labels[-1].isdigit():
        return str(ipaddress.IPv4Address(host)) + _port_suffix(port)
    return _without_variant(labels) + _port_suffix(port)


def _ipv6_host(host: str) -> str:
    address, bracket, rest = host[1:].partition("]")
    if not bracket or (rest and not rest.startswith(":")):
        raise ValueError("not an IPv6 address")
    return f"[{ipaddress.IPv6Address(address)}]{_port_suffix(rest[1:])}"


def _port_suffix(port: str) -> str:
    if port and not (port.isascii() and port.isdigit()):
        raise ValueError(f"not a port: {port[:20]!r}")
    return "" if not port or int(port) in (80, 443) else f":{int(port)}"


def _ascii_host(host: str) -> str:
    if "%" in host:
        host = unquote_to_bytes(host).decode("utf-8").lower()
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise ValueError("a host name that cannot be encoded") from None


def _without_variant(labels: list[str]) -> str:
    while len(labels) > 2 and _WWW.fullmatch(labels[0]) and not _is_suffix(labels[1:]):
        labels = labels[1:]
    if len(labels) > 3 and labels[1] in ("m", "amp"):  # en.m.example.org
        labels = [labels[0], *labels[2:]]
    return ".".join(labels)


def _is_suffix(labels: list[str]) -> bool:
    """Whether these labels are a public suffix such as `co.uk`, under which names are registered."""
    return len(labels) == 1 or (len(labels) == 2 and len(labels[1]) == 2 and labels[0] in _SECOND_LEVEL)


def _canonical_path(path: str) -> str:
    segments = _segments(path)
    last = len(segments) - 1
    segments = [
        segment
        for place, segment in enumerate(segments)
        if not (place < last and segment.lower() in _AMP_SEGMENTS) and not _SESSION_SEGMENT.fullmatch(segment)
    ]
    return without_amp_tail("/" + "/".join(segments))


def _segments(path: str) -> list[str]:
    segments: list[str] = []
    for segment in _SESSION_IN_PATH.sub("", recode(path, _SAFE_PATH)).split("/"):
        if segment == "..":
            segments = segments[:-1]
        elif segment not in ("", "."):
            segments.append(segment)
    return segments


def without_amp_tail(path: str) -> str:
    stripped = _AMP_TAIL.sub("", path)
    while stripped != path and stripped:
        path, stripped = stripped, _AMP_TAIL.sub("", stripped)
    return path


def _parameters(query: str) -> Iterator[tuple[str, str, bool]]:
    for part in _BETWEEN_PARAMETERS.split(query):
        # `?id=7?utm_source=x` is two parameters; an address in a value has a `?` of its own.
        before, scheme, after = part.partition("://")
        pieces = _SECOND_MARK.split(before)
        pieces[-1] += scheme + after
        for piece in filter(None, pieces):
            name, assigned, value = piece.partition("=")
            yield recode_plus(name), recode_plus(value), bool(assigned)


def recode_plus(text: str) -> str:
    return recode(text.replace("+", " "), _SAFE_QUERY)


@lru_cache(maxsize=4096)
def recode(text: str, safe: str) -> str:
    """The text percent-encoded in one way: only what must be, in UTF-8 and upper case."""
    if text.isascii() and text.replace("-", "").replace("/", "").isalnum():
        return text
    parts = re.split(r"(%[0-9A-Fa-f]{2})", text)
    return "".join(_recode_escape(part) if index % 2 else quote(part, safe=safe) for index, part in enumerate(parts))


def _recode_escape(escape: str) -> str:
    char = chr(int(escape[1:], 16))
    return char if char.isascii() and (char.isalnum() or char in "-._~") else escape.upper()


def link_of(canonical: str, published: object) -> str:
    """An address that a reader can follow: `canonical` with the scheme and `www.` of `published`, of the same host.

    A canonical URL leaves both out, since they do not tell articles apart; some sites answer only with them.
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
        # Another host (m., amp.) leads to the same article, and if it speaks TLS, so does the site.
        return urlunsplit(name._replace(scheme=given.scheme.lower())) if host.endswith(f".{bare}") else canonical
    netloc = ("www." if host.startswith("www.") else "") + name.netloc.removeprefix("www.")
    return urlunsplit(name._replace(scheme=given.scheme.lower(), netloc=netloc))
