"""Canonical URLs: one name for one article, however it was linked; and the address that a reader can follow.

A canonical URL is a name, not a link: the scheme is always `http`, so that both schemes give one name. Path case, and
every parameter that may be an identifier, are kept: two articles never share a name.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes, urlsplit, urlunsplit

# ruff: noqa: E501, SIM905 - rows of words read best as rows


# Query parameters that say where a reader came from, and nothing about the article: by the beginning of their name, by
# their name, or by name and value together.
_PREFIXES = re.compile(
    r"(?:utm|itm|mtm|pk|piwik|matomo|hsa|vero|oly|mkt|mc|ga|_ga|_hs|hs|ns|at|wt|wt\.|xtor|guce|fb|ml|sc|sk|stm|"
    r"dm_i|trk|tracking|campaign|sponsor|referr?er|ito|cm_mmc|s_kwcid|ef|adj|ads?|aff|affiliate|gad|spm|scm)[_.]",
)
_NAMES = frozenset(
    # click ids
    "fbclid gclid gclsrc dclid gbraid wbraid msclkid yclid ysclid twclid ttclid igshid igsh li_fat_id mc_cid mc_eid "
    "fbc fbp zanpid wickedid irclickid rb_clickid _openstat scid srsltid epik rdt_cid sccid tduid vero_id vero_conv "
    # campaigns and places of a link
    "cmp cmpid cmpid2 campaign campaignid campaign_id icid ncid ocid scmpid smid smtyp smprod s_cid wt_mc wt_mc_o wt_zmc "
    "xtor xtref xts xtcr ref ref_ ref_src ref_url referer referrer source src sref sourceid traffic_source ito partner "
    "partnerid promo promoid promo_id mbid mod module_id feedtype feedname ftag ftcamp int_cmp intcmp intcid int_source "
    "share sharetype share_id shareid shared sharesource social soc_src soc_trk sr_share rss feed fsrc feature via "
    "from_rss originalreferer origref trk trkinfo tracking trackingid clickid click_id affid aff_id affiliate "
    "guccounter ga gi kw keyword_session emc email_source em_cid nl newsletter newsletterid recruiter cvid ocid2 pc form "
    # state of a reader, not of the page
    "phpsessid jsessionid sessionid session_id session sid aspsessionid _r _t _ts nocache cache cachebuster cb rnd rand "
    "random timestamp _ga _gl _gac _hsenc _hsmi _ke _kx _branch_match_id gaa_at gaa_n gaa_ts gaa_sig usg ved ei sa sca_esv "
    "print printable output outputtype platform mobile nomobile desktop amp __twitter_impression".split()
)
_BY_VALUE = frozenset("from s t cid eid ssm medium channel_source type view mode app".split())
_VALUES = re.compile(
    r"(?:rss\d?|feed|twitter|facebook|fb|whatsapp|telegram|newsletter|email|social|share|homepage)", re.I
)

MAX_URL_CHARS = 4096

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\s]+")
# http:// written once or more, and the ways it is commonly broken: http:/x, http//x, htp://x, http:\\x, http://:http://x
_SCHEME = re.compile(r"(?:(?:h?t{1,3}ps?|http?s)(?::+/*|;/+|/{2,})|:?/{2,})+", re.IGNORECASE)
_OTHER_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:(?!\d*(?:[/?#]|$))", re.IGNORECASE)
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_AMP_CACHE = re.compile(r"[a-z0-9-]+\.cdn\.ampproject\.org")
_AMP_CACHE_PATH = re.compile(r"/(?:[acivr]+)/(?:s/)?(?=[^/]+\.[^/]+)")
_GOOGLE_AMP = re.compile(r"/amp/(?:s/)?(?=[^/]+\.[^/]+/)")
_AMP_TAIL = re.compile(r"(?:[/.]amp(?:\.html?)?|/amp/index\.html?)/*$", re.IGNORECASE)
_AMP_PARAMS = {"amp", "amp_markup", "amp_js_v", "amp_gsa", "usqp", "isamp"}
_SAFE_PATH = "/!$&'()*+,;=:@~"
_SAFE_QUERY = "/!$'()*,;:@~?"
_HOME_SEGMENT = re.compile(
    r"/(?:[a-z]{2}(?:[-_][a-z]{2})?|index\.(?:html?|php|aspx?)|home|default\.aspx|global|arabic|english)?/?",
    re.IGNORECASE,
)
_WWW = re.compile(r"www\d?|m|mobile|amp|wap")
_SECOND_LEVEL = frozenset({"co", "com", "net", "org", "gov", "gob", "gouv", "edu", "ac", "mil", "or", "ne", "go", "in"})


def canonicalise_url(url: str) -> str:
    """The canonical form of an absolute web URL (ASCII; percent-encoded UTF-8; applying it twice changes nothing).

    Repairs doubled and broken schemes, backslashes and empty ports; unwraps AMP caches; drops `www.`, `m.`
    and AMP forms, fragments, credentials, default ports, trailing slashes, tracking and valueless parameters;
    sorts the other parameters. Raises ValueError, naming the value, on what is not a web URL.
    """
    text = _CONTROL.sub("", url).replace("&amp;", "&")
    shown = repr(url if len(url) <= 100 else url[:100] + "…")
    if not text or len(text) > MAX_URL_CHARS:
        raise ValueError(f"not a web URL: {shown}; expected http(s)://host/path, {MAX_URL_CHARS} characters or less")
    try:
        return _canonicalise(text)
    except ValueError as error:
        raise ValueError(f"not a web URL: {shown} ({error}); expected http(s)://host/path") from None


def is_homepage(url: str) -> bool:
    """Whether a canonical URL names a site's front page (or that of one of its languages), and not an article."""
    host_and_path, _, query = url.partition("://")[2].partition("?")
    return not query and _HOME_SEGMENT.fullmatch("/" + host_and_path.partition("/")[2]) is not None


def _canonicalise(text: str) -> str:
    for _ in range(4):
        authority, path, query = _split(text)
        inner = _unwrap_amp(authority, path)
        if inner is None:
            break
        text = inner + (f"?{query}" if query else "")
    host = _canonical_host(authority)
    return f"http://{host}{_canonical_path(path)}{_canonical_query(query)}"


def _split(text: str) -> tuple[str, str, str]:
    """Authority, path (from its first slash) and query of a URL; the fragment is left out."""
    text = text.partition("#")[0]
    before, _, query = text.partition("?")
    before = before.replace("\\", "/")
    match = _SCHEME.match(before)
    if match:
        before = before[match.end() :]
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


def _canonical_host(authority: str) -> str:
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
    segments: list[str] = []
    for segment in _recode(path, _SAFE_PATH).split("/"):
        if segment == "..":
            segments = segments[:-1]
        elif segment not in ("", "."):
            segments.append(segment)
    joined = "/" + "/".join(segments)
    stripped = _AMP_TAIL.sub("", joined)
    while stripped != joined and stripped:
        joined, stripped = stripped, _AMP_TAIL.sub("", stripped)
    if joined.lower().startswith("/amp/"):
        joined = joined[4:]
    return joined


def _canonical_query(query: str) -> str:
    kept = set()
    for part in query.split("&"):
        name, _, value = part.partition("=")
        name, value = _recode(name.replace("+", " "), _SAFE_QUERY), _recode(value.replace("+", " "), _SAFE_QUERY)
        if not _is_noise(name, value):
            kept.add(f"{name}={value}" if value else name)
    return "?" + "&".join(sorted(kept)) if kept else ""


def _is_noise(name: str, value: str) -> bool:
    lowered = name.lower()
    if lowered in _NAMES or _PREFIXES.match(lowered):
        return True
    if not value:  # ?12345 is an identifier, ?print is not
        return not any(map(str.isdigit, name))
    if lowered in _BY_VALUE and _VALUES.fullmatch(value):
        return True
    return lowered in _AMP_PARAMS or value.lower() == "amp"


@lru_cache(maxsize=4096)
def _recode(text: str, safe: str) -> str:
    """The text percent-encoded in one way: only what must be, in UTF-8 and upper case."""
    if text.isascii() and text.replace("-", "").replace("/", "").isalnum():
        return text
    parts = re.split(r"(%[0-9A-Fa-f]{2})", text)
    return "".join(_recode_escape(part) if index % 2 else quote(part, safe=safe) for index, part in enumerate(parts))


def _recode_escape(escape: str) -> str:
    char = chr(int(escape[1:], 16))
    return char if char.isascii() and (char.isalnum() or char in "-._~") else escape.upper()


def link_of(canonical: str, published: object) -> str:
    """An address that a reader can follow: `canonical` with the scheme and `www.` of `published`, an address of its host.

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
